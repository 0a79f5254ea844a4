/* The walk through exchanges, and when its result is remembered and forgotten.
 *
 * A route that was found by looking at nothing but bindings and the routing key stays right until
 * one of the exchanges that the walk visited changes. So all of these are marked as observed.
 * When an exchange changes that is observed, every remembered route through it began at an
 * exchange from which observed ones lead to it: going against the bindings from one observed
 * exchange to the next finds them all. Each gets a new version, under which nothing is
 * remembered, and the mark goes. So a change costs no more than the marks that routing set since
 * the last one; of a thousand changes in a row all but the first cost nothing. */
#include "exchange/route.h"

#include "exchange/parts.h"
#include "exchange/sort_ids.h"

static void give_set(struct route *out, struct queue_set *set)
{
    *out = (struct route){.queues = set->queues, .count = set->count, .set = set};
}

/* Visits all exchanges from `x` on. Returns what the result depends on. */
static enum looks_at walk_from(struct walk *w, struct exchange *x, const struct route_view *m)
{
    enum looks_at looks_at = LOOKS_AT_NOTHING;

    w->stamp++;
    w->view = m;
    w->queue_count = 0;
    w->work_count = 0;
    w->keeper_count = 0;
    w->has_headers = false;
    walk_visit(w, x);
    for (size_t i = 0; i < w->work_count; i++) {
        struct exchange *at = w->work[i];

        w->hits = 0;
        if (at->looks_at > looks_at)
            looks_at = at->looks_at;
        if (UNLIKELY(m->is_delayed && at->holder != 0)) {
            walk_hold(w, at->holder); /* all else happens when it is due */
            continue;
        }
        at->kind->route(at, w);
        if (UNLIKELY(m->is_keyed && at->cache_queue != 0))
            walk_hold(w, at->cache_queue);
        if (w->hits == 0 && at->alternate != NULL && at->alternate->exchange != NULL)
            walk_visit(w, at->alternate->exchange);
        if (UNLIKELY(at->log != NULL))
            walk_add_queue(w, at->log);
    }
    sort_ids(w->queues, w->queue_count);
    return looks_at;
}

/* Remembers the route that was just walked. */
static struct queue_set *remember(struct exchange *x, const struct route_view *m,
                                  enum looks_at looks_at)
{
    struct exchange_table *t = x->table;
    struct walk *w = &t->walk;
    struct queue_set *set = sets_take(&t->sets, w->queues, w->queue_count);

    if (looks_at == LOOKS_AT_NOTHING)
        x->fixed = queue_set_ref(set);
    else
        route_cache_put(&t->cache, &t->sets, x->version, m->keys[0], set);
    for (size_t i = 0; i < w->work_count; i++)
        w->work[i]->is_observed = true;

    bool is_held = set->references > 1;

    sets_unref(&t->sets, set);
    return is_held ? set : NULL;
}

static void route_by_walk(struct exchange *x, const struct route_view *m, struct route *out)
{
    struct exchange_table *t = x->table;
    struct walk *w = &t->walk;
    enum looks_at looks_at = walk_from(w, x, m);
    bool is_fit = looks_at == LOOKS_AT_NOTHING ||
                  (looks_at == LOOKS_AT_KEY && m->key_count == 1 && x->kind != &default_kind);

    *out = (struct route){
        .queues = w->queues,
        .count = w->queue_count,
        .keepers = w->keepers,
        .keeper_count = w->keeper_count,
    };
    if (!is_fit || t->cache.capacity_max == 0) {
        t->stats.walks++;
        return;
    }
    t->stats.misses++;
    ASSERT(w->keeper_count == 0);
    out->set = remember(x, m, looks_at);
}

void route_message(struct exchange_table *t, struct exchange *x, const struct route_view *m,
                   struct route *out)
{
    struct queue_set *set = x->fixed;

    ASSERT(x->table == t && m->key_count > 0);
    if (set == NULL && x->looks_at == LOOKS_AT_KEY && m->key_count == 1)
        set = route_cache_find(&t->cache, x->version, m->keys[0]);
    if (LIKELY(set != NULL)) {
        t->stats.hits++;
        give_set(out, set);
        return;
    }
    route_by_walk(x, m, out);
}

void route_count_again(struct exchange_table *t, uint64_t count)
{
    t->stats.hits += count;
}

/* One step of route_forget(): the exchange itself. */
static void forget_here(struct exchange *x)
{
    struct exchange_table *t = x->table;

    x->is_observed = false;
    x->version = ++t->last_version;
    if (x->fixed != NULL)
        sets_unref(&t->sets, x->fixed);
    x->fixed = NULL;
}

static void push_if_observed(struct walk *w, struct exchange *x)
{
    if (!x->is_observed)
        return;
    forget_here(x);
    w->work =
        (struct exchange **)walk_fit(w->work, w->work_count, &w->work_capacity, sizeof(*w->work));
    w->work[w->work_count++] = x;
}

void route_forget(struct exchange *x)
{
    struct walk *w = &x->table->walk;

    w->work_count = 0;
    push_if_observed(w, x);
    for (size_t i = 0; i < w->work_count; i++) {
        struct exchange *at = w->work[i];
        struct alternate *as = alternate_find(at->table, at->target.name);

        LIST_FOREACH (link, &at->target.bindings)
            push_if_observed(w, CONTAINER_OF(link, struct binding, to_link)->source);
        if (as == NULL)
            continue;
        LIST_FOREACH (link, &as->users)
            push_if_observed(w, CONTAINER_OF(link, struct exchange, alternate_link));
    }
}

struct queue_set *route_take_set(struct exchange_table *t, const struct route *route)
{
    if (route->set != NULL)
        return queue_set_ref(route->set);
    return sets_take(&t->sets, route->queues, route->count);
}

struct route_stats route_stats(const struct exchange_table *t)
{
    struct route_stats stats = t->stats;

    stats.entries = t->cache.capacity;
    stats.sets = map_count(&t->sets.by_id);
    stats.cached_bytes = t->cache.bytes;
    return stats;
}
