/* The delivery tags of a channel: which deliveries its client has not settled yet.
 *
 *     ring   | 7 d | 8 . | 9 d | 12 d | 13 . | 14 d |       tags rise, some are settled (.)
 *
 * Adding and taking off the front cost nothing; a tag is found at the place that its distance from
 * the first one gives, or by halving when tags are missing between (they went to consumers without
 * acks, or the ring was packed). The ring grows with what is unsettled, not with what a single old
 * delivery has let pass: before it grows it drops what is settled.
 *
 * A delivery may be gone while its client does not know that yet (TAGS_GONE): its tag is still good
 * for one settling, which does nothing.
 *
 * Invariants: tags rise strictly from the front to the end; the first entry is not settled.
 *
 * Owner: one channel. */
#ifndef AMQP_TAGS_H
#define AMQP_TAGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"

struct delivery;

struct tags_entry {
    uint64_t tag;
    struct delivery *delivery; /* NULL: settled */
};

struct tags {
    struct tags_entry *entries; /* a ring */
    uint32_t capacity;          /* a power of two, or 0 */
    uint32_t first;
    uint32_t count; /* entries */
    uint32_t live;  /* those not settled */
};

/* Stands in the place of a delivery that was taken back. */
extern struct delivery *const TAGS_GONE;

void tags_init(struct tags *t);
/* The deliveries are the caller's. */
void tags_release(struct tags *t);

/* Adds a delivery under a tag larger than all so far. */
void tags_add(struct tags *t, uint64_t tag, struct delivery *d);

/* Puts one back that was taken, wherever its tag belongs. */
void tags_put_back(struct tags *t, uint64_t tag, struct delivery *d);

/* The delivery of that tag, or TAGS_GONE, which is then settled; NULL when there is none. */
struct delivery *tags_take(struct tags *t, uint64_t tag);

bool tags_has(const struct tags *t, uint64_t tag);

/* Takes the first one whose tag is not above `upto`: NULL when there is none. */
struct delivery *tags_take_first(struct tags *t, uint64_t upto);

/* A walk over those not settled and not gone: *place starts at 0. NULL at the end. */
struct delivery *tags_next(const struct tags *t, uint32_t *place);

/* What tags_next() gave last is gone: its client may settle it once more, to no effect. */
void tags_forget(struct tags *t, uint32_t place);

void tags_check(const struct tags *t);

#endif
