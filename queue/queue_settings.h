/* What can be set about queues. */
#ifndef QUEUE_QUEUE_SETTINGS_H
#define QUEUE_QUEUE_SETTINGS_H

#include <stdint.h>

#include "base/setting.h"
#include "store/store.h"

struct queues_options {
    struct store_options store;
    uint64_t consumer_timeout_ms;   /* RabbitMQ's consumer_timeout: a delivery not settled for so
                                      long ends its channel; 0: never */
    int64_t consumer_unsettled_max; /* deliveries that a consumer without prefetch may hold */
    int64_t default_delivery_limit; /* of queues of type quorum; -1: none */
    uint64_t lane_min_bytes;        /* a queue that holds so much gets a lane of its own */
    int64_t publishers_max;         /* how many publishers that number their messages are known */
    uint64_t publisher_memory_ms;   /* and for how long */
    uint64_t stream_age_max_ms;     /* of streams that say nothing; 0: they keep what they have */
    uint64_t stream_bytes_max;      /* the same */
};

/* "consumer_timeout" and "millrace.queue.<name>", into struct queues_options. */
extern const struct setting queue_settings[];

#endif
