/* A map from byte strings to pointers: queues by name, exchanges by name.
 *
 * Keys are copied. The hash is seeded, so a peer who chooses the names cannot choose where
 * they fall; give a seed that he cannot know. A walk goes in the order of insertion,
 * whatever the seed.
 *
 * Owner: one thread. */
#ifndef BASE_NAMES_H
#define BASE_NAMES_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/check.h"
#include "base/list.h"
#include "base/map.h"

struct names {
    struct map by_hash; /* the first entry of each full hash; others of the same hash hang on it */
    struct list order;
    size_t count;
    uint64_t seed;
};

/* One name and what it stands for. Borrowed until it is removed; only `value` may be
 * changed. */
struct names_entry {
    struct list_link link;
    struct names_entry *same_hash;
    uint64_t hash;
    void *value;
    struct bytes name; /* followed by a zero byte, which is not counted */
};

void names_init(struct names *n, uint64_t seed);
/* Frees names and entries; what the values point to is the caller's. */
void names_release(struct names *n);

/* Puts the value under the name. Returns the value that it replaces, or NULL. A value is
 * never NULL. */
void *names_put(struct names *n, struct bytes name, void *value);

/* The value under the name, or NULL. */
void *names_find(const struct names *n, struct bytes name);

/* Takes the name out. Returns its value, or NULL when it is not in. */
void *names_remove(struct names *n, struct bytes name);

size_t names_count(const struct names *n);

/* A walk in the order of insertion; NULL at its end. To remove the entry the walk is at,
 * ask for the next one first. */
struct names_entry *names_first(const struct names *n);
struct names_entry *names_next(const struct names *n, const struct names_entry *e);

void names_check(const struct names *n);

#endif
