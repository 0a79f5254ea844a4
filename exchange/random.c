/* x-random: each message goes to one binding, all equally likely. x-local-random: the same among
 * those to queues of this node, and to none when there are none; an exchange is on every node. */
#include "base/mem.h"
#include "exchange/row.h"

static void random_open(struct exchange *x)
{
    x->state = MEM_NEW(struct row);
}

static void random_close(struct exchange *x)
{
    row_release((struct row *)x->state);
    mem_free(x->state);
}

static void random_bind(struct exchange *x, struct binding *b)
{
    row_add((struct row *)x->state, b);
}

static void random_unbind(struct exchange *x, struct binding *b)
{
    row_remove((struct row *)x->state, b);
}

static void random_route(struct exchange *x, struct walk *w)
{
    const struct row *row = (const struct row *)x->state;

    if (row->count > 0)
        walk_hit(w, row->items[rand_below(x->table->options.rand, row->count)].target);
}

static void local_random_route(struct exchange *x, struct walk *w)
{
    const struct row *row = (const struct row *)x->state;
    uint32_t count = 0;

    for (uint32_t i = 0; i < row->count; i++)
        count += row->items[i].target->is_local;
    if (count == 0)
        return;

    uint64_t chosen = rand_below(x->table->options.rand, count);

    for (uint32_t i = 0; i < row->count; i++) {
        struct target *target = row->items[i].target;
        if (target->is_local && chosen-- == 0) {
            walk_hit(w, target);
            return;
        }
    }
}

static size_t random_check(const struct exchange *x)
{
    return row_check((const struct row *)x->state);
}

const struct exchange_kind random_kind = {
    .name = "x-random",
    .looks_at = LOOKS_AT_MESSAGE,
    .open = random_open,
    .close = random_close,
    .bind = random_bind,
    .unbind = random_unbind,
    .route = random_route,
    .check = random_check,
};

const struct exchange_kind local_random_kind = {
    .name = "x-local-random",
    .looks_at = LOOKS_AT_MESSAGE,
    .open = random_open,
    .close = random_close,
    .bind = random_bind,
    .unbind = random_unbind,
    .route = local_random_route,
    .check = random_check,
};
