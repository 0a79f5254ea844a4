/* Looks at a home. */
#include "broker/look_partition.h"

#include "broker/home.h"
#include "broker/parts.h"
#include "queue/queue.h"

bool look_partition(struct broker *b, unsigned number, struct look_partition *out)
{
    const struct home *h = NULL;

    if (number >= b->home_count)
        return false;
    h = &b->homes[number];
    *out = (struct look_partition){
        .next = partition_next(h->partition),
        .committed = partition_committed(h->partition),
        .failed = partition_failed(h->partition) != 0,
        .metrics = log_get_metrics(partition_log(h->partition)),
    };
    log_get_stats(partition_log(h->partition), &out->log);
    store_get_stats(queues_store(h->queues), &out->store);
    return true;
}
