/* Which samples of the past a request asks for, by parameters of its query as RabbitMQ has them:
 *
 *     ?lengths_age=600&lengths_incr=5         of numbers of messages, of the last ten minutes, one
 *                                             for every five seconds
 *     msg_rates_age, msg_rates_incr           of what was done with messages, of what came and went
 *     data_rates_age, data_rates_incr         of bytes
 *     node_stats_age, node_stats_incr         of the node
 *
 * Plain values. */
#ifndef HTTP_API_RANGES_H
#define HTTP_API_RANGES_H

#include <stdbool.h>
#include <stdint.h>

struct api_call;

enum { RANGE_STEPS_MAX = 500 };

/* The times first, first + step, ... last, in ms since 1970. */
struct range {
    int64_t first_ms;
    int64_t last_ms;
    int64_t step_ms; /* 0: nothing is asked for */
};

enum range_kind {
    RANGE_LENGTHS,
    RANGE_QUEUE_LENGTHS, /* the same, of queues: up to the end of the step that has begun */
    RANGE_MESSAGES,
    RANGE_BYTES,
    RANGE_NODE,
    RANGE_KINDS,
};

struct ranges {
    struct range of[RANGE_KINDS];
};

/* False: a range is nonsense, and the call is answered. */
bool ranges_read(struct api_call *c, struct ranges *out);

#endif
