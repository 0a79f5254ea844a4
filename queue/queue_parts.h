/* The structs behind queue.h, and what its files call of one another. Private to the room.
 *
 *     queues.c      all queues of a partition; the pass at the end of the turn
 *     queue.c       one queue: made, deleted, purged, looked at
 *     consumer.c    consumers: who may be served
 *     dispatch.c    ready -> in flight
 *     settle.c      in flight -> settled, ready, or dead
 *     holdback.c    in flight -> ready, but later
 *     publish.c     -> ready
 *     limits.c      too old, too many
 *     deadletter.c  dead -> another queue; elsewhere.c: of another partition
 *     fold.c        the log -> all of it
 *     stream.h      what is different about streams
 *
 * Owner: one shard. */
#ifndef QUEUE_QUEUE_PARTS_H
#define QUEUE_QUEUE_PARTS_H

#include "base/map.h"
#include "queue/consumer.h"
#include "queue/expiry.h"
#include "queue/holdback.h"
#include "queue/look.h"
#include "queue/ready.h"

struct stream;

enum {
    DYING_MAX = 1024,  /* of a queue, in memory at a time */
    STEPS_MAX = 65536, /* messages of a queue that one pass looks at for their dates */
};

struct dedup;
struct dedup_key;
struct delayed;

/* A reader, opened when something must come from the disk, and closed when it is not used. */
struct queue_reading {
    struct list_link link; /* queues->reading.open, while it is open */
    struct store_reader *reader;
    bool was_used;   /* since the last look */
    bool is_waiting; /* for the disk */
};

struct queue_flags {
    bool is_durable;
    bool is_auto_delete;
    bool is_single_active;
    bool is_handing_over; /* the active consumer gets nothing until it has nothing in flight */
    bool was_consumed;    /* it had a consumer since it was made */
    bool is_blocked;      /* dead letters wait for `retry`, or for the end of a pressure */
    bool is_unused;       /* on_unused is to be called */
    bool was_told_cycle;
    bool has_lane; /* perhaps: of its own, in the log */
    bool has_seen; /* restored: what was delivered before a clean stop */
};

/* Dead messages that move on. */
struct queue_dead {
    struct list dying;
    struct list parting;
    struct queue_reading reading; /* its own, for the other one stands at what is ready */
    struct courier *courier;      /* of a large body, to another partition */
};

/* What few queues wait for. */
struct queue_waits {
    struct queue *queue;
    struct heap held;     /* what is held back, see holdback.h */
    struct alarm due;     /* the first of them */
    struct alarm overdue; /* deliveries in `loose` */
    struct alarm retry;   /* dead letters */
};

struct queue_marks {
    uint64_t trimmed; /* its lane has nothing below */
    uint64_t used_ns; /* when it was last used, for x-expires */
};

struct queue {
    struct list_link active; /* queues->active: the next pass visits it */
    struct queues *home;
    struct queue_flags is;
    uint32_t aside_count; /* of those withdrawn, what cannot be read */
    struct ledger ledger;
    struct ready ready;
    uint64_t inflight_count;
    uint64_t inflight_bytes;
    uint64_t withdrawn_bytes;
    uint64_t withdrawn_count;
    struct list levels;
    struct list gets;
    struct list loose;
    struct queue_dead dead;
    struct consumer *single; /* the active one of a single active queue, or the exclusive one */
    uint32_t consumer_count;
    uint32_t dying_count;         /* of dead.dying */
    struct queue_reading reading; /* of what is ready */
    struct expiry expiry;
    struct map counts; /* seq -> struct counts */
    struct queue_args args;
    struct alarm expire;       /* a span */
    struct alarm unused;       /* x-expires */
    struct queue_waits *waits; /* queue_waits(); NULL: it waited for nothing of that */
    struct queue_marks marks;
    struct queue_identity *identity;
    struct delayed *delayed; /* of a holder of delayed messages; else NULL */
    struct stream *stream;   /* NULL: it is no stream */
    struct dedup *dedup;     /* of a queue that takes no duplicates, and of a cache; else NULL */
    struct queues_tally tally;
};

/* What a queue was declared with. */
struct queue_identity {
    uint64_t id;
    void *owner;
    struct bytes name;
    struct bytes vhost;
    struct table arguments;
    uint8_t *texts; /* dead letter exchange and key of the arguments in effect */
    uint8_t bytes[];
};

/* ---- queue.c ---- */

uint64_t queue_ready_bytes(const struct queue *q);
struct queue_waits *queue_waits(struct queue *q);
/* Deliveries are detached from their holders and ready again; dying ones are as well. */
void queue_end_deliveries(struct queue *q);
/* Dead letters that waited for a pressure or a retry are tried again. */
void queue_unblock(struct queue *q);
/* Frees the queue and forgets its messages. Its consumers have ended, or the world has. */
void queue_free(struct queue *q);
bool queue_counts(const struct queue *q);
/* x-expires starts anew, or is stopped while there are consumers. */
void queue_use(struct queue *q);
/* Derives what follows from the arguments in effect. */
void queue_apply_args(struct queue *q);

/* ---- settle.c ---- */

/* Ends a live message that is neither ready nor in flight any more. */
void queue_settle(struct queue *q, uint64_t seq, const struct ledger_entry *e);
/* What was counted about a message. */
struct counts queue_find_counts(const struct queue *q, uint64_t seq);
void queue_set_counts(struct queue *q, uint64_t seq, struct counts c);
/* A ready message dies. False: too many are dying, nothing has happened. */
bool queue_kill_ready(struct queue *q, uint64_t seq, const struct ledger_entry *e,
                      enum death reason);
/* A new one for a message of the queue; NULL: no memory. */
struct inflight *inflight_new(struct queue *q, uint64_t seq, const struct ledger_entry *e);
/* It is on no list of ours. */
void inflight_free(struct inflight *f);
/* Whether another message may die now. */
bool queue_can_kill(const struct queue *q);
/* Takes it from its holder's lists and gives credit back. */
void inflight_detach(struct inflight *f);
/* A live message that was just added and not made ready dies. */
void queue_kill_new(struct queue *q, uint64_t seq, const struct ledger_entry *e, enum death reason);

/* ---- dispatch.c ---- */

/* Serves consumers, with at most `max` messages. Returns how many were moved. */
unsigned queue_dispatch(struct queue *q, unsigned max);
/* Serves gets from what no consumer has room for, which must not be too much any more. */
unsigned queue_serve_gets(struct queue *q, unsigned max);
/* A message of the queue. ERR_AGAIN: the queue is visited again when it is there. ERR_TRIMMED: it
 * was settled, and only a crash has forgotten that. The reader is opened when it is needed. */
struct queue_message {
    uint64_t seq;
    uint64_t place;
};
MUST_USE int queue_read(struct queue *q, struct queue_reading *reading,
                        const struct queue_message *m, struct stored *out, struct store_pin *pin);
/* What cannot be read leaves circulation; it is kept. */
void queue_set_aside(struct queue *q, uint64_t seq);
void queue_tell_aside(struct queue *q, uint64_t seq, uint32_t size);
void queue_close_reader(struct queue_reading *reading);
void queue_answer_gets(struct queue *q);

/* ---- limits.c ---- */

/* Whether x-overflow refuses a message of that size. */
bool queue_refuses(const struct queue *q, uint64_t body_size);
/* Expires what is too old; true when there is more to look at. */
bool queue_expire(struct queue *q);
/* Drops from the head what is over the limits; true when there is more to drop. */
bool queue_shorten(struct queue *q);
/* The time by which messages expire: the steady clock's. */
int64_t queue_now_ms(const struct queue *q);
void queue_set_expire_alarm(struct queue *q);
/* The next date of the steady clock that the queue waits for. */
void queue_set_span_alarm(struct queue *q, int64_t next_ms);

/* ---- deadletter.c ---- */

/* Moves dead messages on, at most `max`. Returns how many. */
unsigned queue_bury_dead(struct queue *q, unsigned max);
/* Those published elsewhere whose commit is awaited are forgotten; they stay in the ledger. */
void queue_forget_parting(struct queue *q);
void queue_end_courier(struct queue *q);
void queue_retry_is_due(struct alarm *a);
/* ---- publish.c ---- */

/* The steady time at which a message that comes now expires; 0: never. */
int64_t queue_date(struct queue *q, int64_t wall_ms, uint64_t expiration_ms,
                   const struct props *props);
/* The level of a message that says that and has that slip. */
uint8_t queue_level(const struct queue *q, const struct props *props, struct bytes slip);
/* What a message says about how long it may live. */
uint64_t queue_expiration(const struct props *props);
/* A message that was added to the ledger has that key. */
struct queue_arrived {
    const struct props *props;
    int64_t steady_ms; /* when it came */
};
void queue_add_key(struct queue *q, uint64_t seq, const struct dedup_key *key,
                   const struct queue_arrived *a);
/* A message that was added to the ledger has a date. */
void queue_index_date(struct queue *q, uint64_t seq, const struct ledger_entry *e);

#endif
