/* Messages of the broker's own: noted when something happens, which may be anywhere, and sent at
 * the end of the turn, when nothing else is under way. */
#include "broker/announce.h"

#include <stdio.h>

#include "base/mem.h"
#include "broker/diag_exchange.h"
#include "broker/parts.h"
#include "broker/publisher.h"
#include "broker/targets.h"
#include "exchange/exchange.h"
#include "queue/queue.h"

enum {
    NOTED_MAX = 16 << 20, /* bytes of one turn; further ones are lost */
    HEADERS_MAX = 1 << 20,
    TRACED_BODY_MAX = 1 << 20,
};

static const struct bytes event_exchange = {(const uint8_t *)"amq.rabbitmq.event", 18};
static const struct bytes trace_exchange = {(const uint8_t *)"amq.rabbitmq.trace", 18};

struct announcements {
    struct buf noted;
    struct buf sending; /* what was noted before this turn ended */
    struct buf headers;
    struct buf props;
    struct table_writer writer;
    char key[64];    /* of the event that has begun; "": none has */
    bool is_started; /* what is restored is no news */
    struct diag_exchange lines;
};

/* One that was noted; borrowed. */
struct announcement {
    uint64_t vhost;
    bool is_event;
    struct bytes key;
    struct table headers;
    struct bytes body;
};

struct announcements *announcements_new(void)
{
    struct announcements *a = MEM_NEW(struct announcements);

    buf_init(&a->noted, NOTED_MAX);
    buf_init(&a->sending, NOTED_MAX);
    buf_init(&a->headers, HEADERS_MAX);
    buf_init(&a->props, HEADERS_MAX + KIB);
    diag_exchange_init(&a->lines);
    return a;
}

void announcements_free(struct announcements *a)
{
    buf_release(&a->noted);
    buf_release(&a->sending);
    buf_release(&a->headers);
    buf_release(&a->props);
    diag_exchange_release(&a->lines);
    mem_free(a);
}

void announcements_start(struct broker *b)
{
    b->announcements->is_started = true;
    diag_exchange_start(&b->announcements->lines, b);
}

void announcements_stop(struct announcements *a)
{
    diag_exchange_stop(&a->lines);
}

static void declare(struct vhost *v, struct bytes name)
{
    const struct exchange_spec spec = {
        .name = name, .type = bytes_text("topic"), .is_durable = true, .is_internal = true};
    struct exchange_difference difference;
    struct err_note note;
    struct exchange *x = NULL;
    int rv = 0;

    rv = exchange_declare(v->table, &spec, &x, &difference, &note);
    ASSERT(rv == 0);
}

void announcements_declare(struct vhost *v)
{
    const struct broker_options *o = v->broker->options;

    if (!bytes_equal(v->name, bytes_text(o->default_vhost)))
        return;
    if (o->has_events)
        declare(v, event_exchange);
    if (o->has_diag_exchange)
        declare(v, bytes_text(DIAG_EXCHANGE));
}

/* ---- noted ---- */

static void note(struct broker *b, const struct announcement *n, const struct message *m)
{
    struct buf *out = &b->announcements->noted;
    size_t before = out->size;
    uint64_t body_size = m == NULL || m->body_size > TRACED_BODY_MAX ? 0 : m->body_size;

    buf_le64(out, n->vhost);
    buf_u8(out, n->is_event ? 1 : 0);
    buf_u8(out, (uint8_t)n->key.size);
    buf_le32(out, (uint32_t)n->headers.bytes.size);
    buf_le32(out, (uint32_t)body_size);
    buf_bytes(out, n->key);
    buf_bytes(out, n->headers.bytes);
    for (size_t i = 0; body_size > 0 && i < m->body_count; i++)
        buf_bytes(out, m->body[i]);
    if (buf_error(out) != 0) { /* there is no room for it */
        out->error = 0;
        out->size = before;
    }
    broker_stir(b);
}

static bool read_noted(struct reader *r, struct announcement *out)
{
    size_t key = 0;
    size_t headers = 0;
    size_t body = 0;
    int rv = 0;

    if (r->left == 0)
        return false;
    out->vhost = reader_le64(r);
    out->is_event = reader_u8(r) != 0;
    key = reader_u8(r);
    headers = reader_le32(r);
    body = reader_le32(r);
    out->key = reader_bytes(r, key);
    rv = table_decode(reader_bytes(r, headers), &out->headers);
    out->body = reader_bytes(r, body);
    ASSERT(rv == 0 && !r->is_failed);
    return true;
}

/* ---- sent ---- */

static struct props make_props(struct broker *b, const struct announcement *n)
{
    struct buf *area = &b->announcements->props;
    struct props_edit edit;
    struct props props;
    int rv = 0;

    props_edit_init(&edit, NULL);
    props_set_headers(&edit, n->headers);
    if (n->is_event) {
        props_set_octet(&edit, PROP_DELIVERY_MODE, DELIVERY_MODE_PERSISTENT);
        props_set_time(&edit, PROP_TIMESTAMP, (uint64_t)(io_wall_ms(b->io) / 1000));
    }
    buf_clear(area);
    props_encode(&edit, area);
    rv = props_decode(buf_view(area), &props);
    ASSERT(rv == 0);
    return props;
}

void announcement_route(struct vhost *v, struct exchange *x, const struct message *m)
{
    struct queues_publish publish = {.message = m, .expiration_ms = QUEUE_NO_LIMIT};
    struct route route;
    struct sent sent = {0};
    int rv = 0;

    route_message(v->table, x,
                  &(struct route_view){.keys = &m->routing_key, .key_count = 1, .props = &m->props},
                  &route);
    rv = targets_send(targets_choose(v, targets_find(v, &route), m), &publish, &sent);
    (void)rv; /* ERR_AGAIN: there is no room, and nobody waits */
    sent_clear(&sent);
}

static void send(struct broker *b, const struct announcement *n)
{
    struct vhost *v = vhost_find_id(b, n->vhost);
    struct bytes name = n->is_event ? event_exchange : trace_exchange;
    struct exchange *x = v == NULL ? NULL : exchange_find(v->table, name);
    struct message m = {.exchange = name, .routing_key = n->key, .body = &n->body};

    if (x == NULL)
        return;
    m.props = make_props(b, n);
    m.body_count = n->body.size > 0 ? 1 : 0;
    m.body_size = n->body.size;
    announcement_route(v, x, &m);
}

void announcements_send(struct broker *b)
{
    struct announcements *a = b->announcements;
    struct buf swap = a->sending;
    struct announcement n;
    struct reader r;

    if (a->noted.size == 0)
        return;
    a->sending = a->noted;
    a->noted = swap;
    buf_clear(&a->noted);
    r = reader_of(buf_view(&a->sending));
    while (read_noted(&r, &n))
        send(b, &n);
    buf_clear(&a->sending);
}

/* ---- events ---- */

/* The virtual host with the exchange, if somebody listens. */
static struct vhost *find_listened(const struct broker *b)
{
    struct vhost *v = NULL;
    const struct exchange *x = NULL;

    if (!b->options->has_events)
        return NULL;
    v = vhost_find(b, bytes_text(b->options->default_vhost));
    x = v == NULL ? NULL : exchange_find(v->table, event_exchange);
    return x != NULL && exchange_is_used(x) ? v : NULL;
}

struct table_writer *event_begin(struct broker *b, const char *key)
{
    struct announcements *a = b->announcements;
    int used = 0;

    if (!a->is_started || b->closing.is_on || find_listened(b) == NULL)
        return NULL;
    ASSERT(a->key[0] == '\0');
    used = snprintf(a->key, sizeof(a->key), "%s", key);
    ASSERT(used > 0 && (size_t)used < sizeof(a->key));
    buf_clear(&a->headers);
    table_writer_init(&a->writer, &a->headers);
    return &a->writer;
}

void event_end(struct broker *b)
{
    struct announcements *a = b->announcements;
    struct announcement n = {.is_event = true, .key = bytes_text(a->key)};
    const struct vhost *v = find_listened(b);

    ASSERT(a->key[0] != '\0');
    table_writer_long(&a->writer, "timestamp_in_ms", io_wall_ms(b->io));
    if (table_writer_finish(&a->writer, &n.headers) == 0 && v != NULL) {
        n.vhost = v->id;
        note(b, &n, NULL);
    }
    a->key[0] = '\0';
}

void event_tell(struct broker *b, const char *key, const struct event_text *texts, size_t count)
{
    struct table_writer *w = event_begin(b, key);

    if (w == NULL)
        return;
    for (size_t i = 0; i < count; i++)
        table_writer_text(w, texts[i].name, texts[i].value);
    event_end(b);
}

/* ---- the firehose ---- */

/* "publish.x", cut at what a routing key may have. */
static struct bytes make_key(uint8_t area[SHORTSTR_MAX], const char *what, struct bytes name)
{
    struct writer w = writer_of(area, SHORTSTR_MAX);
    size_t left = SHORTSTR_MAX - strlen(what) - 1;

    writer_bytes(&w, bytes_text(what));
    writer_u8(&w, '.');
    writer_bytes(&w, bytes_of(name.data, name.size < left ? name.size : left));
    return writer_view(&w);
}

static void write_prop(struct table_writer *w, const struct props *props, enum prop p)
{
    struct field f = {.type = FIELD_TABLE};
    struct bytes text;
    struct table headers;
    uint64_t time_s = 0;
    uint8_t octet = 0;

    switch (prop_kind(p)) {
    case PROP_KIND_TEXT:
        if (props_find_text(props, p, &text))
            table_writer_text(w, prop_name(p), text);
        break;
    case PROP_KIND_OCTET:
        if (props_find_octet(props, p, &octet))
            table_writer_integer(w, prop_name(p), FIELD_INT, octet);
        break;
    case PROP_KIND_TIME:
        if (props_find_time(props, p, &time_s))
            table_writer_time(w, prop_name(p), time_s);
        break;
    case PROP_KIND_TABLE:
        if (!props_find_headers(props, &headers))
            break;
        f.bytes = headers.bytes;
        table_writer_field(w, bytes_text(prop_name(p)), &f);
        break;
    }
}

/* A table with the properties under their names. */
static void write_props(struct table_writer *w, const struct props *props)
{
    table_writer_begin_table(w, "properties");
    for (int p = 0; p < PROP_COUNT; p++)
        write_prop(w, props, (enum prop)p);
    table_writer_end(w);
}

static struct table_writer *begin_trace(struct broker *b, const struct message *m)
{
    struct announcements *a = b->announcements;

    buf_clear(&a->headers);
    table_writer_init(&a->writer, &a->headers);
    table_writer_text(&a->writer, "exchange_name", m->exchange);
    write_props(&a->writer, &m->props);
    return &a->writer;
}

static void write_who(struct table_writer *w, const struct visit *v, unsigned channel)
{
    table_writer_text(w, "node", bytes_text(v->broker->options->node_name));
    table_writer_text(w, "vhost", v->vhost->name);
    table_writer_text(w, "connection", bytes_text(v->name == NULL ? "" : v->name));
    table_writer_integer(w, "channel", FIELD_INT, channel);
    table_writer_text(w, "user", v->user == NULL ? bytes_of(NULL, 0) : user_name(v->user));
}

static void end_trace(struct visit *v, struct bytes key, const struct message *m)
{
    struct announcement n = {.vhost = v->vhost->id, .key = key};

    if (table_writer_finish(&v->broker->announcements->writer, &n.headers) == 0)
        note(v->broker, &n, m);
}

void trace_published(struct visit *v, const struct outgoing *o, const struct targets *targets)
{
    uint8_t area[SHORTSTR_MAX];
    struct table_writer *w = begin_trace(v->broker, &o->message);

    table_writer_begin_array(w, "routing_keys");
    for (size_t i = 0; i < o->key_count; i++)
        table_writer_text(w, NULL, o->keys[i]);
    table_writer_end(w);
    table_writer_begin_array(w, "routed_queues");
    for (size_t i = 0; i < targets->count; i++)
        table_writer_text(w, NULL, queue_name(targets->queues[i]));
    table_writer_end(w);
    write_who(w, v, o->channel);
    end_trace(v, make_key(area, "publish", o->message.exchange), &o->message);
}

void visit_trace_delivered(struct visit *v, unsigned channel, const struct delivery *d,
                           const struct stored *stored)
{
    struct message m = {.exchange = stored->exchange,
                        .routing_key = stored->routing_key,
                        .body = &stored->body,
                        .body_count = 1,
                        .body_size = stored->parts > 0 ? 0 : stored->body.size};
    uint8_t area[SHORTSTR_MAX];
    struct table_writer *w = NULL;

    if (!trace_is_wanted(v->vhost->is_tracing, stored->exchange))
        return;
    if (props_decode(stored->props, &m.props) != 0)
        m.props = props_none();
    w = begin_trace(v->broker, &m);
    table_writer_begin_array(w, "routing_keys");
    table_writer_text(w, NULL, m.routing_key);
    table_writer_end(w);
    table_writer_integer(w, "redelivered", FIELD_INT, d->is_redelivered);
    write_who(w, v, channel);
    end_trace(v, make_key(area, "deliver", queue_name(d->queue)), &m);
}
