/* Certificates and keys for tests, made on the spot. */
#ifndef TESTS_UNIT_GATE_IDENTITY_H
#define TESTS_UNIT_GATE_IDENTITY_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

/* The simulated world begins on 2026-01-01. */
#define IDENTITY_NOW INT64_C(1767225600)
#define IDENTITY_DAY INT64_C(86400)

struct identity {
    X509 *certificate;
    EVP_PKEY *key;
};

struct identity_spec {
    const char *name;              /* its common name */
    X509_NAME *subject;            /* instead of it; freed here */
    const struct identity *issuer; /* NULL: itself */
    bool is_authority;
    const char *alternatives; /* "DNS:localhost,IP:127.0.0.1", or NULL */
    int64_t from_s;           /* 0: yesterday */
    int64_t until_s;          /* 0: in a month */
};

struct identity identity_new(const struct identity_spec *spec);
void identity_release(struct identity *id);

/* In PEM, new memory. */
char *identity_certificate(const struct identity *id);
/* With a password, or NULL. */
char *identity_key(const struct identity *id, const char *password);

#endif
