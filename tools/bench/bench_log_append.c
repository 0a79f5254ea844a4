/* Appends with group commit against the bare loops.
 *
 * The records are transitory and a checkpoint is kept for each segment's worth of them, so
 * segments are recycled and after the warm-up every file written to has been written
 * before: the state of a log that has run for a while. The bare file is in the same state.
 *
 *     a round:   | log | bare | log | bare | ... | log | bare |
 *
 * The slices are short, so that whatever else happens on the machine happens to both; what
 * they gave is added up over the round, and the ratio of a round is one sample. */
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
    WARM_SEGMENTS = 10, /* filled before anything is measured */
    WARM_DEPTH = 1000,
    BARE_SIZE = 256 << 20,
    PERCENTS = 3,
};

#define SLICE_NS  (UINT64_C(100) * 1000 * 1000)
#define NS_PER_S  1e9
#define NS_PER_US 1e3
#define MB        1e6

/* What all depths are measured with. */
struct append_test {
    struct bench_log_run *run;
    struct stage stage;
    struct bare bare;
    struct body_maker maker;
    struct writers writers;
    struct histogram bare_latency;
};

/* What the slices of one round gave. */
struct append_round {
    struct writers_result log;
    struct bare_result bare;
};

/* What the rounds of one depth gave. */
struct append_samples {
    struct samples rate; /* records a second */
    struct samples commit_rate;
    struct samples bare_rate;  /* pairs of write and sync a second */
    struct samples time_ratio; /* of a commit to a bare pair */
    struct samples bandwidth;  /* MB of bodies a second */
    struct samples bare_bandwidth;
    struct samples bandwidth_ratio;
    struct samples commit_records;
    struct samples commit_bytes;
    struct samples cpu_us;
    struct samples process_cpu_us;
    struct samples switches;
    struct samples process_switches;
    struct samples refusals;
    struct samples latency[PERCENTS];
    struct samples bare_latency[PERCENTS];
};

/* ---- measuring ---- */

static int run_log(struct append_test *t, uint32_t depth, struct writers_result *sum)
{
    struct writers_options o = {
        .depth = depth,
        .duration_ns = SLICE_NS,
        .checkpoint_bytes = t->run->options.segment_bytes,
        .is_transitory = true,
    };
    struct writers_result one = {0};
    int rv = writers_run(&t->writers, &o, &one);

    writers_result_add(sum, &one);
    return rv == 0 ? stage_wait_quiet(&t->stage) : rv;
}

/* Writes as much between two syncs as the log did; a single record is written without the
 * log's header. */
static int run_bare(struct append_test *t, uint32_t depth, struct append_round *round)
{
    size_t bytes = depth == 1 ? BODY_SIZE : (size_t)(round->log.commit_bytes / round->log.commits);
    struct bare_result one = {0};
    int rv = bare_run(&t->bare, bytes, SLICE_NS, &t->bare_latency, &one);

    round->bare.syncs += one.syncs;
    round->bare.bytes += one.bytes;
    round->bare.elapsed_ns += one.elapsed_ns;
    return rv == 0 ? 0 : err_note(&t->run->note, rv, "the bare loop failed: %s", err_text(rv));
}

static int run_round(struct append_test *t, uint32_t depth, struct append_round *round)
{
    int rv = 0;

    *round = (struct append_round){0};
    histogram_init(&t->writers.latency);
    histogram_init(&t->bare_latency);
    while (rv == 0 && round->log.used.elapsed_ns < t->run->round_ns) {
        rv = run_log(t, depth, &round->log);
        if (rv == 0)
            rv = run_bare(t, depth, round);
    }
    return rv;
}

/* ---- taking samples ---- */

static void take_latency(struct samples to[PERCENTS], const struct histogram *h)
{
    static const double percents[PERCENTS] = {50, 99, 100};

    for (size_t i = 0; i < PERCENTS; i++)
        samples_add(&to[i], (double)histogram_percentile(h, percents[i]) / NS_PER_US);
}

static void take_log(struct append_samples *s, const struct writers_result *w)
{
    double seconds = (double)w->used.elapsed_ns / NS_PER_S;
    double records = (double)w->records, commits = (double)w->commits;

    samples_add(&s->rate, records / seconds);
    samples_add(&s->commit_rate, commits / seconds);
    samples_add(&s->bandwidth, records * BODY_SIZE / MB / seconds);
    samples_add(&s->commit_records, records / commits);
    samples_add(&s->commit_bytes, (double)w->commit_bytes / commits);
    samples_add(&s->cpu_us, (double)w->used.thread_cpu_ns / NS_PER_US / records);
    samples_add(&s->process_cpu_us, (double)w->used.process_cpu_ns / NS_PER_US / records);
    samples_add(&s->switches, (double)w->used.thread_switches / commits);
    samples_add(&s->process_switches, (double)w->used.process_switches / commits);
    samples_add(&s->refusals, (double)w->refusals);
}

static void take_bare(struct append_samples *s, const struct bare_result *b)
{
    double seconds = (double)b->elapsed_ns / NS_PER_S;
    double rate = (double)b->syncs / seconds;
    double bandwidth = (double)b->bytes / MB / seconds;

    samples_add(&s->bare_rate, rate);
    samples_add(&s->bare_bandwidth, bandwidth);
    samples_add(&s->time_ratio, rate / samples_last(&s->commit_rate));
    samples_add(&s->bandwidth_ratio, samples_last(&s->bandwidth) / bandwidth);
}

/* ---- saying ---- */

/* What is asked of one depth and only told of the others. */
static void say_bars(struct report *r, uint32_t depth, const struct append_samples *s)
{
    struct figure time = {.name = "time of a commit, log to bare", .unit = "x", .limit = 1.3};
    struct figure bandwidth = {.name = "bandwidth, log to bare", .unit = "x", .limit = 0.8};
    struct figure cpu = {.name = "CPU of the appending thread", .unit = "us/record", .limit = 0.3};

    time.bar = depth == 1 ? BAR_AT_MOST : BAR_NONE;
    bandwidth.bar = depth == 1000 ? BAR_AT_LEAST : BAR_NONE;
    cpu.bar = depth == 1000 ? BAR_AT_MOST : BAR_NONE;
    report_add(r, &time, &s->time_ratio);
    report_add(r, &bandwidth, &s->bandwidth_ratio);
    report_add(r, &cpu, &s->cpu_us);
}

static void say_depth(struct report *r, uint32_t depth, const struct append_samples *s)
{
    report_case(r, "%" PRIu32 " waiting writer%s", depth, depth == 1 ? "" : "s");
    say_bars(r, depth, s);
    report_say(r, "CPU of all threads", "us/record", &s->process_cpu_us);
    report_say(r, "durable records", "1/s", &s->rate);
    report_say(r, "bandwidth of bodies", "MB/s", &s->bandwidth);
    report_say(r, "bare: bandwidth", "MB/s", &s->bare_bandwidth);
    report_say(r, "commits", "1/s", &s->commit_rate);
    report_say(r, "bare: pairs of write and sync", "1/s", &s->bare_rate);
    report_say(r, "records in a commit", "", &s->commit_records);
    report_say(r, "bytes in a commit", "", &s->commit_bytes);
    report_say(r, "switches of the appending thread", "/commit", &s->switches);
    report_say(r, "switches of all threads", "/commit", &s->process_switches);
    report_say(r, "wait until durable, median", "us", &s->latency[0]);
    report_say(r, "wait until durable, 99 %", "us", &s->latency[1]);
    report_say(r, "wait until durable, longest", "us", &s->latency[2]);
    report_say(r, "bare: a pair, median", "us", &s->bare_latency[0]);
    report_say(r, "bare: a pair, 99 %", "us", &s->bare_latency[1]);
    report_say(r, "bare: a pair, longest", "us", &s->bare_latency[2]);
    report_say(r, "appends refused for a while", "", &s->refusals);
}

/* ---- the scenario ---- */

static int measure_depth(struct append_test *t, uint32_t depth)
{
    struct append_samples s = {0};
    struct append_round round;
    int rv = run_round(t, depth, &round); /* warms what this depth needs */

    for (uint32_t i = 0; rv == 0 && i < t->run->rounds; i++) {
        rv = run_round(t, depth, &round);
        if (rv != 0)
            break;
        take_log(&s, &round.log);
        take_bare(&s, &round.bare);
        take_latency(s.latency, &t->writers.latency);
        take_latency(s.bare_latency, &t->bare_latency);
    }
    if (rv == 0)
        say_depth(t->run->report, depth, &s);
    return rv;
}

/* Fills so many segments that every file in use has been written before. */
static int warm_up(struct append_test *t)
{
    struct writers_options o = {
        .depth = WARM_DEPTH,
        .records_max = WARM_SEGMENTS * t->run->options.segment_bytes / BODY_SIZE,
        .checkpoint_bytes = t->run->options.segment_bytes,
        .is_transitory = true,
    };
    struct writers_result ignored;
    int rv = writers_run(&t->writers, &o, &ignored);

    return rv == 0 ? stage_wait_quiet(&t->stage) : rv;
}

/* Reads back what the log still has. */
static int verify(struct append_test *t)
{
    struct log *l = t->stage.log;
    struct readback_options o = {.lane = CURSOR_HOT, .first = log_first(l), .end = log_next(l)};
    struct readback_result result;
    int rv = readback_run(&t->stage, &o, &result);

    if (rv == 0)
        report_remark(t->run->report,
                      "read back and right: the last %" PRIu64 " records of %" PRIu64,
                      result.records, log_next(l));
    return rv;
}

/* Nothing is kept; a segment whose records were all transitory is not even read. */
static void drop(void *owner, uint64_t lane, const struct record *r, struct log_sorting *s)
{
    (void)owner;
    (void)lane;
    (void)r;
    (void)s;
}

static int measure(struct append_test *t)
{
    static const uint32_t depths[] = {1, 100, 1000};
    struct stage_listener l = writers_listener(&t->writers);
    int rv;

    l.classify = drop;
    rv = stage_open_log(&t->stage, &t->run->options, &l);
    if (rv == 0)
        rv = warm_up(t);
    if (rv == 0 && t->run->writers > 0)
        rv = measure_depth(t, t->run->writers);
    for (size_t i = 0; rv == 0 && t->run->writers == 0 && i < ARRAY_SIZE(depths); i++)
        rv = measure_depth(t, depths[i]);
    return rv == 0 ? verify(t) : rv;
}

int bench_log_append(struct bench_log_run *run)
{
    struct append_test *t = MEM_NEW(struct append_test);
    int closed, rv;

    t->run = run;
    body_maker_init(&t->maker, BODY_SIZE);
    writers_init(&t->writers, &t->stage, &t->maker);
    rv = stage_open(&t->stage, run->dir, &run->note);
    if (rv == 0)
        rv = bare_open(&t->bare, run->dir, BARE_SIZE, &run->note);
    if (rv == 0)
        rv = measure(t);
    closed = stage_close(&t->stage);
    bare_close(&t->bare);
    writers_release(&t->writers);
    body_maker_release(&t->maker);
    mem_free(t);
    return rv != 0 ? rv : closed;
}
