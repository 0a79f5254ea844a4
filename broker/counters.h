/* What happened since the start, counted as it happens: for rates and metrics.
 *
 * Plain numbers of one shard; whoever wants those of the node adds them up. */
#ifndef BROKER_COUNTERS_H
#define BROKER_COUNTERS_H

#include <stdint.h>

#include "queue/look.h"

struct broker;
struct exchange_table;

/* RabbitMQ's bounds of message sizes; what is above the last one is counted behind it. */
enum { COUNTERS_SIZES = 9 };
extern const uint64_t counters_size_bounds[COUNTERS_SIZES - 1];

/* Of one virtual host. */
struct vhost_counts {
    uint64_t received; /* messages that were published */
    uint64_t confirmed;
    uint64_t unroutable_returned;
    uint64_t unroutable_dropped;
    uint64_t received_bytes; /* by connections that are in it */
    uint64_t sent_bytes;
    struct queues_tally gone; /* what happened in queues that are deleted */
};

/* How routes were found, and what is remembered of them. */
struct route_counts {
    uint64_t hits;
    uint64_t misses; /* remembered afterwards */
    uint64_t walks;  /* could not be remembered */
    uint64_t entries;
    uint64_t sets;
    uint64_t cached_bytes;
};

struct broker_counters {
    /* publishing */
    uint64_t received;         /* messages */
    uint64_t received_confirm; /* of those, on channels with confirms */
    uint64_t routed;           /* of those, that went somewhere */
    uint64_t confirmed;
    uint64_t rejected; /* basic.nack to a publisher */
    uint64_t unroutable_returned;
    uint64_t unroutable_dropped;
    uint64_t size_counts[COUNTERS_SIZES]; /* each bucket for itself */
    uint64_t size_sum;
    /* reading: of all queues, those that are gone included */
    struct queues_tally queues;
    struct queues_tally by_type[QUEUE_TYPES];
    /* routes of messages that did not go by the default exchange alone, deleted virtual hosts
     * included */
    struct route_counts routes;
    /* comings and goings */
    uint64_t visits_begun;
    uint64_t visits_ended;
    uint64_t channels_opened;
    uint64_t channels_closed;
    uint64_t queues_declared; /* every declare that was not passive */
    uint64_t queues_created;
    uint64_t queues_deleted;
    uint64_t logins_succeeded;
    uint64_t logins_failed;
};
/* Adds those of a virtual host. */
void counters_add_routes(struct route_counts *sum, const struct exchange_table *t);
void broker_get_counters(struct broker *b, struct broker_counters *out);

#endif
