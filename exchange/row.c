/* A growing array of bindings. Removal moves the last one into the hole. */
#include "exchange/row.h"

#include "base/mem.h"

void row_release(struct row *r)
{
    ASSERT(r->count == 0);
    mem_free(r->items);
    *r = (struct row){0};
}

void row_add(struct row *r, struct binding *b)
{
    if (r->count == r->capacity) {
        ASSERT(r->capacity < UINT32_MAX / 2);
        r->capacity = r->capacity == 0 ? 1 : 2 * r->capacity;
        r->items = (struct row_item *)mem_grow(r->items, r->capacity, sizeof(*r->items));
    }
    b->slot = r->count;
    r->items[r->count++] = (struct row_item){.target = b->target, .binding = b};
}

void row_remove(struct row *r, struct binding *b)
{
    ASSERT(b->slot < r->count && r->items[b->slot].binding == b);
    r->items[b->slot] = r->items[--r->count];
    r->items[b->slot].binding->slot = b->slot;
    if (r->count == 0)
        row_release(r);
}

void row_hit(const struct row *r, struct walk *w)
{
    ASSERT(r->count <= r->capacity);
    for (uint32_t i = 0; i < r->count; i++)
        walk_hit(w, r->items[i].target);
}

size_t row_check(const struct row *r)
{
    for (uint32_t i = 0; i < r->count; i++) {
        ASSERT(r->items[i].binding->slot == i);
        ASSERT(r->items[i].binding->target == r->items[i].target);
    }
    return r->count;
}
