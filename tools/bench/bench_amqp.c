/* `millrace-bench amqp`: its options, and the rounds of each scenario on each broker. */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/diag.h"
#include "base/mem.h"
#include "io/disk.h"
#include "io/real.h"
#include "tools/bench/amqp/run.h"
#include "tools/bench/amqp/scenario.h"
#include "tools/bench/amqp/table.h"
#include "tools/bench/bench.h"
#include "tools/bench/bench_amqp.h"
#include "tools/bench/measure/process.h"

enum { REPORT_MAX = 64 << 20, BROKERS = TABLE_BROKERS_MAX };

/* For a guess at how long it takes: messages a second of ours, and of others. */
enum { FAST_RATE = 300 * 1000, SLOW_RATE = 40 * 1000, FORETOLD_SECONDS = 60 };

/* One run of the program. */
struct session {
    const struct bench_amqp_request *request;
    struct target brokers[BROKERS];
    size_t count;
    struct buf json;
    bool has_failed;
    bool is_over; /* interrupted, or a broker is gone */
};

/* ---- the brokers ---- */

static int add_broker(struct session *s, const struct bench_amqp_broker *b, const char *name,
                      struct err_note *note)
{
    struct target *t = &s->brokers[s->count];
    int rv;

    *t = (struct target){
        .name = b->name != NULL ? b->name : name,
        .pid = b->pid,
        .data_dir = b->data_dir,
        .command = b->command,
    };
    rv = uri_parse(b->uri, &t->uri, note);
    if (rv == 0)
        s->count++;
    return rv;
}

static int add_floor(struct session *s, struct err_note *note)
{
    struct target *t = &s->brokers[s->count];
    int rv;

    *t = (struct target){.name = "floor", .is_floor = true, .data_dir = s->request->floor_dir};
    rv = uri_parse("amqp://127.0.0.1", &t->uri, note);
    if (rv == 0)
        s->count++;
    return rv;
}

static int start_brokers(struct session *s, struct err_note *note)
{
    const struct bench_amqp_request *q = s->request;
    int rv = q->is_floor_alone ? 0 : add_broker(s, &q->broker, "broker", note);

    if (rv == 0 && q->other.uri != NULL)
        rv = add_broker(s, &q->other, "other", note);
    if (rv == 0 && (q->has_floor || q->is_floor_alone))
        rv = add_floor(s, note);
    for (size_t i = 0; rv == 0 && i < s->count; i++)
        rv = target_start(&s->brokers[i], NULL, note);
    return rv;
}

static void stop_brokers(struct session *s)
{
    for (size_t i = 0; i < s->count; i++)
        target_stop(&s->brokers[i]);
}

/* ---- the rounds ---- */

/* What memory something takes shows only in a program that did nothing before: what others gave
 * back is used again. */
static int refresh(struct target *t, const struct workload *w, struct err_note *note)
{
    bool asks_memory =
        w->shape == SHAPE_CONNECTIONS || w->shape == SHAPE_QUEUES || w->shape == SHAPE_BACKLOG;

    if (!asks_memory || t->program.pid == 0 || t->is_floor)
        return 0;
    target_stop(t);
    return target_start(t, NULL, note);
}

/* One round on one broker; a failure is kept with the column. */
static void run_round(struct session *s, struct target *t, const struct workload *w,
                      struct table_column *c)
{
    struct figures figures = {.count = 0};
    int rv;

    if (c->is_left_out || c->failure.text[0] != '\0')
        return;
    rv = refresh(t, w, &c->failure);
    if (rv == 0)
        rv = run_workload(t, w, &figures, &c->failure);
    if (rv == 0) {
        table_add(c, &figures);
        return;
    }
    if (c->failure.text[0] == '\0')
        (void)snprintf(c->failure.text, sizeof(c->failure.text), "%s", err_text(rv));
    s->has_failed = true;
    s->is_over = s->is_over || strcmp(c->failure.text, "interrupted") == 0;
}

static int report(struct session *s, const struct table_text *text,
                  const struct table_column *columns)
{
    struct buf out;
    int rv;

    buf_init(&out, REPORT_MAX);
    table_show(text, columns, s->count, &out);
    table_json(text, columns, s->count, &s->json);
    buf_u8(&out, '\0');
    rv = buf_error(&out) != 0 ? buf_error(&out) : real_print((const char *)out.data);
    buf_release(&out);
    return rv;
}

/* The rounds of all brokers take turns, so that what changes on the machine meets them all. */
static int run_scenario(struct session *s, const struct bench_amqp_job *job)
{
    struct table_column *columns = MEM_NEW_ARRAY(struct table_column, BROKERS);
    struct table_text text = {.scenario = job->name, .what = job->what, .options = job->options};
    int rv;

    for (size_t i = 0; i < s->count; i++) {
        columns[i].broker = s->brokers[i].name;
        columns[i].is_left_out = s->brokers[i].is_floor && !job->has_floor;
    }
    for (int64_t round = 0; round < s->request->rounds; round++) {
        for (size_t i = 0; i < s->count && !s->is_over; i++)
            run_round(s, &s->brokers[i], &job->work, &columns[i]);
    }
    rv = report(s, &text, columns);
    mem_free(columns);
    return rv;
}

/* About how long a round takes, with opening and taking away; `rate`: messages a second of a
 * broker that is not fast. */
static double round_seconds(const struct workload *w, double rate)
{
    double measured = (double)(w->warmup_ms + w->duration_ms) / 1000;
    double counted = (double)w->count / rate;

    switch (w->shape) {
    case SHAPE_FLOW:
        return 1 + (w->count > 0 ? counted : measured);
    case SHAPE_REPLAY: /* three stretches, then all of it is copied and consumed */
        return 4 + 2 * counted + 3 * measured * (1 + 2 * FAST_RATE / rate);
    case SHAPE_BACKLOG:
        return 4 + 2 * counted + (double)w->delay_ms / 1000;
    case SHAPE_START:
        return 10 + counted + (double)w->delay_ms / 1000;
    default:
        return 4 + measured;
    }
}

/* Says how long all of it will take, when that is long. */
static void foretell(const struct session *s)
{
    const struct bench_amqp_request *q = s->request;
    double seconds = 0;

    for (size_t i = 0; i < q->job_count; i++)
        for (size_t b = 0; b < s->count; b++)
            if (!s->brokers[b].is_floor || q->jobs[i].has_floor)
                seconds += round_seconds(&q->jobs[i].work,
                                         b == 0 || s->brokers[b].is_floor ? FAST_RATE : SLOW_RATE);
    seconds *= (double)q->rounds;
    if (seconds > FORETOLD_SECONDS)
        (void)fprintf(stderr, "millrace-bench: this takes about %.0f minutes\n", seconds / 60 + 1);
}

static int save_json(const struct session *s, struct err_note *note)
{
    const char *path = s->request->json;
    struct iovec part = {.iov_base = s->json.data, .iov_len = s->json.size};
    struct disk_file *f = NULL;
    int rv;

    if (path == NULL || s->json.size == 0)
        return 0;
    rv = disk_remove(real_disk(), path);
    if (rv == 0 || rv == ERR_NOT_FOUND)
        rv = disk_open(real_disk(), path, DISK_WRITE | DISK_CREATE, &f);
    if (rv == 0)
        rv = disk_write(f, &part, 1, 0);
    disk_close(f);
    return rv == 0 ? 0 : err_note(note, rv, "cannot write '%s': %s", path, err_text(rv));
}

static int measure(const struct bench_amqp_request *q, struct err_note *note)
{
    struct session s = {.request = q};
    int rv;

    buf_init(&s.json, REPORT_MAX);
    (void)process_raise_file_limit();
    rv = start_brokers(&s, note);
    if (rv == 0)
        foretell(&s);
    for (size_t i = 0; rv == 0 && i < q->job_count && !s.is_over; i++)
        rv = run_scenario(&s, &q->jobs[i]);
    stop_brokers(&s);
    if (rv == 0)
        rv = save_json(&s, note);
    buf_release(&s.json);
    if (rv == 0 && s.has_failed)
        rv = err_note(note, ERR_FAILED, "something went wrong; the tables say what");
    return rv;
}

int bench_amqp(int count, char *const *words)
{
    struct bench_amqp_request q;
    struct err_note note = {{0}};
    int rv = bench_amqp_read(&q, count, words, &note), status = BENCH_WELL;

    diag_set_level(DIAG_WARNING);
    if (rv == 0 && !q.is_help) {
        rv = measure(&q, &note);
        status = rv == 0 ? BENCH_WELL : BENCH_FAILED;
    } else if (rv != 0) {
        status = BENCH_USAGE;
    }
    if (rv != 0)
        (void)fprintf(stderr, "millrace-bench: %s\n",
                      note.text[0] != '\0' ? note.text : err_text(rv));
    if (status == BENCH_USAGE)
        (void)fprintf(stderr, "millrace-bench amqp --help says what there is\n");
    bench_amqp_release(&q);
    return status;
}
