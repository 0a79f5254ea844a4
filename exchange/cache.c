/* A table of fixed places, four per bucket. Nothing in it is ordered by use: a route that is
 * thrown out and still wanted is back after one walk. */
#include "exchange/cache.h"

#include "base/hash.h"
#include "base/mem.h"

enum { CACHE_LINE = 64 };

STATIC_ASSERT(sizeof(struct cache_entry) == 2 * (size_t)CACHE_LINE,
              "an entry fills two cache lines");

/* A set that alone fills more than this part of the limit is not remembered. */
enum { CACHE_SET_PART = 4 };

void route_cache_init(struct route_cache *c, size_t entries_max, size_t max_bytes, uint64_t seed)
{
    *c = (struct route_cache){.seed = seed, .max_bytes = max_bytes};
    if (entries_max < CACHE_WAYS)
        return;
    for (c->capacity_max = CACHE_WAYS; 2 * c->capacity_max <= entries_max;)
        c->capacity_max *= 2;
}

static void entry_clear(struct route_cache *c, struct queue_sets *sets, struct cache_entry *e)
{
    struct queue_set *set = e->set;

    if (set == NULL)
        return;
    ASSERT(set->cached > 0);
    if (--set->cached == 0) {
        ASSERT(c->bytes >= set_bytes(set));
        c->bytes -= set_bytes(set);
    }
    e->set = NULL;
    sets_unref(sets, set);
}

static void forget_all(struct route_cache *c, struct queue_sets *sets)
{
    for (size_t i = 0; i < c->capacity; i++)
        entry_clear(c, sets, &c->entries[i]);
    ASSERT(c->bytes == 0);
    mem_free(c->entries);
    mem_free(c->hashes);
    c->entries = NULL;
    c->hashes = NULL;
    c->capacity = 0;
}

void route_cache_release(struct route_cache *c, struct queue_sets *sets)
{
    forget_all(c, sets);
    *c = (struct route_cache){0};
}

static uint64_t hash_of(const struct route_cache *c, uint64_t version, struct bytes key)
{
    return hash64(key, c->seed + version);
}

static size_t bucket_of(const struct route_cache *c, uint64_t hash)
{
    return (size_t)hash & (c->capacity - CACHE_WAYS);
}

static bool is_it(const struct cache_entry *e, uint64_t version, struct bytes key)
{
    return e->set != NULL && e->version == version &&
           bytes_equal(bytes_of(e->key, e->key_size), key);
}

struct queue_set *route_cache_find(const struct route_cache *c, uint64_t version, struct bytes key)
{
    if (UNLIKELY(c->capacity == 0 || key.size > CACHE_KEY_MAX))
        return NULL;

    uint64_t hash = hash_of(c, version, key);
    size_t bucket = bucket_of(c, hash);

    for (size_t i = bucket; i < bucket + CACHE_WAYS; i++) {
        if (c->hashes[i] == hash && is_it(&c->entries[i], version, key))
            return c->entries[i].set;
    }
    return NULL;
}

/* Starts over with `capacity` empty entries; stays as it is when memory is refused. */
static void restart(struct route_cache *c, struct queue_sets *sets, size_t capacity)
{
    struct cache_entry *entries =
        (struct cache_entry *)mem_try_aligned(CACHE_LINE, capacity * sizeof(*entries));
    uint64_t *hashes = (uint64_t *)mem_try_aligned(CACHE_LINE, capacity * sizeof(*hashes));

    ASSERT(capacity <= c->capacity_max);
    c->evictions = 0;
    if (entries == NULL || hashes == NULL) {
        mem_free(entries);
        mem_free(hashes);
        return;
    }
    forget_all(c, sets);
    memset(entries, 0, capacity * sizeof(*entries));
    memset(hashes, 0, capacity * sizeof(*hashes));
    c->entries = entries;
    c->hashes = hashes;
    c->capacity = capacity;
    c->hand = 0;
}

/* Makes sure that there are entries, and more of them when those there are do not suffice. */
static void fit(struct route_cache *c, struct queue_sets *sets)
{
    size_t least = c->capacity_max < CACHE_ENTRIES_MIN ? c->capacity_max : CACHE_ENTRIES_MIN;

    if (c->capacity == 0)
        restart(c, sets, least);
    else if (c->evictions >= c->capacity && c->capacity < c->capacity_max)
        restart(c, sets, 2 * c->capacity);
}

/* An empty entry of the bucket, or else one of them, cleared. */
static size_t place_for(struct route_cache *c, struct queue_sets *sets, uint64_t hash)
{
    size_t bucket = bucket_of(c, hash);

    for (size_t i = bucket; i < bucket + CACHE_WAYS; i++) {
        if (c->entries[i].set == NULL)
            return i;
    }
    size_t place = bucket + c->evictions++ % CACHE_WAYS;
    entry_clear(c, sets, &c->entries[place]);
    return place;
}

/* Throws out entries, each in its turn, until C1 holds again. */
static void shrink(struct route_cache *c, struct queue_sets *sets)
{
    while (c->bytes > c->max_bytes) {
        entry_clear(c, sets, &c->entries[c->hand]);
        c->hand = (c->hand + 1) & (c->capacity - 1);
    }
}

void route_cache_put(struct route_cache *c, struct queue_sets *sets, uint64_t version,
                     struct bytes key, struct queue_set *set)
{
    if (key.size > CACHE_KEY_MAX || c->capacity_max == 0)
        return; /* C2 */
    if (set_bytes(set) > c->max_bytes / CACHE_SET_PART)
        return; /* C1 */
    fit(c, sets);
    if (c->capacity == 0)
        return;

    uint64_t hash = hash_of(c, version, key);
    size_t place = place_for(c, sets, hash);
    struct cache_entry *e = &c->entries[place];

    c->hashes[place] = hash;
    e->version = version;
    e->set = queue_set_ref(set);
    e->key_size = (uint8_t)key.size;
    if (key.size > 0)
        memcpy(e->key, key.data, key.size);
    if (set->cached++ == 0)
        c->bytes += set_bytes(set);
    shrink(c, sets);
}

void route_cache_check(const struct route_cache *c)
{
    ASSERT(c->capacity <= c->capacity_max);
    ASSERT(c->bytes <= c->max_bytes); /* C1 */
    for (size_t i = 0; i < c->capacity; i++) {
        const struct cache_entry *e = &c->entries[i];

        if (e->set == NULL)
            continue;
        ASSERT(c->hashes[i] == hash_of(c, e->version, bytes_of(e->key, e->key_size)));
        ASSERT(e->set->cached > 0 && e->set->references >= e->set->cached);
    }
}
