/* Publishing: exchange -> queues -> partition -> confirm.
 *
 *     broker_publish --refused--> the channel ends
 *                    --ERR_AGAIN--> nothing happened; try again when visit_calls.resumed comes
 *                    --0--> routed or not; with confirms: confirmed(upto) or rejected(seq), later
 *
 * A publisher is a channel: it counts its publishes from 1 on while it confirms. Confirms come once
 * per turn, cumulative; a rejected one comes by itself.
 *
 * Owner: one shard. */
#ifndef BROKER_PUBLISH_H
#define BROKER_PUBLISH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/check.h"
#include "broker/broker.h"
#include "msg/msg.h"

struct doors_flow;
struct publisher;

struct publisher_ops {
    /* Every publish up to and with `seq` that was not rejected is safe (or went nowhere). */
    void (*confirmed)(void *owner, uint64_t seq);
    /* A queue was full and refuses, or the partition failed. */
    void (*rejected)(void *owner, uint64_t seq);
    /* A message for the consumer of amq.rabbitmq.reply-to on this channel: see
     * publisher_take_replies(). The bytes are borrowed for the call. */
    void (*reply)(void *owner, const struct message *m);
};

struct publisher *publisher_new(struct visit *v, const struct publisher_ops *ops, void *owner);
/* No call comes after this. */
void publisher_free(struct publisher *p);
/* The number that the firehose says. */
void publisher_set_channel(struct publisher *p, unsigned channel);

/* From now on publishes are counted and confirmed. */
void publisher_confirm(struct publisher *p);
/* How many messages it published to the exchange; of those that it has not published to for a long
 * time nothing may be known any more. */
uint64_t publisher_published(const struct publisher *p, struct bytes exchange);
/* All exchanges that are there and of which that is known, as new memory. Returns how many. */
size_t publisher_flows(const struct publisher *p, struct doors_flow **out);
/* Publishes that are neither confirmed nor rejected. */
uint64_t publisher_unconfirmed(const struct publisher *p);

struct publish {
    struct message message;
    bool is_mandatory;
};
struct published {
    /* How many queues it went to; 0: a mandatory one is returned with 312 NO_ROUTE, before its
     * confirm. */
    size_t places;
    bool may_be_train; /* those behind it that look the same: broker_publish_train() */
};

/* Publishes. What it checks and refuses: the exchange (404, internal 403), permissions, user-id,
 * expiration, CC and BCC, reply-to. What it changes: BCC leaves, amq.rabbitmq.reply-to gets a name
 * of its own. Errors: ERR_DENIED with the refusal, ERR_AGAIN. */
MUST_USE int broker_publish(struct publisher *p, const struct publish *m, struct published *out,
                            struct refusal *refusal);

/* Publishes messages that are as *m but for their bodies, from the front; each is as published by
 * broker_publish(), with as many places. Returns how many; none: publish the next one by itself.
 * Allowed right behind a broker_publish() of *m that said may_be_train. */
size_t broker_publish_train(struct publisher *p, const struct publish *m,
                            const struct bytes *bodies, size_t count);

/* ---- large bodies ---- */

/* A large body can be handed over as it comes, so that nobody holds all of it: ask with the head of
 * the message (no pieces of its body), then hand over the body from its front, then publish the
 * message, again without pieces. False: the body is to be published with the message, as it is too
 * small, or for somebody who needs it whole. */
MUST_USE bool publisher_can_upload(struct publisher *p, const struct message *head);
/* *taken says how much of `part` was taken. Errors: ERR_AGAIN (go on behind that when
 * visit_calls.resumed comes). A failure shows at the publish. */
MUST_USE int publisher_upload(struct publisher *p, const struct message *head, struct bytes part,
                              size_t *taken);
/* The message will not be published. Allowed when nothing was handed over. */
void publisher_drop_upload(struct publisher *p);

/* ---- replies ---- */

/* basic.consume of amq.rabbitmq.reply-to on this channel; false when it has one already. */
MUST_USE bool publisher_take_replies(struct publisher *p);
void publisher_drop_replies(struct publisher *p);
bool publisher_takes_replies(const struct publisher *p);

#endif
