/* See pool.h. Objects that wait are poisoned for the address sanitizer, so that use after
 * pool_give() is found as use after free would be. */
#include "base/pool.h"

#include <stdbool.h>
#include <stdint.h>

#include "base/mem.h"
#include "base/poison.h"

enum {
    CHUNK_BYTES = 64 * 1024, /* about; at least one object */
    CHUNK_OBJECTS_MAX = 1024,
};

/* What lies in an object while it waits. */
struct pool_object {
    struct pool_object *next;
};

struct pool_chunk {
    _Alignas(max_align_t) struct pool_chunk *next;
    size_t size; /* with this header */
};

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

void pool_check(const struct pool *p)
{
    ASSERT(p->used <= p->made && p->made <= p->limit);     /* P1 */
    ASSERT(p->made == p->used + p->free_count + p->fresh); /* P2 */
    ASSERT((p->free == NULL) == (p->free_count == 0));
}

void pool_init(struct pool *p, size_t object_size, size_t limit)
{
    const size_t align = _Alignof(max_align_t);

    ASSERT(object_size > 0 && limit > 0);
    ASSERT(object_size <= SIZE_MAX / 2 / CHUNK_OBJECTS_MAX);
    *p = (struct pool){
        .object_size = (object_size + align - 1) / align * align,
        .limit = limit,
    };
}

void pool_release(struct pool *p)
{
    pool_check(p);
    ASSERT(p->used == 0); /* someone still holds an object */

    while (p->chunks != NULL) {
        struct pool_chunk *chunk = p->chunks;
        p->chunks = chunk->next;
        unpoison(chunk, chunk->size);
        mem_free(chunk);
    }
    *p = (struct pool){0};
}

/* Gets one more chunk of fresh objects. Returns whether there is one. */
static bool add_chunk(struct pool *p)
{
    size_t count = smaller(CHUNK_BYTES / p->object_size + 1, CHUNK_OBJECTS_MAX);

    ASSERT(p->fresh == 0);
    count = smaller(count, p->limit - p->made);
    size_t size = sizeof(struct pool_chunk) + count * p->object_size;
    struct pool_chunk *chunk = mem_try(size);
    if (chunk == NULL)
        return false;

    *chunk = (struct pool_chunk){.next = p->chunks, .size = size};
    p->chunks = chunk;
    p->fresh_at = (char *)(chunk + 1);
    p->fresh = count;
    p->made += count;
    poison(p->fresh_at, count * p->object_size);
    return true;
}

static void *take_free(struct pool *p)
{
    struct pool_object *object = p->free;

    unpoison(object, p->object_size);
    p->free = object->next;
    p->free_count--;
    p->used++;
    return object;
}

static void *take_fresh(struct pool *p)
{
    char *object = p->fresh_at;

    unpoison(object, p->object_size);
    p->fresh_at += p->object_size;
    p->fresh--;
    p->used++;
    return object;
}

void *pool_take(struct pool *p)
{
    if (p->used >= p->limit)
        return NULL;
    if (p->free != NULL)
        return take_free(p);
    if (p->fresh == 0 && !add_chunk(p))
        return NULL;
    return take_fresh(p);
}

void pool_give(struct pool *p, void *object)
{
    struct pool_object *o = object;

    ASSERT(object != NULL && p->used > 0);
    o->next = p->free;
    p->free = o;
    p->free_count++;
    p->used--;
    poison(object, p->object_size);
}

size_t pool_used(const struct pool *p)
{
    return p->used;
}

size_t pool_held_bytes(const struct pool *p)
{
    size_t sum = 0;

    for (const struct pool_chunk *c = p->chunks; c != NULL; c = c->next)
        sum += c->size;
    return sum;
}
