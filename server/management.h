/* The management interface and the metrics in their places: what they ask of the other doors is
 * asked for here.
 *
 * Owner: the shard of the server. */
#ifndef SERVER_MANAGEMENT_H
#define SERVER_MANAGEMENT_H

#include "base/check.h"
#include "base/err.h"

struct amqp;
struct broker;
struct configuration;
struct io;
struct management;
struct options;
struct tls;

struct management_open {
    struct io *io;
    struct broker *broker;
    struct amqp *amqp;
    const struct options *options;       /* borrowed */
    struct configuration *configuration; /* the same; what is told of it */
    struct tls *tls;                     /* borrowed; NULL: none listens with it */
};

/* Opens both, and their listeners if there are to be any. Errors: as listener_open(). */
MUST_USE int management_open(const struct management_open *o, struct management **out,
                             struct err_note *note);

/* Their listeners as facts, new memory: "http=127.0.0.1:15672 https=none prometheus=*:15692". */
char *management_where(const struct management *m);

/* Ends what is under way and calls `stopped` from the loop; then it is freed. */
void management_stop(struct management *m, void (*stopped)(void *owner), void *owner);
void management_free(struct management *m);

#endif
