/* Counters of the whole broker, put together. */
#include "broker/counters.h"

#include "broker/parts.h"

const uint64_t counters_size_bounds[COUNTERS_SIZES - 1] = {100,     1000,     10000,    100000,
                                                           1000000, 10000000, 50000000, 100000000};

void broker_get_counters(struct broker *b, struct broker_counters *out)
{
    *out = b->counters;
    for (unsigned i = 0; i < b->home_count; i++) {
        const struct queues_tally *t = queues_get_tally(b->homes[i].queues);
        struct queues_tally *sum = &out->queues;

        sum->published += t->published;
        sum->delivered += t->delivered;
        sum->delivered_no_ack += t->delivered_no_ack;
        sum->got += t->got;
        sum->got_no_ack += t->got_no_ack;
        sum->got_nothing += t->got_nothing;
        sum->redelivered += t->redelivered;
        sum->acked += t->acked;
        for (size_t d = 0; d < DEATHS; d++)
            sum->dead[d] += t->dead[d];
    }
}
