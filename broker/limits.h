/* Limits of virtual hosts and users, as they are kept. Private to the room.
 *
 * Owner: the shard of the broker. */
#ifndef BROKER_LIMITS_H
#define BROKER_LIMITS_H

#include <stdint.h>

#include "base/bytes.h"

struct broker;
struct limit_term;
struct vhost;

#define LIMIT_CONNECTIONS "max-connections"
#define LIMIT_CHANNELS    "max-channels"
#define LIMIT_QUEUES      "max-queues"

/* VHOST_UNLIMITED when nobody set it; any negative value is no limit. */
int64_t limit_of_user(struct broker *b, struct bytes user, const char *limit);
int64_t limit_of_vhost(struct broker *b, struct bytes vhost, const char *limit);

/* Keeps it, or forgets it when its value is VHOST_UNLIMITED. `kind`: enum definition_kind. */
void limit_set(struct broker *b, uint8_t kind, const struct limit_term *t);

/* Takes what is kept into the virtual host. */
void limits_apply(struct broker *b, struct vhost *v);

#endif
