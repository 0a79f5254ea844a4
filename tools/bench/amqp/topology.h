/* What a run declares on a broker: its queues, its exchange, its bindings; which producer sends
 * where by which key; and taking it all away again.
 *
 *     exchange default, direct    producer p serves queues p, p + P, p + 2P ... in turn; when there
 *                                 are fewer queues than producers P, queue p % Q
 *     fanout, topic, headers      every message goes to every queue
 *
 * Of a topic's bindings one for each queue matches all that is published, in one of four forms; the
 * others, mixed, match nothing. Names hold the run's id, so runs do not meet. Plain value. */
#ifndef TOOLS_BENCH_AMQP_TOPOLOGY_H
#define TOOLS_BENCH_AMQP_TOPOLOGY_H

#include <stdint.h>

#include "base/bytes.h"
#include "base/check.h"
#include "msg/props.h"
#include "tools/bench/amqp/workload.h"

struct client;
struct load;

enum { TOPOLOGY_NAME_SIZE = 64, TOPOLOGY_KEYS = 64 };

struct topology_name {
    char text[TOPOLOGY_NAME_SIZE];
};

struct topology {
    const struct workload *work;
    uint32_t run;
    int64_t due_ms; /* of messages that are delayed; 0: they are not */
};

struct topology_name topology_queue(const struct topology *t, uint32_t queue);
/* What its consumers name: of a group the whole stream. */
struct topology_name topology_source(const struct topology *t, uint32_t queue);
/* The exchange that is published to: "" for the default one. */
struct topology_name topology_exchange(const struct topology *t);

/* How many keys a producer publishes with in turn, and which they are. */
uint32_t topology_route_count(const struct topology *t, uint32_t producer);
struct topology_name topology_route_key(const struct topology *t, uint32_t producer,
                                        uint32_t route);

/* Which sequences of the producer come to the queue: first, first + step ...; step 0 for none. */
struct topology_lane {
    uint64_t first;
    uint64_t step;
};
struct topology_lane topology_lane(const struct topology *t, uint32_t queue, uint32_t producer);

/* Adds the properties that every message of the run has, flags and values. */
void topology_write_props(const struct topology *t, struct buf *out);

/* Declares all; the client must be ready. Errors: those of the load. */
MUST_USE int topology_declare(const struct topology *t, struct load *load, struct client *c);

/* Declares one queue without waiting for the answer. */
void topology_declare_queue(const struct topology *t, struct client *c, uint32_t queue);

/* Of shape replay, whose exchange keeps what it saw: binds all queues to it, with that history or
 * without; deletes all queues and declares them again. Errors: those of the load. */
MUST_USE int topology_bind(const struct topology *t, struct load *load, struct client *c,
                           bool has_history);
MUST_USE int topology_renew_queues(const struct topology *t, struct load *load, struct client *c);

/* Asks how many messages are ready in all queues together. Errors: those of the load. */
MUST_USE int topology_count_ready(const struct topology *t, struct load *load, struct client *c,
                                  uint64_t *out);

/* Takes `queues` queues and the exchange away; what is not there is no error. Errors: those of the
 * load. */
MUST_USE int topology_delete(const struct topology *t, struct load *load, struct client *c,
                             uint32_t queues);

#endif
