/* Where the messages of one partition lie: persistent ones in its log, all others in memory.
 *
 *     store_put --persistent--> PUBLISH record in the log      place: its position
 *               --other-------> a slab of memory               place: with STORE_TRANSIENT set
 *                                  '- under memory pressure --> scratch file, never synced
 *
 * A message is stored once, whatever the number of queues it goes to; each of them owns a reference
 * and gives it back when it is done with the message. A stored message has the shape of the wire:
 * properties and body as they came.
 *
 * A body above STORE_PART_BYTES lies in PARTS of its own (PART records, or slabs), so that no
 * record is large and a reader needs only one of them at a time. Parts are counted as a whole: the
 * messages that point at them share them (a dead-lettered message does not copy its body). They can
 * be stored before the message they belong to, as they come (store_upload_open()), and must be when
 * the body is larger than what the log takes at once.
 *
 * A STREAM is a target that never settles. It owns no reference: a record for streams stays in the
 * hot log until the sorter moves it, and from then on it lies in the lane of each of them, under
 * its seq, whatever becomes of it elsewhere. Parts alone must be kept by each stream
 * as long as it has the message.
 *
 * Reading: store_peek() gives what is in memory, at once; a store_reader gets the rest from the
 * disk, wherever the sorter has put it (hot log, shared lane, the queue's own lane).
 *
 * Invariants:
 *   T1  a place that somebody has a reference to stays readable;
 *   T2  pinned bytes stay where they are until the pin is given back;
 *   T3  the last reference gone, a log record is released, a slab without references recycled.
 *
 * Owner: one shard. Callbacks come from the loop. */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "msg/msg.h"

struct io;
struct ledger_entry;
struct log_sorting;
struct partition;
struct record;
struct store;
struct store_reader;
struct store_upload;

#define STORE_TRANSIENT (UINT64_C(1) << 63) /* set in places in memory */
/* The place of a survivor in its queue's own lane: its position is lost, its seq is not. */
#define STORE_IN_LANE  (STORE_TRANSIENT - 1)
#define STORE_NO_PARTS UINT64_MAX

enum {
    STORE_PART_BYTES = 1 << 20, /* the largest body in one piece, and the largest part */
    STORE_TARGETS_MAX = 1 << 16 /* queues that one record can name */
};

struct store_options {
    uint64_t transient_bytes_max; /* memory for transient messages; beyond, slabs are spilled */
    uint64_t spill_bytes_max;     /* of the scratch file; beyond, store_put() answers ERR_FULL */
};
/* "millrace.queue.<name>"; queue_settings has them too. */

/* Durable queues that a persistent message goes to: written into the record. */
struct store_target {
    uint64_t queue;
    uint64_t seq;
};

struct store_put {
    const struct message *message;
    bool is_persistent;                 /* in the log; else in memory */
    const struct store_target *targets; /* rising by queue; only for persistent ones */
    size_t target_count;
    size_t stream_count;         /* of these, the streams: they own no reference */
    uint64_t *part_first;        /* for streams: where the parts begin that each of them has kept by
                                    this; STORE_NO_PARTS: none. NULL without streams */
    struct bytes key;            /* of the record, for streams that are compacted */
    uint32_t references;         /* queues that will hold it, durable or not; at least 1, or 0 when
                                    there are only streams */
    uint64_t shares_parts;       /* a place whose parts are the body of this one too; 0: none */
    uint64_t shares_first;       /* the same, by where parts in the log begin; 0: none */
    bool is_moved;               /* it was in another queue before, and is not published anew */
    struct store_upload *upload; /* holds the whole body, which `message` then need not have; NULL:
                                    none. Borrowed: the caller closes it afterwards */
};

/* A view of a stored message. `message.body` is borrowed from the view: it has one piece, or none
 * when the body lies in parts. Properties are not decoded: props_decode() gives struct props. */
struct stored {
    struct bytes exchange;
    struct bytes routing_key;
    struct bytes props; /* flags and values, as they came */
    struct bytes slip;  /* msg/slip.h */
    struct bytes body;  /* whole, when it lies in one piece */
    uint64_t body_size;
    uint64_t parts;      /* 0: in one piece; else how many */
    uint64_t part_first; /* in the log: where the first of them is */
    bool is_moved;       /* of a record: as in struct store_put */
    int64_t time_ms;     /* when it was stored */
    uint64_t place;
};

/* A ROW is messages that differ in nothing but their bodies, which lie in one piece. */

/* Stores a row of messages that are as put->message but for their bodies: from the front, as many
 * as there is memory for. Of each entry the place and the size are set. Returns how many; none: put
 * the first by itself, which says why. */
size_t store_put_row(struct store *s, const struct store_put *put, const struct bytes *bodies,
                     size_t count, struct ledger_entry *entries);
/* The same in the log, for the one target of put->targets, a queue or a stream, whose seqs rise
 * from there. */
size_t store_log_row(struct store *s, const struct store_put *put, const struct bytes *bodies,
                     size_t count, struct ledger_entry *entries);
/* How many of them, from the front, are a row in memory; none: peek at the first by itself. `*head`
 * is what they have in common, without a body. All is borrowed until the store is called again. */
size_t store_peek_row(const struct store *s, const struct ledger_entry *entries, size_t count,
                      struct stored *head, struct bytes *bodies);
/* One reference less to each, of whatever queue. */
void store_unref_row(struct store *s, const struct ledger_entry *entries, size_t count);

/* Keeps the bytes of a view where they are. A plain value; NULL inside: nothing is pinned. */
struct store_pin {
    void *block; /* of the log */
    void *slab;
};

/* `dir` is where the scratch file "transient.spill" goes, a directory of this partition alone;
 * it is made when first needed and removed at the start (this blocks for a moment). The
 * partition comes with store_replayed(): before, only the functions for replay may be called. */
struct store *store_new(struct io *io, const char *dir, const struct store_options *options);
/* No pin, reader or upload may be left; a job in flight ends by itself. */
void store_free(struct store *s);

/* Stores the message. Errors: ERR_FULL (held back: nothing was stored; try again when the partition
 * or the store has no pressure any more; a body of many parts needs an upload), ERR_RANGE (larger
 * than a record can be), ERR_FAILED. */
MUST_USE int store_put(struct store *s, const struct store_put *put, uint64_t *place);

/* A body on its way into parts before its message is there: in the log when the message will say
 * that it is persistent (message_is_persistent()), even if only queues get it that are not durable;
 * else in memory. */
struct store_upload *store_upload_open(struct store *s, bool is_persistent);
/* Adds bytes at the end; *taken says how many were. Errors: ERR_FULL: go on behind those when there
 * is no pressure any more; ERR_FAILED. */
MUST_USE int store_upload_add(struct store_upload *u, struct bytes bytes, size_t *taken);
/* Parts that no message has taken over are forgotten. NULL is allowed. */
void store_upload_close(struct store_upload *u);

/* What the record of such a message takes of a group (partition_begin_group()). A body above
 * STORE_PART_BYTES must be uploaded before the group begins: its parts are no part of it. */
size_t store_put_size(const struct store_put *put);

/* One more reference to a place in memory. */
void store_ref(struct store *s, uint64_t place);
/* One reference less, of a queue that is not durable or of somebody else. */
void store_unref(struct store *s, uint64_t place);
/* The same, of a durable queue for which it was a target under that seq: it may lie in the queue's
 * own lane. Also for places in memory. */
void store_settle(struct store *s, uint64_t place, uint64_t queue, uint64_t seq);

/* A stream has a message in parts no more. `first` is where the parts begin. */
void store_parts_give(struct store *s, uint64_t first);
/* Whether the parts of an upload lie in the log, as those of a message for streams must. */
bool store_upload_is_in_log(const struct store_upload *u);
/* The same of the parts of a message that is stored. */
bool store_parts_are_in_log(const struct store *s, uint64_t place);

/* The message at a place that is referenced, if it is in memory. The caller gives the pin back.
 * Errors: ERR_AGAIN: use a reader. ERR_CORRUPT: it was damaged on the disk. ERR_FAILED: the log has
 * failed before it was durable. */
MUST_USE int store_peek(struct store *s, uint64_t place, struct stored *out, struct store_pin *pin);
struct store_pin store_pin_ref(struct store_pin pin);
void store_pin_release(struct store_pin pin);

/* Reads messages of one queue in rising order of seq, ahead of need; other orders work and cost a
 * seek. `queue` names its own lane. `ready` is called from the loop after an ERR_AGAIN. */
typedef void store_ready_fn(void *owner);
struct store_reader *store_reader_open(struct store *s, uint64_t queue, store_ready_fn *ready,
                                       void *owner);
/* NULL is allowed; no callback comes after this. */
void store_reader_close(struct store_reader *r);
/* As store_peek(), and ERR_AGAIN means that `ready` will come. ERR_CORRUPT: it cannot be read.
 * ERR_TRIMMED: the log let go of it, whole and sound: it was settled. What was asked for before
 * and not got is forgotten. */
MUST_USE int store_read(struct store_reader *r, uint64_t seq, uint64_t place, struct stored *out,
                        struct store_pin *pin);

/* The message of the queue's own lane with the lowest seq at or above `seq`, which *found gets: for
 * streams. Errors: ERR_AGAIN; ERR_NOT_FOUND: there is none in the lane; ERR_CORRUPT: some that were
 * there cannot be read; the next call goes on behind them. */
MUST_USE int store_read_lane(struct store_reader *r, uint64_t seq, uint64_t *found,
                             struct stored *out, struct store_pin *pin);

/* The lowest seq in the lane of a message that is not older. Errors: ERR_AGAIN; ERR_NOT_FOUND: all
 * of them are. Nothing else is read between its calls. */
MUST_USE int store_find_time(struct store_reader *r, int64_t time_ms, uint64_t *seq);

/* Reads the body of a message in parts, from the front. It holds a reference to the parts. */
struct store_body;
struct store_body *store_body_open(struct store *s, const struct stored *m, store_ready_fn *ready,
                                   void *owner);
void store_body_close(struct store_body *b);
/* The next piece. Errors: ERR_AGAIN, ERR_NOT_FOUND behind the last one, ERR_CORRUPT. */
MUST_USE int store_body_next(struct store_body *b, struct bytes *piece, struct store_pin *pin);

/* Too much is in memory or in the scratch file: publishers should be held back. */
bool store_is_pressed(const struct store *s);
/* Who is told, from the loop, when that has changed. */
void store_set_pressure(struct store *s, void (*fn)(void *owner, bool is_pressed), void *owner);

/* ---- for the fold of the queues ---- */

/* A PUBLISH record, decoded. */
struct store_record {
    struct stored stored;
    struct reader parts;   /* positions of the parts; nothing when it has none */
    struct reader targets; /* store_target_next() */
    size_t target_count;
};
MUST_USE int store_record_decode(const struct record *r, struct store_record *out);
/* The next target; false at the end. *out starts as zeros and is left alone between the calls. */
MUST_USE bool store_target_next(struct reader *targets, struct store_target *out);

/* While replaying: the PUBLISH record has so many references of durable queues, at least one.
 * Called once for a place. Settles that follow only count. PART records need nothing. */
void store_replay_message(struct store *s, const struct store_record *r, uint32_t references);
/* The same, of a survivor in the shared lane. One in a queue's own lane has only that queue, its
 * number is the seq, and its place STORE_IN_LANE; nothing is called for it. Survivors come lane by
 * lane: a queue must sort its own by seq. */
void store_survivor(struct store *s, const struct store_record *r, uint32_t references);
/* For a stream: keeps the parts of the record's message, in a replay or of a survivor. Returns
 * where they begin, or STORE_NO_PARTS. */
uint64_t store_replay_parts(struct store *s, const struct store_record *r);
/* The same out of a checkpoint: writes where the parts are, and finds them again. The reader fails
 * when the bytes are not what was written. */
void store_save_parts(struct store *s, uint64_t first, struct buf *out);
uint64_t store_restore_parts(struct store *s, struct reader *r);
/* Keeps what the records do not say: references of durable queues to places with several, and
 * where parts are. */
void store_save(struct store *s, struct buf *out);
/* Fills a new store, before any replay. The reader fails when the bytes are not what store_save()
 * wrote. */
void store_restore(struct store *s, struct reader *r);
/* Replay is over and the partition open. Before this nothing is released. */
void store_replayed(struct store *s, struct partition *p);

/* For classify(), about records of the hot log and the shared lane. A PUBLISH or PART record is
 * needed when somebody has a reference that is counted here; log_keep() it. Of a PUBLISH record
 * that this denies the ledgers of its targets know: live, and with that place. */
bool store_is_needed(struct store *s, const struct record *r);
/* Whether a position is of the hot log: its record is to be moved to the lanes of its streams. */
bool store_is_hot(const struct store *s, uint64_t position);
/* When one queue alone needs it then: keeps it, and moves it into the queue's own lane when that
 * is deep. Once a queue has a lane it goes on with it until the lane is empty. Records of own
 * lanes are kept while their seq is live; the queue trims its lane below its low mark
 * (log_trim()) and drops it in the end (log_drop()). */
void store_keep(struct store *s, const struct record *r, struct log_sorting *sorting,
                const struct store_target *alone, bool is_deep);
/* What fold.sorted says. */
void store_sorted(struct store *s);

struct store_stats {
    uint64_t transient_messages;
    uint64_t transient_bytes; /* in memory */
    uint64_t spilled_bytes;
    uint64_t shared_messages; /* in the log, with more than one reference */
};
void store_get_stats(const struct store *s, struct store_stats *out);
void store_check(const struct store *s);

#endif
