/* Groups inside; see group.h. Private to the room.
 *
 *     holder == heir            it is as it should be
 *     holder, other heir        LEAVING: paused; handed over when nothing of it is unsettled
 *     no holder, heir           waits for deliveries of one who is gone
 *
 *     group.c          made, joined, left, looked at
 *     group_share.c    who is to have what; handing over
 *     group_reset.c    offsets are set
 *
 * Owner: the shard of the queue. */
#ifndef QUEUE_GROUP_PARTS_H
#define QUEUE_GROUP_PARTS_H

#include "queue/claim.h"
#include "queue/group.h"

struct stream_start;

struct member {
    struct list_link link; /* group->members, or group->waiting while it is heir of nothing */
    struct group *group;
    struct consumer *consumer;
    uint32_t count; /* of the claims that it is heir of */
};

struct group {
    struct list_link of_queue; /* stream->groups */
    struct queue *queue;
    struct claim **claims; /* NULL in it: its stream is going */
    uint32_t count;
    struct list members;
    struct list waiting;
    struct list resets; /* struct group_reset_run */
    size_t name_size;
    uint8_t name[];
};

/* The consumer, of a stream or front, reads for the group of that name, which is made if it is not
 * there. `start` is where to begin in streams in which the group has no offset yet. */
void group_join(struct consumer *c, struct bytes name, const struct stream_start *start);
/* The member, of a consumer that goes, is no more. */
void group_leave(struct member *m);
/* A queue goes: its groups have no members any more. */
void groups_release(struct queue *q);
/* The stream of the claim goes; its group, if it is in use, has it no more. */
void group_lose_claim(struct claim *c);

/* ---- group_reset.c ---- */

/* Resets that are on their way come to nothing. */
void group_end_resets(struct group *g, int err);
/* Something was committed. */
void groups_committed(struct queues *qs);
/* The partition of the queue stops. */
void groups_stop(struct queue *q);

/* ---- group_wait.c ---- */

/* Something was committed. */
void groups_look_at_waits(struct queues *qs);
/* Nothing will be any more. */
void groups_end_waits(struct queues *qs);

/* ---- group_share.c ---- */

/* One has come, and is in group->waiting. */
void group_take_in(struct group *g, struct member *m);
/* Makes nobody of one who goes, and gives to others what was his. */
void group_let_go(struct group *g, struct member *m);
/* Nobody has it, nobody is to have it. */
void claim_abandon(struct claim *c);
/* Hands the claim over if it is to be and can be. */
void claim_hand_over(struct claim *c);

#endif
