/* A partition: one log, those who fold its records into state, and (once there are several nodes)
 * its replicas. It is the unit of order, of group commit and of leadership.
 *
 *     partition_append --> log --> synced (here, and on every replica in sync)
 *                                     |
 *                          committed(position): everything below is safe; confirm now
 *
 * A FOLD is somebody who understands some kinds of records: the definitions (broker), the queues
 * (queue). At the start each fold gets its part of the newest checkpoint, then every record of its
 * kinds behind it, in order. While the partition runs a fold changes its state when it appends, not
 * when the record is committed; whoever tells the outside waits for the commit.
 *
 * The partition makes the checkpoints: now and then it asks every fold for its state, waits until
 * all that is in it is committed, and keeps it.
 *
 * Invariants:
 *   P1  positions rise in the order of appends and are never used twice;
 *   P2  a watcher hears of committed positions in rising order, from the loop, never inside a call;
 *   P3  a fold sees the same records in the same order on every start and on every replica;
 *   P4  after a failure (ERR_FAILED) nothing more is accepted and nothing more is committed.
 *
 * Owner: one shard. Callers never assume that local is enough: they wait for the commit. */
#ifndef CLUSTER_PARTITION_H
#define CLUSTER_PARTITION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "base/list.h"
#include "base/setting.h"
#include "log/log.h"

struct io;
struct partition;

struct partition_options {
    uint64_t checkpoint_bytes;       /* appended since the last one; then another is made */
    uint64_t checkpoint_interval_ms; /* at least so often while anything was appended; 0: never */
    uint64_t checkpoint_max_bytes;   /* of the state of all folds together */
};

/* "millrace.partition.<name>". */
extern const struct setting partition_settings[];

enum { PARTITION_FOLDS_MAX = 4, PARTITION_KINDS_MAX = 256 };

/* A record of the partition's own, without a body: it lets a log that stands still have one more
 * checkpoint, which gives space back. */
enum { PARTITION_RECORD_MARK = 0 };

/* Somebody who folds records of kinds in [kind_first, kind_last] into state. All calls but
 * on_committed of a watcher come while opening, or where the text says so. */
struct fold {
    void *owner;
    uint8_t id; /* of its part in a checkpoint; never reused for another meaning */
    uint8_t kind_first;
    uint8_t kind_last;

    /* Its part of the newest good checkpoint; not called when there is none. Non-zero stops the
     * opening with that error. The note is for a person. */
    int (*restore)(void *owner, struct bytes state, struct err_note *note);
    /* Every checkpoint was lost: a record that the sorter kept, in lane `destination`, before
     * replay. Records come lane by lane, not in the order of appends. */
    int (*survivor)(void *owner, uint64_t destination, const struct record *r);
    /* A record of the hot log behind the checkpoint, in order. */
    int (*replay)(void *owner, const struct record *r);
    /* Opening is over: what is known now is all there is. `is_clean` is true when the last
     * checkpoint was taken by partition_close() and nothing was appended after it. May append. */
    int (*opened)(void *owner, bool is_clean, struct err_note *note);
    /* Writes its state, which contains every record appended so far, behind what the buffer
     * holds. Called from the loop; must not append. `is_last` at partition_close(). */
    void (*save)(void *owner, bool is_last, struct buf *out);
    /* Says where a record of its kinds is still needed; see log_owner in log/log.h. Called from
     * the loop by the sorter, long after the append. */
    void (*classify)(void *owner, uint64_t lane, const struct record *r, struct log_sorting *s);
    /* Records of the hot log below `position` are now where classify() said. NULL is allowed. */
    void (*sorted)(void *owner, uint64_t position);
    /* Whether a record with a key says that there is nothing under it; see log_owner. NULL: none of
     * its kinds does. */
    bool (*is_tombstone)(void *owner, const struct record *r);
};

/* Hears of commits, failure and pressure. Lies in its owner's struct. */
struct partition_watcher {
    struct list_link link;
    /* Every record below `position` is committed. NULL is allowed, as for the others. */
    void (*committed)(struct partition_watcher *w, uint64_t position);
    void (*failed)(struct partition_watcher *w, int err);
    void (*pressure)(struct partition_watcher *w, bool is_pressed);
};

/* ---- open ---- */

struct partition_open {
    struct io *io;
    unsigned number;
    const char *dir;
    const struct partition_options *options;
    const struct log_options *log;
    const struct fold *folds; /* copied; their owners outlive the partition */
    size_t fold_count;
};
/* Opens the partition: recovers its log, restores and replays the folds in their order. Blocks.
 * *out is set before the folds hear that it is open; it is NULL again after an error. Errors as
 * log_open(), what a fold returned, and ERR_VERSION for records or states of a fold that is not
 * there. */
MUST_USE int partition_open(const struct partition_open *o, struct partition **out,
                            struct err_note *note);

/* Makes a last checkpoint, marked clean, commits what was appended, closes the log, frees the
 * partition and then calls `closed` from the loop. Nothing may be appended any more; watchers must
 * not watch any more, or hear nothing. */
void partition_close(struct partition *p, void (*closed)(void *owner), void *owner);

/* Frees it as a crash would leave it; no job may be in flight: the world has ended. */
void partition_abandon(struct partition *p);

/* ---- use ---- */

/* As log_append() and log_begin_group(). Between two appends nothing else is appended unless the
 * caller lets it. */
MUST_USE int partition_append(struct partition *p, const struct log_entry *e, uint64_t *position,
                              uint8_t **body);
MUST_USE int partition_begin_group(struct partition *p, size_t bytes, bool may_use_reserve);

void partition_watch(struct partition *p, struct partition_watcher *w);
/* Allowed for a watcher that does not watch. */
void partition_unwatch(struct partition_watcher *w);

/* Makes a checkpoint soon, whatever the options say. */
void partition_checkpoint(struct partition *p);

/* ---- look ---- */

/* The log, to read and release records; who appends comes through here. */
struct log *partition_log(struct partition *p);
struct io *partition_io(struct partition *p);
unsigned partition_number(const struct partition *p);
/* Position of the next append, and the position below which everything is committed. */
uint64_t partition_next(const struct partition *p);
uint64_t partition_committed(const struct partition *p);
/* 0, or the error that closed it. */
int partition_failed(const struct partition *p);
/* Publishers should be held back. */
bool partition_is_pressed(const struct partition *p);

void partition_check(const struct partition *p);

#endif
