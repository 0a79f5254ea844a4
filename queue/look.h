/* What can be seen of queues and their consumers: for people, not for the path of messages.
 *
 * Owner: the shard of the queues. */
#ifndef QUEUE_LOOK_H
#define QUEUE_LOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "msg/table.h"
#include "queue/queue_args.h"

struct consumer;
struct queue;
struct queues;

enum { DEATHS = 4 }; /* of enum death */

/* What happened in all queues since the start, those that are gone included. */
struct queues_tally {
    uint64_t published;
    uint64_t delivered; /* to consumers with acks */
    uint64_t delivered_no_ack;
    uint64_t got;
    uint64_t got_no_ack;  /* of those */
    uint64_t got_nothing; /* not counted above */
    uint64_t redelivered;
    uint64_t acked;
    uint64_t dead[DEATHS]; /* by enum death */
};
const struct queues_tally *queues_get_tally(const struct queues *qs, enum queue_type type);
/* The same of one queue. */
const struct queues_tally *queue_get_tally(const struct queue *q);
void queues_tally_add(struct queues_tally *sum, const struct queues_tally *t);

struct queue_stats {
    uint64_t ready;
    uint64_t unacked;
    uint64_t held_back; /* came back and wait (x-delayed-retry-type) */
    uint64_t ready_bytes;
    uint64_t unacked_bytes;
    uint64_t consumers;
    uint64_t published; /* since the start, as all below */
    uint64_t delivered; /* to consumers with acks */
    uint64_t delivered_no_ack;
    uint64_t got;
    uint64_t got_no_ack; /* of those */
    uint64_t redelivered;
    uint64_t acked;
    uint64_t dead[DEATHS]; /* by enum death */
    uint64_t unreadable;   /* damaged on the disk: kept, and passed over */
    int64_t head_time_ms;  /* when the first ready message came; 0: none */
    size_t memory;
};
void queue_get_stats(struct queue *q, struct queue_stats *out);

/* Who a consumer is, as those who look are told; borrowed. */
struct consumer_person {
    struct bytes tag;
    struct bytes user;
    struct bytes connection; /* its name */
    uint32_t channel;
    struct table arguments;
};

/* A walk over the consumers of a queue, the highest priority first; starts and ends with NULL. */
struct consumer *queue_consumers_next(const struct queue *q, const struct consumer *c);

/* What a consumer got since it began. */
struct consumer_counts {
    uint64_t delivered;
    uint64_t redelivered; /* of those */
    uint64_t acked;
};

struct consumer_view {
    struct queue *queue;
    struct consumer_person person;
    struct consumer_counts counts;
    bool is_no_ack;
    bool is_exclusive;
    bool is_active;
    bool is_waiting; /* he has as much as he may hold, or does not take more now */
    int64_t priority;
    uint32_t prefetch; /* 0: no limit of its own */
    uint32_t unacked;
    uint64_t timeout_ms; /* 0: none */
};
void consumer_get_view(const struct consumer *c, struct consumer_view *out);

#endif
