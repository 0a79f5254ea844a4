/* All numbers of the node, gathered for one scrape.
 *
 * Owner: one thread at a time: the process is looked at by a worker, the rest by the shard. */
#ifndef HTTP_METRICS_FIGURES_H
#define HTTP_METRICS_FIGURES_H

#include <stdint.h>

#include "broker/broker.h"
#include "broker/counters.h"
#include "broker/doors.h"
#include "io/system.h"

struct expose;

/* What happened in queues of one type. */
struct figures_of_type {
    struct queues_tally tally;
    uint64_t delivered; /* in any way */
    uint64_t got_with_ack;
};

struct figures {
    struct system_process process;
    struct broker_counters counters;
    struct broker_stats stats;
    struct doors_totals doors;
    uint64_t memory_max_bytes;
    uint64_t disk_min_bytes;
    uint64_t uptime_s;
    uint64_t memory_alarm; /* 0 or 1 */
    uint64_t disk_alarm;
    uint64_t none; /* always 0 */
    /* walked for */
    uint64_t ready;
    uint64_t unacked;
    uint64_t messages;
    uint64_t ready_bytes;
    uint64_t unacked_bytes;
    uint64_t publishers;   /* channels that have published */
    uint64_t output_bytes; /* that wait for the sockets of clients */
    uint64_t index_bytes[QUEUE_TYPES];
    /* computed from the counters */
    struct figures_of_type types[QUEUE_TYPES];
};

/* Fills in what follows from what is there. */
void figures_finish(struct figures *f);

/* Tells all of them. Those of queues, by their sum, only when `has_queue_sums`. */
void figures_tell(const struct figures *f, struct expose *e, bool has_queue_sums);

#endif
