/* exchange.x: what clients do with exchanges. */
#include "amqp/channel.h"
#include "broker/define.h"

/* `reply` has no fields. */
static void answer(struct channel *ch, enum method_id reply, bool no_wait)
{
    struct method m = {.id = reply};

    if (!no_wait)
        channel_write_safe(ch, &m);
}

static void on_declare(struct channel *ch, const struct method *m)
{
    const struct method_exchange_declare *d = &m->exchange_declare;
    struct define_exchange define = {
        .name = d->exchange,
        .type = d->type,
        .is_passive = d->passive,
        .is_durable = d->durable,
        .is_auto_delete = d->auto_delete,
        .is_internal = d->internal,
        .arguments = d->arguments,
    };
    struct refusal refusal;

    if (define_exchange(channel_visit(ch), &define, &refusal) != 0)
        channel_refuse(ch, m->id, &refusal);
    else
        answer(ch, METHOD_EXCHANGE_DECLARE_OK, d->no_wait);
}

static void on_delete(struct channel *ch, const struct method *m)
{
    const struct method_exchange_delete *d = &m->exchange_delete;
    struct refusal refusal;

    if (define_exchange_delete(channel_visit(ch), d->exchange, d->if_unused, &refusal) != 0)
        channel_refuse(ch, m->id, &refusal);
    else
        answer(ch, METHOD_EXCHANGE_DELETE_OK, d->no_wait);
}

static void on_bind(struct channel *ch, const struct method *m)
{
    const struct method_exchange_bind *b = &m->exchange_bind;
    struct define_binding define = {
        .source = b->source,
        .destination = b->destination,
        .is_to_exchange = true,
        .key = b->routing_key,
        .arguments = b->arguments,
    };
    struct refusal refusal;

    if (define_bind(channel_visit(ch), &define, &refusal) != 0)
        channel_refuse(ch, m->id, &refusal);
    else
        answer(ch, METHOD_EXCHANGE_BIND_OK, b->no_wait);
}

static void on_unbind(struct channel *ch, const struct method *m)
{
    const struct method_exchange_unbind *b = &m->exchange_unbind;
    struct define_binding define = {
        .source = b->source,
        .destination = b->destination,
        .is_to_exchange = true,
        .key = b->routing_key,
        .arguments = b->arguments,
    };
    struct refusal refusal;

    if (define_unbind(channel_visit(ch), &define, &refusal) != 0)
        channel_refuse(ch, m->id, &refusal);
    else
        answer(ch, METHOD_EXCHANGE_UNBIND_OK, b->no_wait);
}

void exchange_method(struct channel *ch, const struct method *m)
{
    switch (m->id) {
    case METHOD_EXCHANGE_DECLARE:
        on_declare(ch, m);
        break;
    case METHOD_EXCHANGE_DELETE:
        on_delete(ch, m);
        break;
    case METHOD_EXCHANGE_BIND:
        on_bind(ch, m);
        break;
    case METHOD_EXCHANGE_UNBIND:
        on_unbind(ch, m);
        break;
    default:
        channel_fail_unimplemented(ch, m->id);
    }
}
