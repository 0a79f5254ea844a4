/* Queues that exchanges have for themselves, without a name, gone with them: in a HOLDER messages
 * wait that were published to a delayed exchange; a CACHE knows the keys of what came to one that
 * takes no duplicates, and no message stays in it.
 *
 * That of a durable exchange is durable; a holder has the id of its exchange, a cache the next one.
 *
 * Owner: the virtual host. */
#ifndef BROKER_HOLDER_H
#define BROKER_HOLDER_H

#include <stdint.h>

#include "broker/vhost.h"

struct queue_term;

/* Gives an exchange that was just declared the queues it needs; `id` as vhost_exchange_id() says,
 * and nothing else has taken an id since. */
void holder_declare(struct vhost *v, struct exchange *x, uint64_t id);
/* The exchange is gone. 0 is allowed. */
void holder_forget(struct vhost *v, uint64_t id);

/* While opening: a queue comes out of its definition; then it meets its exchange, or a new one is
 * made; and those that met nobody are doomed. False: the definition is damaged. */
bool holder_read(struct vhost *v, const struct queue_term *t);
void holder_restore(struct vhost *v, struct exchange *x, uint64_t id);
void holder_doom_orphans(struct vhost *v);

#endif
