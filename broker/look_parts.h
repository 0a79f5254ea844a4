/* What whoever takes things away tells those who look. Private to the room.
 *
 * Owner: the shard of the broker. */
#ifndef BROKER_LOOK_PARTS_H
#define BROKER_LOOK_PARTS_H

#include "broker/look.h"

/* That thing (a virtual host, queue, exchange, binding, user, or the entry of a permission) goes
 * next: no look stands at it any more. */
void look_lost(struct broker *b, const void *thing);

/* The thing to be told now, and the virtual host or user that it is in; the look stands at the one
 * behind it then. NULL: it is over. */
const void *look_take(struct look *l, enum look_kind kind, const void **outer);

#endif
