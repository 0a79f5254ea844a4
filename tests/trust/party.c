/* Connections of a run. */
#include "tests/trust/party.h"

#include <stdio.h>
#include <string.h>

#include "amqp/wire/frame.h"
#include "base/mem.h"
#include "tests/trust/mail.h"

enum { PROPS_MAX = 1 << 20, BODY_MAX = 16 << 20, HEARTBEAT_EVERY_MS = 500 };

struct party *party_new(struct run *r, enum party_kind kind)
{
    struct party *p = MEM_NEW(struct party);

    p->run = r;
    p->kind = kind;
    buf_init(&p->in.props, PROPS_MAX);
    buf_init(&p->in.body, BODY_MAX);
    return p;
}

void party_abandon(struct party *p)
{
    if (p->client != NULL)
        client_free(p->client);
    p->client = NULL;
    publisher_abandon(p);
    p->is_going = p->is_deaf = p->in.is_open = p->in.has_head = false;
    p->is_committing = p->is_getting = p->is_cancelled = false;
    p->transaction = 0;
    p->row_count = 0;
}

void party_free(struct party *p)
{
    party_abandon(p);
    buf_release(&p->in.props);
    buf_release(&p->in.body);
    mem_free(p->numbered);
    mem_free(p);
}

void party_drop(struct party *p)
{
    party_vanish(p, 0);
}

/* Whether the broker may hear late that he goes: the disk makes it wait, or his commit does. */
static bool may_go_unheard(const struct party *p)
{
    return run_may_hang(p->run) || p->is_committing;
}

void party_vanish(struct party *p, uint64_t noticed_ms)
{
    struct event *e;

    if (p->client == NULL)
        return;
    if (may_go_unheard(p))
        noticed_ms = RUN_HANGS_MS;
    if (p->kind == PARTY_CONSUMER) {
        e = run_event(p->run, VERB_GONE);
        event_set(e, FACT_SESSION, p->session);
        event_set(e, FACT_LOST, 0);
        if (noticed_ms > 0)
            event_set(e, FACT_DELAY, noticed_ms);
    }
    party_abandon(p);
}

void party_leave(struct party *p)
{
    struct method m;
    struct event *e;

    if (p->client == NULL || p->is_going)
        return;
    memset(&m, 0, sizeof(m));
    m.id = METHOD_CHANNEL_CLOSE;
    client_method(p->client, 1, &m);
    p->is_going = true;
    if (p->kind == PARTY_PUBLISHER)
        return;
    e = run_event(p->run, VERB_GONE);
    event_set(e, FACT_SESSION, p->session);
    if (may_go_unheard(p))
        event_set(e, FACT_DELAY, RUN_HANGS_MS);
    p->row_count = 0;
}

void party_deafen(struct party *p, bool is_deaf)
{
    if (p->client == NULL || p->is_deaf == is_deaf)
        return;
    p->is_deaf = is_deaf;
    client_read(p->client, !is_deaf);
}

void party_look(struct party *p)
{
    if (p->client != NULL && p->client->is_closed)
        party_drop(p);
}

/* ---- what comes ---- */

static void keep_where(struct party *p, struct bytes exchange, struct bytes key)
{
    p->in.where = mail_where(exchange, key);
    snprintf(p->in.key, sizeof(p->in.key), "%.*s", (int)key.size, (const char *)key.data);
}

static void begin_message(struct party *p, const struct method *m)
{
    p->in.is_open = true;
    p->in.has_head = false;
    if (m->id == METHOD_BASIC_DELIVER) {
        p->in.tag = m->basic_deliver.delivery_tag;
        p->in.is_redelivered = m->basic_deliver.redelivered;
        keep_where(p, m->basic_deliver.exchange, m->basic_deliver.routing_key);
    } else if (m->id == METHOD_BASIC_GET_OK) {
        p->in.tag = m->basic_get_ok.delivery_tag;
        p->in.is_redelivered = m->basic_get_ok.redelivered;
        keep_where(p, m->basic_get_ok.exchange, m->basic_get_ok.routing_key);
    } else {
        keep_where(p, m->basic_return.exchange, m->basic_return.routing_key);
    }
}

static void hear_method(struct party *p, const struct method *m)
{
    switch (m->id) {
    case METHOD_BASIC_DELIVER:
    case METHOD_BASIC_GET_OK:
    case METHOD_BASIC_RETURN:
        begin_message(p, m);
        break;
    case METHOD_CHANNEL_CLOSE_OK:
        party_abandon(p);
        break;
    case METHOD_CHANNEL_CLOSE:
    case METHOD_CONNECTION_CLOSE:
        party_drop(p);
        break;
    default:
        if (p->kind == PARTY_PUBLISHER)
            publisher_hear(p, m);
        else
            consumer_hear(p, m);
    }
}

static void end_message(struct party *p)
{
    p->in.is_open = p->in.has_head = false;
    if (p->kind == PARTY_PUBLISHER)
        publisher_take(p);
    else if (!p->is_going)
        consumer_take(p);
}

static void hear_content(struct party *p, const struct frame *f)
{
    struct content content;

    if (!p->in.is_open)
        return;
    if (f->type == FRAME_HEADER && content_decode(f->payload, &content) == WIRE_OK) {
        p->in.has_head = true;
        p->in.body_size = content.body_size;
        buf_clear(&p->in.props);
        buf_clear(&p->in.body);
        buf_bytes(&p->in.props, content.props.bytes);
    } else if (f->type == FRAME_BODY) {
        buf_bytes(&p->in.body, f->payload);
    }
    if (p->in.has_head && p->in.body.size >= p->in.body_size)
        end_message(p);
}

static void send_heartbeat(struct party *p)
{
    uint8_t bytes[FRAME_EMPTY_SIZE];
    struct writer w = writer_of(bytes, sizeof(bytes));

    if (p->client->heartbeat_s == 0 || run_now_ms(p->run) < p->heartbeat_ms)
        return;
    frame_write_heartbeat(&w);
    client_send(p->client, writer_view(&w));
    p->heartbeat_ms = run_now_ms(p->run) + HEARTBEAT_EVERY_MS;
}

void party_poll(struct party *p)
{
    while (p->client != NULL && !p->is_deaf && client_poll(p->client)) {
        struct frame f = p->client->frame;

        if (f.type == FRAME_METHOD)
            hear_method(p, &p->client->method);
        else
            hear_content(p, &f);
    }
    if (p->client != NULL)
        send_heartbeat(p);
}
