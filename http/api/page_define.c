/* Queues, exchanges and bindings: declared, deleted, purged. */
#include <string.h>

#include "base/mem.h"
#include "broker/consume.h"
#include "broker/define.h"
#include "http/api/pages.h"
#include "http/api/shapes.h"

/* ---- queues ---- */

void queue_put(struct api_call *c)
{
    struct define_queue d = {.name = c->args[0]};
    struct look_queue old;
    struct defined_queue defined;
    struct refusal refusal;
    bool is_old = look_find_queue(c->api->broker, c->vhost, c->args[0], &old);

    if (!api_body_bool(c, "durable", &d.is_durable) ||
        !api_body_bool(c, "auto_delete", &d.is_auto_delete) ||
        !api_body_table(c, "arguments", &d.arguments) || !api_visit(c))
        return;
    if (d.name.size == 0 || d.name.size > UINT8_MAX)
        api_bad_request(c, "a queue's name has 1 to 255 bytes");
    else if (define_queue(c->visit, &d, &defined, &refusal) != 0)
        api_refused(c, &refusal);
    else
        api_answer_when_safe(c, is_old ? 204 : 201);
}

void queue_delete_one(struct api_call *c)
{
    const struct define_queue_delete d = {
        .name = c->args[0],
        .if_unused = api_query_is_true(c, "if-unused"),
        .if_empty = api_query_is_true(c, "if-empty"),
    };
    struct look_queue q;
    struct refusal refusal;
    uint64_t ready = 0;

    if (!look_find_queue(c->api->broker, c->vhost, c->args[0], &q)) {
        api_not_found(c);
        return;
    }
    if (!api_visit(c))
        return;
    if (define_queue_delete(c->visit, &d, &ready, &refusal) != 0)
        api_refused(c, &refusal);
    else
        api_answer_when_safe(c, 204);
}

void queue_purge_one(struct api_call *c)
{
    struct look_queue q;
    struct refusal refusal;
    uint64_t count = 0;

    if (!look_find_queue(c->api->broker, c->vhost, c->args[0], &q)) {
        api_not_found(c);
        return;
    }
    if (!api_visit(c))
        return;
    if (broker_purge(c->visit, c->args[0], &count, &refusal) != 0)
        api_refused(c, &refusal);
    else
        api_answer_empty(c, 204);
}

/* What RabbitMQ's mirrors needed; there are none. */
void queue_post_actions(struct api_call *c)
{
    struct look_queue q;
    struct bytes action = {0};

    if (!look_find_queue(c->api->broker, c->vhost, c->args[0], &q))
        api_not_found(c);
    else if (api_body_text(c, "action", true, &action))
        api_bad_request(c, "unknown action '%.*s': queues here have no mirrors", API_SHOW(action));
}

/* ---- exchanges ---- */

void exchange_put(struct api_call *c)
{
    struct define_exchange d = {.name = c->args[0], .type = bytes_text("direct")};
    struct look_exchange old;
    struct refusal refusal;
    bool is_old = look_find_exchange(c->api->broker, c->vhost, c->args[0], &old);

    if (!api_body_text(c, "type", false, &d.type) || !api_body_bool(c, "durable", &d.is_durable) ||
        !api_body_bool(c, "auto_delete", &d.is_auto_delete) ||
        !api_body_bool(c, "internal", &d.is_internal) ||
        !api_body_table(c, "arguments", &d.arguments) || !api_visit(c))
        return;
    if (d.name.size > UINT8_MAX || d.type.size > UINT8_MAX)
        api_bad_request(c, "names and types of exchanges have at most 255 bytes");
    else if (define_exchange(c->visit, &d, &refusal) != 0)
        api_refused(c, &refusal);
    else
        api_answer_when_safe(c, is_old ? 204 : 201);
}

void exchange_delete_one(struct api_call *c)
{
    struct look_exchange x;
    struct refusal refusal;

    if (!look_find_exchange(c->api->broker, c->vhost, c->args[0], &x)) {
        api_not_found(c);
        return;
    }
    if (!api_visit(c))
        return;
    if (define_exchange_delete(c->visit, c->args[0], api_query_is_true(c, "if-unused"), &refusal) !=
        0)
        api_refused(c, &refusal);
    else
        api_answer_when_safe(c, 204);
}

/* ---- bindings ---- */

/* The binding of the path between the two ends; it is borrowed for the turn. */
static bool find_binding(struct api_call *c, bool is_to_exchange, struct look_binding *out)
{
    const struct look_end end = {
        .vhost = c->vhost,
        .name = c->args[1],
        .side = is_to_exchange ? LOOK_TO_EXCHANGE : LOOK_TO_QUEUE,
    };
    struct bytes source = api_exchange_name(c->args[0]);
    const struct binding *at = NULL;
    char key[SHAPES_KEY_SIZE];

    while ((at = look_binding_of(c->api->broker, &end, at, out)) != NULL) {
        bool is_plain = out->arguments.bytes.size == 0 && bytes_equal(out->key, c->args[2]);

        if (bytes_equal(out->source, source) &&
            (is_plain || bytes_equal(binding_key(out, key), c->args[2])))
            return true;
    }
    return false;
}

static void get_binding(struct api_call *c, bool is_to_exchange)
{
    struct look_binding b;
    struct tell t;

    if (!find_binding(c, is_to_exchange, &b)) {
        api_not_found(c);
        return;
    }
    api_start(c, &t);
    tell_binding(&t, &b);
    api_answer(c, 200, &c->api->reply);
}

static void delete_binding(struct api_call *c, bool is_to_exchange)
{
    struct look_binding b;
    struct refusal refusal;

    if (!find_binding(c, is_to_exchange, &b)) {
        api_not_found(c);
        return;
    }
    if (!api_visit(c))
        return;
    /* Copies, as what is borrowed goes with the binding. */
    buf_clear(&c->api->arguments);
    buf_bytes(&c->api->arguments, b.arguments.bytes);
    uint8_t key[UINT8_MAX];
    memcpy(key, b.key.size == 0 ? (const uint8_t *)"" : b.key.data, b.key.size);
    const struct define_binding d = {
        .source = api_exchange_name(c->args[0]),
        .destination = c->args[1],
        .is_to_exchange = is_to_exchange,
        .key = bytes_of(key, b.key.size),
        .arguments = {buf_view(&c->api->arguments)},
    };
    if (define_unbind(c->visit, &d, &refusal) != 0)
        api_refused(c, &refusal);
    else
        api_answer_when_safe(c, 204);
}

/* "q/key": where the binding is from now on, seen from the path that it was posted to. */
static void add_location(struct api_call *c, const struct define_binding *d)
{
    const struct look_binding b = {.key = d->key, .arguments = d->arguments};
    char key[SHAPES_KEY_SIZE];
    struct bytes id = binding_key(&b, key);
    struct buf out;

    buf_init(&out, 4096);
    for (size_t i = 0; i < id.size; i++) {
        if (id.data[i] == '%' || id.data[i] == '+')
            buf_text(&out, "%%%02X", id.data[i]);
        else
            buf_u8(&out, id.data[i]);
    }
    buf_u8(&out, '\0');
    if (buf_error(&out) == 0)
        http_answer_field(c->http, "location", "%.*s/%s", API_SHOW(api_raw_segment(c)),
                          (const char *)out.data);
    buf_release(&out);
}

static void post_binding(struct api_call *c, bool is_to_exchange)
{
    struct define_binding d = {
        .source = api_exchange_name(c->args[0]),
        .destination = c->args[1],
        .is_to_exchange = is_to_exchange,
    };
    struct refusal refusal;

    if (!api_body_text(c, "routing_key", false, &d.key) ||
        !api_body_table(c, "arguments", &d.arguments) || !api_visit(c))
        return;
    if (d.key.size > UINT8_MAX) {
        api_bad_request(c, "a routing key has at most 255 bytes");
        return;
    }
    if (define_bind(c->visit, &d, &refusal) != 0) {
        api_refused(c, &refusal);
        return;
    }
    add_location(c, &d);
    api_answer_when_safe(c, 201);
}

void bindings_get_queue(struct api_call *c)
{
    api_list_bindings_between(c, false);
}

void bindings_post_queue(struct api_call *c)
{
    post_binding(c, false);
}

void bindings_get_exchange(struct api_call *c)
{
    api_list_bindings_between(c, true);
}

void bindings_post_exchange(struct api_call *c)
{
    post_binding(c, true);
}

void binding_get_queue(struct api_call *c)
{
    get_binding(c, false);
}

void binding_delete_queue(struct api_call *c)
{
    delete_binding(c, false);
}

void binding_get_exchange(struct api_call *c)
{
    get_binding(c, true);
}

void binding_delete_exchange(struct api_call *c)
{
    delete_binding(c, true);
}
