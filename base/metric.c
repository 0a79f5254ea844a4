/* Metrics. All accesses are relaxed: each number stands for itself. */
#include "base/metric.h"

#include "base/check.h"

enum { STEPS = 1 << HISTOGRAM_STEP_BITS }; /* buckets to a doubling */

static void add(_Atomic uint64_t *to, uint64_t n)
{
    uint64_t value = atomic_load_explicit(to, memory_order_relaxed);

    atomic_store_explicit(to, value + n, memory_order_relaxed);
}

static uint64_t load(const _Atomic uint64_t *from)
{
    return atomic_load_explicit(from, memory_order_relaxed);
}

void counter_add(struct counter *c, uint64_t n)
{
    add(&c->value, n);
}

uint64_t counter_read(const struct counter *c)
{
    return load(&c->value);
}

void gauge_set(struct gauge *g, int64_t value)
{
    atomic_store_explicit(&g->value, value, memory_order_relaxed);
}

void gauge_add(struct gauge *g, int64_t change)
{
    gauge_set(g, gauge_read(g) + change);
}

int64_t gauge_read(const struct gauge *g)
{
    return atomic_load_explicit(&g->value, memory_order_relaxed);
}

/* A value of k significant bits has its highest STEP_BITS + 1 bits kept: one that is always
 * set, and those that choose among the buckets of its doubling. */
size_t histogram_bucket_of(uint64_t value)
{
    if (value < STEPS)
        return (size_t)value;

    unsigned shift = 63u - (unsigned)__builtin_clzll(value) - HISTOGRAM_STEP_BITS;
    size_t bucket = ((size_t)shift << HISTOGRAM_STEP_BITS) + (size_t)(value >> shift);

    ASSERT(bucket < HISTOGRAM_BUCKETS);
    return bucket;
}

uint64_t histogram_bucket_max(size_t bucket)
{
    ASSERT(bucket < HISTOGRAM_BUCKETS);
    if (bucket < STEPS)
        return bucket;

    unsigned shift = (unsigned)(bucket >> HISTOGRAM_STEP_BITS) - 1;
    uint64_t top = (bucket & (STEPS - 1)) + STEPS;

    return (top << shift) + ((UINT64_C(1) << shift) - 1);
}

void histogram_record(struct histogram *h, uint64_t value)
{
    add(&h->buckets[histogram_bucket_of(value)], 1);
    add(&h->sum, value);
}

uint64_t histogram_count(const struct histogram *h)
{
    uint64_t count = 0;

    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        count += load(&h->buckets[i]);
    return count;
}

uint64_t histogram_sum(const struct histogram *h)
{
    return load(&h->sum);
}

uint64_t histogram_quantile(const struct histogram *h, double share)
{
    uint64_t count = histogram_count(h);
    uint64_t passed = 0;
    uint64_t value = 0;

    ASSERT(share >= 0 && share <= 1);
    double wanted = share * (double)count;

    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        uint64_t in_bucket = load(&h->buckets[i]);
        if (in_bucket == 0)
            continue;
        passed += in_bucket;
        value = histogram_bucket_max(i);
        if ((double)passed >= wanted)
            break;
    }
    return value;
}

static void histogram_merge(struct histogram *into, const struct histogram *from)
{
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        add(&into->buckets[i], load(&from->buckets[i]));
    add(&into->sum, load(&from->sum));
}

void metric_merge(const struct metric table[], void *into, const void *from)
{
    for (const struct metric *m = table; m->name != NULL; m++) {
        void *to = (char *)into + m->offset;
        const void *field = (const char *)from + m->offset;
        switch (m->kind) {
        case METRIC_COUNTER:
            counter_add(to, counter_read(field));
            break;
        case METRIC_GAUGE:
            gauge_add(to, gauge_read(field));
            break;
        case METRIC_HISTOGRAM:
            histogram_merge(to, field);
            break;
        }
    }
}

void metric_walk(const struct metric table[], const void *stats, metric_visit_fn *fn, void *owner)
{
    for (const struct metric *m = table; m->name != NULL; m++)
        fn(owner, m, (const char *)stats + m->offset);
}
