/* A train: messages one behind the other that differ in nothing but their bodies.
 *
 *     queues_publish(first)  --went straight to who is alone--> may_be_train
 *     queues_publish_train(the bodies behind it)  --> train_ops.deliver, many at once
 *
 * What is decided about a message by its exchange, key and properties was decided for the first;
 * what is left for each of the others is a copy of its body. It is the short way (straight.c) of
 * many messages, so it is open to the same, and to queues with one consumer that is served.
 *
 * Owner: one shard. */
#ifndef QUEUE_TRAIN_H
#define QUEUE_TRAIN_H

#include <stdbool.h>
#include <stddef.h>

#include "queue/queue.h"

enum {
    TRAIN_BODY_MAX = 4 * 1024,    /* of one message; with larger ones nothing is gained */
    TRAIN_BYTES_MAX = 256 * 1024, /* given to all queues together, before they are asked again */
};

/* What a consumer without acks does with trains. Called inside queues_publish_train(); he may
 * neither publish nor settle nor change what there is. */
struct train_ops {
    /* Whether he takes TRAIN_BYTES_MAX more, or almost. */
    bool (*has_room)(void *owner);
    /* `m` is what they have in common: no body. He takes all of them. */
    void (*deliver)(void *owner, const struct stored *m, const struct bytes *bodies, size_t count);
};

/* Publishes messages that are as p->message but for their bodies, from the front, each to all
 * targets. Returns how many it could; none: publish the next one by itself. Allowed right behind a
 * queues_publish() of *p that said may_be_train. */
size_t queues_publish_train(struct queues *qs, const struct queues_publish *p,
                            const struct bytes *bodies, size_t count, struct queues_published *out);

/* The same for those that cannot go straight: stored, each for all targets; *out is that of the
 * last one, none is rejected. Returns how many it could; none: publish the next one by itself. */
size_t queues_store_train(struct queues *qs, const struct queues_publish *p,
                          const struct bytes *bodies, size_t count, struct queues_published *out);

#endif
