/* Definitions, out and in; parameters, global and of virtual hosts. */
#include "base/mem.h"
#include "broker/admin.h"
#include "broker/parameters.h"
#include "http/api/json_in.h"
#include "http/api/pages.h"
#include "http/api/shapes.h"
#include "transfer/transfer.h"

/* ---- out ---- */

static void release_export(struct api_call *c)
{
    transfer_export_free(c->work);
}

static enum http_more on_more(void *owner, struct http_call *http, struct buf *out)
{
    struct api_call *c = owner;

    (void)http;
    if (transfer_export_next(c->work, out, HTTP_PART_SIZE))
        return HTTP_MORE_PART;
    api_call_free(c);
    return HTTP_MORE_LAST;
}

void definitions_get(struct api_call *c)
{
    const struct transfer_export_open open = {
        .broker = c->api->broker,
        .vhost = c->vhost,
        .rabbit_version = BROKER_RABBITMQ_VERSION,
        .product_version = MILLRACE_VERSION,
        .cluster_name = c->api->cluster_name,
    };
    struct bytes file = {0};

    if (api_query(c, "download", &file))
        http_answer_field(c->http, "content-disposition", "attachment; filename=\"%.*s\"",
                          API_SHOW(file));
    c->work = transfer_export_new(&open);
    c->release = release_export;
    api_answer_parts(c, on_more, c);
}

/* ---- in ---- */

/* An import under way, or over. */
struct importing {
    struct api_call *call;
    struct transfer_import *import; /* NULL: it is over */
};

static void release_import(struct api_call *c)
{
    struct importing *i = c->work;

    if (i->import != NULL)
        transfer_import_cancel(i->import);
    mem_free(i);
}

static void on_imported(void *owner, int err, const struct err_note *note)
{
    struct importing *i = owner;
    struct api_call *c = i->call;

    i->import = NULL;
    if (err == 0)
        api_answer_empty(c, 204);
    else if (err == ERR_FAILED)
        api_fail(c, 500, "internal_server_error", "the definitions could not be stored");
    else
        api_bad_request(c, "%s", note->text);
}

void definitions_post(struct api_call *c)
{
    struct importing *i = MEM_NEW(struct importing);
    const struct transfer_import_open open = {
        .broker = c->api->broker,
        .document = c->body,
        .vhost = c->vhost,
        .owner = i,
        .done = on_imported,
    };

    i->call = c;
    c->work = i;
    c->release = release_import;
    i->import = transfer_import(&open);
}

/* ---- global parameters ---- */

static void tell_global(struct tell *t, const struct global_parameter *p)
{
    tell_object(t, NULL);
    tell_text(t, "name", p->name);
    tell_raw(t, "value", p->value);
    tell_end(t);
}

void globals_get(struct api_call *c)
{
    struct global_parameter p;
    struct tell t;

    api_start(c, &t);
    tell_array(&t, NULL);
    for (size_t i = 0; broker_get_global(c->api->broker, i, &p); i++)
        tell_global(&t, &p);
    tell_end(&t);
    api_answer(c, 200, &c->api->reply);
}

void global_get_one(struct api_call *c)
{
    struct global_parameter p;
    struct tell t;

    if (!broker_find_global(c->api->broker, c->args[0], &p)) {
        api_not_found(c);
        return;
    }
    api_start(c, &t);
    tell_global(&t, &p);
    api_answer(c, 200, &c->api->reply);
}

static void put_global(struct api_call *c, struct bytes name, const json_t *value)
{
    struct global_parameter old;
    struct err_note note = {{0}};
    bool is_old = broker_find_global(c->api->broker, name, &old);
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    const struct global_parameter p = {.name = name, .value = bytes_text(text)};
    int rv = broker_put_global(c->api->broker, &p, &note);

    mem_free(text);
    if (rv != 0)
        api_failed(c, rv, &note);
    else
        api_answer_when_safe(c, is_old ? 204 : 201);
}

void global_put(struct api_call *c)
{
    const json_t *value = json_object_get(c->body, "value");

    if (value == NULL)
        api_bad_request(c, "[{key_missing,value}]");
    else
        put_global(c, c->args[0], value);
}

void global_delete(struct api_call *c)
{
    if (broker_delete_global(c->api->broker, c->args[0], NULL) != 0)
        api_not_found(c);
    else
        api_answer_when_safe(c, 204);
}

/* ---- the cluster's name is one of them ---- */

static const char cluster_name[] = "cluster_name";

void tell_cluster_name(const struct api *a, struct tell *t, const char *name)
{
    struct global_parameter p;

    if (broker_find_global(a->broker, bytes_text(cluster_name), &p))
        tell_raw(t, name, p.value);
    else
        tell_string(t, name, a->cluster_name);
}

void cluster_name_get(struct api_call *c)
{
    struct tell t;

    api_start(c, &t);
    tell_object(&t, NULL);
    tell_cluster_name(c->api, &t, "name");
    tell_end(&t);
    api_answer(c, 200, &c->api->reply);
}

void cluster_name_put(struct api_call *c)
{
    struct global_parameter p;
    struct bytes name = {0};
    struct err_note note = {{0}};
    char *text = NULL;
    int rv = 0;

    if (!api_body_text(c, "name", true, &name))
        return;
    text = json_dumps(json_object_get(c->body, "name"), JSON_COMPACT | JSON_ENCODE_ANY);
    p = (struct global_parameter){.name = bytes_text(cluster_name), .value = bytes_text(text)};
    rv = broker_put_global(c->api->broker, &p, &note);
    mem_free(text);
    if (rv != 0)
        api_failed(c, rv, &note);
    else
        api_answer_when_safe(c, 204);
}

/* ---- parameters of virtual hosts: their limits are the only ones ---- */

static const char limits_component[] = "vhost-limits";

static bool has_limits(const struct look_vhost *v)
{
    return v->connections_max != LOOK_UNSET || v->queues_max != LOOK_UNSET;
}

static void tell_limits(struct tell *t, const struct look_vhost *v)
{
    tell_object(t, NULL);
    tell_object(t, "value");
    if (v->connections_max != LOOK_UNSET)
        tell_int(t, "max-connections", v->connections_max);
    if (v->queues_max != LOOK_UNSET)
        tell_int(t, "max-queues", v->queues_max);
    tell_end(t);
    tell_text(t, "vhost", v->name);
    tell_string(t, "component", limits_component);
    tell_string(t, "name", "limits");
    tell_end(t);
}

void parameters_get(struct api_call *c)
{
    bool is_limits = c->arg_count == 0 || bytes_equal(c->args[0], bytes_text(limits_component));
    struct look_vhost v;
    struct look l;
    struct tell t;

    api_start(c, &t);
    tell_array(&t, NULL);
    look_open(&l, c->api->broker, LOOK_VHOSTS, c->vhost);
    while (is_limits && look_vhost(&l, &v))
        if (has_limits(&v) && api_may_see(c, v.name))
            tell_limits(&t, &v);
    look_close(&l);
    tell_end(&t);
    api_answer(c, 200, &c->api->reply);
}

/* Whether the path names limits that are there. */
static bool find_limits(struct api_call *c, struct look_vhost *v)
{
    return bytes_equal(c->args[0], bytes_text(limits_component)) &&
           bytes_equal(c->args[1], bytes_text("limits")) &&
           look_find_vhost(c->api->broker, c->vhost, v) && has_limits(v);
}

void parameter_get_one(struct api_call *c)
{
    struct look_vhost v;
    struct tell t;

    if (!find_limits(c, &v)) {
        api_not_found(c);
        return;
    }
    api_start(c, &t);
    tell_limits(&t, &v);
    api_answer(c, 200, &c->api->reply);
}

static int set_limit(struct api_call *c, const char *name, const json_t *value,
                     struct err_note *note)
{
    if (value == NULL)
        return admin_set_vhost_limit(c->api->broker, c->vhost, bytes_text(name), ADMIN_UNSET, note);
    if (!json_is_integer(value))
        return err_note(note, ERR_INVALID, "'%s' must be a whole number", name);
    return admin_set_vhost_limit(c->api->broker, c->vhost, bytes_text(name),
                                 json_integer_value(value), note);
}

void parameter_put(struct api_call *c)
{
    const json_t *value = json_object_get(c->body, "value");
    struct look_vhost v;
    struct err_note note = {{0}};
    bool is_old = find_limits(c, &v);
    int rv = 0;

    if (!bytes_equal(c->args[0], bytes_text(limits_component))) {
        api_bad_request(c, "Validation failed\n\ncomponent %.*s not found\n", API_SHOW(c->args[0]));
        return;
    }
    if (!json_is_object(value)) {
        api_bad_request(c, "[{key_missing,value}]");
        return;
    }
    rv = set_limit(c, "max-connections", json_object_get(value, "max-connections"), &note);
    if (rv == 0)
        rv = set_limit(c, "max-queues", json_object_get(value, "max-queues"), &note);
    if (rv != 0)
        api_failed(c, rv, &note);
    else
        api_answer_when_safe(c, is_old ? 204 : 201);
}

void parameter_delete(struct api_call *c)
{
    struct look_vhost v;
    struct err_note note = {{0}};
    int rv = 0;

    if (!find_limits(c, &v)) {
        api_not_found(c);
        return;
    }
    rv = set_limit(c, "max-connections", NULL, &note);
    if (rv == 0)
        rv = set_limit(c, "max-queues", NULL, &note);
    if (rv != 0)
        api_failed(c, rv, &note);
    else
        api_answer_when_safe(c, 204);
}
