/* One socket of TLS, as its neighbours see it. Private to gate. */
#ifndef GATE_TLS_SOCKET_H
#define GATE_TLS_SOCKET_H

#include <openssl/ssl.h>

/* How OpenSSL reads and writes one; for tls_accept(), by BIO_meth_free(). */
BIO_METHOD *tls_socket_bio(void);

/* Sees each message of a handshake and each alert: counts what nobody needs so many of. */
void tls_socket_on_message(int is_sent, int version, int content_type, const void *data,
                           size_t size, SSL *ssl, void *arg);

#endif
