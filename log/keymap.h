/* The newest number of each key, for compaction. Bounded: when it is full, what it knows is
 * still right for the numbers it has seen.
 *
 * Plain value; one owner. */
#ifndef LOG_KEYMAP_H
#define LOG_KEYMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/check.h"
#include "base/hash.h"

struct keymap_slot {
    struct hash128 key; /* both zero: free */
    uint64_t number;
};

struct keymap {
    struct keymap_slot *slots;
    size_t capacity; /* a power of two */
    size_t count;
    size_t count_max;
};

/* At most `bytes_max` of memory. */
void keymap_init(struct keymap *m, uint64_t bytes_max);
void keymap_release(struct keymap *m);

/* Notes that `number` has the key; numbers come rising. False when the map is full and the
 * key is new. */
MUST_USE bool keymap_put(struct keymap *m, struct bytes key, uint64_t number);

/* The newest number of the key; false when it was never put. */
MUST_USE bool keymap_get(const struct keymap *m, struct bytes key, uint64_t *number);

#endif
