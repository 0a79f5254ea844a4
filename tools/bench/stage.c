/* The real world with one log in it. */
#include "tools/bench/stage.h"

#include "base/mem.h"
#include "io/disk.h"
#include "io/real.h"
#include "tools/bench/measure/machine.h"

#define LOOK_NS     (UINT64_C(1) * 1000 * 1000)
#define WAIT_NS     (UINT64_C(60) * 1000 * 1000 * 1000)
#define NO_POSITION UINT64_MAX

/* ---- the log's owner ---- */

static void on_durable(void *owner, uint64_t position)
{
    struct stage *s = owner;

    if (s->listener.on_durable != NULL)
        s->listener.on_durable(s->listener.owner, position);
}

static void on_failed(void *owner, int err)
{
    struct stage *s = owner;

    s->failed = err;
    stage_stop(s);
}

static void on_pressure(void *owner, bool is_pressed)
{
    struct stage *s = owner;

    if (s->listener.on_pressure != NULL)
        s->listener.on_pressure(s->listener.owner, is_pressed);
}

static void classify(void *owner, uint64_t lane, const struct record *r,
                     struct log_sorting *sorting)
{
    struct stage *s = owner;

    s->listener.classify(s->listener.owner, lane, r, sorting);
}

static int replay(void *owner, const struct record *r)
{
    struct stage *s = owner;

    return s->listener.replay(s->listener.owner, r);
}

/* ---- open and close ---- */

static void look(struct io_timer *t)
{
    struct stage *s = CONTAINER_OF(t, struct stage, wait);

    if (s->failed != 0 || s->is_over(s->is_over_owner) || machine_now_ns() > s->wait_end_ns)
        stage_stop(s);
    else
        io_timer_start(s->io, &s->wait, LOOK_NS);
}

int stage_open(struct stage *s, const char *dir, struct err_note *note)
{
    struct real_options options = {0};
    int rv;

    *s = (struct stage){.note = note, .dir = mem_format("%s/log", dir)};
    setting_defaults(real_settings, &options);
    io_timer_init(&s->wait, look);
    rv = real_open(&options, &s->real, note);
    if (rv == 0)
        rv = real_io_open(s->real, &s->io, note);
    if (rv != 0)
        return rv;
    rv = disk_make_dir(s->io->disk, s->dir);
    return rv == 0 ? 0 : err_note(note, rv, "cannot make '%s': %s", s->dir, err_text(rv));
}

int stage_close(struct stage *s)
{
    int rv = s->log != NULL ? stage_close_log(s) : 0;
    int removed = machine_remove_tree(s->dir, rv == 0 ? s->note : NULL);

    real_io_close(s->io);
    real_close(s->real);
    mem_free(s->dir);
    *s = (struct stage){0};
    return rv != 0 ? rv : removed;
}

int stage_open_log(struct stage *s, const struct log_options *options,
                   const struct stage_listener *l)
{
    struct log_owner owner = {
        .owner = s,
        .on_durable = on_durable,
        .on_failed = on_failed,
        .on_pressure = on_pressure,
        .classify = l->classify != NULL ? classify : NULL,
        .replay = l->replay != NULL ? replay : NULL,
    };

    ASSERT(s->log == NULL);
    s->listener = *l;
    s->failed = 0;
    s->spare_segments = (uint64_t)options->spare_segments;
    return log_open(s->io, s->dir, options, &owner, &s->log, s->note);
}

static int failed_or_well(const struct stage *s)
{
    if (s->failed == 0)
        return 0;
    return err_note(s->note, ERR_FAILED, "the log failed: %s", err_text(s->failed));
}

static void on_closed(void *owner)
{
    struct stage *s = owner;

    s->is_closed = true;
    stage_stop(s);
}

int stage_close_log(struct stage *s)
{
    ASSERT(s->log != NULL);
    s->is_closed = false;
    log_close(s->log, on_closed, s);
    while (!s->is_closed)
        real_io_run(s->io);
    s->log = NULL;
    return failed_or_well(s);
}

void stage_crash_log(struct stage *s)
{
    log_abandon(s->log);
    s->log = NULL;
}

/* ---- turning the loop ---- */

int stage_run(struct stage *s)
{
    real_io_run(s->io);
    return failed_or_well(s);
}

void stage_stop(struct stage *s)
{
    real_io_stop(s->io);
}

int stage_wait(struct stage *s, bool (*is_over)(void *owner), void *owner)
{
    int rv;

    s->is_over = is_over;
    s->is_over_owner = owner;
    s->wait_end_ns = machine_now_ns() + WAIT_NS;
    io_timer_start(s->io, &s->wait, 0);
    rv = stage_run(s);
    io_timer_stop(s->io, &s->wait);
    if (rv == 0 && !is_over(owner))
        rv = err_note(s->note, ERR_AGAIN, "the log in '%s' does not come to rest", s->dir);
    return rv;
}

/* True while a checkpoint is being written: then one at an impossible position is refused
 * for that and not for its position. */
static bool is_checkpointing(const struct stage *s)
{
    return log_checkpoint(s->log, NO_POSITION, bytes_text("")) == ERR_BUSY;
}

static bool is_quiet(void *owner)
{
    const struct stage *s = owner;
    struct log_stats now;

    log_get_stats(s->log, &now);
    return log_durable(s->log) == log_next(s->log) && !now.is_sorting && !is_checkpointing(s) &&
           now.spare_segments >= s->spare_segments;
}

int stage_wait_quiet(struct stage *s)
{
    return stage_wait(s, is_quiet, s);
}

static bool is_checkpoint_over(void *owner)
{
    return !is_checkpointing(owner);
}

int stage_checkpoint(struct stage *s, uint64_t position)
{
    int rv = log_checkpoint(s->log, position, bytes_text("bench"));

    if (rv != 0)
        return err_note(s->note, rv, "a checkpoint was refused: %s", err_text(rv));
    return stage_wait(s, is_checkpoint_over, s);
}
