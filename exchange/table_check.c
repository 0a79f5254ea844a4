/* exchange_table_check(): the invariants of exchange.h, one by one. */
#include "exchange/parts.h"

static size_t check_targets(const struct target *target)
{
    size_t count = 0;

    LIST_FOREACH (link, &target->bindings) {
        const struct binding *b = CONTAINER_OF(link, struct binding, to_link);
        ASSERT(b->target == target);
        count++;
    }
    ASSERT(count == target->binding_count);
    return count;
}

static void check_exchange(const struct exchange_table *t, const struct exchange *x)
{
    size_t count = 0;

    ASSERT(x->table == t && !x->is_doomed && x->target.exchange == x);
    ASSERT(exchange_find(t, x->target.name) == x);
    ASSERT(x->version <= t->last_version && x->id <= t->last_id);
    ASSERT(x->fixed == NULL || x->is_observed);    /* E4 */
    ASSERT(x->log == NULL || x->log->logged == x); /* E5 */
    LIST_FOREACH (link, &x->bindings) {
        ASSERT(CONTAINER_OF(link, struct binding, from_link)->source == x);
        count++;
    }
    ASSERT(count == x->binding_count); /* E2 */
    ASSERT(x->kind->check == NULL || x->kind->check(x) == count);
}

static void check_alternates(const struct exchange_table *t)
{
    names_check(&t->alternates);
    for (struct names_entry *e = names_first(&t->alternates); e != NULL;
         e = names_next(&t->alternates, e)) {
        const struct alternate *a = (const struct alternate *)e->value;

        ASSERT(!list_empty(&a->users));
        ASSERT(a->exchange == exchange_find(t, e->name)); /* E3 */
        LIST_FOREACH (link, &a->users)
            ASSERT(CONTAINER_OF(link, struct exchange, alternate_link)->alternate == a);
    }
}

static void check_identities(const struct exchange_table *t)
{
    size_t count = 0;

    MAP_FOREACH (walk, &t->bindings) {
        for (const struct binding *b = (const struct binding *)walk.value; b != NULL;
             b = b->same_identity) {
            ASSERT(b->identity == walk.key);
            count++;
        }
    }
    ASSERT(count == t->binding_count); /* E1 */
}

void exchange_table_check(const struct exchange_table *t)
{
    size_t from = 0;
    size_t to = 0;

    names_check(&t->exchanges);
    names_check(&t->queues_by_name);
    ASSERT(list_empty(&t->doomed));
    ASSERT(map_count(&t->queues_by_id) == names_count(&t->queues_by_name));
    for (const struct exchange *x = exchange_next(t, NULL); x != NULL; x = exchange_next(t, x)) {
        check_exchange(t, x);
        from += x->binding_count;
        to += check_targets(&x->target);
    }
    MAP_FOREACH (walk, &t->queues_by_id) {
        to += check_targets((const struct target *)walk.value);
    }
    ASSERT(from == t->binding_count && to == t->binding_count); /* E2 */
    check_alternates(t);
    check_identities(t);
    route_cache_check(&t->cache);
}
