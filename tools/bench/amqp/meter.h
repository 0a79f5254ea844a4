/* What happened so far in a run: counts that only grow, and how long things took. The difference of
 * two looks at it is a measurement. Plain value. */
#ifndef TOOLS_BENCH_AMQP_METER_H
#define TOOLS_BENCH_AMQP_METER_H

#include <stdint.h>

#include "tools/bench/measure/histogram.h"

struct meter {
    uint64_t published;
    uint64_t confirmed;
    uint64_t refused;  /* nacks */
    uint64_t returned; /* unroutable */
    uint64_t delivered;
    uint64_t acks;                /* frames that confirmed something */
    uint64_t last_delivery_ns;    /* when the last of them came */
    struct histogram delivery_ns; /* with a rate: from when it was due to be published */
    struct histogram confirm_ns;  /* the same for confirms; without a rate: from the publish */
    struct histogram late_ns;     /* with a rate: how late we published */
};

#endif
