/* Sequential readers; see cursor.h. */
#include "log/cursor.h"

#include "base/err.h"
#include "base/mem.h"
#include "log/log_parts.h"

enum {
    AHEAD_MAX = 4,   /* runs that are read ahead: enough for two workers to be busy */
    AHEAD_SHARE = 8, /* of the cache, that the runs of one cursor may take */
};

struct cursor {
    struct log *log;
    enum cursor_lane lane;
    uint64_t destination;
    uint64_t next;       /* records below were given or passed over */
    int64_t time_min_ms; /* older records are passed over */
    bool is_seeking;     /* by time: `next` is not known yet */
    bool is_entered;     /* nothing of the present block was given yet */
    bool is_started;     /* a record was given: falling behind retention is worth telling */
    struct block *block; /* referenced, or NULL */
    uint32_t place;      /* of the next record in it */
    struct fetch fetch;
    struct fetch ahead[AHEAD_MAX];
    uint64_t fetch_end; /* where to go on when nothing of the segment can be read */
    int err;            /* of the last fetch, to be told once */
    cursor_ready_fn *ready;
    void *owner;
};

static void on_fetched(struct fetch *f, int err, struct block *b)
{
    struct cursor *c = CONTAINER_OF(f, struct cursor, fetch);

    ASSERT(c->block == NULL);
    c->err = err;
    if (err == 0) {
        block_ref(b);
        c->block = b;
        c->is_entered = true;
        c->place = block_seek(b, c->next);
    } else if (err == ERR_CORRUPT || err == ERR_NOT_FOUND) {
        c->err = ERR_CORRUPT;
        c->next = c->fetch_end;
        c->is_seeking = false; /* the next file will tell by its records' times */
    }
    if (c->ready != NULL)
        c->ready(c->owner);
}

static void on_ahead(struct fetch *f, int err, struct block *b)
{
    (void)f;
    (void)err;
    (void)b; /* it is in the cache now, which is all that was wanted */
}

struct cursor *cursor_open(struct log *l, enum cursor_lane lane, uint64_t destination,
                           uint64_t number)
{
    struct cursor *c = MEM_NEW(struct cursor);

    c->log = l;
    c->lane = lane;
    c->destination = destination;
    c->next = number;
    c->time_min_ms = INT64_MIN;
    c->fetch.done = on_fetched;
    for (size_t i = 0; i < AHEAD_MAX; i++)
        c->ahead[i].done = on_ahead;
    l->cursors++;
    return c;
}

/* Leaves the place where the cursor stands. */
static void leave(struct cursor *c)
{
    cache_cancel(&c->log->cache, &c->fetch);
    if (c->block != NULL)
        block_unref(c->block);
    c->block = NULL;
    c->err = 0;
}

void cursor_close(struct cursor *c)
{
    if (c == NULL)
        return;
    leave(c);
    for (size_t i = 0; i < AHEAD_MAX; i++)
        cache_cancel(&c->log->cache, &c->ahead[i]);
    c->log->cursors--;
    mem_free(c);
}

void cursor_set_ready(struct cursor *c, cursor_ready_fn *fn, void *owner)
{
    c->ready = fn;
    c->owner = owner;
}

void cursor_seek(struct cursor *c, uint64_t number)
{
    leave(c);
    c->next = number;
    c->time_min_ms = INT64_MIN;
    c->is_seeking = false;
    c->is_started = false;
}

void cursor_seek_time(struct cursor *c, int64_t time_ms)
{
    leave(c);
    c->time_min_ms = time_ms;
    c->is_seeking = true;
    c->is_started = false;
}

/* The segment to read `number` from, or the next one there is; NULL at the end. */
static struct segment *locate(const struct cursor *c, uint64_t number)
{
    const struct hot *hot = &c->log->hot;
    const struct cold_lane *lane;

    if (c->lane == CURSOR_COLD) {
        lane = cold_find(&c->log->cold, c->destination);
        return lane != NULL ? cold_segment(lane, number) : NULL;
    }
    if (number >= hot_end(hot))
        return NULL;
    return hot_find(hot, number > hot_first(hot) ? number : hot_first(hot));
}

/* The first segment that may hold a record not older than the wanted time. */
static struct segment *locate_time(const struct cursor *c)
{
    const struct hot *hot = &c->log->hot;
    const struct cold_lane *lane;
    size_t i;

    if (c->lane == CURSOR_COLD) {
        lane = cold_find(&c->log->cold, c->destination);
        return lane != NULL ? cold_segment_by_time(lane, c->time_min_ms) : NULL;
    }
    for (i = hot->segment_count; i > 1; i--) {
        const struct index *x = hot->segments[i - 1]->index;
        if (x->count > 0 && x->entries[0].time_ms < c->time_min_ms)
            break;
    }
    return hot->segments[i - 1];
}

/* Asks for the block of a number and for ERR_AGAIN until it is there. */
static int fetch(struct cursor *c, struct segment *g, uint64_t number)
{
    c->fetch_end = g->end;
    cache_fetch(&c->log->cache, &c->fetch, g, number);
    return ERR_AGAIN;
}

/* Turns the wanted time into a number to start from. */
static int resolve_time(struct cursor *c)
{
    struct segment *g = locate_time(c);
    uint64_t first, end = 0;

    if (g == NULL) {
        if (!log_lane(c->log, c->destination, &first, &end))
            return ERR_NOT_FOUND;
        c->next = end;
    } else if (g->index == NULL) {
        c->next = g->first;
        return fetch(c, g, g->first); /* brings the index too */
    } else if (g->index->count == 0) {
        c->next = g->first;
    } else {
        c->next = g->index->entries[index_find_time(g->index, c->time_min_ms)].number;
    }
    c->is_seeking = false;
    return 0;
}

static bool is_asked_for(const struct cursor *c, const struct segment *g, uint64_t number)
{
    for (size_t i = 0; i < AHEAD_MAX; i++) {
        const struct fetch *f = &c->ahead[i];
        if (list_linked(&f->link) && f->segment == g && f->number == number)
            return true;
    }
    return false;
}

/* Asks for the run of a number, unless it is in memory or on its way. */
static void ask_ahead(struct cursor *c, struct segment *g, uint64_t number)
{
    struct block *b = cache_find(&c->log->cache, g, number);
    size_t i = 0;

    if (b != NULL)
        block_unref(b);
    if (b != NULL || is_asked_for(c, g, number))
        return;
    while (i < AHEAD_MAX && list_linked(&c->ahead[i].link))
        i++;
    if (i < AHEAD_MAX)
        cache_fetch(&c->log->cache, &c->ahead[i], g, number);
}

/* Starts reading what comes behind the present block, as far as it is not in memory. */
static void read_ahead(struct cursor *c)
{
    uint64_t number = c->block->end, left = c->log->site.options.cache_bytes / AHEAD_SHARE;
    struct segment *g = locate(c, number);
    const struct index *x;
    size_t first;

    if (g == NULL || g != c->block->segment || g->index == NULL)
        return;
    x = g->index;
    first = index_find(x, number);
    ask_ahead(c, g, number);
    for (size_t i = first + 1; i < x->count && i < first + AHEAD_MAX; i++) {
        uint64_t size = index_run_end(x, i - 1, g->bytes) - x->entries[i - 1].at;

        if (x->entries[i].number >= g->written || size > left)
            return;
        left -= size;
        ask_ahead(c, g, x->entries[i].number);
    }
}

/* Gets a block under the cursor. */
static int take_block(struct cursor *c)
{
    struct segment *g = locate(c, c->next);

    if (g == NULL)
        return ERR_NOT_FOUND;
    if (c->next < g->first) {
        bool is_overtaken = c->is_started && g == locate(c, 0);
        c->next = g->first;
        if (is_overtaken) {
            c->is_started = false;
            return ERR_TRIMMED;
        }
    }
    c->block = cache_find(&c->log->cache, g, c->next);
    if (c->block == NULL)
        return fetch(c, g, c->next);
    c->is_entered = true;
    c->place = block_seek(c->block, c->next);
    return 0;
}

/* The block under the cursor has no more records. Errors: ERR_CORRUPT when it should have
 * had more. */
static int leave_block(struct cursor *c)
{
    struct block *b = c->block;
    bool is_hurt = c->lane == CURSOR_HOT ? c->next < b->end : b->is_wounded;

    c->next = b->end > c->next ? b->end : c->next;
    c->block = NULL;
    block_unref(b);
    return is_hurt ? ERR_CORRUPT : 0;
}

/* Finds c->next in the present block, or leaves the block when it lies behind. */
static void find_place(struct cursor *c)
{
    c->place = block_seek(c->block, c->next);
    if (c->next < c->block->end)
        return;
    block_unref(c->block);
    c->block = NULL;
}

/* Takes the record at the cursor's place. */
static int take_record(struct cursor *c, struct record *out)
{
    struct record r;

    if (c->is_entered)
        read_ahead(c);
    c->is_entered = false;
    if (c->time_min_ms != INT64_MIN) {
        uint32_t place = block_seek_time(c->block, c->time_min_ms);
        if (place > c->place) {
            c->place = place;
            if (place == c->block->count) {
                c->next = c->block->end;
                return ERR_AGAIN;
            }
            block_record(c->block, place, &r);
            c->next = r.number;
        }
        c->time_min_ms = INT64_MIN;
    }
    block_record(c->block, c->place, &r);
    if (c->lane == CURSOR_HOT && r.number > c->next) {
        c->next = r.number;
        return ERR_CORRUPT;
    }
    c->place++;
    c->next = r.number + 1;
    c->is_started = true;
    *out = r;
    return 0;
}

int cursor_next(struct cursor *c, struct record *out)
{
    int rv;

    for (;;) {
        if (list_linked(&c->fetch.link))
            return ERR_AGAIN;
        if (c->err != 0) {
            rv = c->err;
            c->err = 0;
            return rv;
        }
        if (c->is_seeking) {
            rv = resolve_time(c);
            if (rv != 0)
                return rv;
            if (c->block != NULL)
                find_place(c);
            continue;
        }
        if (c->block == NULL) {
            rv = take_block(c);
            if (rv != 0)
                return rv;
            continue;
        }
        if (c->place < c->block->count) {
            rv = take_record(c, out);
            if (rv != ERR_AGAIN)
                return rv;
            continue;
        }
        rv = leave_block(c);
        if (rv != 0)
            return rv;
    }
}

struct block *cursor_pin(struct cursor *c)
{
    ASSERT(c->block != NULL);
    block_ref(c->block);
    return c->block;
}

void log_pin_again(struct block *b)
{
    block_ref(b);
}

void log_unpin(struct block *b)
{
    block_unref(b);
}

int log_peek(struct log *l, uint64_t position, struct record *out, struct block **pin)
{
    struct block *b;
    uint32_t place;

    if (position < hot_first(&l->hot) || position >= hot_end(&l->hot))
        return ERR_NOT_FOUND;
    b = cache_find(&l->cache, hot_find(&l->hot, position), position);
    if (b == NULL)
        return ERR_AGAIN;
    place = block_seek(b, position);
    if (place < b->count)
        block_record(b, place, out);
    if (place == b->count || out->number != position) {
        block_unref(b);
        return ERR_CORRUPT;
    }
    *pin = b;
    return 0;
}
