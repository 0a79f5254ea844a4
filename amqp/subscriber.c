/* Consumers of a channel. */
#include "amqp/subscriber.h"

#include <string.h>

#include "amqp/deliver.h"
#include "amqp/door.h"
#include "amqp/train.h"
#include "amqp/wire/frame.h"
#include "base/mem.h"
#include "queue/look.h"

/* What of basic.deliver stands behind the tag. */
enum { BEHIND_TAG_SIZE = 8 + 1 + 1 + 1 + FRAME_END_SIZE, HEAD_MAX = 512 };

/* Writes a basic.deliver with nothing but the tag in it. */
static size_t make_head(uint8_t head[HEAD_MAX], uint16_t channel, struct bytes tag)
{
    struct method m = {.id = METHOD_BASIC_DELIVER};
    struct writer w = writer_of(head, HEAD_MAX);

    memset(&m.basic_deliver, 0, sizeof(m.basic_deliver));
    m.basic_deliver.consumer_tag = tag;
    method_write(&w, channel, &m);
    ASSERT(!w.is_failed);
    return w.size - BEHIND_TAG_SIZE;
}

struct subscriber *subscriber_new(struct channel *ch, struct bytes tag, bool is_no_ack)
{
    uint8_t head[HEAD_MAX];
    size_t size = make_head(head, ch->id, tag);
    struct subscriber *s = mem_zero(1, sizeof(*s) + size);

    s->channel = ch;
    s->is_no_ack = is_no_ack;
    s->head_size = size;
    memcpy(s->head, head, size);
    s->tag = bytes_of(s->head + size - tag.size, tag.size);
    ASSERT(bytes_equal(s->tag, tag));
    names_put(&ch->subscribers, tag, s);
    ch->connection->session.door->stats.consumers++;
    return s;
}

void subscriber_set_arguments(struct subscriber *s, struct table arguments)
{
    size_t size = arguments.bytes.size;
    uint8_t *copy = size == 0 ? NULL : mem_alloc(size);

    if (size > 0)
        memcpy(copy, arguments.bytes.data, size);
    s->arguments.bytes = bytes_of(copy, size);
}

void subscriber_forget(struct subscriber *s)
{
    struct channel *ch = s->channel;

    if (list_linked(&s->waiting))
        list_remove(&s->waiting);
    if (ch->replies == s)
        ch->replies = NULL;
    names_remove(&ch->subscribers, s->tag);
    ch->connection->session.door->stats.consumers--;
    mem_free((void *)(uintptr_t)s->arguments.bytes.data);
    mem_free(s);
}

void subscriber_cancel(struct subscriber *s)
{
    if (s->consumer != NULL)
        consumer_cancel(s->consumer);
    else if (s->channel->replies == s)
        publisher_drop_replies(s->channel->publisher);
    subscriber_forget(s);
}

void subscribers_cancel(struct channel *ch)
{
    struct names_entry *e;

    while ((e = names_first(&ch->subscribers)) != NULL)
        subscriber_cancel(e->value);
}

void subscribers_resume(struct list *waiting)
{
    LIST_FOREACH_SAFE (link, waiting) {
        struct subscriber *s = CONTAINER_OF(link, struct subscriber, waiting);

        if (channel_is_held(s->channel) || s->channel->is_getting)
            continue;
        list_remove(link);
        consumer_resume(s->consumer);
    }
}

void subscriber_say_cancelled(struct subscriber *s)
{
    struct method m = {.id = METHOD_BASIC_CANCEL};

    if (!s->channel->connection->client.wants_cancel)
        return;
    m.basic_cancel.consumer_tag = s->tag;
    m.basic_cancel.no_wait = true;
    channel_write(s->channel, &m);
}

/* ---- called from the queue ---- */

static bool on_deliver(void *owner, struct consumer *consumer, struct delivery *d,
                       const struct stored *m, struct store_pin pin)
{
    struct subscriber *s = owner;
    struct channel *ch = s->channel;

    (void)consumer;
    /* A large body would stand in the way of what basic.get asked for. */
    bool is_in_the_way = ch->is_getting && m->parts > 0;

    if (UNLIKELY(channel_is_held(ch) || is_in_the_way)) {
        if (!list_linked(&s->waiting))
            list_push(&ch->connection->waiting, &s->waiting);
        return false;
    }
    uint64_t tag = ch->next_tag++;
    ch->counts.redeliver += d->is_redelivered;
    if (s->is_no_ack) {
        ch->counts.deliver_no_ack++;
    } else {
        ch->counts.deliver++;
        d->holder = &ch->holder;
        tags_add(&ch->tags, d->tag = tag, d);
    }
    if (UNLIKELY(visit_is_traced(channel_visit(ch))))
        visit_trace_delivered(channel_visit(ch), ch->id, d, m);
    deliver_stored(s, tag, d, m, pin);
    return true;
}

static void end_later(struct subscriber *s)
{
    s->channel->has_ended_consumers = true;
    channel_end_later(s->channel);
}

/* The client is told later: behind the answer to his own queue.delete, as RabbitMQ does it. */
static void on_cancelled(void *owner, struct consumer *consumer, enum cancel_reason reason)
{
    struct subscriber *s = owner;

    (void)consumer;
    (void)reason;
    s->consumer = NULL;
    s->is_cancelled = true;
    if (list_linked(&s->waiting))
        list_remove(&s->waiting);
    end_later(s);
}

static void on_timed_out(void *owner, struct consumer *consumer, uint64_t timeout_ms)
{
    struct subscriber *s = owner;

    (void)consumer;
    s->is_timed_out = true;
    s->timeout_ms = timeout_ms;
    end_later(s);
}

static void on_describe(void *owner, struct consumer_person *out)
{
    const struct subscriber *s = owner;
    const struct connection *c = s->channel->connection;

    *out = (struct consumer_person){
        .tag = s->tag,
        .user = user_name(c->user),
        .connection = bytes_text(c->session.look.name),
        .channel = s->channel->id,
        .arguments = s->arguments,
    };
}

const struct consumer_ops subscriber_ops = {
    .deliver = on_deliver,
    .cancelled = on_cancelled,
    .timed_out = on_timed_out,
    .describe = on_describe,
    .trains = &subscriber_train_ops,
};
