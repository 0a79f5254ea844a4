/* What is settled and not yet in the log: seqs of queues, gathered for one SETTLE record.
 *
 * Seqs come in any order; neighbours that come one after the other are one range at once, the rest
 * is sorted and joined when it is written. Owner: one shard. */
#ifndef QUEUE_SETTLES_H
#define QUEUE_SETTLES_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "base/check.h"

/* The seqs [from, to) of a queue. */
struct settle_range {
    uint64_t queue;
    uint64_t from;
    uint64_t to;
};

struct settles {
    struct settle_range *ranges;
    size_t count;
    size_t capacity;
};

void settles_init(struct settles *s);
void settles_release(struct settles *s);

void settles_add(struct settles *s, uint64_t queue, uint64_t from, uint64_t to);

/* Puts the ranges in order and joins those that touch. */
void settles_sort(struct settles *s);

/* The body of a SETTLE record with the first ranges, at most `size_max` bytes of them; they must
 * be sorted. Returns how many of the ranges are in it. */
size_t settles_encode(const struct settles *s, size_t size_max, struct buf *out);
/* The first `count` ranges are written. */
void settles_forget(struct settles *s, size_t count);

/* The ranges of a SETTLE record, one after the other:
 *
 *     struct settle_walk w = settle_walk(body);
 *     while (settle_next(&w, &range))
 *         ...
 *     w.is_bad: the bytes are not what settles_encode() wrote */
struct settle_walk {
    struct reader rest;
    uint64_t queue;
    uint64_t at;
    uint64_t left; /* ranges of this queue */
    bool is_bad;
};
struct settle_walk settle_walk(struct bytes body);
MUST_USE bool settle_next(struct settle_walk *w, struct settle_range *out);

#endif
