/* Where a consumer is in a stream. Private to the room.
 *
 *     consumer 1 --- * bookmark * --- 1 stream
 *     basic.get 1 -- 1 bookmark * --- 1 stream
 *
 *     RUNNABLE  in stream->runnable: the next pass reads on
 *     TAIL      in stream->tail: it has read all that is committed
 *     STARVED   in the `starved` list of its consumer, who has no credit, or cannot take more now
 *     READING   in no list: the disk is asked; then it is runnable again
 *     RESTING   in streams.rest.bookmarks of its queues: it reads history, and others are served
 *     PAUSED    in no list: whoever paused it decides
 *
 * A bookmark without a consumer is paused. Those of a group go from one consumer to another; what
 * was delivered stays with its holder, and is still of the bookmark, whose consumer he was or not.
 *
 * An ack says that a message is done with, a reject that does not requeue it too. Since messages
 * may be acked in any order, what counts is the LOW MARK: everything below it was passed over, or
 * delivered and done with. What is given back to a bookmark that is watched is delivered AGAIN,
 * before all that is to come.
 *
 * A bookmark reads with a reader of its own, which is closed when it is not used: one that waits at
 * the tail, or for credit, costs neither file nor buffer.
 *
 * Owner: the shard of its stream and of its consumer, which is the same one. */
#ifndef QUEUE_BOOKMARK_H
#define QUEUE_BOOKMARK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/spans.h"
#include "queue/queue_parts.h"
#include "queue/stream_args.h"

struct bookmark;
struct consumer;
struct inflight;
struct member;
struct stream_filter;

enum bookmark_state {
    BOOKMARK_RUNNABLE,
    BOOKMARK_TAIL,
    BOOKMARK_STARVED,
    BOOKMARK_READING,
    BOOKMARK_RESTING,
    BOOKMARK_PAUSED,
};

/* Who is told about a bookmark: a group. Lies in its owner's struct. */
struct bookmark_watch {
    /* A delivery of the bookmark has ended, or it has read on: the low mark may be higher. Called
     * inside queue_ack() and its like too; must not free the bookmark. */
    void (*changed)(struct bookmark_watch *w, struct bookmark *p);
};

struct bookmark {
    struct list_link of_stream;   /* stream->bookmarks */
    struct list_link of_consumer; /* of the consumer's */
    struct list_link run;         /* of the list of its state */
    enum bookmark_state state;
    struct queue *queue;          /* the stream */
    struct consumer *consumer;    /* NULL: nobody */
    struct queue_get *get;        /* of this one; then it has no consumer */
    struct bookmark_watch *watch; /* NULL: nobody */
    uint64_t next;                /* seq: nothing below is delivered any more */
    int64_t from_ms;              /* older messages are passed over; INT64_MIN: none are */
    bool is_seeking;              /* `next` is still to be found, by from_ms */
    uint64_t maybe_seen;          /* seq: what is below may have been delivered before a crash */
    struct list held;             /* struct inflight, by `beside`: in the order of seqs */
    struct spans again;           /* below `next`: given back, to be delivered again */
    struct queue_reading reading;
};

/* What a consumer of streams has more than others. */
struct stream_reading {
    struct list bookmarks;
    struct list starved;
    struct member *member;        /* of a group; NULL: of none */
    struct stream_filter *filter; /* NULL: everything is wanted */
};

/* Makes one, paused, that begins there. `watch` is borrowed, may be NULL. */
struct bookmark *bookmark_new(struct queue *stream, const struct stream_start *start,
                              struct bookmark_watch *watch);
/* One for a basic.get, which frees it. */
struct bookmark *bookmark_new_for(struct queue_get *g, struct queue *stream,
                                  const struct stream_start *start);
void bookmark_free(struct bookmark *p);
/* Gives it, which has no consumer, to one whose `stream` is set; it reads from the next pass on. */
void bookmark_attach(struct bookmark *p, struct consumer *c);
/* Takes it away from its consumer. */
void bookmark_detach(struct bookmark *p);
/* No more deliveries until it is resumed; allowed in any state. */
void bookmark_pause(struct bookmark *p);
void bookmark_resume(struct bookmark *p);
/* Goes on from that seq (offset + 1). What was delivered before only gives credit back. */
void bookmark_seek(struct bookmark *p, uint64_t seq);
/* Everything below was passed over, or delivered and is done with. */
uint64_t bookmark_low(const struct bookmark *p);
/* How many deliveries of it are unsettled. */
uint64_t bookmark_held_count(const struct bookmark *p);

/* ---- for the room ---- */

/* It may have something to read. */
void bookmark_wake(struct bookmark *p);
/* A delivery, perhaps of one, has ended; `is_done`: it was not given back. */
void bookmark_settled(struct inflight *f, bool is_done);
/* The consumer can take messages again: those that starved go on, as many as he has credit for. */
void stream_reading_feed(struct consumer *c);

struct stream_reading *stream_reading_new(const struct stream_want *want);
/* With all bookmarks. NULL is allowed. */
void stream_reading_free(struct stream_reading *r);

/* A runnable one is READING, RESTING or at the TAIL from now on. */
void bookmark_leave_runnable(struct bookmark *p, enum bookmark_state state);

/* stream_get.c: lets a runnable one of a basic.get read; it may be gone then. False: there is no
 * memory for it now. */
bool stream_get_step(struct bookmark *p);
/* stream_read.c: looks for the first message that is not older than from_ms, of one without a
 * consumer. ERR_AGAIN: its watch is called when there is more to find; else p->next is where. */
MUST_USE int bookmark_find_time(struct bookmark *p);

/* stream_dispatch.c: lets bookmarks of a stream read, about `max` of work: a message is one, and
 * one more for each 32 bytes of its body, so that large ones do not keep others waiting. Returns
 * how much it was. */
unsigned stream_dispatch(struct queue *q, unsigned max);

/* stream_read.c: the next message, wanted or not: one to be delivered again, or the first at or
 * above p->next. */
struct stream_message {
    uint64_t seq;
    bool is_again;
    struct stored stored;
    struct store_pin pin;
};
/* Errors: ERR_NOT_FOUND: at the tail; ERR_AGAIN: the disk is asked, the bookmark wakes then. */
MUST_USE int bookmark_read(struct bookmark *p, struct stream_message *out);

#endif
