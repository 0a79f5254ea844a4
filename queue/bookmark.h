/* Where a consumer is in a stream. Private to the room.
 *
 *     consumer 1 --- * bookmark * --- 1 stream
 *     basic.get 1 -- 1 bookmark * --- 1 stream
 *
 *     RUNNABLE  in stream->runnable: the next pass reads on
 *     TAIL      in stream->tail: it has read all that is committed
 *     STARVED   in the `starved` list of its consumer, who has no credit, or cannot take more now
 *     READING   in no list: the disk is asked; then it is runnable again
 *     PAUSED    in no list: whoever paused it decides
 *
 * Bookmarks can be added to a consumer and taken away at any time, as those of a group are. What
 * was delivered stays with its holder; once the bookmark is gone it only gives credit back.
 *
 * An ack says that a message is done with. Since messages may be acked in any order, what counts is
 * the LOW MARK: everything below it was passed over, or delivered and acked.
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
#include "queue/queue_parts.h"
#include "queue/stream_args.h"

struct consumer;
struct inflight;
struct bookmark;
struct stream_filter;

enum bookmark_state {
    BOOKMARK_RUNNABLE,
    BOOKMARK_TAIL,
    BOOKMARK_STARVED,
    BOOKMARK_READING,
    BOOKMARK_PAUSED,
};

/* Who is told about a bookmark: a group. */
struct bookmark_watch {
    void *owner;
    /* A delivery of the bookmark has ended. `is_acked`: it was acked, so the low mark may be
     * higher; else it was given back, and is delivered again only to somebody who starts below it.
     * Called inside queue_ack() and its like; must not free the bookmark. */
    void (*settled)(void *owner, struct bookmark *p, uint64_t seq, bool is_acked);
};

struct bookmark {
    struct list_link of_stream;   /* stream->bookmarks */
    struct list_link of_consumer; /* of the consumer's */
    struct list_link run;         /* of the list of its state */
    enum bookmark_state state;
    struct queue *queue;                /* the stream */
    struct consumer *consumer;          /* NULL: it is of a basic.get, */
    struct queue_get *get;              /* this one */
    const struct bookmark_watch *watch; /* NULL: nobody */
    uint64_t next;                      /* seq: nothing below is delivered any more */
    int64_t from_ms;                    /* older messages are passed over; INT64_MIN: none are */
    bool is_seeking;                    /* `next` is still to be found, by from_ms */
    struct list held;                   /* struct inflight, by `beside`: in the order of seqs */
    struct queue_reading reading;
};

/* What a consumer of streams has more than others. */
struct stream_reading {
    struct list bookmarks;
    struct list starved;
    struct stream_filter *filter; /* NULL: everything is wanted */
};

/* Adds a bookmark to a consumer (whose `stream` is set) at the start of his wish; it reads from the
 * next pass on. `watch` is borrowed, may be NULL. */
struct bookmark *bookmark_new(struct consumer *c, struct queue *stream,
                              const struct stream_start *start, const struct bookmark_watch *watch);
/* One for a basic.get, which frees it. */
struct bookmark *bookmark_new_for(struct queue_get *g, struct queue *stream,
                                  const struct stream_start *start);
/* Takes it away. Deliveries stay with their holder. */
void bookmark_free(struct bookmark *p);
/* No more deliveries until it is resumed; allowed in any state. */
void bookmark_pause(struct bookmark *p);
void bookmark_resume(struct bookmark *p);
/* Goes on from that seq (offset + 1). Deliveries stay with their holder, and count for the low mark
 * only when they lie below. */
void bookmark_seek(struct bookmark *p, uint64_t seq);
/* Everything below was passed over, or delivered and acked. */
uint64_t bookmark_low(const struct bookmark *p);
/* How many deliveries of it are unsettled. */
uint64_t bookmark_held(const struct bookmark *p);

/* ---- for the room ---- */

/* It may have something to read. */
void bookmark_wake(struct bookmark *p);
/* A delivery of it has ended. */
void bookmark_settled(struct inflight *f, bool is_acked);
/* The consumer can take messages again: those that starved go on, as many as he has credit for. */
void stream_reading_feed(struct consumer *c);

struct stream_reading *stream_reading_new(const struct stream_want *want);
/* With all bookmarks. NULL is allowed. */
void stream_reading_free(struct stream_reading *r);

/* A runnable one is READING or at the TAIL from now on. */
void bookmark_leave_runnable(struct bookmark *p, enum bookmark_state state);

/* stream_get.c: lets a runnable one of a basic.get read; it may be gone then. False: there is no
 * memory for it now. */
bool stream_get_step(struct bookmark *p);
/* stream_dispatch.c: lets bookmarks of a stream read, at most `max` steps. Returns how many. */
unsigned stream_dispatch(struct queue *q, unsigned max);

/* stream_read.c: the next message at or above p->next, wanted or not. */
struct stream_message {
    uint64_t seq;
    struct stored stored;
    struct store_pin pin;
};
/* Errors: ERR_NOT_FOUND: at the tail; ERR_AGAIN: the disk is asked, the bookmark wakes then. */
MUST_USE int bookmark_read(struct bookmark *p, struct stream_message *out);

#endif
