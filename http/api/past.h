/* What was counted over the last hours: rings of looks, each ring coarser and longer than the one
 * before it.
 *
 *     steps of    go back      of what
 *         5 s       605 s      everything
 *        60 s      3660 s      everything
 *       600 s     29400 s      the node, virtual hosts
 *      1800 s     86400 s      the node, virtual hosts
 *
 * In each step the last look stays. A past is of one size from its beginning to its end, and all of
 * a pool together are no larger than its limit: when it is used up what is new has no past, until
 * somebody asks for it, and then whoever was not asked for longest gives up his.
 *
 * Invariants, checked by pasts_check():
 *   P1  pasts->bytes is the size of all in the list, and at most bytes_max;
 *   P2  a past that is there is the one its slot points to.
 *
 * Owner: one shard. */
#ifndef HTTP_API_PAST_H
#define HTTP_API_PAST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"

struct past;

struct pasts {
    struct list all; /* who was not asked for longest in front */
    uint64_t bytes;
    uint64_t bytes_max;
};

/* What a past is to be of. */
struct past_spec {
    size_t values; /* in each look */
    bool is_long;
    bool is_new; /* what is counted began just now: it was nothing before */
};

void pasts_init(struct pasts *p, uint64_t bytes_max);
/* Frees all; their slots become NULL. */
void pasts_clear(struct pasts *p);
void pasts_check(const struct pasts *p);

/* Makes a past, to which *slot points then, if there is room for it. */
void past_open(struct pasts *p, struct past **slot, const struct past_spec *spec);
/* Somebody asks for what is in the slot: it is made if it is not there, whoever must go for it; it
 * is the last to go now. */
void past_ask(struct pasts *p, struct past **slot, const struct past_spec *spec);
/* The slot may be empty, and is afterwards. */
void past_close(struct pasts *p, struct past **slot);

/* A look at that time, in ms since 1970; when the clock went back what was before is forgotten. */
void past_put(struct past *past, int64_t time_ms, const uint64_t *values);

/* What a value was at that time: that of the last look until then. Before the first one it was
 * nothing, or the same if it is not known when it began. */
uint64_t past_value(const struct past *past, int64_t time_ms, size_t place);

#endif
