/* A channel: the machine between the methods of a client and the broker.
 *
 *     open --channel.close--> gone, close-ok
 *       '--a soft error--> failing --all publishes confirmed--> closing --close-ok--> gone
 *                                                                what comes meanwhile is ignored
 *
 * A publish before the error is confirmed before the client hears of the error, and a message of
 * which he has the front comes whole; that is what failing waits for.
 *
 * What its client is sent is in order. While a large body is on its way, all else of the channel
 * waits behind it in `held`; other channels go on between its frames.
 *
 * Owner: one shard. */
#ifndef AMQP_CHANNEL_H
#define AMQP_CHANNEL_H

#include "amqp/connection.h"
#include "amqp/tags.h"
#include "base/names.h"
#include "broker/doors.h"
#include "broker/publish.h"
#include "queue/queue.h"

struct collect;
struct content;
struct frame;
struct large_body;
struct message;
struct subscriber;
struct tx;

enum { CHANNEL_HELD_MAX = 64 << 20 }; /* bytes waiting behind a large body */

enum channel_state { CHANNEL_OPEN, CHANNEL_FAILING, CHANNEL_CLOSING, CHANNEL_GONE };

/* How a channel will end, or is waiting to. */
struct channel_end {
    uint32_t method; /* the id of the one at fault */
    struct reply reply;
};

struct channel {
    struct connection *connection;
    uint16_t id;
    uint16_t prefetch; /* of consumers to come */
    enum channel_state state;
    bool is_confirming;
    bool was_closed_by_client; /* while it is closing */
    bool has_ended_consumers;  /* the queue ended one, or it held a delivery for too long */
    bool is_overdue;           /* it ends because a delivery was held for too long */
    uint64_t answered;         /* publishes confirmed or rejected */
    uint64_t next_tag;
    struct publisher *publisher; /* NULL until it is needed */
    struct tx *tx;
    struct holder holder; /* of what is in `tags` */
    struct tags tags;
    struct credit credit;
    struct names subscribers;   /* by consumer tag */
    struct subscriber *replies; /* the consumer of amq.rabbitmq.reply-to, one of them */
    uint8_t *last_queue;        /* a short string: its size, then the name declared last */
    struct collect *collect;    /* a message that comes in parts, or waits to be published */
    struct queue_get get;
    bool is_getting;
    struct doors_messages counts;
    struct large_body *body; /* on its way, or NULL */
    struct buf held;         /* what waits behind it */
    struct channel_end *end;
    struct list_link ending; /* of connection.ending, or .gone */
};

struct channel *channel_new(struct connection *c, uint16_t id);
/* Ends all that hangs on it, without a word to the client. It is gone for the connection; its
 * memory stays until connection_work(), because whoever called may still look at it. */
void channel_remove(struct channel *ch);
void channel_free(struct channel *ch);

/* ---- frames ---- */

/* True for methods that cannot be taken while a large body is on its way. */
bool channel_must_wait(struct bytes payload);
/* Takes a method frame; `rest` is what lies behind it. Returns how much of that it took too. */
size_t channel_method(struct channel *ch, struct bytes payload, struct bytes rest);
/* Takes a header or body frame. */
void channel_content(struct channel *ch, const struct frame *f);
/* A body frame begins, of which `f` is the head; then what is in it, in parts. */
void channel_body_begin(struct channel *ch, const struct frame *f);
void channel_body_part(struct channel *ch, struct bytes part, bool is_last);

/* ---- for its methods ---- */

/* Writes a method, behind a large body if one is on its way. */
void channel_write(struct channel *ch, const struct method *m);
/* Something was added to `held`: ends the channel when it was too much. */
void channel_check_held(struct channel *ch);
/* Writes a method when all that was defined is safe; until then nothing is taken. */
void channel_write_safe(struct channel *ch, const struct method *m);

/* Ends the channel, or with a hard code the connection. `method` is the id of the one at fault. */
void channel_fail(struct channel *ch, uint32_t method, const struct reply *r);
void channel_fail_text(struct channel *ch, uint32_t method, enum reply_code code,
                       const char *format, ...) PRINTF_LIKE(4, 5);
/* A delivery was held for longer than that. */
void channel_reply_timed_out(const struct channel *ch, uint64_t timeout_ms, struct reply *r);
void channel_fail_unimplemented(struct channel *ch, uint32_t method);
void channel_refuse(struct channel *ch, uint32_t method, const struct refusal *refusal);
/* The same, but in connection_work(): for calls from below. */
void channel_fail_later(struct channel *ch, uint32_t method, const struct reply *r);

/* It must be looked at in connection_work(). */
void channel_end_later(struct channel *ch);
/* connection_work() looks at it. */
void channel_work(struct channel *ch);

/* The publisher, made when it is first asked for. */
struct publisher *channel_publisher(struct channel *ch);

/* The name in a method, or the queue declared last when it is empty. False: there is none, and the
 * channel has failed. */
bool channel_queue_name(struct channel *ch, uint32_t method, struct bytes *name);
void channel_set_last_queue(struct channel *ch, struct bytes name);

/* True while no message may be sent on it: a large body is on its way, or too much waits. */
static inline bool channel_is_held(const struct channel *ch)
{
    return ch->body != NULL || connection_is_full(ch->connection);
}

static inline struct visit *channel_visit(const struct channel *ch)
{
    return ch->connection->visit;
}

/* ---- the methods of each class ---- */

void exchange_method(struct channel *ch, const struct method *m);
void queue_method(struct channel *ch, const struct method *m);
void basic_method(struct channel *ch, const struct method *m);
void confirm_method(struct channel *ch, const struct method *m);
void tx_method(struct channel *ch, const struct method *m);

/* basic.publish; amqp/class_publish.c. `rest` lies behind the frame with the payload. Returns how
 * much of `rest` it took. */
size_t publish_method(struct channel *ch, const struct method_basic_publish *m,
                      struct bytes payload, struct bytes rest);
/* basic.return with NO_ROUTE. */
void publish_return(struct channel *ch, const struct message *m);
/* Publishes what was collected, for the first time or again, or hands on what has come of a large
 * body. */
void publish_again(struct channel *ch);
/* Its content header came. */
void publish_header(struct channel *ch, const struct content *content);
/* Forgets a message in the making. */
void publish_drop(struct channel *ch);
extern const struct publisher_ops channel_publisher_ops;

/* Deliveries taken back; amqp/class_basic.c. */
void channel_requeue_all(struct channel *ch, bool is_failure);
/* Tells of consumers that the queue ended, and ends those that held a delivery too long. */
void channel_end_consumers(struct channel *ch);

#endif
