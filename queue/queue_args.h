/* The x-arguments of a queue, read once when it is declared; and the words in which a bad one is
 * refused.
 *
 * Every argument of RabbitMQ's queue types is known here. One that has a meaning for us works
 * whatever the x-queue-type says (classic and quorum are the one queue we have); one that only
 * steers RabbitMQ's inside (x-queue-mode, x-queue-version, x-queue-leader-locator ...) is checked
 * and kept. A stream takes only those that mean something for streams, and is the only type that
 * takes its own. Unknown ones are kept and mean nothing.
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

enum queue_type { QUEUE_CLASSIC, QUEUE_QUORUM, QUEUE_STREAM };
enum { QUEUE_TYPES = 3 };

/* Which of the messages that come back are held back (x-delayed-retry-type): all; those that count
 * as failures; those that do not. */
enum queue_retry { RETRY_DISABLED, RETRY_ALL, RETRY_FAILED, RETRY_RETURNED };

enum queue_overflow { OVERFLOW_DROP_HEAD, OVERFLOW_REJECT, OVERFLOW_REJECT_DEAD_LETTER };

#define QUEUE_NO_LIMIT UINT64_MAX

#define QUEUE_NO_AGE UINT32_MAX

enum { QUEUE_PARTITIONS_MAX = 1024 };

/* Values of delivery_limit that are no number of deliveries. */
enum {
    QUEUE_LIMIT_NONE = -1,
    QUEUE_LIMIT_UNSAID = -2, /* a quorum queue has the broker's, others have none */
};

/* In an order that leaves no holes: there is one for each queue. */
struct queue_args {
    uint64_t message_ttl_ms;   /* QUEUE_NO_LIMIT: none */
    uint64_t expires_ms;       /* QUEUE_NO_LIMIT: never */
    uint64_t max_length;       /* QUEUE_NO_LIMIT: none; counts ready messages */
    uint64_t max_length_bytes; /* the same, of their bodies; of a stream: what it keeps on disk */
    int64_t delivery_limit;    /* failures that a message may have, or QUEUE_LIMIT_... */
    uint64_t consumer_timeout_ms;      /* QUEUE_NO_LIMIT: the broker's own */
    struct bytes dead_letter_exchange; /* with its key a short string */
    struct bytes dead_letter_key;
    uint32_t max_age_s;       /* of a stream; QUEUE_NO_AGE: none */
    uint32_t tombstone_age_s; /* of a stream: so long an empty message of a key is kept */
    uint32_t segment_bytes;   /* of a stream: of a file of its lane; 0: as the log has it */
    uint32_t partitions;      /* of a stream; 0: it is one */
    uint32_t retry_min_ms;    /* what is held back, is for so long for each failure, */
    uint32_t retry_max_ms;    /* but never longer than this */
    enum queue_retry retry;
    enum queue_type type;
    enum queue_overflow overflow;
    bool has_dead_letter_exchange; /* "" is the default exchange */
    bool has_dead_letter_key;
    bool is_at_least_once; /* x-dead-letter-strategy */
    bool is_single_active;
    bool is_compact;       /* a stream: only the last message of each key is kept */
    uint8_t max_priority;  /* 0: no priorities */
    bool is_deduplicating; /* x-message-deduplication */
};

/* "rabbit_stream_queue": the type as RabbitMQ's texts have it. */
const char *queue_type_module(enum queue_type type);

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
