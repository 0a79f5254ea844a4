/* Groups: consumers of a stream that share its partitions, and go on where they stopped.
 *
 *     front "s" --+-- s-0 <--- claim ---- member      each partition has one owner in the group;
 *                 +-- s-1 <--- claim --'              who comes or goes moves as few as can be
 *                 '-- s-2 <--- claim ---- member
 *
 * A stream without partitions has one claim; members beyond the number of claims wait. A partition
 * changes hands only when all that its owner holds of it is settled or given back; the new one
 * first gets what was given back, in order, and then what follows.
 *
 * The group's OFFSET in a stream is its low mark: everything below is done with. An ack moves it,
 * and it survives (queue/claim.h).
 *
 * Invariants, checked by group_check():
 *   G1  a claim has at most one holder, and only its bookmark reads for the group;
 *   G2  nobody is heir of two claims more than another;
 *   G3  while there are members, every claim has an heir.
 *
 * Owner: the shard of the queue. */
#ifndef QUEUE_GROUP_H
#define QUEUE_GROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/check.h"

struct claim;
struct consumer;
struct delivery;
struct group;
struct queue;

enum {
    GROUP_NAME_MAX = 255,
    GROUPS_MAX = 1000, /* of a stream */
};

/* ---- look ---- */

/* The group of that name of a stream or front; NULL: there is none. */
struct group *queue_find_group(struct queue *q, struct bytes name);
/* A walk over all of a queue, in no order that means anything; starts and ends with NULL. */
struct group *queue_groups_next(struct queue *q, struct group *g);
/* Whether a group of that name is there or can be made. */
bool queue_has_room_for_group(struct queue *q, struct bytes name);

struct bytes group_name(const struct group *g);
struct queue *group_queue(const struct group *g);
size_t group_member_count(const struct group *g);
/* A walk over its members; starts and ends with NULL. */
struct consumer *group_members_next(const struct group *g, const struct consumer *c);

/* What the group has of one stream. */
struct group_share {
    struct queue *stream;
    struct consumer *owner; /* who reads now; NULL: nobody */
    bool is_moving;         /* it goes to another one once all that is unacked is settled */
    bool has_offset;        /* it has begun */
    uint64_t offset;        /* the first that is not done with */
    uint64_t end;           /* the offset that the next message gets */
    uint64_t lag;           /* how many are between the two and are there */
    uint64_t unacked;
};
size_t group_share_count(const struct group *g);
void group_get_share(const struct group *g, size_t i, struct group_share *out);

/* ---- use ---- */

/* What settling the delivery takes of a group of the log (queues_begin_group()) beyond
 * QUEUES_SETTLE_SIZE: the offset moves with all else that is in there. */
size_t group_settle_size(const struct delivery *d);

/* Forgets the group and its offsets. Errors: ERR_BUSY: it has members; ERR_FULL: not now; some may
 * be forgotten, ask again; ERR_FAILED. */
MUST_USE int group_delete(struct group *g);

struct group_wait_calls {
    void *owner;
    /* `err` is 0, or ERR_FAILED: the log has failed, or stops. The wait is freed before this. */
    void (*done)(void *owner, int err);
};

struct group_wait;
/* Waits until all is committed that was done to groups of the queue's partition: what was forgotten
 * stays so. The call comes from the loop, or inside what ends the partition. */
struct group_wait *group_wait_start(struct queue *q, const struct group_wait_calls *calls);
/* No call comes after this. */
void group_wait_stop(struct group_wait *w);

/* ---- reset ---- */

enum group_goal {
    GROUP_EARLIEST,
    GROUP_LATEST, /* what comes from now on */
    GROUP_OFFSET,
    GROUP_TIME, /* the first message that is not older */
    GROUP_SHIFT,
};

struct group_reset {
    enum group_goal goal;
    int64_t value;  /* the offset; ms since 1970; by how many, backwards when negative */
    bool is_dry;    /* only says what would be */
    bool is_forced; /* though it has members, who go on from there */
};

/* Where the group goes on in one stream: never outside of what is there. */
struct group_step {
    struct queue *stream;
    bool had_offset;
    uint64_t from; /* its offset so far */
    uint64_t to;
};

struct group_calls {
    void *owner;
    /* `err` is 0: it is committed; ERR_BUSY: the group has members; ERR_NOT_FOUND: it is gone;
     * ERR_FAILED. The reset is freed after this. Called from the loop, or inside what made the
     * group go. */
    void (*done)(void *owner, int err, const struct group_step *steps, size_t count);
};

struct group_reset_run;
/* Sets the offsets of a group, without members unless it is forced, in all its streams. What was
 * delivered before means nothing then: to settle it only gives credit back. */
struct group_reset_run *group_reset(struct group *g, const struct group_reset *r,
                                    const struct group_calls *calls);
/* No call comes after this; it may have happened or not. */
void group_reset_stop(struct group_reset_run *run);

void group_check(const struct group *g);

#endif
