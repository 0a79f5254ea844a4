/* TLS as a layer between a socket and its owner: the owner reads and writes as always, and what
 * travels is encrypted.
 *
 *     files --tls_terms_new--> terms --tls_new--> tls --tls_accept(socket)--> socket
 *                                ^                 |
 *                         tls_renew: for those who come from now on
 *
 *     handshake --SOCKET_WRITE--> open --end of stream--> ended
 *         '---- fails, or the next read or write says so -----^
 *
 * What comes is decrypted into the owner's own area; what goes is encrypted in blocks that all
 * sockets of one struct tls share. So a socket at rest holds nothing but its state.
 *
 * Invariants:
 *   L1  a byte counts as written when the record it is in lies with the system, so an owner who has
 *       written everything may close;
 *   L2  what is encrypted and not written, and what is read and not decrypted, are each less than
 *       one block;
 *   L3  after an error nothing is encrypted or decrypted any more.
 *
 * Only TLS 1.2 and 1.3. There is no renegotiation, no compression, no early data and no resumption:
 * connections to a broker live long. Chance for keys is OpenSSL's, the date that certificates are
 * judged by is io_wall_ms().
 *
 * Owner: one shard; terms are made on any thread. */
#ifndef GATE_TLS_H
#define GATE_TLS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/err.h"
#include "gate/tls_settings.h"

struct io;
struct socket;
struct tls;
struct tls_terms;

/* What stands in the files that the options name, in PEM; empty where they name none. */
struct tls_files {
    struct bytes certificate; /* with those that lead to its authority behind it */
    struct bytes key;
    struct bytes authorities; /* whose certificates a client may have */
    struct bytes lists;       /* of those that were taken back */
};

/* Certificate, key and rules, ready to be used. `where` is what the settings begin with, for the
 * sentences: "ssl_options". Errors: ERR_INVALID with a note that names the file or the setting. */
MUST_USE int tls_terms_new(const struct tls_options *o, const char *where,
                           const struct tls_files *files, struct tls_terms **out,
                           struct err_note *note);
/* NULL is allowed. */
void tls_terms_free(struct tls_terms *t);

/* Takes the terms. */
struct tls *tls_new(struct io *io, struct tls_terms *terms);
/* Takes new terms; sockets that are open keep theirs. */
void tls_renew(struct tls *t, struct tls_terms *terms);
/* No socket is open any more. NULL is allowed. */
void tls_free(struct tls *t);

/* A server's side of TLS above that socket, which is taken: it must have no owner, and nothing must
 * have been read from it that belongs to TLS. The first SOCKET_WRITE says that the handshake is
 * done, or the next read or write says that it failed. There is no limit of time here. */
struct socket *tls_accept(struct tls *t, struct socket *below);

enum tls_state { TLS_HANDSHAKE, TLS_OPEN, TLS_ENDED };

/* Of a socket that came from tls_accept(). */
enum tls_state tls_socket_state(const struct socket *s);
/* Why it ended, as the rest of a sentence: "the client's certificate has expired". */
const char *tls_socket_why(const struct socket *s);

/* What was agreed with the other side of an open one. */
struct tls_look {
    const char *version;  /* "TLSv1.3" */
    const char *cipher;   /* "TLS_AES_256_GCM_SHA384" */
    bool has_certificate; /* of a client, which was verified */
};
/* False: that socket is no TLS socket, or not open. */
bool tls_look(const struct socket *s, struct tls_look *out);

/* Appends the name of a client with a certificate (tls_look.has_certificate). Errors:
 * ERR_NOT_FOUND: it has none of that kind; ERR_INVALID: it is not fit to be a name; ERR_FULL. */
MUST_USE int tls_name(const struct socket *s, const struct tls_name_rule *rule, struct buf *out);

/* What was agreed, in the words of RabbitMQ: "tlsv1.3", "ecdhe_rsa", "aes_256_gcm", "aead". */
enum { TLS_WORD_SIZE = 40 };
struct tls_words {
    char version[TLS_WORD_SIZE];
    char key_exchange[TLS_WORD_SIZE];
    char cipher[TLS_WORD_SIZE];
    char hash[TLS_WORD_SIZE];
};
/* False as tls_look(). */
bool tls_get_words(const struct socket *s, struct tls_words *out);

/* Appends what stands in a client's certificate: names as "CN=client,O=house", dates as
 * "2026-01-01T00:00:00Z - 2027-01-01T00:00:00Z". Errors as tls_name(). */
enum tls_part { TLS_SUBJECT, TLS_ISSUER, TLS_VALIDITY };
MUST_USE int tls_certificate(const struct socket *s, enum tls_part part, struct buf *out);

#endif
