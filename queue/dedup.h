/* What makes messages of a queue known as duplicates (msg/dedup.h).
 *
 *     of a queue      key <--> seq     as long as the message is in the queue, unacked ones too
 *     of a cache      key --> until when, the oldest first; at most so many
 *
 * A cache belongs to an exchange: it is a queue that no message stays in, so that the records of
 * messages say what is in it, and it is there again after a restart.
 *
 * Owner: one shard. Private to the room. */
#ifndef QUEUE_DEDUP_H
#define QUEUE_DEDUP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/list.h"
#include "base/map.h"
#include "base/names.h"
#include "msg/dedup.h"

struct ledger;
struct props;

struct dedup {
    struct names keys;
    struct map by_seq;  /* of a queue */
    struct list by_age; /* the oldest first */
    uint64_t count_max; /* of a cache; 0: it is a queue's */
    uint64_t ttl_ms;    /* of a cache; UINT64_MAX: for ever */
};

/* A queue's, or a cache with its bounds. */
struct dedup *dedup_new(uint64_t seed, uint64_t count_max, uint64_t ttl_ms);
/* NULL is allowed. */
void dedup_free(struct dedup *d);

static inline bool dedup_is_cache(const struct dedup *d)
{
    return d->count_max > 0;
}

/* The key of a message; without a size when it has none. */
void dedup_key_of(const struct props *props, struct dedup_key *out);

bool dedup_has(const struct dedup *d, const struct dedup_key *k, int64_t now_ms);
/* The message with this seq has that key. A cache keeps it for the message's own x-cache-ttl, or
 * its usual one; the oldest goes when there are too many. */
void dedup_add(struct dedup *d, const struct dedup_key *k, uint64_t seq, int64_t until_ms);
/* Until when a cache keeps the key of a message that comes now. */
int64_t dedup_until(const struct dedup *d, const struct props *props, int64_t now_ms);
/* The message has left the queue. */
void dedup_settle(struct dedup *d, uint64_t seq);
/* Those that are not live have left it. */
void dedup_sweep(struct dedup *d, struct ledger *l);

void dedup_save(const struct dedup *d, struct buf *out);
/* Fills an empty one; of a queue only with what is live. The reader fails when the bytes are not
 * what dedup_save() wrote. */
void dedup_restore(struct dedup *d, struct ledger *l, struct reader *r);

void dedup_check(const struct dedup *d);

#endif
