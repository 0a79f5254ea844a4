/* queue.x: what clients do with queues. */
#include "amqp/channel.h"
#include "broker/consume.h"
#include "broker/define.h"

/* Counts have four bytes on the wire. */
static uint32_t shown(uint64_t count)
{
    return count > UINT32_MAX ? UINT32_MAX : (uint32_t)count;
}

static void on_declare(struct channel *ch, const struct method *m)
{
    const struct method_queue_declare *d = &m->queue_declare;
    struct define_queue define = {
        .name = d->queue,
        .is_passive = d->passive,
        .is_durable = d->durable,
        .is_exclusive = d->exclusive,
        .is_auto_delete = d->auto_delete,
        .arguments = d->arguments,
    };
    struct method reply = {.id = METHOD_QUEUE_DECLARE_OK};
    struct defined_queue queue;
    struct refusal refusal;

    if (define_queue(channel_visit(ch), &define, &queue, &refusal) != 0) {
        channel_refuse(ch, m->id, &refusal);
        return;
    }
    channel_set_last_queue(ch, queue.name);
    if (d->no_wait)
        return;
    reply.queue_declare_ok.queue = queue.name;
    reply.queue_declare_ok.message_count = shown(queue.ready);
    reply.queue_declare_ok.consumer_count = shown(queue.consumers);
    channel_write_safe(ch, &reply);
}

static void on_bind(struct channel *ch, const struct method *m)
{
    const struct method_queue_bind *b = &m->queue_bind;
    struct method reply = {.id = METHOD_QUEUE_BIND_OK};
    struct define_binding define = {
        .source = b->exchange,
        .destination = b->queue,
        .key = b->routing_key,
        .arguments = b->arguments,
    };
    struct refusal refusal;

    if (!channel_queue_name(ch, m->id, &define.destination))
        return;
    if (b->queue.size == 0 && b->routing_key.size == 0)
        define.key = define.destination;
    if (define_bind(channel_visit(ch), &define, &refusal) != 0)
        channel_refuse(ch, m->id, &refusal);
    else if (!b->no_wait)
        channel_write_safe(ch, &reply);
}

static void on_unbind(struct channel *ch, const struct method *m)
{
    const struct method_queue_unbind *b = &m->queue_unbind;
    struct method reply = {.id = METHOD_QUEUE_UNBIND_OK};
    struct define_binding define = {
        .source = b->exchange,
        .destination = b->queue,
        .key = b->routing_key,
        .arguments = b->arguments,
    };
    struct refusal refusal;

    if (!channel_queue_name(ch, m->id, &define.destination))
        return;
    if (b->queue.size == 0 && b->routing_key.size == 0)
        define.key = define.destination;
    if (define_unbind(channel_visit(ch), &define, &refusal) != 0)
        channel_refuse(ch, m->id, &refusal);
    else
        channel_write_safe(ch, &reply);
}

static void on_purge(struct channel *ch, const struct method *m)
{
    struct method reply = {.id = METHOD_QUEUE_PURGE_OK};
    struct bytes name = m->queue_purge.queue;
    struct refusal refusal;
    uint64_t count;

    if (!channel_queue_name(ch, m->id, &name))
        return;
    if (broker_purge(channel_visit(ch), name, &count, &refusal) != 0) {
        channel_refuse(ch, m->id, &refusal);
        return;
    }
    reply.queue_purge_ok.message_count = shown(count);
    if (!m->queue_purge.no_wait)
        channel_write(ch, &reply);
}

static void on_delete(struct channel *ch, const struct method *m)
{
    struct method reply = {.id = METHOD_QUEUE_DELETE_OK};
    struct define_queue_delete define = {
        .name = m->queue_delete.queue,
        .if_unused = m->queue_delete.if_unused,
        .if_empty = m->queue_delete.if_empty,
    };
    struct refusal refusal;
    uint64_t ready;

    if (!channel_queue_name(ch, m->id, &define.name))
        return;
    if (define_queue_delete(channel_visit(ch), &define, &ready, &refusal) != 0) {
        channel_refuse(ch, m->id, &refusal);
        return;
    }
    reply.queue_delete_ok.message_count = shown(ready);
    if (!m->queue_delete.no_wait)
        channel_write_safe(ch, &reply);
}

void queue_method(struct channel *ch, const struct method *m)
{
    switch (m->id) {
    case METHOD_QUEUE_DECLARE:
        on_declare(ch, m);
        break;
    case METHOD_QUEUE_BIND:
        on_bind(ch, m);
        break;
    case METHOD_QUEUE_UNBIND:
        on_unbind(ch, m);
        break;
    case METHOD_QUEUE_PURGE:
        on_purge(ch, m);
        break;
    case METHOD_QUEUE_DELETE:
        on_delete(ch, m);
        break;
    default:
        channel_fail_unimplemented(ch, m->id);
    }
}
