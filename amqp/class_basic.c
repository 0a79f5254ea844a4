/* basic.x, but for publish: consumers, deliveries and what becomes of them. */
#include <inttypes.h>

#include "amqp/channel.h"
#include "amqp/deliver.h"
#include "amqp/door.h"
#include "amqp/subscriber.h"
#include "base/zoo.h"
#include "broker/consume.h"
#include "broker/tx.h"

static const char reply_queue[] = "amq.rabbitmq.reply-to";

enum { TAG_RANDOM_SIZE = 22, TAG_SIZE = 9 + TAG_RANDOM_SIZE };

/* ---- qos ---- */

static void on_qos(struct channel *ch, const struct method *m)
{
    const struct method_basic_qos *q = &m->basic_qos;
    struct method reply = {.id = METHOD_BASIC_QOS_OK};

    if (q->prefetch_size != 0) {
        channel_fail_text(ch, m->id, REPLY_NOT_IMPLEMENTED, "prefetch_size!=0 (%" PRIu32 ")",
                          q->prefetch_size);
        return;
    }
    if (q->global || ch->connection->client.has_channel_qos)
        credit_set_limit(&ch->credit, q->prefetch_count);
    else
        ch->prefetch = q->prefetch_count;
    channel_write(ch, &reply);
}

/* ---- consume and cancel ---- */

/* "amq.ctag-" and 22 characters by chance: RabbitMQ's form. */
static struct bytes make_tag(struct channel *ch, char out[TAG_SIZE])
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    struct writer w = writer_of(out, TAG_SIZE);
    uint64_t chance = 0;

    writer_bytes(&w, bytes_text("amq.ctag-"));
    for (unsigned i = 0; i < TAG_RANDOM_SIZE; i++) {
        if (i % 10 == 0)
            chance = io_random(connection_io(ch->connection));
        writer_u8(&w, (uint8_t)digits[chance & 63]);
        chance >>= 6;
    }
    ASSERT(!w.is_failed);
    return writer_view(&w);
}

/* Refuses what no consumer may be. */
static bool check_consume(struct channel *ch, const struct method *m)
{
    const struct method_basic_consume *b = &m->basic_consume;
    int64_t max = ch->connection->session.door->options->consumers_max;

    if (b->consumer_tag.size > 0 && names_find(&ch->subscribers, b->consumer_tag) != NULL) {
        channel_fail_text(ch, m->id, REPLY_NOT_ALLOWED, "attempt to reuse consumer tag '%.*s'",
                          (int)b->consumer_tag.size, (const char *)b->consumer_tag.data);
        return false;
    }
    if (max > 0 && names_count(&ch->subscribers) >= (uint64_t)max) {
        channel_fail_text(ch, m->id, REPLY_NOT_ALLOWED,
                          "reached maximum (%" PRId64 ") of consumers per channel", max);
        return false;
    }
    return true;
}

/* The consumer of replies, which are sent here and nowhere else. */
static bool take_replies(struct channel *ch, const struct method *m)
{
    if (!m->basic_consume.no_ack) {
        channel_fail_text(ch, m->id, REPLY_PRECONDITION_FAILED,
                          "reply consumer cannot acknowledge");
        return false;
    }
    if (!publisher_take_replies(channel_publisher(ch))) {
        channel_fail_text(ch, m->id, REPLY_PRECONDITION_FAILED, "reply consumer already set");
        return false;
    }
    return true;
}

/* Enters a consumer with the broker. */
static bool consume(struct channel *ch, const struct method *m, struct subscriber *s)
{
    const struct method_basic_consume *b = &m->basic_consume;
    struct consume consume = {
        .queue = b->queue,
        .arguments = b->arguments,
        .spec =
            {
                .ops = &subscriber_ops,
                .owner = s,
                .is_no_ack = b->no_ack,
                .is_exclusive = b->exclusive,
                .prefetch = ch->prefetch,
                .shared = &ch->credit,
                .timeout_ms = QUEUE_NO_LIMIT,
            },
    };
    struct refusal refusal;

    if (!channel_queue_name(ch, m->id, &consume.queue))
        return false;
    if (broker_consume(channel_visit(ch), &consume, &s->consumer, &refusal) == 0)
        return true;
    subscriber_forget(s);
    channel_refuse(ch, m->id, &refusal);
    return false;
}

static void on_consume(struct channel *ch, const struct method *m)
{
    const struct method_basic_consume *b = &m->basic_consume;
    struct method reply = {.id = METHOD_BASIC_CONSUME_OK};
    struct bytes tag = b->consumer_tag;
    struct subscriber *s;
    char made[TAG_SIZE];

    if (!check_consume(ch, m))
        return;
    if (tag.size == 0)
        tag = make_tag(ch, made);
    if (bytes_equal(b->queue, bytes_text(reply_queue))) {
        if (!take_replies(ch, m))
            return;
        s = ch->replies = subscriber_new(ch, tag, true);
    } else {
        s = subscriber_new(ch, tag, b->no_ack);
        subscriber_set_arguments(s, b->arguments);
        if (!consume(ch, m, s))
            return;
    }
    reply.basic_consume_ok.consumer_tag = s->tag;
    if (!b->no_wait)
        channel_write(ch, &reply);
}

static void on_cancel(struct channel *ch, const struct method *m)
{
    struct method reply = {.id = METHOD_BASIC_CANCEL_OK};
    struct subscriber *s = names_find(&ch->subscribers, m->basic_cancel.consumer_tag);

    /* What was published before is his, though others would be served at the end of the turn. */
    if (s != NULL && s->consumer != NULL)
        consumer_serve(s->consumer);
    if (s != NULL)
        subscriber_cancel(s);
    reply.basic_cancel_ok.consumer_tag = m->basic_cancel.consumer_tag;
    if (!m->basic_cancel.no_wait)
        channel_write(ch, &reply);
}

/* ---- get ---- */

static void write_got(struct channel *ch, struct delivery *d, const struct stored *m,
                      struct store_pin pin, uint64_t ready)
{
    struct method head = {.id = METHOD_BASIC_GET_OK};

    head.basic_get_ok.delivery_tag = ch->next_tag++;
    head.basic_get_ok.redelivered = d->is_redelivered;
    head.basic_get_ok.exchange = m->exchange;
    head.basic_get_ok.routing_key = m->routing_key;
    head.basic_get_ok.message_count = ready > UINT32_MAX ? UINT32_MAX : (uint32_t)ready;
    ch->counts.redeliver += d->is_redelivered;
    if (ch->get.is_no_ack) {
        ch->counts.get_no_ack++;
    } else {
        ch->counts.get++;
        d->holder = &ch->holder;
        tags_add(&ch->tags, d->tag = head.basic_get_ok.delivery_tag, d);
    }
    if (UNLIKELY(visit_is_traced(channel_visit(ch))))
        visit_trace_delivered(channel_visit(ch), ch->id, d, m);
    deliver_got(ch, &head, d, m, pin);
}

static void on_got(struct queue_get *g, struct delivery *d, const struct stored *m,
                   struct store_pin pin, uint64_t ready)
{
    struct channel *ch = CONTAINER_OF(g, struct channel, get);
    struct method empty = {.id = METHOD_BASIC_GET_EMPTY};

    ASSERT(ch->is_getting);
    ch->is_getting = false;
    if (d != NULL) {
        write_got(ch, d, m, pin, ready);
    } else {
        ch->counts.get_empty++;
        empty.basic_get_empty.cluster_id = bytes_of(NULL, 0);
        channel_write(ch, &empty);
    }
    connection_resume(ch->connection, STALL_GET);
    ch->connection->has_room = true;
}

static void on_get(struct channel *ch, const struct method *m)
{
    struct bytes name = m->basic_get.queue;
    struct refusal refusal;

    if (!channel_queue_name(ch, m->id, &name))
        return;
    ch->get = (struct queue_get){.is_no_ack = m->basic_get.no_ack, .got = on_got};
    ch->is_getting = true;
    connection_stall(ch->connection, STALL_GET, ch);
    if (broker_get(channel_visit(ch), name, &ch->get, &refusal) == 0)
        return;
    ch->is_getting = false;
    connection_resume(ch->connection, STALL_GET);
    channel_refuse(ch, m->id, &refusal);
}

/* ---- ack, reject, nack, recover ---- */

/* One delivery; in a transaction it is only staged. False: the channel has failed. */
static bool settle(struct channel *ch, uint32_t method, struct delivery *d,
                   enum tx_settle_kind kind)
{
    struct refusal refusal;

    if (UNLIKELY(d == TAGS_GONE))
        return true;
    ch->counts.ack += kind == TX_ACK;
    if (UNLIKELY(ch->tx != NULL)) {
        if (tx_settle(ch->tx, d, kind, &refusal) == 0)
            return true;
        tags_put_back(&ch->tags, d->tag, d);
        channel_refuse(ch, method, &refusal);
        return false;
    }
    switch (kind) {
    case TX_ACK:
        queue_ack(d);
        break;
    case TX_REJECT:
        queue_reject(d);
        break;
    case TX_REQUEUE:
        queue_requeue(d, method == METHOD_BASIC_REJECT);
        break;
    }
    return true;
}

static void settle_one(struct channel *ch, uint32_t method, uint64_t tag, enum tx_settle_kind kind)
{
    struct delivery *d = tags_take(&ch->tags, tag);

    if (UNLIKELY(d == NULL)) {
        channel_fail_text(ch, method, REPLY_PRECONDITION_FAILED, "unknown delivery tag %" PRIu64,
                          tag);
        return;
    }
    settle(ch, method, d, kind);
}

/* All up to that tag, which must be there itself; 0 stands for all there are. */
static void settle_upto(struct channel *ch, uint32_t method, uint64_t tag, enum tx_settle_kind kind)
{
    struct delivery *d;

    if (tag != 0 && !tags_has(&ch->tags, tag)) {
        channel_fail_text(ch, method, REPLY_PRECONDITION_FAILED, "unknown delivery tag %" PRIu64,
                          tag);
        return;
    }
    while ((d = tags_take_first(&ch->tags, tag == 0 ? UINT64_MAX : tag + ZOO(MULTIPLE_TOO_FAR))) !=
           NULL)
        if (!settle(ch, method, d, kind))
            return;
}

static void on_ack(struct channel *ch, const struct method *m)
{
    if (m->basic_ack.multiple)
        settle_upto(ch, m->id, m->basic_ack.delivery_tag, TX_ACK);
    else
        settle_one(ch, m->id, m->basic_ack.delivery_tag, TX_ACK);
}

static void on_nack(struct channel *ch, const struct method *m)
{
    enum tx_settle_kind kind = m->basic_nack.requeue ? TX_REQUEUE : TX_REJECT;

    if (m->basic_nack.multiple)
        settle_upto(ch, m->id, m->basic_nack.delivery_tag, kind);
    else
        settle_one(ch, m->id, m->basic_nack.delivery_tag, kind);
}

void channel_requeue_all(struct channel *ch, bool is_failure)
{
    struct delivery *d;

    while ((d = tags_take_first(&ch->tags, UINT64_MAX)) != NULL)
        if (d != TAGS_GONE && ZOO(UNSETTLED_LOST))
            queue_ack(d);
        else if (d != TAGS_GONE)
            queue_requeue(d, is_failure);
}

static void on_recover(struct channel *ch, const struct method *m)
{
    struct method reply = {.id = METHOD_BASIC_RECOVER_OK};
    bool is_asked = m->id == METHOD_BASIC_RECOVER;

    if (is_asked ? !m->basic_recover.requeue : !m->basic_recover_async.requeue) {
        channel_fail_text(ch, m->id, REPLY_NOT_IMPLEMENTED, "requeue=false");
        return;
    }
    channel_requeue_all(ch, false);
    if (is_asked)
        channel_write(ch, &reply);
}

/* ---- consumers that others end ---- */

/* Takes back what he holds; settling it later does nothing. */
static void take_back(struct channel *ch, const struct subscriber *s)
{
    struct delivery *d;
    uint32_t place = 0;

    while ((d = tags_next(&ch->tags, &place)) != NULL) {
        if (d->consumer != s->consumer)
            continue;
        tags_forget(&ch->tags, place);
        queue_requeue(d, false);
    }
}

/* A client that can hear of it loses the consumer; any other one the channel. False: that one. */
static bool end_timed_out(struct channel *ch, struct subscriber *s)
{
    struct reply r;

    if (!ch->connection->client.wants_cancel) {
        ch->is_overdue = true;
        channel_reply_timed_out(ch, s->timeout_ms, &r);
        channel_fail(ch, 0, &r);
        return false;
    }
    door_say_of_channel(&ch->connection->session, DIAG_WARNING,
                        "a consumer held a message for longer than %" PRIu64
                        " ms and is cancelled peer=%s",
                        s->timeout_ms, look_who(&ch->connection->session));
    take_back(ch, s);
    subscriber_say_cancelled(s);
    subscriber_cancel(s);
    return true;
}

void channel_end_consumers(struct channel *ch)
{
    struct names_entry *next;

    if (ch->connection->stalled == ch) { /* behind the answer that it waits for */
        list_push(&ch->connection->ending, &ch->ending);
        return;
    }
    ch->has_ended_consumers = false;
    for (struct names_entry *e = names_first(&ch->subscribers); e != NULL; e = next) {
        struct subscriber *s = e->value;

        next = names_next(&ch->subscribers, e);
        if (s->is_cancelled) {
            subscriber_say_cancelled(s);
            subscriber_forget(s);
        } else if (s->is_timed_out && !end_timed_out(ch, s)) {
            return;
        }
    }
}

void basic_method(struct channel *ch, const struct method *m)
{
    switch (m->id) {
    case METHOD_BASIC_ACK:
        on_ack(ch, m);
        break;
    case METHOD_BASIC_QOS:
        on_qos(ch, m);
        break;
    case METHOD_BASIC_CONSUME:
        on_consume(ch, m);
        break;
    case METHOD_BASIC_CANCEL:
        on_cancel(ch, m);
        break;
    case METHOD_BASIC_CANCEL_OK:
        break; /* the client heard of ours */
    case METHOD_BASIC_GET:
        on_get(ch, m);
        break;
    case METHOD_BASIC_REJECT:
        settle_one(ch, m->id, m->basic_reject.delivery_tag,
                   m->basic_reject.requeue ? TX_REQUEUE : TX_REJECT);
        break;
    case METHOD_BASIC_NACK:
        on_nack(ch, m);
        break;
    case METHOD_BASIC_RECOVER:
    case METHOD_BASIC_RECOVER_ASYNC:
        on_recover(ch, m);
        break;
    default:
        channel_fail_unimplemented(ch, m->id);
    }
}
