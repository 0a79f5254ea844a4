/* The life of slabs in memory; see slab.h. What goes to the disk and comes back is in spill.c. */
#include "queue/slab.h"

#include <string.h>

#include "base/mem.h"

void slabs_init(struct slabs *s)
{
    *s = (struct slabs){0};
    list_init(&s->sealed);
    list_init(&s->spare);
}

static void slab_free(struct slab *b)
{
    mem_free(b->data);
    mem_free(b);
}

void slabs_release(struct slabs *s)
{
    struct list_link *link;

    for (uint32_t i = 0; i < s->table_size; i++) {
        if (s->table[i] == NULL)
            continue;
        ASSERT(s->table[i]->pins == 0);
        slab_free(s->table[i]);
    }
    while ((link = list_take(&s->spare)) != NULL)
        slab_free(CONTAINER_OF(link, struct slab, link));
    mem_free(s->table);
    mem_free(s->free_slots);
    slabs_init(s);
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
    struct slab *b;

    if (capacity == SLAB_BYTES && s->spare_count > 0) {
        b = CONTAINER_OF(list_take(&s->spare), struct slab, link);
        s->spare_count--;
    } else {
        uint8_t *data = mem_try(capacity);

        if (data == NULL)
            return NULL;
        b = MEM_NEW(struct slab);
        b->home = s;
        b->data = data;
        b->capacity = capacity;
    }
    b->used = 0;
    slot_take(s, b);
    s->bytes += capacity;
    return b;
}

static void seal_open(struct slabs *s)
{
    struct slab *b = s->open;

    if (b == NULL)
        return;
    s->open = NULL;
    b->state = SLAB_SEALED;
    list_push(&s->sealed, &b->link);
    if (b->live == 0 && b->pins == 0)
        slab_end(b);
}

struct slab *slab_for(struct slabs *s, uint32_t size)
{
    struct slab *b;

    if (size > SLAB_ITEM_MAX) {
        b = slab_new(s, size);
        if (b == NULL)
            return NULL;
        b->state = SLAB_SEALED;
        list_push(&s->sealed, &b->link);
        return b;
    }
    b = slab_new(s, SLAB_BYTES);
    if (b == NULL)
        return NULL;
    seal_open(s);
    b->state = SLAB_OPEN;
    s->open = b;
    return b;
}

void slab_end(struct slab *b)
{
    struct slabs *s = b->home;

    ASSERT(b->live == 0 && b->pins == 0);
    if (b->state == SLAB_OPEN) {
        b->used = 0;
        return;
    }
    ASSERT(b->state == SLAB_SEALED);
    list_remove(&b->link);
    slot_give(s, b);
    s->bytes -= b->capacity;
    if (b->capacity == SLAB_BYTES && s->spare_count < SLAB_SPARE_MAX) {
        list_push_front(&s->spare, &b->link);
        s->spare_count++;
    } else {
        slab_free(b);
    }
}

static void slab_check(const struct slabs *s, const struct slab *b)
{
    uint32_t live = 0;

    ASSERT(b->home == s && b->used <= b->capacity);
    ASSERT(b->live > 0 || b->pins > 0 || b->state == SLAB_OPEN); /* B1 */
    if (b->data == NULL)
        return;
    for (uint32_t at = 0; at < b->used;) {
        const struct slab_item *item = (const struct slab_item *)(const void *)(b->data + at);

        ASSERT(item->size > 0 && item->size <= b->used - at);
        live += item->refs > 0 ? 1 : 0;
        at += item->size;
    }
    ASSERT(live == b->live);
}

void slabs_check(const struct slabs *s)
{
    uint64_t items = 0, bytes = 0;
    uint32_t used = 0;

    for (uint32_t i = 0; i < s->table_size; i++) {
        const struct slab *b = s->table[i];

        if (b == NULL)
            continue;
        ASSERT(b->slot == i);
        slab_check(s, b);
        items += b->live;
        bytes += b->data != NULL ? b->capacity : 0;
        used++;
    }
    ASSERT(used + s->free_count == s->table_size);
    ASSERT(items == s->items && bytes == s->bytes);
}
