/* A log put together from its parts; see log.h. Lanes are in lanes.c, watermark and checkpoints in
 * marks.c, the end in close.c. */
#include "log/log.h"

#include <inttypes.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/zoo.h"
#include "log/log_parts.h"
#include "log/recover.h"

enum { NAME_ROOM = 128 }; /* what a name inside the directory may take of a path */

/* ---- What the parts tell ---- */

static void on_durable(void *owner)
{
    struct log *l = owner;

    if (!io_timer_is_running(&l->marks.timer) && !l->closing.is_on)
        io_timer_start(l->site.io, &l->marks.timer,
                       l->site.options.watermark_interval_ms * 1000000);
    log_look_at_pressure(l);
    l->owner.on_durable(l->owner.owner, ZOO(CONFIRM_EARLY) ? l->hot.next : hot_told(&l->hot));
}

static void on_failed(void *owner, int err)
{
    struct log *l = owner;

    io_timer_stop(l->site.io, &l->marks.timer);
    if (l->owner.on_failed != NULL)
        l->owner.on_failed(l->owner.owner, err);
}

static void on_roll(void *owner)
{
    struct log *l = owner;

    log_mark(l);
    sorter_on_roll(&l->sorter);
}

static void on_spares(void *owner)
{
    log_look_at_pressure(owner);
}

static void on_unpinned(void *owner, struct segment *g)
{
    struct log *l = owner;

    (void)g;
    keeper_sweep(&l->keeper);
}

static void on_keeper_idle(void *owner)
{
    (void)owner;
}

static void on_sorter_change(void *owner)
{
    struct log *l = owner;

    log_apply_late_trims(l);
    log_look_at_pressure(l);
}

static void tell_pressure(struct io_task *t)
{
    struct log *l = CONTAINER_OF(t, struct log, pressure_task);
    bool is_pressed = log_is_pressed(l);

    if (is_pressed == l->is_pressed)
        return;
    l->is_pressed = is_pressed;
    if (l->owner.on_pressure != NULL && !l->closing.is_on)
        l->owner.on_pressure(l->owner.owner, is_pressed);
}

void log_look_at_pressure(struct log *l)
{
    if (log_is_pressed(l) != l->is_pressed)
        io_later(l->site.io, &l->pressure_task);
}

/* ---- Open ---- */

static struct log *log_new(struct io *io, const char *dir, const struct log_options *options,
                           const struct log_owner *owner)
{
    struct log *l = MEM_NEW(struct log);

    l->dir = mem_text(dir);
    l->site.io = io;
    l->site.disk = io->disk;
    l->site.dir = l->dir;
    l->site.options = *options;
    l->site.options.segment_bytes -= options->segment_bytes % BATCH_ALIGN;
    l->site.options.block_bytes -= options->block_bytes % BATCH_ALIGN;
    l->owner = *owner;
    cache_init(&l->cache, &l->site);
    spares_init(&l->spares, &l->site);
    hot_init(&l->hot, &l->site, &l->cache, &l->spares);
    cold_init(&l->cold);
    keeper_init(&l->keeper, &l->site, &l->hot, &l->cold, &l->spares);
    sorter_init(&l->sorter, &l->site, &l->hot, &l->cold, &l->keeper);
    log_init_marks(l);
    io_task_init(&l->pressure_task, tell_pressure);
    return l;
}

/* From now on the parts tell the log. */
static void wire(struct log *l)
{
    l->hot.on_durable = on_durable;
    l->hot.on_failed = on_failed;
    l->hot.on_roll = on_roll;
    l->hot.owner = l;
    l->spares.on_change = on_spares;
    l->spares.owner = l;
    l->cache.on_unpinned = on_unpinned;
    l->cache.owner = l;
    l->keeper.on_idle = on_keeper_idle;
    l->keeper.owner = l;
    l->sorter.owner = &l->owner;
    l->sorter.on_change = on_sorter_change;
    l->sorter.change_owner = l;
}

static int check_options(const char *dir, const struct log_options *o, struct err_note *note)
{
    if (strlen(dir) + NAME_ROOM > SITE_PATH_SIZE)
        return err_note(note, ERR_RANGE, "the path of the log is too long: '%s'", dir);
    if (o->block_bytes < 4096 || o->block_bytes > o->segment_bytes / 4)
        return err_note(note, ERR_RANGE,
                        "millrace.log.block_size must be at least 4KiB and at most a quarter of "
                        "millrace.log.segment_size");
    if (o->spare_segments <= SPARES_RESERVE || o->spare_segments > SPARES_MAX)
        return err_note(note, ERR_RANGE, "millrace.log.spare_segments must be 2 to %d", SPARES_MAX);
    return 0;
}

int log_open(struct io *io, const char *dir, const struct log_options *options,
             const struct log_owner *owner, struct log **out, struct err_note *note)
{
    struct recover_parts parts;
    struct recovered found;
    struct log *l;
    int rv = check_options(dir, options, note);

    ASSERT(owner->on_durable != NULL && (owner->classify != NULL || owner->on_sorted == NULL));
    if (rv != 0)
        return rv;
    l = log_new(io, dir, options, owner);
    parts = (struct recover_parts){&l->site, &l->hot, &l->cold, &l->spares, &l->keeper, &l->owner};
    rv = recover(&parts, &found, note);
    if (rv != 0) {
        log_abandon(l);
        return rv;
    }
    l->marks.watermark.number = found.watermark_number;
    l->marks.watermark.position = l->hot.durable;
    l->marks.watermark.epoch = l->hot.epoch;
    l->marks.is_settled = true;
    l->checkpoints.kept[0] = found.checkpoints[0];
    l->checkpoints.kept[1] = found.checkpoints[1];
    l->sorter.limit = l->checkpoints.kept[0] == UINT64_MAX ? 0 : l->checkpoints.kept[0];
    wire(l);
    l->is_pressed = log_is_pressed(l);
    spares_fill(&l->spares);
    keeper_sweep(&l->keeper);
    sorter_kick(&l->sorter);
    hot_check(&l->hot);
    diag(DIAG_INFO, "log", "'%s' is open position=%" PRIu64 " hot_segments=%zu cold_segments=%zu",
         dir, l->hot.next, l->hot.segment_count, l->cold.segment_count);
    *out = l;
    return 0;
}

/* ---- Use ---- */

int log_append(struct log *l, const struct log_entry *e, uint64_t *position, uint8_t **body)
{
    int rv;

    if (UNLIKELY(l->closing.is_on))
        return ERR_FAILED;
    rv = hot_append(&l->hot, e, position, body);
    if (UNLIKELY(rv == ERR_FULL) || l->hot.pending_bytes > l->site.options.pending_bytes_max / 2)
        log_look_at_pressure(l);
    return rv;
}

int log_begin_group(struct log *l, size_t bytes, bool may_use_reserve)
{
    return l->closing.is_on ? ERR_FAILED : hot_begin_group(&l->hot, bytes, may_use_reserve);
}

size_t log_record_size(size_t key_size, size_t body_size)
{
    return record_size(false, key_size, body_size);
}

size_t log_body_max(const struct log *l, size_t key_size)
{
    return hot_body_max(&l->hot, key_size);
}

void log_sort(struct log *l)
{
    if (!l->closing.is_on)
        sorter_kick(&l->sorter);
}

void log_compact(struct log *l, uint64_t destination, uint64_t tombstone_age_ms)
{
    ASSERT(destination != LOG_SHARED);
    sorter_compact(&l->sorter, destination, tombstone_age_ms);
    log_sort(l);
}

/* ---- Look ---- */

uint64_t log_first(const struct log *l)
{
    return hot_first(&l->hot);
}

uint64_t log_left(const struct log *l)
{
    ASSERT(l->keeper.left <= hot_first(&l->hot));
    return l->keeper.left;
}

uint64_t log_next(const struct log *l)
{
    return l->hot.next;
}

uint64_t log_durable(const struct log *l)
{
    return l->hot.durable;
}

void log_sync(struct log *l)
{
    hot_sync(&l->hot);
}

uint64_t log_told(const struct log *l)
{
    return hot_told(&l->hot);
}

int64_t log_time_ms(const struct log *l)
{
    int64_t now_ms = io_wall_ms(l->site.io);

    return now_ms > l->hot.time_ms ? now_ms : l->hot.time_ms;
}

bool log_is_pressed(const struct log *l)
{
    return hot_is_pressed(&l->hot) || sorter_debt(&l->sorter) > l->site.options.debt_bytes_max;
}

void log_get_stats(const struct log *l, struct log_stats *out)
{
    const struct segment *last = l->hot.segments[l->hot.segment_count - 1];

    *out = (struct log_stats){
        .commits = l->hot.commits.count,
        .committed_bytes = l->hot.commits.bytes,
        .pending_bytes = l->hot.pending_bytes,
        .hot_segments = l->hot.segment_count,
        .hot_bytes = sorter_debt(&l->sorter) + last->bytes,
        .cold_segments = l->cold.segment_count,
        .cold_bytes = l->cold.bytes,
        .cache_bytes = l->cache.bytes,
        .cache_hits = l->cache.hits,
        .cache_misses = l->cache.misses,
        .sorter_runs = l->sorter.runs,
        .sorter_failures = l->sorter.failures,
        .debt_bytes = sorter_debt(&l->sorter),
        .spare_segments = l->spares.count,
        .is_short_of_space = l->spares.is_short,
        .is_sorting = sorter_is_busy(&l->sorter),
        .failed = l->hot.failed,
    };
}

const struct log_metrics *log_get_metrics(const struct log *l)
{
    return &l->hot.commits.metrics;
}

void log_check(const struct log *l)
{
    hot_check(&l->hot);
    ASSERT(l->marks.watermark.position <= l->hot.durable);
    ASSERT(l->sorter.limit <= l->hot.durable);
    for (size_t i = 0; i + 1 < l->hot.segment_count; i++)
        ASSERT(l->hot.segments[i]->end == l->hot.segments[i + 1]->first); /* S3 */
}
