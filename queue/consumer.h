/* The consumers of a queue. Private to the room.
 *
 * Owner: one shard. */
#ifndef QUEUE_CONSUMER_H
#define QUEUE_CONSUMER_H

#include "queue/alarms.h"
#include "queue/inflight.h"
#include "queue/look.h"
#include "queue/queue.h"

/* Consumers of one priority. */
struct level {
    struct list_link link; /* of the queue, highest first */
    int64_t priority;
    struct list consumers; /* all, in the order they came */
    struct list runnable;  /* those that can take a message now; served in turn */
};

struct stream_reading;

struct consumer {
    struct list_link link; /* level->consumers */
    struct list_link run;  /* level->runnable, or the `consumers` of `shared` while that is used
                              up */
    struct level *level;
    struct queue *queue;
    const struct consumer_ops *ops;
    void *owner;
    void *visitor;
    struct credit *shared;
    struct list held; /* struct inflight, oldest first */
    uint32_t held_count;
    uint32_t held_max;
    uint32_t prefetch;   /* as asked for */
    uint64_t timeout_ms; /* 0: none */
    struct alarm timeout;
    bool is_no_ack;
    bool is_exclusive;
    bool is_inside;                /* of a stream: sees what is not committed */
    bool is_stalled;               /* deliver() said false */
    bool is_runnable;              /* on level->runnable */
    struct stream_reading *stream; /* of a stream: its bookmarks; NULL: of a queue */
    struct consumer_counts counts;
    uint64_t served; /* `shared->served` when it was served last; 0: never */
};

/* The consumer whose turn it is, or NULL when nobody can take a message. */
struct consumer *queue_next_consumer(struct queue *q);
/* Whether he can take one more message now. */
bool consumer_can_take(const struct consumer *c);
/* The delivery, which is in his list, counts against his limits. */
void consumer_hold(struct consumer *c, struct inflight *f);
/* He got a message: the next one has his turn. */
void consumer_took(struct consumer *c);
/* The same of `count`, for one that takes trains. */
void consumer_took_train(struct consumer *c, size_t count);
/* Whether he, who is next, is so after each message, and has it for good: he may get trains. */
bool consumer_takes_trains(const struct consumer *c);
/* Something that decides whether he can take a message has changed. */
void consumer_update(struct consumer *c);
/* A delivery of his has ended. */
void consumer_gave_back(struct consumer *c);
/* How many messages its consumers could take now, at most `max`. */
uint64_t queue_spare_credit(const struct queue *q, uint64_t max);
/* Ends all consumers, telling them. */
void queue_end_consumers(struct queue *q, enum cancel_reason reason);
/* Frees them without a word. */
void queue_free_consumers(struct queue *q);
void credit_give_back(struct credit *c);
/* How long a delivery may be held when the consumer says nothing; 0: for ever. */
uint64_t queue_timeout_ms(const struct queue *q);
/* A delivery has no consumer, or none any more. */
void queue_add_loose(struct queue *q, struct inflight *f);
void queue_overdue_is_due(struct alarm *a);

#endif
