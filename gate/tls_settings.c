/* The settings of TLS. */
#include "gate/tls_settings.h"

#include <stddef.h>

#define FIELD(name) offsetof(struct tls_options, name)

static const char *const verify_words[] = {"verify_none", "verify_peer", NULL};
static const char *const crl_words[] = {"false", "true", "peer", "best_effort", NULL};
static const char *const version_words[] = {"default", "tlsv1.2", "tlsv1.3", NULL};

#define VERSION(prefix, number)                                                                    \
    {                                                                                              \
        .name = prefix ".versions." #number, .kind = SETTING_CHOICE,                               \
        .offset = FIELD(versions) + ((number)-1) * sizeof(int), .fallback = "default",             \
        .choices = version_words,                                                                  \
        .help = "A version that is spoken. While all places say default, both are; else a place "  \
                "that says so is empty.",                                                          \
    }

#define CIPHER(prefix, number)                                                                     \
    {                                                                                              \
        .name = prefix ".ciphers." #number, .kind = SETTING_TEXT,                                  \
        .offset = FIELD(ciphers) + ((number)-1) * sizeof(char *), .fallback = "",                  \
        .help = "A cipher suite that is offered, by OpenSSL's name, in this place of the list. "   \
                "While all places are empty, they are OpenSSL's own.",                             \
    }

#define TLS_SETTINGS(prefix)                                                                       \
    {                                                                                              \
        .name = prefix ".certfile",                                                                \
        .kind = SETTING_TEXT,                                                                      \
        .offset = FIELD(certfile),                                                                 \
        .fallback = "",                                                                            \
        .help = "The certificate that is shown to clients, in PEM; behind it in the same file "    \
                "those that lead to its authority. SIGHUP reads the files again.",                 \
    },                                                                                             \
        {                                                                                          \
            .name = prefix ".keyfile",                                                             \
            .kind = SETTING_TEXT,                                                                  \
            .offset = FIELD(keyfile),                                                              \
            .fallback = "",                                                                        \
            .help = "Its private key, in PEM.",                                                    \
        },                                                                                         \
        {                                                                                          \
            .name = prefix ".password",                                                            \
            .kind = SETTING_SECRET,                                                                \
            .offset = FIELD(password),                                                             \
            .fallback = "",                                                                        \
            .help = "The password of the key, when it has one.",                                   \
        },                                                                                         \
        {                                                                                          \
            .name = prefix ".cacertfile",                                                          \
            .kind = SETTING_TEXT,                                                                  \
            .offset = FIELD(cacertfile),                                                           \
            .fallback = "",                                                                        \
            .help = "The authorities whose certificates clients may have, in PEM.",                \
        },                                                                                         \
        {                                                                                          \
            .name = prefix ".verify",                                                              \
            .kind = SETTING_CHOICE,                                                                \
            .offset = FIELD(verify),                                                               \
            .fallback = "verify_none",                                                             \
            .choices = verify_words,                                                               \
            .help = "Whether clients are asked for a certificate, which must then be valid.",      \
        },                                                                                         \
        {                                                                                          \
            .name = prefix ".fail_if_no_peer_cert",                                                \
            .kind = SETTING_BOOL,                                                                  \
            .offset = FIELD(fail_if_no_peer_cert),                                                 \
            .fallback = "false",                                                                   \
            .help = "With verify_peer: a client without a certificate is refused.",                \
        },                                                                                         \
        {                                                                                          \
            .name = prefix ".depth",                                                               \
            .kind = SETTING_INT,                                                                   \
            .offset = FIELD(depth),                                                                \
            .fallback = "10",                                                                      \
            .min = 0,                                                                              \
            .max = 100,                                                                            \
            .help = "How many certificates may lie between a client's and its authority.",         \
        },                                                                                         \
        {                                                                                          \
            .name = prefix ".crl_check",                                                           \
            .kind = SETTING_CHOICE,                                                                \
            .offset = FIELD(crl_check),                                                            \
            .fallback = "false",                                                                   \
            .choices = crl_words,                                                                  \
            .help = "Whether a client whose certificate was taken back is refused: with peer his " \
                    "own is looked up, with true also those that lead to his authority; "          \
                    "best_effort passes over those of whose authority there is no list.",          \
        },                                                                                         \
        {                                                                                          \
            .name = "millrace." prefix ".crlfile",                                                 \
            .kind = SETTING_TEXT,                                                                  \
            .offset = FIELD(crlfile),                                                              \
            .fallback = "",                                                                        \
            .help = "The lists (CRL) for it, in PEM one behind the other. SIGHUP reads them "      \
                    "again.",                                                                      \
        },                                                                                         \
        {                                                                                          \
            .name = prefix ".honor_cipher_order",                                                  \
            .kind = SETTING_BOOL,                                                                  \
            .offset = FIELD(honor_cipher_order),                                                   \
            .fallback = "true",                                                                    \
            .help = "Whether our order of cipher suites counts, not the client's.",                \
        },                                                                                         \
        VERSION(prefix, 1), VERSION(prefix, 2), CIPHER(prefix, 1), CIPHER(prefix, 2),              \
        CIPHER(prefix, 3), CIPHER(prefix, 4), CIPHER(prefix, 5), CIPHER(prefix, 6),                \
        CIPHER(prefix, 7), CIPHER(prefix, 8), CIPHER(prefix, 9), CIPHER(prefix, 10),               \
        CIPHER(prefix, 11), CIPHER(prefix, 12), CIPHER(prefix, 13), CIPHER(prefix, 14),            \
        CIPHER(prefix, 15), CIPHER(prefix, 16),                                                    \
    {                                                                                              \
        0                                                                                          \
    }

STATIC_ASSERT(TLS_VERSIONS_MAX == 2 && TLS_CIPHERS_MAX == 16, "each place has a row");

const struct setting tls_settings[] = {TLS_SETTINGS("ssl_options")};
const struct setting management_tls_settings[] = {TLS_SETTINGS("management.ssl")};
