/* A client's connection to a real broker, frame by frame, that never waits.
 *
 *     struct caller *c = caller_new(5672);       NULL: nobody listens
 *     caller_rush_in(c);                         logs in, opens channel 1, awaits nothing
 *     caller_method(c, 1, &m);
 *     ...  poll() on c->fd for caller_wants(c), then caller_exchange(c)  ...
 *     while (caller_next(c)) { look at c->frame, c->method }
 *     caller_free(c);
 *
 * Owner: one thread. */
#ifndef TESTS_TRUST_LOAD_CALLER_H
#define TESTS_TRUST_LOAD_CALLER_H

#include <stdbool.h>
#include <stdint.h>

#include "amqp/wire/frame.h"
#include "amqp/wire/method.h"
#include "base/buf.h"

struct caller {
    int fd; /* -1: closed */
    struct buf in;
    size_t at; /* of it, what was looked at */
    struct buf out;
    bool is_closed;  /* by the other side; what came before is still in `in` */
    bool is_garbled; /* what came is no AMQP */
    struct frame frame;
    struct method method;
};

struct caller *caller_new(uint16_t port);
void caller_free(struct caller *c);

void caller_rush_in(struct caller *c);
void caller_method(struct caller *c, uint16_t channel, const struct method *m);
/* Header and body frames on channel 1; properties as they are on the wire. */
void caller_content(struct caller *c, struct bytes props, struct bytes body);

/* For poll(). */
short caller_wants(const struct caller *c);
/* Sends what can be sent and takes what is there. */
void caller_exchange(struct caller *c);
/* Whether the other side sends no more, though not all of it may have been taken. */
bool caller_is_left(const struct caller *c);
/* Takes all that is there. */
void caller_finish(struct caller *c);
/* The next frame that is whole; heartbeats are passed over. What it borrows is good until the next
 * caller_exchange(). */
bool caller_next(struct caller *c);

#endif
