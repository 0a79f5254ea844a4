/* Queues: who gets which message when, and when it is dead.
 *
 *     queues_publish --> ready --------------------> in flight --queue_ack--------> settled
 *                        | ^  consumer_ops.deliver      |  |
 *                        | '----------- requeue --------'  '--reject--> dead lettered or dropped
 *                        '-- expired, over the limit, purged --> the same
 *
 * A struct queues is all queues of one partition, on the shard of that partition. Queues know no
 * connections: a consumer is a struct consumer_ops to call. They know no exchanges: for a dead
 * message they ask the owner where it goes.
 *
 * What a call causes for others (deliveries, limits, timers) happens at the end of the turn, in one
 * pass over the queues that something happened to: consumers are served in batches, and what was
 * settled goes to the log in one record.
 *
 * Invariants, checked by queue_check():
 *   Q1  every live entry of the ledger is ready or in flight, never both;
 *   Q2  messages are delivered in the order of seqs within a priority, also what came back;
 *   Q3  no consumer holds more than its prefetch, no channel more than its own;
 *   Q4  an exclusive or single active queue has one consumer that is served at a time;
 *   Q5  an expired message is never delivered.
 *
 * Owner: one shard. Callbacks come from the loop, or inside a call whose text says so. */
#ifndef QUEUE_QUEUE_H
#define QUEUE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "msg/msg.h"
#include "msg/once.h"
#include "queue/queue_args.h"
#include "queue/queue_settings.h"
#include "store/store.h"

struct fold;
struct io;
struct partition;
struct queues;
struct queue;
struct consumer;
struct consumer_person;
struct stream_want;
struct train_ops;

/* ---- what the owner of the queues is asked and told ---- */

/* Why a message died, as x-death says it. */
enum death { DEATH_REJECTED, DEATH_EXPIRED, DEATH_MAXLEN, DEATH_DELIVERY_LIMIT };

struct queues_calls {
    void *owner;
    /* Where a dead message of `q` goes, published to m->exchange (the dead letter exchange) with
     * all its keys, or one that is due, which is as it was published: fills `targets` with at most
     * `max` queues of any partition, rising by id, and returns how many. Changes nothing. */
    size_t (*route_dead)(void *owner, struct queue *q, const struct message *m,
                         struct queue **targets, size_t max);
    /* The message that it was asked about last has gone there. May be NULL. */
    void (*on_moved)(void *owner, struct queue *q, const struct message *m, uint64_t ttl_ms);
    /* The queue's x-expires has passed, or its last consumer is gone and it is auto-delete. The
     * owner deletes it, now or later. Called from the loop. */
    void (*on_unused)(void *owner, struct queue *q);
    /* Readiness for publishers changed; see queues_are_pressed(). */
    void (*on_pressure)(void *owner, bool is_pressed);
    /* A consumer goes, whatever the cause but the end of all; only to be noted. May be NULL. */
    void (*on_consumer_gone)(void *owner, const struct consumer *c);
};

/* ---- the queues of a partition ---- */

/* Prepares the queues of a partition that is not open yet. `scratch_dir` as for store_new(). The
 * options are borrowed for its life; all but those of the store may change. */
struct queues *queues_new(struct io *io, const char *scratch_dir,
                          const struct queues_options *options, const struct queues_calls *calls);

/* Fills in the fold to open the partition with (cluster/partition.h). Before its records come,
 * every queue must have been created that still exists; records of others are passed over. */
void queues_fold(struct queues *qs, struct fold *out);

/* The partition is open: queues may be used. */
void queues_start(struct queues *qs, struct partition *p);

/* Ends all deliveries (they are ready again), writes what is settled, stops timers. Consumers must
 * be cancelled before. The partition is closed next, then the queues are freed. */
void queues_stop(struct queues *qs);
void queues_free(struct queues *qs);

struct partition *queues_partition(struct queues *qs);
/* Where its messages lie: for uploads, and for bodies in parts. */
struct store *queues_store(struct queues *qs);
bool queues_are_pressed(const struct queues *qs);

/* ---- a queue ---- */

struct queue_spec {
    uint64_t id; /* never used twice; also the destination of its lane in the log */
    struct bytes name;
    struct bytes vhost; /* its name, for texts */
    bool is_durable;
    bool is_auto_delete;
    bool is_delayed; /* what comes waits until it is due, then calls->route_dead says where to */
    /* Not 0: a cache of the keys of so many messages (msg/dedup.h); none of them stays. */
    uint64_t cache_max;
    uint64_t cache_ttl_ms;
    struct table arguments; /* checked by queue_args_read() */
    void *owner;            /* the owner's own, see queue_owner() */
};

/* Makes a queue; spec and arguments are copied. */
struct queue *queue_new(struct queues *qs, const struct queue_spec *spec);

/* Ends the queue: consumers hear of it by cancelled() inside the call, deliveries in flight are
 * detached (settling them has no effect), messages are gone. */
void queue_delete(struct queue *q);

/* What policies say where arguments say nothing (or less): replaces those in effect. */
void queue_set_args(struct queue *q, const struct queue_args *effective);

/* The declaration was repeated or the queue looked at: x-expires starts anew. */
void queue_touch(struct queue *q);

uint64_t queue_purge(struct queue *q); /* of all that is ready, no dead letters; how many */

/* Whether it is a cache that has the key of a message with these properties. */
bool queue_is_cache(const struct queue *q);
bool queue_knows(const struct queue *q, const struct props *props);

uint64_t queue_id(const struct queue *q);
struct bytes queue_name(const struct queue *q);
void *queue_owner(const struct queue *q);
struct queues *queue_home(const struct queue *q);
const struct queue_args *queue_args(const struct queue *q); /* in effect */
struct table queue_arguments(const struct queue *q);        /* as declared */
bool queue_is_durable(const struct queue *q);
bool queue_is_auto_delete(const struct queue *q);

uint64_t queue_ready_count(const struct queue *q); /* of a stream: how many offsets it has */
uint64_t queue_unacked_count(const struct queue *q);
uint64_t queue_consumer_count(const struct queue *q);
bool queue_has_exclusive_consumer(const struct queue *q);

/* A walk over all queues of the partition, by id; starts and ends with NULL. */
struct queue *queues_next(struct queues *qs, struct queue *q);

/* ---- publish ---- */

struct queues_publish {
    const struct message *message;
    uint64_t expiration_ms;       /* of the message; QUEUE_NO_LIMIT: none */
    struct queue *const *targets; /* of this partition, rising by id, each once; at least one */
    size_t target_count;
    uint64_t shares_first;       /* where the parts begin that are its body; or 0 */
    struct store_upload *upload; /* has the body, see store/store.h; NULL: the message has it */
    struct once once;            /* queues that have it do not get it again; no data: not asked */
    bool is_moved;               /* it comes from another queue, with what it was published with */
    bool may_go_straight;        /* consumers may be called at once (queue/straight.c) */
};

struct queues_published {
    bool is_in_log; /* then: confirmed when the partition has committed beyond `position` */
    uint64_t position;
    uint32_t rejected; /* targets that were full and whose x-overflow says so */
    uint32_t known;    /* targets that had it: with these it is safe as above */
    bool may_be_train; /* those behind it that look the same: queues_publish_train() */
};
/* Hands a message to queues: stored once, in all of them or (with an error) in none.
 * Errors: ERR_FULL (nothing has happened; try again when the pressure is over), ERR_FAILED. */
MUST_USE int queues_publish(struct queues *qs, const struct queues_publish *p,
                            struct queues_published *out);

/* ---- transactions ---- */

/* The publishes and acks up to queues_end_group() are one batch of the log: all or nothing. `size`
 * is the sum of queues_publish_size() and QUEUES_SETTLE_SIZE for each ack. Errors: ERR_FULL,
 * ERR_RANGE (larger than a batch can be), ERR_FAILED. */
enum { QUEUES_SETTLE_SIZE = 32 };
size_t queues_publish_size(const struct queues_publish *p);
MUST_USE int queues_begin_group(struct queues *qs, size_t size);
/* Writes the acks of the group. *position: when committed beyond it, all of it is. */
void queues_end_group(struct queues *qs, uint64_t *position);

/* ---- consume ---- */

/* A limit that consumers share: the prefetch of a channel (basic.qos global). Lies in its owner's
 * struct. */
struct credit {
    uint32_t limit; /* 0: none */
    uint32_t used;
    uint64_t served;       /* how many messages its consumers got */
    struct list consumers; /* that wait, those in front who were served longest ago */
};
void credit_init(struct credit *c, uint32_t limit);
/* A new limit; consumers that may go on do so at the end of the turn. */
void credit_set_limit(struct credit *c, uint32_t limit);

/* Who holds deliveries (a channel). overdue(): one that has no consumer (any more) was held for
 * longer than the timeout; he must give it back, but not inside the call. */
struct holder {
    void (*overdue)(struct holder *h, uint64_t timeout_ms);
};

/* A message in the hands of a consumer (or of a getter). Borrowed by whoever gets it, until he
 * settles it: queue_ack(), queue_reject(), queue_requeue(). */
struct delivery {
    struct holder *holder;     /* set by him who gets it; NULL: he has all the time there is */
    uint64_t tag;              /* free for his use */
    struct consumer *consumer; /* NULL: by basic.get, or the consumer is cancelled */
    struct queue *queue;       /* NULL: the queue is gone */
    bool is_redelivered;
    bool has_count;          /* of a queue that counts: x-delivery-count and x-acquired-count */
    uint32_t delivery_count; /* earlier deliveries that count against the limit */
    uint32_t acquired_count; /* all earlier deliveries */
    bool has_offset;         /* of a stream: x-stream-offset */
    uint64_t offset;
    /* more, private to the room, follows; see inflight.h */
};

/* CANCEL_DENIED: he may not read the queue any more. */
enum cancel_reason { CANCEL_QUEUE_DELETED, CANCEL_TIMED_OUT, CANCEL_QUEUE_FAILED, CANCEL_DENIED };

/* What a consumer does. Called from the loop, cancelled() also inside queue_delete() and
 * consumer_expel(). He may settle and publish, not add, cancel or delete consumers and queues.
 * deliver() also comes inside queues_publish() when it may go straight; then he may not publish. */
struct consumer_ops {
    /* A message for him. Without acks `d` is his only for the call. The view is borrowed; what he
     * needs longer he pins (store_pin_ref()). False: he cannot take it now; it stays ready, and he
     * gets nothing until consumer_resume(). */
    bool (*deliver)(void *owner, struct consumer *c, struct delivery *d, const struct stored *m,
                    struct store_pin pin);
    /* The broker ended the consumer; it is freed after this call. */
    void (*cancelled)(void *owner, struct consumer *c, enum cancel_reason reason);
    /* He holds a delivery for longer than the timeout. He must end the channel or the consumer. */
    void (*timed_out)(void *owner, struct consumer *c, uint64_t timeout_ms);
    /* Who he is (queue/look.h). May be NULL: nobody that has a name. */
    void (*describe)(void *owner, struct consumer_person *out);
    const struct train_ops *trains; /* queue/train.h; NULL: he gets each message by itself */
};

struct consumer_spec {
    const struct consumer_ops *ops;
    void *owner;
    void *visitor; /* whom it is for, see consumer_visitor(); may be NULL */
    bool is_no_ack;
    bool is_exclusive;
    int64_t priority;
    uint32_t prefetch;     /* 0: no limit of its own */
    struct credit *shared; /* borrowed; may be NULL */
    uint64_t timeout_ms;   /* x-consumer-timeout; QUEUE_NO_LIMIT: the queue's or the broker's */
    const struct stream_want *stream; /* of a stream; NULL: all that comes */
    bool is_inside;                   /* of a stream: he also sees what is not committed */
    struct bytes group; /* of a stream: his (queue/group.h); `stream` says where a new one begins */
};

/* Adds a consumer; deliveries come from the end of the turn on. Errors: ERR_BUSY: exclusive use by
 * it or by another is not possible; ERR_FULL: there are too many groups. */
MUST_USE int queue_consume(struct queue *q, const struct consumer_spec *spec,
                           struct consumer **out);

/* Ends the consumer; its deliveries stay with the holder. No call comes after this. */
void consumer_cancel(struct consumer *c);
/* The same by the broker: he hears of it by cancelled() inside the call. */
void consumer_expel(struct consumer *c, enum cancel_reason reason);
/* Calls deliver() for what he would get at the end of the turn. */
void consumer_serve(struct consumer *c);
void consumer_resume(struct consumer *c); /* he can take some again, after a false of deliver() */
struct queue *consumer_queue(const struct consumer *c);
/* False for one that waits behind the single active one, or has no partition in his group. */
bool consumer_is_active(const struct consumer *c);
void *consumer_owner(const struct consumer *c);
void *consumer_visitor(const struct consumer *c);

/* ---- get ---- */

/* basic.get. Lies in its owner's struct. */
struct queue_get {
    struct list_link link;
    bool is_no_ack;
    struct bookmark *bookmark; /* the room's own, of a stream (queue_get_at()) */
    /* The first ready message, as in deliver(); NULL: the queue is empty, or gone. Called from the
     * loop, or inside queue_delete(). `ready` is how many are left. */
    void (*got)(struct queue_get *g, struct delivery *d, const struct stored *m,
                struct store_pin pin, uint64_t ready);
};
void queue_get(struct queue *q, struct queue_get *g);
void queue_get_cancel(struct queue_get *g); /* allowed when it was answered */

/* ---- settle ---- */

/* Each ends the delivery; the struct is no longer the caller's. */
void queue_ack(struct delivery *d);
void queue_reject(struct delivery *d); /* dead-lettered, or dropped */
/* Ready again, at its old place. `is_failure`: counts against the delivery limit (a reject, a lost
 * connection, a closed channel; not a nack). */
void queue_requeue(struct delivery *d, bool is_failure);

void queue_check(struct queue *q);
#endif
