/* Numbers about the running program.
 *
 * A room keeps a struct of counters, gauges and histograms, one for each shard, and
 * declares a table that names the fields. Whoever shows metrics adds up the structs of all
 * shards and walks the sum, knowing no field by name:
 *
 *     struct log_stats {
 *         struct counter appended;
 *         struct histogram sync_ns;
 *     };
 *
 *     const struct metric log_metrics[] = {
 *         {"millrace_log_appended_total", METRIC_COUNTER, offsetof(struct log_stats, appended),
 *          "Records appended."},
 *         ...
 *         {0},
 *     };
 *
 * Owner: one thread writes a struct; any thread may read it. Every read sees some recent
 * value, and fields may be of slightly different times. */
#ifndef BASE_METRIC_H
#define BASE_METRIC_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/* It only grows. */
struct counter {
    _Atomic uint64_t value;
};

/* It goes up and down. */
struct gauge {
    _Atomic int64_t value;
};

/* Buckets on a logarithmic scale: eight to each doubling, so a bucket's limits differ by an
 * eighth at most. Values below 16 have a bucket each.
 *
 *     0 1 2 ... 15 | 16-17 18-19 ... 30-31 | 32-35 36-39 ... 60-63 | 64-71 ... */
enum {
    HISTOGRAM_STEP_BITS = 3,
    HISTOGRAM_BUCKETS = (64 - HISTOGRAM_STEP_BITS + 1) << HISTOGRAM_STEP_BITS,
};

struct histogram {
    _Atomic uint64_t buckets[HISTOGRAM_BUCKETS];
    _Atomic uint64_t sum; /* of the values; wraps */
};

enum metric_kind {
    METRIC_COUNTER,
    METRIC_GAUGE,
    METRIC_HISTOGRAM,
};

/* A row of a room's table, which ends with a row without a name. */
struct metric {
    const char *name;
    enum metric_kind kind;
    size_t offset;    /* of the field in the room's struct */
    const char *help; /* one sentence */
};

/* For the owner only: a plain load and store, no locked instruction. */
void counter_add(struct counter *c, uint64_t n);
void gauge_set(struct gauge *g, int64_t value);
void gauge_add(struct gauge *g, int64_t change);
void histogram_record(struct histogram *h, uint64_t value);

uint64_t counter_read(const struct counter *c);
int64_t gauge_read(const struct gauge *g);

/* How many values were recorded, and their sum. */
uint64_t histogram_count(const struct histogram *h);
uint64_t histogram_sum(const struct histogram *h);

/* The value that `share` of the recorded ones (0 to 1) do not exceed, rounded up to its
 * bucket's highest. 0 when there are none. */
uint64_t histogram_quantile(const struct histogram *h, double share);

/* The bucket that counts the value, and the highest value a bucket counts. */
size_t histogram_bucket_of(uint64_t value);
uint64_t histogram_bucket_max(size_t bucket);

/* Adds each field of `from` to that of `into`, which the caller zeroed and owns. */
void metric_merge(const struct metric table[], void *into, const void *from);

/* Calls fn for each row, with its field: a struct counter, gauge or histogram, as the row's
 * kind says. */
typedef void metric_visit_fn(void *owner, const struct metric *row, const void *field);
void metric_walk(const struct metric table[], const void *stats, metric_visit_fn *fn, void *owner);

#endif
