/* The short way of a message: handed over as it comes, without a place in the ledger.
 *
 * It is open when nothing is ready before it, when whoever is next takes it for good, and when no
 * restart needs to know of it. Then the ledger would only learn of the message to forget it at the
 * end of the turn, and so would the store when nobody else wants it. */
#include "queue/queues_parts.h"
#include "queue/stream.h"
#include "queue/train.h"

enum { SHARED_MAX = 4 * 1024 }; /* larger bodies lie once for all queues, and are sent from there */

/* Whether the body lies in one piece, as a consumer wants to see it. */
static bool is_whole(const struct queues_publish *p)
{
    const struct message *m = p->message;

    return m->body_size <= STORE_PART_BYTES && m->slip.size == 0 && p->upload == NULL &&
           (m->body_count == 1 || m->body_size == 0);
}

static struct stored view_of(const struct queues *qs, const struct message *m)
{
    return (struct stored){
        .exchange = m->exchange,
        .routing_key = m->routing_key,
        .props = m->props.bytes,
        .body = m->body_size > 0 ? m->body[0] : bytes_of(NULL, 0),
        .body_size = m->body_size,
        .time_ms = io_wall_ms(qs->io),
    };
}

static bool is_open(const struct queue *q, bool is_persistent)
{
    return q->stream == NULL && queue_ready_count(q) == 0 && !ready_has_hold(&q->ready) &&
           q->dedup == NULL && q->delayed == NULL && !(is_persistent && q->is.is_durable) &&
           !queue_counts(q);
}

/* Whether a consumer of the queue took it. */
static bool give(struct queue *q, const struct stored *m)
{
    const struct store_pin none = {NULL, NULL};
    struct consumer *c = queue_next_consumer(q);
    struct delivery d = {.consumer = c, .queue = q};

    if (c == NULL || !c->is_no_ack || c->is_inside)
        return false;
    if (!c->ops->deliver(c->owner, c, &d, m, none)) {
        c->is_stalled = true;
        consumer_update(c);
        return false;
    }
    consumer_took(c);
    QUEUE_TALLY(q, published, 1);
    QUEUE_TALLY(q, delivered_no_ack, 1);
    c->counts.delivered++;
    return true;
}

bool queues_can_go_straight(const struct queues *qs, const struct queues_publish *p)
{
    return p->may_go_straight && !qs->is_grouped && p->once.publisher.data == NULL && is_whole(p) &&
           (p->target_count == 1 || p->message->body_size <= SHARED_MAX);
}

bool queue_give_straight(struct queue *q, const struct message *m)
{
    struct stored view;

    if (!is_open(q, message_is_persistent(m)))
        return false;
    view = view_of(q->home, m);
    return give(q, &view);
}

/* ---- trains ---- */

/* Whose turn it is, when that is the same consumer after each message. */
static struct consumer *only_taker(struct queue *q)
{
    struct consumer *c = queue_next_consumer(q);

    return c != NULL && consumer_takes_trains(c) ? c : NULL;
}

bool queue_may_take_train(struct queue *q)
{
    return only_taker(q) != NULL;
}

static bool is_open_for_train(const struct queues_publish *p)
{
    bool is_persistent = message_is_persistent(p->message);

    for (size_t i = 0; i < p->target_count; i++) {
        struct queue *q = p->targets[i];
        struct consumer *c = is_open(q, is_persistent) ? only_taker(q) : NULL;

        if (c == NULL || !c->ops->trains->has_room(c->owner))
            return false;
    }
    return true;
}

static void give_train(struct queue *q, const struct stored *m, const struct bytes *bodies,
                       size_t count)
{
    struct consumer *c = only_taker(q);

    c->ops->trains->deliver(c->owner, m, bodies, count);
    consumer_took_train(c, count);
    QUEUE_TALLY(q, published, count);
    QUEUE_TALLY(q, delivered_no_ack, count);
}

size_t queues_publish_train(struct queues *qs, const struct queues_publish *p,
                            const struct bytes *bodies, size_t count, struct queues_published *out)
{
    struct stored head = view_of(qs, p->message);
    size_t done = 0;

    ASSERT(queues_can_go_straight(qs, p));
    *out = (struct queues_published){.may_be_train = true};
    head.body = bytes_of(NULL, 0);
    head.body_size = 0;
    while (done < count && is_open_for_train(p)) {
        size_t share = train_share(bodies + done, count - done, TRAIN_BYTES_MAX / p->target_count);

        if (share == 0)
            break;
        for (size_t i = 0; i < p->target_count; i++)
            give_train(p->targets[i], &head, bodies + done, share);
        done += share;
    }
    return done;
}
