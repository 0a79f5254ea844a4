/* Metrics of each queue, group of consumers, exchange, connection and channel: one family after the
 * other, each a walk over its objects, told in parts so that any number of them holds nobody up.
 *
 * Owner: one shard. */
#ifndef HTTP_METRICS_OBJECTS_H
#define HTTP_METRICS_OBJECTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "broker/doors.h"
#include "broker/look.h"

struct broker;
struct expose;
struct figures;

/* Groups of families, as "family" of /metrics/detailed names them; a set of bits. */
unsigned objects_group(struct bytes name); /* 0: there is none */
enum { OBJECTS_ALL = 0xffff };

struct objects {
    struct broker *broker;
    const struct doors *doors;
    struct bytes vhost;     /* of queues and exchanges: only of this one; no data: of all */
    const char *own_prefix; /* of names that RabbitMQ does not have */
    unsigned groups;
    size_t family; /* the one that is being told */
    bool is_begun;
    bool is_vhost_gone;
    struct look look;
    uint64_t *connections; /* numbers of those that were there when the walk began */
    size_t connection_count;
    size_t connection;
};

/* Borrows broker and doors. */
void objects_begin(struct objects *o, struct broker *b, const struct doors *doors);
/* Lets go, at any time. */
void objects_end(struct objects *o);

/* Tells some more; false when all is told. */
bool objects_tell(struct objects *o, struct expose *e);

/* Adds some more of the queues and channels up into the figures; false when all were seen. Uses the
 * same walk: before the first objects_tell() `family` is set to 0 again. */
bool objects_sum(struct objects *o, struct figures *f);

#endif
