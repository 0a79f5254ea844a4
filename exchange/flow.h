/* How many messages of an exchange each queue got. Private.
 *
 *     publish --> one of eight places, by its set: count++ --another set--> by queue: += count
 *
 * So a message costs one count however many queues get it, as long as the sets in use are few.
 * Nothing is kept before the first message.
 *
 *   F1  a place holds a reference to its set, which is no larger than FLOW_SET_MAX.
 *   F2  queues that are gone are left out when there are as many of them as of the others.
 *
 * Owner: the exchange. */
#ifndef EXCHANGE_FLOW_H
#define EXCHANGE_FLOW_H

#include "exchange/route.h"

enum { FLOW_PLACES = 8, FLOW_SET_MAX = 1024 };

struct flows;

/* Gives its references back. NULL is allowed. */
void flows_free(struct exchange_table *t, struct flows *f);

#endif
