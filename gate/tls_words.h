/* What a connection of TLS has agreed on, in RabbitMQ's words. Private to gate.
 *
 * Plain functions. */
#ifndef GATE_TLS_WORDS_H
#define GATE_TLS_WORDS_H

#include <openssl/ssl.h>

#include "gate/tls.h"

/* The handshake is done. */
void tls_words_of(const SSL *ssl, struct tls_words *out);

#endif
