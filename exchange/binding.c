/* Bindings: made, found again by what makes them different, and taken away. */
#include "base/hash.h"
#include "base/mem.h"
#include "exchange/arguments.h"
#include "exchange/parts.h"

/* A binding in question: its arguments sorted, its destination found. */
struct candidate {
    struct exchange *source;
    struct target *target;
    struct bytes key;
    struct buf sorted;
    struct table arguments;
    uint64_t identity;
};

static uint64_t identity_of(const struct candidate *c)
{
    const struct exchange_table *t = c->source->table;
    const struct exchange *to = c->target->exchange;
    uint64_t parts[] = {
        c->source->id,
        to != NULL,
        to != NULL ? to->id : c->target->id,
        hash64(c->key, t->seed),
        arguments_hash(c->arguments, t->seed),
    };

    return hash64(bytes_of(parts, sizeof(parts)), t->seed);
}

static bool is_same(const struct binding *b, const struct candidate *c)
{
    return b->source == c->source && b->target == c->target && bytes_equal(b->key, c->key) &&
           table_equal(b->arguments, c->arguments);
}

static struct target *target_of(const struct exchange_table *t, struct binding_end end)
{
    if (end.exchange != NULL)
        return &end.exchange->target;
    return (struct target *)map_find(&t->queues_by_id, end.queue);
}

/* Fills in the candidate; on success candidate_release() is needed. Errors as exchange_bind(). */
static int candidate_init(struct candidate *c, const struct exchange_table *t,
                          const struct binding_spec *spec)
{
    *c = (struct candidate){.source = spec->source, .key = spec->key};
    ASSERT(spec->source->table == t);
    c->target = target_of(t, spec->destination);
    if (exchange_is_default(c->source))
        return ERR_DENIED;
    if (c->target == NULL)
        return ERR_NOT_FOUND;
    if (c->target->exchange != NULL && exchange_is_default(c->target->exchange))
        return ERR_DENIED;

    buf_init(&c->sorted, t->options.arguments_max_bytes);
    int rv = arguments_sort(spec->arguments, &c->sorted);
    if (rv != 0) {
        buf_release(&c->sorted);
        return rv;
    }
    c->arguments.bytes = buf_view(&c->sorted);
    c->identity = identity_of(c);
    return 0;
}

static struct binding *find_same(const struct exchange_table *t, const struct candidate *c)
{
    struct binding *b = (struct binding *)map_find(&t->bindings, c->identity);

    while (b != NULL && !is_same(b, c))
        b = b->same_identity;
    return b;
}

static struct binding *binding_new(const struct candidate *c)
{
    size_t arguments_size = c->arguments.bytes.size;
    struct binding *b = (struct binding *)mem_zero(1, sizeof(*b) + c->key.size + arguments_size);
    uint8_t *at = (uint8_t *)(b + 1);

    b->source = c->source;
    b->target = c->target;
    b->identity = c->identity;
    b->key = bytes_of(at, c->key.size);
    b->arguments.bytes = bytes_of(at + c->key.size, arguments_size);
    if (c->key.size > 0)
        memcpy(at, c->key.data, c->key.size);
    if (arguments_size > 0)
        memcpy(at + c->key.size, c->arguments.bytes.data, arguments_size);
    return b;
}

static int check_limits(const struct exchange_table *t, const struct target *target,
                        struct err_note *note)
{
    const struct exchange_options *o = &t->options;

    if (o->bindings_max > 0 && t->binding_count >= o->bindings_max)
        return err_note(note, ERR_FULL, "binding limit of %u is reached", o->bindings_max);
    if (o->destination_bindings_max > 0 && target->binding_count >= o->destination_bindings_max)
        return err_note(note, ERR_FULL, "binding limit of %u per destination is reached",
                        o->destination_bindings_max);
    return 0;
}

static void add(struct exchange_table *t, const struct candidate *c)
{
    struct binding *b = binding_new(c);
    struct exchange *x = c->source;

    b->same_identity = (struct binding *)map_put(&t->bindings, b->identity, b);
    list_push(&x->bindings, &b->from_link);
    x->binding_count++;
    list_push(&b->target->bindings, &b->to_link);
    b->target->binding_count++;
    t->binding_count++;
    x->kind->bind(x, b);
    route_forget(x); /* E4 */
}

int exchange_bind(struct exchange_table *t, const struct binding_spec *spec, bool *is_new,
                  struct err_note *note)
{
    struct candidate c;
    int rv = candidate_init(&c, t, spec);

    if (rv == ERR_FULL)
        return err_note(note, ERR_FULL, "arguments take more than %u bytes",
                        t->options.arguments_max_bytes);
    if (rv != 0)
        return rv;

    bool is_there = find_same(t, &c) != NULL;
    const struct exchange_kind *kind = c.source->kind;

    if (!is_there && kind->check_binding != NULL)
        rv = kind->check_binding(&t->options, spec, note);
    if (!is_there && rv == 0)
        rv = check_limits(t, c.target, note);
    if (!is_there && rv == 0)
        add(t, &c);
    buf_release(&c.sorted);
    if (rv == 0)
        *is_new = !is_there;
    return rv;
}

bool exchange_is_bound(const struct exchange_table *t, const struct binding_spec *spec)
{
    struct candidate c;
    bool is_bound = false;

    if (candidate_init(&c, t, spec) != 0)
        return false;
    is_bound = find_same(t, &c) != NULL;
    buf_release(&c.sorted);
    return is_bound;
}

int exchange_unbind(struct exchange_table *t, const struct binding_spec *spec)
{
    struct candidate c;
    int rv = candidate_init(&c, t, spec);

    if (rv == ERR_FULL)
        return ERR_NOT_FOUND; /* none was ever made with such arguments */
    if (rv != 0)
        return rv;

    struct binding *b = find_same(t, &c);

    buf_release(&c.sorted);
    if (b == NULL)
        return ERR_NOT_FOUND;
    binding_remove(b);
    exchange_bury(t);
    return 0;
}

/* Takes the binding out of the chain of its identity. */
static void unchain(struct exchange_table *t, struct binding *b)
{
    struct binding *first = (struct binding *)map_find(&t->bindings, b->identity);

    ASSERT(first != NULL);
    if (first == b && b->same_identity == NULL)
        map_remove(&t->bindings, b->identity);
    else if (first == b)
        map_put(&t->bindings, b->identity, b->same_identity);
    else {
        while (first->same_identity != b)
            first = first->same_identity;
        first->same_identity = b->same_identity;
    }
}

void binding_remove(struct binding *b)
{
    struct exchange *x = b->source;
    struct exchange_table *t = x->table;

    ASSERT(x->binding_count > 0 && b->target->binding_count > 0 && t->binding_count > 0);
    if (t->options.calls.on_unbound != NULL)
        t->options.calls.on_unbound(t->options.calls.owner, b);
    route_forget(x); /* E4 */
    x->kind->unbind(x, b);
    unchain(t, b);
    list_remove(&b->from_link);
    x->binding_count--;
    list_remove(&b->to_link);
    b->target->binding_count--;
    t->binding_count--;
    mem_free(b);
    if (x->is_auto_delete && x->binding_count == 0 && !x->is_doomed) {
        x->is_doomed = true;
        list_push(&t->doomed, &x->doomed_link);
    }
}

const struct binding *binding_next_from(const struct exchange *source, const struct binding *b)
{
    const struct list_link *next = b == NULL ? source->bindings.head.next : b->from_link.next;

    ASSERT(b == NULL || b->source == source);
    return next == &source->bindings.head ? NULL : CONTAINER_OF(next, struct binding, from_link);
}

const struct binding *binding_next_to(const struct exchange_table *t, struct binding_end end,
                                      const struct binding *b)
{
    const struct target *target = target_of(t, end);

    if (target == NULL)
        return NULL;
    ASSERT(b == NULL || b->target == target);

    const struct list_link *next = b == NULL ? target->bindings.head.next : b->to_link.next;

    return next == &target->bindings.head ? NULL : CONTAINER_OF(next, struct binding, to_link);
}

const struct binding *binding_newest_to(const struct exchange_table *t, struct binding_end end)
{
    const struct target *target = target_of(t, end);
    struct list_link *last = target == NULL ? NULL : list_last(&target->bindings);

    return last == NULL ? NULL : CONTAINER_OF(last, struct binding, to_link);
}

struct binding_end target_end(const struct target *target)
{
    return (struct binding_end){.exchange = target->exchange, .queue = target->id};
}

struct binding_spec binding_spec(const struct binding *b)
{
    return (struct binding_spec){
        .source = b->source,
        .destination = target_end(b->target),
        .key = b->key,
        .arguments = b->arguments,
    };
}

struct bytes binding_destination_name(const struct binding *b)
{
    return b->target->name;
}

size_t binding_count(const struct exchange_table *t)
{
    return t->binding_count;
}
