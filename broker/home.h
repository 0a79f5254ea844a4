/* A home: one partition with its queues, as the broker sees it.
 *
 * Owner: the shard of the partition. */
#ifndef BROKER_HOME_H
#define BROKER_HOME_H

#include <stdbool.h>
#include <stdint.h>

#include "broker/broker.h"
#include "cluster/partition.h"

struct queues;

enum { HOMES_MAX = BROKER_PARTITIONS_MAX };

struct home {
    struct broker *broker;
    unsigned number;
    struct partition *partition;
    struct queues *queues;
    struct partition_watcher watcher;
    uint64_t committed; /* every position below is safe */
    size_t queue_count;
    bool is_failed;
    bool is_log_pressed;
    bool are_queues_pressed;
};

/* Makes what its queues are kept in; all homes are prepared before one is opened, because the
 * definitions of partition 0 make queues everywhere. */
void home_prepare(struct home *p, const struct broker_open *o);
/* Opens partition `number`; the definitions are folded by number 0. Blocks. */
MUST_USE int home_open(struct home *p, const struct broker_open *o, struct err_note *note);
/* All partitions are open: the queues may be used. */
void home_start(struct home *p);
/* Stops the queues and closes the partition; `closed` is called from the loop. */
void home_close(struct home *p, void (*closed)(void *owner), void *owner);
void home_release(struct home *p);

/* The home with the fewest queues. */
struct home *home_with_fewest(struct broker *b);

static inline bool home_is_pressed(const struct home *p)
{
    return p->is_log_pressed || p->are_queues_pressed;
}

/* Whether the record at that position is safe. */
static inline bool home_is_safe(const struct home *p, uint64_t position)
{
    return p->committed > position;
}

#endif
