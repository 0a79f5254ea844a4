/* All queues of a partition, and what they share. Private to the room.
 *
 * Owner: one shard. */
#ifndef QUEUE_QUEUES_PARTS_H
#define QUEUE_QUEUES_PARTS_H

#include "base/pool.h"
#include "cluster/partition.h"
#include "queue/death.h"
#include "queue/delayed.h"
#include "queue/sequels.h"
#include "queue/settles.h"

struct origins;

enum {
    PASS_MAX = 4096,    /* deliveries and deaths of one turn; the rest follows in the next one */
    BURST_MAX = 256,    /* of one queue before the others have their turn */
    STREAM_MAX = 1024,  /* of one stream; see stream_dispatch() */
    GRAVE_STEPS = 8192, /* messages of deleted queues that one turn lets go of */
};

/* The ledger of a deleted or purged queue, let go of bit by bit. */
struct grave {
    struct list_link link;
    struct ledger ledger;
    uint64_t queue;
    uint64_t at; /* nothing is live below */
    bool is_durable;
};

/* A RETURN that is not yet in the log. */
struct pending_return {
    uint64_t queue;
    uint64_t seq;
    struct counts counts;
};

/* A message whose settle rides in a group with a publish: its record is kept until that is
 * committed. */
struct parting_place {
    uint64_t position; /* of the group's end */
    uint64_t place;
    uint64_t queue;
    uint64_t seq;
};

struct queues_returns {
    struct pending_return *items;
    size_t count;
    size_t capacity;
};

struct queues_partings {
    struct parting_place *items; /* first in, first out */
    size_t first;
    size_t count; /* behind `first` */
    size_t capacity;
    struct map messages; /* the same by queue and seq */
};

/* Areas that calls use for themselves. */
struct queues_scratch {
    struct buf record;
    struct dedup_key key; /* of the message that is published just now */
    struct death_papers papers;
    struct store_target *targets;
    struct queue **queues;
    size_t capacity; /* of the two above */
    struct queue **dead_targets;
    size_t dead_capacity;
};

/* A message found in a lane when every checkpoint was lost. */
struct survivor {
    struct queue *queue;
    uint64_t seq;
    struct ledger_entry entry;
};

struct queues_survivors {
    bool is_clean; /* there are none: it was opened after a clean stop */
    struct survivor *items;
    size_t count;
    size_t capacity;
};

/* struct remote_wait. */
struct queues_remote {
    struct list awaiting; /* of others, by position */
    struct list outgoing; /* of ours, at others */
};

/* What was published before and must not be again. */
struct queues_memory {
    struct sequels sequels;
    struct origins *origins;
};

struct queues_reading {
    struct list open;    /* struct queue_reading */
    struct alarm look;   /* at those that nobody uses */
    struct list browses; /* browse.c */
};

/* Where groups are; see claim.h. */
struct queues_claims {
    struct list moved; /* struct claim: to be written */
    struct alarm write;
    uint64_t written_ns; /* when that was done last */
    struct list resets;  /* struct group_reset_run: they wait for a commit */
    struct list waits;   /* struct group_wait: so do they */
    bool is_due;         /* by the next claims_write() */
};

/* Of readers of history; see stream_rest.h. */
struct queues_rest {
    struct list bookmarks; /* RESTING, by `run` */
    struct alarm over;     /* waits: there is a rest */
    unsigned work;         /* since the last one */
    uint64_t looked_ns;    /* when it was counted what others publish, */
    uint64_t published;    /* the count, */
    uint64_t lively_ns;    /* and when it was last seen to be more; 0: never */
    bool is_crowded;       /* it is so much that nobody rests */
};

struct queues_streams {
    struct list fresh;    /* struct stream: somebody waits for a commit */
    size_t count;         /* fronts and partitions counted */
    struct alarm keeping; /* what is too old goes */
    struct queues_claims claims;
    struct queues_rest rest;
};

struct queues_turn {
    struct io_timer next; /* what is left goes on */
    uint64_t began_ns;
    uint64_t published; /* messages, when it began; those of streams wait for nobody */
    uint64_t left; /* of PASS_MAX, or of those that came since the turn before if they are more */
};

struct queues {
    struct io *io;
    const struct queues_options *options;
    struct queues_calls calls;
    struct partition *partition; /* NULL before queues_start() and after queues_stop() */
    struct store *store;
    struct partition_watcher watcher;
    struct queue **all; /* by id */
    size_t count;
    size_t capacity;
    struct list active;
    struct io_task task;
    struct queues_turn turn;
    struct alarms alarms;
    struct steady steady;
    struct pool inflights;
    struct queues_reading reading;
    struct queues_streams streams;
    struct list detached; /* struct inflight whose queue is gone */
    struct list graves;
    size_t blocked_count; /* queues that are blocked */
    struct settles settles;
    struct queues_returns returns;
    struct queues_partings partings;
    struct queues_scratch scratch;
    struct queues_survivors survivors;
    struct queues_remote remote;
    struct queues_memory memory;
    bool is_pressed;
    bool is_grouped; /* between queues_begin_group() and queues_end_group() */
    struct queues_tally tallies[QUEUE_TYPES];
};

/* Something happened so many times, in the queue and so among all of its type. */
#define QUEUE_TALLY(q, what, times)                                                                \
    ((q)->tally.what += (times), (q)->home->tallies[(q)->args.type].what += (times))

/* ---- browse.c ---- */

/* The queue goes: those who look at it hear of it from the loop. */
void queue_end_browses(struct queue *q);

/* ---- queues.c ---- */

/* Visits the queue at the end of this turn. */
void queue_activate(struct queue *q);
/* The pass is needed, for what was settled. */
void queues_need_pass(struct queues *qs);
/* There is a stream: retention is looked at now and then. */
void queues_keep_streams(struct queues *qs);
/* A reader was opened: it is looked at now and then. */
void queues_watch_readers(struct queues *qs);
/* The queue with that id, or NULL. */
struct queue *queues_find(const struct queues *qs, uint64_t id);
void queues_insert(struct queues *qs, struct queue *q);
void queues_remove(struct queues *qs, struct queue *q);
/* Room for so many targets in the scratch arrays. */
void queues_scratch_targets(struct queues *qs, size_t count);
/* Takes the grave; its messages are let go of later. */
void queues_bury(struct queues *qs, struct grave *g);
/* Lets go of up to so many messages of graves. Returns whether any are left. */
bool queues_dig(struct queues *qs, size_t steps);

/* ---- records.c ---- */

/* Appends SETTLE and RETURN records. What cannot be written stays for the next pass. Errors:
 * ERR_FULL, ERR_FAILED. */
int queues_write_settles(struct queues *qs);
/* Writes down how far the log's clock is ahead, if that has changed. ERR_FULL, ERR_FAILED. */
int queues_write_clock(struct queues *qs);
/* Before the first message of a turn: the clock may have jumped while nothing happened. */
static inline void queues_see_clock(struct queues *qs)
{
    if (LIKELY(qs->steady.is_seen))
        return;
    qs->steady.is_seen = true;
    (void)queues_write_clock(qs); /* refused: the next pass does it */
    queues_need_pass(qs);
}
void queues_add_return(struct queues *qs, uint64_t queue, uint64_t seq, struct counts counts);

/* ---- settle.c ---- */

/* In a group: the record of a settled message is kept until queues_part_at() says which position
 * must be committed before. */
void queues_part(struct queues *qs, const struct queue *q, uint64_t seq, uint64_t place);
bool queues_is_parting(const struct queues *qs, const struct store_target *t);
void queues_part_at(struct queues *qs, uint64_t position);
void queues_partings_committed(struct queues *qs, uint64_t position);

/* ---- deadletter.c ---- */

/* The partition has committed below `position`: those elsewhere who waited for that. */
void queues_remote_committed(struct queues *qs, uint64_t position);

/* Whoever waits for a commit here waits no longer; what he waits for is not settled. */
void queues_forget_waits(struct queues *qs);

/* ---- straight.c ---- */

bool queues_can_go_straight(const struct queues *qs, const struct queues_publish *p);
/* Gives the message to the consumer who is next, if he takes it for good. */
bool queue_give_straight(struct queue *q, const struct message *m);
/* Whether the consumer who is next could take those behind it, too. */
bool queue_may_take_train(struct queue *q);

/* ---- train.c ---- */

/* How many bodies, from the front, go into a train of `left` bytes. */
size_t train_share(const struct bytes *bodies, size_t count, size_t left);
/* Gives him, who is next, what is ready and differs in nothing but its bodies, at most `max`.
 * Returns how many; none: give him one by itself. */
unsigned queue_dispatch_train(struct queue *q, struct consumer *c, unsigned max);

/* ---- delayed.c ---- */

/* What a span is longer by, as none may be shorter than it was said: a millisecond that has begun,
 * and one that a start may cut from the clock. */
enum { SPAN_ROUNDED_MS = 2 };

/* Now by the steady clock; while the log is read, when a record of that time was written. */
int64_t queues_steady_ms(struct queues *qs, int64_t wall_ms);

/* ---- publish.c ---- */

/* Forgets publishers beyond the limits. */
void queues_trim_sequels(struct queues *qs, int64_t now_ms);

/* As queues_publish(); the body may be that of another place in parts (0: it is not). */
MUST_USE int queues_put(struct queues *qs, const struct queues_publish *p, uint64_t shares_parts,
                        struct queues_published *out);

#endif
