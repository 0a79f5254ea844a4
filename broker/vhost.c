/* Virtual hosts: their exchange tables, and queues by name. */
#include "broker/vhost.h"

#include "base/mem.h"
#include "base/zoo.h"
#include "broker/apply.h"
#include "broker/events.h"
#include "broker/exchange_log.h"
#include "broker/history.h"
#include "broker/holder.h"
#include "broker/look_parts.h"
#include "broker/parts.h"
#include "broker/targets.h"
#include "exchange/exchange.h"
#include "msg/shortstr.h"
#include "policy/policy.h"
#include "queue/queue.h"

/* ---- what the exchange table says ---- */

static uint64_t end_id(const struct vhost *v, const struct binding *b)
{
    struct binding_end end = binding_spec(b).destination;

    return end.exchange == NULL ? end.queue : vhost_exchange_id(v, binding_destination_name(b));
}

/* The definition of a durable binding goes with it. Of the others there is none. */
static void on_unbound(void *owner, const struct binding *b)
{
    struct vhost *v = (struct vhost *)owner;
    struct definitions *d = &v->broker->definitions;
    struct term_buffers *terms = &v->broker->terms;
    struct binding_spec spec = binding_spec(b);
    struct bytes source = exchange_spec(spec.source).name;

    look_lost(v->broker, b);
    event_of_binding(v, b, "binding.deleted");
    binding_term_encode(
        &(struct binding_term){
            .vhost = v->id,
            .source = vhost_exchange_id(v, source),
            .source_name = source,
            .is_to_exchange = spec.destination.exchange != NULL,
            .destination = end_id(v, b),
            .destination_name = binding_destination_name(b),
            .routing_key = spec.key,
            .arguments = spec.arguments,
        },
        terms);
    if (v->is_unbinding)
        definitions_remove(d, DEFINITION_BINDING, buf_view(&terms->key));
    else
        definitions_drop(d, DEFINITION_BINDING, buf_view(&terms->key));
}

static void on_deleted(void *owner, const struct exchange *x)
{
    struct vhost *v = (struct vhost *)owner;
    struct term_buffers *terms = &v->broker->terms;
    struct bytes name = exchange_spec(x).name;

    look_lost(v->broker, x);
    event_of_exchange(v, x, "exchange.deleted");
    v->version++;
    holder_forget(v, exchange_holder(x));
    holder_forget(v, exchange_cache_queue(x));
    exchange_log_doom(v, x);
    mem_free(names_remove(&v->exchange_ids, name));
    exchange_term_encode(&(struct exchange_term){.vhost = v->id, .name = name}, terms);
    definitions_remove(&v->broker->definitions, DEFINITION_EXCHANGE, buf_view(&terms->key));
}

static void on_let_go(void *owner, uint64_t message)
{
    history_let_go(((struct vhost *)owner)->history, message);
}

/* ---- virtual hosts ---- */

static struct bytes copy_of(struct bytes b)
{
    uint8_t *copy = (uint8_t *)mem_alloc(b.size + 1);

    if (b.size > 0)
        memcpy(copy, b.data, b.size);
    return bytes_of(copy, b.size);
}

struct vhost *vhost_new(struct broker *b, struct bytes name, uint64_t id)
{
    struct vhost *v = MEM_NEW(struct vhost);
    struct exchange_options options = exchange_options_default();

    v->broker = b;
    v->id = id;
    v->version = 1;
    names_init(&v->queues, b->seed);
    map_init(&v->queues_by_id);
    names_init(&v->exchange_ids, b->seed);
    v->history = history_new();
    v->other = targets_new();
    v->by_name = targets_new();
    v->chosen = targets_new();
    v->counts = MEM_NEW(struct vhost_counts);
    options.rand = &b->rand;
    options.arguments_max_bytes = TERM_ARGUMENTS_MAX;
    options.calls = (struct exchange_calls){
        .owner = v, .on_unbound = on_unbound, .on_deleted = on_deleted, .on_let_go = on_let_go};
    v->table = exchange_table_new(&options);
    v->policies = policies_new();
    names_put(&b->vhosts, name, v);
    v->entry = CONTAINER_OF(list_last(&b->vhosts.order), struct names_entry, link);
    ASSERT(bytes_equal(v->entry->name, name));
    v->name = copy_of(name);
    v->connections_max = VHOST_UNLIMITED;
    v->queues_max = VHOST_UNLIMITED;
    map_put(&b->vhosts_by_id, id, v);
    event_of_new_vhost(v);
    return v;
}

static void named_queue_free(struct named_queue *q)
{
    mem_free(q->partitions);
    mem_free(q);
}

void vhost_free(struct vhost *v)
{
    exchange_table_free(v->table);
    policies_free(v->policies);
    MAP_FOREACH (w, &v->queues_by_id)
        named_queue_free((struct named_queue *)w.value);
    for (struct names_entry *e = names_first(&v->exchange_ids); e != NULL;
         e = names_next(&v->exchange_ids, e))
        mem_free(e->value);
    for (size_t i = 0; i < TARGET_SLOTS; i++)
        targets_free(v->slots[i]);
    targets_free(v->other);
    targets_free(v->by_name);
    targets_free(v->chosen);
    mem_free(v->counts);
    history_free(v->history);
    names_release(&v->queues);
    names_release(&v->exchange_ids);
    map_release(&v->queues_by_id);
    mem_free((void *)(uintptr_t)v->name.data);
    mem_free(v);
}

/* The first exchange that somebody declared. */
static struct exchange *first_declared(const struct vhost *v)
{
    struct exchange *x = exchange_next(v->table, NULL);

    while (x != NULL && (exchange_is_default(x) || shortstr_is_reserved(exchange_spec(x).name)))
        x = exchange_next(v->table, x);
    return x;
}

static void unbind_all(const struct vhost *v)
{
    struct exchange *x = NULL;
    const struct binding *bound = NULL;

    while ((x = exchange_next(v->table, x)) != NULL) {
        while ((bound = binding_next_from(x, NULL)) != NULL) {
            const struct binding_spec spec = binding_spec(bound);
            int rv = exchange_unbind(v->table, &spec);

            ASSERT(rv == 0);
        }
    }
}

/* What was counted stays counted; what there was is gone. */
static void count_routes(struct vhost *v)
{
    struct route_counts *gone = &v->broker->counters.routes;

    counters_add_routes(gone, v->table);
    gone->entries = 0;
    gone->sets = 0;
    gone->cached_bytes = 0;
}

void vhost_delete(struct vhost *v)
{
    struct broker *b = v->broker;
    struct names_entry *e = NULL;
    struct exchange *x = NULL;

    while ((e = names_first(&v->queues)) != NULL)
        named_queue_delete((struct named_queue *)e->value);
    while ((x = first_declared(v)) != NULL) {
        int rv = exchange_delete(v->table, x, false);

        ASSERT(rv == 0);
    }
    unbind_all(v);
    look_lost(b, v);
    event_of_old_vhost(v);
    v->version++;
    v->entry = NULL;
    count_routes(v);
    names_remove(&b->vhosts, v->name);
    map_remove(&b->vhosts_by_id, v->id);
    if (v->visit_count == 0)
        vhost_free(v);
}

bool vhost_set_default_type(struct vhost *v, struct bytes type)
{
    v->default_type = NULL;
    for (const char *const *at = broker_queue_types; *at != NULL; at++)
        if (bytes_equal(type, bytes_text(*at)))
            v->default_type = *at;
    return type.size == 0 || v->default_type != NULL;
}

void vhost_leave(struct vhost *v)
{
    ASSERT(v->visit_count > 0);
    if (--v->visit_count == 0 && vhost_is_deleted(v))
        vhost_free(v);
}

struct vhost *vhost_find(const struct broker *b, struct bytes name)
{
    return (struct vhost *)names_find(&b->vhosts, name);
}

struct vhost *vhost_find_id(const struct broker *b, uint64_t id)
{
    return (struct vhost *)map_find(&b->vhosts_by_id, id);
}

/* ---- queues ---- */

struct named_queue *vhost_add_one_queue(struct vhost *v, const struct vhost_queue *q)
{
    struct named_queue *n = MEM_NEW(struct named_queue);
    const struct queue_spec spec = {
        .id = q->id,
        .name = q->name,
        .vhost = v->name,
        .is_durable = q->is_durable,
        .is_auto_delete = q->is_auto_delete,
        .is_delayed = q->is_hidden && q->cache_max == 0,
        .cache_max = q->cache_max,
        .cache_ttl_ms = q->cache_ttl_ms,
        .arguments = q->arguments,
        .owner = n,
    };
    int rv = q->is_hidden ? 0 : exchange_add_queue(v->table, q->id, q->name, true);

    ASSERT(rv == 0);
    n->is_hidden = q->is_hidden;
    n->vhost = v;
    n->home = q->home;
    n->id = q->id;
    n->owner = ZOO(EXCLUSIVE_STAYS) ? NULL : q->owner;
    if (n->owner != NULL)
        list_push(&n->owner->owned, &n->owned);
    n->queue = queue_new(q->home->queues, &spec);
    if (q->is_hidden) {
        v->hidden_count++;
    } else {
        names_put(&v->queues, q->name, n);
        n->entry = CONTAINER_OF(list_last(&v->queues.order), struct names_entry, link);
    }
    map_put(&v->queues_by_id, q->id, n);
    q->home->queue_count++;
    v->version++;
    if (!n->is_hidden)
        apply_to_queue(n);
    return n;
}

struct named_queue *vhost_add_queue(struct vhost *v, const struct vhost_queue *q)
{
    struct named_queue *n = vhost_add_one_queue(v, q);

    if (queue_args(n->queue)->partitions > 0)
        vhost_add_partitions(v, q, n);
    event_of_queue(n, "queue.created");
    return n;
}

struct named_queue *vhost_find_queue(const struct vhost *v, struct bytes name)
{
    return (struct named_queue *)names_find(&v->queues, name);
}

struct named_queue *vhost_find_queue_id(const struct vhost *v, uint64_t id)
{
    return (struct named_queue *)map_find(&v->queues_by_id, id);
}

/* What happened in it goes on counting for its virtual host. */
static void count_gone(const struct named_queue *q)
{
    struct queues_tally *gone = &q->vhost->counts->gone;

    if (!q->is_hidden)
        queues_tally_add(gone, queue_get_tally(q->queue));
}

/* Nobody finds it any more. Its virtual host may go before it does. */
static void take_name(struct named_queue *q)
{
    struct vhost *v = q->vhost;

    for (uint32_t i = 0; i < q->partition_count; i++)
        take_name(q->partitions[i]);
    exchange_log_forget(v, q);
    count_gone(q);
    if (list_linked(&q->doomed))
        list_remove(&q->doomed);
    if (q->is_hidden) {
        v->hidden_count--;
    } else {
        look_lost(v->broker, q);
        event_of_queue(q, "queue.deleted");
        v->broker->counters.queues_deleted++;
        exchange_remove_queue(v->table, q->id);
        names_remove(&v->queues, queue_name(q->queue));
    }
    map_remove(&v->queues_by_id, q->id);
    if (list_linked(&q->owned))
        list_remove(&q->owned);
    q->owner = NULL;
    v->version++;
}

void named_queue_bury(struct named_queue *q)
{
    ASSERT(q->home->queue_count > 0);
    q->home->queue_count--;
    queue_delete(q->queue);
    for (uint32_t i = 0; i < q->partition_count; i++)
        named_queue_bury(q->partitions[i]);
    named_queue_free(q);
}

void named_queue_doom(struct named_queue *q)
{
    struct named_queue *whole = q->front != NULL ? q->front : q;

    take_name(whole);
    list_push(&whole->vhost->broker->doomed, &whole->doomed);
}

void named_queue_delete(struct named_queue *q)
{
    struct broker *b = q->vhost->broker;

    ASSERT(q->front == NULL);
    take_name(q);
    if (queue_is_durable(q->queue)) {
        queue_term_encode(&(struct queue_term){.id = q->id}, &b->terms);
        definitions_remove(&b->definitions, DEFINITION_QUEUE, buf_view(&b->terms.key));
    }
    named_queue_bury(q);
}

/* ---- ids of exchanges ---- */

uint64_t vhost_exchange_id(const struct vhost *v, struct bytes name)
{
    const uint64_t *id = (const uint64_t *)names_find(&v->exchange_ids, name);

    return id == NULL ? 0 : *id;
}

void vhost_set_exchange_id(struct vhost *v, struct bytes name, uint64_t id)
{
    uint64_t *at = MEM_NEW(uint64_t);

    *at = id;
    mem_free(names_put(&v->exchange_ids, name, at));
}
