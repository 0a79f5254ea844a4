/* Who holds a message, and the parts of large bodies, as far as it must be counted outside the
 * message. Private to the room.
 *
 * A HOLD is there for a place in the log with several references, and for any place with parts. All
 * other places have one reference (log), or their count lies beside them (memory).
 *
 *     hold (place 1200) --.
 *     hold (place 1731) ---+--> parts (first 1190): 1190 1191 1193
 *     upload --------------'
 *
 * Invariants, checked by holds_check():
 *   O1  targets <= refs; a hold has a reference;
 *   O2  parts have as many references as holds and uploads point at them;
 *   O3  parts in the log are found by the position of the first of them.
 *
 * Owner: one shard. */
#ifndef STORE_HOLD_H
#define STORE_HOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "base/map.h"
#include "base/pool.h"

struct parts {
    uint32_t refs;
    bool is_transient; /* places in memory; else positions in the log, rising */
    uint64_t body_size;
    size_t count;
    size_t capacity;
    uint64_t *places;
};

struct hold {
    uint32_t refs;    /* of all */
    uint32_t targets; /* those of durable queues among them: they are there again after a restart */
    struct parts *parts; /* referenced, or NULL */
};

struct holds {
    struct map by_place;
    struct map parts; /* those in the log, by the position of the first */
    struct pool pool; /* of holds */
};

void holds_init(struct holds *h);
/* Forgets all. No upload may be left. */
void holds_release(struct holds *h);

static inline struct hold *hold_find(const struct holds *h, uint64_t place)
{
    return h->by_place.count > 0 ? map_find(&h->by_place, place) : NULL;
}

/* A new hold, not yet found by anybody; NULL when memory is refused. */
MUST_USE struct hold *hold_new(struct holds *h);
/* From now on it is found. */
void hold_add(struct holds *h, uint64_t place, struct hold *hold);
/* Takes back one that was not added. */
void hold_drop(struct holds *h, struct hold *hold);
/* Takes out and frees a hold. Its parts keep their reference: the caller gives it back. */
void hold_remove(struct holds *h, uint64_t place);

/* New parts with one reference, without places. */
struct parts *parts_new(bool is_transient);
void parts_add(struct holds *h, struct parts *p, uint64_t place, uint64_t size);
/* Frees parts without references. What they point at is the caller's. */
void parts_free(struct holds *h, struct parts *p);
/* The parts in the log whose first one has that position, or NULL. */
struct parts *parts_find(const struct holds *h, uint64_t first);

void holds_check(const struct holds *h);

#endif
