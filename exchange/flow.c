/* Counting which queues get the messages of an exchange. */
#include "exchange/flow.h"

#include "base/mem.h"
#include "exchange/parts.h"

enum { LIMIT_MIN = 64 };

struct flow_place {
    struct queue_set *set; /* NULL: free */
    uint64_t count;        /* of messages that are not in `by_queue` yet */
};

struct flows {
    struct flow_place places[FLOW_PLACES];
    struct map by_queue; /* the count itself, which is never 0, instead of a pointer */
    size_t limit;        /* so many may be in it before those that are gone are looked for */
};

static struct flows *flows_of(struct exchange *x)
{
    if (x->flows == NULL) {
        x->flows = MEM_NEW(struct flows);
        map_init(&x->flows->by_queue);
        x->flows->limit = LIMIT_MIN;
    }
    return x->flows;
}

void flows_free(struct exchange_table *t, struct flows *f)
{
    if (f == NULL)
        return;
    for (size_t i = 0; i < FLOW_PLACES; i++)
        if (f->places[i].set != NULL)
            sets_unref(&t->sets, f->places[i].set);
    map_release(&f->by_queue);
    mem_free(f);
}

/* F2 */
static void leave_out_gone(const struct exchange_table *t, struct flows *f)
{
    MAP_FOREACH (w, &f->by_queue)
        if (map_find(&t->queues_by_id, w.key) == NULL)
            map_remove(&f->by_queue, w.key);
    f->limit = 2 * map_count(&f->by_queue) + LIMIT_MIN;
}

static void add(const struct exchange_table *t, struct flows *f, uint64_t queue, uint64_t count)
{
    uint64_t before = (uint64_t)(uintptr_t)map_find(&f->by_queue, queue);

    if (before == 0) {
        if (map_find(&t->queues_by_id, queue) == NULL)
            return; /* it is gone, or has no name */
        if (map_count(&f->by_queue) >= f->limit)
            leave_out_gone(t, f);
    }
    map_put(&f->by_queue, queue, (void *)(uintptr_t)(before + count));
}

static void add_all(const struct exchange_table *t, struct flows *f, const struct route *route,
                    uint64_t count)
{
    for (size_t i = 0; i < route->count; i++)
        add(t, f, route->queues[i], count);
}

/* What was counted for the set becomes counts of its queues. */
static void settle(const struct exchange_table *t, struct flows *f, struct flow_place *p)
{
    const struct route route = {.queues = p->set->queues, .count = p->set->count};

    if (p->count > 0)
        add_all(t, f, &route, p->count);
    p->count = 0;
}

/* The place of a set that is small enough. */
static struct flow_place *place_of(struct exchange *x, struct queue_set *set)
{
    struct exchange_table *t = x->table;
    struct flows *f = flows_of(x);
    struct flow_place *p = &f->places[set->id % FLOW_PLACES];

    if (LIKELY(p->set == set))
        return p;
    if (p->set != NULL) {
        settle(t, f, p);
        sets_unref(&t->sets, p->set);
    }
    p->set = queue_set_ref(set);
    return p;
}

void exchange_count_set(struct exchange *x, struct queue_set *set, uint64_t count)
{
    const struct route route = {.queues = set->queues, .count = set->count};

    if (UNLIKELY(set->count > FLOW_SET_MAX))
        add_all(x->table, flows_of(x), &route, count);
    else
        place_of(x, set)->count += count;
}

void exchange_count_route(struct exchange *x, const struct route *route)
{
    if (UNLIKELY(route->set == NULL))
        add_all(x->table, flows_of(x), route, 1);
    else
        exchange_count_set(x, route->set, 1);
}

void exchange_count_queue(struct exchange *x, uint64_t queue, uint64_t count)
{
    if (count > 0)
        add(x->table, flows_of(x), queue, count);
}

uint64_t exchange_count_of(struct exchange *x, uint64_t queue)
{
    struct flows *f = x->flows;

    if (f == NULL)
        return 0;
    for (size_t i = 0; i < FLOW_PLACES; i++)
        if (f->places[i].set != NULL)
            settle(x->table, f, &f->places[i]);
    return (uint64_t)(uintptr_t)map_find(&f->by_queue, queue);
}

size_t exchange_flows(struct exchange *x, struct exchange_flow *out, size_t max)
{
    size_t count = 0;

    (void)exchange_count_of(x, 0); /* settles */
    if (x->flows == NULL)
        return 0;
    leave_out_gone(x->table, x->flows);
    MAP_FOREACH (w, &x->flows->by_queue) {
        if (count == max)
            break;
        out[count++] = (struct exchange_flow){w.key, (uint64_t)(uintptr_t)w.value};
    }
    return count;
}
