/* direct: a message goes to what is bound with its routing key. The default exchange is the same
 * with a binding of every queue by its name, which nobody stores. */
#include "base/mem.h"
#include "exchange/row.h"

static void direct_open(struct exchange *x)
{
    struct names *rows = MEM_NEW(struct names);

    names_init(rows, x->table->seed);
    x->state = rows;
}

static void direct_close(struct exchange *x)
{
    struct names *rows = (struct names *)x->state;

    ASSERT(names_count(rows) == 0);
    names_release(rows);
    mem_free(rows);
}

static void direct_bind(struct exchange *x, struct binding *b)
{
    struct names *rows = (struct names *)x->state;
    struct row *row = (struct row *)names_find(rows, b->key);

    if (row == NULL) {
        row = MEM_NEW(struct row);
        names_put(rows, b->key, row);
    }
    row_add(row, b);
    b->place = row;
}

static void direct_unbind(struct exchange *x, struct binding *b)
{
    struct row *row = (struct row *)b->place;

    row_remove(row, b);
    if (row->count > 0)
        return;
    names_remove((struct names *)x->state, b->key);
    mem_free(row);
}

static void direct_route(struct exchange *x, struct walk *w)
{
    for (size_t i = 0; i < w->view->key_count; i++) {
        const struct row *row =
            (const struct row *)names_find((const struct names *)x->state, w->view->keys[i]);
        if (row != NULL)
            row_hit(row, w);
    }
}

static size_t direct_check(const struct exchange *x)
{
    const struct names *rows = (const struct names *)x->state;
    size_t count = 0;

    names_check(rows);
    for (struct names_entry *e = names_first(rows); e != NULL; e = names_next(rows, e))
        count += row_check((const struct row *)e->value);
    return count;
}

static void default_route(struct exchange *x, struct walk *w)
{
    for (size_t i = 0; i < w->view->key_count; i++) {
        struct target *queue =
            (struct target *)names_find(&x->table->queues_by_name, w->view->keys[i]);
        if (queue != NULL && queue->logged == NULL)
            walk_hit(w, queue);
    }
}

const struct exchange_kind direct_kind = {
    .name = "direct",
    .looks_at = LOOKS_AT_KEY,
    .open = direct_open,
    .close = direct_close,
    .bind = direct_bind,
    .unbind = direct_unbind,
    .route = direct_route,
    .check = direct_check,
};

/* Looking a route up would cost what finding it costs. */
const struct exchange_kind default_kind = {
    .name = "direct",
    .looks_at = LOOKS_AT_KEY,
    .route = default_route,
};
