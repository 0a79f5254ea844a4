/* What a publisher still has to be told: which of its publishes are safe.
 *
 *     seq   1 2 3 4 5 6 7 8 9
 *           confirmed | waits: after 3: home 0, position 17
 *                     |        after 6: home 0, position 20
 *
 * A wait says that every seq above `after` must wait until the home has committed beyond the
 * position. There is one for each turn and home, not for each message; a publish that needs no
 * commit makes none. The seqs up to the first wait's `after` are confirmed, all at once.
 *
 * Owner: the shard of the broker. */
#ifndef BROKER_CONFIRMS_H
#define BROKER_CONFIRMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "base/spans.h"

struct home;

struct confirm_wait {
    struct home *home;
    uint64_t after;
    uint64_t position;
    uint64_t turn;
};

struct confirms {
    struct list_link link; /* of the broker's list, while there is something to tell */
    bool is_on;
    bool has_failed;            /* something that is waited for is lost */
    uint64_t last;              /* seq of the newest publish */
    uint64_t confirmed;         /* told up to here */
    struct confirm_wait *waits; /* a ring */
    size_t wait_first;
    size_t wait_count;
    size_t wait_capacity;   /* a power of two, or 0 */
    struct spans rejected;  /* seqs above `confirmed` */
    uint64_t rejected_told; /* those above are still to be told */
    uint64_t told;          /* how many were found safe */
};

void confirms_init(struct confirms *c);
void confirms_release(struct confirms *c);

/* The publish that comes next (seq last + 1) waits for that. */
void confirms_wait(struct confirms *c, struct home *home, uint64_t position, uint64_t turn);
/* The newest publish is rejected. */
void confirms_reject(struct confirms *c);
/* The next seq to be told as rejected, which it is then; false when there is none. */
bool confirms_next_rejected(struct confirms *c, uint64_t *seq);

/* Drops the waits that are over. True when more is safe than was told: up to and with *seq, which
 * is told then. */
bool confirms_step(struct confirms *c, uint64_t *seq);

/* What was never told when something that it waited for was lost: all of it is rejected, even what
 * may be safe. */
struct confirms_lost {
    struct spans rejected; /* of these, those up to `told` were told */
    uint64_t told;
    uint64_t at;
    uint64_t last;
};
/* Takes it out of `c`, which then waits for nothing. */
void confirms_fail(struct confirms *c, struct confirms_lost *out);
bool confirms_lost_next(struct confirms_lost *l, uint64_t *seq);
void confirms_lost_release(struct confirms_lost *l);

/* Neither told to be safe nor rejected. */
uint64_t confirms_open(const struct confirms *c);

#endif
