/* Consuming: the checks between a client and a queue. What comes of it is queue/queue.h's. */
#ifndef BROKER_CONSUME_H
#define BROKER_CONSUME_H

#include <stdint.h>

#include "base/bytes.h"
#include "base/check.h"
#include "broker/broker.h"
#include "msg/table.h"
#include "queue/browse.h"
#include "queue/queue.h"

struct consume {
    struct bytes queue;
    struct table arguments;
    struct consumer_spec spec; /* complete but for what the arguments say */
};
/* Adds a consumer to the queue of that name; x-priority and x-consumer-timeout come from the
 * arguments, and those of queue/stream_args.h for a stream. Refused: 403 access or exclusive use,
 * 404, 405, 406, 540. */
MUST_USE int broker_consume(struct visit *v, const struct consume *c, struct consumer **out,
                            struct refusal *refusal);

/* basic.get. g->got is called later. From a stream "s" it is asked as "s@OFFSET", in the words of
 * stream_start_parse(). Refused: 403, 404, 405; 406 that offset; 540 a stream without one. */
MUST_USE int broker_get(struct visit *v, struct bytes queue, struct queue_get *g,
                        struct refusal *refusal);

/* Looks at the messages of a queue, or of a stream without partitions, from a position on
 * (queue/browse.h). Refused: 403, 404, 405; 406 a stream with partitions. */
struct browse_spec {
    struct bytes queue;
    uint64_t from;
    store_ready_fn *ready;
    void *owner;
};
MUST_USE int broker_browse(struct visit *v, const struct browse_spec *spec, struct browse **out,
                           struct refusal *refusal);

/* Drops all ready messages. */
MUST_USE int broker_purge(struct visit *v, struct bytes queue, uint64_t *count,
                          struct refusal *refusal);

#endif
