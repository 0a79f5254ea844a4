/* Looking at the partitions of the node: positions, logs, stores.
 *
 * Owner: the shard of the broker. */
#ifndef BROKER_LOOK_PARTITION_H
#define BROKER_LOOK_PARTITION_H

#include <stdbool.h>
#include <stdint.h>

#include "log/log.h"
#include "log/log_metrics.h"
#include "store/store.h"

struct broker;

struct look_partition {
    uint64_t first; /* of the hot log */
    uint64_t next;
    uint64_t committed;
    uint64_t durable;
    uint64_t failed; /* 0 or 1 */
    bool is_pressed; /* publishers are held back */
    size_t queues;
    struct log_stats log;
    struct store_stats store;
    const struct log_metrics *metrics; /* borrowed: stays while the partition is open */
};
/* False: there are not so many. */
bool look_partition(struct broker *b, unsigned number, struct look_partition *out);

#endif
