/* The hot log: the row of segments that takes appends, and the commits that make them
 * durable.
 *
 *     hot_append -> open batch in the open block -> sealed (header, CRC) -> written -> synced
 *                   \__ this turn's __/               \__ this turn's, or all that was sealed
 *                                                        while another commit was in flight __/
 *
 * One commit is in flight at a time: write and sync are one job, and the next one gathers
 * while it runs. A commit starts at the end of the turn that appended, or when the one
 * before has ended; a turn that appends much does not wait for its own end. What a turn appends
 * while a commit is in flight stands in line behind it: the worker that has synced the one goes on
 * with the other and does not wait for a turn of the loop. Until then every turn adds to it.
 * Where a sync takes long, nothing stands in line: those who are told of one commit get a moment
 * to come along with the next one.
 * Records are summed while they are still near the processor, so that a commit need not read them
 * all before it starts.
 *
 * Invariants:
 *   H1  durable <= next; every position below durable survives a power cut.
 *   H2  a batch's `durable` field is what was known to be durable when it was sealed, so only
 *       batches at or above the last good batch's `durable` can be in doubt after a crash. When it
 *       is sealed, all but the commit in flight and the one in line is known to be.
 *   H3  after a failed write or sync nothing more is written or called durable: the log is
 *       FAILED. What stands in line behind the failed commit finds that out before it touches the
 *       file. Where syncs come by interval, durable is further back, and told is what was written:
 *       durable <= written <= next.
 *   H4  the end of the row is the segment that takes appends; all before it are sealed.
 *
 * Owner: the shard of the log. */
#ifndef LOG_HOT_H
#define LOG_HOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "io/io.h"
#include "log/cache.h"
#include "log/log.h"
#include "log/log_metrics.h"
#include "log/spares.h"

/* Sealed bytes that wait to be written to a segment, or are being written. */
struct hot_write {
    struct segment *segment; /* pinned */
    struct block *block;     /* referenced; NULL when this is the footer that ends the segment */
    const uint8_t *bytes;    /* in the block, or the footer, which is owned */
    size_t size;
    uint64_t at;    /* in the file */
    uint64_t spare; /* the file that becomes this segment, when this is its first write; else 0 */
    uint64_t end;   /* position behind the bytes */
    uint32_t chain; /* CRC of the last batch in them */
};

struct hot_writes {
    struct hot_write *items;
    size_t count;
    size_t capacity;
};

/* A commit: handed to a worker, or in line behind the one that is. */
struct hot_flight {
    struct hot *hot;
    struct io_job job;
    struct hot_writes writes;
    uint64_t begun_ns;
    bool is_up;   /* submitted, and not landed yet */
    bool is_sync; /* it makes durable, not only written */
    int err;      /* the job's */
};

/* At most two: the one in flight, and the one in line behind it. */
struct hot_flights {
    struct hot_flight items[2];
    uint32_t front; /* index of the first */
    uint64_t bytes; /* of batches in both */
    int broken;     /* the jobs': the error that ended the row of commits (H3), or 0 */
};

/* Where appends go: the open block at the end of the last segment. */
struct hot_tail {
    struct block *block;  /* referenced, or NULL */
    size_t limit;         /* bytes of it that may be used */
    size_t batch_at;      /* where the open batch starts, or HOT_NO_BATCH */
    size_t summed_to;     /* bytes of the block up to here are in `sum` */
    uint32_t sum;         /* CRC of the open batch's payload so far */
    size_t sealed_to;     /* bytes of the block already in a hot_write */
    uint64_t spare;       /* for the last segment, when not yet in a hot_write; else 0 */
    uint64_t at;          /* without a block: where the next one starts in the file */
    uint64_t early_bytes; /* so much starts a commit before the turn has ended */
};

#define HOT_NO_BATCH SIZE_MAX

/* What refused appends wait for; publishers are held back until it comes. */
struct hot_wants {
    bool spare;  /* one more spare segment */
    bool commit; /* the end of a commit */
};

/* Syncs that come by interval (options.sync_interval_ms); without one each commit is its own. */
struct hot_sync {
    uint64_t written;      /* every position below has been handed to the system */
    struct io_timer timer; /* runs while something is written and not durable */
    bool is_due;           /* the next commit syncs */
    bool has_new_name;     /* of `file`, not durable yet; the job's while it runs */
};

/* After two commits that took long, not because of their bytes, the next one waits for more: until
 * as much is there as before, or nothing came for a while, or its end has come. */
struct hot_gather {
    struct io_timer timer; /* runs while something waits */
    uint64_t took_ns;      /* the last commit */
    uint64_t full_bytes;
    uint64_t quiet_ns; /* the while; 0: one of the two was fast, and nothing waits */
    uint64_t end_ns;
};

/* What was committed, and how. */
struct hot_commits {
    uint64_t count;
    uint64_t bytes;
    struct log_metrics metrics;
};

struct hot {
    const struct site *site;
    struct cache *cache;
    struct spares *spares;

    struct segment **segments; /* by first position */
    size_t segment_count;
    size_t segment_capacity;

    struct hot_tail tail;

    uint64_t next;
    uint64_t durable;
    uint64_t epoch;
    uint32_t chain;
    int64_t time_ms;
    uint64_t pending_bytes; /* appended and not yet durable */
    size_t group_bytes;     /* of the group that was begun: admitted, not yet appended */
    struct hot_wants wants;

    struct hot_writes waiting;
    struct hot_flights flights;
    struct disk_file *file; /* of the segment last written to; the job's while it runs */
    uint64_t file_id;       /* that segment's */
    struct io_task task;
    bool is_flying; /* a commit is */
    int failed;     /* the error that ended it, or 0 */

    struct hot_sync sync;
    struct hot_gather gather;
    struct hot_commits commits;

    void (*on_durable)(void *owner);         /* hot.durable or what may be told has risen */
    void (*on_failed)(void *owner, int err); /* once */
    void (*on_roll)(void *owner);            /* a segment was sealed and written */
    void *owner;
};

/* Prepares an empty row; the opener adds segments and sets next, durable, epoch, chain, time_ms. */
void hot_init(struct hot *h, const struct site *s, struct cache *c, struct spares *spares);
/* Nothing may be in flight. Segments are freed, the file is closed. */
void hot_release(struct hot *h);

/* Lets go of a commit whose job will never end: the world has. */
void hot_abandon(struct hot *h);

/* Adds a segment at the end of the row. Takes it. */
void hot_add_segment(struct hot *h, struct segment *g);
/* Takes the first segment off the row; it must be sealed. */
struct segment *hot_take_first(struct hot *h);

/* The largest body an append may have with this key. */
size_t hot_body_max(const struct hot *h, size_t key_size);

/* Appends one record: its position, and the place where the caller now writes the body,
 * before the next append and before the turn ends. Errors: ERR_FULL (back-pressure: nothing
 * was appended), ERR_RANGE (too large), ERR_FAILED. */
MUST_USE int hot_append(struct hot *h, const struct log_entry *e, uint64_t *position,
                        uint8_t **body);

/* Sees to it that the next records, up to `bytes` with their headers, lie in one batch, when
 * they are appended within this turn. Errors: as hot_append(). */
MUST_USE int hot_begin_group(struct hot *h, size_t bytes, bool may_use_reserve);

/* The turn is over: starts a commit with what it appended, or puts that in line behind the one in
 * flight; but for a moment after slow commits. */
void hot_end_turn(struct hot *h);

/* Starts a commit now rather than at the end of the turn, unless one is in flight. */
void hot_commit(struct hot *h);

/* The same, and it syncs, also what was written before. */
void hot_sync(struct hot *h);

/* Positions below may be told as safe: durable, or, where syncs come by interval, written. */
uint64_t hot_told(const struct hot *h);

/* The segment that holds a position in [first of the row, next). */
struct segment *hot_find(const struct hot *h, uint64_t position);

/* First position of the row. */
uint64_t hot_first(const struct hot *h);

/* Position behind the last record that can be read. Of a failed log that is what is durable:
 * the rest is in doubt and maybe not even in memory. */
uint64_t hot_end(const struct hot *h);

/* True when publishers should be held back: much is waiting, or spares run short. */
bool hot_is_pressed(const struct hot *h);

/* Asserts the invariants. */
void hot_check(const struct hot *h);

#endif
