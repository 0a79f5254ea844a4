/* Looks: where they stand, and how they go on when that goes away.
 *
 * A look stands at what it tells next, so nothing has to be kept for it: who takes that away moves
 * it on first. */
#include "broker/look.h"

#include "base/mem.h"
#include "broker/look_parts.h"
#include "broker/parts.h"
#include "broker/policies.h"
#include "queue/queue.h"

/* ---- the next one inside of one virtual host or user ---- */

static const void *value_of(const struct names_entry *e)
{
    return e == NULL ? NULL : e->value;
}

static const void *next_queue(const struct vhost *v, const struct named_queue *at)
{
    return value_of(at == NULL ? names_first(&v->queues) : names_next(&v->queues, at->entry));
}

static const void *next_binding(const struct vhost *v, const struct binding *at)
{
    const struct exchange *x = at == NULL ? NULL : binding_spec(at).source;
    const struct binding *next = at == NULL ? NULL : binding_next_from(x, at);

    while (next == NULL && (x = exchange_next(v->table, x)) != NULL)
        next = binding_next_from(x, NULL);
    return next;
}

static bool is_of_interest(const struct look *l, const struct names_entry *grant)
{
    struct permission p;

    if (l->only != NULL && !bytes_equal(l->only->name, grant->name))
        return false;
    return l->kind == LOOK_TOPIC_PERMISSIONS || grant_permission(grant, &p);
}

static const struct names_entry *next_grant(const struct look *l, const struct user *u,
                                            const struct names_entry *at)
{
    const struct names_entry *e = user_next_grant(u, at);

    while (e != NULL && !is_of_interest(l, e))
        e = user_next_grant(u, e);
    return e;
}

static const void *next_topic(struct look *l, const struct user *u, const struct names_entry *at)
{
    const struct names_entry *next = NULL;

    if (at != NULL)
        next = grant_next_topic(l->between, at);
    else
        l->between = NULL;
    while (next == NULL && (l->between = next_grant(l, u, l->between)) != NULL)
        next = grant_next_topic(l->between, NULL);
    return next;
}

static const void *next_inside(struct look *l)
{
    switch (l->kind) {
    case LOOK_VHOSTS:
    case LOOK_USERS:
        return l->at == NULL ? l->outer : NULL;
    case LOOK_QUEUES:
        return next_queue(l->outer, l->at);
    case LOOK_EXCHANGES:
        return exchange_next(((const struct vhost *)l->outer)->table, l->at);
    case LOOK_BINDINGS:
        return next_binding(l->outer, l->at);
    case LOOK_PERMISSIONS:
        return next_grant(l, l->outer, l->at);
    case LOOK_TOPIC_PERMISSIONS:
        return next_topic(l, l->outer, l->at);
    }
    ASSERT(false);
    return NULL;
}

/* ---- the next virtual host or user ---- */

static bool is_of_users(const struct look *l)
{
    return l->kind >= LOOK_USERS;
}

static const void *next_outer(const struct look *l)
{
    const struct vhost *v = l->outer;

    if (is_of_users(l))
        return auth_next_user(l->broker->auth, l->outer);
    if (l->only != NULL)
        return v == NULL ? l->only : NULL;
    return value_of(v == NULL ? names_first(&l->broker->vhosts)
                              : names_next(&l->broker->vhosts, v->entry));
}

static void go_outside(struct look *l)
{
    l->at = NULL;
    l->between = NULL;
    l->outer = next_outer(l);
    l->is_over = l->outer == NULL;
}

static void go_on(struct look *l)
{
    const void *next = l->outer == NULL ? NULL : next_inside(l);

    while (next == NULL && !l->is_over) {
        go_outside(l);
        if (!l->is_over)
            next = next_inside(l);
    }
    l->at = next;
}

void look_lost(struct broker *b, const void *thing)
{
    LIST_FOREACH (link, &b->looks) {
        struct look *l = CONTAINER_OF(link, struct look, link);

        if (l->is_over)
            continue;
        if (l->only == thing) {
            l->is_over = true;
        } else if (l->outer == thing) {
            go_outside(l);
            if (!l->is_over)
                go_on(l);
        } else if (l->between == thing) {
            while (l->between == thing && !l->is_over)
                go_on(l);
        } else if (l->at == thing) {
            go_on(l);
        }
    }
}

/* ---- open and close ---- */

void look_open(struct look *l, struct broker *b, enum look_kind kind, struct bytes vhost)
{
    *l = (struct look){.broker = b, .kind = kind};
    if (vhost.data != NULL) {
        l->only = vhost_find(b, vhost);
        l->is_over = l->only == NULL;
    }
    list_push(&b->looks, &l->link);
    if (!l->is_over)
        go_on(l);
}

void look_close(struct look *l)
{
    if (list_linked(&l->link))
        list_remove(&l->link);
}

const void *look_take(struct look *l, enum look_kind kind, const void **outer)
{
    const void *at = l->at;

    ASSERT(l->kind == kind && list_linked(&l->link));
    if (l->is_over)
        return NULL;
    *outer = l->outer;
    go_on(l);
    return at;
}

/* ---- virtual hosts ---- */

static void tell_vhost(struct broker *b, const struct vhost *v, struct look_vhost *out)
{
    const struct definition *d = definitions_find(&b->definitions, DEFINITION_VHOST, v->name);
    struct vhost_term t = {0};

    if (d != NULL && !vhost_term_decode(d, &t))
        t = (struct vhost_term){0};
    *out = (struct look_vhost){
        .name = v->name,
        .description = t.description,
        .tags = t.tags,
        .default_queue_type = t.default_queue_type,
        .is_tracing = t.is_tracing,
        .is_protected = t.is_protected,
        .connections_max = v->connections_max,
        .queues_max = v->queues_max,
        .connections = v->connection_count,
        .queues = names_count(&v->queues),
        .exchanges = exchange_count(v->table),
        .bindings = binding_count(v->table),
        .counts = *v->counts,
        .tally = v->counts->gone,
    };
    for (struct names_entry *e = names_first(&v->queues); e != NULL;
         e = names_next(&v->queues, e)) {
        const struct queue *q = ((const struct named_queue *)e->value)->queue;

        if (queue_args(q)->partitions > 0)
            continue; /* its messages are those of its partitions */
        out->ready += queue_ready_count(q);
        out->unacked += queue_unacked_count(q);
        queues_tally_add(&out->tally, queue_get_tally(q));
    }
}

bool look_vhost(struct look *l, struct look_vhost *out)
{
    const void *outer = NULL;
    const struct vhost *v = look_take(l, LOOK_VHOSTS, &outer);

    if (v != NULL)
        tell_vhost(l->broker, v, out);
    return v != NULL;
}

const struct vhost_counts *look_vhost_counts(const struct broker *b, struct bytes name)
{
    return vhost_find(b, name)->counts;
}

bool look_find_vhost(struct broker *b, struct bytes name, struct look_vhost *out)
{
    const struct vhost *v = vhost_find(b, name);

    if (v != NULL)
        tell_vhost(b, v, out);
    return v != NULL;
}

/* ---- queues ---- */

/* What the policies say, and their names. */
static void tell_policies(struct broker *b, const struct policy_match *m, struct look_policies *out)
{
    buf_clear(&b->scratch.policy);
    if (m->policy != NULL)
        out->name = policy_spec(m->policy).name;
    if (m->operator_policy != NULL)
        out->operator_name = policy_spec(m->operator_policy).name;
    out->definition = policy_merge(m, &b->scratch.policy);
}

static void tell_queue(const struct named_queue *q, struct look_queue *out)
{
    const struct policy_match m = {q->policy, q->operator_policy};

    *out = (struct look_queue){
        .vhost = q->vhost->name,
        .name = queue_name(q->queue),
        .is_durable = queue_is_durable(q->queue),
        .is_auto_delete = queue_is_auto_delete(q->queue),
        .is_exclusive = q->owner != NULL,
        .is_log = q->is_log,
        .is_partition = q->front != NULL,
        .owner = q->owner == NULL ? NULL : q->owner->name,
        .id = q->id,
        .partition = q->home->number,
        .arguments = queue_arguments(q->queue),
        .args = queue_args(q->queue),
        .queue = q->queue,
    };
    queue_get_stats(q->queue, &out->stats);
    tell_policies(q->vhost->broker, &m, &out->policies);
}

bool look_queue(struct look *l, struct look_queue *out)
{
    const void *outer = NULL;
    const struct named_queue *q = look_take(l, LOOK_QUEUES, &outer);

    if (q != NULL)
        tell_queue(q, out);
    return q != NULL;
}

bool look_find_queue(struct broker *b, struct bytes vhost, struct bytes name,
                     struct look_queue *out)
{
    const struct vhost *v = vhost_find(b, vhost);
    const struct named_queue *q = v == NULL ? NULL : vhost_find_queue(v, name);

    if (q != NULL)
        tell_queue(q, out);
    return q != NULL;
}

struct consumer *look_consumer(const struct look_queue *q, const struct consumer *at,
                               struct look_consumer *out)
{
    struct consumer *c = queue_consumers_next(q->queue, at);

    if (c == NULL)
        return NULL;
    look_consumer_of(c, q->vhost, out);
    return c;
}

void look_consumer_of(const struct consumer *c, struct bytes vhost, struct look_consumer *out)
{
    consumer_get_view(c, &out->view);
    out->vhost = vhost;
    out->queue = queue_name(out->view.queue);
    out->is_single = queue_args(out->view.queue)->is_single_active;
}

/* ---- exchanges and bindings ---- */

static void tell_exchange(const struct vhost *v, struct exchange *x, struct look_exchange *out)
{
    const struct exchange_spec spec = exchange_spec(x);
    const struct exchange_counts *counts = exchange_counts(x);
    struct policy_match m = {0};

    *out = (struct look_exchange){
        .vhost = v->name,
        .name = spec.name,
        .type = spec.type,
        .is_durable = spec.is_durable,
        .is_auto_delete = spec.is_auto_delete,
        .is_internal = spec.is_internal,
        .arguments = spec.arguments,
        .alternate = exchange_alternate(x),
        .published_in = counts->in,
        .published_out = counts->out,
    };
    if (!exchange_is_default(x))
        m = vhost_match_exchange(v, spec.name);
    out->is_delayed = exchange_holder(x) != 0;
    if (out->is_delayed)
        out->waiting = queue_ready_count(vhost_find_queue_id(v, exchange_holder(x))->queue);
    tell_policies(v->broker, &m, &out->policies);
}

bool look_exchange(struct look *l, struct look_exchange *out)
{
    const void *outer = NULL;
    const struct exchange *x = look_take(l, LOOK_EXCHANGES, &outer);

    if (x != NULL)
        tell_exchange(outer, (struct exchange *)(uintptr_t)x, out);
    return x != NULL;
}

bool look_find_exchange(struct broker *b, struct bytes vhost, struct bytes name,
                        struct look_exchange *out)
{
    const struct vhost *v = vhost_find(b, vhost);
    struct exchange *x = v == NULL ? NULL : exchange_find(v->table, name);

    if (x != NULL)
        tell_exchange(v, x, out);
    return x != NULL;
}

static void tell_binding(struct bytes vhost, const struct binding *bound, struct look_binding *out)
{
    const struct binding_spec spec = binding_spec(bound);

    *out = (struct look_binding){
        .vhost = vhost,
        .source = exchange_spec(spec.source).name,
        .destination = binding_destination_name(bound),
        .is_to_exchange = spec.destination.exchange != NULL,
        .key = spec.key,
        .arguments = spec.arguments,
    };
}

bool look_binding(struct look *l, struct look_binding *out)
{
    const void *outer = NULL;
    const struct binding *bound = look_take(l, LOOK_BINDINGS, &outer);

    if (bound != NULL)
        tell_binding(((const struct vhost *)outer)->name, bound, out);
    return bound != NULL;
}

static const struct binding *next_of(const struct vhost *v, const struct look_end *end,
                                     const struct binding *at)
{
    struct binding_end to = {0};
    const struct named_queue *q = NULL;

    if (end->side == LOOK_TO_QUEUE) {
        q = vhost_find_queue(v, end->name);
        to.queue = q == NULL ? 0 : q->id;
        return q == NULL ? NULL : binding_next_to(v->table, to, at);
    }
    to.exchange = exchange_find(v->table, end->name);
    if (to.exchange == NULL)
        return NULL;
    return end->side == LOOK_FROM_EXCHANGE ? binding_next_from(to.exchange, at)
                                           : binding_next_to(v->table, to, at);
}

const struct binding *look_binding_of(struct broker *b, const struct look_end *end,
                                      const struct binding *at, struct look_binding *out)
{
    const struct vhost *v = vhost_find(b, end->vhost);
    const struct binding *bound = v == NULL ? NULL : next_of(v, end, at);

    if (bound != NULL)
        tell_binding(v->name, bound, out);
    return bound;
}
