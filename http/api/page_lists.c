/* The lists, and single things of them. */
#include "http/api/listing.h"
#include "http/api/pages.h"
#include "http/api/shapes.h"

static const struct bytes all = {NULL, 0};

/* ---- queues ---- */

void queues_get(struct api_call *c)
{
    list_answer(c, &list_queues, c->vhost, all);
}

static void tell_consumer_details(struct api *a, struct tell *t, const struct look_queue *q)
{
    struct look_consumer consumer;
    const struct consumer *at = NULL;

    tell_array(t, "consumer_details");
    while ((at = look_consumer(q, at, &consumer)) != NULL)
        tell_consumer(a, t, &consumer);
    tell_end(t);
}

void queue_get_one(struct api_call *c)
{
    struct look_queue q;
    struct tell t;

    if (!look_find_queue(c->api->broker, c->vhost, c->args[0], &q)) {
        api_not_found(c);
        return;
    }
    api_start(c, &t);
    tell_object(&t, NULL);
    tell_queue(c->api, &t, &q);
    tell_consumer_details(c->api, &t, &q);
    tell_queue_flows(c->api, &t, &q);
    tell_end(&t);
    api_answer(c, 200, &c->api->reply);
}

void queue_get_bindings(struct api_call *c)
{
    const struct list_ask ask = {
        .vhost = c->vhost,
        .end = {.vhost = c->vhost, .name = c->args[0], .side = LOOK_TO_QUEUE},
    };

    list_answer_end(c, &list_bindings_of, &ask);
}

void consumers_get(struct api_call *c)
{
    list_answer(c, &list_consumers, c->vhost, all);
}

/* ---- exchanges: the default one has no name, and is called amq.default in paths ---- */

struct bytes api_exchange_name(struct bytes arg)
{
    return bytes_equal(arg, bytes_text("amq.default")) ? bytes_of("", 0) : arg;
}

void exchanges_get(struct api_call *c)
{
    list_answer(c, &list_exchanges, c->vhost, all);
}

void exchange_get_one(struct api_call *c)
{
    struct look_exchange x;
    struct tell t;

    if (!look_find_exchange(c->api->broker, c->vhost, api_exchange_name(c->args[0]), &x)) {
        api_not_found(c);
        return;
    }
    api_start(c, &t);
    tell_object(&t, NULL);
    tell_exchange(c->api, &t, &x);
    tell_exchange_flows(c->api, &t, &x);
    tell_end(&t);
    api_answer(c, 200, &c->api->reply);
}

static void exchange_bindings(struct api_call *c, bool is_source)
{
    const struct list_ask ask = {
        .vhost = c->vhost,
        .end = {.vhost = c->vhost,
                .name = api_exchange_name(c->args[0]),
                .side = is_source ? LOOK_FROM_EXCHANGE : LOOK_TO_EXCHANGE},
    };

    list_answer_end(c, &list_bindings_of, &ask);
}

void exchange_get_source(struct api_call *c)
{
    exchange_bindings(c, true);
}

void exchange_get_destination(struct api_call *c)
{
    exchange_bindings(c, false);
}

/* ---- bindings ---- */

void bindings_get(struct api_call *c)
{
    list_answer(c, &list_bindings, c->vhost, all);
}

void api_list_bindings_between(struct api_call *c, bool is_to_exchange)
{
    const struct list_ask ask = {
        .vhost = c->vhost,
        .filter = c->args[1],
        .filter_is_exchange = is_to_exchange,
        .end = {.vhost = c->vhost,
                .name = api_exchange_name(c->args[0]),
                .side = LOOK_FROM_EXCHANGE},
    };

    list_answer_end(c, &list_bindings_of, &ask);
}

/* ---- virtual hosts, users, permissions ---- */

void vhosts_get(struct api_call *c)
{
    list_answer(c, &list_vhosts, all, all);
}

void vhost_get_one(struct api_call *c)
{
    struct look_vhost v;
    struct tell t;

    if (!look_find_vhost(c->api->broker, c->vhost, &v)) {
        api_not_found(c);
        return;
    }
    api_start(c, &t);
    tell_object(&t, NULL);
    tell_vhost(c->api, &t, &v);
    tell_end(&t);
    api_answer(c, 200, &c->api->reply);
}

void users_get(struct api_call *c)
{
    list_answer(c, &list_users, all, all);
}

void users_get_without_permissions(struct api_call *c)
{
    list_answer(c, &list_users_without_permissions, all, all);
}

void user_get_one(struct api_call *c)
{
    struct look_user u;
    struct tell t;

    if (!look_find_user(c->api->broker, c->args[0], &u)) {
        api_not_found(c);
        return;
    }
    api_start(c, &t);
    tell_object(&t, NULL);
    tell_user(&t, &u);
    tell_end(&t);
    api_answer(c, 200, &c->api->reply);
}

static bool has_user(struct api_call *c)
{
    if (auth_find_user(broker_auth(c->api->broker), c->args[0]) != NULL)
        return true;
    api_not_found(c);
    return false;
}

void permissions_get(struct api_call *c)
{
    list_answer(c, &list_permissions, c->vhost, all);
}

void user_get_permissions(struct api_call *c)
{
    if (has_user(c))
        list_answer(c, &list_permissions, all, c->args[0]);
}

void permission_get_one(struct api_call *c)
{
    struct look_permission p;
    struct tell t;

    if (!look_find_permission(c->api->broker, c->args[0], c->vhost, &p)) {
        api_not_found(c);
        return;
    }
    api_start(c, &t);
    tell_object(&t, NULL);
    tell_permission(&t, &p);
    tell_end(&t);
    api_answer(c, 200, &c->api->reply);
}

void topic_permissions_get(struct api_call *c)
{
    list_answer(c, &list_topic_permissions, c->vhost, all);
}

void user_get_topic_permissions(struct api_call *c)
{
    if (has_user(c))
        list_answer(c, &list_topic_permissions, c->vhost, c->args[0]);
}

/* ---- connections and channels ---- */

void connections_get(struct api_call *c)
{
    list_answer(c, &list_connections, c->vhost, all);
}

void connections_get_of_user(struct api_call *c)
{
    list_answer(c, &list_connections, all, c->args[0]);
}

void channels_get(struct api_call *c)
{
    list_answer(c, &list_channels, c->vhost, all);
}
