/* Remembered routes and the sets they lead to. Private.
 *
 *     (version of an exchange, routing key)  --hash-->  bucket of four entries  -->  queue set
 *
 * The version stands for the exchange as it was when the route was found; it changes with all
 * that the route depends on, so an entry of an old version is never found again and sooner or
 * later its place is taken. The cache starts small and doubles when it is too small for the keys
 * that are in use, up to its limits.
 *
 *   C1  entries hold a reference to their set; the bytes of the sets so held stay under the limit.
 *   C2  a key that is longer than an entry has room for is not remembered. */
#ifndef EXCHANGE_CACHE_H
#define EXCHANGE_CACHE_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/map.h"
#include "exchange/route.h"

enum { CACHE_WAYS = 4, CACHE_ENTRIES_MIN = 64, CACHE_KEY_MAX = 111 };

struct cache_entry {
    uint64_t version;
    struct queue_set *set; /* NULL: empty */
    uint8_t key_size;
    uint8_t key[CACHE_KEY_MAX];
};

struct route_cache {
    uint64_t *hashes; /* of the entries, four of a bucket side by side */
    struct cache_entry *entries;
    size_t capacity; /* 0 or a power of two */
    size_t capacity_max;
    size_t evictions; /* since the last growth */
    size_t hand;      /* the next entry to go */
    uint64_t seed;
    size_t bytes; /* C1 */
    size_t max_bytes;
};

/* All sets in use, by hash (others of the same hang on it) and by id. */
struct queue_sets {
    struct map by_hash;
    struct map by_id;
    uint64_t last_id;
};

void route_cache_init(struct route_cache *c, size_t entries_max, size_t max_bytes, uint64_t seed);
/* Forgets everything and frees the memory. */
void route_cache_release(struct route_cache *c, struct queue_sets *sets);

/* The set that the route leads to, borrowed, or NULL. */
struct queue_set *route_cache_find(const struct route_cache *c, uint64_t version, struct bytes key);

/* Remembers the route, unless C1 or C2 forbid. The set is borrowed. */
void route_cache_put(struct route_cache *c, struct queue_sets *sets, uint64_t version,
                     struct bytes key, struct queue_set *set);

void route_cache_check(const struct route_cache *c);

/* A reference to the set of these queues, which must rise. */
struct queue_set *sets_take(struct queue_sets *sets, const uint64_t *queues, size_t count);
void sets_unref(struct queue_sets *sets, struct queue_set *set);

/* The memory of a set. */
size_t set_bytes(const struct queue_set *set);

#endif
