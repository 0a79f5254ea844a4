/* The table: queues that are known, exchanges that are declared and deleted. */
#include "exchange/exchange.h"

#include "base/hash.h"
#include "base/mem.h"
#include "base/units.h"
#include "exchange/arguments.h"
#include "exchange/flow.h"
#include "exchange/manner.h"
#include "exchange/parts.h"

/* Of the hashes by which hash exchanges spread keys over names: equal everywhere, for ever. */
enum { STABLE_SEED = 0x6d72 };

static const struct {
    const char *name;
    const char *type;
    bool is_internal;
} predeclared[] = {
    {"amq.direct", "direct", false}, {"amq.fanout", "fanout", false},
    {"amq.topic", "topic", false},   {"amq.headers", "headers", false},
    {"amq.match", "headers", false}, {"amq.rabbitmq.trace", "topic", true},
};

struct exchange_options exchange_options_default(void)
{
    return (struct exchange_options){
        .destination_bindings_max = 100000,
        .arguments_max_bytes = 64 * KIB,
        .topic_words_max = 128,
        .topic_hashes_max = 2,
        .hash_weight_max = 10000,
        .history_max = 10000,
        .cache_entries_max = 4096,
        .cache_max_bytes = 8 * MIB,
    };
}

static void target_init(struct target *target, struct bytes name, struct exchange *x)
{
    uint8_t *copy = (uint8_t *)mem_alloc(name.size + 1);

    if (name.size > 0)
        memcpy(copy, name.data, name.size);
    target->name = bytes_of(copy, name.size);
    target->exchange = x;
    target->stable_hash = hash64(name, STABLE_SEED + (x != NULL));
    list_init(&target->bindings);
}

/* The exchange has no log any more. */
static void forget_log(struct exchange *x)
{
    if (x->log == NULL)
        return;
    route_forget(x); /* E4 */
    x->log->logged = NULL;
    x->log = NULL;
}

static void target_release(struct target *target)
{
    ASSERT(list_empty(&target->bindings) && target->binding_count == 0);
    mem_free((void *)(uintptr_t)target->name.data);
}

/* Makes the exchange of that kind; the name must be free and all else checked. */
static struct exchange *exchange_new(struct exchange_table *t, const struct manner *manner,
                                     const struct exchange_spec *spec, struct bytes arguments)
{
    const struct exchange_kind *kind = manner->kind;
    struct exchange *x = MEM_NEW(struct exchange);
    uint8_t *copy = (uint8_t *)mem_alloc(arguments.size + 1);

    target_init(&x->target, spec->name, x);
    x->target.is_local = true;
    x->table = t;
    x->kind = kind;
    x->type = manner->type;
    x->looks_at = kind->looks_at;
    x->is_durable = spec->is_durable;
    x->is_auto_delete = spec->is_auto_delete;
    x->is_internal = spec->is_internal;
    x->id = ++t->last_id;
    x->version = ++t->last_version;
    list_init(&x->bindings);
    if (arguments.size > 0)
        memcpy(copy, arguments.data, arguments.size);
    x->arguments = bytes_of(copy, arguments.size);
    names_put(&t->exchanges, x->target.name, x);
    list_push(&t->order, &x->order_link);
    if (kind->open != NULL)
        kind->open(x);
    x->is_delayed = manner->is_delayed;
    x->cache_bounds = manner->cache;
    if (x->is_delayed || x->cache_bounds.count_max > 0)
        x->looks_at = LOOKS_AT_MESSAGE;
    return x;
}

/* Frees an exchange that has no binding any more and that nothing points to. */
static void exchange_free(struct exchange *x)
{
    ASSERT(x->binding_count == 0 && x->alternate == NULL);
    if (x->fixed != NULL)
        sets_unref(&x->table->sets, x->fixed);
    flows_free(x->table, x->flows);
    if (x->kind->close != NULL)
        x->kind->close(x);
    list_remove(&x->order_link);
    mem_free((void *)(uintptr_t)x->arguments.data);
    target_release(&x->target);
    mem_free(x);
}

static void declare_predeclared(struct exchange_table *t)
{
    const struct exchange_spec nameless = {.name = bytes_text(""), .is_durable = true};

    struct manner manner = {.kind = &default_kind, .type = default_kind.name};

    t->default_exchange = exchange_new(t, &manner, &nameless, bytes_of(NULL, 0));
    for (size_t i = 0; i < ARRAY_SIZE(predeclared); i++) {
        const struct exchange_spec spec = {
            .name = bytes_text(predeclared[i].name),
            .is_durable = true,
            .is_internal = predeclared[i].is_internal,
        };

        manner.kind = kind_find(bytes_text(predeclared[i].type));
        manner.type = manner.kind->name;
        (void)exchange_new(t, &manner, &spec, bytes_of(NULL, 0));
    }
}

struct exchange_table *exchange_table_new(const struct exchange_options *options)
{
    struct exchange_table *t = MEM_NEW(struct exchange_table);

    ASSERT(options->rand != NULL);
    t->options = *options;
    t->seed = rand_next(options->rand);
    names_init(&t->exchanges, t->seed);
    names_init(&t->queues_by_name, t->seed);
    names_init(&t->alternates, t->seed);
    map_init(&t->queues_by_id);
    map_init(&t->bindings);
    map_init(&t->sets.by_hash);
    map_init(&t->sets.by_id);
    list_init(&t->doomed);
    list_init(&t->order);
    t->walk.headers.seed = t->seed;
    route_cache_init(&t->cache, options->cache_entries_max, options->cache_max_bytes, t->seed);
    declare_predeclared(t);
    return t;
}

void exchange_table_free(struct exchange_table *t)
{
    if (t == NULL)
        return;
    t->options.calls.on_unbound = NULL;
    t->options.calls.on_deleted = NULL;
    while (names_first(&t->queues_by_name) != NULL) {
        const struct target *q = (const struct target *)names_first(&t->queues_by_name)->value;
        exchange_remove_queue(t, q->id);
    }
    while (names_count(&t->exchanges) > 1) {
        struct exchange *x = exchange_next(t, t->default_exchange);
        int rv = exchange_delete(t, x, false);
        ASSERT(rv == 0);
    }
    exchange_free(t->default_exchange);
    route_cache_release(&t->cache, &t->sets);
    ASSERT(t->binding_count == 0 && map_count(&t->sets.by_id) == 0);
    names_release(&t->exchanges);
    names_release(&t->queues_by_name);
    names_release(&t->alternates);
    map_release(&t->queues_by_id);
    map_release(&t->bindings);
    map_release(&t->sets.by_hash);
    map_release(&t->sets.by_id);
    walk_release(&t->walk);
    mem_free(t);
}

int exchange_add_queue(struct exchange_table *t, uint64_t queue, struct bytes name, bool is_local)
{
    if (map_find(&t->queues_by_id, queue) != NULL || names_find(&t->queues_by_name, name) != NULL)
        return ERR_EXISTS;

    struct target *q = MEM_NEW(struct target);

    target_init(q, name, NULL);
    q->id = queue;
    q->is_local = is_local;
    map_put(&t->queues_by_id, queue, q);
    names_put(&t->queues_by_name, name, q);
    route_forget(t->default_exchange); /* E4 */
    return 0;
}

void exchange_remove_queue(struct exchange_table *t, uint64_t queue)
{
    struct target *q = (struct target *)map_remove(&t->queues_by_id, queue);

    if (q == NULL)
        return;
    route_forget(t->default_exchange); /* E4 */
    if (q->logged != NULL)
        forget_log(q->logged);
    LIST_FOREACH_SAFE (link, &q->bindings) {
        binding_remove(CONTAINER_OF(link, struct binding, to_link));
    }
    names_remove(&t->queues_by_name, q->name);
    target_release(q);
    mem_free(q);
    exchange_bury(t);
}

void exchange_set_local(struct exchange_table *t, uint64_t queue, bool is_local)
{
    struct target *q = (struct target *)map_find(&t->queues_by_id, queue);

    if (q != NULL)
        q->is_local = is_local; /* no route that depends on it is remembered */
}

/* The alternate exchange that the arguments name; no data when there is none. */
static int read_alternate(struct table arguments, struct bytes *out, struct err_note *note)
{
    struct field f;

    if (!table_find(arguments, bytes_text("alternate-exchange"), &f))
        return 0;
    if (!field_as_text(&f, out))
        return err_note(note, ERR_INVALID, "invalid type '%s' for arg 'alternate-exchange'",
                        field_type_name(&f));
    return 0;
}

static int differ(struct exchange_difference *d, const char *argument, struct bytes received,
                  struct bytes current)
{
    *d = (struct exchange_difference){argument, received, current};
    return ERR_EXISTS;
}

static int differ_bool(struct exchange_difference *d, const char *argument, bool current)
{
    return differ(d, argument, bytes_text(current ? "false" : "true"),
                  bytes_text(current ? "true" : "false"));
}

/* In the order in which RabbitMQ looks. */
static int check_equivalence(const struct exchange *x, const struct exchange_spec *spec,
                             struct bytes alternate, struct exchange_difference *d)
{
    if (!bytes_equal(spec->type, bytes_text(x->type)))
        return differ(d, "type", spec->type, bytes_text(x->type));
    if (spec->is_durable != x->is_durable)
        return differ_bool(d, "durable", x->is_durable);
    if (spec->is_auto_delete != x->is_auto_delete)
        return differ_bool(d, "auto_delete", x->is_auto_delete);
    if (spec->is_internal != x->is_internal)
        return differ_bool(d, "internal", x->is_internal);
    if ((alternate.data == NULL) != (x->declared_alternate.data == NULL) ||
        !bytes_equal(alternate, x->declared_alternate))
        return differ(d, "alternate-exchange", alternate, x->declared_alternate);
    return 0;
}

/* All that can be wrong with a new exchange. */
static int check_spec(const struct exchange_table *t, const struct exchange_kind *kind,
                      const struct exchange_spec *spec, struct err_note *note)
{
    const struct exchange_options *o = &t->options;

    if (spec->arguments.bytes.size > o->arguments_max_bytes)
        return err_note(note, ERR_FULL, "arguments take more than %u bytes",
                        o->arguments_max_bytes);
    if (kind->check_arguments != NULL) {
        int rv = kind->check_arguments(o, spec->arguments, note);
        if (rv != 0)
            return rv;
    }
    if (o->exchanges_max > 0 && names_count(&t->exchanges) >= o->exchanges_max)
        return err_note(note, ERR_FULL, "exchange limit of %u is reached", o->exchanges_max);
    return 0;
}

int exchange_declare(struct exchange_table *t, const struct exchange_spec *spec,
                     struct exchange **out, struct exchange_difference *difference,
                     struct err_note *note)
{
    struct exchange *x = exchange_find(t, spec->name);
    struct bytes alternate = bytes_of(NULL, 0);
    struct manner manner = {0};
    int rv = read_alternate(spec->arguments, &alternate, note);

    if (rv == 0 && x == NULL)
        rv = manner_read(spec, &manner, note);
    if (rv == 0 && x == NULL)
        rv = check_spec(t, manner.kind, spec, note);
    else if (rv == 0)
        rv = check_equivalence(x, spec, alternate, difference);
    if (rv != 0)
        return rv;
    if (x == NULL) {
        x = exchange_new(t, &manner, spec, spec->arguments.bytes);
        rv = read_alternate((struct table){x->arguments}, &x->declared_alternate, NULL);
        ASSERT(rv == 0);
        alternate_set(x, x->declared_alternate);
        alternate_arrived(x);
    }
    *out = x;
    return 0;
}

/* Ends the exchange; what else is doomed by that is left to exchange_bury(). */
static void exchange_remove(struct exchange *x)
{
    struct exchange_table *t = x->table;

    ASSERT(x != t->default_exchange);
    x->is_doomed = true;
    LIST_FOREACH_SAFE (link, &x->bindings) {
        binding_remove(CONTAINER_OF(link, struct binding, from_link));
    }
    LIST_FOREACH_SAFE (link, &x->target.bindings) {
        binding_remove(CONTAINER_OF(link, struct binding, to_link));
    }
    if (t->options.calls.on_deleted != NULL)
        t->options.calls.on_deleted(t->options.calls.owner, x);
    forget_log(x);
    alternate_gone(x);
    alternate_set(x, bytes_of(NULL, 0));
    names_remove(&t->exchanges, x->target.name);
    exchange_free(x);
}

void exchange_bury(struct exchange_table *t)
{
    struct list_link *link = NULL;

    while ((link = list_take(&t->doomed)) != NULL)
        exchange_remove(CONTAINER_OF(link, struct exchange, doomed_link));
    ASSERT(list_empty(&t->doomed));
}

int exchange_delete(struct exchange_table *t, struct exchange *x, bool if_unused)
{
    ASSERT(x->table == t && x != t->default_exchange);
    if (if_unused && x->binding_count > 0)
        return ERR_BUSY;
    exchange_remove(x);
    exchange_bury(t);
    return 0;
}

bool exchange_is_delayed(const struct exchange *x)
{
    return x->is_delayed;
}

void exchange_set_holder(struct exchange *x, uint64_t queue)
{
    ASSERT(x->is_delayed || queue == 0);
    x->holder = queue;
}

uint64_t exchange_holder(const struct exchange *x)
{
    return x->holder;
}

struct exchange_cache exchange_cache(const struct exchange *x)
{
    return x->cache_bounds;
}

void exchange_set_cache_queue(struct exchange *x, uint64_t queue)
{
    ASSERT(x->cache_bounds.count_max > 0 || queue == 0);
    x->cache_queue = queue;
}

uint64_t exchange_cache_queue(const struct exchange *x)
{
    return x->cache_queue;
}

void exchange_set_alternate(struct exchange_table *t, struct exchange *x, struct bytes name)
{
    ASSERT(x->table == t && x != t->default_exchange);
    if (x->declared_alternate.data != NULL)
        return;
    route_forget(x); /* E4 */
    alternate_set(x, name);
}

void exchange_set_log(struct exchange_table *t, struct exchange *x, uint64_t queue)
{
    struct target *q = queue == 0 ? NULL : (struct target *)map_find(&t->queues_by_id, queue);

    ASSERT(x->table == t && x != t->default_exchange);
    if (q == x->log)
        return;
    forget_log(x);
    if (q == NULL)
        return;
    ASSERT(q->logged == NULL); /* E5 */
    route_forget(x);           /* E4 */
    x->log = q;
    q->logged = x;
}

uint64_t exchange_log(const struct exchange *x)
{
    return x->log == NULL ? 0 : x->log->id;
}

struct exchange *exchange_find(const struct exchange_table *t, struct bytes name)
{
    return (struct exchange *)names_find(&t->exchanges, name);
}

struct exchange *exchange_next(const struct exchange_table *t, const struct exchange *x)
{
    const struct list_link *next = x == NULL ? t->order.head.next : x->order_link.next;

    return next == &t->order.head ? NULL : CONTAINER_OF(next, struct exchange, order_link);
}

struct exchange_counts *exchange_counts(struct exchange *x)
{
    return &x->counts;
}

struct exchange_spec exchange_spec(const struct exchange *x)
{
    return (struct exchange_spec){
        .name = x->target.name,
        .type = bytes_text(x->type),
        .is_durable = x->is_durable,
        .is_auto_delete = x->is_auto_delete,
        .is_internal = x->is_internal,
        .arguments = {x->arguments},
    };
}

bool exchange_is_default(const struct exchange *x)
{
    return x->kind == &default_kind;
}

bool exchange_is_used(const struct exchange *x)
{
    return x->binding_count > 0;
}

size_t exchange_count(const struct exchange_table *t)
{
    return names_count(&t->exchanges);
}
