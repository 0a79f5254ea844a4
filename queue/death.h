/* The papers of a dead message: x-death and its kin in the headers, and the rule about cycles.
 *
 *     x-death: [ {original-expiration?, count, reason, queue, time, exchange, routing-keys},
 *                {... the death before ...} ]                          most recent first
 *
 * Deaths of one queue for one reason are one entry, which comes to the front with its count one
 * higher and all else as it was the first time. x-first-death-reason, -queue and -exchange are
 * written once; x-last-death-... each time. The property expiration leaves, so that the message
 * does not expire again where it goes; its text stays in original-expiration.
 *
 * A client that publishes a dead message again sends its x-death with it, and counts go on from
 * there: retry libraries read them. But a new message goes round in no circle yet, so for the rule
 * about cycles only those deaths count that the broker wrote since. Pure. */
#ifndef QUEUE_DEATH_H
#define QUEUE_DEATH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "base/check.h"
#include "msg/msg.h"
#include "queue/queue.h"

/* "rejected", "expired", "maxlen", "delivery_limit". */
const char *death_name(enum death reason);

struct death_paper {
    enum death reason;
    struct bytes queue; /* where it died */
    int64_t time_ms;    /* now, wall clock */
    bool is_rerouted;   /* the queue has a routing key of its own for the dead: CC goes */
};

/* The headers, with their deaths, and the properties of a dead message, in memory of their own. */
struct death_papers {
    struct buf deaths; /* entries of x-death */
    struct buf headers;
    struct buf props;
    struct buf slip;      /* msg/slip.h */
    struct props decoded; /* of `props` */
    uint8_t own;          /* entries at the front of x-death that the broker wrote */
};
void death_papers_init(struct death_papers *p);
void death_papers_release(struct death_papers *p);

/* Writes the papers for a message with its properties. Errors: ERR_RANGE when the headers would
 * break a limit of msg/table.h. */
MUST_USE int death_write(struct death_papers *p, const struct message *m,
                         const struct death_paper *d);

/* Whether a message with these papers must not go to that queue: it died there before and nobody
 * has rejected it since. */
bool death_is_cycle(const struct death_papers *p, struct bytes queue);

#endif
