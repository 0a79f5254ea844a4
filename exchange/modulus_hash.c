/* x-modulus-hash: the message goes to number (hash of its routing key) modulo (count) of all
 * bindings, in the order of their destinations' names. The binding key means nothing. */
#include <stdlib.h>

#include "base/mem.h"
#include "exchange/hash_source.h"
#include "exchange/row.h"

struct modulus_state {
    struct row row;
    bool is_sorted;
};

static const struct hash_source by_key = {.kind = HASH_KEY};

/* Exchanges before queues, then by name. Equal ones are the same destination, bound twice. */
static int compare_items(const void *left, const void *right)
{
    const struct target *a = ((const struct row_item *)left)->target;
    const struct target *b = ((const struct row_item *)right)->target;
    size_t size = a->name.size < b->name.size ? a->name.size : b->name.size;

    if ((a->exchange == NULL) != (b->exchange == NULL))
        return a->exchange == NULL ? 1 : -1;

    int order = size == 0 ? 0 : memcmp(a->name.data, b->name.data, size);

    if (order != 0)
        return order;
    return a->name.size == b->name.size ? 0 : a->name.size < b->name.size ? -1 : 1;
}

static void sort_row(struct modulus_state *s)
{
    if (s->is_sorted)
        return;
    if (s->row.count > 0)
        qsort(s->row.items, s->row.count, sizeof(s->row.items[0]), compare_items);
    for (uint32_t i = 0; i < s->row.count; i++)
        s->row.items[i].binding->slot = i;
    s->is_sorted = true;
}

static void modulus_open(struct exchange *x)
{
    x->state = MEM_NEW(struct modulus_state);
}

static void modulus_close(struct exchange *x)
{
    row_release(&((struct modulus_state *)x->state)->row);
    mem_free(x->state);
}

static void modulus_bind(struct exchange *x, struct binding *b)
{
    struct modulus_state *s = (struct modulus_state *)x->state;

    row_add(&s->row, b);
    s->is_sorted = false;
}

static void modulus_unbind(struct exchange *x, struct binding *b)
{
    struct modulus_state *s = (struct modulus_state *)x->state;

    row_remove(&s->row, b);
    s->is_sorted = false;
}

/* Sorts only when a message comes, so that a thousand bindings are sorted once. */
static void modulus_route(struct exchange *x, struct walk *w)
{
    struct modulus_state *s = (struct modulus_state *)x->state;

    if (s->row.count == 0)
        return;
    sort_row(s);
    walk_hit(w, s->row.items[hash_source_hash(&by_key, w) % s->row.count].target);
}

static size_t modulus_check(const struct exchange *x)
{
    return row_check(&((const struct modulus_state *)x->state)->row);
}

const struct exchange_kind modulus_hash_kind = {
    .name = "x-modulus-hash",
    .looks_at = LOOKS_AT_KEY,
    .open = modulus_open,
    .close = modulus_close,
    .bind = modulus_bind,
    .unbind = modulus_unbind,
    .route = modulus_route,
    .check = modulus_check,
};
