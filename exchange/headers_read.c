/* Each message uses only as many slots as its headers need, so that clearing them costs no more
 * than reading them did. */
#include "exchange/headers_read.h"

#include "base/hash.h"
#include "base/mem.h"

enum { HEADERS_SLOTS_MIN = 16, HEADERS_SLOTS_KEPT = 4096 };

void headers_release(struct headers_read *h)
{
    mem_free(h->slots);
    *h = (struct headers_read){0};
}

static struct header *slot_of(const struct headers_read *h, struct bytes name, uint64_t hash)
{
    size_t at = (size_t)hash & (h->used - 1);

    ASSERT(h->count < h->used); /* the loop meets an empty slot */
    while (h->slots[at].name.data != NULL &&
           (h->slots[at].name_hash != hash || !bytes_equal(h->slots[at].name, name)))
        at = (at + 1) & (h->used - 1);
    return &h->slots[at];
}

void headers_fill(struct headers_read *h, struct table t, uint64_t seed)
{
    struct table_walk w = table_walk(t);
    struct table_entry e;
    size_t used = HEADERS_SLOTS_MIN;

    while (used < 2 * table_count(t))
        used *= 2;
    if (h->capacity > HEADERS_SLOTS_KEPT && used <= HEADERS_SLOTS_KEPT)
        headers_release(h); /* a giant came by; the next ones are as usual */
    if (used > h->capacity) {
        h->slots = (struct header *)mem_grow(h->slots, used, sizeof(*h->slots));
        h->capacity = used;
    }
    for (size_t i = 0; i < used; i++)
        h->slots[i].name.data = NULL;
    h->used = used;
    h->count = 0;
    h->seed = seed;
    while (table_next(&w, &e)) {
        uint64_t hash = hash64(e.name, seed);
        struct header *slot = slot_of(h, e.name, hash);

        h->count += slot->name.data == NULL;
        *slot = (struct header){.name_hash = hash, .name = e.name, .value = e.value};
    }
}

const struct field *headers_find(const struct headers_read *h, struct bytes name, uint64_t hash)
{
    ASSERT(h->used > 0);

    const struct header *slot = slot_of(h, name, hash);

    return slot->name.data == NULL ? NULL : &slot->value;
}
