/* What policies do to queues and exchanges. Private to the room.
 *
 * Owner: the shard of the broker. */
#ifndef BROKER_APPLY_H
#define BROKER_APPLY_H

#include "base/bytes.h"

struct broker;
struct exchange;
struct named_queue;
struct vhost;

/* A queue was made. */
void apply_to_queue(struct named_queue *q);
/* An exchange was made. */
void apply_to_exchange(struct vhost *v, struct exchange *x);
/* A policy changed: all of the virtual host. */
void apply_to_all(struct vhost *v);

/* The virtual host goes: its policies are kept no longer. */
void policies_forget(struct broker *b, const struct vhost *v);

#endif
