/* The management interface in its place: what it asks of the other doors is asked for here.
 *
 * Owner: the shard of the server. */
#ifndef SERVER_MANAGEMENT_H
#define SERVER_MANAGEMENT_H

#include "base/check.h"
#include "base/err.h"

struct amqp;
struct broker;
struct io;
struct management;
struct options;
struct tls;

struct management_open {
    struct io *io;
    struct broker *broker;
    struct amqp *amqp;
    const struct options *options; /* borrowed */
    struct tls *tls;               /* borrowed; NULL: none listens with it */
};

/* Opens the interface, and its listener if there is to be one. Errors: as listener_open(). */
MUST_USE int management_open(const struct management_open *o, struct management **out,
                             struct err_note *note);

/* Its listeners as facts, new memory: "http=127.0.0.1:15672 https=none". */
char *management_where(const struct management *m);

/* As api_stop() and api_free(). */
void management_stop(struct management *m, void (*stopped)(void *owner), void *owner);
void management_free(struct management *m);

#endif
