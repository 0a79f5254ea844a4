/* Group commit: while one write and sync is in flight, the next batch gathers; see hot.h. */
#include "log/commit.h"

#include <inttypes.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/zoo.h"

enum {
    PARTS_MAX = 16,  /* writes that become one */
    EARLY_PARTS = 4, /* of a block: what is worth a commit of its own */
};

/* A commit is slow when it takes so long with few bytes, fewer than a disk writes in that time.
 * Then it is worth a part of that to take along who was just told, and a smaller one to see that
 * nobody comes any more. */
enum {
    SLOW_NS = 2 * 1000 * 1000,
    FEW_BYTES = 4 << 20,
    BYTES_PER_US = 400,
    WAIT_PARTS = 4,
    QUIET_PARTS = 8,
    FRAME_PARTS = 32, /* of the bytes of a commit: headers and padding, at most */
};

static void commit_work(struct io_job *job);
static void commit_done(struct io_job *job);

static void at_end_of_turn(struct io_task *t)
{
    hot_end_turn(CONTAINER_OF(t, struct hot, task));
}

static void sync_is_due(struct io_timer *t)
{
    hot_sync(CONTAINER_OF(t, struct hot, sync.timer));
}

static void nobody_came(struct io_timer *t)
{
    hot_commit(CONTAINER_OF(t, struct hot, gather.timer));
}

void commit_init(struct hot *h)
{
    io_task_init(&h->task, at_end_of_turn);
    io_timer_init(&h->sync.timer, sync_is_due);
    io_timer_init(&h->gather.timer, nobody_came);
    for (size_t i = 0; i < ARRAY_SIZE(h->flights.items); i++)
        h->flights.items[i] =
            (struct hot_flight){.hot = h, .job = {.work = commit_work, .done = commit_done}};
}

void commit_tune(struct hot *h, uint64_t bytes)
{
    uint64_t least = h->site->options.block_bytes / EARLY_PARTS;

    h->tail.early_bytes = bytes / 2 > least ? bytes / 2 : least;
}

static void writes_push(struct hot_writes *q, struct hot_write w)
{
    if (q->count == q->capacity) {
        q->capacity = q->capacity > 0 ? q->capacity * 2 : 16;
        q->items = mem_grow(q->items, q->capacity, sizeof(*q->items));
    }
    q->items[q->count++] = w;
}

void commit_push(struct hot *h, struct hot_write w)
{
    w.segment->pins++;
    writes_push(&h->waiting, w);
}

/* Lets go of what a write held. */
static void write_release(struct hot *h, struct hot_write *w)
{
    if (w->block != NULL)
        block_unref(w->block);
    else
        mem_free((void *)(uintptr_t)w->bytes);
    cache_unpin(h->cache, w->segment);
}

static void writes_release(struct hot *h, struct hot_writes *q)
{
    for (size_t i = 0; i < q->count; i++)
        write_release(h, &q->items[i]);
    q->count = 0;
}

static struct hot_flight *front_of(struct hot *h)
{
    return &h->flights.items[h->flights.front];
}

static struct hot_flight *second_of(struct hot *h)
{
    return &h->flights.items[1 - h->flights.front];
}

void commit_release(struct hot *h)
{
    io_task_cancel(&h->task);
    io_timer_stop(h->site->io, &h->sync.timer);
    io_timer_stop(h->site->io, &h->gather.timer);
    writes_release(h, &h->waiting);
    mem_free(h->waiting.items);
    h->waiting = (struct hot_writes){0};
    for (size_t i = 0; i < ARRAY_SIZE(h->flights.items); i++) {
        ASSERT(h->flights.items[i].writes.count == 0);
        mem_free(h->flights.items[i].writes.items);
        h->flights.items[i].writes = (struct hot_writes){0};
    }
    disk_close(h->file);
    h->file = NULL;
}

void hot_abandon(struct hot *h)
{
    writes_release(h, &front_of(h)->writes);
    writes_release(h, &second_of(h)->writes);
    h->is_flying = false;
}

/* What waits goes with this flight. */
static void board(struct hot *h, struct hot_flight *f)
{
    for (size_t i = 0; i < h->waiting.count; i++) {
        const struct hot_write *w = &h->waiting.items[i];

        writes_push(&f->writes, *w);
        h->flights.bytes += w->block != NULL ? w->size : 0;
    }
    h->waiting.count = 0;
    f->is_sync = f->is_sync || h->sync.is_due || h->site->options.sync_interval_ms == 0;
    h->sync.is_due = false;
    f->begun_ns = io_now_ns(h->site->io);
    f->is_up = true;
    f->err = 0;
}

void hot_commit(struct hot *h)
{
    struct hot_flight *f = front_of(h);

    io_task_cancel(&h->task);
    if (h->is_flying || h->failed != 0)
        return;
    io_timer_stop(h->site->io, &h->gather.timer);
    commit_collect(h);
    if (h->waiting.count == 0 && !(h->sync.is_due && h->durable < h->sync.written))
        return;
    ASSERT(!f->is_up && f->writes.count == 0);
    board(h, f);
    h->is_flying = true;
    io_submit(h->site->io, &f->job);
}

void hot_sync(struct hot *h)
{
    h->sync.is_due = true;
    hot_commit(h);
}

void commit_line_up(struct hot *h)
{
    struct hot_flight *first = front_of(h), *f = second_of(h);

    ASSERT(h->is_flying && first->is_up);
    if (h->failed != 0 || h->pending_bytes == h->flights.bytes || h->gather.quiet_ns > 0)
        return;
    if (f->is_up && !io_recall(h->site->io, &f->job, &first->job))
        return; /* it has begun: the loop will hear in a moment that the first one has landed */
    commit_collect(h);
    board(h, f);
    io_follow(h->site->io, &f->job, &first->job);
}

/* Turns a spare file into a segment: its name, then its header. */
static int begin_file(struct hot *h, const struct hot_write *w)
{
    struct site_path from = spares_path(h->site, w->spare);
    struct site_path to = segment_path(h->site, w->segment);
    uint8_t sector[SEGMENT_SECTOR_SIZE];
    struct iovec part = {.iov_base = sector, .iov_len = sizeof(sector)};
    int rv = disk_rename(h->site->disk, from.text, to.text);

    if (rv == 0)
        rv = disk_open(h->site->disk, to.text, DISK_READ | DISK_WRITE, &h->file);
    if (rv != 0)
        return rv;
    segment_header_encode(h->site, w->segment, h->epoch, sector);
    return disk_write(h->file, &part, 1, 0);
}

/* Makes what was written to h->file durable, and its name when that is new. */
static int sync_file(struct hot *h)
{
    int rv = ZOO(SYNC_SKIPPED) ? 0 : disk_sync(h->file);

    if (rv != 0 && ZOO(SYNC_RETRIED))
        rv = disk_sync(h->file);

    if (rv == 0 && h->sync.has_new_name)
        rv = disk_sync_dir(h->site->disk, h->site->dir);
    if (rv == 0)
        h->sync.has_new_name = false;
    return rv;
}

/* Makes h->file the file of the write's segment. Leaving a segment makes it durable, so that
 * neither the bytes nor the name of a later one ever survive without it. */
static int switch_file(struct hot *h, const struct hot_write *w)
{
    struct site_path path;
    int rv = 0;

    if (h->file != NULL && h->file_id == w->segment->id)
        return 0;
    if (h->file != NULL) {
        rv = sync_file(h);
        disk_close(h->file);
        h->file = NULL;
    }
    if (rv == 0 && w->spare != 0) {
        rv = begin_file(h, w);
        h->sync.has_new_name = true;
    } else if (rv == 0) {
        path = segment_path(h->site, w->segment);
        rv = disk_open(h->site->disk, path.text, DISK_READ | DISK_WRITE, &h->file);
    }
    if (rv == 0)
        h->file_id = w->segment->id;
    return rv;
}

/* Gathers the writes from `i` on that lie one behind the other in a file. Returns how many. */
static int gather(const struct hot_writes *q, size_t i, struct iovec parts[PARTS_MAX])
{
    const struct hot_write *w = &q->items[i];
    uint64_t next = w->at;
    int count = 0;

    do {
        parts[count++] =
            (struct iovec){.iov_base = (void *)(uintptr_t)w->bytes, .iov_len = w->size};
        next += w->size;
        w++;
        i++;
    } while (count < PARTS_MAX && i < q->count && w->segment == w[-1].segment && w->at == next);
    return count;
}

static int commit_blocking(struct hot *h, const struct hot_flight *f)
{
    const struct hot_writes *q = &f->writes;
    struct iovec parts[PARTS_MAX];
    int rv = 0, count;

    for (size_t i = 0; rv == 0 && i < q->count; i += (size_t)count) {
        count = gather(q, i, parts);
        rv = switch_file(h, &q->items[i]);
        if (rv == 0)
            rv = disk_write(h->file, parts, count, q->items[i].at);
        if (ZOO(WRITE_ERROR_IGNORED))
            rv = 0;
    }
    return rv == 0 && f->is_sync ? sync_file(h) : rv;
}

/* Commits run one after the other, so what one leaves in `broken` the next one finds (H3). */
static void commit_work(struct io_job *job)
{
    struct hot_flight *f = CONTAINER_OF(job, struct hot_flight, job);
    struct hot_flights *all = &f->hot->flights;

    if (all->broken == 0)
        all->broken = commit_blocking(f->hot, f);
    f->err = all->broken;
}

/* A failed write or sync is final until the log is opened again (H3). */
static void commit_fail(struct hot *h, int err)
{
    h->failed = err;
    io_timer_stop(h->site->io, &h->sync.timer);
    diag(DIAG_ERROR, "log",
         "writing to '%s' failed: %s; nothing at or above position %" PRIu64
         " is %s, and the partition stays closed until it is opened again",
         h->site->dir, err_text(err), h->durable,
         h->site->options.sync_interval_ms == 0 ? "confirmed" : "sure to be on the disk");
    writes_release(h, &h->waiting);
    h->on_failed(h->owner, err);
}

/* A commit has taken so long for so many bytes: what it means for the next one. One that alone was
 * slow means nothing. When those who were told have sent as much again, nobody is missing: bytes,
 * less what headers and padding make. */
static void gather_after(struct hot *h, uint64_t took_ns, uint64_t bytes)
{
    uint64_t usual_ns = took_ns < h->gather.took_ns ? took_ns : h->gather.took_ns;
    bool is_slow =
        usual_ns >= SLOW_NS && bytes <= FEW_BYTES && bytes / BYTES_PER_US < usual_ns / 1000;
    uint64_t frame = BATCH_ALIGN + bytes / FRAME_PARTS;

    h->gather.took_ns = took_ns;
    h->gather.quiet_ns = is_slow ? usual_ns / QUIET_PARTS : 0;
    h->gather.end_ns = io_now_ns(h->site->io) + usual_ns / WAIT_PARTS;
    h->gather.full_bytes = h->pending_bytes + (bytes > frame ? bytes - frame : 0);
}

bool commit_gathers(const struct hot *h)
{
    return h->gather.quiet_ns > 0 && h->pending_bytes < h->gather.full_bytes &&
           io_now_ns(h->site->io) < h->gather.end_ns;
}

bool commit_waits(struct hot *h)
{
    uint64_t left;

    if (!commit_gathers(h))
        return false;
    left = h->gather.end_ns - io_now_ns(h->site->io);
    io_timer_start(h->site->io, &h->gather.timer,
                   left < h->gather.quiet_ns ? left : h->gather.quiet_ns);
    return true;
}

/* The writes of a commit are done. Returns whether a segment was ended by them. */
static bool take_written(struct hot *h, const struct hot_flight *f)
{
    uint64_t bytes = 0;
    bool has_rolled = false;

    for (size_t i = 0; i < f->writes.count; i++) {
        const struct hot_write *w = &f->writes.items[i];

        if (w->block == NULL) {
            has_rolled = true;
        } else {
            w->segment->bytes = w->at + w->size;
            w->segment->written = w->end;
            w->segment->chain_end = w->chain;
            bytes += w->size;
        }
        h->sync.written = w->end;
    }
    h->pending_bytes -= bytes;
    h->flights.bytes -= bytes;
    h->commits.bytes += bytes;
    if (f->writes.count > 0)
        commit_tune(h, bytes);
    histogram_record(&h->commits.metrics.commit_bytes, bytes);
    return has_rolled;
}

/* What is written is durable now, or will be within the interval. */
static void take_synced(struct hot *h, const struct hot_flight *f)
{
    if (f->is_sync)
        h->durable = h->sync.written;
    if (h->durable == h->sync.written)
        io_timer_stop(h->site->io, &h->sync.timer);
    else if (!io_timer_is_running(&h->sync.timer))
        io_timer_start(h->site->io, &h->sync.timer, h->site->options.sync_interval_ms * 1000000);
}

/* The commit is over; the one in line, if there is one, is in flight now. */
static void leave(struct hot *h, struct hot_flight *f)
{
    ASSERT(h->is_flying && f == front_of(h) && f->is_up);
    ASSERT(f->writes.count > 0 || f->is_sync);
    f->is_up = false;
    h->flights.front = 1 - h->flights.front;
    h->is_flying = front_of(h)->is_up;
    front_of(h)->begun_ns = io_now_ns(h->site->io);
}

static void commit_done(struct io_job *job)
{
    struct hot_flight *f = CONTAINER_OF(job, struct hot_flight, job);
    struct hot *h = f->hot;
    uint64_t before = h->durable, told_before = hot_told(h);
    bool has_rolled = false;

    leave(h, f);
    if (f->err == 0) {
        uint64_t took_ns = io_now_ns(h->site->io) - f->begun_ns, bytes = h->commits.bytes;

        has_rolled = take_written(h, f);
        take_synced(h, f);
        h->commits.count++;
        histogram_record(&h->commits.metrics.commit_ns, took_ns);
        h->wants.commit = false;
        gather_after(h, took_ns, h->commits.bytes - bytes);
    }
    f->is_sync = false;
    writes_release(h, &f->writes);
    if (f->err != 0) {
        if (h->failed == 0)
            commit_fail(h, f->err);
        return;
    }
    hot_check(h);
    hot_end_turn(h); /* what was appended since does not wait for that */
    if (h->durable > before || hot_told(h) > told_before)
        h->on_durable(h->owner);
    if (has_rolled)
        h->on_roll(h->owner);
}
