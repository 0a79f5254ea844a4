/* Who is connected, for those who watch over the node: what a connection keeps for it.
 *
 * Owner: one shard. */
#ifndef AMQP_LOOK_H
#define AMQP_LOOK_H

#include <stdint.h>

#include "msg/table.h"

struct amqp;
struct connection;
struct session;

enum {
    LOOK_NAME_SIZE = 112,
    LOOK_WHO_MAX = 128, /* bytes of a name that lines show */
};

/* Lies in the session. */
struct session_look {
    uint64_t id; /* never used twice */
    char name[LOOK_NAME_SIZE];
    char *who;               /* look_who(), when it has a name of its own; NULL: it has none */
    const char *mechanism;   /* of its login; "" before */
    struct table properties; /* of the client; a copy */
    int64_t connected_ms;
    uint64_t received_count; /* reads and writes of its socket */
    uint64_t sent_count;
    uint64_t received_bytes;
    uint64_t sent_bytes;
};

/* The connection begins, says who it is, logs in, ends. */
void look_begin(struct connection *c);
void look_name(struct connection *c, struct table properties);
void look_log_in(struct connection *c, const char *mechanism, struct table properties);
void look_end(struct connection *c);

/* For lines about it: "10.0.0.7:5123", and if it has given itself a name (connection_name)
 * "10.0.0.7:5123 name='billing'". */
const char *look_who(const struct session *s);

/* The door goes. */
void look_release(struct amqp *a);

#endif
