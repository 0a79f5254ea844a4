/* Declaring and deleting: what a client may define, and what he is told when he may not.
 *
 * All calls take effect at once and return 0, or ERR_DENIED with the refusal; with success the
 * caller waits (broker_wait()) before he tells the client. Names are taken without line ends, as
 * RabbitMQ takes them. Permissions are checked here. */
#ifndef BROKER_DEFINE_H
#define BROKER_DEFINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/check.h"
#include "broker/broker.h"
#include "msg/table.h"

struct define_exchange {
    struct bytes name;
    struct bytes type;
    bool is_passive;
    bool is_durable;
    bool is_auto_delete;
    bool is_internal;
    struct table arguments;
};
MUST_USE int define_exchange(struct visit *v, const struct define_exchange *d,
                             struct refusal *refusal);
MUST_USE int define_exchange_delete(struct visit *v, struct bytes name, bool if_unused,
                                    struct refusal *refusal);

struct define_queue {
    struct bytes name; /* "": the broker makes one up */
    bool is_passive;
    bool is_durable;
    bool is_exclusive;
    bool is_auto_delete;
    struct table arguments;
};
/* The name is borrowed until the queue is deleted. */
struct defined_queue {
    struct bytes name;
    uint64_t ready;
    uint64_t consumers;
};
MUST_USE int define_queue(struct visit *v, const struct define_queue *d, struct defined_queue *out,
                          struct refusal *refusal);
struct define_queue_delete {
    struct bytes name;
    bool if_unused;
    bool if_empty;
};
/* *ready is how many messages went with it; a queue that is not there is no error. */
MUST_USE int define_queue_delete(struct visit *v, const struct define_queue_delete *d,
                                 uint64_t *ready, struct refusal *refusal);

struct define_binding {
    struct bytes source;
    struct bytes destination;
    bool is_to_exchange;
    struct bytes key;
    struct table arguments;
};
MUST_USE int define_bind(struct visit *v, const struct define_binding *d, struct refusal *refusal);
MUST_USE int define_unbind(struct visit *v, const struct define_binding *d,
                           struct refusal *refusal);

#endif
