/* Which messages of a queue are ready, and which of them is the next.
 *
 * Without priorities nearly all ready messages lie behind a cursor, so they cost nothing here:
 *
 *     seq   1 2 3 4 5 6 7 8 9 ...
 *           . r . f r | a a w a ...        r returned, f in flight, a never delivered,
 *                     cursor               w withdrawn, . settled
 *
 * With x-max-priority each level in use has a LANE: the set of its ready seqs, from which the
 * lowest is taken. A set costs by the span, so a lane of neighbours is small.
 *
 * Without lanes there may be messages that go AHEAD of all others, in the order of their seqs: the
 * copies of a replay (broker/replay.h), whose level is READY_AHEAD. While one is on its way the
 * others are HELD: they are ready, and wait until it is over.
 *
 * WITHDRAWN are messages that are alive but neither ready nor in flight: they are on their way to
 * a dead letter exchange, or they cannot be read.
 *
 * Plain data of a queue; the ledger says which seqs are alive. */
#ifndef QUEUE_READY_H
#define QUEUE_READY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/check.h"
#include "base/spans.h"
#include "store/ledger.h"

enum { READY_LEVELS_MAX = 256, READY_AHEAD = 255 };

struct ready_lanes;

struct ready_ahead {
    struct spans seqs; /* ready */
    unsigned held_by;  /* so many replays are on their way */
};

struct ready {
    uint64_t cursor;
    struct spans returned; /* below the cursor and ready again; without lanes */
    struct spans seen;     /* ready, not in `returned`, and delivered before */
    struct spans withdrawn;
    uint64_t seen_below; /* every seq below was delivered before, as far as we know */
    struct ready_lanes *lanes;
    struct ready_ahead *ahead; /* NULL: nothing ever went ahead here */
};

/* `level_max`: the highest priority; 0: there are none. */
void ready_init(struct ready *r, uint8_t level_max);
void ready_release(struct ready *r);

/* A message was added to the ledger; it is ready. */
void ready_add(struct ready *r, uint64_t seq, uint8_t level);

/* The message that is next, with its entry. False when none is ready. */
bool ready_first(struct ready *r, struct ledger *l, uint64_t *seq, struct ledger_entry *e);

/* Everything but what goes ahead waits, until each hold was released. Not with lanes. */
void ready_hold(struct ready *r);
void ready_release_hold(struct ready *r);
static inline bool ready_has_hold(const struct ready *r)
{
    return UNLIKELY(r->ahead != NULL) && r->ahead->held_by > 0;
}
/* Whether what is ready waits, all of it. */
static inline bool ready_is_held(const struct ready *r)
{
    return ready_has_hold(r) && r->ahead->seqs.span_count == 0;
}

/* Whether a live message is ready. */
bool ready_has(const struct ready *r, uint64_t seq, uint8_t level);
/* Whether a ready message was delivered before. */
bool ready_was_seen(const struct ready *r, uint64_t seq);

/* The first one goes: into flight, or it is settled next. */
void ready_take_first(struct ready *r, uint64_t seq, uint8_t level);
/* The same of `count` in a row behind the cursor; without lanes, and with none ahead. */
static inline void ready_take_row(struct ready *r, uint64_t seq, size_t count)
{
    ASSERT(r->lanes == NULL && seq >= r->cursor);
    r->cursor = seq + count;
}
/* The one that was taken last was not wanted: it is where it was. */
void ready_untake(struct ready *r, uint64_t seq, uint8_t level, bool was_seen);
/* Any ready message goes; it is settled or withdrawn next. */
void ready_remove(struct ready *r, uint64_t seq, uint8_t level);
/* One that was taken is ready again, and was delivered before. */
void ready_return(struct ready *r, uint64_t seq, uint8_t level);

/* A live message that is not ready leaves circulation, or comes back to be settled. */
void ready_withdraw(struct ready *r, uint64_t seq);
void ready_end_withdrawn(struct ready *r, uint64_t seq);
bool ready_is_withdrawn(const struct ready *r, uint64_t seq);

/* Nothing is ready up to the next seq of the ledger. */
void ready_clear(struct ready *r, uint64_t next);

void ready_check(const struct ready *r);

#endif
