/* When messages of a queue expire: the time index.
 *
 * Most queues give all messages one time to live, so their dates rise with the seqs and the ledger
 * itself is the index: a CURSOR stands at the first seq whose date has not come. A message whose
 * date is before that of one in front of it goes into a heap by date as well.
 *
 *     seq    7     8     9    10    11
 *     date  5:00  never 5:01  4:20  5:02
 *            ^cursor           '-- in the heap
 *
 * What is in the heap may be settled long before its date; the heap is sifted when most of it is.
 *
 * Plain data of a queue; the ledger says which seqs are alive and has their dates. */
#ifndef QUEUE_EXPIRY_H
#define QUEUE_EXPIRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "store/ledger.h"

#define EXPIRY_NEVER INT64_MAX

enum { EXPIRY_ANY = -1 };

struct expiry_item {
    int64_t date_ms;
    uint64_t seq;
};

struct expiry {
    uint64_t cursor;
    int64_t cursor_ms; /* date of the message at the cursor, or a date before it; EXPIRY_NEVER: no
                          message from the cursor on has one that rises */
    int64_t latest_ms; /* of those in rising order */
    struct expiry_item *heap;
    uint32_t count;
    uint32_t capacity;
    int level; /* only messages of that priority are looked at; EXPIRY_ANY: all */
};

void expiry_init(struct expiry *x);
void expiry_release(struct expiry *x);

/* A message with a date was added to the ledger as its newest. */
void expiry_add(struct expiry *x, struct ledger *l, uint64_t seq, int64_t date_ms);
/* One with a date came back from a consumer. */
void expiry_return(struct expiry *x, struct ledger *l, uint64_t seq, int64_t date_ms);

/* The next date at which something may expire, or EXPIRY_NEVER. */
int64_t expiry_next(const struct expiry *x);

/* A live message whose date has come (date <= now), whether it is ready or not; the earliest first,
 * of equal ones the lowest seq. Each is given once, but may come again when it is not settled then.
 * `steps` limits how many messages are looked at and is counted down; with 0 left there may be
 * more. False: there is none, for now. */
bool expiry_take(struct expiry *x, struct ledger *l, int64_t now_ms, unsigned *steps,
                 uint64_t *seq);

/* One that was given is to be given again, at that time. */
void expiry_again(struct expiry *x, struct ledger *l, uint64_t seq, int64_t when_ms);

/* Shows the `max` live ones that come next, and some more, in no order, some of them two times;
 * fewer when there are no more. No more than `steps` are looked at, which are counted down. False:
 * that was not enough, and some may not have been shown. */
struct expiry_visit {
    size_t max;
    unsigned steps;
    void (*show)(void *owner, const struct expiry_item *item);
    void *owner;
};
MUST_USE bool expiry_visit_next(const struct expiry *x, struct ledger *l, struct expiry_visit *v);

/* All messages up to the next seq of the ledger are gone. */
void expiry_clear(struct expiry *x);

void expiry_check(const struct expiry *x);

#endif
