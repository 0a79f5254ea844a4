/* Names in a certificate. Private to gate.
 *
 * A name is taken whole or not at all: what holds a zero byte or another control character, or is
 * no text, is no name. */
#ifndef GATE_CERTIFICATE_H
#define GATE_CERTIFICATE_H

#include <openssl/x509.h>

#include "base/buf.h"
#include "base/check.h"
#include "gate/tls.h"

/* Appends the name. Errors: ERR_NOT_FOUND: there is none; ERR_INVALID: it is no name; ERR_FULL: it
 * is longer than the buffer allows. */
MUST_USE int certificate_name(const X509 *x, const struct tls_name_rule *rule, struct buf *out);

/* The same for a look: its subject, its issuer, or from when to when it is valid. */
MUST_USE int certificate_part(const X509 *x, enum tls_part part, struct buf *out);

#endif
