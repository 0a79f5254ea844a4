/* How often a duration was seen, in buckets that are at most 1/32 of their value wide.
 *
 *     0 1 2 ... 63 | 64 66 68 ... 126 | 128 132 ... | 256 ...       nanoseconds
 *      exact         steps of 2          steps of 4    and so on
 *
 * Owner: whoever holds it; one thread. */
#ifndef TOOLS_BENCH_MEASURE_HISTOGRAM_H
#define TOOLS_BENCH_MEASURE_HISTOGRAM_H

#include <stdint.h>

enum {
    HISTOGRAM_STEPS = 32,                     /* buckets in each doubling */
    HISTOGRAM_BUCKETS = HISTOGRAM_STEPS * 61, /* enough for every 64-bit value */
};

struct histogram {
    uint64_t buckets[HISTOGRAM_BUCKETS];
    uint64_t count;
    uint64_t max;
};

/* Empties it. */
void histogram_init(struct histogram *h);

/* Notes a value `times` times. */
void histogram_add(struct histogram *h, uint64_t value, uint64_t times);

/* The value that `percent` of those seen do not exceed, rounded up to the end of its bucket
 * but never above the largest seen; 0 when nothing was seen. 0 < percent <= 100. */
uint64_t histogram_percentile(const struct histogram *h, double percent);

#endif
