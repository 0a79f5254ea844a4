/* Who is connected, for those who watch over the node: what a connection keeps for it.
 *
 * Owner: one shard. */
#ifndef AMQP_LOOK_H
#define AMQP_LOOK_H

#include <stdint.h>

#include "msg/table.h"

struct connection;

enum { LOOK_NAME_SIZE = 112 };

/* Lies in the session. */
struct session_look {
    uint64_t id; /* never used twice */
    char name[LOOK_NAME_SIZE];
    const char *mechanism;   /* of its login; "" before */
    struct table properties; /* of the client; a copy */
    int64_t connected_ms;
    uint64_t received_count; /* reads and writes of its socket */
    uint64_t sent_count;
    uint64_t received_bytes;
    uint64_t sent_bytes;
};

/* The connection begins, logs in, ends. */
void look_begin(struct connection *c);
void look_log_in(struct connection *c, const char *mechanism, struct table properties);
void look_end(struct connection *c);

#endif
