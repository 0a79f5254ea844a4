/* The sorter, and the reading of what it made.
 *
 * Every record is moved to one destination. The sorter may touch what the checkpoint before
 * the last one covers, so a round is: fill, checkpoint, one record more, checkpoint, and
 * wait until nothing is left to sort; beside it a bare copy of as many bytes to a new file.
 * In the end the destination's lane is read from its first record to its last. */
#include <inttypes.h>

#include "base/mem.h"
#include "tools/bench/bare.h"
#include "tools/bench/bench_log.h"
#include "tools/bench/body.h"
#include "tools/bench/readback.h"
#include "tools/bench/stage.h"
#include "tools/bench/writers.h"

enum {
    BODY_SIZE = 1024,
    ROUND_RECORDS = 256 << 10,
    DEPTH = 1000,
    DESTINATION = 1,
};

#define NS_PER_US 1e3
#define NS_PER_S  1e9
#define MB        1e6

struct sort_test {
    struct bench_log_run *run;
    struct stage stage;
    struct bare bare;
    struct body_maker maker;
    struct writers writers;
};

/* What the rounds gave. */
struct sort_samples {
    struct samples mb_per_s;
    struct samples bare_mb_per_s;
    struct samples ratio;
    struct samples shard_cpu_us;
    struct samples cpu_us;
    struct samples bare_cpu_us;
};

static void move_all(void *owner, uint64_t lane, const struct record *r, struct log_sorting *s)
{
    (void)owner;
    (void)lane;
    log_move(s, DESTINATION, r->number);
}

static bool is_sorted(void *owner)
{
    struct sort_test *t = owner;
    struct log_stats now;

    log_get_stats(t->stage.log, &now);
    return now.debt_bytes == 0 && !now.is_sorting;
}

static int fill(struct sort_test *t, uint64_t records)
{
    struct writers_options o = {.depth = DEPTH, .records_max = records};
    struct writers_result ignored;
    int rv = writers_run(&t->writers, &o, &ignored);

    return rv == 0 ? stage_wait_quiet(&t->stage) : rv;
}

/* Fills, and keeps the first of the two checkpoints. */
static int prepare(struct sort_test *t)
{
    int rv = fill(t, ROUND_RECORDS);

    if (rv == 0)
        rv = stage_checkpoint(&t->stage, log_durable(t->stage.log));
    return rv == 0 ? fill(t, 1) : rv;
}

/* Sorts all segments but the one that takes appends; *records is how many records that
 * were. */
static int sort_all(struct sort_test *t, struct machine_usage *used, double *records)
{
    struct log *l = t->stage.log;
    uint64_t first = log_first(l);
    struct machine_usage from;
    int rv;

    machine_usage(&from);
    rv = stage_checkpoint(&t->stage, log_durable(l));
    if (rv == 0)
        rv = stage_wait(&t->stage, is_sorted, t);
    *used = machine_usage_since(&from);
    *records = (double)(log_first(l) - first);
    if (rv == 0 && log_first(l) == first)
        rv = err_note(&t->run->note, ERR_NOT_FOUND, "the sorter found nothing to do");
    return rv;
}

static int sort_round(struct sort_test *t, struct sort_samples *s)
{
    struct machine_usage used, bare;
    double records, copied = (double)t->bare.size / BODY_SIZE;
    int rv = prepare(t);

    if (rv == 0)
        rv = sort_all(t, &used, &records);
    if (rv == 0)
        rv = stage_wait_quiet(&t->stage);
    if (rv == 0)
        rv = bare_copy(&t->bare, &bare);
    if (rv != 0)
        return rv;
    samples_add(&s->mb_per_s, records * BODY_SIZE / MB / ((double)used.elapsed_ns / NS_PER_S));
    samples_add(&s->bare_mb_per_s,
                (double)t->bare.size / MB / ((double)bare.elapsed_ns / NS_PER_S));
    samples_add(&s->ratio, samples_last(&s->mb_per_s) / samples_last(&s->bare_mb_per_s));
    samples_add(&s->shard_cpu_us, (double)used.thread_cpu_ns / NS_PER_US / records);
    samples_add(&s->cpu_us, (double)used.process_cpu_ns / NS_PER_US / records);
    samples_add(&s->bare_cpu_us, (double)bare.thread_cpu_ns / NS_PER_US / copied);
    return 0;
}

static int measure_sorting(struct sort_test *t)
{
    struct report *r = t->run->report;
    struct sort_samples warm_up = {0}, s = {0};
    int rv = sort_round(t, &warm_up);

    for (uint32_t i = 0; rv == 0 && i < t->run->rounds; i++)
        rv = sort_round(t, &s);
    if (rv != 0)
        return rv;
    report_case(r, "the sorter moves everything to one destination");
    report_say(r, "speed, log to bare", "x", &s.ratio);
    report_say(r, "bodies moved", "MB/s", &s.mb_per_s);
    report_say(r, "bare: a file copied and synced", "MB/s", &s.bare_mb_per_s);
    report_say(r, "CPU of the shard", "us/record", &s.shard_cpu_us);
    report_say(r, "CPU of all threads", "us/record", &s.cpu_us);
    report_say(r, "bare: CPU", "us/KiB", &s.bare_cpu_us);
    return 0;
}

static int measure_reading(struct sort_test *t)
{
    struct readback_options o = {.lane = CURSOR_COLD, .destination = DESTINATION};
    struct figure speed = {"bodies read and checked", "GB/s", BAR_AT_LEAST, 1.0};
    struct samples gb_per_s = {0}, cpu = {0}, process_cpu = {0};
    struct readback_result result;
    struct report *r = t->run->report;
    int rv;

    if (!log_lane(t->stage.log, DESTINATION, &o.first, &o.end))
        return err_note(&t->run->note, ERR_NOT_FOUND, "the sorter moved nothing");
    rv = readback_run(&t->stage, &o, &result); /* warm-up */
    for (uint32_t i = 0; rv == 0 && i < t->run->rounds; i++) {
        rv = readback_run(&t->stage, &o, &result);
        samples_add(&gb_per_s, (double)result.body_bytes / (double)result.used.elapsed_ns);
        samples_add(&cpu, (double)result.used.thread_cpu_ns / NS_PER_US / (double)result.records);
        samples_add(&process_cpu,
                    (double)result.used.process_cpu_ns / NS_PER_US / (double)result.records);
    }
    if (rv != 0)
        return rv;
    report_case(r, "the destination's lane in order, %" PRIu64 " records from the page cache",
                result.records);
    report_add(r, &speed, &gb_per_s);
    report_say(r, "CPU of the reading thread", "us/record", &cpu);
    report_say(r, "CPU of all threads", "us/record", &process_cpu);
    return 0;
}

static int measure(struct sort_test *t)
{
    struct stage_listener l = writers_listener(&t->writers);
    int rv;

    l.classify = move_all;
    rv = stage_open_log(&t->stage, &t->run->options, &l);
    if (rv == 0)
        rv = measure_sorting(t);
    return rv == 0 ? measure_reading(t) : rv;
}

int bench_log_sort(struct bench_log_run *run)
{
    struct sort_test *t = MEM_NEW(struct sort_test);
    int closed, rv;

    t->run = run;
    body_maker_init(&t->maker, BODY_SIZE);
    writers_init(&t->writers, &t->stage, &t->maker);
    rv = stage_open(&t->stage, run->dir, &run->note);
    if (rv == 0)
        rv = bare_open(&t->bare, run->dir, (uint64_t)ROUND_RECORDS * BODY_SIZE, &run->note);
    if (rv == 0)
        rv = measure(t);
    closed = stage_close(&t->stage);
    bare_close(&t->bare);
    writers_release(&t->writers);
    body_maker_release(&t->maker);
    mem_free(t);
    return rv != 0 ? rv : closed;
}
