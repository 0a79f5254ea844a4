/* basic.publish with its content, and the confirms that answer it.
 *
 * A message all of whose frames lie in the receive buffer is published from there. Any other is
 * collected (amqp/collect.h). One that the broker cannot take now is collected too, and the
 * connection waits with it. */
#include <inttypes.h>

#include "amqp/channel.h"
#include "amqp/collect.h"
#include "amqp/deliver.h"
#include "amqp/subscriber.h"
#include "amqp/train.h"
#include "amqp/wire/content.h"
#include "base/err.h"
#include "base/zoo.h"
#include "broker/tx.h"

enum {
    PIECES_MAX = 64,         /* body frames of a message that is published in place */
    UPLOAD_BYTES = 1 << 20,  /* of a large body are collected before they are handed on */
    TRAIN_MAX = 128,         /* messages of a train that are handed on at a time, */
    TRAIN_PLACES_MAX = 4096, /* and queues times messages */
};

/* ---- what comes back ---- */

void publish_return(struct channel *ch, const struct message *m)
{
    struct method head = {.id = METHOD_BASIC_RETURN};

    if (ZOO(RETURN_MISSING))
        return;
    head.basic_return.reply_code = REPLY_NO_ROUTE;
    head.basic_return.reply_text = bytes_text(reply_name(REPLY_NO_ROUTE));
    head.basic_return.exchange = m->exchange;
    head.basic_return.routing_key = m->routing_key;
    deliver_copy(ch, &head, m);
}

/* All publishes before the error are answered: the channel can end. */
static void look_after_end(struct channel *ch)
{
    if (ch->state == CHANNEL_FAILING)
        channel_end_later(ch);
}

static void on_confirmed(void *owner, uint64_t seq)
{
    struct channel *ch = owner;
    struct method m = {.id = METHOD_BASIC_ACK};

    m.basic_ack.delivery_tag = seq;
    m.basic_ack.multiple = seq > ch->answered + 1;
    channel_write(ch, &m);
    ch->counts.confirm += seq > ch->answered ? seq - ch->answered : 0;
    ch->answered = seq;
    look_after_end(ch);
}

static void on_rejected(void *owner, uint64_t seq)
{
    struct channel *ch = owner;
    struct method m = {.id = METHOD_BASIC_NACK};

    m.basic_nack.delivery_tag = seq;
    m.basic_nack.multiple = false;
    m.basic_nack.requeue = false;
    channel_write(ch, &m);
    if (seq == ch->answered + 1)
        ch->answered = seq;
    look_after_end(ch);
}

static void on_reply(void *owner, const struct message *m)
{
    struct channel *ch = owner;
    struct method head = {.id = METHOD_BASIC_DELIVER};

    if (ch->replies == NULL)
        return;
    head.basic_deliver.consumer_tag = ch->replies->tag;
    head.basic_deliver.delivery_tag = ch->next_tag++;
    head.basic_deliver.redelivered = false;
    head.basic_deliver.exchange = m->exchange;
    head.basic_deliver.routing_key = m->routing_key;
    deliver_copy(ch, &head, m);
}

const struct publisher_ops channel_publisher_ops = {
    .confirmed = on_confirmed,
    .rejected = on_rejected,
    .reply = on_reply,
};

/* ---- publish ---- */

static void on_unroutable(struct channel *ch, const struct publish *p)
{
    ch->counts.return_unroutable += p->is_mandatory;
    ch->counts.drop_unroutable += !p->is_mandatory;
    if (p->is_mandatory)
        publish_return(ch, &p->message);
}

/* Publishes. ERR_AGAIN: it could not be done now; all else is dealt with. */
static int publish(struct channel *ch, const struct publish *p, struct published *out)
{
    struct refusal refusal;
    int rv;

    *out = (struct published){.places = 1};
    if (ch->tx != NULL)
        rv = tx_publish(ch->tx, p, &refusal);
    else
        rv = broker_publish(channel_publisher(ch), p, out, &refusal);
    if (UNLIKELY(rv == ERR_AGAIN))
        return rv;
    if (UNLIKELY(rv != 0)) {
        channel_refuse(ch, METHOD_BASIC_PUBLISH, &refusal);
        return 0;
    }
    ch->counts.publish++;
    if (UNLIKELY(out->places == 0))
        on_unroutable(ch, p);
    if (UNLIKELY(out->places > 1))
        connection_count_work(ch->connection, out->places);
    return 0;
}

/* Keeps a message that lies in the receive buffer, and waits with it. */
static void stash(struct channel *ch, const struct method_basic_publish *m, const struct publish *p)
{
    int rv = 0;

    ch->collect = collect_new(m);
    collect_header(ch->collect, &p->message.props, p->message.body_size);
    for (size_t i = 0; i < p->message.body_count && rv == 0; i++)
        rv = collect_body(ch->collect, p->message.body[i]);
    if (rv != 0)
        channel_fail_text(ch, METHOD_BASIC_PUBLISH, REPLY_RESOURCE_ERROR,
                          "there is no memory for the message");
    else
        connection_stall(ch->connection, STALL_PUBLISH, ch);
}

/* The body frames behind the header. Returns how much of the window they take, or SIZE_MAX when
 * they are not all there, or not as they should be. */
static size_t find_body(const struct channel *ch, struct bytes window, uint64_t body_size,
                        struct publish *p, struct bytes pieces[PIECES_MAX])
{
    size_t at = 0;
    struct frame f;

    p->message.body = pieces;
    p->message.body_size = body_size;
    p->message.body_count = 0;
    while (body_size > 0) {
        struct bytes rest = bytes_of(window.data + at, window.size - at);
        if (p->message.body_count == PIECES_MAX ||
            frame_decode(rest, ch->connection->frame_max, &f) != WIRE_OK || f.type != FRAME_BODY ||
            f.channel != ch->id || f.payload.size == 0 || f.payload.size > body_size)
            return SIZE_MAX;
        pieces[p->message.body_count++] = f.payload;
        body_size -= f.payload.size;
        at += f.size;
    }
    return at;
}

/* Of several queues less at a time: `places` times as much is done for each. */
static size_t train_max(size_t places)
{
    size_t max = TRAIN_PLACES_MAX / places;

    return max > TRAIN_MAX ? TRAIN_MAX : max;
}

/* Publishes what lies behind *p and looks the same. Returns how many bytes of the window. */
static size_t publish_train(struct channel *ch, const struct publish *p, size_t places,
                            const struct train_form *form, struct bytes window)
{
    struct bytes bodies[TRAIN_MAX];
    size_t max = train_max(places);
    size_t at = 0;
    size_t done;

    do {
        struct bytes rest = bytes_of(window.data + at, window.size - at);
        size_t found = train_gather(form, rest, bodies, max);

        done = found == 0 ? 0 : broker_publish_train(channel_publisher(ch), p, bodies, found);
        if (done == 0)
            break;
        at = (size_t)(train_body_end(bodies[done - 1]) - window.data);
        ch->counts.publish += done;
        if (places > 1)
            connection_count_work(ch->connection, done * places);
    } while (done == max && connection_reads(ch->connection));
    return at;
}

/* The form of a message that was published in place from a window of these frames. */
static struct train_form form_of(const struct channel *ch, struct bytes payload, size_t header_size)
{
    uint64_t message_max = broker_message_max(connection_broker(ch->connection));
    size_t frame_max = ch->connection->frame_max - FRAME_EMPTY_SIZE;
    size_t method_size = payload.size + FRAME_EMPTY_SIZE;
    struct train_form form = train_form_of(
        bytes_of(payload.data - FRAME_HEAD_SIZE, method_size + header_size), method_size);

    if (form.body_max > frame_max)
        form.body_max = frame_max;
    if (form.body_max > message_max)
        form.body_max = (size_t)message_max;
    return form;
}

/* Publishes from the receive buffer, and what lies behind and looks the same. Returns how much it
 * took, 0 when the content is not all there, or not as it should be. */
static size_t publish_in_place(struct channel *ch, const struct method_basic_publish *m,
                               struct bytes payload, struct bytes window)
{
    struct bytes pieces[PIECES_MAX];
    struct published out;
    struct publish p; /* not cleared: it is large, and all of it is set below */
    struct content_head head;
    struct frame f;
    size_t size;

    if (frame_decode(window, ch->connection->frame_max, &f) != WIRE_OK || f.type != FRAME_HEADER ||
        f.channel != ch->id || content_decode_to(f.payload, &head, &p.message.props) != WIRE_OK ||
        head.body_size > window.size - f.size)
        return 0;
    if (head.body_size > broker_message_max(connection_broker(ch->connection)))
        return 0;
    size = find_body(ch, bytes_of(window.data + f.size, window.size - f.size), head.body_size, &p,
                     pieces);
    if (size == SIZE_MAX)
        return 0;
    p.is_mandatory = m->mandatory;
    p.message.exchange = m->exchange;
    p.message.routing_key = m->routing_key;
    p.message.slip = bytes_of(NULL, 0);
    size += f.size;
    if (UNLIKELY(publish(ch, &p, &out) == ERR_AGAIN)) {
        stash(ch, m, &p);
    } else if (out.may_be_train && p.message.body_count <= 1) {
        const struct train_form form = form_of(ch, payload, f.size);
        struct bytes rest = bytes_of(window.data + size, window.size - size);

        size += publish_train(ch, &p, out.places, &form, rest);
    }
    return size;
}

size_t publish_method(struct channel *ch, const struct method_basic_publish *m,
                      struct bytes payload, struct bytes rest)
{
    size_t taken;

    if (m->immediate) {
        channel_fail_text(ch, METHOD_BASIC_PUBLISH, REPLY_NOT_IMPLEMENTED, "immediate=true");
        return 0;
    }
    if (UNLIKELY(ch->connection->is_blocked) && connection_holds_publish(ch->connection)) {
        ch->collect = collect_new(m); /* its content stays where it is */
        return 0;
    }
    taken = publish_in_place(ch, m, payload, rest);
    if (taken == 0 && ch->state == CHANNEL_OPEN)
        ch->collect = collect_new(m);
    return taken;
}

void publish_header(struct channel *ch, const struct content *content)
{
    uint64_t max = broker_message_max(connection_broker(ch->connection));

    if (content->body_size > max) {
        channel_fail_text(ch, METHOD_BASIC_PUBLISH, REPLY_PRECONDITION_FAILED,
                          "message size %" PRIu64 " is larger than configured max size %" PRIu64,
                          content->body_size, max);
        return;
    }
    collect_header(ch->collect, &content->props, content->body_size);
    if (ch->collect->state == COLLECT_COMPLETE) {
        publish_again(ch);
    } else if (content->body_size > UPLOAD_BYTES && ch->tx == NULL) {
        const struct message head = collect_message(ch->collect);
        ch->collect->is_uploaded = publisher_can_upload(channel_publisher(ch), &head);
    }
}

/* Hands on what lies here of a large body. ERR_AGAIN: not all of it was taken. */
static int upload(struct channel *ch)
{
    struct collect *k = ch->collect;
    struct message head = collect_message(k);
    int rv = 0;

    head.body = NULL;
    head.body_count = 0;
    while (rv == 0 && k->piece_count > 0) {
        struct bytes piece = collect_front(k);
        size_t taken = 0;

        rv = publisher_upload(channel_publisher(ch), &head, piece, &taken);
        collect_drop(k, taken);
    }
    return rv;
}

/* What was collected is published, or kept because it cannot be now. ERR_AGAIN. */
static int publish_collected(struct channel *ch)
{
    struct collect *k = ch->collect;
    struct publish p = {.message = collect_message(k), .is_mandatory = k->is_mandatory};
    struct published out;
    int rv;

    ch->collect = NULL;
    rv = publish(ch, &p, &out);
    if (rv == ERR_AGAIN)
        ch->collect = k;
    else
        collect_free(k);
    return rv;
}

void publish_again(struct channel *ch)
{
    struct connection *c = ch->connection;
    struct collect *k = ch->collect;
    bool is_complete = k->state == COLLECT_COMPLETE;
    int rv = 0;

    if (UNLIKELY(k->is_uploaded) && (is_complete || collect_held(k) >= UPLOAD_BYTES))
        rv = upload(ch);
    if (rv == 0 && is_complete)
        rv = publish_collected(ch);
    if (rv == ERR_AGAIN)
        connection_stall(c, STALL_PUBLISH, ch);
    else if (c->stalled == ch && (c->stalls & STALL_PUBLISH) != 0)
        connection_resume(c, STALL_PUBLISH);
}

void publish_drop(struct channel *ch)
{
    if (ch->collect != NULL && ch->collect->is_uploaded && ch->publisher != NULL)
        publisher_drop_upload(ch->publisher);
    collect_free(ch->collect);
    ch->collect = NULL;
}
