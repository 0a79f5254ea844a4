/* The life of slabs in memory; see slab.h. What goes to the disk and comes back is in spill.c. */
#include "store/slab.h"

#include <string.h>

#include "base/mem.h"

void slabs_init(struct slabs *s, const struct slabs_calls *calls)
{
    *s = (struct slabs){.calls = *calls};
    list_init(&s->order);
    list_init(&s->sealed);
    map_init(&s->moved);
}

static void slab_free(struct slab *b)
{
    mem_free(b->data);
    mem_free(b);
}

void slabs_release(struct slabs *s)
{
    for (uint32_t i = 0; i < s->table_size; i++) {
        if (s->table[i] == NULL)
            continue;
        ASSERT(s->table[i]->pins == 0 && list_empty(&s->table[i]->waiters));
        slab_free(s->table[i]);
    }
    for (uint32_t i = 0; i < s->spare_count; i++)
        mem_free(s->spare[i]);
    map_release(&s->moved);
    mem_free(s->table);
    mem_free(s->free_slots);
    *s = (struct slabs){0};
}

/* ---- Memory ---- */

uint8_t *slab_new_data(struct slabs *s, uint32_t capacity)
{
    uint8_t *data;

    if (capacity == SLAB_BYTES && s->spare_count > 0)
        return s->spare[--s->spare_count];
    data = mem_try(capacity);
    if (data != NULL)
        memset(data, 0, capacity); /* gaps between items are spilled too */
    return data;
}

void slab_free_data(struct slabs *s, uint8_t *data, uint32_t capacity)
{
    if (capacity == SLAB_BYTES && s->spare_count < SLAB_SPARE_MAX)
        s->spare[s->spare_count++] = data;
    else
        mem_free(data);
}

void slab_drop_data(struct slab *b)
{
    ASSERT(b->data != NULL && b->pins == 0);
    slab_free_data(b->home, b->data, b->capacity);
    b->data = NULL;
    b->home->bytes -= b->capacity;
}

/* ---- Slots ---- */

static void slot_take(struct slabs *s, struct slab *b)
{
    if (s->free_count > 0) {
        b->slot = s->free_slots[--s->free_count];
    } else {
        if (s->table_size == s->table_capacity) {
            s->table_capacity = s->table_capacity > 0 ? s->table_capacity * 2 : 16;
            s->table = mem_grow(s->table, s->table_capacity, sizeof(struct slab *));
            s->free_slots = mem_grow(s->free_slots, s->table_capacity, sizeof(uint32_t));
        }
        b->slot = s->table_size++;
    }
    s->table[b->slot] = b;
}

static void slot_give(struct slabs *s, struct slab *b)
{
    ASSERT(s->table[b->slot] == b);
    s->table[b->slot] = NULL;
    s->free_slots[s->free_count++] = b->slot;
}

/* ---- Slabs ---- */

static struct slab *slab_new(struct slabs *s, uint32_t capacity)
{
    uint8_t *data = slab_new_data(s, capacity);
    struct slab *b;

    if (data == NULL)
        return NULL;
    b = MEM_NEW(struct slab);
    b->home = s;
    b->data = data;
    b->capacity = capacity;
    list_init(&b->waiters);
    slot_take(s, b);
    s->bytes += capacity;
    return b;
}

static void seal(struct slab *b)
{
    b->state = SLAB_SEALED;
    list_push(&b->home->order, &b->order);
    list_push(&b->home->sealed, &b->link);
}

/* Makes a new slab the open one of its kind and seals the one before. NULL: no memory. */
static struct slab *open_next(struct slabs *s, struct slab **open)
{
    struct slab *b = slab_new(s, SLAB_BYTES), *before = *open;

    if (b == NULL)
        return NULL;
    *open = b;
    if (before != NULL) {
        seal(before);
        if (before->live == 0 && before->pins == 0)
            slab_end(before);
    }
    return b;
}

struct slab *slab_for(struct slabs *s, uint32_t size)
{
    struct slab *b;

    if (size > SLAB_ITEM_MAX) {
        b = slab_new(s, size);
        if (b != NULL)
            seal(b);
    } else {
        b = open_next(s, &s->open);
    }
    if (b != NULL)
        s->calls.changed(s->calls.owner);
    return b;
}

struct slab_item *slab_take_attic(struct slabs *s, uint32_t size, uint64_t *place)
{
    struct slab *b = s->attic;

    ASSERT(size <= SLAB_ITEM_MAX);
    if (b == NULL || size > b->capacity - b->used)
        b = open_next(s, &s->attic);
    return b != NULL ? slab_cut(b, size, 1, place) : NULL;
}

void slab_end(struct slab *b)
{
    struct slabs *s = b->home;

    ASSERT(b->live == 0 && b->pins == 0);
    if (b->state == SLAB_OPEN)
        b->used = 0;
    if (b->state != SLAB_SEALED && b->state != SLAB_SPILLED && b->state != SLAB_MOVED)
        return;
    if (b->copy.units > 0 || !list_empty(&b->waiters))
        s->calls.ending(s->calls.owner, b);
    ASSERT(list_empty(&b->waiters));
    if (b->data != NULL)
        slab_drop_data(b);
    if (list_linked(&b->link))
        list_remove(&b->link);
    if (list_linked(&b->order))
        list_remove(&b->order);
    slot_give(s, b);
    mem_free(b);
    s->calls.changed(s->calls.owner);
}

/* ---- Looking ---- */

static void check_items(const struct slab *b)
{
    uint32_t live = 0;

    for (uint32_t at = 0; at < b->used;) {
        const struct slab_item *item = (const struct slab_item *)(const void *)(b->data + at);

        ASSERT(item->size > 0 && item->size <= b->used - at);
        live += item->refs > 0 ? 1 : 0;
        at += item->size;
    }
    ASSERT(live == b->live);
}

static void slab_check(const struct slabs *s, const struct slab *b)
{
    bool is_spilled = b->state == SLAB_SPILLED || b->state == SLAB_READING;
    bool is_in_memory = !is_spilled && b->state != SLAB_MOVED;

    ASSERT(b->home == s && b->used <= b->capacity);
    ASSERT(b->live > 0 || b->pins > 0 || b->state == SLAB_OPEN || b->state == SLAB_WRITING ||
           b->state == SLAB_READING); /* B1 */
    ASSERT(is_in_memory == (b->data != NULL));
    ASSERT(is_in_memory || b->pins == 0);
    ASSERT(!is_spilled || b->copy.units > 0);
    ASSERT(b->copy.units == 0 || b->is_frozen); /* B4 */
    if (is_in_memory && !b->is_frozen)
        check_items(b);
}

void slabs_check(const struct slabs *s)
{
    uint64_t items = 0, moved = 0, bytes = 0;
    uint32_t used = 0;

    for (uint32_t i = 0; i < s->table_size; i++) {
        const struct slab *b = s->table[i];

        if (b == NULL)
            continue;
        ASSERT(b->slot == i);
        slab_check(s, b);
        if (b->state == SLAB_MOVED)
            moved += b->live;
        else
            items += b->live;
        bytes += b->data != NULL ? b->capacity : 0;
        used++;
    }
    ASSERT(used + s->free_count == s->table_size);
    ASSERT(items == s->items && bytes == s->bytes);
    ASSERT(moved == map_count(&s->moved)); /* B3 */
}
