/* A message on its way: in the hands of a consumer, or dead and on its way to its dead letter
 * exchange. Private to the room.
 *
 *     consumer->held     delivered, with a consumer
 *     queue->loose       delivered by basic.get, or its consumer is cancelled
 *     queue->dying       dead, waiting for its turn
 *     queue->parting     dead and published elsewhere, waiting for the commit there
 *     queues->detached   the queue is gone: d.queue is NULL */
#ifndef QUEUE_INFLIGHT_H
#define QUEUE_INFLIGHT_H

#include <stdint.h>

#include "queue/queue.h"
#include "store/ledger.h"

struct bookmark;

/* What is counted about a message of a queue that counts. */
struct counts {
    uint32_t failures;
    uint32_t acquired;
};

struct inflight {
    struct delivery d;
    struct list_link link; /* of the list above */
    struct queues *home;
    uint64_t seq;
    struct ledger_entry entry;
    uint64_t since_ns;         /* when it was delivered */
    uint64_t timeout_ms;       /* of one without a consumer: how long it may be held; 0: for ever */
    struct credit *shared;     /* that it counts against */
    enum death reason;         /* of a dying one */
    uint32_t waits;            /* commits elsewhere that a parting one waits for */
    struct bookmark *bookmark; /* of a stream, while it is there */
    struct list_link beside;   /* bookmark->held */
};

static inline struct inflight *inflight_of(struct delivery *d)
{
    return CONTAINER_OF(d, struct inflight, d);
}

static inline struct inflight *inflight_at(struct list_link *link)
{
    return link == NULL ? NULL : CONTAINER_OF(link, struct inflight, link);
}

#endif
