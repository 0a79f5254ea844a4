/* Opening a log of a million records: how long it takes depends on where the newest
 * checkpoint is.
 *
 * The files are in the page cache. Of each record that is replayed the number and the one in its
 * body are compared; in an opening of each sort whose time does not count, the checksum of its body
 * too, which is the bench's work and takes about as long as the log's. */
#include <inttypes.h>

#include "base/mem.h"
#include "tools/bench/bench_log.h"
#include "tools/bench/body.h"
#include "tools/bench/measure/machine.h"
#include "tools/bench/stage.h"
#include "tools/bench/writers.h"

enum {
    BODY_SIZE = 1024,
    RECORDS = 1000 * 1000,
    CRASH_RECORDS = 10 * 1000, /* above the checkpoint when the crash comes */
    DEPTH = 1000,
};

#define NS_PER_S 1e9

/* What the openings of one sort took. */
struct openings {
    struct samples seconds;
    struct samples cpu; /* of the thread that opens, which is what other programs change least */
};

struct recovery_test {
    struct bench_log_run *run;
    struct stage stage;
    struct body_maker maker;
    struct writers writers;
    uint64_t replayed_first; /* positions [first, next) were replayed */
    uint64_t replayed_next;
    bool is_checking; /* bodies are checked to the last bit */
};

static int on_replay(void *owner, const struct record *r)
{
    struct recovery_test *t = CONTAINER_OF(owner, struct recovery_test, writers);

    if (t->replayed_next == 0) {
        t->replayed_first = r->number;
        t->replayed_next = r->number;
    }
    if (r->number != t->replayed_next || !body_is_numbered(r->body, r->number))
        return ERR_CORRUPT;
    if (t->is_checking && !body_is(r->body, r->number))
        return ERR_CORRUPT;
    t->replayed_next++;
    return 0;
}

/* Opens the log; replay must bring everything from `from` on. `o` gets what it took, unless it is
 * NULL. */
static int open_log(struct recovery_test *t, uint64_t from, struct openings *o)
{
    struct stage_listener l = writers_listener(&t->writers);
    struct machine_usage before, used;
    int rv;

    l.replay = on_replay;
    t->replayed_first = from;
    t->replayed_next = 0;
    machine_usage(&before);
    rv = stage_open_log(&t->stage, &t->run->options, &l);
    used = machine_usage_since(&before);
    if (rv != 0)
        return rv;
    if (t->replayed_next == 0)
        t->replayed_next = t->replayed_first;
    if (log_next(t->stage.log) != t->maker.sequence || t->replayed_first != from ||
        t->replayed_next != t->maker.sequence)
        return err_note(&t->run->note, ERR_CORRUPT,
                        "of %" PRIu64 " records those from %" PRIu64 " to %" PRIu64
                        " were replayed, not those from %" PRIu64,
                        t->maker.sequence, t->replayed_first, t->replayed_next, from);
    if (o != NULL) {
        samples_add(&o->seconds, (double)used.elapsed_ns / NS_PER_S);
        samples_add(&o->cpu, (double)used.thread_cpu_ns / NS_PER_S);
    }
    return 0;
}

static int append(struct recovery_test *t, uint64_t records)
{
    struct writers_options o = {.depth = DEPTH, .records_max = records};
    struct writers_result ignored;
    int rv = writers_run(&t->writers, &o, &ignored);

    return rv == 0 ? stage_wait_quiet(&t->stage) : rv;
}

/* Closes the open log and opens it again, so many times as there are rounds; it is open
 * afterwards. */
static int measure_openings(struct recovery_test *t, uint64_t from, struct openings *o)
{
    int rv = 0;

    for (uint32_t i = 0; rv == 0 && i <= t->run->rounds; i++) {
        t->is_checking = i == 0;
        rv = stage_wait_quiet(&t->stage);
        if (rv == 0)
            rv = stage_close_log(&t->stage);
        if (rv == 0)
            rv = open_log(t, from, t->is_checking ? NULL : o);
    }
    return rv;
}

/* The same, but each time records are appended behind a checkpoint, and then comes a crash. */
static int measure_crashes(struct recovery_test *t, struct openings *o)
{
    int rv = 0;

    for (uint32_t i = 0; rv == 0 && i < t->run->rounds; i++) {
        uint64_t from = log_next(t->stage.log);

        rv = stage_checkpoint(&t->stage, from);
        if (rv == 0)
            rv = append(t, CRASH_RECORDS);
        if (rv != 0)
            break;
        stage_crash_log(&t->stage);
        rv = open_log(t, from, o);
    }
    return rv;
}

/* A million records above a checkpoint is what is asked for, wherever it is. */
static void say(struct recovery_test *t, enum bar bar, const struct openings *o)
{
    struct figure f = {.name = "open", .unit = "s", .bar = bar, .limit = 1.0};

    report_add(t->run->report, &f, &o->seconds);
    report_say(t->run->report, "CPU of the opening thread", "s", &o->cpu);
}

/* Keeps a checkpoint at `position` and measures. */
static int measure_checkpoint(struct recovery_test *t, uint64_t position)
{
    struct openings o = {0};
    int rv = stage_checkpoint(&t->stage, position);

    if (rv == 0)
        rv = measure_openings(t, position, &o);
    if (rv != 0)
        return rv;
    report_case(t->run->report, "the newest checkpoint at record %" PRIu64, position);
    say(t, BAR_AT_MOST, &o);
    return 0;
}

static int measure(struct recovery_test *t)
{
    struct openings without = {0}, crashed = {0};
    int rv = open_log(t, 0, NULL);

    if (rv == 0)
        rv = append(t, RECORDS);
    if (rv == 0)
        rv = measure_openings(t, 0, &without);
    if (rv != 0)
        return rv;
    report_case(t->run->report, "no checkpoint: all is replayed");
    say(t, BAR_NONE, &without);
    rv = measure_checkpoint(t, 1);
    if (rv == 0)
        rv = measure_checkpoint(t, RECORDS / 2);
    if (rv == 0)
        rv = measure_checkpoint(t, RECORDS);
    if (rv == 0)
        rv = measure_crashes(t, &crashed);
    if (rv != 0)
        return rv;
    report_case(t->run->report, "a crash %d records behind the newest checkpoint", CRASH_RECORDS);
    say(t, BAR_AT_MOST, &crashed);
    return 0;
}

int bench_log_recovery(struct bench_log_run *run)
{
    struct recovery_test *t = MEM_NEW(struct recovery_test);
    int closed, rv;

    t->run = run;
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
