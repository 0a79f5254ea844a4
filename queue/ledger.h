/* The ledger of a queue: which of its messages are live, and where each one lies.
 *
 * A queue numbers its messages: the SEQ, from 1 on, dense, in the order they came, never used
 * twice. The ledger has an entry for each seq that is neither settled nor below the low mark:
 *
 *     low mark                                          next seq
 *       v                                                  v
 *       | live . live live . . . live |  packed blocks ... | tail, open for appends |
 *
 * What is settled out of order is a bit, so it costs little and pins nothing. Full blocks in the
 * middle are packed: places as differences, equal sizes once; a queue of plain messages takes one
 * to four bytes each, never more than eight (plus eight for a time to live of its own).
 *
 * Invariants, checked by ledger_check():
 *   D1  low mark <= every live seq < next seq; a block without a live entry is freed;
 *   D2  live count and byte count are those of the live entries.
 *
 * Owner: one shard. */
#ifndef QUEUE_LEDGER_H
#define QUEUE_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "base/check.h"

/* What a queue remembers of a message. */
struct ledger_entry {
    uint64_t place;     /* queue/store.h */
    uint32_t size;      /* of the body, in bytes; bodies are smaller than 4 GiB */
    uint8_t priority;   /* the lane it waits in */
    int64_t expires_ms; /* wall clock; 0: never */
};

struct ledger_block;

struct ledger {
    struct ledger_block **blocks; /* by seq; NULL where nothing is live any more */
    size_t block_count;
    size_t block_capacity;
    uint64_t first_block; /* number of blocks[0]: seq / entries of a block */
    uint64_t next;        /* the next seq */
    uint64_t live;        /* entries */
    uint64_t live_bytes;  /* of their bodies */
    /* The packed block that was looked into last, unpacked. */
    struct ledger_block *open;
};

/* An empty ledger without memory. The next seq is 1. */
void ledger_init(struct ledger *l);
void ledger_release(struct ledger *l);

/* Adds an entry. Returns its seq. */
uint64_t ledger_add(struct ledger *l, const struct ledger_entry *e);
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
