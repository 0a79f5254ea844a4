/* What is in a virtual host: policies, parameters, queues, exchanges, bindings of a document. */
#include <string.h>

#include "broker/admin.h"
#include "broker/define.h"
#include "broker/look.h"
#include "broker/policies.h"
#include "transfer/json_table.h"
#include "transfer/things.h"

#define SHOW(b) (int)(b).size, (b).size == 0 ? "" : (const char *)(b).data

/* Arguments, or a definition; in the area. What is not there is empty, and so is a list without
 * anything in it, as RabbitMQ's older files have it. */
static int take_table(struct things *t, const struct thing_member *m, struct table *out,
                      struct err_note *note)
{
    const json_t *j = json_object_get(m->item, m->name);
    int rv = 0;

    *out = (struct table){{NULL, 0}};
    if (j == NULL || json_is_null(j) || (json_is_array(j) && json_array_size(j) == 0))
        return m->is_needed
                   ? err_note(note, ERR_INVALID, "key '%s' is missing in '%s'", m->name, m->section)
                   : 0;
    rv = json_to_table(j, &t->area, out);
    if (rv == ERR_INVALID)
        return err_note(note, rv, "key '%s' in '%s' must be an object", m->name, m->section);
    if (rv != 0)
        return err_note(note, ERR_INVALID, "key '%s' in '%s' is too large or nests too deep",
                        m->name, m->section);
    return 0;
}

/* ---- policies ---- */

struct policy_thing {
    const json_t *item; /* with pattern, definition ... */
    struct bytes name;
    struct bytes vhost;
    enum policy_rank rank;
};

/* Any number; RabbitMQ rounds. */
static int take_priority(const json_t *item, int64_t *out, struct err_note *note)
{
    const json_t *j = json_object_get(item, "priority");

    *out = 0;
    if (j == NULL || json_is_null(j))
        return 0;
    if (!json_is_number(j) || json_number_value(j) > 1e15 || json_number_value(j) < -1e15)
        return err_note(note, ERR_INVALID, "key 'priority' in 'policies' must be a number");
    *out = (int64_t)json_number_value(j);
    return 0;
}

static int take_policy(struct things *t, const struct policy_thing *p, struct err_note *note)
{
    struct thing_member pattern = {p->item, "policies", "pattern", true};
    struct thing_member apply_to = {p->item, "policies", "apply-to", false};
    struct thing_member definition = {p->item, "policies", "definition", true};
    struct policy_spec spec = {.name = p->name, .apply_to = POLICY_ALL};
    struct bytes word = bytes_text("all");
    int rv = thing_text(&pattern, &spec.pattern, note);

    if (rv == 0)
        rv = thing_text(&apply_to, &word, note);
    if (rv == 0)
        rv = policy_target_read(word, &spec.apply_to, note);
    if (rv == 0)
        rv = take_priority(p->item, &spec.priority, note);
    if (rv == 0)
        rv = take_table(t, &definition, &spec.definition, note);
    if (rv == 0)
        rv = policy_check(p->rank, &spec, note);
    if (rv == 0 && t->is_real)
        rv = broker_put_policy(t->broker, p->vhost, p->rank, &spec, note);
    return rv;
}

int thing_policy(struct things *t, const json_t *item, struct err_note *note)
{
    struct thing_member name = {item, "policies", "name", true};
    struct policy_thing p = {.item = item, .rank = POLICY_OF_USERS};
    int rv = thing_text(&name, &p.name, note);

    if (rv == 0)
        rv = thing_vhost(t, item, "policies", &p.vhost, note);
    return rv == 0 ? take_policy(t, &p, note) : rv;
}

/* ---- parameters ---- */

static int take_limits(struct things *t, const json_t *value, struct bytes vhost,
                       struct err_note *note)
{
    const char *limit = NULL;
    json_t *number = NULL;
    int rv = 0;

    if (!json_is_object(value) && !(json_is_array(value) && json_array_size(value) == 0))
        return err_note(note, ERR_INVALID, "the limits of virtual host '%.*s' must be an object",
                        SHOW(vhost));
    json_object_foreach((json_t *)(uintptr_t)value, limit, number)
    {
        if (!json_is_integer(number))
            return err_note(note, ERR_INVALID,
                            "limit '%s' of virtual host '%.*s' must be an "
                            "integer",
                            limit, SHOW(vhost));
        if (t->is_real)
            rv = admin_set_vhost_limit(t->broker, vhost, bytes_text(limit),
                                       json_integer_value(number), note);
        if (rv != 0)
            return rv;
    }
    return 0;
}

int thing_parameter(struct things *t, const json_t *item, struct err_note *note)
{
    struct thing_member component = {item, "parameters", "component", true};
    struct thing_member name = {item, "parameters", "name", true};
    struct policy_thing p = {.item = json_object_get(item, "value"), .rank = POLICY_OF_OPERATORS};
    struct bytes kind = bytes_of(NULL, 0);
    int rv = thing_text(&component, &kind, note);

    if (rv == 0)
        rv = thing_text(&name, &p.name, note);
    if (rv == 0)
        rv = thing_vhost(t, item, "parameters", &p.vhost, note);
    if (rv != 0)
        return rv;
    if (bytes_equal(kind, bytes_text("vhost-limits")))
        return take_limits(t, p.item, p.vhost, note);
    if (bytes_equal(kind, bytes_text("policy")))
        p.rank = POLICY_OF_USERS;
    else if (!bytes_equal(kind, bytes_text("operator_policy")))
        return err_note(note, ERR_INVALID, "component %.*s not found", SHOW(kind));
    if (!json_is_object(p.item))
        return err_note(note, ERR_INVALID, "key 'value' in 'parameters' must be an object");
    return take_policy(t, &p, note);
}

/* ---- queues and exchanges ---- */

/* Does something in the virtual host as the house itself. */
typedef int inside_fn(struct visit *v, const void *what, struct refusal *refusal);

static int go_inside(struct things *t, struct bytes vhost, inside_fn *fn, const void *what,
                     struct err_note *note)
{
    const struct visit_spec spec = {.vhost = vhost};
    struct visit *v = NULL;
    struct refusal refusal;
    int rv = broker_visit(t->broker, &spec, &v, &refusal);

    if (rv == 0) {
        rv = fn(v, what, &refusal);
        visit_end(v);
    }
    if (rv == 0)
        return 0;
    return err_note(note, refusal.code == REFUSE_RESOURCE ? ERR_FULL : ERR_INVALID, "%s",
                    refusal.text);
}

static int make_queue(struct visit *v, const void *what, struct refusal *refusal)
{
    struct defined_queue defined;

    return define_queue(v, (const struct define_queue *)what, &defined, refusal);
}

int thing_queue(struct things *t, const json_t *item, struct err_note *note)
{
    struct thing_member name = {item, "queues", "name", true};
    struct thing_member durable = {item, "queues", "durable", false};
    struct thing_member auto_delete = {item, "queues", "auto_delete", false};
    struct thing_member arguments = {item, "queues", "arguments", false};
    struct define_queue d = {.is_durable = true};
    struct bytes vhost;
    struct look_queue there;
    int rv = thing_text(&name, &d.name, note);

    if (rv == 0)
        rv = thing_vhost(t, item, "queues", &vhost, note);
    if (rv == 0)
        rv = thing_bool(&durable, &d.is_durable, note);
    if (rv == 0)
        rv = thing_bool(&auto_delete, &d.is_auto_delete, note);
    if (rv == 0)
        rv = take_table(t, &arguments, &d.arguments, note);
    if (rv == 0 && d.name.size == 0)
        rv = err_note(note, ERR_INVALID, "key 'name' in 'queues' must not be empty");
    if (rv != 0 || !t->is_real || look_find_queue(t->broker, vhost, d.name, &there))
        return rv; /* what is there stays what it is */
    return go_inside(t, vhost, make_queue, &d, note);
}

static int make_exchange(struct visit *v, const void *what, struct refusal *refusal)
{
    return define_exchange(v, (const struct define_exchange *)what, refusal);
}

/* The default exchange and those that are always there. */
static bool is_reserved(struct bytes name)
{
    return name.size == 0 || (name.size >= 4 && memcmp(name.data, "amq.", 4) == 0);
}

int thing_exchange(struct things *t, const json_t *item, struct err_note *note)
{
    struct thing_member name = {item, "exchanges", "name", true};
    struct thing_member type = {item, "exchanges", "type", true};
    struct thing_member durable = {item, "exchanges", "durable", false};
    struct thing_member auto_delete = {item, "exchanges", "auto_delete", false};
    struct thing_member internal = {item, "exchanges", "internal", false};
    struct thing_member arguments = {item, "exchanges", "arguments", false};
    struct define_exchange d = {.is_durable = true};
    struct bytes vhost;
    struct look_exchange there;
    int rv = thing_text(&name, &d.name, note);

    if (rv == 0)
        rv = thing_vhost(t, item, "exchanges", &vhost, note);
    if (rv == 0)
        rv = thing_text(&type, &d.type, note);
    if (rv == 0)
        rv = thing_bool(&durable, &d.is_durable, note);
    if (rv == 0)
        rv = thing_bool(&auto_delete, &d.is_auto_delete, note);
    if (rv == 0)
        rv = thing_bool(&internal, &d.is_internal, note);
    if (rv == 0)
        rv = take_table(t, &arguments, &d.arguments, note);
    if (rv != 0 || !t->is_real || is_reserved(d.name) ||
        look_find_exchange(t->broker, vhost, d.name, &there))
        return rv;
    return go_inside(t, vhost, make_exchange, &d, note);
}

/* ---- bindings ---- */

static int make_binding(struct visit *v, const void *what, struct refusal *refusal)
{
    return define_bind(v, (const struct define_binding *)what, refusal);
}

static bool has_ends(struct things *t, struct bytes vhost, const struct define_binding *d)
{
    struct look_exchange x;
    struct look_queue q;

    if (d->source.size == 0 || !look_find_exchange(t->broker, vhost, d->source, &x))
        return false;
    return d->is_to_exchange ? look_find_exchange(t->broker, vhost, d->destination, &x)
                             : look_find_queue(t->broker, vhost, d->destination, &q);
}

int thing_binding(struct things *t, const json_t *item, struct err_note *note)
{
    struct thing_member source = {item, "bindings", "source", true};
    struct thing_member destination = {item, "bindings", "destination", true};
    struct thing_member kind = {item, "bindings", "destination_type", true};
    struct thing_member key = {item, "bindings", "routing_key", false};
    struct thing_member arguments = {item, "bindings", "arguments", false};
    struct define_binding d = {.key = bytes_of(NULL, 0)};
    struct bytes word = bytes_of(NULL, 0);
    struct bytes vhost;
    int rv = thing_text(&source, &d.source, note);

    if (rv == 0)
        rv = thing_vhost(t, item, "bindings", &vhost, note);
    if (rv == 0)
        rv = thing_text(&destination, &d.destination, note);
    if (rv == 0)
        rv = thing_text(&kind, &word, note);
    if (rv == 0)
        rv = thing_text(&key, &d.key, note);
    if (rv == 0)
        rv = take_table(t, &arguments, &d.arguments, note);
    d.is_to_exchange = bytes_equal(word, bytes_text("exchange"));
    if (rv == 0 && !d.is_to_exchange && !bytes_equal(word, bytes_text("queue")))
        rv = err_note(note, ERR_INVALID,
                      "key 'destination_type' in 'bindings' must be 'queue' or 'exchange'");
    if (rv != 0 || !t->is_real || !has_ends(t, vhost, &d))
        return rv; /* RabbitMQ passes over what has no ends, too */
    return go_inside(t, vhost, make_binding, &d, note);
}
