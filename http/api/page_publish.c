/* POST exchanges/V/X/publish: one message, confirmed before the answer. */
#include "base/base64.h"
#include "base/mem.h"
#include "broker/publish.h"
#include "http/api/pages.h"
#include "http/api/shapes.h"
#include "transfer/json_table.h"

#define MS_NS UINT64_C(1000000)

enum { PROPS_MAX = 1 << 20 };

/* A message on its way. */
struct sending {
    struct api_call *call;
    struct publisher *publisher;
    struct publish publish;
    struct buf props;
    struct buf headers;
    uint8_t *payload; /* decoded, or NULL: the text of the request */
    struct bytes body;
    struct io_timer timeout;
    struct io_task task;
    bool is_published;
    bool is_routed;
    bool is_confirmed;
    bool is_rejected;
    bool is_expelled;
};

static void release(struct api_call *c)
{
    struct sending *s = c->work;

    io_timer_stop(c->api->io, &s->timeout);
    io_task_cancel(&s->task);
    if (s->publisher != NULL)
        publisher_free(s->publisher);
    buf_release(&s->props);
    buf_release(&s->headers);
    mem_free(s->payload);
    mem_free(s);
}

/* ---- its properties ---- */

/* False: the value is not of the property's kind. */
static bool set_prop(struct sending *s, struct props_edit *e, enum prop prop, const json_t *value)
{
    struct table headers;

    switch (prop_kind(prop)) {
    case PROP_KIND_TEXT:
        if (!json_is_string(value) || json_string_length(value) > UINT8_MAX)
            return false;
        props_set_text(e, prop, json_text(value));
        return true;
    case PROP_KIND_OCTET:
        if (!json_is_integer(value) || json_integer_value(value) < 0 ||
            json_integer_value(value) > UINT8_MAX)
            return false;
        props_set_octet(e, prop, (uint8_t)json_integer_value(value));
        return true;
    case PROP_KIND_TIME:
        if (!json_is_integer(value) || json_integer_value(value) < 0)
            return false;
        props_set_time(e, prop, (uint64_t)json_integer_value(value));
        return true;
    case PROP_KIND_TABLE:
        if (!json_is_object(value) || json_to_table(value, &s->headers, &headers) != 0)
            return false;
        props_set_headers(e, headers);
        return true;
    }
    return false;
}

/* Reads the member "properties"; RabbitMQ takes an empty list for none. */
static bool read_props(struct sending *s)
{
    struct api_call *c = s->call;
    const json_t *properties = json_object_get(c->body, "properties");
    struct props_edit e;

    if (properties == NULL) {
        api_bad_request(c, "[{key_missing,properties}]");
        return false;
    }
    props_edit_init(&e, NULL);
    for (int prop = 0; prop < PROP_COUNT; prop++) {
        const json_t *value = json_object_get(properties, prop_name((enum prop)prop));

        if (value != NULL && !set_prop(s, &e, (enum prop)prop, value)) {
            api_bad_request(c, "property '%s' is not valid", prop_name((enum prop)prop));
            return false;
        }
    }
    props_encode(&e, &s->props);
    if (buf_error(&s->props) == 0 &&
        props_decode(buf_view(&s->props), &s->publish.message.props) == 0)
        return true;
    api_bad_request(c, "the properties are too large");
    return false;
}

/* ---- its payload ---- */

static bool read_payload(struct sending *s)
{
    struct api_call *c = s->call;
    struct bytes text = {0};
    struct bytes encoding = {0};
    size_t size = 0;

    if (!api_body_text(c, "payload", true, &text) ||
        !api_body_text(c, "payload_encoding", true, &encoding))
        return false;
    s->body = text;
    if (bytes_equal(encoding, bytes_text("base64"))) {
        s->payload = mem_try(base64_size_max(text.size) + 1);
        if (s->payload == NULL || base64_decode(text, s->payload, &size) != 0) {
            api_bad_request(c, "the payload is not base64");
            return false;
        }
        s->body = bytes_of(s->payload, size);
    } else if (!bytes_equal(encoding, bytes_text("string"))) {
        api_bad_request(c, "unsupported_encoding: %.*s", API_SHOW(encoding));
        return false;
    }
    if (s->body.size > broker_message_max(c->api->broker)) {
        api_bad_request(c,
                        "406 PRECONDITION_FAILED - message size %zu is larger than configured "
                        "max size %llu",
                        s->body.size, (unsigned long long)broker_message_max(c->api->broker));
        return false;
    }
    return true;
}

/* ---- sent ---- */

static void answer_routed(struct api_call *c, bool is_routed)
{
    struct tell t;

    api_start(c, &t);
    tell_object(&t, NULL);
    tell_bool(&t, "routed", is_routed);
    tell_end(&t);
    api_answer(c, 200, &c->api->reply);
}

static const char *code_name(enum refusal_code code)
{
    switch (code) {
    case REFUSE_ACCESS:
        return "ACCESS_REFUSED";
    case REFUSE_NOT_FOUND:
        return "NOT_FOUND";
    case REFUSE_PRECONDITION:
        return "PRECONDITION_FAILED";
    default:
        return "ERROR";
    }
}

static void try_publish(struct sending *s)
{
    struct published out = {0};
    struct refusal refusal;
    int rv = broker_publish(s->publisher, &s->publish, &out, &refusal);

    if (rv == ERR_AGAIN)
        return; /* it goes on when on_resumed() comes */
    if (rv != 0) {
        api_bad_request(s->call, "%d %s - %s", refusal.code, code_name(refusal.code), refusal.text);
        return;
    }
    s->is_published = true;
    s->is_routed = out.places > 0;
}

/* What became of it, outside of the calls that told it. */
static void on_task(struct io_task *t)
{
    struct sending *s = CONTAINER_OF(t, struct sending, task);

    if (s->is_expelled)
        api_fail(s->call, 404, "not_found", "the virtual host or the user is deleted");
    else if (s->is_confirmed)
        answer_routed(s->call, s->is_routed);
    else if (s->is_rejected)
        api_bad_request(s->call, "the message was rejected: a queue is full, or it could not be "
                                 "stored");
    else if (!s->is_published)
        try_publish(s);
}

static void go_on(struct sending *s)
{
    io_later(s->call->api->io, &s->task);
}

static void on_confirmed(void *owner, uint64_t seq)
{
    struct sending *s = owner;

    (void)seq;
    s->is_confirmed = true;
    go_on(s);
}

static void on_rejected(void *owner, uint64_t seq)
{
    struct sending *s = owner;

    (void)seq;
    s->is_rejected = true;
    go_on(s);
}

static void on_reply(void *owner, const struct message *m)
{
    (void)owner;
    (void)m;
}

static void on_resumed(void *owner)
{
    go_on(owner);
}

static void on_expelled(void *owner, const struct refusal *why)
{
    struct sending *s = owner;

    (void)why;
    s->is_expelled = true;
    go_on(s);
}

static void on_timeout(struct io_timer *t)
{
    struct sending *s = CONTAINER_OF(t, struct sending, timeout);

    api_fail(s->call, 504, "gateway_timeout",
             s->is_published ? "the message is not confirmed yet"
                             : "publishers are held back: the message was not published");
}

static const struct publisher_ops ops = {
    .confirmed = on_confirmed, .rejected = on_rejected, .reply = on_reply};

static void publish(struct sending *s)
{
    struct api_call *c = s->call;
    const struct visit_spec spec = {
        .user = c->user,
        .vhost = c->vhost,
        .is_brief = true,
        .calls = {.owner = s, .resumed = on_resumed, .expelled = on_expelled},
    };
    struct refusal refusal;

    if (broker_visit(c->api->broker, &spec, &c->visit, &refusal) != 0) {
        api_not_authorised(c, "User not authorised to access virtual host");
        return;
    }
    s->publisher = publisher_new(c->visit, &ops, s);
    publisher_confirm(s->publisher);
    io_timer_start(c->api->io, &s->timeout, c->api->options->publish_timeout_ms * MS_NS);
    /* What is blocked would not be read from a connection either. */
    if (visit_blocked(c->visit) == NULL)
        try_publish(s);
}

void exchange_post_publish(struct api_call *c)
{
    struct sending *s = MEM_NEW(struct sending);
    struct message *m = &s->publish.message;

    s->call = c;
    buf_init(&s->props, PROPS_MAX);
    buf_init(&s->headers, PROPS_MAX);
    io_timer_init(&s->timeout, on_timeout);
    io_task_init(&s->task, on_task);
    c->work = s;
    c->release = release;
    if (!api_body_text(c, "routing_key", true, &m->routing_key) || !read_props(s) ||
        !read_payload(s))
        return;
    if (m->routing_key.size > UINT8_MAX) {
        api_bad_request(c, "a routing key has at most 255 bytes");
        return;
    }
    m->exchange = api_exchange_name(c->args[0]);
    m->body = &s->body;
    m->body_count = s->body.size > 0;
    m->body_size = s->body.size;
    publish(s);
}
