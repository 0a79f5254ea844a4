/* A consumer as its channel knows it: the tag, and the front of each basic.deliver, made once.
 *
 * Owner: one channel. */
#ifndef AMQP_SUBSCRIBER_H
#define AMQP_SUBSCRIBER_H

#include <stdbool.h>
#include <stdint.h>

#include "amqp/channel.h"
#include "base/list.h"
#include "queue/queue.h"

struct subscriber {
    struct list_link waiting; /* of connection.waiting */
    struct channel *channel;
    struct consumer *consumer; /* NULL: ended, or the one of amq.rabbitmq.reply-to */
    bool is_no_ack;
    bool is_cancelled; /* by the queue; its client is told in connection_work() */
    bool is_timed_out;
    uint64_t timeout_ms;
    struct bytes tag;
    struct table arguments; /* its own copy */
    size_t head_size;       /* of the frame's head, the ids and the tag */
    uint8_t head[];
};

extern const struct consumer_ops subscriber_ops;

/* A subscriber under that tag, entered in its channel's table. */
struct subscriber *subscriber_new(struct channel *ch, struct bytes tag, bool is_no_ack);
/* What it was asked for with, for those who look. */
void subscriber_set_arguments(struct subscriber *s, struct table arguments);

/* Takes one without a consumer off its channel's table, and frees it. */
void subscriber_forget(struct subscriber *s);

/* Ends the consumer; its deliveries stay in the channel. */
void subscriber_cancel(struct subscriber *s);

/* The same for all of the channel. */
void subscribers_cancel(struct channel *ch);

/* Whoever waits on the list is served again, unless his channel is still held. */
void subscribers_resume(struct list *waiting);

/* Tells the client that a consumer is gone, if he wants to hear it. */
void subscriber_say_cancelled(struct subscriber *s);

#endif
