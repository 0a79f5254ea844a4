/* Segment files made anew: how long one takes, and what appends do when every segment needs
 * a new one.
 *
 * This is a log in its first minutes, or one of which nothing is ever dropped and all is
 * sorted too late. The append scenario shows the same log with its files recycled. */
#include <inttypes.h>

#include "base/mem.h"
#include "tools/bench/bare.h"
#include "tools/bench/bench_log.h"
#include "tools/bench/body.h"
#include "tools/bench/measure/machine.h"
#include "tools/bench/readback.h"
#include "tools/bench/stage.h"
#include "tools/bench/writers.h"

enum {
    BODY_SIZE = 1024,
    SPARES = 8, /* in the log of which the making is watched */
    DEPTH = 1000,
    SEGMENTS = 12, /* filled one after another */
};

#define NS_PER_S  1e9
#define NS_PER_MS 1e6
#define NS_PER_US 1e3
#define MB        1e6

struct spares_test {
    struct bench_log_run *run;
    struct stage stage;
    struct bare bare;
    struct body_maker maker;
    struct writers writers;
    uint64_t seen;                /* spares there were when last looked */
    uint64_t seen_ns[SPARES + 1]; /* when there were so many */
    struct samples mb_per_s;
    struct samples bare_mb_per_s;
    struct samples ratio;
};

/* ---- making them ---- */

static bool are_made(void *owner)
{
    struct spares_test *t = owner;
    struct log_stats now;

    log_get_stats(t->stage.log, &now);
    while (t->seen < now.spare_segments && t->seen < SPARES)
        t->seen_ns[++t->seen] = machine_now_ns();
    return t->seen == SPARES;
}

/* Makes the bare file of a segment's size anew. */
static int bare_round(struct spares_test *t, double *seconds)
{
    uint64_t before = machine_now_ns();
    int rv = bare_open(&t->bare, t->run->dir, t->run->options.segment_bytes, &t->run->note);

    *seconds = (double)(machine_now_ns() - before) / NS_PER_S;
    bare_close(&t->bare);
    return rv;
}

/* A new log makes its spares; the first ones are wanted badly and are not filled, so only
 * what comes behind the second counts. */
static int making_round(struct spares_test *t)
{
    struct stage_listener l = writers_listener(&t->writers);
    struct log_options o = t->run->options;
    double size_mb = (double)o.segment_bytes / MB;
    double seconds, bare_seconds = 1;
    int rv = bare_round(t, &bare_seconds);

    o.spare_segments = SPARES;
    t->seen = 0;
    if (rv == 0)
        rv = stage_open(&t->stage, t->run->dir, &t->run->note);
    if (rv == 0)
        rv = stage_open_log(&t->stage, &o, &l);
    if (rv == 0)
        rv = stage_wait(&t->stage, are_made, t);
    if (rv == 0) {
        seconds = (double)(t->seen_ns[SPARES] - t->seen_ns[2]) / NS_PER_S / (SPARES - 2);
        samples_add(&t->mb_per_s, size_mb / seconds);
        samples_add(&t->bare_mb_per_s, size_mb / bare_seconds);
        samples_add(&t->ratio, bare_seconds / seconds);
    }
    return rv;
}

static int measure_making(struct spares_test *t)
{
    struct report *r = t->run->report;
    int rv = 0;

    for (uint32_t i = 0; rv == 0 && i < t->run->rounds; i++) {
        int closed;

        rv = making_round(t);
        closed = stage_close(&t->stage);
        rv = rv != 0 ? rv : closed;
    }
    if (rv != 0)
        return rv;
    report_case(r, "spares made, each %" PRIu64 " MiB", t->run->options.segment_bytes >> 20);
    report_say(r, "speed, log to bare", "x", &t->ratio);
    report_say(r, "spares filled and synced", "MB/s", &t->mb_per_s);
    report_say(r, "bare: a file filled and synced", "MB/s", &t->bare_mb_per_s);
    return 0;
}

/* ---- needing them ---- */

/* What the rounds of appending gave. */
struct growth_samples {
    struct samples mb_per_s;
    struct samples refusals;
    struct samples median_us;
    struct samples longest_ms;
};

static int growth_round(struct spares_test *t, struct growth_samples *s)
{
    struct stage_listener l = writers_listener(&t->writers);
    struct writers_options o = {
        .depth = DEPTH,
        .records_max = SEGMENTS * t->run->options.segment_bytes / BODY_SIZE,
    };
    struct writers_result result;
    int rv = stage_open(&t->stage, t->run->dir, &t->run->note);

    t->maker.sequence = 0;
    histogram_init(&t->writers.latency);
    if (rv == 0)
        rv = stage_open_log(&t->stage, &t->run->options, &l);
    if (rv == 0)
        rv = stage_wait_quiet(&t->stage);
    if (rv == 0)
        rv = writers_run(&t->writers, &o, &result);
    if (rv != 0)
        return rv;
    samples_add(&s->mb_per_s, (double)result.records * BODY_SIZE / MB /
                                  ((double)result.used.elapsed_ns / NS_PER_S));
    samples_add(&s->refusals, (double)result.refusals);
    samples_add(&s->median_us, (double)histogram_percentile(&t->writers.latency, 50) / NS_PER_US);
    samples_add(&s->longest_ms, (double)t->writers.latency.max / NS_PER_MS);
    return 0;
}

static int measure_growth(struct spares_test *t)
{
    struct report *r = t->run->report;
    struct growth_samples s = {0};
    int rv = 0;

    for (uint32_t i = 0; rv == 0 && i < t->run->rounds; i++) {
        int closed;

        rv = growth_round(t, &s);
        closed = stage_close(&t->stage);
        rv = rv != 0 ? rv : closed;
    }
    if (rv != 0)
        return rv;
    report_case(r, "%d waiting writers fill %d new segments", DEPTH, SEGMENTS);
    report_say(r, "bandwidth of bodies", "MB/s", &s.mb_per_s);
    report_say(r, "appends refused for a while", "", &s.refusals);
    report_say(r, "wait until durable, median", "us", &s.median_us);
    report_say(r, "wait until durable, longest", "ms", &s.longest_ms);
    return 0;
}

int bench_log_spares(struct bench_log_run *run)
{
    struct spares_test *t = MEM_NEW(struct spares_test);
    int rv;

    t->run = run;
    body_maker_init(&t->maker, BODY_SIZE);
    writers_init(&t->writers, &t->stage, &t->maker);
    rv = measure_making(t);
    if (rv == 0)
        rv = measure_growth(t);
    writers_release(&t->writers);
    body_maker_release(&t->maker);
    mem_free(t);
    return rv;
}
