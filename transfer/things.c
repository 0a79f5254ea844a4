/* Users, virtual hosts and permissions of a document; and how members of things are read. */
#include "transfer/things.h"

#include <string.h>

#include "broker/admin.h"
#include "broker/look.h"
#include "broker/parameters.h"
#include "broker/vhost.h"
#include "transfer/json_table.h"

#define SHOW(b) (int)(b).size, (b).size == 0 ? "" : (const char *)(b).data

/* ---- members ---- */

static int refuse_kind(const struct thing_member *m, const char *kind, struct err_note *note)
{
    return err_note(note, ERR_INVALID, "key '%s' in '%s' must be %s", m->name, m->section, kind);
}

/* NULL: it is not there. */
static const json_t *find(const struct thing_member *m)
{
    const json_t *j = json_object_get(m->item, m->name);

    return json_is_null(j) ? NULL : j;
}

static int refuse_missing(const struct thing_member *m, struct err_note *note)
{
    return m->is_needed
               ? err_note(note, ERR_INVALID, "key '%s' is missing in '%s'", m->name, m->section)
               : 0;
}

int thing_text(const struct thing_member *m, struct bytes *out, struct err_note *note)
{
    const json_t *j = find(m);

    if (j == NULL)
        return refuse_missing(m, note);
    if (!json_is_string(j))
        return refuse_kind(m, "a string", note);
    *out = json_text(j);
    return 0;
}

int thing_bool(const struct thing_member *m, bool *out, struct err_note *note)
{
    const json_t *j = find(m);

    if (j == NULL)
        return refuse_missing(m, note);
    if (!json_is_boolean(j))
        return refuse_kind(m, "true or false", note);
    *out = json_is_true(j);
    return 0;
}

int thing_integer(const struct thing_member *m, int64_t *out, struct err_note *note)
{
    const json_t *j = find(m);

    if (j == NULL)
        return refuse_missing(m, note);
    if (!json_is_integer(j))
        return refuse_kind(m, "an integer", note);
    *out = json_integer_value(j);
    return 0;
}

/* Whether the document itself makes something of that name. */
static bool is_in_document(const struct things *t, const char *section, struct bytes name)
{
    const json_t *list = json_object_get(t->document, section);

    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *n = json_object_get(json_array_get(list, i), "name");

        if (json_is_string(n) && bytes_equal(json_text(n), name))
            return true;
    }
    return false;
}

int thing_vhost(struct things *t, const json_t *item, const char *section, struct bytes *out,
                struct err_note *note)
{
    const struct thing_member m = {item, section, "vhost", true};
    int rv = 0;

    *out = t->vhost;
    if (t->vhost.data == NULL)
        rv = thing_text(&m, out, note);
    /* Not by a look, which counts what is in it: this is asked for each of 100,000 things. */
    if (rv != 0 || vhost_find(t->broker, *out) != NULL)
        return rv;
    if (!t->is_real && t->vhost.data == NULL && is_in_document(t, "vhosts", *out))
        return 0;
    return err_note(note, ERR_NOT_FOUND, "virtual host '%.*s', in '%s', does not exist", SHOW(*out),
                    section);
}

static int take_user_name(struct things *t, const json_t *item, const char *section,
                          struct bytes *out, struct err_note *note)
{
    const struct thing_member m = {item, section, "user", true};
    int rv = thing_text(&m, out, note);
    struct look_user u;

    if (rv != 0 || look_find_user(t->broker, *out, &u) ||
        (!t->is_real && is_in_document(t, "users", *out)))
        return rv;
    return err_note(note, ERR_NOT_FOUND, "user '%.*s', in '%s', does not exist", SHOW(*out),
                    section);
}

/* ---- limits ---- */

typedef int set_limit_fn(struct broker *b, struct bytes owner, struct bytes limit, int64_t value,
                         struct err_note *note);

/* Somebody's limits as they are taken. */
struct limits {
    struct bytes owner;
    set_limit_fn *set;
};

static int take_limit(struct things *t, const struct limits *l, const json_t *name,
                      const json_t *value, struct err_note *note)
{
    if (!json_is_string(name) || !json_is_integer(value))
        return err_note(note, ERR_INVALID, "each limit of '%.*s' must be a name and an integer",
                        SHOW(l->owner));
    if (!t->is_real)
        return 0;
    return l->set(t->broker, l->owner, json_text(name), json_integer_value(value), note);
}

/* An object; or a list of pairs, which RabbitMQ writes for virtual hosts. */
static int take_limits(struct things *t, const struct limits *l, const json_t *limits,
                       struct err_note *note)
{
    const char *name = NULL;
    json_t *value = NULL;
    int rv = 0;

    if (limits != NULL && !json_is_object(limits) && !json_is_array(limits))
        return err_note(note, ERR_INVALID, "the limits of '%.*s' must be an object",
                        SHOW(l->owner));
    json_object_foreach((json_t *)(uintptr_t)limits, name, value)
    {
        json_t *text = json_string(name);

        rv = take_limit(t, l, text, value, note);
        json_decref(text);
        if (rv != 0)
            return rv;
    }
    for (size_t i = 0; i < json_array_size(limits) && rv == 0; i++) {
        const json_t *pair = json_array_get(limits, i);

        rv = take_limit(t, l, json_array_get(pair, 0), json_array_get(pair, 1), note);
    }
    return rv;
}

/* ---- users ---- */

/* A list, or a text with commas. */
static int take_tags(const json_t *item, struct bytes tags[AUTH_TAGS_MAX], size_t *count,
                     struct err_note *note)
{
    const json_t *j = json_object_get(item, "tags");
    struct bytes rest = json_is_string(j) ? json_text(j) : bytes_of(NULL, 0);
    size_t from = 0;

    *count = 0;
    for (size_t i = 0; i < json_array_size(j); i++) {
        const json_t *tag = json_array_get(j, i);

        if (!json_is_string(tag) || *count == AUTH_TAGS_MAX)
            return err_note(note, ERR_INVALID, "key 'tags' in 'users' must be up to %d texts",
                            (int)AUTH_TAGS_MAX);
        tags[(*count)++] = json_text(tag);
    }
    for (size_t i = 0; i <= rest.size && rest.size > 0; i++) {
        if (i < rest.size && rest.data[i] != ',' && rest.data[i] != ' ')
            continue;
        if (i > from && *count == AUTH_TAGS_MAX)
            return err_note(note, ERR_INVALID, "a user has at most %d tags", (int)AUTH_TAGS_MAX);
        if (i > from)
            tags[(*count)++] = bytes_of(rest.data + from, i - from);
        from = i + 1;
    }
    return 0;
}

static int read_user(const json_t *item, struct admin_user *out, struct bytes tags[AUTH_TAGS_MAX],
                     struct err_note *note)
{
    struct thing_member name = {item, "users", "name", true};
    struct thing_member password = {item, "users", "password", false};
    struct thing_member hash = {item, "users", "password_hash", false};
    struct thing_member hashing = {item, "users", "hashing_algorithm", false};
    struct bytes algorithm = bytes_of(NULL, 0);
    int rv = thing_text(&name, &out->name, note);

    if (rv == 0)
        rv = thing_text(&password, &out->password, note);
    if (rv == 0)
        rv = thing_text(&hash, &out->password_hash, note);
    if (rv == 0)
        rv = thing_text(&hashing, &algorithm, note);
    if (rv == 0)
        rv = take_tags(item, tags, &out->tag_count, note);
    if (rv != 0)
        return rv;
    out->tags = tags;
    out->has_password = out->password.data != NULL;
    if (algorithm.size > 0 && !admin_hashing_find(algorithm, &out->hashing))
        return err_note(note, ERR_INVALID, "hashing algorithm '%.*s' of user '%.*s' is not known",
                        SHOW(algorithm), SHOW(out->name));
    return 0;
}

static int take_user(struct things *t, const json_t *item, struct err_note *note)
{
    struct bytes tags[AUTH_TAGS_MAX];
    struct admin_user u = {.hashing = AUTH_HASH_SHA256};
    int rv = read_user(item, &u, tags, note);

    if (rv == 0 && t->is_real)
        rv = admin_put_user(t->broker, &u, note);
    if (rv == 0)
        rv = take_limits(t, &(struct limits){u.name, admin_set_user_limit},
                         json_object_get(item, "limits"), note);
    return rv;
}

/* ---- virtual hosts ---- */

/* The tags of a virtual host, with commas between them, in the area. */
static int take_vhost_tags(struct things *t, const json_t *j, struct bytes *out,
                           struct err_note *note)
{
    if (json_is_string(j)) {
        *out = json_text(j);
        return 0;
    }
    buf_clear(&t->area);
    for (size_t i = 0; i < json_array_size(j); i++) {
        const json_t *tag = json_array_get(j, i);

        if (!json_is_string(tag))
            return err_note(note, ERR_INVALID, "key 'tags' in 'vhosts' must be a list of strings");
        if (i > 0)
            buf_u8(&t->area, ',');
        buf_bytes(&t->area, json_text(tag));
    }
    *out = buf_view(&t->area);
    return 0;
}

static int read_metadata(struct things *t, const json_t *item, struct admin_vhost *out,
                         struct err_note *note)
{
    struct thing_member description = {item, "vhosts", "description", false};
    struct thing_member type = {item, "vhosts", "default_queue_type", false};
    struct thing_member tracing = {item, "vhosts", "tracing", false};
    struct thing_member is_protected = {item, "vhosts", "protected_from_deletion", false};
    const json_t *tags = json_object_get(item, "tags");
    int rv = thing_text(&description, &out->description, note);

    if (rv == 0)
        rv = thing_text(&type, &out->default_queue_type, note);
    if (rv == 0)
        rv = thing_bool(&tracing, &out->is_tracing, note);
    if (rv == 0)
        rv = thing_bool(&is_protected, &out->is_protected, note);
    if (rv == 0 && tags != NULL && !json_is_null(tags))
        rv = take_vhost_tags(t, tags, &out->tags, note);
    return rv;
}

static int take_vhost(struct things *t, const json_t *item, struct err_note *note)
{
    struct thing_member name = {item, "vhosts", "name", true};
    const json_t *metadata = json_object_get(item, "metadata");
    struct admin_vhost v = {0};
    int rv = thing_text(&name, &v.name, note);

    if (rv == 0)
        rv = read_metadata(t, item, &v, note);
    if (rv == 0 && json_is_object(metadata))
        rv = read_metadata(t, metadata, &v, note);
    if (rv == 0 && t->is_real)
        rv = admin_put_vhost(t->broker, &v, note);
    if (rv == 0)
        rv = take_limits(t, &(struct limits){v.name, admin_set_vhost_limit},
                         json_object_get(item, "limits"), note);
    return rv;
}

/* ---- permissions ---- */

static int take_permission(struct things *t, const json_t *item, struct err_note *note)
{
    const char *const section = "permissions";
    struct thing_member configure = {item, section, "configure", true};
    struct thing_member write = {item, section, "write", true};
    struct thing_member read = {item, section, "read", true};
    struct permission p;
    struct bytes user;
    struct bytes vhost;
    int rv = take_user_name(t, item, section, &user, note);

    if (rv == 0)
        rv = thing_vhost(t, item, section, &vhost, note);
    if (rv == 0)
        rv = thing_text(&configure, &p.configure, note);
    if (rv == 0)
        rv = thing_text(&write, &p.write, note);
    if (rv == 0)
        rv = thing_text(&read, &p.read, note);
    if (rv == 0 && t->is_real)
        rv = admin_put_permission(t->broker, user, vhost, &p, note);
    return rv;
}

static int take_topic_permission(struct things *t, const json_t *item, struct err_note *note)
{
    const char *const section = "topic_permissions";
    struct thing_member exchange = {item, section, "exchange", true};
    struct thing_member write = {item, section, "write", true};
    struct thing_member read = {item, section, "read", true};
    struct topic_permission p;
    struct bytes user;
    int rv = take_user_name(t, item, section, &user, note);

    if (rv == 0)
        rv = thing_vhost(t, item, section, &p.vhost, note);
    if (rv == 0)
        rv = thing_text(&exchange, &p.exchange, note);
    if (rv == 0)
        rv = thing_text(&write, &p.write, note);
    if (rv == 0)
        rv = thing_text(&read, &p.read, note);
    if (rv == 0 && t->is_real)
        rv = admin_put_topic_permission(t->broker, user, &p, note);
    return rv;
}

/* ---- global parameters ---- */

static int add_text(const char *text, size_t size, void *owner)
{
    buf_bytes((struct buf *)owner, bytes_of(text, size));
    return 0;
}

static int take_global(struct things *t, const json_t *item, struct err_note *note)
{
    struct thing_member name = {item, "global_parameters", "name", true};
    const json_t *value = json_object_get(item, "value");
    struct global_parameter p = {.name = bytes_of(NULL, 0)};
    int rv = thing_text(&name, &p.name, note);

    if (rv == 0 && value == NULL)
        rv = err_note(note, ERR_INVALID, "key 'value' is missing in 'global_parameters'");
    if (rv != 0 || !t->is_real)
        return rv;
    buf_clear(&t->area);
    if (json_dump_callback(value, add_text, &t->area, JSON_COMPACT | JSON_ENCODE_ANY) != 0)
        return err_note(note, ERR_INVALID, "the value of global parameter '%.*s' nests too deep",
                        SHOW(p.name));
    p.value = buf_view(&t->area);
    return broker_put_global(t->broker, &p, note);
}

const struct thing_section thing_sections[THING_SECTIONS] = {
    {"users", true, take_user},
    {"vhosts", true, take_vhost},
    {"permissions", true, take_permission},
    {"topic_permissions", true, take_topic_permission},
    {"parameters", false, thing_parameter},
    {"global_parameters", true, take_global},
    {"policies", false, thing_policy},
    {"queues", false, thing_queue},
    {"exchanges", false, thing_exchange},
    {"bindings", false, thing_binding},
};
