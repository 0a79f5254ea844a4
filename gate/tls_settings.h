/* What can be set about TLS, under RabbitMQ's names. */
#ifndef GATE_TLS_SETTINGS_H
#define GATE_TLS_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/setting.h"

enum { TLS_VERSIONS_MAX = 2, TLS_CIPHERS_MAX = 16 };

enum tls_verify { TLS_VERIFY_NONE, TLS_VERIFY_PEER };

/* Which certificates of a client are looked up in lists of those that were taken back. */
enum tls_crl_check {
    TLS_CRL_NONE,
    TLS_CRL_ALL,         /* his and those that lead to his authority */
    TLS_CRL_PEER,        /* his own */
    TLS_CRL_BEST_EFFORT, /* all for whose authority there is a list */
};

/* Which name of a client's certificate counts. */
enum tls_name_from {
    TLS_NAME_DISTINGUISHED,
    TLS_NAME_COMMON,
    TLS_NAME_ALTERNATIVE,
    TLS_NAME_ALT, /* the same, as it is written too */
};
enum tls_san_type { TLS_SAN_DNS, TLS_SAN_IP, TLS_SAN_EMAIL, TLS_SAN_URI, TLS_SAN_OTHER };

struct tls_name_rule {
    int from;
    int san_type;      /* of an alternative name, */
    int64_t san_index; /* and its place among those of that type, from 0 on */
};

enum tls_version { TLS_VERSION_DEFAULT, TLS_VERSION_1_2, TLS_VERSION_1_3 };

struct tls_options {
    char *certfile;
    char *keyfile;
    char *cacertfile;
    char *password; /* of the key, or "" */
    int crl_check;  /* enum tls_crl_check */
    char *crlfile;  /* lists for it, or "" */
    int verify;
    bool fail_if_no_peer_cert;
    int64_t depth;
    bool honor_cipher_order;
    int versions[TLS_VERSIONS_MAX];
    char *ciphers[TLS_CIPHERS_MAX];
};

/* ssl_options.*, of AMQP. */
extern const struct setting tls_settings[];
/* management.ssl.*, of the HTTP API. */
extern const struct setting management_tls_settings[];

#endif
