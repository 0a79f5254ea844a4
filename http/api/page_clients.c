/* Connections and channels: one of them, and the end of one. */
#include <stdio.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "http/api/pages.h"
#include "http/api/shapes.h"

/* Monitors see all; to end one that is not his own a user must be an administrator. */
static bool may_touch(const struct api_call *c, struct bytes owner)
{
    if (bytes_equal(owner, user_name(c->user)))
        return true;
    return c->method == HTTP_GET ? api_may_monitor(c) : api_may_administrate(c);
}

/* The one of that name, if he may have it. False: answered. */
static bool find_connection(struct api_call *c, struct doors_connection *out)
{
    const struct doors *d = &c->api->doors;
    uint64_t *ids = NULL;
    size_t count = d->connections == NULL ? 0 : d->connections(d->owner, &ids);
    bool is_found = false;

    for (size_t i = 0; i < count && !is_found; i++)
        is_found = d->connection(d->owner, ids[i], out) && bytes_equal(out->name, c->args[0]);
    mem_free(ids);
    if (!is_found) {
        api_not_found(c);
        return false;
    }
    if (may_touch(c, out->user))
        return true;
    api_not_authorised(c, "User not authorised to access object");
    return false;
}

void connection_get_one(struct api_call *c)
{
    struct doors_connection connection;
    struct tell t;

    if (!find_connection(c, &connection))
        return;
    api_start(c, &t);
    tell_object(&t, NULL);
    tell_connection(c->api, &t, &connection);
    tell_end(&t);
    api_answer(c, 200, &c->api->reply);
}

void connection_get_channels(struct api_call *c)
{
    const struct doors *d = &c->api->doors;
    struct doors_connection connection;
    struct doors_channel ch = {0};
    struct tell t;

    if (!find_connection(c, &connection))
        return;
    api_start(c, &t);
    tell_array(&t, NULL);
    while (d->channel(d->owner, connection.id, ch.number, &ch)) {
        tell_object(&t, NULL);
        tell_channel(c->api, &t, &connection, &ch);
        tell_end(&t);
    }
    tell_end(&t);
    api_answer(c, 200, &c->api->reply);
}

/* AMQP 1.0 has sessions in a connection; here is none. */
void connection_get_sessions(struct api_call *c)
{
    struct doors_connection connection;
    struct tell t;

    if (!find_connection(c, &connection))
        return;
    api_start(c, &t);
    tell_array(&t, NULL);
    tell_end(&t);
    api_answer(c, 200, &c->api->reply);
}

/* What the client is told: the field X-Reason, or that it was us. */
static struct bytes reason_of(const struct api_call *c)
{
    struct bytes reason = {0};

    if (http_head_find(&c->request->head, "x-reason", &reason) && reason.size > 0 &&
        utf8_valid(reason))
        return reason;
    return bytes_text("Closed via management plugin");
}

void connection_delete(struct api_call *c)
{
    const struct doors *d = &c->api->doors;
    struct doors_connection connection;

    if (!find_connection(c, &connection))
        return;
    (void)d->close(d->owner, connection.id, reason_of(c));
    api_answer_empty(c, 204);
}

void connections_delete_of_user(struct api_call *c)
{
    const struct doors *d = &c->api->doors;
    struct doors_connection connection;
    uint64_t *ids = NULL;
    size_t count = 0;

    if (!may_touch(c, c->args[0])) {
        api_not_authorised(c, "User not authorised to access object");
        return;
    }
    count = d->connections == NULL ? 0 : d->connections(d->owner, &ids);
    for (size_t i = 0; i < count; i++)
        if (d->connection(d->owner, ids[i], &connection) &&
            bytes_equal(connection.user, c->args[0]))
            (void)d->close(d->owner, ids[i], reason_of(c));
    mem_free(ids);
    api_answer_empty(c, 204);
}

/* "10.0.0.1:4711 -> 10.0.0.2:5672 (1)" */
static bool is_channel(const struct doors_connection *connection, const struct doors_channel *ch,
                       struct bytes name)
{
    char text[300];
    int size = snprintf(text, sizeof(text), "%.*s (%u)", API_SHOW(connection->name), ch->number);

    return bytes_equal(bytes_of(text, (size_t)size), name);
}

/* Looks through the channels of one connection; answers when it is there. */
static bool answer_channel(struct api_call *c, const struct doors_connection *connection)
{
    const struct doors *d = &c->api->doors;
    struct doors_channel ch = {0};
    struct tell t;

    while (d->channel(d->owner, connection->id, ch.number, &ch)) {
        if (!is_channel(connection, &ch, c->args[0]))
            continue;
        if (!may_touch(c, connection->user)) {
            api_not_authorised(c, "User not authorised to access object");
            return true;
        }
        api_start(c, &t);
        tell_object(&t, NULL);
        tell_channel(c->api, &t, connection, &ch);
        tell_channel_flows(c->api, &t, connection, &ch);
        tell_end(&t);
        api_answer(c, 200, &c->api->reply);
        return true;
    }
    return false;
}

void channel_get_one(struct api_call *c)
{
    const struct doors *d = &c->api->doors;
    struct doors_connection connection;
    uint64_t *ids = NULL;
    size_t count = d->connections == NULL ? 0 : d->connections(d->owner, &ids);
    bool is_answered = false;

    for (size_t i = 0; i < count && !is_answered; i++) {
        struct bytes name = c->args[0];

        if (!d->connection(d->owner, ids[i], &connection) || name.size < connection.name.size ||
            !bytes_equal(bytes_of(name.data, connection.name.size), connection.name))
            continue;
        is_answered = answer_channel(c, &connection);
    }
    mem_free(ids);
    if (!is_answered)
        api_not_found(c);
}
