/* Diagnostics as messages: a line goes through amq.rabbitmq.log of the default virtual host, with
 * its level as routing key. Private to the room.
 *
 *     diag() --any thread--> tap (base/diag_tap.h) --now and then--> routed like any other message
 *
 * Invariants:
 *   G1  nobody waits: what finds no room in the tap or in a queue is lost.
 *   G2  what is said while lines become messages does not become one.
 *
 * Owner: the shard of the broker; one broker of a program has it. */
#ifndef BROKER_DIAG_EXCHANGE_H
#define BROKER_DIAG_EXCHANGE_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "io/io.h"

#define DIAG_EXCHANGE "amq.rabbitmq.log"

enum { DIAG_EXCHANGE_MS = 50 }; /* how long a line waits at most */

struct broker;

struct diag_exchange {
    struct broker *broker;
    struct io_timer timer;
    struct buf headers;
    struct buf props;
};

void diag_exchange_init(struct diag_exchange *d);
void diag_exchange_release(struct diag_exchange *d);

/* Lines become messages from here on, if the settings say so; from there on no more. */
void diag_exchange_start(struct diag_exchange *d, struct broker *b);
void diag_exchange_stop(struct diag_exchange *d);

#endif
