/* Calls: made, answered, freed; what was asked. */
#include "http/api/call.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/mem.h"
#include "base/parse.h"
#include "http/api/pages.h"
#include "transfer/json_table.h"

enum { REASON_SIZE = 1200 };

const char api_content_type[] = "application/json";

struct api_call *api_call_new(struct api *a, struct http_call *http)
{
    struct api_call *c = MEM_NEW(struct api_call);

    c->api = a;
    c->http = http;
    c->request = http_call_request(http);
    list_push(&a->calls, &c->link);
    http_call_set_data(http, c);
    return c;
}

void api_call_free(struct api_call *c)
{
    if (c->release != NULL)
        c->release(c);
    if (list_linked(&c->waiter.link))
        broker_wait_cancel(&c->waiter);
    if (c->visit != NULL)
        visit_end(c->visit);
    user_unref(c->user);
    json_decref(c->body);
    list_remove(&c->link);
    mem_free(c);
}

/* ---- answers ---- */

/* The origin that the request says, when its pages may ask. */
static bool find_origin(const struct api_call *c, struct bytes *out)
{
    const struct api_options *o = c->api->options;

    if (!http_head_find(&c->request->head, "origin", out))
        return false;
    for (size_t i = 0; i < API_ORIGINS_MAX; i++) {
        struct bytes allowed = bytes_text(o->cors_origins[i]);

        if (allowed.size > 0 &&
            (bytes_equal(allowed, bytes_text("*")) || bytes_equal(allowed, *out)))
            return true;
    }
    return false;
}

/* Fields that RabbitMQ gives too, and that keep a browser from taking an answer for a page. */
static void add_fields(struct api_call *c)
{
    struct bytes origin = {0};

    http_answer_field(c->http, "cache-control", "no-cache");
    http_answer_field(c->http, "vary", "accept, accept-encoding, origin");
    http_answer_field(c->http, "x-content-type-options", "nosniff");
    http_answer_field(c->http, "content-security-policy", "default-src 'none'");
    if (!find_origin(c, &origin))
        return;
    http_answer_field(c->http, "access-control-allow-origin", "%.*s", API_SHOW(origin));
    http_answer_field(c->http, "access-control-allow-credentials", "true");
    if (c->request->head.method != HTTP_OPTIONS)
        return;
    http_answer_field(c->http, "access-control-max-age", "%" PRId64,
                      c->api->options->cors_max_age_s);
    http_answer_field(c->http, "access-control-allow-headers",
                      "accept, authorization, content-type, x-reason");
    http_answer_field(c->http, "access-control-allow-methods", "GET, HEAD, PUT, POST, DELETE");
}

static void finish(struct api_call *c, int status, struct bytes body)
{
    struct http_call *http = c->http;

    add_fields(c);
    http_call_set_data(http, NULL);
    http_answer(http, status, body.size == 0 ? NULL : api_content_type, body);
    api_call_free(c); /* what the body lies in may go with it */
}

void api_answer(struct api_call *c, int status, struct buf *body)
{
    if (buf_error(body) != 0)
        api_fail(c, 500, "internal_server_error", "the answer is too large");
    else
        finish(c, status, buf_view(body));
}

void api_answer_empty(struct api_call *c, int status)
{
    finish(c, status, bytes_of(NULL, 0));
}

void api_answer_parts(struct api_call *c, http_more_fn *more, void *owner)
{
    add_fields(c);
    http_answer_parts(c->http, 200, api_content_type, more, owner);
}

static void fail_with(struct api_call *c, int status, const char *error, const char *reason)
{
    struct buf *out = &c->api->reply;
    struct tell t;

    buf_clear(out);
    tell_init(&t, out, NULL);
    tell_object(&t, NULL);
    tell_string(&t, "error", error);
    tell_string(&t, "reason", reason);
    tell_end(&t);
    finish(c, status, buf_view(out));
}

void api_fail(struct api_call *c, int status, const char *error, const char *format, ...)
{
    char reason[REASON_SIZE];
    va_list args;

    va_start(args, format);
    if (vsnprintf(reason, sizeof(reason), format, args) < 0)
        reason[0] = '\0';
    va_end(args);
    fail_with(c, status, error, reason);
}

void api_bad_request(struct api_call *c, const char *format, ...)
{
    char reason[REASON_SIZE];
    va_list args;

    va_start(args, format);
    if (vsnprintf(reason, sizeof(reason), format, args) < 0)
        reason[0] = '\0';
    va_end(args);
    fail_with(c, 400, "bad_request", reason);
}

void api_not_found(struct api_call *c)
{
    fail_with(c, 404, "Object Not Found", "Not Found");
}

void api_not_authorised(struct api_call *c, const char *reason)
{
    fail_with(c, 401, "not_authorised", reason);
}

void api_refused(struct api_call *c, const struct refusal *r)
{
    switch (r->code) {
    case REFUSE_ACCESS:
        api_not_authorised(c, r->text);
        break;
    case REFUSE_NOT_FOUND:
        fail_with(c, 404, "not_found", r->text);
        break;
    default:
        fail_with(c, 400, "bad_request", r->text);
        break;
    }
}

void api_failed(struct api_call *c, int err, const struct err_note *note)
{
    const char *reason = note->text[0] == '\0' ? err_text(err) : note->text;

    if (err == ERR_NOT_FOUND)
        fail_with(c, 404, "not_found", reason);
    else if (err == ERR_INVALID || err == ERR_RANGE || err == ERR_EXISTS || err == ERR_FULL)
        fail_with(c, 400, "bad_request", reason);
    else if (err == ERR_DENIED)
        fail_with(c, 412, "precondition_failed", reason);
    else
        fail_with(c, 500, "internal_server_error", reason);
}

/* ---- when it is safe ---- */

static void on_safe(struct broker_waiter *w, int err)
{
    struct api_call *c = CONTAINER_OF(w, struct api_call, waiter);

    if (err != 0)
        api_fail(c, 500, "internal_server_error", "what was asked for could not be stored");
    else
        c->when_safe(c);
}

void api_when_safe(struct api_call *c, void (*next)(struct api_call *c))
{
    c->when_safe = next;
    c->waiter.done = on_safe;
    if (!broker_wait(c->api->broker, &c->waiter))
        next(c);
}

static void answer_now(struct api_call *c)
{
    api_answer_empty(c, c->status_when_safe);
}

void api_answer_when_safe(struct api_call *c, int status)
{
    c->status_when_safe = status;
    api_when_safe(c, answer_now);
}

/* ---- what was asked ---- */

struct bytes api_raw_segment(const struct api_call *c)
{
    struct bytes path = c->request->target.path;
    size_t at = path.size;

    while (at > 0 && path.data[at - 1] != '/')
        at--;
    return bytes_of(path.data + at, path.size - at);
}

bool api_query(const struct api_call *c, const char *name, struct bytes *value)
{
    return http_target_find(&c->request->target, name, value);
}

bool api_query_is_true(const struct api_call *c, const char *name)
{
    struct bytes value;

    return api_query(c, name, &value) && bytes_equal(value, bytes_text("true"));
}

static bool fail_missing(struct api_call *c, const char *name)
{
    api_bad_request(c, "[{key_missing,%s}]", name);
    return false;
}

static bool fail_kind(struct api_call *c, const char *name, const char *kind)
{
    api_bad_request(c, "'%s' must be %s", name, kind);
    return false;
}

bool api_body_text(struct api_call *c, const char *name, bool is_needed, struct bytes *out)
{
    const json_t *value = json_object_get(c->body, name);

    if (value == NULL)
        return !is_needed || fail_missing(c, name);
    if (!json_is_string(value))
        return fail_kind(c, name, "a string");
    *out = json_text(value);
    return true;
}

/* RabbitMQ takes the words too. */
bool api_body_bool(struct api_call *c, const char *name, bool *out)
{
    const json_t *value = json_object_get(c->body, name);
    struct bytes word = json_is_string(value) ? json_text(value) : bytes_of(NULL, 0);

    if (value == NULL)
        return true;
    if (json_is_true(value) || bytes_equal(word, bytes_text("true")))
        *out = true;
    else if (json_is_false(value) || bytes_equal(word, bytes_text("false")))
        *out = false;
    else
        return fail_kind(c, name, "true or false");
    return true;
}

bool api_body_int(struct api_call *c, const char *name, bool is_needed, int64_t *out)
{
    const json_t *value = json_object_get(c->body, name);

    if (value == NULL)
        return !is_needed || fail_missing(c, name);
    if (json_is_string(value) && parse_i64(json_text(value), INT64_MIN, INT64_MAX, out) == 0)
        return true; /* as rabbitmqadmin sends it */
    if (!json_is_integer(value))
        return fail_kind(c, name, "a whole number");
    *out = json_integer_value(value);
    return true;
}

bool api_body_table(struct api_call *c, const char *name, struct table *out)
{
    const json_t *value = json_object_get(c->body, name);

    buf_clear(&c->api->arguments);
    *out = (struct table){0};
    if (value == NULL)
        return true;
    if (json_is_array(value) && json_array_size(value) == 0) /* how some write an empty object */
        return true;
    if (!json_is_object(value))
        return fail_kind(c, name, "an object");
    if (json_to_table(value, &c->api->arguments, out) != 0) {
        api_bad_request(c, "'%s' is too large or too deep for a table of arguments", name);
        return false;
    }
    return true;
}

bool api_visit(struct api_call *c)
{
    const struct visit_spec spec = {.user = c->user, .vhost = c->vhost, .is_brief = true};
    struct refusal refusal;

    ASSERT(c->visit == NULL);
    if (broker_visit(c->api->broker, &spec, &c->visit, &refusal) == 0)
        return true;
    api_not_authorised(c, "User not authorised to access virtual host");
    return false;
}

bool api_may_administrate(const struct api_call *c)
{
    return user_has_tag(c->user, "administrator");
}

bool api_may_monitor(const struct api_call *c)
{
    return api_may_administrate(c) || user_has_tag(c->user, "monitoring");
}

bool api_may_see(struct api_call *c, struct bytes vhost)
{
    return api_may_monitor(c) || auth_may_enter(broker_auth(c->api->broker), c->user, vhost);
}
