/* The queues in which messages wait that were published to delayed exchanges: one for each, without
 * a name, gone with it. That of a durable exchange has the exchange's id.
 *
 * Owner: the virtual host. */
#ifndef BROKER_HOLDER_H
#define BROKER_HOLDER_H

#include <stdint.h>

#include "broker/vhost.h"

struct queue_term;

/* Gives an exchange that was just declared its queue, if it is delayed; `id` as vhost_exchange_id()
 * says. */
void holder_declare(struct vhost *v, struct exchange *x, uint64_t id);

/* While opening: the queue comes out of its definition; then it meets its exchange, or a new one is
 * made; and those that met nobody are doomed. */
void holder_read(struct vhost *v, const struct queue_term *t);
void holder_restore(struct vhost *v, struct exchange *x, uint64_t id);
void holder_doom_orphans(struct vhost *v);

#endif
