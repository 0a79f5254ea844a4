/* What those who watch over the node are told of connections and channels. */
#include "amqp/look.h"

#include <stdio.h>

#include "amqp/channel.h"
#include "amqp/connection.h"
#include "amqp/door.h"
#include "amqp/subscriber.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "broker/doors.h"
#include "broker/tx.h"
#include "gate/tls.h"

/* Between the two halves of a name. */
static const char arrow[] = " -> ";

enum { NAME_HALF_MAX = 52, TLS_TEXTS_MAX = 16 << 10 };
STATIC_ASSERT(NAME_HALF_MAX + NAME_HALF_MAX + sizeof(arrow) <= LOOK_NAME_SIZE, "a name has room");

/* What the last look at a connection over TLS has shown. */
struct look_tls {
    struct tls_words words;
    struct buf texts;
};

/* ---- what is kept ---- */

void look_begin(struct connection *c)
{
    struct amqp *door = c->session.door;
    struct session_look *l = &c->session.look;
    struct net_address local;

    l->id = ++door->last_id;
    l->mechanism = "";
    l->connected_ms = io_wall_ms(door->io);
    socket_local(c->session.socket, &local);
    (void)snprintf(l->name, sizeof(l->name), "%.*s%s%.*s", NAME_HALF_MAX, c->session.peer.text,
                   arrow, NAME_HALF_MAX, local.text);
    map_put(&door->by_id, l->id, c);
}

/* So much of the name as is shown: whole characters. */
static size_t shown_size(struct bytes name)
{
    size_t size = 0;
    size_t more = 0;

    do {
        size += more;
        more = utf8_character_size(bytes_of(name.data + size, name.size - size));
    } while (more > 0 && size + more <= LOOK_WHO_MAX);
    return size;
}

void look_name(struct connection *c, struct table properties)
{
    struct session_look *l = &c->session.look;
    struct field f;
    struct bytes name;

    if (l->who != NULL || !table_find(properties, bytes_text("connection_name"), &f) ||
        !field_as_text(&f, &name) || name.size == 0)
        return;
    l->who = mem_format("%s name='%.*s'", c->session.peer.text, (int)shown_size(name),
                        (const char *)name.data);
}

const char *look_who(const struct session *s)
{
    return s->look.who != NULL ? s->look.who : s->peer.text;
}

void look_log_in(struct connection *c, const char *mechanism, struct table properties)
{
    size_t size = properties.bytes.size;
    uint8_t *copy = NULL;

    c->session.look.mechanism = mechanism;
    if (c->session.look.properties.bytes.size > 0 || size == 0)
        return;
    copy = mem_alloc(size); /* no more than a frame of somebody who has not logged in */
    memcpy(copy, properties.bytes.data, size);
    c->session.look.properties.bytes = bytes_of(copy, size);
}

void look_end(struct connection *c)
{
    map_remove(&c->session.door->by_id, c->session.look.id);
    mem_free((void *)(uintptr_t)c->session.look.properties.bytes.data);
    mem_free(c->session.look.who);
}

/* ---- connections ---- */

static bool is_shown(const struct connection *c)
{
    return c->visit != NULL && !session_is_closed(&c->session);
}

static struct connection *find(const struct amqp *a, uint64_t id)
{
    struct connection *c = map_find(&a->by_id, id);

    return c != NULL && is_shown(c) ? c : NULL;
}

static size_t on_connections(void *owner, uint64_t **out)
{
    const struct amqp *a = owner;
    uint64_t *ids = MEM_NEW_ARRAY(uint64_t, a->session_count + 1);
    size_t count = 0;

    LIST_FOREACH (link, &a->sessions) {
        const struct connection *c = CONTAINER_OF(link, struct connection, session.link);

        if (is_shown(c))
            ids[count++] = c->session.look.id;
    }
    *out = ids;
    return count;
}

static const char *state_of(const struct connection *c)
{
    if (c->state == CONNECTION_CLOSING)
        return "closing";
    if ((c->stalls & STALL_BLOCKED) != 0)
        return "blocked";
    if (c->is_blocked)
        return "blocking";
    return (c->stalls & (STALL_PUBLISH | STALL_OUTPUT)) != 0 ? "flow" : "running";
}

/* Our end, as the name has it. */
static struct bytes local_of(const struct session_look *l)
{
    const char *at = strstr(l->name, arrow);

    ASSERT(at != NULL);
    return bytes_text(at + sizeof(arrow) - 1);
}

void look_release(struct amqp *a)
{
    if (a->tls != NULL)
        buf_release(&a->tls->texts);
    mem_free(a->tls);
}

/* Appends a part of the client's certificate. Returns how much that was. */
static size_t add_part(const struct session *s, enum tls_part part, struct buf *out)
{
    size_t before = out->size;

    if (tls_certificate(s->socket, part, out) != 0)
        out->size = before; /* half of it is worth nothing */
    return out->size - before;
}

/* What there is to say about it lies in the door's buffer, until the next one is asked. */
static bool on_tls(void *owner, uint64_t id, struct doors_tls *out)
{
    static const enum tls_part parts[] = {TLS_SUBJECT, TLS_ISSUER, TLS_VALIDITY};
    struct bytes *places[] = {&out->subject, &out->issuer, &out->validity};
    struct amqp *a = owner;
    const struct connection *c = find(a, id);
    struct tls_words words;
    size_t at = 0;

    if (c == NULL || !tls_get_words(c->session.socket, &words))
        return false;
    if (a->tls == NULL) {
        a->tls = MEM_NEW(struct look_tls);
        buf_init(&a->tls->texts, TLS_TEXTS_MAX);
    }
    a->tls->words = words;
    buf_clear(&a->tls->texts);
    *out = (struct doors_tls){
        .protocol = bytes_text(a->tls->words.version),
        .key_exchange = bytes_text(a->tls->words.key_exchange),
        .cipher = bytes_text(a->tls->words.cipher),
        .hash = bytes_text(a->tls->words.hash),
    };
    for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
        places[i]->size = add_part(&c->session, parts[i], &a->tls->texts);
    /* Only now the bytes stay where they are. */
    for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
        places[i]->data = places[i]->size == 0 ? NULL : a->tls->texts.data + at;
        at += places[i]->size;
    }
    return true;
}

static bool on_connection(void *owner, uint64_t id, struct doors_connection *out)
{
    const struct amqp *a = owner;
    const struct connection *c = find(a, id);
    struct tls_look tls;

    if (c == NULL)
        return false;
    const struct session_look *l = &c->session.look;
    *out = (struct doors_connection){
        .id = id,
        .name = bytes_text(l->name),
        .user = user_name(c->user),
        .vhost = visit_vhost_name(c->visit),
        .peer = bytes_text(c->session.peer.text),
        .local = local_of(l),
        .state = state_of(c),
        .mechanism = l->mechanism,
        .client_properties = l->properties,
        .connected_ms = l->connected_ms,
        .received_bytes = l->received_bytes,
        .sent_bytes = l->sent_bytes,
        .received_count = l->received_count,
        .sent_count = l->sent_count,
        .waiting_bytes = c->session.output.bytes,
        .frame_max = c->frame_max,
        .channel_max = c->channel_max,
        .channels = (uint32_t)map_count(&c->channels),
        .heartbeat_s = c->heartbeat.period_s,
        .is_secure = tls_look(c->session.socket, &tls),
    };
    return true;
}

/* ---- channels ---- */

static const struct channel *next_channel(const struct connection *c, unsigned after)
{
    const struct channel *next = NULL;

    MAP_FOREACH (w, &c->channels)
        if (w.key > after && (next == NULL || w.key < next->id))
            next = w.value;
    return next;
}

static bool on_channel(void *owner, uint64_t id, unsigned after, struct doors_channel *out)
{
    const struct connection *c = find(owner, id);
    const struct channel *ch = c == NULL ? NULL : next_channel(c, after);

    if (ch == NULL)
        return false;
    *out = (struct doors_channel){
        .connection = id,
        .number = ch->id,
        .prefetch = ch->prefetch,
        .global_prefetch = ch->credit.limit,
        .consumers = (uint32_t)names_count(&ch->subscribers),
        .unacked = ch->tags.live,
        .unconfirmed = ch->publisher == NULL ? 0 : publisher_unconfirmed(ch->publisher),
        .uncommitted = ch->tx == NULL ? 0 : tx_messages(ch->tx),
        .acks_uncommitted = ch->tx == NULL ? 0 : tx_settles(ch->tx),
        .confirms = ch->is_confirming,
        .is_transactional = ch->tx != NULL,
        .is_held = channel_is_held(ch),
        .messages = ch->counts,
    };
    return true;
}

static uint64_t on_published(void *owner, uint64_t id, unsigned channel, struct bytes exchange)
{
    const struct connection *c = find(owner, id);
    const struct channel *ch = c == NULL ? NULL : map_find(&c->channels, channel);

    return ch == NULL || ch->publisher == NULL ? 0 : publisher_published(ch->publisher, exchange);
}

static size_t on_publishes(void *owner, uint64_t id, unsigned channel, struct doors_flow **out)
{
    const struct connection *c = find(owner, id);
    const struct channel *ch = c == NULL ? NULL : map_find(&c->channels, channel);

    *out = NULL;
    return ch == NULL || ch->publisher == NULL ? 0 : publisher_flows(ch->publisher, out);
}

static size_t on_consumers(void *owner, uint64_t id, unsigned channel, const struct consumer ***out)
{
    const struct connection *c = find(owner, id);
    const struct channel *ch = c == NULL ? NULL : map_find(&c->channels, channel);
    const struct names_entry *e = NULL;
    size_t count = 0;

    *out = NULL;
    if (ch == NULL)
        return 0;
    *out = MEM_NEW_ARRAY(const struct consumer *, names_count(&ch->subscribers) + 1);
    for (e = names_first(&ch->subscribers); e != NULL; e = names_next(&ch->subscribers, e)) {
        const struct subscriber *s = e->value;

        if (s->consumer != NULL)
            (*out)[count++] = s->consumer;
    }
    return count;
}

/* ---- all of it ---- */

static void on_totals(void *owner, struct doors_totals *out)
{
    const struct amqp *a = owner;

    *out = (struct doors_totals){
        .connections = a->open_count,
        .channels = a->stats.channels,
        .limit = (uint64_t)a->options->connections_max,
    };
}

static bool on_close(void *owner, uint64_t id, struct bytes reason)
{
    struct connection *c = find(owner, id);
    struct reply r;

    if (c == NULL || c->state != CONNECTION_RUNNING)
        return false;
    reply_format(&r, REPLY_CONNECTION_FORCED, "%.*s", (int)reason.size,
                 reason.size == 0 ? "" : (const char *)reason.data);
    connection_fail(c, 0, &r);
    return true;
}

static size_t on_listeners(void *owner, struct doors_listener out[])
{
    const struct amqp *a = owner;
    size_t count = 0;

    for (const struct door_gate *g = a->gates; g != NULL && count < DOORS_LISTENERS_MAX;
         g = g->next) {
        struct doors_listener *l = &out[count++];

        l->protocol = g->is_secure ? "amqp/ssl" : "amqp";
        l->port = gate_port(g->gate);
        (void)snprintf(l->host, sizeof(l->host), "%s", g->host);
    }
    return count;
}

struct doors amqp_doors(struct amqp *a)
{
    return (struct doors){
        .owner = a,
        .listeners = on_listeners,
        .totals = on_totals,
        .connections = on_connections,
        .connection = on_connection,
        .tls = on_tls,
        .channel = on_channel,
        .published = on_published,
        .publishes = on_publishes,
        .consumers = on_consumers,
        .close = on_close,
    };
}
