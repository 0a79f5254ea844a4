/* A set of 64-bit numbers kept as spans: acked tags, confirmed positions, missing ranges.
 *
 *     {3, 4, 5, 9}   is   [3,6) [9,10)
 *
 * It costs memory by span, not by number, so a set that fills up shrinks. Spans lie in
 * order, in leaves of up to a few hundred; adding at the end or filling a hole costs O(log
 * n), whatever n.
 *
 *     leaves -> [ [3,6) [9,10) ... ]  [ [70,71) ... ]  [ ... ]
 *
 * The largest possible number, UINT64_MAX, cannot be in a set.
 *
 * Invariants, checked by spans_check():
 *   N1  every span has from < to, and the next one's from is larger than its to (they never touch).
 *   N2  no leaf is empty.
 *   N3  every leaf but the last has room for the largest number of spans.
 *   N4  span_count and number_count are what the leaves hold.
 *
 * Owner: one thread. */
#ifndef BASE_SPANS_H
#define BASE_SPANS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"

/* The numbers from, from + 1, ..., to - 1. */
struct span {
    uint64_t from;
    uint64_t to;
};

struct spans_leaf;

struct spans {
    struct spans_leaf **leaves;
    uint32_t leaf_count;
    uint32_t leaf_capacity;
    size_t span_count;
    uint64_t number_count;
};

/* An empty set, without memory. */
void spans_init(struct spans *s);
void spans_release(struct spans *s);

/* Adds all numbers in [from, to). Returns how many of them were new. from < to. */
uint64_t spans_add_range(struct spans *s, uint64_t from, uint64_t to);

/* Adds one number. Returns whether it was new. */
bool spans_add(struct spans *s, uint64_t number);

/* Takes all numbers in [from, to) out. Returns how many of them were in. from < to. */
uint64_t spans_remove_range(struct spans *s, uint64_t from, uint64_t to);

bool spans_contains(const struct spans *s, uint64_t number);

/* The lowest number at or above `from` that is not in the set: with the start of everything
 * it gives the low mark. */
uint64_t spans_missing_from(const struct spans *s, uint64_t from);

/* The first span that ends above `at`. False when there is none; *out is then untouched.
 * The set may change between two calls, so this is also how to walk:
 *
 *     for (uint64_t at = 0; spans_next(s, at, &span); at = span.to) */
MUST_USE bool spans_next(const struct spans *s, uint64_t at, struct span *out);

/* How many numbers, how many spans. */
uint64_t spans_count(const struct spans *s);
size_t spans_span_count(const struct spans *s);

void spans_check(const struct spans *s);

#endif
