/* Counters of the whole broker, put together. */
#include "broker/counters.h"

#include "broker/parts.h"

const uint64_t counters_size_bounds[COUNTERS_SIZES - 1] = {100,     1000,     10000,    100000,
                                                           1000000, 10000000, 50000000, 100000000};

void broker_get_counters(struct broker *b, struct broker_counters *out)
{
    *out = b->counters;
    for (unsigned i = 0; i < b->home_count; i++)
        queues_tally_add(&out->queues, queues_get_tally(b->homes[i].queues));
}
