/* The kinds of lists: how each walks, finds again and tells. */
#include "base/mem.h"
#include "http/api/listing.h"
#include "http/api/shapes.h"
#include "queue/streams.h"

static struct api *api_of(const struct listing *l)
{
    return l->call->api;
}

/* An object with what `members` tells. */
#define TELL_OBJECT(t, members)                                                                    \
    do {                                                                                           \
        tell_object(t, NULL);                                                                      \
        members;                                                                                   \
        tell_end(t);                                                                               \
    } while (false)

/* ---- queues ---- */

static bool take_queue(struct listing *l)
{
    l->vhost = l->at.queue.vhost;
    l->name = l->at.queue.name;
    return true;
}

static bool next_queue(struct listing *l)
{
    return look_queue(&l->look, &l->at.queue) && take_queue(l);
}

static bool find_queue(struct listing *l, struct bytes vhost, struct bytes name, uint64_t id)
{
    (void)id;
    return look_find_queue(api_of(l)->broker, vhost, name, &l->at.queue) && take_queue(l);
}

static void tell_one_queue(struct listing *l, struct tell *t)
{
    bool has_totals = api_query_is_true(l->call, "enable_queue_totals");

    if (api_query_is_true(l->call, "disable_stats"))
        TELL_OBJECT(t, tell_queue_briefly(api_of(l), t, &l->at.queue, has_totals));
    else
        TELL_OBJECT(t, tell_queue(api_of(l), t, &l->at.queue));
}

const struct list_kind list_queues = {
    .look = LOOK_QUEUES, .next = next_queue, .find = find_queue, .tell = tell_one_queue};

/* ---- streams: where they lie; a front is nowhere ---- */

static bool next_stream(struct listing *l)
{
    if (!next_queue(l))
        return false;
    l->is_skipped = !queue_is_stream(l->at.queue.queue) || l->at.queue.args->partitions > 0;
    return true;
}

static void tell_stream(struct listing *l, struct tell *t)
{
    const struct look_queue *q = &l->at.queue;
    struct stream_place place;

    queue_get_place(q->queue, &place);
    tell_object(t, NULL);
    tell_text(t, "name", q->name);
    tell_text(t, "vhost", q->vhost);
    tell_uint(t, "partition", q->partition);
    tell_uint(t, "first_offset", queue_first_offset(q->queue));
    tell_uint(t, "next_offset", queue_next_offset(q->queue));
    tell_uint(t, "messages", place.count);
    tell_uint(t, "message_bytes", place.bytes);
    tell_uint(t, "sorted_first_offset", place.sorted_first);
    tell_uint(t, "sorted_end_offset", place.sorted_end);
    tell_uint(t, "sorted_bytes", place.sorted_bytes);
    tell_end(t);
}

const struct list_kind list_streams = {
    .look = LOOK_QUEUES, .next = next_stream, .find = find_queue, .tell = tell_stream};

/* ---- consumers: of one queue after the other ---- */

static bool next_consumer(struct listing *l)
{
    struct look_consumer c;

    /* A queue's consumers are told together, with the queue: so they are all of one turn. */
    if (!next_queue(l))
        return false;
    l->is_skipped = look_consumer(&l->at.queue, NULL, &c) == NULL;
    return true;
}

static void tell_consumers(struct listing *l, struct tell *t)
{
    struct look_consumer c;
    const struct consumer *at = NULL;
    bool is_first = true;

    while ((at = look_consumer(&l->at.queue, at, &c)) != NULL) {
        if (!is_first)
            buf_u8(t->out, ',');
        is_first = false;
        tell_consumer(api_of(l), t, &c);
    }
}

const struct list_kind list_consumers = {
    .look = LOOK_QUEUES, .next = next_consumer, .tell = tell_consumers};

/* ---- exchanges ---- */

static bool take_exchange(struct listing *l)
{
    l->vhost = l->at.exchange.vhost;
    l->name = l->at.exchange.name;
    return true;
}

static bool next_exchange(struct listing *l)
{
    return look_exchange(&l->look, &l->at.exchange) && take_exchange(l);
}

static bool find_exchange(struct listing *l, struct bytes vhost, struct bytes name, uint64_t id)
{
    (void)id;
    return look_find_exchange(api_of(l)->broker, vhost, name, &l->at.exchange) && take_exchange(l);
}

static void tell_one_exchange(struct listing *l, struct tell *t)
{
    TELL_OBJECT(t, tell_exchange(api_of(l), t, &l->at.exchange));
}

const struct list_kind list_exchanges = {.look = LOOK_EXCHANGES,
                                         .next = next_exchange,
                                         .find = find_exchange,
                                         .tell = tell_one_exchange};

/* ---- bindings: first those of every queue to the default exchange ---- */

static void open_bindings(struct listing *l)
{
    look_open(&l->look, api_of(l)->broker, LOOK_QUEUES, l->only);
}

static bool next_binding(struct listing *l)
{
    if (l->look.kind == LOOK_QUEUES) {
        if (next_queue(l)) {
            struct look_queue q = l->at.queue;

            l->at.binding =
                (struct look_binding){.vhost = q.vhost, .destination = q.name, .key = q.name};
            return true;
        }
        look_close(&l->look);
        look_open(&l->look, api_of(l)->broker, LOOK_BINDINGS, l->only);
    }
    if (!look_binding(&l->look, &l->at.binding))
        return false;
    l->vhost = l->at.binding.vhost;
    return true;
}

static void tell_one_binding(struct listing *l, struct tell *t)
{
    tell_binding(t, &l->at.binding);
}

const struct list_kind list_bindings = {
    .next = next_binding, .tell = tell_one_binding, .open = open_bindings};

/* ---- bindings of one end ---- */

static bool is_at_end(const struct listing *l)
{
    const struct look_binding *b = &l->at.binding;

    switch (l->end.side) {
    case LOOK_FROM_EXCHANGE:
        return bytes_equal(b->source, l->end.name);
    case LOOK_TO_EXCHANGE:
        return b->is_to_exchange && bytes_equal(b->destination, l->end.name);
    case LOOK_TO_QUEUE:
        return !b->is_to_exchange && bytes_equal(b->destination, l->end.name);
    }
    return false;
}

static bool next_binding_of(struct listing *l)
{
    bool is_there = next_binding(l);

    l->is_skipped = !is_at_end(l);
    /* From one exchange to one queue or exchange, where that was asked for. */
    if (l->filter.data != NULL)
        l->is_skipped = l->is_skipped || l->at.binding.is_to_exchange != l->filter_is_exchange ||
                        !bytes_equal(l->at.binding.destination, l->filter);
    return is_there;
}

const struct list_kind list_bindings_of = {
    .next = next_binding_of, .tell = tell_one_binding, .open = open_bindings};

/* ---- virtual hosts ---- */

static bool take_vhost(struct listing *l)
{
    l->vhost = l->at.vhost.name;
    l->name = l->at.vhost.name;
    return true;
}

static bool next_vhost(struct listing *l)
{
    return look_vhost(&l->look, &l->at.vhost) && take_vhost(l);
}

static bool find_vhost(struct listing *l, struct bytes vhost, struct bytes name, uint64_t id)
{
    (void)vhost;
    (void)id;
    return look_find_vhost(api_of(l)->broker, name, &l->at.vhost) && take_vhost(l);
}

static void tell_one_vhost(struct listing *l, struct tell *t)
{
    TELL_OBJECT(t, tell_vhost(api_of(l), t, &l->at.vhost));
}

const struct list_kind list_vhosts = {
    .look = LOOK_VHOSTS, .next = next_vhost, .find = find_vhost, .tell = tell_one_vhost};

/* ---- users ---- */

static bool take_user(struct listing *l)
{
    l->vhost = bytes_of(NULL, 0);
    l->name = l->at.user.spec.name;
    return true;
}

static bool next_user(struct listing *l)
{
    return look_user(&l->look, &l->at.user) && take_user(l);
}

static bool find_user(struct listing *l, struct bytes vhost, struct bytes name, uint64_t id)
{
    (void)vhost;
    (void)id;
    return look_find_user(api_of(l)->broker, name, &l->at.user) && take_user(l);
}

static void tell_one_user(struct listing *l, struct tell *t)
{
    TELL_OBJECT(t, tell_user(t, &l->at.user));
}

const struct list_kind list_users = {
    .look = LOOK_USERS, .next = next_user, .find = find_user, .tell = tell_one_user};

static bool next_user_without(struct listing *l)
{
    struct auth *auth = broker_auth(api_of(l)->broker);
    struct permission p;
    const struct names_entry *grant = NULL;

    if (!next_user(l))
        return false;
    struct user *u = auth_find_user(auth, l->name);
    while (!l->is_skipped && (grant = user_next_grant(u, grant)) != NULL)
        l->is_skipped = grant_permission(grant, &p);
    return true;
}

const struct list_kind list_users_without_permissions = {
    .look = LOOK_USERS, .next = next_user_without, .find = find_user, .tell = tell_one_user};

/* ---- permissions: the filter is a user ---- */

static bool next_permission(struct listing *l)
{
    if (!look_permission(&l->look, &l->at.permission))
        return false;
    l->vhost = bytes_of(NULL, 0);
    l->is_skipped = l->filter.data != NULL && !bytes_equal(l->at.permission.user, l->filter);
    return true;
}

static void tell_one_permission(struct listing *l, struct tell *t)
{
    TELL_OBJECT(t, tell_permission(t, &l->at.permission));
}

const struct list_kind list_permissions = {
    .look = LOOK_PERMISSIONS, .next = next_permission, .tell = tell_one_permission};

static bool next_topic_permission(struct listing *l)
{
    if (!look_topic_permission(&l->look, &l->at.topic_permission))
        return false;
    l->vhost = bytes_of(NULL, 0);
    l->is_skipped = l->filter.data != NULL && !bytes_equal(l->at.topic_permission.user, l->filter);
    return true;
}

static void tell_one_topic_permission(struct listing *l, struct tell *t)
{
    TELL_OBJECT(t, tell_topic_permission(t, &l->at.topic_permission));
}

const struct list_kind list_topic_permissions = {.look = LOOK_TOPIC_PERMISSIONS,
                                                 .next = next_topic_permission,
                                                 .tell = tell_one_topic_permission};

/* ---- connections: the filter is a user; he sees his own, monitors see all ---- */

static void open_connections(struct listing *l)
{
    const struct doors *d = &api_of(l)->doors;

    if (d->connections != NULL)
        l->clients.count = d->connections(d->owner, &l->clients.ids);
}

static bool may_see_client(const struct listing *l)
{
    const struct doors_connection *c = &l->at.client.connection;

    if (l->filter.data != NULL && !bytes_equal(c->user, l->filter))
        return false;
    if (l->only.data != NULL && !bytes_equal(c->vhost, l->only))
        return false;
    return api_may_monitor(l->call) || bytes_equal(c->user, user_name(l->call->user));
}

static bool find_connection(struct listing *l, struct bytes vhost, struct bytes name, uint64_t id)
{
    const struct doors *d = &api_of(l)->doors;

    (void)vhost;
    (void)name;
    if (!d->connection(d->owner, id, &l->at.client.connection))
        return false;
    l->vhost = bytes_of(NULL, 0);
    l->name = l->at.client.connection.name;
    l->id = id;
    return true;
}

static bool next_connection(struct listing *l)
{
    if (l->clients.at == l->clients.count)
        return false;
    l->is_skipped = !find_connection(l, l->vhost, l->name, l->clients.ids[l->clients.at++]) ||
                    !may_see_client(l);
    return true;
}

static void tell_one_connection(struct listing *l, struct tell *t)
{
    TELL_OBJECT(t, tell_connection(api_of(l), t, &l->at.client.connection));
}

const struct list_kind list_connections = {.next = next_connection,
                                           .find = find_connection,
                                           .tell = tell_one_connection,
                                           .open = open_connections};

/* ---- channels: of one connection after the other ---- */

static bool next_channel(struct listing *l)
{
    const struct doors *d = &api_of(l)->doors;
    struct doors_channel *ch = &l->at.client.channel;

    if (l->clients.at == l->clients.count)
        return false;
    uint64_t id = l->clients.ids[l->clients.at];
    if (!find_connection(l, l->vhost, l->name, id) || !may_see_client(l) ||
        !d->channel(d->owner, id, l->clients.channel, ch)) {
        l->clients.at++;
        l->clients.channel = 0;
        l->is_skipped = true;
        return true;
    }
    l->clients.channel = ch->number;
    l->id = id << 16 | ch->number;
    return true;
}

static bool find_channel(struct listing *l, struct bytes vhost, struct bytes name, uint64_t id)
{
    const struct doors *d = &api_of(l)->doors;
    unsigned number = (unsigned)(id & UINT16_MAX);

    return find_connection(l, vhost, name, id >> 16) &&
           d->channel(d->owner, id >> 16, number - 1, &l->at.client.channel) &&
           l->at.client.channel.number == number;
}

static void tell_one_channel(struct listing *l, struct tell *t)
{
    TELL_OBJECT(t, tell_channel(api_of(l), t, &l->at.client.connection, &l->at.client.channel));
}

const struct list_kind list_channels = {
    .next = next_channel, .find = find_channel, .tell = tell_one_channel, .open = open_connections};
