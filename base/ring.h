/* A first-in, first-out row of items of one size, with a fixed capacity that is a power of
 * two.
 *
 *     place   0     1     2     3     4     5     6     7
 *           |     |     | 17  | 18  | 19  |     |     |     |
 *                         ^ taken = 2       ^ pushed = 5
 *
 * Items are copied in and out; a ring of pointers is a ring of items of that size. The two
 * counters only grow, so a full ring and an empty one differ. Owner: one thread; no locks. */
#ifndef BASE_RING_H
#define BASE_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"

struct ring {
    uint8_t *items;
    size_t item_size;
    size_t capacity;
    uint64_t pushed; /* ever */
    uint64_t taken;  /* ever */
};

/* An empty ring. The capacity must be a power of two. */
static inline void ring_init(struct ring *r, size_t item_size, size_t capacity)
{
    ASSERT(item_size > 0);
    ASSERT(capacity > 0 && (capacity & (capacity - 1)) == 0);
    *r = (struct ring){
        .items = (uint8_t *)mem_zero(capacity, item_size),
        .item_size = item_size,
        .capacity = capacity,
    };
}

/* Frees the ring's own memory; items still in it are forgotten. */
static inline void ring_release(struct ring *r)
{
    mem_free(r->items);
    *r = (struct ring){0};
}

static inline size_t ring_count(const struct ring *r)
{
    ASSERT(r->taken <= r->pushed && r->pushed - r->taken <= r->capacity);
    return (size_t)(r->pushed - r->taken);
}

static inline bool ring_is_full(const struct ring *r)
{
    return ring_count(r) == r->capacity;
}

/* Item number `i` from the front, which is 0; borrowed until it is taken. It must exist. */
static inline void *ring_at(const struct ring *r, size_t i)
{
    ASSERT(i < ring_count(r));
    return r->items + ((r->taken + i) & (r->capacity - 1)) * r->item_size;
}

/* Adds a copy of *item at the end. False when the ring is full. */
MUST_USE static inline bool ring_push(struct ring *r, const void *item)
{
    if (ring_is_full(r))
        return false;
    r->pushed++;
    memcpy(ring_at(r, ring_count(r) - 1), item, r->item_size);
    return true;
}

/* Moves the first item to *item. False when there is none. */
MUST_USE static inline bool ring_take(struct ring *r, void *item)
{
    if (ring_count(r) == 0)
        return false;
    memcpy(item, ring_at(r, 0), r->item_size);
    r->taken++;
    return true;
}

#endif
