/* Moving items out of sparse slabs; see slab_move.h. */
#include "store/slab_move.h"

#include <string.h>

enum { SPARSE_SHARE = 4 }; /* a slab is sparse when at most so small a part of it is live */

STATIC_ASSERT(sizeof(void *) == sizeof(uint64_t), "a place is the value of a map");

static struct slab_item *item_at(const struct slab *b, uint32_t at)
{
    return (struct slab_item *)(void *)(b->data + at);
}

static uint64_t place_at(const struct slab *b, uint32_t at)
{
    return STORE_TRANSIENT | (uint64_t)b->slot << SLAB_SLOT_SHIFT | at / SLAB_ALIGN;
}

bool slab_is_sparse(const struct slab *b)
{
    uint32_t live = 0;

    ASSERT(!b->is_frozen && b->data != NULL);
    if (b->capacity != SLAB_BYTES)
        return false;
    for (uint32_t at = 0; at < b->used; at += item_at(b, at)->size)
        live += item_at(b, at)->refs > 0 ? item_at(b, at)->size : 0;
    return live <= b->used / SPARSE_SHARE;
}

/* Its count goes with it, wherever that is. */
static bool move_item(struct slabs *s, struct holds *h, struct slab *b, uint32_t at)
{
    struct slab_item *item = item_at(b, at);
    uint64_t from = place_at(b, at), to;
    struct slab_item *copy = slab_take_attic(s, item->size, &to);

    if (copy == NULL)
        return false;
    memcpy(copy + 1, item + 1, item->size - sizeof(*item));
    copy->refs = item->refs;
    if (item->refs == SLAB_HELD) {
        struct hold *hold = map_remove(&h->by_place, from);

        ASSERT(hold != NULL);
        hold_add(h, to, hold);
    }
    (void)map_put(&s->moved, from, (void *)(uintptr_t)to);
    s->items--; /* it was counted twice */
    item->refs = 0;
    return true;
}

/* Takes back what was done, for the slab stays as it is. */
static void move_back(struct slabs *s, struct holds *h, struct slab *b, uint32_t end)
{
    for (uint32_t at = 0; at < end; at += item_at(b, at)->size) {
        uint64_t from = place_at(b, at);
        void *value = map_remove(&s->moved, from);
        uint64_t to = (uint64_t)(uintptr_t)value;
        struct slab *attic;

        if (value == NULL)
            continue;
        attic = slab_of(s, to);
        item_at(b, at)->refs = slab_item_at(attic, to)->refs;
        if (item_at(b, at)->refs == SLAB_HELD)
            hold_add(h, from, map_remove(&h->by_place, to));
        slab_item_at(attic, to)->refs = 0;
        s->items++;
        slab_item_end(attic);
    }
}

bool slab_move(struct slabs *s, struct holds *h, struct slab *b)
{
    ASSERT(b->state == SLAB_SEALED && !b->is_frozen && b->pins == 0 && b != s->attic);
    for (uint32_t at = 0; at < b->used; at += item_at(b, at)->size) {
        if (item_at(b, at)->refs == 0 || move_item(s, h, b, at))
            continue;
        move_back(s, h, b, at);
        return false;
    }
    slab_drop_data(b);
    list_remove(&b->link);
    list_remove(&b->order);
    b->state = SLAB_MOVED;
    return true;
}

void slab_forget_moves(struct slabs *s, uint64_t place, uint64_t last)
{
    while (place != last) {
        struct slab *b = slab_of(s, place);
        void *next = map_remove(&s->moved, place);

        ASSERT(next != NULL && b->state == SLAB_MOVED);
        s->items++; /* it counted where it was last */
        slab_item_end(b);
        place = (uint64_t)(uintptr_t)next;
    }
}
