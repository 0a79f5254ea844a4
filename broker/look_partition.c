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
        .first = log_first(partition_log(h->partition)),
        .next = partition_next(h->partition),
        .committed = partition_committed(h->partition),
        .durable = log_durable(partition_log(h->partition)),
        .failed = partition_failed(h->partition) != 0,
        .is_pressed = home_is_pressed(h),
        .queues = h->queue_count,
        .metrics = log_get_metrics(partition_log(h->partition)),
    };
    log_get_stats(partition_log(h->partition), &out->log);
    store_get_stats(queues_store(h->queues), &out->store);
    return true;
}
