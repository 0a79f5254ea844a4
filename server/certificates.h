/* The certificates of a door's TLS: read at the start, and again while it runs.
 *
 * Owner: the main thread; only certificates_read() may run on a worker, and nothing else then. */
#ifndef SERVER_CERTIFICATES_H
#define SERVER_CERTIFICATES_H

#include "base/check.h"
#include "base/err.h"
#include "gate/tls.h"

struct disk;
struct io;

struct certificates {
    const struct tls_options *options;
    const char *where;       /* what their settings begin with */
    struct tls *tls;         /* NULL: nobody listens with TLS */
    struct tls_terms *terms; /* read and not taken over yet */
    struct err_note note;
    int result;
};

/* What they will be: of which options, and what the names of these begin with. */
void certificates_init(struct certificates *c, const struct tls_options *options,
                       const char *where);
/* Reads the files straight from the disk. Errors: those of reading and of tls_terms_new(). */
MUST_USE int certificates_open(struct certificates *c, struct io *io, struct err_note *note);
/* All that speak TLS are gone. */
void certificates_close(struct certificates *c);

/* Reads them again; blocks, on any thread. Then they are taken over: those who are connected keep
 * what they have. When anything is wrong the old ones stay. */
void certificates_read(struct certificates *c, struct disk *d);
void certificates_renew(struct certificates *c);
/* Or they are not taken over. */
void certificates_forget(struct certificates *c);

/* For --check-conf: whether they could be used. Errors as certificates_open(). */
MUST_USE int certificates_check(const struct certificates *c, struct err_note *note);

#endif
