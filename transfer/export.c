/* Definitions as JSON text, one thing after the other.
 *
 *     {"rabbit_version": ..., <section>: [thing, thing ...], <section>: [...] ...}
 *
 * A section is a look at one kind of things; each thing is made as JSON, written and forgotten. */
#include <string.h>

#include "base/mem.h"
#include "broker/admin.h"
#include "broker/look.h"
#include "broker/parameters.h"
#include "broker/policies.h"
#include "transfer/json_table.h"
#include "transfer/transfer.h"

struct transfer_export {
    struct transfer_export_open open;
    char *vhost_name; /* its own copy; NULL: the cluster */
    struct bytes vhost;
    size_t section;
    bool has_begun; /* the section */
    bool has_item;  /* the section has one */
    bool is_over;
    size_t index; /* for what is counted */
    struct look look;
};

/* Adds the next things of the section to the array, perhaps none. False: there are no more. */
typedef bool section_fn(struct transfer_export *e, json_t *out);

struct section {
    const char *name;
    bool is_of_cluster; /* not in a file of one virtual host */
    section_fn *next;
};

/* ---- small parts ---- */

static void set(json_t *object, const char *name, struct bytes text)
{
    json_object_set_new(object, name, json_of_bytes(text));
}

static void set_vhost(const struct transfer_export *e, json_t *object, struct bytes vhost)
{
    if (e->vhost_name == NULL)
        set(object, "vhost", vhost);
}

static void set_limit(json_t *object, const char *name, int64_t value)
{
    if (value != LOOK_UNSET)
        json_object_set_new(object, name, json_integer(value));
}

static void begin_look(struct transfer_export *e, enum look_kind kind)
{
    if (e->look.broker == NULL)
        look_open(&e->look, e->open.broker, kind, e->vhost);
}

/* Texts with commas between them, as an array. */
static json_t *list_of(struct bytes texts)
{
    json_t *list = json_array();
    size_t from = 0;

    for (size_t i = 0; i <= texts.size; i++) {
        if (i < texts.size && texts.data[i] != ',')
            continue;
        if (i > from)
            json_array_append_new(list, json_of_bytes(bytes_of(texts.data + from, i - from)));
        from = i + 1;
    }
    return list;
}

/* ---- users and virtual hosts ---- */

static bool next_user(struct transfer_export *e, json_t *out)
{
    struct look_user u;
    json_t *j = NULL;
    json_t *tags = NULL;
    json_t *limits = NULL;

    begin_look(e, LOOK_USERS);
    if (!look_user(&e->look, &u))
        return false;
    j = json_object();
    tags = json_array();
    limits = json_object();
    set(j, "name", u.spec.name);
    set(j, "password_hash", u.spec.password_hash);
    set(j, "hashing_algorithm", bytes_text(admin_hashing_name(u.spec.hashing)));
    for (size_t i = 0; i < u.spec.tag_count; i++)
        json_array_append_new(tags, json_of_bytes(u.spec.tags[i]));
    json_object_set_new(j, "tags", tags);
    set_limit(limits, "max-connections", u.connections_max);
    set_limit(limits, "max-channels", u.channels_max);
    json_object_set_new(j, "limits", limits);
    json_array_append_new(out, j);
    return true;
}

static json_t *limits_of(const struct look_vhost *v)
{
    json_t *limits = json_object();

    set_limit(limits, "max-connections", v->connections_max);
    set_limit(limits, "max-queues", v->queues_max);
    return limits;
}

static json_t *metadata_of(const struct look_vhost *v)
{
    json_t *j = json_object();

    set(j, "description", v->description);
    json_object_set_new(j, "tags", list_of(v->tags));
    if (v->default_queue_type.size > 0)
        set(j, "default_queue_type", v->default_queue_type);
    if (v->is_tracing)
        json_object_set_new(j, "tracing", json_true());
    if (v->is_protected)
        json_object_set_new(j, "protected_from_deletion", json_true());
    return j;
}

static bool next_vhost(struct transfer_export *e, json_t *out)
{
    struct look_vhost v;
    json_t *j = NULL;

    begin_look(e, LOOK_VHOSTS);
    if (!look_vhost(&e->look, &v))
        return false;
    j = json_object();
    set(j, "name", v.name);
    set(j, "description", v.description);
    json_object_set_new(j, "tags", list_of(v.tags));
    if (v.default_queue_type.size > 0)
        set(j, "default_queue_type", v.default_queue_type);
    json_object_set_new(j, "metadata", metadata_of(&v));
    json_array_append_new(out, j);
    return true;
}

static bool next_permission(struct transfer_export *e, json_t *out)
{
    struct look_permission p;
    json_t *j = NULL;

    begin_look(e, LOOK_PERMISSIONS);
    if (!look_permission(&e->look, &p))
        return false;
    j = json_object();
    set(j, "user", p.user);
    set(j, "vhost", p.vhost);
    set(j, "configure", p.permission.configure);
    set(j, "write", p.permission.write);
    set(j, "read", p.permission.read);
    json_array_append_new(out, j);
    return true;
}

static bool next_topic_permission(struct transfer_export *e, json_t *out)
{
    struct look_topic_permission p;
    json_t *j = NULL;

    begin_look(e, LOOK_TOPIC_PERMISSIONS);
    if (!look_topic_permission(&e->look, &p))
        return false;
    j = json_object();
    set(j, "user", p.user);
    set(j, "vhost", p.permission.vhost);
    set(j, "exchange", p.permission.exchange);
    set(j, "write", p.permission.write);
    set(j, "read", p.permission.read);
    json_array_append_new(out, j);
    return true;
}

/* ---- parameters and policies ---- */

static void set_policy(json_t *j, const struct policy_spec *spec)
{
    set(j, "pattern", spec->pattern);
    set(j, "apply-to", bytes_text(policy_target_name(spec->apply_to)));
    json_object_set_new(j, "priority", json_integer(spec->priority));
    json_object_set_new(j, "definition", json_of_table(spec->definition));
}

/* A parameter without its value. */
static json_t *parameter(const struct transfer_export *e, const char *component, struct bytes vhost,
                         struct bytes name)
{
    json_t *j = json_object();

    set(j, "component", bytes_text(component));
    set_vhost(e, j, vhost);
    set(j, "name", name);
    return j;
}

static void add_operator_policies(const struct transfer_export *e, json_t *out, struct bytes vhost)
{
    const struct policies *ps = broker_policies(e->open.broker, vhost);
    const struct policy *p = NULL;

    while ((p = policies_next(ps, POLICY_OF_OPERATORS, p)) != NULL) {
        const struct policy_spec spec = policy_spec(p);
        json_t *j = parameter(e, "operator_policy", vhost, spec.name);
        json_t *value = json_object();

        set_policy(value, &spec);
        json_object_set_new(j, "value", value);
        json_array_append_new(out, j);
    }
}

/* Limits and operator policies are parameters in RabbitMQ's files. */
static bool next_parameter(struct transfer_export *e, json_t *out)
{
    struct look_vhost v;

    begin_look(e, LOOK_VHOSTS);
    if (!look_vhost(&e->look, &v))
        return false;
    if (v.connections_max != LOOK_UNSET || v.queues_max != LOOK_UNSET) {
        json_t *j = parameter(e, "vhost-limits", v.name, bytes_text("limits"));

        json_object_set_new(j, "value", limits_of(&v));
        json_array_append_new(out, j);
    }
    add_operator_policies(e, out, v.name);
    return true;
}

static void add_global(json_t *out, struct bytes name, json_t *value)
{
    json_t *j = json_object();

    set(j, "name", name);
    json_object_set_new(j, "value", value);
    json_array_append_new(out, j);
}

static bool next_global(struct transfer_export *e, json_t *out)
{
    struct global_parameter p;
    json_t *value = NULL;

    if (!broker_get_global(e->open.broker, e->index, &p)) {
        bool is_first = e->index == 0;

        if (is_first && e->open.cluster_name != NULL)
            add_global(out, bytes_text("cluster_name"),
                       json_of_bytes(bytes_text(e->open.cluster_name)));
        return false;
    }
    e->index++;
    value = json_loadb((const char *)p.value.data, p.value.size, JSON_DECODE_ANY, NULL);
    add_global(out, p.name, value == NULL ? json_null() : value);
    return true;
}

static bool next_policy(struct transfer_export *e, json_t *out)
{
    const struct policies *ps = NULL;
    const struct policy *p = NULL;
    struct look_vhost v;

    begin_look(e, LOOK_VHOSTS);
    if (!look_vhost(&e->look, &v))
        return false;
    ps = broker_policies(e->open.broker, v.name);
    while ((p = policies_next(ps, POLICY_OF_USERS, p)) != NULL) {
        const struct policy_spec spec = policy_spec(p);
        json_t *j = json_object();

        set_vhost(e, j, v.name);
        set(j, "name", spec.name);
        set_policy(j, &spec);
        json_array_append_new(out, j);
    }
    return true;
}

/* ---- queues, exchanges, bindings ---- */

static const char *type_of(const struct look_queue *q)
{
    switch (q->args->type) {
    case QUEUE_CLASSIC:
        return "classic";
    case QUEUE_QUORUM:
        return "quorum";
    case QUEUE_STREAM:
        return "stream";
    }
    ASSERT(false);
    return NULL;
}

static bool next_queue(struct transfer_export *e, json_t *out)
{
    struct look_queue q;
    json_t *j = NULL;

    begin_look(e, LOOK_QUEUES);
    if (!look_queue(&e->look, &q))
        return false;
    if (q.is_exclusive || q.is_partition || q.is_log) /* it comes with what it belongs to */
        return true;
    j = json_object();
    set(j, "name", q.name);
    set_vhost(e, j, q.vhost);
    json_object_set_new(j, "durable", json_boolean(q.is_durable));
    json_object_set_new(j, "auto_delete", json_boolean(q.is_auto_delete));
    set(j, "type", bytes_text(type_of(&q)));
    json_object_set_new(j, "arguments", json_of_table(q.arguments));
    json_array_append_new(out, j);
    return true;
}

static bool is_reserved(struct bytes name)
{
    return name.size == 0 || (name.size >= 4 && memcmp(name.data, "amq.", 4) == 0);
}

static bool next_exchange(struct transfer_export *e, json_t *out)
{
    struct look_exchange x;
    json_t *j = NULL;

    begin_look(e, LOOK_EXCHANGES);
    if (!look_exchange(&e->look, &x))
        return false;
    if (is_reserved(x.name) || x.is_internal)
        return true;
    j = json_object();
    set(j, "name", x.name);
    set_vhost(e, j, x.vhost);
    set(j, "type", x.type);
    json_object_set_new(j, "durable", json_boolean(x.is_durable));
    json_object_set_new(j, "auto_delete", json_boolean(x.is_auto_delete));
    json_object_set_new(j, "internal", json_false());
    json_object_set_new(j, "arguments", json_of_table(x.arguments));
    json_array_append_new(out, j);
    return true;
}

static bool is_exported(const struct transfer_export *e, const struct look_binding *b)
{
    struct look_exchange x;
    struct look_queue q;
    struct broker *broker = e->open.broker;

    if (look_find_exchange(broker, b->vhost, b->source, &x) && x.is_internal)
        return false;
    if (b->is_to_exchange)
        return !look_find_exchange(broker, b->vhost, b->destination, &x) || !x.is_internal;
    return !look_find_queue(broker, b->vhost, b->destination, &q) || !q.is_exclusive;
}

static bool next_binding(struct transfer_export *e, json_t *out)
{
    struct look_binding b;
    json_t *j = NULL;

    begin_look(e, LOOK_BINDINGS);
    if (!look_binding(&e->look, &b))
        return false;
    if (!is_exported(e, &b))
        return true;
    j = json_object();
    set(j, "source", b.source);
    set_vhost(e, j, b.vhost);
    set(j, "destination", b.destination);
    set(j, "destination_type", bytes_text(b.is_to_exchange ? "exchange" : "queue"));
    set(j, "routing_key", b.key);
    json_object_set_new(j, "arguments", json_of_table(b.arguments));
    json_array_append_new(out, j);
    return true;
}

static const struct section sections[] = {
    {"users", true, next_user},
    {"vhosts", true, next_vhost},
    {"permissions", true, next_permission},
    {"topic_permissions", true, next_topic_permission},
    {"parameters", false, next_parameter},
    {"global_parameters", true, next_global},
    {"policies", false, next_policy},
    {"queues", false, next_queue},
    {"exchanges", false, next_exchange},
    {"bindings", false, next_binding},
};

/* ---- the file ---- */

static int add_text(const char *text, size_t size, void *owner)
{
    buf_bytes((struct buf *)owner, bytes_of(text, size));
    return 0;
}

static void write_json(struct buf *out, const json_t *j)
{
    int rv = json_dump_callback(j, add_text, out, JSON_COMPACT | JSON_ENCODE_ANY);

    ASSERT(rv == 0);
}

static void write_member(struct buf *out, const char *name, json_t *value)
{
    buf_text(out, "\"%s\":", name);
    write_json(out, value);
    buf_u8(out, ',');
    json_decref(value);
}

static void write_text(struct buf *out, const char *name, const char *text)
{
    write_member(out, name, json_of_bytes(bytes_text(text)));
}

/* What stands before the sections; each member has a comma behind it. */
static void write_front(struct transfer_export *e, struct buf *out)
{
    bool is_one = e->vhost_name != NULL;
    struct look_vhost v;

    buf_u8(out, '{');
    write_text(out, "rabbit_version", e->open.rabbit_version);
    write_text(out, "rabbitmq_version", e->open.rabbit_version);
    write_text(out, "product_name", "Millrace");
    write_text(out, "product_version", e->open.product_version);
    write_text(out, "rabbitmq_definition_format", is_one ? "single_virtual_host" : "cluster");
    if (!is_one) {
        write_text(out, "original_cluster_name", e->open.cluster_name);
        write_text(out, "explanation", "Definitions of a cluster of Millrace, in RabbitMQ's form");
        return;
    }
    write_member(out, "original_vhost_name", json_of_bytes(e->vhost));
    write_text(out, "explanation",
               "Definitions of one virtual host of Millrace, in RabbitMQ's form");
    if (!look_find_vhost(e->open.broker, e->vhost, &v))
        return; /* it went just now */
    write_member(out, "metadata", metadata_of(&v));
    write_member(out, "description", json_of_bytes(v.description));
    write_member(out, "limits", limits_of(&v));
}

struct transfer_export *transfer_export_new(const struct transfer_export_open *o)
{
    struct transfer_export *e = MEM_NEW(struct transfer_export);

    e->open = *o;
    if (o->vhost.data != NULL) {
        e->vhost_name = (char *)mem_alloc(o->vhost.size + 1);
        if (o->vhost.size > 0)
            memcpy(e->vhost_name, o->vhost.data, o->vhost.size);
        e->vhost = bytes_of(e->vhost_name, o->vhost.size);
    }
    return e;
}

static void skip_sections(struct transfer_export *e)
{
    while (e->vhost_name != NULL && e->section < ARRAY_SIZE(sections) &&
           sections[e->section].is_of_cluster)
        e->section++;
}

static void begin_section(struct transfer_export *e, struct buf *out)
{
    if (e->section == 0)
        write_front(e, out);
    skip_sections(e);
    buf_text(out, "\"%s\":[", sections[e->section].name);
    e->has_begun = true;
    e->has_item = false;
}

static void end_section(struct transfer_export *e, struct buf *out)
{
    look_close(&e->look);
    e->look = (struct look){0};
    e->index = 0;
    e->has_begun = false;
    e->section++;
    skip_sections(e);
    e->is_over = e->section == ARRAY_SIZE(sections);
    buf_text(out, "%s", e->is_over ? "]}" : "],");
}

/* One step in the section. */
static void step(struct transfer_export *e, struct buf *out)
{
    json_t *items = json_array();
    bool has_more = false;

    if (!e->has_begun)
        begin_section(e, out);
    has_more = sections[e->section].next(e, items);
    for (size_t i = 0; i < json_array_size(items); i++) {
        if (e->has_item)
            buf_u8(out, ',');
        write_json(out, json_array_get(items, i));
        e->has_item = true;
    }
    json_decref(items);
    if (!has_more)
        end_section(e, out);
}

bool transfer_export_next(struct transfer_export *e, struct buf *out, size_t size)
{
    if (e->is_over)
        return false;
    while (!e->is_over && out->size <= size)
        step(e, out);
    return true;
}

void transfer_export_free(struct transfer_export *e)
{
    if (e == NULL)
        return;
    look_close(&e->look);
    mem_free(e->vhost_name);
    mem_free(e);
}
