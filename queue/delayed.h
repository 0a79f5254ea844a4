/* A queue in which messages wait until they are due: the holder of a delayed exchange.
 *
 *     arrives --date in the ledger--> waits --due--> dying --routed as if published now--> settled
 *                                       ^              |
 *                                       '-- a target is full: a second later again
 *
 * It is a queue like others, so what waits is stored, counted, sorted into a lane and found again
 * after a restart like everything else; but nobody consumes it. Its messages leave in the order in
 * which they are due, on the way of dead letters (queue/deadletter.c), and without papers.
 *
 * There are two clocks. A span (x-delay) follows the STEADY clock of the partition, which goes on
 * with the monotonic one while the broker runs and is not moved by a jump of the wall clock; over a
 * restart it goes on by as much as the wall clock did, and never back. Records have the log's
 * clock, the wall clock that never goes back: how far that is ahead is in each checkpoint, and in a
 * CLOCK record whenever it was seen to have changed, within a second:
 *
 *     CLOCK:   how far the log's clock is ahead of the steady one, and what that shows, negative
 *              where the first stands still; in ms, i64 each A date (x-deliver-at)
 * follows the wall clock. The level of a ledger's entry says which clock its date is of.
 *
 * Owner: one shard. Private to the room. */
#ifndef QUEUE_DELAYED_H
#define QUEUE_DELAYED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "queue/alarms.h"
#include "queue/deadletter.h"
#include "queue/dedup.h"
#include "queue/expiry.h"
#include "queue/message_ids.h"

struct delayed {
    struct queue *queue;
    struct expiry spans; /* by the steady clock */
    struct expiry dates; /* by the wall clock */
    struct message_ids ids;
    struct alarm due;  /* for dates; for spans it is queue->expire */
    struct list walks; /* waiting.c */
};

/* ---- the steady clock ---- */

struct steady {
    int64_t behind_ms; /* what the log's clock was ahead of it when that was written down last */
    int64_t latest_ms; /* what it had reached at least, before the start */
    int64_t start_ms;  /* what it showed at the start */
    uint64_t start_ns; /* what the monotonic clock showed then */
    int64_t log_ms;    /* what the log's clock showed last */
    int64_t slack_ms;  /* of behind_ms, before the start: that clock stood still */
    struct alarm look; /* has it jumped? */
    bool is_seen;      /* in this turn */
};

/* Before the start: something happened at that time of the log's clock. Returns the steady time. */
int64_t steady_seen(struct steady *s, int64_t log_ms);
void steady_start(struct steady *s, struct io *io);
int64_t steady_now_ms(const struct steady *s, struct io *io);
void steady_save(const struct steady *s, struct io *io, struct buf *out);
/* Whether the log's clock, which shows that, is not where it was written down to be. */
bool steady_has_moved(struct steady *s, struct io *io, int64_t log_ms);
/* It is written down now. */
void steady_told(struct steady *s, struct io *io);
void steady_restore(struct steady *s, struct reader *r);

/* ---- the queue ---- */

struct delayed *delayed_new(struct queue *q);
/* NULL is allowed. */
void delayed_free(struct delayed *d);

/* When a message that came at that time of the wall clock is due, and by which clock. */
int64_t delayed_date(struct queue *q, int64_t wall_ms, const struct props *props);
uint8_t delayed_level(const struct props *props);

/* Its message-id is known from now on. */
void delayed_know(struct queue *q, uint64_t seq, const struct props *props);
/* A message was added to the ledger. */
void delayed_add(struct queue *q, uint64_t seq, const struct ledger_entry *e);
/* When a message is due, by the wall clock. */
int64_t delayed_due_ms(const struct queue *q, const struct ledger_entry *e);
/* What is due begins to leave. True: there is more to look at. */
bool delayed_release(struct queue *q);
void delayed_set_alarms(struct queue *q);
/* All messages are gone. */
void delayed_clear(struct delayed *d);
void delayed_check(const struct delayed *d);

/* ---- on the way ---- */

/* Makes the message of a funeral what is published now. ERR_RANGE: its headers are full. */
MUST_USE int delayed_prepare(struct funeral *f);
/* Asks for its targets. False: one of them has no room. */
bool delayed_choose(struct funeral *f);
/* It waits again, for a moment. Takes `dead`. */
void delayed_put_back(struct queue *q, struct inflight *dead);

/* waiting.c: the queue goes; those who walk over it hear of it from the loop. */
void delayed_end_walks(struct delayed *d);

#endif
