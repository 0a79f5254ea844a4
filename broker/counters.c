/* Counters of the whole broker, put together. */
#include "broker/counters.h"

#include "broker/parts.h"
#include "exchange/route.h"

const uint64_t counters_size_bounds[COUNTERS_SIZES - 1] = {100,     1000,     10000,    100000,
                                                           1000000, 10000000, 50000000, 100000000};

void counters_add_routes(struct route_counts *sum, const struct exchange_table *t)
{
    const struct route_stats one = route_stats(t);

    sum->hits += one.hits;
    sum->misses += one.misses;
    sum->walks += one.walks;
    sum->entries += one.entries;
    sum->sets += one.sets;
    sum->cached_bytes += one.cached_bytes;
}

void broker_get_counters(struct broker *b, struct broker_counters *out)
{
    *out = b->counters;
    for (unsigned type = 0; type < QUEUE_TYPES; type++) {
        for (unsigned i = 0; i < b->home_count; i++)
            queues_tally_add(&out->by_type[type],
                             queues_get_tally(b->homes[i].queues, (enum queue_type)type));
        queues_tally_add(&out->queues, &out->by_type[type]);
    }
    for (struct names_entry *e = names_first(&b->vhosts); e != NULL; e = names_next(&b->vhosts, e))
        counters_add_routes(&out->routes, ((const struct vhost *)e->value)->table);
}
