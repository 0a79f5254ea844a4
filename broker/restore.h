/* From definitions back to what they define.
 *
 * Owner: the shard of the broker. */
#ifndef BROKER_RESTORE_H
#define BROKER_RESTORE_H

#include "base/bytes.h"
#include "base/check.h"

struct broker;
struct definition;

/* While the log is read: makes virtual hosts and queues at once, and dooms them. */
MUST_USE int restore_on_read(void *owner, const struct definition *d);
void restore_on_gone(void *owner, unsigned char kind, struct bytes key);

/* All is read: users, permissions, exchanges and bindings; deletes the doomed. */
void restore_rest(struct broker *b);

/* The first start: the default virtual host and user. */
void restore_defaults(struct broker *b);

#endif
