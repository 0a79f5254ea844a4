/* Queues of exchanges. */
#include "broker/holder.h"

#include "broker/parts.h"
#include "broker/terms.h"
#include "exchange/exchange.h"
#include "msg/table_writer.h"

enum { BOUNDS_MAX = 256 };

static struct named_queue *make(struct vhost *v, const struct queue_term *t,
                                struct exchange_cache cache)
{
    return vhost_add_queue(v, &(struct vhost_queue){
                                  .id = t->id,
                                  .name = t->name,
                                  .home = &v->broker->homes[t->partition],
                                  .is_durable = (t->id & TRANSIENT_ID) == 0,
                                  .is_hidden = true,
                                  .cache_max = cache.count_max,
                                  .cache_ttl_ms = cache.ttl_ms,
                              });
}

/* ---- definitions ---- */

/* The bounds of a cache are its arguments. */
static struct table write_bounds(struct exchange_cache cache, struct buf *out)
{
    struct table_writer w;
    struct table t;
    int rv;

    table_writer_init(&w, out);
    table_writer_long(&w, "x-cache-size", (int64_t)cache.count_max);
    if (cache.ttl_ms != UINT64_MAX)
        table_writer_long(&w, "x-cache-ttl", (int64_t)cache.ttl_ms);
    rv = table_writer_finish(&w, &t);
    ASSERT(rv == 0);
    return t;
}

static bool read_bounds(struct table t, struct exchange_cache *out)
{
    struct field f;
    int64_t value = 0;

    *out = (struct exchange_cache){.ttl_ms = UINT64_MAX};
    if (!table_find(t, bytes_text("x-cache-size"), &f) || !field_as_integer(&f, &value) ||
        value <= 0)
        return false;
    out->count_max = (uint64_t)value;
    if (!table_find(t, bytes_text("x-cache-ttl"), &f))
        return true;
    if (!field_as_integer(&f, &value) || value <= 0)
        return false;
    out->ttl_ms = (uint64_t)value;
    return true;
}

/* Makes a queue, with its definition when the exchange is durable. */
static struct named_queue *define(struct vhost *v, const struct exchange *x, uint64_t id,
                                  struct exchange_cache cache)
{
    struct broker *b = v->broker;
    struct queue_term t = {
        .id = id,
        .vhost = v->id,
        .partition = home_with_fewest(b)->number,
        .flags = cache.count_max > 0 ? TERM_CACHE : TERM_HOLDER,
        .name = exchange_spec(x).name,
    };
    struct buf bounds;

    if (id == 0) {
        t.id = TRANSIENT_ID | ++b->next_transient_id;
        return make(v, &t, cache);
    }
    buf_init(&bounds, BOUNDS_MAX);
    if (cache.count_max > 0)
        t.arguments = write_bounds(cache, &bounds);
    queue_term_encode(&t, &b->terms);
    definitions_put(&b->definitions, DEFINITION_QUEUE, buf_view(&b->terms.key),
                    buf_view(&b->terms.body));
    buf_release(&bounds);
    return make(v, &t, cache);
}

/* ---- meeting the exchange ---- */

static void give_holder(struct named_queue *q, struct exchange *x)
{
    q->keeps = x;
    exchange_set_holder(x, q->id);
}

static void give_cache(struct named_queue *q, struct exchange *x)
{
    q->keeps = x;
    exchange_set_cache_queue(x, q->id);
}

void holder_declare(struct vhost *v, struct exchange *x, uint64_t id)
{
    struct exchange_cache cache = exchange_cache(x);

    if (exchange_is_delayed(x))
        give_holder(define(v, x, id, (struct exchange_cache){0}), x);
    if (cache.count_max > 0) {
        uint64_t next = id == 0 ? 0 : definitions_take_id(&v->broker->definitions);

        ASSERT(id == 0 || next == id + 1);
        give_cache(define(v, x, next, cache), x);
    }
}

void holder_forget(struct vhost *v, uint64_t id)
{
    struct named_queue *q = id == 0 ? NULL : vhost_find_queue_id(v, id);

    if (q != NULL)
        named_queue_delete(q);
}

bool holder_read(struct vhost *v, const struct queue_term *t)
{
    struct exchange_cache cache = {0};

    if ((t->flags & TERM_CACHE) != 0 && !read_bounds(t->arguments, &cache))
        return false;
    (void)make(v, t, cache);
    return true;
}

/* The hidden queue of that id, or NULL: the power failed between two definitions. */
static struct named_queue *find(const struct vhost *v, uint64_t id)
{
    struct named_queue *q = vhost_find_queue_id(v, id);

    return q != NULL && q->is_hidden ? q : NULL;
}

void holder_restore(struct vhost *v, struct exchange *x, uint64_t id)
{
    struct exchange_cache cache = exchange_cache(x);
    struct named_queue *q = NULL;

    if (exchange_is_delayed(x)) {
        q = find(v, id);
        give_holder(q != NULL ? q : define(v, x, id, (struct exchange_cache){0}), x);
    }
    if (cache.count_max > 0) {
        q = find(v, id + 1);
        give_cache(q != NULL ? q : define(v, x, id + 1, cache), x);
    }
}

void holder_doom_orphans(struct vhost *v)
{
    MAP_FOREACH (w, &v->queues_by_id) {
        struct named_queue *q = (struct named_queue *)w.value;

        if (q->is_hidden && q->keeps == NULL)
            named_queue_doom(q);
    }
}
