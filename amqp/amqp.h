/* The front door for AMQP 0-9-1: sockets in, methods to the broker, deliveries out.
 *
 *     gate --accept--> session (socket, buffers) --frames--> connection --> channel 1, 2, ...
 *
 * Owner: one shard. */
#ifndef AMQP_AMQP_H
#define AMQP_AMQP_H

#include <stdint.h>

#include "amqp/amqp_settings.h"
#include "base/check.h"
#include "base/err.h"
#include "broker/doors.h"
#include "gate/gate.h"

struct io;
struct broker;
struct amqp;

/* The door of a broker. The options are borrowed: those that can be reloaded are read when they are
 * needed. */
struct amqp *amqp_new(struct io *io, struct broker *b, const struct amqp_options *options);

/* Opens one more gate. Errors as gate_open(). */
MUST_USE int amqp_listen(struct amqp *a, const struct gate_options *o, struct err_note *note);

/* The port of the gate opened last. */
uint16_t amqp_port(const struct amqp *a);

/* Takes no more connections; those that are there stay. */
void amqp_close_gates(struct amqp *a);

/* Takes no more connections, ends all that are there with 320 "broker forced connection closure
 * with reason 'shutdown'", and calls `stopped` from the loop when the last one is gone (at the
 * latest after a few seconds). Then it is freed by amqp_free(). */
void amqp_stop(struct amqp *a, void (*stopped)(void *owner), void *owner);
void amqp_free(struct amqp *a);

struct amqp_stats {
    uint64_t connections;
    uint64_t channels;
    uint64_t consumers;
    uint64_t opened; /* connections, since the start */
    uint64_t closed;
    uint64_t received_bytes;
    uint64_t sent_bytes;
};
void amqp_get_stats(const struct amqp *a, struct amqp_stats *out);

/* What may be asked of it about its clients. */
struct doors amqp_doors(struct amqp *a);

void amqp_check(const struct amqp *a);

#endif
