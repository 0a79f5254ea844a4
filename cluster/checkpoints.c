/* When checkpoints are made, and the way of one into the log; drawn in partition_parts.h. */
#include <inttypes.h>

#include "base/diag.h"
#include "base/err.h"
#include "cluster/fold_states.h"
#include "cluster/partition_parts.h"

enum {
    MS_NS = 1000 * 1000,
    RETRY_NS = 20 * MS_NS,
    STATE_SHARE = 4, /* so many times the last state must be appended before the next one */
};

static bool is_over(const struct partition *p)
{
    return partition_failed(p) != 0;
}

static void drop_state(struct partition *p)
{
    buf_release(&p->checkpoint.state);
    p->checkpoint.has_state = false;
}

/* ---- Taking ---- */

static void save_folds(struct partition *p, struct buf *out, bool is_last)
{
    fold_states_begin(out, p->checkpoint.position, is_last);
    for (size_t i = 0; i < p->fold_count; i++) {
        const struct fold *f = &p->folds[i];
        size_t part;

        if (f->save == NULL)
            continue;
        part = fold_states_begin_part(out, f->id);
        f->save(f->owner, is_last, out);
        fold_states_end_part(out, part);
    }
    ASSERT(p->checkpoint.position == log_next(p->log)); /* save() must not append */
}

/* Asks all folds for their state. */
static void take_state(struct partition *p, bool is_last)
{
    struct partition_checkpoint *c = &p->checkpoint;

    buf_init(&c->state, (size_t)p->options.checkpoint_max_bytes);
    c->position = log_next(p->log);
    c->is_last = is_last;
    c->appended = 0;
    save_folds(p, &c->state, is_last);
    if (buf_error(&c->state) != 0) {
        diag(DIAG_WARNING, "cluster",
             "partition %u makes no checkpoint: %s at %zu bytes of state; the next start takes "
             "longer and old segments stay",
             p->number, err_text(buf_error(&c->state)), c->state.size);
        drop_state(p);
        return;
    }
    c->threshold = p->options.checkpoint_bytes;
    if (c->threshold < c->state.size * STATE_SHARE)
        c->threshold = c->state.size * STATE_SHARE;
    c->has_state = true;
}

static void take_in_turn(struct io_task *t)
{
    struct partition *p = CONTAINER_OF(t, struct partition, checkpoint.task);
    struct partition_checkpoint *c = &p->checkpoint;

    if (p->closing.is_on && !c->is_last && c->has_state)
        drop_state(p); /* a better one is coming */
    if (!c->has_state && !is_over(p))
        take_state(p, p->closing.is_on);
    if (p->closing.is_on && c->has_state)
        log_sync(p->log); /* nobody waits for an interval at the end */
    if (c->has_state)
        partition_offer_state(p);
    else if (p->closing.is_on)
        partition_close_log(p);
}

void partition_checkpoint(struct partition *p)
{
    if (!is_over(p) && !p->closing.is_on)
        io_later(p->io, &p->checkpoint.task);
}

/* ---- Handing over ---- */

void partition_offer_state(struct partition *p)
{
    struct partition_checkpoint *c = &p->checkpoint;
    int rv;

    if (!c->has_state || log_durable(p->log) < c->position)
        return;
    rv = log_checkpoint(p->log, c->position, buf_view(&c->state));
    if (rv == ERR_BUSY) {
        io_timer_start(p->io, &c->retry, RETRY_NS);
        return;
    }
    if (rv != 0)
        diag(DIAG_WARNING, "cluster",
             "partition %u makes no checkpoint at position=%" PRIu64 ": %s", p->number, c->position,
             err_text(rv));
    drop_state(p);
    if (p->closing.is_on)
        partition_close_log(p);
}

static void offer_again(struct io_timer *t)
{
    struct partition *p = CONTAINER_OF(t, struct partition, checkpoint.retry);

    if (!is_over(p))
        partition_offer_state(p);
}

/* ---- When ---- */

void partition_count_append(struct partition *p, size_t bytes)
{
    struct partition_checkpoint *c = &p->checkpoint;

    c->appended += bytes;
    c->is_marked = false;
    if (UNLIKELY(!io_timer_is_running(&c->interval)) && p->options.checkpoint_interval_ms > 0)
        io_timer_start(p->io, &c->interval, p->options.checkpoint_interval_ms * MS_NS);
    if (UNLIKELY(c->appended >= c->threshold) && !c->has_state)
        partition_checkpoint(p);
}

/* Appends a mark when old segments wait only for one more checkpoint. Returns whether it did. */
static bool append_mark(struct partition *p)
{
    const struct log_entry e = {
        .kind = PARTITION_RECORD_MARK, .may_use_reserve = true, .is_transitory = true};
    struct log_stats stats;
    uint64_t position;
    uint8_t *body;

    log_get_stats(p->log, &stats);
    if (p->checkpoint.is_marked || stats.hot_segments < 2)
        return false;
    p->checkpoint.is_marked = log_append(p->log, &e, &position, &body) == 0;
    return p->checkpoint.is_marked;
}

static void look_by_time(struct io_timer *t)
{
    struct partition *p = CONTAINER_OF(t, struct partition, checkpoint.interval);

    if (is_over(p) || p->closing.is_on)
        return;
    if (p->checkpoint.appended > 0) {
        partition_checkpoint(p);
        io_timer_start(p->io, t, p->options.checkpoint_interval_ms * MS_NS);
    } else if (append_mark(p)) {
        partition_checkpoint(p);
    }
}

void partition_init_checkpoints(struct partition *p)
{
    p->checkpoint.threshold = p->options.checkpoint_bytes;
    io_task_init(&p->checkpoint.task, take_in_turn);
    io_timer_init(&p->checkpoint.interval, look_by_time);
    io_timer_init(&p->checkpoint.retry, offer_again);
}

void partition_end_checkpoints(struct partition *p)
{
    io_task_cancel(&p->checkpoint.task);
    io_timer_stop(p->io, &p->checkpoint.interval);
    io_timer_stop(p->io, &p->checkpoint.retry);
    if (p->checkpoint.has_state)
        drop_state(p);
}
