/* The x-arguments of a queue, read once when it is declared; and the words in which a bad one is
 * refused.
 *
 * Every argument of RabbitMQ's queue types is known here. One that has a meaning for us works
 * whatever the x-queue-type says (classic and quorum are the one queue we have); one that only
 * steers RabbitMQ's inside (x-queue-mode, x-queue-version, x-queue-leader-locator ...) is checked
 * and kept. Unknown ones are kept and mean nothing.
 *
 * Plain values; the text views borrow from the table that was read. */
#ifndef QUEUE_QUEUE_ARGS_H
#define QUEUE_QUEUE_ARGS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/check.h"
#include "base/err.h"
#include "msg/table.h"

/* A stream would keep what was consumed. It is refused until it does: an application that asks for
 * one must not get a queue that forgets. */
enum queue_type { QUEUE_CLASSIC, QUEUE_QUORUM };

/* Which of the messages that come back are held back (x-delayed-retry-type): all; those that count
 * as failures; those that do not. */
enum queue_retry { RETRY_DISABLED, RETRY_ALL, RETRY_FAILED, RETRY_RETURNED };

enum queue_overflow { OVERFLOW_DROP_HEAD, OVERFLOW_REJECT, OVERFLOW_REJECT_DEAD_LETTER };

#define QUEUE_NO_LIMIT UINT64_MAX

/* Values of delivery_limit that are no number of deliveries. */
enum {
    QUEUE_LIMIT_NONE = -1,
    QUEUE_LIMIT_UNSAID = -2, /* a quorum queue has the broker's, others have none */
};

/* In an order that leaves no holes: there is one for each queue. */
struct queue_args {
    enum queue_type type;
    uint32_t retry_min_ms;     /* what is held back, is for so long for each failure, */
    uint64_t message_ttl_ms;   /* QUEUE_NO_LIMIT: none */
    uint64_t expires_ms;       /* QUEUE_NO_LIMIT: never */
    uint64_t max_length;       /* QUEUE_NO_LIMIT: none; counts ready messages */
    uint64_t max_length_bytes; /* the same, of their bodies */
    enum queue_overflow overflow;
    bool has_dead_letter_exchange; /* "" is the default exchange */
    bool has_dead_letter_key;
    bool is_at_least_once; /* x-dead-letter-strategy */
    uint8_t max_priority;  /* 0: no priorities */
    struct bytes dead_letter_exchange;
    struct bytes dead_letter_key;
    enum queue_retry retry;
    uint32_t retry_max_ms;        /* but never longer than this */
    int64_t delivery_limit;       /* failures that a message may have, or QUEUE_LIMIT_... */
    uint64_t consumer_timeout_ms; /* QUEUE_NO_LIMIT: the broker's own */
    bool is_single_active;
};

/* Reads the arguments of a queue. Errors: ERR_INVALID with a note in RabbitMQ's words, which begins
 * "invalid arg 'x-expires' for queue 'q' in vhost '/': ..." (the code is 406). `name` and `vhost`
 * are for that text. */
MUST_USE int queue_args_read(struct table t, struct bytes name, struct bytes vhost,
                             struct queue_args *out, struct err_note *note);

/* Whether a redeclaration with `received` finds what was declared with `current`; only arguments
 * that mean something are compared, integers by value. Errors: ERR_EXISTS with a note "inequivalent
 * arg 'x-message-ttl' for queue 'q' in vhost '/': received ... but current is ...". */
MUST_USE int queue_args_compare(struct table received, struct table current, struct bytes name,
                                struct bytes vhost, struct err_note *note);

#endif
