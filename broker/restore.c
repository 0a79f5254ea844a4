/* Definitions become users, virtual hosts, exchanges, queues and bindings again.
 *
 * What does not fit is said and left out; it stays among the definitions, for a person to look at.
 * Only bindings of things that are gone are forgotten: nobody wrote down that they go with them. */
#include "broker/restore.h"

#include "base/diag.h"
#include "broker/accounts.h"
#include "broker/apply.h"
#include "broker/exchange_log.h"
#include "broker/holder.h"
#include "broker/limits.h"
#include "broker/parts.h"
#include "exchange/exchange.h"
#include "policy/policy.h"
#include "queue/queue.h"

static void complain(const char *what, struct bytes name, const char *why)
{
    diag(DIAG_ERROR, "broker", "%s '%.*s' cannot be restored: %s", what, SHOW(name), why);
}

static enum policy_rank rank_of(uint8_t kind)
{
    return kind == DEFINITION_POLICY ? POLICY_OF_USERS : POLICY_OF_OPERATORS;
}

/* ---- while the log is read ---- */

/* While the log is read its queues must not be deleted yet. */
static void doom_vhost(struct vhost *v)
{
    while (map_count(&v->queues_by_id) > 0) { /* one may take others with it */
        struct map_walk w = map_walk_start(&v->queues_by_id);
        bool is_there = map_walk_next(&v->queues_by_id, &w);

        ASSERT(is_there);
        named_queue_doom((struct named_queue *)w.value);
    }
    vhost_delete(v);
}

static int read_vhost(struct broker *b, const struct definition *d)
{
    struct vhost_term t;
    struct vhost *v = NULL;

    if (!vhost_term_decode(d, &t))
        return ERR_CORRUPT;
    v = vhost_find(b, t.name);
    if (v != NULL && v->id != t.id) { /* an older one, whose deletion was lost */
        doom_vhost(v);
        v = NULL;
    }
    if (v == NULL)
        v = vhost_new(b, t.name, t.id);
    v->is_tracing = t.is_tracing;
    if (!vhost_set_default_type(v, t.default_queue_type))
        complain("the default type of queues of virtual host", t.name, "it is not known");
    return 0;
}

/* What has the name of one of its partitions is older too. */
static void doom_partitions(struct vhost *v, const struct queue_term *t)
{
    struct queue_args args = {.partitions = 0};
    struct named_queue *other = NULL;
    uint8_t area[SHORTSTR_MAX];
    struct bytes name;

    if ((t->flags & TERM_SPREAD) == 0 ||
        queue_args_read(t->arguments, t->name, v->name, &args, NULL) != 0)
        return;
    for (uint32_t i = 0; i < args.partitions; i++)
        if (vhost_partition_name(t->name, i, area, &name) &&
            (other = vhost_find_queue(v, name)) != NULL)
            named_queue_doom(other);
}

static int read_queue(struct broker *b, const struct definition *d)
{
    struct queue_term t;
    struct queue_args args;
    struct err_note note = {{0}};
    struct vhost *v = NULL;
    struct named_queue *other = NULL;

    if (!queue_term_decode(d, &t))
        return ERR_CORRUPT;
    if (t.partition >= b->home_count || t.homes > b->home_count) {
        complain("queue", t.name, "it is on a partition that this node does not have");
        return ERR_INVALID;
    }
    v = vhost_find_id(b, t.vhost);
    if (v == NULL) {
        complain("queue", t.name, "its virtual host is not known");
        return 0;
    }
    if (vhost_find_queue_id(v, t.id) != NULL)
        return 0;
    if (queue_args_read(t.arguments, t.name, v->name, &args, &note) != 0) {
        complain("queue", t.name, note.text);
        return ERR_INVALID;
    }
    if ((t.flags & (TERM_HOLDER | TERM_CACHE)) != 0)
        return holder_read(v, &t) ? 0 : ERR_CORRUPT;
    other = vhost_find_queue(v, t.name);
    if (other != NULL) /* an older one, whose deletion was lost with all checkpoints */
        named_queue_doom(other);
    doom_partitions(v, &t);
    vhost_add_queue(v, &(struct vhost_queue){
                           .id = t.id,
                           .name = t.name,
                           .home = &b->homes[t.partition],
                           .is_durable = true,
                           .is_auto_delete = (t.flags & TERM_AUTO_DELETE) != 0,
                           .arguments = t.arguments,
                           .homes = t.homes,
                       });
    return 0;
}

/* Messages that follow get their dates by it. */
static int read_policy(struct broker *b, const struct definition *d)
{
    struct policy_term t;
    struct err_note note = {{0}};
    struct vhost *v = NULL;

    if (!policy_term_decode(d, &t))
        return ERR_CORRUPT;
    v = vhost_find(b, t.vhost);
    if (v == NULL) /* it may come later, see restore_policy() */
        return 0;
    const struct policy_spec spec = {.name = t.name,
                                     .pattern = t.pattern,
                                     .apply_to = t.apply_to,
                                     .priority = t.priority,
                                     .definition = t.definition};
    if (policies_put(v->policies, rank_of(d->kind), &spec, &note) != 0)
        complain("policy", t.name, note.text);
    else
        apply_to_all(v);
    return 0;
}

static void forget_policy(struct broker *b, uint8_t kind, struct bytes key)
{
    struct policy_term t;
    const struct definition d = {.kind = kind, .key = key};
    struct vhost *v = NULL;

    (void)policy_term_decode(&d, &t); /* of the key alone; there is no body */
    v = vhost_find(b, t.vhost);
    if (v != NULL && policies_delete(v->policies, rank_of(kind), t.name) == 0)
        apply_to_all(v);
}

int restore_on_read(void *owner, const struct definition *d)
{
    struct broker *b = (struct broker *)owner;

    switch (d->kind) {
    case DEFINITION_VHOST:
        return read_vhost(b, d);
    case DEFINITION_QUEUE:
        return read_queue(b, d);
    case DEFINITION_POLICY:
    case DEFINITION_OPERATOR_POLICY:
        return read_policy(b, d);
    default:
        return 0;
    }
}

void restore_on_gone(void *owner, unsigned char kind, struct bytes key)
{
    struct broker *b = (struct broker *)owner;
    struct reader r = reader_of(key);
    uint64_t id = reader_le64(&r);

    if (kind == DEFINITION_VHOST && vhost_find(b, key) != NULL)
        doom_vhost(vhost_find(b, key));
    if (kind == DEFINITION_POLICY || kind == DEFINITION_OPERATOR_POLICY)
        forget_policy(b, kind, key);
    if (kind != DEFINITION_QUEUE)
        return;
    for (struct names_entry *e = names_first(&b->vhosts); e != NULL;
         e = names_next(&b->vhosts, e)) {
        struct named_queue *q = vhost_find_queue_id((struct vhost *)e->value, id);

        if (q != NULL)
            named_queue_doom(q);
    }
}

/* ---- users ---- */

static void restore_user(struct broker *b, const struct definition *d)
{
    struct user_term t;
    struct err_note note = {"its definition is damaged"};
    struct user_spec spec;

    if (user_term_decode(d, &t)) {
        spec = (struct user_spec){.name = t.name,
                                  .password_hash = t.hash,
                                  .hashing = t.hashing,
                                  .tags = t.tags,
                                  .tag_count = t.tag_count};
        if (auth_put_user(b->auth, &spec, &note) == 0)
            return;
    }
    complain("user", d->key, note.text);
}

static void restore_permission(struct broker *b, const struct definition *d)
{
    struct permission_term t = {0};
    struct err_note note = {"its definition is damaged, or there is no such user"};
    struct user *u = permission_term_decode(d, &t) ? auth_find_user(b->auth, t.user) : NULL;

    if (u == NULL || auth_put_permission(b->auth, u, t.vhost, &t.permission, &note) != 0)
        complain("a permission of user", t.user, note.text);
}

static void restore_topic_permission(struct broker *b, const struct definition *d)
{
    struct topic_permission_term t = {0};
    struct err_note note = {"its definition is damaged, or there is no such user"};
    struct user *u = topic_permission_term_decode(d, &t) ? auth_find_user(b->auth, t.user) : NULL;

    if (u == NULL || auth_put_topic_permission(b->auth, u, &t.permission, &note) != 0)
        complain("a topic permission of user", t.user, note.text);
}

/* ---- exchanges and bindings ---- */

static void restore_exchange(struct broker *b, const struct definition *d)
{
    struct exchange_term t = {0};
    struct err_note note = {"its definition is damaged, or its virtual host is not known"};
    struct exchange_difference difference;
    struct exchange *x = NULL;
    struct vhost *v = exchange_term_decode(d, &t) ? vhost_find_id(b, t.vhost) : NULL;
    const struct exchange_spec spec = {
        .name = t.name,
        .type = t.type,
        .is_durable = true,
        .is_auto_delete = (t.flags & TERM_AUTO_DELETE) != 0,
        .is_internal = (t.flags & TERM_INTERNAL) != 0,
        .arguments = t.arguments,
    };

    if (v == NULL || exchange_declare(v->table, &spec, &x, &difference, &note) != 0) {
        complain("exchange", t.name, note.text);
        return;
    }
    vhost_set_exchange_id(v, t.name, t.id);
    apply_to_exchange(v, x);
    holder_restore(v, x, t.id);
    exchange_log_attach(v, x, false);
}

/* One whose virtual host was read after it. */
static void restore_policy(struct broker *b, const struct definition *d)
{
    struct policy_term t;
    struct vhost *v = policy_term_decode(d, &t) ? vhost_find(b, t.vhost) : NULL;

    if (v == NULL)
        complain("policy", d->key, "its virtual host is not known");
    else if (policies_find(v->policies, rank_of(d->kind), t.name) == NULL)
        (void)read_policy(b, d);
}

/* The exchange of that name, if it is the one that is meant. */
static struct exchange *find_exchange(const struct vhost *v, struct bytes name, uint64_t id)
{
    return vhost_exchange_id(v, name) == id ? exchange_find(v->table, name) : NULL;
}

/* False when one of its ends is gone. */
static bool restore_binding(struct broker *b, const struct definition *d)
{
    struct binding_term t;
    struct err_note note = {{0}};
    struct binding_spec spec = {0};
    struct vhost *v = binding_term_decode(d, &t) ? vhost_find_id(b, t.vhost) : NULL;
    bool is_new = false;

    if (v == NULL)
        return false;
    spec.source = find_exchange(v, t.source_name, t.source);
    if (t.is_to_exchange)
        spec.destination.exchange = find_exchange(v, t.destination_name, t.destination);
    else if (vhost_find_queue_id(v, t.destination) != NULL)
        spec.destination.queue = t.destination;
    if (spec.source == NULL || (spec.destination.exchange == NULL && spec.destination.queue == 0))
        return false;
    spec.key = t.routing_key;
    spec.arguments = t.arguments;
    if (exchange_bind(v->table, &spec, &is_new, &note) != 0)
        complain("a binding of exchange", t.source_name, note.text);
    return true;
}

typedef void restore_fn(struct broker *b, const struct definition *d);

static void restore_kind(struct broker *b, uint8_t kind, restore_fn *fn)
{
    struct names_entry *e = NULL;

    while ((e = definitions_next(&b->definitions, kind, e)) != NULL)
        fn(b, (const struct definition *)e->value);
}

static void restore_bindings(struct broker *b)
{
    struct definitions *ds = &b->definitions;
    struct names_entry *e = definitions_next(ds, DEFINITION_BINDING, NULL);

    while (e != NULL) {
        const struct definition *d = (const struct definition *)e->value;

        e = definitions_next(ds, DEFINITION_BINDING, e);
        if (restore_binding(b, d))
            continue;
        buf_clear(&b->terms.key);
        buf_bytes(&b->terms.key, d->key);
        definitions_drop(ds, DEFINITION_BINDING, buf_view(&b->terms.key));
    }
}

/* Their deletion is written already, but for those whose was lost. */
static void bury_doomed(struct broker *b)
{
    struct list_link *link = NULL;

    while ((link = list_take(&b->doomed)) != NULL) {
        struct named_queue *q = CONTAINER_OF(link, struct named_queue, doomed);

        queue_term_encode(&(struct queue_term){.id = q->id}, &b->terms);
        definitions_remove(&b->definitions, DEFINITION_QUEUE, buf_view(&b->terms.key));
        named_queue_bury(q);
    }
}

static void restore_limits(struct broker *b)
{
    for (struct names_entry *e = names_first(&b->vhosts); e != NULL; e = names_next(&b->vhosts, e))
        limits_apply(b, (struct vhost *)e->value);
}

void restore_rest(struct broker *b)
{
    restore_limits(b);
    restore_kind(b, DEFINITION_USER, restore_user);
    restore_kind(b, DEFINITION_PERMISSION, restore_permission);
    restore_kind(b, DEFINITION_TOPIC_PERMISSION, restore_topic_permission);
    restore_kind(b, DEFINITION_POLICY, restore_policy);
    restore_kind(b, DEFINITION_OPERATOR_POLICY, restore_policy);
    restore_kind(b, DEFINITION_EXCHANGE, restore_exchange);
    restore_bindings(b);
    for (struct names_entry *e = names_first(&b->vhosts); e != NULL; e = names_next(&b->vhosts, e))
        holder_doom_orphans((struct vhost *)e->value);
    bury_doomed(b);
}

/* ---- the first start ---- */

static size_t default_tags(const struct broker_options *o, struct bytes tags[AUTH_TAGS_MAX])
{
    const struct {
        bool is_set;
        const char *name;
    } rows[] = {
        {o->default_is_administrator, "administrator"}, {o->default_is_monitoring, "monitoring"},
        {o->default_is_management, "management"},       {o->default_is_policymaker, "policymaker"},
        {o->default_is_impersonator, "impersonator"},
    };
    size_t count = 0;

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        if (rows[i].is_set)
            tags[count++] = bytes_text(rows[i].name);
    return count;
}

static int make_default_user(struct broker *b, struct err_note *note)
{
    const struct broker_options *o = b->options;
    const struct permission p = {bytes_text(o->default_configure), bytes_text(o->default_write),
                                 bytes_text(o->default_read)};
    struct bytes tags[AUTH_TAGS_MAX];
    struct user_spec spec = {.name = bytes_text(o->default_user), .tags = tags};
    char hash[AUTH_HASH_MAX];
    uint8_t salt[4];
    int rv = 0;

    put_le32(salt, (uint32_t)io_random(b->io));
    auth_hash_password(AUTH_HASH_SHA256, bytes_text(o->default_pass), salt, hash);
    spec.password_hash = bytes_text(hash);
    spec.tag_count = default_tags(o, tags);
    rv = account_put_user(b, &spec, note);
    if (rv == 0)
        rv = account_put_permission(b, spec.name, bytes_text(o->default_vhost), &p, note);
    return rv;
}

void restore_defaults(struct broker *b)
{
    struct err_note note = {{0}};
    struct bytes name = bytes_text(b->options->default_vhost);

    if (names_count(&b->vhosts) > 0)
        return;
    account_put_vhost(b, name);
    if (make_default_user(b, &note) != 0)
        complain("the default user", bytes_text(b->options->default_user), note.text);
}
