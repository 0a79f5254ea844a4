/* Connections of a load. */
#include "tests/trust/load/actor.h"

#include <string.h>

#include "amqp/wire/content.h"
#include "base/mem.h"
#include "tests/trust/mail.h"

enum { PROPS_MAX = 1 << 20, BODY_MAX = 16 << 20 };

struct actor *actor_new(struct load *l, enum actor_kind kind)
{
    struct actor *a = MEM_NEW(struct actor);

    a->load = l;
    a->kind = kind;
    buf_init(&a->props, PROPS_MAX);
    buf_init(&a->body, BODY_MAX);
    return a;
}

void actor_abandon(struct actor *a)
{
    if (a->caller != NULL)
        caller_free(a->caller);
    a->caller = NULL;
    a->is_going = a->is_gathering = a->has_head = a->is_committing = a->is_getting = false;
    a->transaction = 0;
    a->in_transaction = 0;
    a->row_count = 0;
}

void actor_free(struct actor *a)
{
    actor_abandon(a);
    buf_release(&a->props);
    buf_release(&a->body);
    mem_free(a);
}

void actor_drop(struct actor *a)
{
    struct event *e;

    if (a->caller == NULL)
        return;
    if (a->kind == ACTOR_CONSUMER) {
        e = load_event(a->load, VERB_GONE);
        event_set(e, FACT_SESSION, a->session);
        event_set(e, FACT_LOST, 0);
    }
    actor_abandon(a);
}

void actor_leave(struct actor *a)
{
    struct method m;

    if (a->caller == NULL || a->is_going)
        return;
    memset(&m, 0, sizeof(m));
    m.id = METHOD_CHANNEL_CLOSE;
    caller_method(a->caller, 1, &m);
    a->is_going = true;
    if (a->kind == ACTOR_PUBLISHER)
        return;
    event_set(load_event(a->load, VERB_GONE), FACT_SESSION, a->session);
    a->row_count = 0;
}

void actor_act(struct actor *a)
{
    if (a->kind == ACTOR_PUBLISHER)
        sender_act(a);
    else
        taker_act(a);
}

/* ---- what comes ---- */

static void begin_message(struct actor *a, const struct method *m)
{
    a->is_gathering = true;
    a->has_head = false;
    if (m->id == METHOD_BASIC_DELIVER) {
        a->tag = m->basic_deliver.delivery_tag;
        a->is_redelivered = m->basic_deliver.redelivered;
        a->where = mail_where(m->basic_deliver.exchange, m->basic_deliver.routing_key);
    } else {
        a->tag = m->basic_get_ok.delivery_tag;
        a->is_redelivered = m->basic_get_ok.redelivered;
        a->where = mail_where(m->basic_get_ok.exchange, m->basic_get_ok.routing_key);
    }
}

static void hear_method(struct actor *a, const struct method *m)
{
    switch (m->id) {
    case METHOD_BASIC_DELIVER:
    case METHOD_BASIC_GET_OK:
        begin_message(a, m);
        break;
    case METHOD_CHANNEL_CLOSE_OK:
        actor_abandon(a);
        break;
    case METHOD_CHANNEL_CLOSE:
    case METHOD_CONNECTION_CLOSE:
    case METHOD_BASIC_CANCEL: /* the queue cannot serve it any more */
        actor_drop(a);
        break;
    default:
        if (a->kind == ACTOR_PUBLISHER)
            sender_hear(a, m);
        else
            taker_hear(a, m);
    }
}

static void hear_content(struct actor *a, const struct frame *f)
{
    struct content content;

    if (!a->is_gathering)
        return; /* returned to a publisher */
    if (f->type == FRAME_HEADER && content_decode(f->payload, &content) == WIRE_OK) {
        a->has_head = true;
        a->body_size = content.body_size;
        buf_clear(&a->props);
        buf_clear(&a->body);
        buf_bytes(&a->props, content.props.bytes);
    } else if (f->type == FRAME_BODY) {
        buf_bytes(&a->body, f->payload);
    }
    if (!a->has_head || a->body.size < a->body_size)
        return;
    a->is_gathering = a->has_head = false;
    if (!a->is_going)
        taker_take(a);
}

void actor_hear(struct actor *a)
{
    while (a->caller != NULL && caller_next(a->caller)) {
        struct frame f = a->caller->frame;

        if (f.type == FRAME_METHOD)
            hear_method(a, &a->caller->method);
        else
            hear_content(a, &f);
    }
    if (a->caller == NULL)
        return;
    if (a->caller->is_garbled)
        load_trouble(a->load, "the broker sends what is no AMQP");
    if (a->caller->is_closed || a->caller->is_garbled)
        actor_drop(a);
}
