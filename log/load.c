/* Loading of blocks for those who wait for a record; see cache.h and load.h. */
#include "log/load.h"

#include "base/err.h"
#include "base/mem.h"
#include "log/run.h"

enum { ROOM_STEP = 4096 };

/* One read in flight. The job may touch nothing of the segment that could change. */
struct load {
    struct io_job job;
    struct list_link link;
    struct cache *cache;
    struct segment *segment; /* pinned */
    uint64_t number;
    struct index *index; /* loaded by the job when the segment had none */
    bool needs_index;
    uint64_t wanted_at;  /* run_at as it was known at the start; the job may change run_at */
    struct run_span run; /* zeros until the index is there */
    uint64_t run_first;  /* number of the run's first record */
    uint64_t run_limit;  /* no number from here on */
    struct block *block;
    size_t room; /* the block's capacity at the start */
    int err;
};

/* Picks the run that holds the wanted number, as far as it is written. */
static void choose_run(struct load *l, const struct index *x)
{
    const struct segment *g = l->segment;
    size_t i = l->number <= x->entries[0].number ? 0 : index_find(x, l->number);
    bool is_last = i + 1 == x->count || x->entries[i + 1].number >= g->written;

    l->run = run_span(g, x, i, is_last ? x->count : i + 1);
    l->run_first = i == 0 ? g->first : x->entries[i].number;
    l->run_limit = is_last ? g->written : x->entries[i + 1].number;
    ASSERT(l->number < l->run_limit && l->run.from < l->run.to);
}

static int load_blocking(struct load *l)
{
    const struct site *site = l->cache->site;
    struct disk_file *f = NULL;
    int rv;

    if (l->needs_index) {
        rv = segment_load_index(site, l->segment, &l->index);
        if (rv != 0)
            return rv;
        choose_run(l, l->index);
    }
    l->block->first = l->run_first;
    l->block->end = l->run_limit;
    rv = segment_open(site, l->segment, &f);
    if (rv != 0)
        return rv;
    rv = run_load(l->block, f, &l->run);
    disk_close(f);
    return rv;
}

static void load_work(struct io_job *job)
{
    struct load *l = CONTAINER_OF(job, struct load, job);

    l->err = load_blocking(l);
}

/* Marks a fetch as answered and puts it among the ready ones. */
static void fetch_ready(struct fetch *f, int err, struct block *b, struct list *ready)
{
    list_remove(&f->link);
    f->err = err;
    f->block = b;
    if (b != NULL)
        block_ref(b);
    list_push(ready, &f->link);
}

/* Tells those who are ready. Each may start or cancel any fetch, so the list is taken from
 * its head. */
static void fetches_end(struct cache *c, struct list *ready)
{
    struct list_link *link;

    while ((link = list_take(ready)) != NULL) {
        struct fetch *f = CONTAINER_OF(link, struct fetch, link);
        struct segment *g = f->segment;
        struct block *b = f->block;

        f->segment = NULL;
        f->block = NULL;
        f->done(f, f->err, b);
        if (b != NULL)
            block_unref(b);
        cache_unpin(c, g);
    }
}

static int start_load(struct cache *c, struct fetch *f);

/* Answers those whom the block serves; those who waited for the index only, or for what was
 * not yet written when the load began, get loads of their own. */
static void serve(struct cache *c, const struct load *l)
{
    struct list ready;

    list_init(&ready);
    LIST_FOREACH_SAFE (link, &c->fetches) {
        struct fetch *f = CONTAINER_OF(link, struct fetch, link);
        bool is_waiting = f->run_at == l->run.from || f->run_at == 0;

        if (f->segment != l->segment)
            continue;
        if (l->err != 0 && is_waiting)
            fetch_ready(f, l->err, NULL, &ready);
        else if (l->err == 0 && f->number >= l->block->first && f->number < l->block->end)
            fetch_ready(f, 0, l->block, &ready);
        else if (l->err == 0 && is_waiting && start_load(c, f) != 0)
            fetch_ready(f, ERR_NO_MEMORY, NULL, &ready);
    }
    fetches_end(c, &ready);
}

static void load_done(struct io_job *job)
{
    struct load *l = CONTAINER_OF(job, struct load, job);
    struct cache *c = l->cache;
    struct segment *g = l->segment;

    list_remove(&l->link);
    c->bytes += l->block->capacity - l->room;
    if (l->index != NULL && g->index == NULL) {
        g->index = l->index;
        l->index = NULL;
    }
    if (l->err == 0 && l->block->is_wounded)
        segment_wound(c->site, g, l->run.from, l->run.to);
    if (l->err == 0)
        cache_add(c, l->block);
    serve(c, l);
    block_unref(l->block);
    index_free(l->index);
    mem_free(l);
    cache_unpin(c, g);
}

/* True when a load is on its way that will bring this run; 0: the index first. */
static bool is_loading(const struct cache *c, const struct segment *g, uint64_t run_at)
{
    LIST_FOREACH (link, &c->loads) {
        const struct load *l = CONTAINER_OF(link, struct load, link);
        if (l->segment == g && l->wanted_at == run_at)
            return true;
    }
    return false;
}

/* Room for a run; it grows when the batches turn out to be compressed. */
static size_t run_room(const struct cache *c, const struct load *l)
{
    uint64_t room = l->needs_index ? c->site->options.block_bytes / 8 : l->run.to - l->run.from;

    return (size_t)((room + ROOM_STEP - 1) / ROOM_STEP * ROOM_STEP);
}

/* Starts the read that a waiting fetch needs, unless it is on its way. Errors: ERR_NO_MEMORY. */
static int start_load(struct cache *c, struct fetch *f)
{
    struct segment *g = f->segment;
    struct load *l = MEM_NEW(struct load);

    l->cache = c;
    l->segment = g;
    l->number = f->number;
    l->needs_index = g->index == NULL;
    if (!l->needs_index)
        choose_run(l, g->index);
    l->wanted_at = l->run.from;
    f->run_at = l->run.from;
    if (is_loading(c, g, l->run.from)) {
        mem_free(l);
        return 0;
    }
    l->room = run_room(c, l);
    l->block = cache_new_block(c, g, l->room);
    if (l->block == NULL) {
        mem_free(l);
        return ERR_NO_MEMORY;
    }
    g->pins++;
    l->job.urgency = IO_WANTED;
    l->job.work = load_work;
    l->job.done = load_done;
    list_push(&c->loads, &l->link);
    io_submit(c->site->io, &l->job);
    return 0;
}

/* The answer to a fetch that could not even start comes from the loop, like all others. */
static void refuse(struct io_task *t)
{
    struct cache *c = CONTAINER_OF(t, struct cache, refuse_task);

    fetches_end(c, &c->refused);
}

void cache_fetch(struct cache *c, struct fetch *f, struct segment *g, uint64_t number)
{
    ASSERT(number >= g->first && number < g->end);
    ASSERT(f->done != NULL && !list_linked(&f->link));
    f->segment = g;
    f->number = number;
    f->run_at = 0;
    f->block = NULL;
    g->pins++;
    list_push(&c->fetches, &f->link);
    if (start_load(c, f) != 0) {
        fetch_ready(f, ERR_NO_MEMORY, NULL, &c->refused);
        c->refuse_task.fn = refuse;
        io_later(c->site->io, &c->refuse_task);
    }
}

void cache_cancel(struct cache *c, struct fetch *f)
{
    struct segment *g = f->segment;

    if (!list_linked(&f->link))
        return;
    list_remove(&f->link);
    if (f->block != NULL)
        block_unref(f->block);
    f->block = NULL;
    f->segment = NULL;
    cache_unpin(c, g);
}

void load_abandon(struct cache *c)
{
    struct list_link *link;

    while ((link = list_take(&c->loads)) != NULL) {
        struct load *l = CONTAINER_OF(link, struct load, link);

        c->bytes += l->block->capacity - l->room;
        block_unref(l->block);
        index_free(l->index);
        cache_unpin(c, l->segment);
        mem_free(l);
    }
    while ((link = list_first(&c->fetches)) != NULL)
        cache_cancel(c, CONTAINER_OF(link, struct fetch, link));
    while ((link = list_first(&c->refused)) != NULL)
        cache_cancel(c, CONTAINER_OF(link, struct fetch, link));
}
