/* What partitions count, a sample each. */
#include "http/metrics/partitions.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "broker/look_partition.h"
#include "http/metrics/expose.h"

struct row {
    const char *name;
    size_t offset; /* of a uint64_t in struct look_partition */
    bool is_counter;
    const char *help;
};

#define AT(field) offsetof(struct look_partition, field)

static const struct row rows[] = {
    {"partition_next_position", AT(next), false, "Position of the record to come"},
    {"partition_committed_position", AT(committed), false,
     "Position below which every record is on the disk"},
    {"log_commits_total", AT(log.commits), true, "Writes with a sync"},
    {"log_committed_bytes_total", AT(log.committed_bytes), true, "Bytes written by them"},
    {"log_pending_bytes", AT(log.pending_bytes), false, "Bytes that wait for the disk"},
    {"log_hot_segments", AT(log.hot_segments), false, "Segments of the hot log"},
    {"log_hot_bytes", AT(log.hot_bytes), false, "Bytes of the hot log"},
    {"log_cold_segments", AT(log.cold_segments), false, "Files of streams and deep queues"},
    {"log_cold_bytes", AT(log.cold_bytes), false, "Bytes of these files"},
    {"log_cache_bytes", AT(log.cache_bytes), false, "Memory of the block cache"},
    {"log_cache_hits_total", AT(log.cache_hits), true, "Blocks that were found in memory"},
    {"log_cache_misses_total", AT(log.cache_misses), true, "Blocks that were read from the disk"},
    {"log_sorter_runs_total", AT(log.sorter_runs), true, "Runs of the sorter"},
    {"log_sorter_failures_total", AT(log.sorter_failures), true, "Runs that failed"},
    {"log_sorter_debt_bytes", AT(log.debt_bytes), false, "Bytes that wait to be sorted"},
    {"log_spare_segments", AT(log.spare_segments), false, "Segments prepared ahead"},
    {"log_failed", AT(failed), false, "1 when the log takes nothing more after an error"},
    {"store_transient_messages", AT(store.transient_messages), false, "Transient messages"},
    {"store_transient_bytes", AT(store.transient_bytes), false, "Memory of transient messages"},
    {"store_spilled_bytes", AT(store.spilled_bytes), false,
     "Bytes of transient messages in the scratch file"},
};

static void begin_sample(struct expose *e, const char *name, unsigned number)
{
    char text[16];

    (void)snprintf(text, sizeof(text), "%u", number);
    expose_begin(e, name, NULL);
    expose_label(e, "partition", bytes_text(text));
}

static void tell_row(struct broker *b, struct expose *e, const struct row *r)
{
    struct look_partition p;
    uint64_t value = 0;

    expose_family(e, r->name, r->is_counter ? "counter" : "gauge", r->help);
    for (unsigned i = 0; look_partition(b, i, &p); i++) {
        memcpy(&value, (const char *)&p + r->offset, sizeof(value));
        begin_sample(e, r->name, i);
        expose_end(e, value);
    }
}

static const uint64_t times_ns[] = {
    50000,    100000,   200000,    500000,    1000000,   2000000,    5000000,    10000000,
    20000000, 50000000, 100000000, 200000000, 500000000, 1000000000, 2000000000, 5000000000};
static const uint64_t sizes[] = {1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216};

static void tell_histogram(struct broker *b, struct expose *e, const struct expose_histogram *row,
                           size_t offset)
{
    struct look_partition p;
    char labels[32];

    for (unsigned i = 0; look_partition(b, i, &p); i++) {
        struct expose_histogram one = *row;

        (void)snprintf(labels, sizeof(labels), "partition=\"%u\"", i);
        one.labels = labels;
        expose_histogram(
            e, &one, (const struct histogram *)(const void *)((const char *)p.metrics + offset));
    }
}

void partitions_tell(struct broker *b, struct expose *e)
{
    const struct expose_histogram times = {.name = "log_commit_seconds",
                                           .scale = 1e9,
                                           .bounds = times_ns,
                                           .bound_count = ARRAY_SIZE(times_ns)};
    const struct expose_histogram bytes = {
        .name = "log_commit_bytes", .scale = 1, .bounds = sizes, .bound_count = ARRAY_SIZE(sizes)};

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        tell_row(b, e, &rows[i]);
    expose_family(e, times.name, "histogram", "Time of a write with its sync, seen by who waits");
    tell_histogram(b, e, &times, offsetof(struct log_metrics, commit_ns));
    expose_family(e, bytes.name, "histogram",
                  "Bytes of such a write: how well commits are grouped");
    tell_histogram(b, e, &bytes, offsetof(struct log_metrics, commit_bytes));
}
