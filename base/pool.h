/* A pool of objects of one size, with a limit.
 *
 *     chunk  [ object | object | object | ... ]     objects of one chunk are made in one allocation
 *     chunk  [ object | object | fresh ......  ]    the newest chunk is cut up as needed
 *     free -> object -> object -> NULL              objects that came back wait here
 *
 * The limit is how back-pressure starts: when pool_take() gives NULL the caller stops
 * taking in more work until something came back. Memory that was once got is kept until
 * pool_release(), for the next burst will want it again, warm.
 *
 * Invariants, checked by pool_check():
 *   P1  used <= made <= limit.
 *   P2  an object is either out, on the free list, or fresh: made == used + free + fresh.
 *
 * Owner: one thread. */
#ifndef BASE_POOL_H
#define BASE_POOL_H

#include <stddef.h>

#include "base/check.h"

struct pool_chunk;
struct pool_object;

struct pool {
    size_t object_size; /* rounded up so that every object is aligned for any type */
    size_t limit;
    size_t used;  /* out with the caller */
    size_t made;  /* in all chunks */
    size_t fresh; /* at the end of the newest chunk, never used so far */
    size_t free_count;
    char *fresh_at;
    struct pool_object *free;
    struct pool_chunk *chunks;
};

/* An empty pool; it gets memory when it is first asked. Both numbers must be positive. */
void pool_init(struct pool *p, size_t object_size, size_t limit);

/* Gives all memory back. Every object must have come back before. */
void pool_release(struct pool *p);

/* One object with any content; the caller owns it until pool_give(). NULL when the limit is
 * reached or the system refuses memory; nothing has changed then. */
MUST_USE void *pool_take(struct pool *p);

/* Takes an object back that came from this pool. */
void pool_give(struct pool *p, void *object);

size_t pool_used(const struct pool *p);

/* Bytes of all chunks, whether out or not. */
size_t pool_held_bytes(const struct pool *p);

void pool_check(const struct pool *p);

#endif
