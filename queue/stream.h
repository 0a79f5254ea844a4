/* What is different about a queue that is a stream. Private to the room.
 *
 *     offset (what users see) = seq - 1
 *
 *     first                          end of its lane                      next
 *       v  its lane of the log, by seq     v  the hot log, by its ledger    v
 *       | files, oldest go by retention    | place of each message          | not committed yet
 *
 * Nothing is settled. The ledger has the messages that lie in the hot log; once the sorter has
 * moved them for good (log_left()) their entries go, so that memory does not grow with the stream.
 * What is not committed is not shown: an offset that somebody has seen stays what it is.
 *
 * A stream with partitions is a FRONT: it has no messages, only the queues of its partitions, which
 * are streams. Who reads it reads all of them, each by a bookmark (queue/bookmark.h).
 *
 *   S1  a message at or above `first` is in the lane, or in the ledger, or both; those below are
 * gone;
 *   S2  ledger entries rise in place as in seq;
 *   S3  a bookmark is in one of the lists of its state (bookmark.h).
 *
 * Owner: one shard. */
#ifndef QUEUE_STREAM_H
#define QUEUE_STREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "queue/bookmark.h"
#include "queue/queue.h"
#include "queue/stream_times.h"
#include "queue/streams.h"
#include "store/ledger.h"

struct log_sorting;
struct record;

/* A message whose body lies in parts: the stream keeps them. */
struct stream_bulky {
    uint64_t seq;
    uint64_t part_first;
};

struct stream_bulkies {
    struct stream_bulky *items; /* rising by seq; first in, first out */
    size_t first;
    size_t count;
    size_t capacity;
};

enum { STREAM_SAVED = 4 }; /* more checkpoints than are kept and on their way */

/* What is below `low` is gone for readers at once, but a crash brings back the `low` of a
 * checkpoint. So the sorter drops only what is below `sure`, which is in every checkpoint that may
 * be begun with: else a lane would have a hole behind what came back. Parts of large bodies are
 * kept for as long. */
struct stream_lows {
    uint64_t low; /* what is below is gone, wherever it may lie */
    uint64_t sure;
    struct stream_saved {
        uint64_t position; /* of a checkpoint */
        uint64_t low;
    } saved[STREAM_SAVED]; /* the oldest first */
    uint32_t saved_count;
};

struct stream {
    struct queue *queue;
    struct list_link
        fresh; /* queues->streams.fresh: somebody waits for what is not committed yet */
    struct stream_lows lows;
    struct list bookmarks;
    uint32_t inside_count; /* bookmarks whose consumers see what is not committed */
    struct list runnable;  /* bookmarks that may have something to read, in turn */
    struct list tail;      /* those that have read all that is committed */
    struct list claims;    /* of groups, its own and those of its front */
    struct list groups;    /* its own that are in use */
    bool has_all_groups;   /* those are all there are */
    struct stream_times times;
    struct stream_bulkies bulkies;
    struct queue **partitions; /* of a front */
    uint32_t partition_count;
    uint64_t compacted_to; /* a compaction was asked for when its lane ended there, */
    uint64_t compact_ns;   /* and is again then */
};

/* ---- stream.c ---- */

void stream_init(struct queue *q);
void stream_release(struct queue *q);
/* The partition is open: what is derived from the log is brought up to date. */
void stream_start(struct queue *q);
/* The arguments in effect have changed. */
void stream_apply_args(struct queue *q);
/* The lowest seq that is there, or the next one when none is. */
uint64_t stream_first(const struct queue *q);
uint64_t stream_count(const struct queue *q);
uint64_t stream_bytes(const struct queue *q);
/* A message was added to the ledger. part_first: STORE_NO_PARTS, or its parts, kept. */
void stream_arrived(struct queue *q, uint64_t seq, uint64_t part_first);
/* The partition has committed more: those at the tail go on. */
void streams_committed(struct queues *qs);
/* Ledger entries go that the log does not need any more. */
void stream_forget_sorted(struct queue *q);
/* The seq below which the sorter need not keep anything. */
uint64_t stream_sure(const struct queue *q);
/* `low` goes into a checkpoint of that position. */
void stream_note_saved(struct queue *q, uint64_t position);
/* Nothing below `seq` is there any more. */
void stream_drop_below(struct queue *q, uint64_t seq);
/* It is deleted: nothing of it is kept for anybody. */
void stream_end(struct queue *q);
void stream_check(struct queue *q);
/* The parts of the message (STORE_NO_PARTS: it has none) are the stream's. */
void stream_keep_parts(struct queue *q, uint64_t seq, uint64_t part_first);
/* The key of a message, for partitions and compaction. */
struct bytes stream_key(const struct message *m);

/* ---- stream_fold.c ---- */

void stream_save(struct queue *q, struct buf *out);
void stream_restore(struct queue *q, struct reader *r);
/* A record of the hot log, behind the checkpoint, has the message of that seq. */
void stream_replay(struct queue *q, uint64_t seq, const struct store_record *r);
/* One of its own lane, every checkpoint was lost. */
void stream_survivor(struct queue *q, uint64_t seq, const struct store_record *r);
/* A record of the hot log that is being sorted: it goes to the lane, unless it is gone. */
void stream_classify(struct queue *q, uint64_t seq, struct log_sorting *s);

/* ---- stream_keep.c ---- */

/* Drops what is too old and too much, and asks for compactions; for every stream. */
void streams_look(struct queues *qs);

#endif
