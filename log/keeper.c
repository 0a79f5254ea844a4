/* Manifest writing and the end of retired files; see keeper.h. */
#include "log/keeper.h"

#include <inttypes.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"

enum { RETRY_NS = 1000 * 1000 * 1000 };

static void write_work(struct io_job *job);
static void write_done(struct io_job *job);
static void remove_work(struct io_job *job);
static void remove_done(struct io_job *job);
static void start_write(struct keeper *k);

static void retry(struct io_timer *t)
{
    start_write(CONTAINER_OF(t, struct keeper, retry));
}

static void write_at_end_of_turn(struct io_task *t)
{
    start_write(CONTAINER_OF(t, struct keeper, task));
}

void keeper_init(struct keeper *k, const struct site *site, struct hot *hot, struct cold *cold,
                 struct spares *spares)
{
    memset(k, 0, sizeof(*k));
    k->site = site;
    k->hot = hot;
    k->cold = cold;
    k->cache = hot->cache;
    k->spares = spares;
    list_init(&k->waiting);
    list_init(&k->covered);
    list_init(&k->doomed);
    list_init(&k->stuck);
    k->write_job.work = write_work;
    k->write_job.done = write_done;
    k->remove_job.work = remove_work;
    k->remove_job.done = remove_done;
    k->write_job.urgency = IO_BACKGROUND;
    k->remove_job.urgency = IO_BACKGROUND;
    io_timer_init(&k->retry, retry);
    io_task_init(&k->task, write_at_end_of_turn);
}

static void free_all(struct list *l)
{
    struct list_link *link;

    while ((link = list_take(l)) != NULL)
        segment_free(CONTAINER_OF(link, struct segment, link));
}

void keeper_release(struct keeper *k)
{
    ASSERT(!keeper_is_busy(k));
    free_all(&k->waiting);
    free_all(&k->covered);
    free_all(&k->doomed);
    free_all(&k->stuck);
}

bool keeper_is_busy(const struct keeper *k)
{
    return k->is_writing || k->is_removing;
}

void keeper_close(struct keeper *k)
{
    k->is_closed = true;
    io_timer_stop(k->site->io, &k->retry);
    io_task_cancel(&k->task);
}

static struct manifest_entry describe_segment(const struct segment *g)
{
    return (struct manifest_entry){
        .id = g->id,
        .destination = g->destination,
        .first = g->first,
        .end = g->end,
        .records = g->records,
        .live = g->live,
        .bytes = g->bytes,
        .file_bytes = g->file_bytes,
        .first_time_ms = g->first_time_ms,
        .last_time_ms = g->last_time_ms,
        .chain_end = g->chain_end,
    };
}

void keeper_describe(const struct hot *hot, const struct cold *cold, struct manifest *out)
{
    size_t n = 0;

    out->hot_first = hot_first(hot);
    out->next_id = cold->next_id;
    out->durable = hot->durable;
    out->count = cold->segment_count;
    out->entries = MEM_NEW_ARRAY(struct manifest_entry, out->count > 0 ? out->count : 1);
    for (size_t i = 0; i < cold->count; i++) {
        for (size_t j = 0; j < cold->lanes[i]->count; j++)
            out->entries[n++] = describe_segment(cold->lanes[i]->segments[j]);
    }
    ASSERT(n == out->count);
}

/* Notes a damaged segment in the manifest that is about to be written. */
static void note_wound(const struct keeper *k, struct segment *g, struct manifest *m)
{
    if (!g->is_wounded)
        return;
    if (g->noted == 0 || g->noted > k->written)
        g->noted = m->generation;
    m->wounds = mem_grow(m->wounds, m->wound_count + 1, sizeof(*m->wounds));
    m->wounds[m->wound_count++] = (struct manifest_wound){.id = g->id, .kind = g->kind};
}

/* The wounds of all that is off its row or lane and has not moved. */
static void describe_wounds(struct keeper *k, struct manifest *m)
{
    struct list *lists[] = {&k->covered, &k->doomed, &k->stuck};

    for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
        LIST_FOREACH (link, lists[i])
            note_wound(k, CONTAINER_OF(link, struct segment, link), m);
    }
    if (k->is_removing)
        note_wound(k, k->removing, m);
}

static void move_all(struct list *from, struct list *to)
{
    struct list_link *link;

    while ((link = list_take(from)) != NULL)
        list_push(to, link);
}

static void start_write(struct keeper *k)
{
    if (k->is_writing || !k->is_dirty || k->is_closed || k->failed != 0)
        return;
    k->is_dirty = false;
    k->is_writing = true;
    keeper_describe(k->hot, k->cold, &k->flying);
    k->flying.generation = ++k->generation;
    move_all(&k->waiting, &k->covered);
    describe_wounds(k, &k->flying);
    io_submit(k->site->io, &k->write_job);
}

static void write_work(struct io_job *job)
{
    struct keeper *k = CONTAINER_OF(job, struct keeper, write_job);

    k->write_err = manifest_write(k->site, &k->flying);
}

static void write_done(struct io_job *job)
{
    struct keeper *k = CONTAINER_OF(job, struct keeper, write_job);

    k->is_writing = false;
    manifest_release(&k->flying);
    if (k->write_err == 0) {
        k->written = k->flying.generation;
        k->left = k->flying.hot_first;
        move_all(&k->covered, &k->doomed);
        start_write(k);
        keeper_sweep(k);
    } else {
        move_all(&k->covered, &k->waiting);
        k->is_dirty = true;
        diag(DIAG_ERROR, "log",
             "cannot write the manifest in '%s': %s; no file is let go until then", k->site->dir,
             err_text(k->write_err));
        if (k->write_err == ERR_IO)
            k->failed = k->write_err;
        else if (!k->is_closed)
            io_timer_start(k->site->io, &k->retry, RETRY_NS);
    }
    if (!keeper_is_busy(k))
        k->on_idle(k->owner);
}

void keeper_changed(struct keeper *k)
{
    k->is_dirty = true;
    if (!io_timer_is_running(&k->retry) && !k->is_closed)
        io_later(k->site->io, &k->task);
}

void keeper_retire(struct keeper *k, struct segment *g)
{
    ASSERT(!g->is_retired && g->is_sealed);
    g->is_retired = true;
    list_push(&k->waiting, &g->link);
    cache_drop_segment(k->cache, g);
    keeper_changed(k);
}

void keeper_resume(struct keeper *k, uint64_t generation, uint64_t hot_first)
{
    k->generation = generation;
    k->written = generation;
    k->left = hot_first;
}

void keeper_adopt(struct keeper *k, struct segment *g)
{
    g->is_sealed = true;
    g->is_retired = true;
    g->is_wounded = true;
    g->noted = k->written;
    list_push(&k->doomed, &g->link);
}

/* The next doomed segment that can go, or NULL: nobody pins it, and when it is damaged the manifest
 * says so. Damage that was found only now must be written down first. */
static struct segment *next_doomed(struct keeper *k)
{
    LIST_FOREACH (link, &k->doomed) {
        struct segment *g = CONTAINER_OF(link, struct segment, link);

        if (g->pins > 0)
            continue;
        if (!g->is_wounded || (g->noted > 0 && g->noted <= k->written))
            return g;
        if (g->noted == 0)
            keeper_changed(k);
    }
    return NULL;
}

void keeper_sweep(struct keeper *k)
{
    struct segment *g = next_doomed(k);

    if (k->is_removing || k->is_closed || g == NULL)
        return;
    list_remove(&g->link);
    k->is_removing = true;
    k->removing = g;
    k->from = segment_path(k->site, g);
    k->to.text[0] = '\0';
    k->spare = 0;
    if (g->is_wounded)
        k->to = site_path(k->site, "wounded/%s", strrchr(k->from.text, '/') + 1);
    else if (g->kind == SEGMENT_HOT && g->file_bytes == k->site->options.segment_bytes &&
             spares_want(k->spares, &k->spare))
        k->to = spares_path(k->site, k->spare);
    io_submit(k->site->io, &k->remove_job);
}

/* Moves a damaged file to wounded/, durably: soon no manifest calls it a wound any more. A crash
 * can leave it both names, and then a rename does nothing. */
static int put_aside(const struct keeper *k)
{
    struct site_path wounded = site_path(k->site, "wounded");
    int rv = disk_rename(k->site->disk, k->from.text, k->to.text);

    if (rv == 0)
        rv = disk_sync_dir(k->site->disk, wounded.text);
    if (rv == 0)
        rv = disk_remove(k->site->disk, k->from.text);
    if (rv == 0 || rv == ERR_NOT_FOUND)
        rv = disk_sync_dir(k->site->disk, k->site->dir);
    return rv;
}

/* Gives the space back: as a spare the file would be full of what the disk has no room for. */
static int remove_file(struct keeper *k)
{
    k->spare = 0;
    return disk_remove(k->site->disk, k->from.text);
}

static void remove_work(struct io_job *job)
{
    struct keeper *k = CONTAINER_OF(job, struct keeper, remove_job);

    if (k->removing->noted > 0)
        k->remove_err = put_aside(k);
    else if (k->spare != 0 && spares_check_space(k->site, 0) == 0)
        k->remove_err = disk_rename(k->site->disk, k->from.text, k->to.text);
    else
        k->remove_err = remove_file(k);
}

static void remove_done(struct io_job *job)
{
    struct keeper *k = CONTAINER_OF(job, struct keeper, remove_job);

    k->is_removing = false;
    if (k->remove_err == 0 && k->spare != 0)
        spares_add(k->spares, k->spare);
    if (k->remove_err != 0)
        diag(DIAG_WARNING, "log", "cannot let go of '%s': %s; it goes at the next start",
             k->from.text, err_text(k->remove_err));
    if (k->remove_err != 0 && k->removing->noted > 0)
        list_push(&k->stuck, &k->removing->link);
    else
        segment_free(k->removing);
    k->removing = NULL;
    keeper_sweep(k);
    if (!keeper_is_busy(k))
        k->on_idle(k->owner);
}
