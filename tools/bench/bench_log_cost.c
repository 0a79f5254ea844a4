/* What an append costs the thread that makes it, without any waiting for the disk.
 *
 * Many records are appended in one turn, then the loop goes on until they are durable, and
 * so on. The CPU time of the appending alone is taken around the loop of appends; that of
 * the whole shard (sealing with its checksum, starting the commit, telling the owner) over
 * the round. */
#include <inttypes.h>

#include "base/mem.h"
#include "tools/bench/bench_log.h"
#include "tools/bench/body.h"
#include "tools/bench/measure/machine.h"
#include "tools/bench/stage.h"

enum {
    TURN_BYTES = 4 << 20, /* of records appended in one turn */
    RECORD_COST = 8,      /* of a record's bytes, those that are not body */
};

#define NS_PER_US 1e3

struct cost_test {
    struct bench_log_run *run;
    struct stage stage;
    struct body_maker maker;
    struct io_task start;
    uint8_t *scratch; /* for the bodies alone */
    uint64_t turn_records;
    uint64_t records; /* of the round */
    uint64_t append_cpu_ns;
    uint64_t end_ns;
    uint64_t checkpoint_at;
    int err;
};

/* One turn's appends. */
static void append_many(struct cost_test *t)
{
    struct log_entry e = {.is_transitory = true, .body_size = t->maker.size};
    uint64_t before = machine_thread_cpu_ns();
    uint64_t position = 0;
    uint8_t *body = NULL;
    uint64_t i;

    for (i = 0; i < t->turn_records; i++) {
        t->err = log_append(t->stage.log, &e, &position, &body);
        if (t->err != 0)
            break;
        body_make(&t->maker, body);
    }
    t->append_cpu_ns += machine_thread_cpu_ns() - before;
    t->records += i;
}

/* Lets segments be recycled. */
static void checkpoint_when_due(struct cost_test *t, uint64_t position)
{
    struct log_stats now;

    log_get_stats(t->stage.log, &now);
    if (now.committed_bytes < t->checkpoint_at)
        return;
    if (log_checkpoint(t->stage.log, position, bytes_text("bench")) == 0)
        t->checkpoint_at = now.committed_bytes + t->run->options.segment_bytes;
}

static void on_durable(void *owner, uint64_t position)
{
    struct cost_test *t = owner;

    if (position < log_next(t->stage.log))
        return;
    checkpoint_when_due(t, position);
    if (t->err == 0 && machine_now_ns() < t->end_ns)
        append_many(t);
    if (position == log_next(t->stage.log))
        stage_stop(&t->stage);
}

static void start(struct io_task *task)
{
    append_many(CONTAINER_OF(task, struct cost_test, start));
}

static int run_round(struct cost_test *t, struct machine_usage *used)
{
    struct machine_usage from;
    int rv = stage_wait_quiet(&t->stage);

    if (rv != 0)
        return rv;
    t->records = 0;
    t->append_cpu_ns = 0;
    t->err = 0;
    machine_usage(&from);
    t->end_ns = from.elapsed_ns + t->run->round_ns;
    io_later(t->stage.io, &t->start);
    rv = stage_run(&t->stage);
    *used = machine_usage_since(&from);
    if (rv == 0 && t->err != 0)
        rv = err_note(&t->run->note, t->err, "an append was refused: %s", err_text(t->err));
    return rv;
}

/* The same bodies, made and put into plain memory. */
static double body_cost_us(struct cost_test *t)
{
    uint64_t before = machine_thread_cpu_ns();

    for (uint64_t i = 0; i < t->turn_records; i++)
        body_make(&t->maker, t->scratch + i * t->maker.size);
    return (double)(machine_thread_cpu_ns() - before) / NS_PER_US / (double)t->turn_records;
}

/* Bodies made beside the log do not count. */
static double body_cost_apart(struct cost_test *t)
{
    uint64_t sequence = t->maker.sequence;
    double cost = body_cost_us(t);

    t->maker.sequence = sequence;
    return cost;
}

static int measure(struct cost_test *t)
{
    struct samples append = {0}, all = {0}, body = {0};
    struct machine_usage used;
    int rv = run_round(t, &used); /* warm-up */

    for (uint32_t i = 0; rv == 0 && i < t->run->rounds; i++) {
        rv = run_round(t, &used);
        if (rv != 0)
            break;
        samples_add(&append, (double)t->append_cpu_ns / NS_PER_US / (double)t->records);
        samples_add(&all, (double)used.thread_cpu_ns / NS_PER_US / (double)t->records);
        samples_add(&body, body_cost_apart(t));
    }
    if (rv != 0)
        return rv;
    report_case(t->run->report, "bodies of %zu bytes", t->maker.size);
    report_say(t->run->report, "append and body, CPU", "us/record", &append);
    report_say(t->run->report, "the body alone into plain memory, CPU", "us/record", &body);
    report_say(t->run->report, "everything on the shard, CPU", "us/record", &all);
    return 0;
}

static void drop(void *owner, uint64_t lane, const struct record *r, struct log_sorting *s)
{
    (void)owner;
    (void)lane;
    (void)r;
    (void)s;
}

static int measure_size(struct bench_log_run *run, size_t size)
{
    struct cost_test *t = MEM_NEW(struct cost_test);
    struct stage_listener l = {.owner = t, .on_durable = on_durable, .classify = drop};
    int closed, rv;

    t->run = run;
    t->turn_records = TURN_BYTES / (size + RECORD_COST);
    t->scratch = mem_alloc(TURN_BYTES);
    io_task_init(&t->start, start);
    body_maker_init(&t->maker, size);
    rv = stage_open(&t->stage, run->dir, &run->note);
    if (rv == 0)
        rv = stage_open_log(&t->stage, &run->options, &l);
    if (rv == 0)
        rv = measure(t);
    closed = stage_close(&t->stage);
    body_maker_release(&t->maker);
    mem_free(t->scratch);
    mem_free(t);
    return rv != 0 ? rv : closed;
}

int bench_log_cost(struct bench_log_run *run)
{
    static const size_t sizes[] = {16, 128, 1024};
    int rv = 0;

    for (size_t i = 0; rv == 0 && i < ARRAY_SIZE(sizes); i++)
        rv = measure_size(run, sizes[i]);
    return rv;
}
