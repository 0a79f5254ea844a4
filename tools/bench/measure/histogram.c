/* Buckets by the position of the highest bit and the five bits below it. */
#include "tools/bench/measure/histogram.h"

#include <string.h>

#include "base/check.h"

enum { STEP_BITS = 5, TOP_BIT = 63 };

STATIC_ASSERT(HISTOGRAM_STEPS == 1 << STEP_BITS, "the bits are those of the steps");

/* How many of the lowest bits the bucket of this value does not tell. */
static int lost_bits(uint64_t value)
{
    int highest = value > 0 ? TOP_BIT - __builtin_clzll(value) : 0;

    return highest > STEP_BITS ? highest - STEP_BITS : 0;
}

static size_t bucket_of(uint64_t value)
{
    int lost = lost_bits(value);

    return (size_t)lost * HISTOGRAM_STEPS + (size_t)(value >> lost);
}

/* The largest value of a bucket. */
static uint64_t bucket_end(size_t bucket)
{
    size_t lost = bucket < 2 * (size_t)HISTOGRAM_STEPS ? 0 : bucket / HISTOGRAM_STEPS - 1;
    uint64_t top = bucket - lost * HISTOGRAM_STEPS;

    return (top << lost) + ((UINT64_C(1) << lost) - 1);
}

void histogram_init(struct histogram *h)
{
    memset(h, 0, sizeof(*h));
}

void histogram_add(struct histogram *h, uint64_t value, uint64_t times)
{
    size_t bucket = bucket_of(value);

    ASSERT(bucket < HISTOGRAM_BUCKETS);
    h->buckets[bucket] += times;
    h->count += times;
    h->max = value > h->max ? value : h->max;
}

uint64_t histogram_percentile(const struct histogram *h, double percent)
{
    double wanted = (double)h->count * percent / 100.0;
    uint64_t seen = 0;

    ASSERT(percent > 0 && percent <= 100);
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += h->buckets[i];
        if (seen > 0 && (double)seen >= wanted)
            return bucket_end(i) < h->max ? bucket_end(i) : h->max;
    }
    return h->max;
}
