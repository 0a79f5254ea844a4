/* The end of a log: in peace, or at once. */
#include <inttypes.h>

#include "base/diag.h"
#include "base/mem.h"
#include "log/load.h"
#include "log/log_parts.h"

enum { LOOK_AGAIN_NS = 1000 * 1000 };

/* Frees everything; nothing is in flight. */
static void log_free(struct log *l)
{
    ASSERT(l->cursors == 0);
    l->cache.on_unpinned = NULL;
    io_timer_stop(l->site.io, &l->marks.timer);
    io_timer_stop(l->site.io, &l->closing.timer);
    io_task_cancel(&l->pressure_task);
    io_task_cancel(&l->cache.refuse_task);
    sorter_release(&l->sorter);
    hot_release(&l->hot);
    for (size_t i = 0; i < l->cold.count; i++) {
        for (size_t k = 0; k < l->cold.lanes[i]->count; k++)
            cache_drop_segment(&l->cache, l->cold.lanes[i]->segments[k]);
    }
    cold_release(&l->cold);
    keeper_release(&l->keeper);
    cache_release(&l->cache);
    mem_free(l->late_trims);
    mem_free(l->checkpoints.state);
    mem_free(l->dir);
    mem_free(l);
}

static bool is_commit_over(const struct log *l)
{
    return !l->hot.is_flying && (l->hot.failed != 0 || l->hot.durable == l->hot.next);
}

/* True when the manifest is written, or cannot be now: the next opening finds what it lacks. */
static bool is_manifest_over(const struct log *l)
{
    const struct keeper *k = &l->keeper;

    return k->failed != 0 || k->is_closed || !k->is_dirty || io_timer_is_running(&k->retry);
}

/* True when every job has ended. The order matters: what ends one part may start another. */
static bool is_quiet(struct log *l)
{
    if (!is_commit_over(l)) {
        hot_sync(&l->hot);
        return false;
    }
    if (sorter_is_busy(&l->sorter) || l->checkpoints.is_busy || l->spares.is_busy)
        return false;
    if (!is_manifest_over(l) || keeper_is_busy(&l->keeper) || !list_empty(&l->cache.loads))
        return false;
    keeper_close(&l->keeper);
    if (l->marks.is_busy)
        return false;
    if (l->hot.failed == 0 && log_mark_lags(l) && l->marks.err == 0) {
        log_mark(l);
        return false;
    }
    return true;
}

static void look(struct io_timer *t)
{
    struct log *l = CONTAINER_OF(t, struct log, closing.timer);
    void (*closed)(void *owner) = l->closing.closed;
    void *owner = l->closing.owner;

    if (!is_quiet(l)) {
        io_timer_start(l->site.io, &l->closing.timer, LOOK_AGAIN_NS);
        return;
    }
    diag(DIAG_INFO, "log", "'%s' is closed position=%" PRIu64, l->dir, l->hot.durable);
    log_free(l);
    closed(owner);
}

void log_close(struct log *l, void (*closed)(void *owner), void *owner)
{
    ASSERT(!l->closing.is_on && closed != NULL);
    l->closing.is_on = true;
    l->closing.closed = closed;
    l->closing.owner = owner;
    spares_close(&l->spares);
    sorter_close(&l->sorter);
    hot_sync(&l->hot);
    io_timer_stop(l->site.io, &l->marks.timer);
    io_timer_init(&l->closing.timer, look);
    io_timer_start(l->site.io, &l->closing.timer, 0);
}

/* What a sorter run holds when its job will never end. */
static void abandon_sorter(struct log *l)
{
    struct sorter *s = &l->sorter;

    if (s->read.block != NULL) {
        l->cache.bytes += s->read.block->capacity - s->read.room;
        block_unref(s->read.block);
    }
    s->read.block = NULL;
    index_free(s->read.index);
    for (size_t i = 0; i < s->outs.count; i++)
        sort_out_free(s->outs.items[i]);
    s->outs.count = 0;
    for (size_t i = 0; i < s->input_count; i++)
        cache_unpin(&l->cache, s->inputs[i]);
    s->input_count = 0;
    s->run = RUN_NONE;
}

/* What the keeper holds when its jobs will never end. */
static void abandon_keeper(struct log *l)
{
    struct keeper *k = &l->keeper;

    if (k->is_writing)
        manifest_release(&k->flying);
    if (k->is_removing)
        segment_free(k->removing);
    k->is_writing = false;
    k->is_removing = false;
    keeper_close(k);
}

void log_abandon(struct log *l)
{
    l->cache.on_unpinned = NULL;
    spares_close(&l->spares);
    sorter_close(&l->sorter);
    abandon_keeper(l);
    abandon_sorter(l);
    hot_abandon(&l->hot);
    load_abandon(&l->cache);
    log_free(l);
}
