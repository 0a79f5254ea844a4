/* The ring of those who wait, and what happens when they need not any more. */
#include "tools/bench/writers.h"

#include "base/mem.h"
#include "log/log.h"

/* No more appends: the time is over, there are enough, or something went wrong. */
static bool is_ended(const struct writers *w)
{
    const struct writers_options *o = &w->options;

    if (w->err != 0 || w->is_forgotten || (o->records_max > 0 && w->appended == o->records_max))
        return true;
    return o->duration_ns > 0 && io_now_ns(w->stage->io) >= w->end_ns;
}

/* How many do not wait and may append. */
static uint64_t idle_count(const struct writers *w)
{
    uint64_t idle = w->options.depth - w->count;
    uint64_t left = w->options.records_max - w->appended;

    if (is_ended(w))
        return 0;
    return w->options.records_max > 0 && left < idle ? left : idle;
}

/* One writer appends. */
static int append_one(struct writers *w, uint64_t now)
{
    struct log_entry e = {.is_transitory = w->options.is_transitory, .body_size = w->maker->size};
    uint32_t place = w->oldest + w->count;
    uint64_t position = 0;
    uint8_t *body = NULL;
    int rv = log_append(w->stage->log, &e, &position, &body);

    if (rv != 0)
        return rv;
    body_make(w->maker, body);
    if (place >= w->options.depth)
        place -= w->options.depth;
    w->ring[place] = (struct waiting){.position = position, .since_ns = now};
    w->count++;
    w->appended++;
    return 0;
}

/* All that do not wait append. Ends the run when nobody waits any more. */
static void append_all(struct writers *w)
{
    uint64_t now = io_now_ns(w->stage->io);
    int rv = 0;

    for (uint64_t idle = idle_count(w); rv == 0 && idle > 0; idle--)
        rv = append_one(w, now);
    if (rv == ERR_FULL) {
        w->refusals++;
        w->is_forgotten = w->count == 0 && !log_is_pressed(w->stage->log);
    } else if (rv != 0) {
        w->err = rv;
    }
    if (w->count == 0 && is_ended(w)) {
        w->is_running = false;
        stage_stop(w->stage);
    }
}

static void checkpoint_when_due(struct writers *w, uint64_t position)
{
    struct log_stats now;
    int rv;

    if (w->options.checkpoint_bytes == 0)
        return;
    log_get_stats(w->stage->log, &now);
    if (now.committed_bytes < w->checkpoint_at)
        return;
    rv = log_checkpoint(w->stage->log, position, bytes_text("bench"));
    if (rv == 0)
        w->checkpoint_at = now.committed_bytes + w->options.checkpoint_bytes;
    else if (rv != ERR_BUSY)
        w->err = rv;
}

static void on_durable(void *owner, uint64_t position)
{
    struct writers *w = owner;
    uint64_t now = io_now_ns(w->stage->io);

    while (w->count > 0 && w->ring[w->oldest].position < position) {
        histogram_add(&w->latency, now - w->ring[w->oldest].since_ns, 1);
        w->oldest = w->oldest + 1 < w->options.depth ? w->oldest + 1 : 0;
        w->count--;
        w->durable++;
    }
    if (!w->is_running)
        return;
    checkpoint_when_due(w, position);
    append_all(w);
}

static void on_pressure(void *owner, bool is_pressed)
{
    struct writers *w = owner;

    if (w->is_running && !is_pressed)
        append_all(w);
}

static void start(struct io_task *t)
{
    append_all(CONTAINER_OF(t, struct writers, start));
}

void writers_result_add(struct writers_result *sum, const struct writers_result *one)
{
    sum->records += one->records;
    sum->commits += one->commits;
    sum->commit_bytes += one->commit_bytes;
    sum->refusals += one->refusals;
    machine_usage_add(&sum->used, &one->used);
}

void writers_init(struct writers *w, struct stage *s, struct body_maker *maker)
{
    *w = (struct writers){.stage = s, .maker = maker};
    io_task_init(&w->start, start);
    w->ring = MEM_NEW_ARRAY(struct waiting, WRITERS_DEPTH_MAX);
    histogram_init(&w->latency);
}

void writers_release(struct writers *w)
{
    mem_free(w->ring);
    w->ring = NULL;
}

struct stage_listener writers_listener(struct writers *w)
{
    return (struct stage_listener){
        .owner = w,
        .on_durable = on_durable,
        .on_pressure = on_pressure,
    };
}

static void begin(struct writers *w, const struct writers_options *o)
{
    ASSERT(o->depth > 0 && o->depth <= WRITERS_DEPTH_MAX && w->count == 0);
    ASSERT(o->duration_ns > 0 || o->records_max > 0);
    w->options = *o;
    w->oldest = 0;
    w->appended = 0;
    w->durable = 0;
    w->refusals = 0;
    w->err = 0;
    w->is_forgotten = false;
    w->is_running = true;
    w->end_ns = machine_now_ns() + o->duration_ns;
    io_later(w->stage->io, &w->start);
}

/* Whether all went as it should. */
static int outcome(const struct writers *w)
{
    struct err_note *note = w->stage->note;

    if (w->is_forgotten)
        return err_note(note, ERR_FULL,
                        "the log refused an append though it is not pressed: "
                        "nobody would say when to go on");
    if (w->err != 0)
        return err_note(note, w->err, "an append was refused: %s", err_text(w->err));
    ASSERT(w->durable == w->appended);
    return 0;
}

int writers_run(struct writers *w, const struct writers_options *o, struct writers_result *out)
{
    struct log_stats before, after;
    struct machine_usage from;
    int rv;

    log_get_stats(w->stage->log, &before);
    machine_usage(&from);
    begin(w, o);
    rv = stage_run(w->stage);
    *out = (struct writers_result){
        .records = w->durable,
        .refusals = w->refusals,
        .used = machine_usage_since(&from),
    };
    if (rv == 0)
        rv = outcome(w);
    if (rv != 0)
        return rv;
    log_get_stats(w->stage->log, &after);
    out->commits = after.commits - before.commits;
    out->commit_bytes = after.committed_bytes - before.committed_bytes;
    return 0;
}
