/* Open addressing with linear steps. Nothing is left behind by a removal: the items behind
 * the hole move up instead, so a map that lives long stays as fast as a new one. */
#include "base/map.h"

#include "base/mem.h"

enum { MAP_CAPACITY_MIN = 16 };

/* Mixes all bits of the key into all bits of the result (the last step of murmur hash 3). */
static uint64_t mixed(uint64_t key)
{
    key ^= key >> 33;
    key *= 0xff51afd7ed558ccdu;
    key ^= key >> 33;
    key *= 0xc4ceb9fe1a85ec53u;
    return key ^ key >> 33;
}

static size_t home_of(const struct map *m, uint64_t key)
{
    return (size_t)mixed(key) & (m->capacity - 1);
}

static size_t after(const struct map *m, size_t slot)
{
    return (slot + 1) & (m->capacity - 1);
}

static size_t before(const struct map *m, size_t slot)
{
    return (slot - 1) & (m->capacity - 1);
}

/* How many steps `slot` lies behind `from`. */
static size_t distance(const struct map *m, size_t from, size_t slot)
{
    return (slot - from) & (m->capacity - 1);
}

/* The slot that holds the key, or the empty one where it would go. */
static size_t slot_for(const struct map *m, uint64_t key)
{
    size_t slot = home_of(m, key);

    ASSERT(m->count < m->capacity); /* M2: the loop meets an empty slot */
    while (m->slots[slot].value != NULL && m->slots[slot].key != key)
        slot = after(m, slot);
    return slot;
}

static void grow(struct map *m)
{
    struct map old = *m;

    m->capacity = old.capacity == 0 ? MAP_CAPACITY_MIN : 2 * old.capacity;
    m->slots = MEM_NEW_ARRAY(struct map_slot, m->capacity);
    for (size_t i = 0; i < old.capacity; i++) {
        if (old.slots[i].value != NULL)
            m->slots[slot_for(m, old.slots[i].key)] = old.slots[i];
    }
    mem_free(old.slots);
}

void map_init(struct map *m)
{
    *m = (struct map){0};
}

void map_release(struct map *m)
{
    mem_free(m->slots);
    map_init(m);
}

void *map_put(struct map *m, uint64_t key, void *value)
{
    ASSERT(value != NULL);
    if (m->count + 1 > m->capacity / 4 * 3)
        grow(m); /* M2 */

    struct map_slot *s = &m->slots[slot_for(m, key)];
    void *old = s->value;

    if (old == NULL)
        m->count++;
    *s = (struct map_slot){.key = key, .value = value};
    return old;
}

void *map_find(const struct map *m, uint64_t key)
{
    return m->count == 0 ? NULL : m->slots[slot_for(m, key)].value;
}

/* Moves later items of the same row into the hole as long as that brings them no closer
 * than home. */
static void close_hole(struct map *m, size_t hole)
{
    for (size_t i = after(m, hole); m->slots[i].value != NULL; i = after(m, i)) {
        size_t home = home_of(m, m->slots[i].key);
        if (distance(m, home, i) < distance(m, hole, i))
            continue;
        m->slots[hole] = m->slots[i]; /* M1 */
        hole = i;
    }
    m->slots[hole] = (struct map_slot){0};
}

void *map_remove(struct map *m, uint64_t key)
{
    if (m->count == 0)
        return NULL;

    size_t slot = slot_for(m, key);
    void *value = m->slots[slot].value;

    if (value == NULL)
        return NULL;
    m->count--;
    close_hole(m, slot);
    return value;
}

size_t map_count(const struct map *m)
{
    return m->count;
}

/* A walk starts below an empty slot and goes downwards. So when the body takes an item out,
 * those that close the hole come from slots already walked, and no row is split between
 * start and end. */
struct map_walk map_walk_start(const struct map *m)
{
    struct map_walk w = {0};

    if (m->count == 0)
        return w;
    while (m->slots[w.slot].value != NULL)
        w.slot++;
    w.left = m->capacity - 1;
    return w;
}

bool map_walk_next(const struct map *m, struct map_walk *w)
{
    while (w->left > 0) {
        w->left--;
        w->slot = before(m, w->slot);
        w->key = m->slots[w->slot].key;
        w->value = m->slots[w->slot].value;
        if (w->value != NULL)
            return true;
    }
    return false;
}

void map_check(const struct map *m)
{
    size_t count = 0;

    ASSERT(m->count <= m->capacity / 4 * 3); /* M2 */
    for (size_t i = 0; i < m->capacity; i++) {
        if (m->slots[i].value == NULL)
            continue;
        count++;
        for (size_t s = home_of(m, m->slots[i].key); s != i; s = after(m, s))
            ASSERT(m->slots[s].value != NULL); /* M1 */
    }
    ASSERT(count == m->count);
}
