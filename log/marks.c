/* The watermark's renewal and the owner's checkpoints: jobs beside the commits, never in
 * their way. */
#include <inttypes.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/zoo.h"
#include "log/checkpoint.h"
#include "log/log_parts.h"

/* ---- Watermark ---- */

static void mark_work(struct io_job *job)
{
    struct log *l = CONTAINER_OF(job, struct log, marks.job);

    if (l->marks.is_last)
        l->marks.err = watermark_settle(&l->site, &l->marks.next);
    else
        l->marks.err = watermark_write(&l->site, &l->marks.next);
}

static void mark_done(struct io_job *job)
{
    struct log *l = CONTAINER_OF(job, struct log, marks.job);

    l->marks.is_busy = false;
    if (l->marks.err == 0) {
        l->marks.watermark = l->marks.next;
        l->marks.is_settled = l->marks.is_last;
    } else {
        diag(DIAG_WARNING, "log", "cannot renew '%s/watermark': %s; it is tried again", l->site.dir,
             err_text(l->marks.err));
    }
    if (l->hot.durable > l->marks.watermark.position && !l->closing.is_on &&
        !io_timer_is_running(&l->marks.timer))
        io_timer_start(l->site.io, &l->marks.timer,
                       l->site.options.watermark_interval_ms * 1000000);
}

bool log_mark_lags(const struct log *l)
{
    return l->marks.watermark.position < l->hot.durable ||
           (l->closing.is_on && !l->marks.is_settled);
}

void log_mark(struct log *l)
{
    if (l->marks.is_busy || !log_mark_lags(l))
        return;
    l->marks.is_busy = true;
    l->marks.is_last = l->closing.is_on;
    l->marks.next = (struct watermark){
        .number = l->marks.watermark.number + 1, /* after a failure the same slot again */
        .epoch = l->hot.epoch,
        .position = ZOO(WATERMARK_AHEAD) ? l->hot.next : l->hot.durable,
    };
    io_submit(l->site.io, &l->marks.job);
}

static void mark_is_due(struct io_timer *t)
{
    struct log *l = CONTAINER_OF(t, struct log, marks.timer);

    if (l->hot.failed == 0)
        log_mark(l);
}

/* ---- Checkpoints ---- */

static void checkpoint_work(struct io_job *job)
{
    struct log *l = CONTAINER_OF(job, struct log, checkpoints.job);

    l->checkpoints.err = checkpoint_write(&l->site, l->checkpoints.position,
                                          bytes_of(l->checkpoints.state, l->checkpoints.size));
    if (l->checkpoints.err == 0 && l->checkpoints.drop != UINT64_MAX)
        (void)!checkpoint_remove(&l->site, l->checkpoints.drop);
}

static void checkpoint_done(struct io_job *job)
{
    struct log *l = CONTAINER_OF(job, struct log, checkpoints.job);

    l->checkpoints.is_busy = false;
    mem_free(l->checkpoints.state);
    l->checkpoints.state = NULL;
    if (l->checkpoints.err != 0) {
        diag(DIAG_WARNING, "log",
             "cannot write a checkpoint in '%s': %s; the next start takes longer", l->site.dir,
             err_text(l->checkpoints.err));
        return;
    }
    if (l->checkpoints.position != l->checkpoints.kept[1]) {
        l->checkpoints.kept[0] = l->checkpoints.kept[1];
        l->checkpoints.kept[1] = l->checkpoints.position;
    }
    if (l->checkpoints.kept[0] != UINT64_MAX)
        l->sorter.limit = l->checkpoints.kept[0];
    log_sort(l);
}

int log_checkpoint(struct log *l, uint64_t position, struct bytes state)
{
    uint64_t newest = l->checkpoints.kept[1];

    if (l->closing.is_on || l->hot.failed != 0)
        return ERR_FAILED;
    if (l->checkpoints.is_busy)
        return ERR_BUSY;
    if (position > l->hot.durable || (newest != UINT64_MAX && position < newest))
        return ERR_RANGE;
    l->checkpoints.state = mem_try(state.size > 0 ? state.size : 1);
    if (l->checkpoints.state == NULL)
        return ERR_NO_MEMORY;
    if (state.size > 0)
        memcpy(l->checkpoints.state, state.data, state.size);
    l->checkpoints.size = state.size;
    l->checkpoints.position = position;
    l->checkpoints.drop = position == newest ? UINT64_MAX : l->checkpoints.kept[0];
    l->checkpoints.is_busy = true;
    io_submit(l->site.io, &l->checkpoints.job);
    return 0;
}

uint64_t log_checkpointed(const struct log *l)
{
    return l->sorter.limit;
}

void log_init_marks(struct log *l)
{
    l->checkpoints.kept[0] = UINT64_MAX;
    l->checkpoints.kept[1] = UINT64_MAX;
    l->marks.job.work = mark_work;
    l->marks.job.done = mark_done;
    l->checkpoints.job.work = checkpoint_work;
    l->checkpoints.job.done = checkpoint_done;
    l->checkpoints.job.urgency = IO_BACKGROUND;
    io_timer_init(&l->marks.timer, mark_is_due);
}
