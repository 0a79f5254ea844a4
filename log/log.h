/* A log: one partition's records, in the order of their appends, kept until nobody needs
 * them.
 *
 *     log_append --> batch --> written and synced --> on_durable(position)        the hot log
 *                                                        |
 *     log_checkpoint(position): the owner's state up to there is safe
 *                                                        |
 *     the sorter asks classify() about each old record:  drop, keep, or keep for a destination
 *                                                        v
 *                                       cold logs: lane 0 for all, a lane for each destination
 *
 * The log knows no messages and no queues. Its owner gives records a kind and a body, folds
 * them into a state, and says what is still needed. A record has a POSITION in the hot log,
 * and in a cold lane the NUMBER the owner gave it (lane 0: its position).
 *
 * Promises:
 *   L1  on_durable(p) was called => every record below p survives a power cut; with
 *       options.sync_interval_ms it survives the end of the process, and the power cut that comes
 *       later than that.
 *   L2  records come back as they were appended, byte for byte, or as an error; never
 *       altered.
 *   L3  records of one group, and all of one batch, survive together or not at all.
 *   L4  after a failed write or sync nothing more is accepted (ERR_FAILED) until the log is
 *       opened anew.
 *   L5  a damaged file is never cut, overwritten or deleted; what can be read of it is
 *       served.
 *
 * Owner: one shard. All callbacks come from its loop. */
#ifndef LOG_LOG_H
#define LOG_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/check.h"
#include "base/err.h"
#include "log/log_settings.h"
#include "log/record.h"

struct disk;
struct io;
struct log;
struct log_metrics;
struct log_sorting;

enum { LOG_SHARED = 0 /* the lane for records without a destination of their own */ };

/* What the log asks of its owner. All but on_durable and classify may be NULL. */
struct log_owner {
    void *owner;

    /* While opening: the newest good checkpoint. Non-zero stops the opening with that error. */
    int (*restore)(void *owner, uint64_t position, struct bytes state);
    /* While opening, only when every checkpoint was lost: each record of the cold lanes,
     * before replay. */
    int (*survivor)(void *owner, uint64_t destination, const struct record *r);
    /* While opening: each record at or above the checkpoint, in order. */
    int (*replay)(void *owner, const struct record *r);

    /* Every record below `position` is durable (L1). Confirm now. Called too, with the same
     * position, when log_durable() has come nearer to it. */
    void (*on_durable)(void *owner, uint64_t position);
    /* The log has failed and takes nothing more. */
    void (*on_failed)(void *owner, int err);
    /* Pressure has begun or ended; see log_is_pressed(). */
    void (*on_pressure)(void *owner, bool is_pressed);

    /* Says through log_keep() and log_move() where the record is still needed; says nothing: it is
     * dropped. `lane` is where it is now, LOG_SHARED too for the hot log. */
    void (*classify)(void *owner, uint64_t lane, const struct record *r, struct log_sorting *s);
    /* Records of the hot log below `position` are now where classify() said. */
    void (*on_sorted)(void *owner, uint64_t position);
    /* For log_compact(): whether a record, the newest of its key, says that there is nothing under
     * the key. NULL: one with an empty body does. */
    bool (*is_tombstone)(void *owner, const struct record *r);
};

/* Opens the log in directory `dir`, which must exist, making a new one when it is empty;
 * recovers after a crash; blocks. The owner struct is copied. Errors, with a note that names
 * file and place: ERR_CORRUPT (nothing was changed), ERR_VERSION, ERR_NO_SPACE, ERR_IO,
 * ERR_DENIED, and what the owner returned. */
MUST_USE int log_open(struct io *io, const char *dir, const struct log_options *options,
                      const struct log_owner *owner, struct log **out, struct err_note *note);

/* Commits what was appended, lets what is in flight end, writes the watermark, frees the
 * log, and then calls `closed` from the loop. */
void log_close(struct log *l, void (*closed)(void *owner), void *owner);

/* Frees the log at once, as a crash would leave it. No job may be in flight: the world has
 * ended. */
void log_abandon(struct log *l);

/* What an append is about. */
struct log_entry {
    uint8_t kind;
    bool may_use_reserve; /* it frees space (acks, deletions): a full disk does not stop it */
    bool is_transitory;   /* not needed by anybody once a checkpoint covers it */
    bool is_for_lane;     /* releases do not end it in the hot log: it leaves that only by being
                             sorted, when the owner has said into which lanes it goes */
    struct bytes key;
    size_t body_size;
};

/* Appends a record. *position is its place in the log; the caller writes the body to *body
 * before it appends again or returns to the loop. Durable when on_durable() says more than
 * *position. Errors: ERR_FULL (held back: nothing was appended, try after
 * on_pressure(false)), ERR_RANGE (body too large), ERR_FAILED. */
MUST_USE int log_append(struct log *l, const struct log_entry *e, uint64_t *position,
                        uint8_t **body);

/* The next appends of this callback, up to `bytes` by log_record_size(), will survive
 * together (L3). */
MUST_USE int log_begin_group(struct log *l, size_t bytes, bool may_use_reserve);

/* What a record takes of a group. */
size_t log_record_size(size_t key_size, size_t body_size);

/* The largest body that can be appended with a key of that size. */
size_t log_body_max(const struct log *l, size_t key_size);

/* A record that was not transitory is no longer needed. `lane` is LOG_SHARED for positions. */
void log_release(struct log *l, uint64_t lane, uint64_t number);

/* Keeps the owner's state: it contains every record below `position`, which must be durable.
 * The bytes are copied. One at a time: ERR_BUSY while the one before is being written.
 * Old segments go once two checkpoints of different positions cover them: an owner who wants
 * space back from a log that stands still appends something first. */
MUST_USE int log_checkpoint(struct log *l, uint64_t position, struct bytes state);
/* Position of the older of the two that are kept, below which records are sorted: a state from
 * there or later is what an opening begins with. 0: there are not two. */
uint64_t log_checkpointed(const struct log *l);

/* For classify(): keep the record in the shared lane under its position. */
void log_keep(struct log_sorting *s);
/* For classify(): keep the record in the lane of `destination` (not 0) under `number`, which
 * must be above all numbers of that lane. */
void log_move(struct log_sorting *s, uint64_t destination, uint64_t number);

/* Drops records of a lane below `number`, by whole files. */
void log_trim(struct log *l, uint64_t destination, uint64_t number);

/* What a lane may keep; 0 is no limit. */
struct log_retention {
    uint64_t max_age_ms;
    uint64_t max_bytes; /* of batches, without the headers of files */
};
/* Drops the oldest files of a lane that are beyond the limits; the newest file stays. */
void log_retain(struct log *l, uint64_t destination, const struct log_retention *r);

/* New files of a lane end before they are larger than that, but have one record; 0: as
 * options.cold_segment_bytes and the sorter's runs have it. Told anew after each opening. */
void log_limit_files(struct log *l, uint64_t destination, uint64_t max_bytes);

/* Drops the whole lane. */
void log_drop(struct log *l, uint64_t destination);

/* Writes the lane again without the records of which a newer one with the same key exists,
 * and without tombstones older than that. Records without a key stay. Runs in the background. */
void log_compact(struct log *l, uint64_t destination, uint64_t tombstone_age_ms);

/* Looks for sorter work now. It is also looked for after each checkpoint, roll and release. */
void log_sort(struct log *l);

/* The numbers a lane has: [*first, *end); false when it has none. */
MUST_USE bool log_lane(const struct log *l, uint64_t destination, uint64_t *first, uint64_t *end);

/* What the files of a lane take. */
uint64_t log_lane_bytes(const struct log *l, uint64_t destination);

/* First position still in the hot log; below, look in the lanes. */
uint64_t log_first(const struct log *l);
/* Positions below have left the hot log for good: not even a crash brings them back. At most
 * log_first(). */
uint64_t log_left(const struct log *l);
/* Syncs what is there now, however long options.sync_interval_ms would leave it. */
void log_sync(struct log *l);
/* Position of the next append. */
uint64_t log_next(const struct log *l);
/* Every position below is durable. */
uint64_t log_durable(const struct log *l);
/* The same, unless options.sync_interval_ms has told more: what on_durable() said last. */
uint64_t log_told(const struct log *l);
/* What a batch that was closed now would have as its time: the wall clock, but never back. */
int64_t log_time_ms(const struct log *l);

/* Publishers should be held back: much waits for the disk, the disk is nearly full, or the
 * sorter is far behind. */
bool log_is_pressed(const struct log *l);

/* Figures for metrics and for people. */
struct log_stats {
    uint64_t commits;
    uint64_t committed_bytes;
    uint64_t pending_bytes;
    uint64_t hot_segments;
    uint64_t hot_bytes;
    uint64_t cold_segments;
    uint64_t cold_bytes;
    uint64_t cache_bytes;
    uint64_t cache_hits;
    uint64_t cache_misses;
    uint64_t sorter_runs;
    uint64_t sorter_failures;
    uint64_t debt_bytes;
    uint64_t spare_segments;
    bool is_short_of_space;
    bool is_sorting;
    int failed; /* the error that closed it, or 0 */
};
void log_get_stats(const struct log *l, struct log_stats *out);

/* How commits were, since the opening: log/log_metrics.h. */
const struct log_metrics *log_get_metrics(const struct log *l);

/* Asserts the log's invariants; for tests. */
void log_check(const struct log *l);

#endif
