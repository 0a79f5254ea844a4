/* Direct reply-to: messages straight from one channel to another, through no queue.
 *
 * Whoever consumes amq.rabbitmq.reply-to gets a name of his own that cannot be guessed: the number
 * of his slot and 16 random bytes. A name is looked up by its slot and compared, so a forged one
 * costs no more than a good one. Messages are copied, and handed over at the end of the turn; one
 * that finds no room is lost, which at-most-once allows.
 *
 * Owner: the shard of the broker. */
#ifndef BROKER_REPLIES_H
#define BROKER_REPLIES_H

#include <stdbool.h>

#include "base/bytes.h"

struct broker;
struct message;
struct publisher;
struct replies;
struct vhost;

#define REPLY_QUEUE "amq.rabbitmq.reply-to"

enum {
    REPLY_SECRET_SIZE = 16,
    REPLY_NAME_SIZE = 64,
    REPLIES_BYTES_MAX = 256 << 20, /* waiting for the end of the turn */
};

struct replies *replies_new(void);
void replies_free(struct replies *r);

/* The name that answers to the publisher go to; he takes replies. */
void replies_name(const struct publisher *p, char name[REPLY_NAME_SIZE]);
/* Whether it begins as such names do. */
bool replies_is_name(struct bytes name);
/* Whether somebody has that name. */
bool replies_exist(const struct broker *b, const struct vhost *v, struct bytes name);

/* Copies the message for whoever has that name. False when nobody has it. */
bool replies_post(struct broker *b, const struct vhost *v, struct bytes name,
                  const struct message *m);
/* Hands over what was posted. */
void replies_deliver(struct broker *b);

#endif
