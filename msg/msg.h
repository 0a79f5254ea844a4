/* A message as routing and queues see it: where it was sent to, its properties, its body.
 *
 * Everything is borrowed from whoever made the struct: a connection's receive buffer, a batch, a
 * stored record. The struct lives as long as one call. The body may lie in pieces, as its frames
 * came or as its records were stored. */
#ifndef MSG_MSG_H
#define MSG_MSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/units.h"
#include "msg/props.h"

/* No setting allows more (RabbitMQ's hard limit, too). */
#define MESSAGE_BODY_MAX (512 * MIB)

/* The delivery mode of a message that survives a restart; all others do not. */
enum { DELIVERY_MODE_PERSISTENT = 2 };

struct message {
    struct bytes exchange;
    struct bytes routing_key;
    struct props props;
    struct bytes slip;        /* msg/slip.h; mostly empty */
    const struct bytes *body; /* its pieces in order */
    size_t body_count;
    uint64_t body_size; /* of all pieces together; in bytes */
};

/* True when the publisher asked for the message to survive a restart. */
bool message_is_persistent(const struct message *m);

/* Asserts that the pieces make up the body and that the names are short strings. */
void message_check(const struct message *m);

#endif
