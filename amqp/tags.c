/* Delivery tags in a ring. */
#include "amqp/tags.h"

#include "base/mem.h"

enum { CAPACITY_MIN = 16, CAPACITY_KEPT = 1024 };

static char gone;
struct delivery *const TAGS_GONE = (struct delivery *)(void *)&gone;

static struct tags_entry *entry_at(const struct tags *t, uint32_t i)
{
    return &t->entries[(t->first + i) & (t->capacity - 1)];
}

void tags_init(struct tags *t)
{
    *t = (struct tags){0};
}

void tags_release(struct tags *t)
{
    mem_free(t->entries);
    tags_init(t);
}

/* Moves what is not settled to the front of a ring of that capacity. */
static void pack(struct tags *t, uint32_t capacity)
{
    struct tags_entry *entries = MEM_NEW_ARRAY(struct tags_entry, capacity);
    uint32_t count = 0;

    for (uint32_t i = 0; i < t->count; i++) {
        struct tags_entry *e = entry_at(t, i);
        if (e->delivery != NULL)
            entries[count++] = *e;
    }
    ASSERT(count == t->live);
    mem_free(t->entries);
    t->entries = entries;
    t->capacity = capacity;
    t->first = 0;
    t->count = count;
}

static void make_room(struct tags *t)
{
    uint32_t capacity = t->capacity == 0 ? CAPACITY_MIN : t->capacity;

    if (t->live > capacity / 2)
        capacity *= 2;
    pack(t, capacity);
}

void tags_add(struct tags *t, uint64_t tag, struct delivery *d)
{
    ASSERT(d != NULL);
    if (UNLIKELY(t->count == t->capacity))
        make_room(t);
    ASSERT(t->count == 0 || entry_at(t, t->count - 1)->tag < tag);
    *entry_at(t, t->count++) = (struct tags_entry){tag, d};
    t->live++;
}

/* The place of the first entry whose tag is not below `tag`. */
static uint32_t place_of(const struct tags *t, uint64_t tag)
{
    uint32_t low = 0;
    uint32_t high = t->count;

    if (t->count == 0 || tag <= entry_at(t, 0)->tag)
        return 0;
    uint64_t guess = tag - entry_at(t, 0)->tag; /* tags rise, so it is not behind that */
    if (guess < t->count) {
        if (LIKELY(entry_at(t, (uint32_t)guess)->tag == tag))
            return (uint32_t)guess;
        high = (uint32_t)guess;
    }
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (entry_at(t, middle)->tag < tag)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct tags_entry *find(const struct tags *t, uint64_t tag)
{
    uint32_t place = place_of(t, tag);

    if (place == t->count)
        return NULL;
    struct tags_entry *e = entry_at(t, place);
    return e->tag == tag && e->delivery != NULL ? e : NULL;
}

bool tags_has(const struct tags *t, uint64_t tag)
{
    return find(t, tag) != NULL;
}

/* Drops settled entries off the front; with nothing left the ring starts anew. */
static void trim(struct tags *t)
{
    while (t->count > 0 && entry_at(t, 0)->delivery == NULL) {
        t->first = (t->first + 1) & (t->capacity - 1);
        t->count--;
    }
    if (t->count == 0 && t->capacity > CAPACITY_KEPT)
        tags_release(t);
}

static struct delivery *settle(struct tags *t, struct tags_entry *e)
{
    struct delivery *d = e->delivery;

    e->delivery = NULL;
    t->live--;
    trim(t);
    return d;
}

struct delivery *tags_take(struct tags *t, uint64_t tag)
{
    struct tags_entry *e = find(t, tag);

    return e == NULL ? NULL : settle(t, e);
}

struct delivery *tags_take_first(struct tags *t, uint64_t upto)
{
    if (t->count == 0 || entry_at(t, 0)->tag > upto)
        return NULL;
    ASSERT(entry_at(t, 0)->delivery != NULL);
    return settle(t, entry_at(t, 0));
}

void tags_put_back(struct tags *t, uint64_t tag, struct delivery *d)
{
    uint32_t place;

    ASSERT(d != NULL && !tags_has(t, tag));
    if (t->count == t->capacity)
        make_room(t);
    place = place_of(t, tag);
    if (place < t->count && entry_at(t, place)->tag == tag) {
        entry_at(t, place)->delivery = d;
        t->live++;
        return;
    }
    for (uint32_t i = t->count++; i > place; i--)
        *entry_at(t, i) = *entry_at(t, i - 1);
    *entry_at(t, place) = (struct tags_entry){tag, d};
    t->live++;
}

struct delivery *tags_next(const struct tags *t, uint32_t *place)
{
    while (*place < t->count) {
        struct delivery *d = entry_at(t, (*place)++)->delivery;
        if (d != NULL && d != TAGS_GONE)
            return d;
    }
    return NULL;
}

void tags_forget(struct tags *t, uint32_t place)
{
    ASSERT(place > 0 && place <= t->count);
    entry_at(t, place - 1)->delivery = TAGS_GONE;
}

void tags_check(const struct tags *t)
{
    uint32_t live = 0;

    ASSERT(t->count <= t->capacity);
    for (uint32_t i = 0; i < t->count; i++) {
        ASSERT(i == 0 || entry_at(t, i - 1)->tag < entry_at(t, i)->tag);
        live += entry_at(t, i)->delivery != NULL;
    }
    ASSERT(live == t->live);
    ASSERT(t->count == 0 || entry_at(t, 0)->delivery != NULL);
}
