/* The inside of TLS: what the sockets of a shard share. Private to gate.
 *
 * Owner: one shard. */
#ifndef GATE_TLS_PARTS_H
#define GATE_TLS_PARTS_H

#include <openssl/ssl.h>

#include "gate/tls.h"

enum {
    TLS_RECORD_MAX = 16 * 1024,         /* plain bytes in a record */
    TLS_RECORD_SPACE = 16 * 1024 + 512, /* what it takes encrypted, at most */
    TLS_BLOCK_SIZE = 64 * 1024,         /* encrypted, written at a time */
    TLS_AREA_SIZE = 128 * 1024,         /* encrypted, read at a time */
};

struct tls_terms {
    SSL_CTX *ctx;
};

struct tls {
    struct io *io;
    struct tls_terms *terms;
    BIO_METHOD *bio; /* how OpenSSL reads and writes a socket of ours */
    size_t socket_count;
    uint8_t *area;  /* TLS_AREA_SIZE: lent for one reading */
    uint8_t *block; /* TLS_BLOCK_SIZE: lent for one writing */
    uint8_t *plain; /* TLS_RECORD_MAX: small pieces come together here */
};

/* Why OpenSSL refused something: the first of its reasons, as words; then they are forgotten. */
const char *tls_reason(void);

#endif
