/* Judges what consumers get: is it all there, once, in order?
 *
 * A *lane* is what one producer sends through one queue (of a stream: to one consumer of it). Its
 * sequences are first, first + step, first + 2 * step ...: a producer that serves four queues in
 * turn has a lane with step 4 in each.
 *
 *     next ----v
 *     0 1 2 3 _ _ ...          in order, nothing missing: one comparison
 *     0 1 _ 3 _ _ ...          2 is missing; it may come yet, from a consumer beside this one
 *
 * The faults:
 *   lost        published, and never came
 *   twice       came again without the redelivered flag
 *   disorder    came behind a later one of its lane, without the flag
 *   altered     the body is not what was sent (found by cargo.h, counted here)
 *   stray       of no lane of this queue, or never published
 *
 * Where several consumers share a queue, the order between them cannot be seen; then each of them
 * has a *track* of what came to it from each producer, which may only rise.
 *
 * Owner: one thread. */
#ifndef TOOLS_BENCH_AMQP_CHECKER_H
#define TOOLS_BENCH_AMQP_CHECKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "base/err.h"
#include "base/spans.h"

enum fault { FAULT_LOST, FAULT_TWICE, FAULT_DISORDER, FAULT_ALTERED, FAULT_STRAY, FAULT_COUNT };

struct lane {
    uint64_t next; /* the sequence behind the highest that came */
    uint64_t first;
    uint64_t step;         /* 0: no lane, nothing may come */
    struct spans *missing; /* below next, counted in steps; NULL until one is */
};

struct checker {
    struct lane *lanes;
    size_t lane_count;
    uint64_t faults[FAULT_COUNT];
    uint64_t redelivered;  /* came again and said so: no fault */
    struct err_note first; /* the first fault, as a sentence */
};

/* Lanes that nothing may come on until checker_set_lane(). */
void checker_init(struct checker *c, size_t lane_count);
void checker_release(struct checker *c);
void checker_set_lane(struct checker *c, size_t lane, uint64_t first, uint64_t step);

/* A sequence that is not the next one of its lane. */
void checker_take_other(struct checker *c, size_t lane, uint64_t sequence, unsigned flags);

enum checker_flags {
    CHECKER_REDELIVERED = 1, /* the broker says that it may have come before */
    CHECKER_SHARED = 2,      /* other consumers work off the same queue: gaps may be theirs */
};

/* A message came on this lane. */
static inline void checker_take(struct checker *c, size_t lane, uint64_t sequence, unsigned flags)
{
    struct lane *l = &c->lanes[lane];

    ASSERT(lane < c->lane_count);
    if (LIKELY(sequence == l->next && l->step > 0))
        l->next += l->step;
    else
        checker_take_other(c, lane, sequence, flags);
}

/* The same for one consumer of a shared queue: *track is 0 at first. */
void checker_take_shared(struct checker *c, size_t lane, uint64_t *track, uint64_t sequence,
                         unsigned flags);

/* Notes a fault that somebody else found. */
void checker_blame(struct checker *c, enum fault fault, const char *format, ...) PRINTF_LIKE(3, 4);

/* No more will come: `published` sequences were given to the lane's producer, so those below it are
 * due. What did not come is lost. */
void checker_finish_lane(struct checker *c, size_t lane, uint64_t published);

/* How many came of a lane, each counted once. */
uint64_t checker_count(const struct checker *c, size_t lane);

/* Whether there was no fault. */
bool checker_is_content(const struct checker *c);

/* "lost", "twice" ... */
const char *fault_name(enum fault fault);

#endif
