/* Certificates of clients that their authority has taken back: lists of them (CRL). Private to the
 * room.
 *
 * Owner: who makes the terms. */
#ifndef GATE_REVOKED_H
#define GATE_REVOKED_H

#include <openssl/ssl.h>

#include "base/bytes.h"
#include "base/check.h"
#include "gate/tls_settings.h"

/* Reads the lists, PEM one behind the other, into the store of the terms.
 * Errors: ERR_NOT_FOUND, there is none; ERR_INVALID, tls_reason() knows more. */
MUST_USE int revoked_read(SSL_CTX *ctx, struct bytes pem);

/* What is looked up in them. The verify mode of the terms is set before. */
void revoked_check(SSL_CTX *ctx, enum tls_crl_check check);

#endif
