/* Counting what has more than one reference; see hold.h. */
#include "store/hold.h"

#include "base/mem.h"

/* More than memory has room for: the pool is here for its warm objects, not for its limit. */
static const size_t holds_max = SIZE_MAX / 1024;

void holds_init(struct holds *h)
{
    map_init(&h->by_place);
    map_init(&h->parts);
    pool_init(&h->pool, sizeof(struct hold), holds_max);
}

void holds_release(struct holds *h)
{
    MAP_FOREACH (w, &h->by_place) {
        struct hold *hold = w.value;

        if (hold->parts != NULL && --hold->parts->refs == 0)
            parts_free(h, hold->parts);
        pool_give(&h->pool, hold);
    }
    map_release(&h->by_place);
    map_release(&h->parts);
    pool_release(&h->pool);
}

struct hold *hold_new(struct holds *h)
{
    struct hold *hold = pool_take(&h->pool);

    if (hold != NULL)
        *hold = (struct hold){0};
    return hold;
}

void hold_add(struct holds *h, uint64_t place, struct hold *hold)
{
    void *before = map_put(&h->by_place, place, hold);

    ASSERT(before == NULL);
}

void hold_drop(struct holds *h, struct hold *hold)
{
    pool_give(&h->pool, hold);
}

void hold_remove(struct holds *h, uint64_t place)
{
    struct hold *hold = map_remove(&h->by_place, place);

    ASSERT(hold != NULL);
    pool_give(&h->pool, hold);
}

struct parts *parts_new(bool is_transient)
{
    struct parts *p = MEM_NEW(struct parts);

    p->refs = 1;
    p->is_transient = is_transient;
    return p;
}

void parts_add(struct holds *h, struct parts *p, uint64_t place, uint64_t size)
{
    if (p->count == p->capacity) {
        p->capacity = p->capacity > 0 ? p->capacity * 2 : 4;
        p->places = mem_grow(p->places, p->capacity, sizeof(*p->places));
    }
    if (p->count == 0 && !p->is_transient) {
        void *before = map_put(&h->parts, place, p);

        ASSERT(before == NULL); /* O3 */
    }
    ASSERT(p->count == 0 || p->is_transient || place > p->places[p->count - 1]);
    p->places[p->count++] = place;
    p->body_size += size;
}

void parts_free(struct holds *h, struct parts *p)
{
    ASSERT(p->refs == 0);
    if (p->count > 0 && !p->is_transient)
        (void)map_remove(&h->parts, p->places[0]);
    mem_free(p->places);
    mem_free(p);
}

struct parts *parts_find(const struct holds *h, uint64_t first)
{
    return h->parts.count > 0 ? map_find(&h->parts, first) : NULL;
}

void holds_check(const struct holds *h)
{
    map_check(&h->by_place);
    map_check(&h->parts);
    MAP_FOREACH (w, &h->by_place) {
        const struct hold *hold = w.value;

        ASSERT(hold->refs > 0 && hold->targets <= hold->refs); /* O1 */
        ASSERT(hold->parts == NULL || hold->parts->refs > 0);
    }
    MAP_FOREACH (w, &h->parts) {
        const struct parts *p = w.value;

        ASSERT(p->count > 0 && !p->is_transient && p->places[0] == w.key); /* O3 */
    }
}
