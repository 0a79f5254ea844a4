/* Reading the hot log: in order from the page cache, in order from memory, and at random
 * from memory. */
#include <inttypes.h>

#include "base/mem.h"
#include "base/rand.h"
#include "log/cursor.h"
#include "tools/bench/bench_log.h"
#include "tools/bench/body.h"
#include "tools/bench/readback.h"
#include "tools/bench/stage.h"
#include "tools/bench/writers.h"

enum {
    BODY_SIZE = 1024,
    RECORDS = 256 << 10,  /* of the whole log */
    IN_MEMORY = 16 << 10, /* of its end, which the cache holds */
    MEMORY_TIMES = 32,    /* how often the end is read in one round */
    PEEKS = 1 << 20,      /* in one round */
    DEPTH = 1000,
    SEED = 5,
};

#define NS_PER_US 1e3

struct read_test {
    struct bench_log_run *run;
    struct stage stage;
    struct body_maker maker;
    struct writers writers;
    struct rand rand;
    uint64_t misses;
};

/* What the rounds of one way to read gave. */
struct read_samples {
    struct samples gb_per_s;
    struct samples cpu_us;
    struct samples process_cpu_us;
};

static void take(struct read_samples *s, const struct readback_result *r)
{
    double ns = (double)r->used.elapsed_ns;

    samples_add(&s->gb_per_s, (double)r->body_bytes / ns);
    samples_add(&s->cpu_us, (double)r->used.thread_cpu_ns / NS_PER_US / (double)r->records);
    samples_add(&s->process_cpu_us,
                (double)r->used.process_cpu_ns / NS_PER_US / (double)r->records);
}

static void say(struct report *r, const struct read_samples *s)
{
    report_say(r, "bodies read and checked", "GB/s", &s->gb_per_s);
    report_say(r, "CPU of the reading thread", "us/record", &s->cpu_us);
    report_say(r, "CPU of all threads", "us/record", &s->process_cpu_us);
}

/* Reads from `first` to the end of the hot log so many times as if it were one reading. */
static int read_times(struct read_test *t, uint64_t first, uint32_t times,
                      struct readback_result *out)
{
    struct readback_options o = {.lane = CURSOR_HOT, .first = first, .end = log_next(t->stage.log)};
    struct machine_usage from;
    struct readback_result one;
    int rv = 0;

    *out = (struct readback_result){0};
    machine_usage(&from);
    for (uint32_t i = 0; rv == 0 && i < times; i++) {
        rv = readback_run(&t->stage, &o, &one);
        out->records += one.records;
        out->body_bytes += one.body_bytes;
    }
    out->used = machine_usage_since(&from);
    return rv;
}

static int measure_reading(struct read_test *t, uint64_t first, uint32_t times,
                           struct read_samples *s)
{
    struct readback_result result;
    int rv = read_times(t, first, times, &result); /* warm-up */

    for (uint32_t i = 0; rv == 0 && i < t->run->rounds; i++) {
        rv = read_times(t, first, times, &result);
        if (rv == 0)
            take(s, &result);
    }
    return rv;
}

/* Looks at PEEKS random records of the log's end. */
static int peek_round(struct read_test *t, uint64_t first)
{
    for (uint32_t i = 0; i < PEEKS; i++) {
        uint64_t position = first + rand_below(&t->rand, IN_MEMORY);
        struct block *pin = NULL;
        struct record r;
        int rv = log_peek(t->stage.log, position, &r, &pin);

        if (rv == ERR_AGAIN) {
            t->misses++;
            continue;
        }
        if (rv != 0 || get_le64(r.body.data) != position)
            return err_note(&t->run->note, ERR_CORRUPT, "a look at position %" PRIu64 " failed: %s",
                            position, err_text(rv));
        log_unpin(pin);
    }
    return 0;
}

static int measure_peeks(struct read_test *t)
{
    uint64_t first = log_next(t->stage.log) - IN_MEMORY;
    struct report *r = t->run->report;
    struct samples cost = {0};
    int rv = peek_round(t, first); /* warm-up */

    t->misses = 0;
    for (uint32_t i = 0; rv == 0 && i < t->run->rounds; i++) {
        uint64_t before = machine_thread_cpu_ns();
        rv = peek_round(t, first);
        samples_add(&cost, (double)(machine_thread_cpu_ns() - before) / NS_PER_US / PEEKS);
    }
    if (rv != 0)
        return rv;
    report_case(r, "at random, the last %d MiB from memory", IN_MEMORY / 1024);
    report_say(r, "a look and the pin given back, CPU", "us", &cost);
    if (t->misses > 0)
        report_remark(r, "%" PRIu64 " looks found nothing in memory", t->misses);
    return 0;
}

static int fill(struct read_test *t)
{
    struct stage_listener l = writers_listener(&t->writers);
    struct writers_options o = {.depth = DEPTH, .records_max = RECORDS};
    struct writers_result ignored;
    int rv = stage_open_log(&t->stage, &t->run->options, &l);

    if (rv == 0)
        rv = writers_run(&t->writers, &o, &ignored);
    return rv == 0 ? stage_wait_quiet(&t->stage) : rv;
}

static int measure(struct read_test *t)
{
    struct read_samples pages = {0}, memory = {0};
    struct report *r = t->run->report;
    int rv = fill(t);

    if (rv == 0)
        rv = measure_reading(t, 0, 1, &pages);
    if (rv != 0)
        return rv;
    report_case(r, "in order, %d MiB from the page cache", RECORDS / 1024);
    say(r, &pages);
    rv = measure_reading(t, RECORDS - IN_MEMORY, MEMORY_TIMES, &memory);
    if (rv != 0)
        return rv;
    report_case(r, "in order, the last %d MiB from memory", IN_MEMORY / 1024);
    say(r, &memory);
    return measure_peeks(t);
}

int bench_log_read(struct bench_log_run *run)
{
    struct read_test *t = MEM_NEW(struct read_test);
    int closed, rv;

    t->run = run;
    rand_init(&t->rand, SEED);
    body_maker_init(&t->maker, BODY_SIZE);
    writers_init(&t->writers, &t->stage, &t->maker);
    rv = stage_open(&t->stage, run->dir, &run->note);
    if (rv == 0)
        rv = measure(t);
    closed = stage_close(&t->stage);
    writers_release(&t->writers);
    body_maker_release(&t->maker);
    mem_free(t);
    return rv != 0 ? rv : closed;
}
