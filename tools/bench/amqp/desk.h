/* A desk: a connection of one or more consumers, a channel each.
 *
 * Deliveries of a consumer look alike: the first that is read field by field tells how the next
 * will look, and then two comparisons and a few loads read a whole one (struct desk_form). What
 * does not look so is read field by field again. Owner: the load's thread. */
#ifndef TOOLS_BENCH_AMQP_DESK_H
#define TOOLS_BENCH_AMQP_DESK_H

#include <stdbool.h>
#include <stdint.h>

#include "tools/bench/amqp/cargo.h"
#include "tools/bench/amqp/client.h"
#include "tools/bench/amqp/topology.h"

struct crew;

enum { DESK_FORM_SIZE = 512 };

/* How a delivery looks:
 *
 *     | frame head | opening | tag | redelivered | names | end | closing | body | end |
 *                   class, method,                              header frame, head
 *                   consumer tag                                of the body frame     */
struct desk_form {
    bool is_known;
    uint16_t opening_size;
    uint16_t closing_size;
    uint8_t bytes[DESK_FORM_SIZE]; /* opening, closing */
};

/* A delivery that is read field by field. */
struct desk_delivery {
    bool is_open; /* a method came, its header or body is still due */
    bool has_header;
    bool is_redelivered;
    bool is_bad; /* it was counted as a fault */
    size_t done; /* bytes of the body so far */
    uint8_t head[CARGO_HEAD_SIZE];
    struct cargo_label label;
    struct bytes key; /* the key in the delivery, in `key_bytes` */
    uint8_t key_bytes[TOPOLOGY_NAME_SIZE];
};

struct desk_consumer {
    uint32_t queue;
    size_t lane;      /* of producer 0; the others follow */
    uint64_t *tracks; /* one for each producer, where the queue is shared; else NULL */
    uint64_t tag;     /* of the last delivery */
    uint64_t acked;   /* all up to this tag */
    struct topology_name key;
    struct desk_form form;
    struct desk_delivery delivery;
};

struct desk {
    struct client client;
    struct crew *crew;
    struct desk_consumer *consumers; /* consumer i is on channel i + 1 */
    uint16_t count;
};

/* Opens the connection for the consumers numbered first, first + step ... Errors: those of
 * client_open(). */
MUST_USE int desk_open(struct desk *d, struct crew *crew, uint32_t first, uint32_t step);

/* May be called on a zeroed struct. */
void desk_release(struct desk *d);

/* Asks for messages; the client must be ready. */
void desk_consume(struct desk *d);

/* Acks what was not acked yet. */
void desk_settle(struct desk *d);

#endif
