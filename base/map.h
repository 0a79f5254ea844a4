/* A hash map from 64-bit numbers to pointers.
 *
 * The order of a walk depends only on the keys and on the order of the calls that made the
 * map, never on addresses: the same run gives the same order. The hash has no secret, so a
 * peer who may choose any key can make it slow; keys from outside go through names.h.
 *
 * Invariants, checked by map_check():
 *   M1  an item lies at its home slot or behind it, with no empty slot between.
 *   M2  at least a quarter of the slots is empty.
 *
 * Owner: one thread. */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"

struct map_slot {
    uint64_t key;
    void *value; /* NULL: the slot is empty */
};

struct map {
    struct map_slot *slots;
    size_t capacity; /* 0 or a power of two */
    size_t count;
};

/* An empty map, without memory. */
void map_init(struct map *m);
/* Frees the map's own memory; what the values point to is the caller's. */
void map_release(struct map *m);

/* Puts the value under the key. Returns the value that it replaces, or NULL. A value is
 * never NULL. */
void *map_put(struct map *m, uint64_t key, void *value);

/* The value under the key, or NULL. */
void *map_find(const struct map *m, uint64_t key);

/* Takes the key out. Returns its value, or NULL when it is not in. */
void *map_remove(struct map *m, uint64_t key);

size_t map_count(const struct map *m);

/* One step of a walk; see MAP_FOREACH. */
struct map_walk {
    uint64_t key;
    void *value;
    size_t slot;
    size_t left; /* slots not yet looked at */
};

struct map_walk map_walk_start(const struct map *m);
MUST_USE bool map_walk_next(const struct map *m, struct map_walk *w);

/* Walks all items: `w.key`, `w.value`. The body may take out the item it is at, and only
 * it; it must put nothing in. */
#define MAP_FOREACH(w, m) for (struct map_walk w = map_walk_start(m); map_walk_next((m), &w);)

void map_check(const struct map *m);

#endif
