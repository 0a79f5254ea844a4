/* fanout: every message goes to all that is bound. */
#include "base/mem.h"
#include "exchange/row.h"

static void fanout_open(struct exchange *x)
{
    x->state = MEM_NEW(struct row);
}

static void fanout_close(struct exchange *x)
{
    row_release((struct row *)x->state);
    mem_free(x->state);
}

static void fanout_bind(struct exchange *x, struct binding *b)
{
    row_add((struct row *)x->state, b);
}

static void fanout_unbind(struct exchange *x, struct binding *b)
{
    row_remove((struct row *)x->state, b);
}

static void fanout_route(struct exchange *x, struct walk *w)
{
    row_hit((const struct row *)x->state, w);
}

static size_t fanout_check(const struct exchange *x)
{
    return row_check((const struct row *)x->state);
}

const struct exchange_kind fanout_kind = {
    .name = "fanout",
    .looks_at = LOOKS_AT_NOTHING,
    .open = fanout_open,
    .close = fanout_close,
    .bind = fanout_bind,
    .unbind = fanout_unbind,
    .route = fanout_route,
    .check = fanout_check,
};
