/* What one channel has published and the broker has not confirmed yet.
 *
 *     1 2 3 4 5 6 7 8
 *     c c c . c . . _      low is 3: all up to it are confirmed; 5 is, 4 is not; 8 is next
 *
 * The window holds `limit` unconfirmed messages at most. Confirms may come one by one in any order,
 * or for all up to a tag. Each remembers when it was due to be published.
 *
 * Owner: one thread. */
#ifndef TOOLS_BENCH_AMQP_WINDOW_H
#define TOOLS_BENCH_AMQP_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/check.h"

struct histogram;

struct window {
    uint64_t limit;     /* 0: nothing is confirmed, and nothing is remembered */
    uint64_t published; /* the last tag given */
    uint64_t confirmed; /* how many */
    uint64_t low;
    uint64_t mask;    /* of the rings: a power of two, less one */
    uint64_t *due_ns; /* by tag; 0: confirmed */
};

void window_init(struct window *w, uint64_t limit);
void window_release(struct window *w);

/* How many more may be published now. */
uint64_t window_room(const struct window *w);

/* `count` more are published; there must be room. `now_ns` is when they were due; not 0. */
void window_publish(struct window *w, uint64_t count, uint64_t now_ns);

/* The broker confirms a tag, or all up to it. How long each took goes to `latency`. Returns how
 * many that were, or ERR_INVALID when one was not waiting for it: never published, or confirmed
 * twice. `is_multiple` with tag 0 is all. */
MUST_USE int64_t window_confirm(struct window *w, uint64_t tag, bool is_multiple, uint64_t now_ns,
                                struct histogram *latency);

#endif
