/* The ledger of a queue: which of its messages are live, and where each one lies.
 *
 * A queue numbers its messages: the SEQ, from 1 on, dense, in the order they came, never used
 * twice. The ledger has an entry for each seq that is neither settled nor below the low mark:
 *
 *     low mark                                          next seq
 *       v                                                  v
 *       | live . live live . . . live |  packed blocks ... | tail, open for appends |
 *
 * What is settled out of order is a bit, so it costs little and pins nothing. The tail has 24 bytes
 * an entry and starts small. When it is full and mostly live it becomes a packed block
 * (store/ledger_block.h): a queue of plain messages takes two to four bytes each, never more than
 * eight (plus up to eight for times to live that differ).
 *
 * Invariants, checked by ledger_check():
 *   D1  low <= every live seq < next; a packed block without a live entry is freed;
 *   D2  live count and byte count are those of the live entries;
 *   D3  blocks lie in the order of their seqs, without overlap; the tail is behind them and ends
 *       at the next seq.
 *
 * Owner: one shard. */
#ifndef STORE_LEDGER_H
#define STORE_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "base/check.h"

/* What a queue remembers of a message. */
struct ledger_entry {
    uint64_t place;     /* store/store.h */
    uint32_t size;      /* of the body, in bytes; bodies are smaller than 4 GiB */
    uint8_t priority;   /* the lane it waits in */
    int64_t expires_ms; /* wall clock; 0: never */
};

struct ledger_block;
struct ledger_tail;

/* A packed block; NULL when none of its entries is live any more. */
struct ledger_slot {
    uint64_t first;
    struct ledger_block *block;
};

struct ledger {
    struct ledger_slot *slots; /* in use: [slot_first, slot_end) */
    size_t slot_first;
    size_t slot_end;
    size_t slot_capacity;
    size_t slot_last; /* looked into last */
    size_t dead_slots;
    struct ledger_block *last; /* of slot_last, or NULL */
    struct ledger_tail *tail;  /* NULL: none */
    uint64_t low;              /* nothing is live below */
    uint64_t next;             /* the next seq */
    uint64_t live;             /* entries */
    uint64_t live_bytes;       /* of their bodies */
    size_t memory;
};

/* An empty ledger without memory. The next seq is 1. */
void ledger_init(struct ledger *l);
void ledger_release(struct ledger *l);

/* Adds an entry. Returns its seq. */
uint64_t ledger_add(struct ledger *l, const struct ledger_entry *e);
/* Adds entries, one behind the other; a call for many costs less. */
void ledger_add_row(struct ledger *l, const struct ledger_entry *entries, size_t count);
/* Adds an entry under that seq, which is at or above the next one: those between are settled. For
 * replay. */
void ledger_add_at(struct ledger *l, uint64_t seq, const struct ledger_entry *e);
/* The next seq is at least that. */
void ledger_skip_to(struct ledger *l, uint64_t seq);

/* The entry of a live seq; false when it is settled, or was never there. Any number is allowed. */
bool ledger_find(struct ledger *l, uint64_t seq, struct ledger_entry *out);
bool ledger_is_live(struct ledger *l, uint64_t seq);

/* The first live seq at or above `from`, with its entry. False when there is none. A walk upwards
 * costs a few nanoseconds a step. */
bool ledger_next_live(struct ledger *l, uint64_t from, uint64_t *seq, struct ledger_entry *out);

/* A row: the entries of live seqs that follow one another, from the first one at or above `from`,
 * which *seq gets; at most `max`. Returns how many; there may be more of them behind. None: there
 * is none. */
size_t ledger_next_row(struct ledger *l, uint64_t from, uint64_t *seq, struct ledger_entry *out,
                       size_t max);
/* Ends the first `count` of the row that begins with `seq`; at least one. */
void ledger_settle_row(struct ledger *l, uint64_t seq, size_t count);

/* Ends a live entry. False (and nothing happens) when it is not live. */
bool ledger_settle(struct ledger *l, uint64_t seq);
/* Ends every live entry below `seq`; calls fn (which may be NULL) for each before. */
typedef void ledger_visit_fn(void *owner, uint64_t seq, const struct ledger_entry *e);
void ledger_settle_below(struct ledger *l, uint64_t seq, ledger_visit_fn *fn, void *owner);

/* The lowest live seq, or the next seq when none is. */
uint64_t ledger_low(struct ledger *l);

/* Writes the ledger with the entries whose place is in the log, and the next seq. */
void ledger_save(struct ledger *l, struct buf *out);
/* Fills an empty ledger. The reader fails when the bytes are not what ledger_save() wrote. */
void ledger_restore(struct ledger *l, struct reader *r);

/* Bytes of memory, for metrics. */
size_t ledger_memory(const struct ledger *l);

void ledger_check(struct ledger *l);

#endif
