/* One figure's values, one from each round: the median counts, the smallest and the largest
 * stand beside it. Plain values; any thread. */
#ifndef TOOLS_BENCH_MEASURE_SAMPLES_H
#define TOOLS_BENCH_MEASURE_SAMPLES_H

#include <stddef.h>

enum { SAMPLES_MAX = 64 };

struct samples {
    double items[SAMPLES_MAX]; /* in the order they came */
    size_t count;
};

/* Adds a finite value; there must be room. */
void samples_add(struct samples *s, double value);

/* For all of the following there must be one at least. The median of an even number is the
 * mean of the two in the middle. */
double samples_last(const struct samples *s);
double samples_median(const struct samples *s);
double samples_min(const struct samples *s);
double samples_max(const struct samples *s);

#endif
