/* Which blocks are in memory, and for how long; see cache.h. Loading is in load.c. */
#include "log/cache.h"

#include <string.h>

#include "base/mem.h"
#include "log/load.h"

enum {
    SPARE_MAX = 8,
    PAGE = 4096, /* data that begins with a page is copied to and from files faster */
};

void cache_init(struct cache *c, const struct site *s)
{
    memset(c, 0, sizeof(*c));
    c->site = s;
    list_init(&c->blocks);
    list_init(&c->spare);
    list_init(&c->loads);
    list_init(&c->fetches);
    list_init(&c->refused);
}

static void block_delete(struct block *b)
{
    mem_free(b->data);
    mem_free(b->offsets);
    mem_free(b->batches);
    mem_free(b);
}

/* The first of the segment's blocks that starts behind `number`. */
static size_t blocks_after(const struct segment *g, uint64_t number)
{
    size_t low = 0, high = g->block_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (g->blocks[middle]->first <= number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void forget(struct block *b)
{
    struct segment *g = b->segment;
    size_t i = blocks_after(g, b->first);

    ASSERT(b->is_cached);
    while (i > 0 && g->blocks[i - 1] != b)
        i--;
    ASSERT(i > 0);
    memmove(&g->blocks[i - 1], &g->blocks[i], (g->block_count - i) * sizeof(*g->blocks));
    g->block_count--;
    b->is_cached = false;
}

/* Ends the life of an unreferenced block; its memory may wait for the next one. */
static void block_end(struct block *b)
{
    struct cache *c = b->cache;
    struct segment *g = b->segment;

    ASSERT(b->refs == 0);
    if (list_linked(&b->link))
        list_remove(&b->link);
    if (b->is_cached)
        forget(b);
    if (b->capacity == c->site->options.block_bytes && c->spare_count < SPARE_MAX) {
        list_push_front(&c->spare, &b->link);
        c->spare_count++;
    } else {
        c->bytes -= b->capacity;
        block_delete(b);
    }
    cache_unpin(c, g);
}

static void evict_over_budget(struct cache *c)
{
    uint64_t idle = (uint64_t)c->spare_count * c->site->options.block_bytes;

    while (c->bytes - idle > c->site->options.cache_bytes && !list_empty(&c->blocks)) {
        block_end(CONTAINER_OF(list_first(&c->blocks), struct block, link));
        idle = (uint64_t)c->spare_count * c->site->options.block_bytes;
    }
}

void cache_release(struct cache *c)
{
    struct list_link *link;

    ASSERT(list_empty(&c->loads) && list_empty(&c->fetches));
    while ((link = list_first(&c->blocks)) != NULL)
        block_end(CONTAINER_OF(link, struct block, link));
    while ((link = list_take(&c->spare)) != NULL) {
        struct block *b = CONTAINER_OF(link, struct block, link);
        c->bytes -= b->capacity;
        block_delete(b);
    }
    c->spare_count = 0;
    ASSERT(c->bytes == 0);
}

/* A recycled block, or one without data. */
static struct block *block_take_spare(struct cache *c, size_t capacity)
{
    struct block *b;

    if (capacity != c->site->options.block_bytes || list_empty(&c->spare))
        return MEM_NEW(struct block);
    b = CONTAINER_OF(list_take(&c->spare), struct block, link);
    c->spare_count--;
    b->size = 0;
    b->count = 0;
    b->batch_count = 0;
    b->is_wounded = false;
    return b;
}

struct block *cache_new_block(struct cache *c, struct segment *g, size_t capacity)
{
    struct block *b = block_take_spare(c, capacity);

    ASSERT(capacity > 0);
    if (b->data == NULL) {
        b->data = mem_try_aligned(PAGE, capacity);
        if (b->data == NULL) {
            mem_free(b);
            return NULL;
        }
        b->capacity = capacity;
        c->bytes += capacity;
    }
    b->cache = c;
    b->segment = g;
    b->refs = 1;
    g->pins++;
    return b;
}

void cache_add(struct cache *c, struct block *b)
{
    struct segment *g = b->segment;
    size_t i = blocks_after(g, b->first);

    ASSERT(b->cache == c && !b->is_cached && b->refs > 0);
    if (g->is_retired)
        return;
    if (g->block_count == g->block_capacity) {
        g->block_capacity = g->block_capacity > 0 ? g->block_capacity * 2 : 8;
        g->blocks = mem_grow(g->blocks, g->block_capacity, sizeof(struct block *));
    }
    memmove(&g->blocks[i + 1], &g->blocks[i], (g->block_count - i) * sizeof(*g->blocks));
    g->blocks[i] = b;
    g->block_count++;
    b->is_cached = true;
}

struct block *cache_find(struct cache *c, struct segment *g, uint64_t number)
{
    size_t i = blocks_after(g, number);
    struct block *b = i > 0 ? g->blocks[i - 1] : NULL;

    if (b == NULL || number >= b->end) {
        c->misses++;
        return NULL;
    }
    c->hits++;
    if (b->refs == 0)
        list_remove(&b->link);
    b->refs++;
    return b;
}

void block_unref(struct block *b)
{
    ASSERT(b->refs > 0);
    if (--b->refs > 0)
        return;
    if (!b->is_cached) {
        block_end(b);
        return;
    }
    list_push(&b->cache->blocks, &b->link);
    evict_over_budget(b->cache);
}

void cache_drop_segment(struct cache *c, struct segment *g)
{
    LIST_FOREACH_SAFE (link, &c->blocks) {
        struct block *b = CONTAINER_OF(link, struct block, link);
        if (b->segment == g)
            block_end(b);
    }
    while (g->block_count > 0) {
        struct block *b = g->blocks[g->block_count - 1];
        ASSERT(b->refs > 0);
        forget(b);
    }
}

void cache_unpin(struct cache *c, struct segment *g)
{
    ASSERT(g->pins > 0);
    g->pins--;
    if (g->pins == 0 && g->is_retired && c->on_unpinned != NULL)
        c->on_unpinned(c->owner, g);
}
