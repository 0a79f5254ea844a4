/* Segment files prepared ahead of need: made, sized, filled with zeros, or recycled from
 * segments that were sorted. Overwriting blocks that were written before makes a sync about
 * twice as fast as growing a file, and a full disk is noticed here, long before a batch
 * would fail.
 *
 * The last spare is the reserve: only what frees space (acks, metadata) may take it. And no
 * spare is made that would not leave twice its size free for sorting, manifests and checkpoints.
 *
 * Owner: the shard of the log. */
#ifndef LOG_SPARES_H
#define LOG_SPARES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "io/io.h"
#include "log/site.h"

enum { SPARES_MAX = 64, SPARES_RESERVE = 1 };

struct spares {
    const struct site *site;
    uint64_t ready[SPARES_MAX]; /* ids of files "spare-<id>.seg" */
    size_t count;
    uint64_t next_id;
    bool is_busy;  /* a job makes one */
    bool is_short; /* the last try failed for want of space */
    bool is_closed;
    struct io_job job;
    struct io_timer retry;
    uint64_t making;   /* id of the one in the job */
    bool is_filled;    /* the job writes zeros, not only reserves */
    uint64_t taken_ns; /* when the last one was taken; 0: none was */
    uint64_t hurry_ns; /* until then they are taken fast: there is no time to fill any */
    int err;
    void (*on_change)(void *owner); /* a spare became ready, or space ran short */
    void *owner;
};

/* What must stay free on the disk when a spare is made: room for what the sorter moves out of one
 * segment, and for manifests and checkpoints. Without them nothing would ever be freed again. */
static inline uint64_t spares_leave_bytes(const struct site *site)
{
    return 2 * site->options.segment_bytes;
}

/* Whether that and `bytes` more are free. Blocks. Errors: ERR_NO_SPACE, those of the disk. */
MUST_USE int spares_check_space(const struct site *site, uint64_t bytes);

void spares_init(struct spares *s, const struct site *site);

/* Starts making spares until there are enough. */
void spares_fill(struct spares *s);

/* Makes one at once; blocks. The file is the caller's to rename. */
MUST_USE int spares_make_now(struct spares *s, uint64_t *id);

/* Takes a ready one; false when there is none, or only the reserve and `may_use_reserve` is
 * false. */
MUST_USE bool spares_take(struct spares *s, bool may_use_reserve, uint64_t *id);

/* True when spares_take() would succeed. */
bool spares_can_take(const struct spares *s, bool may_use_reserve);

/* True when a recycled file can become one more. Written blocks are better than new ones, so
 * twice as many are kept as are made, unless space is short. */
bool spares_are_welcome(const struct spares *s);

/* The same; the file gets the id returned. */
MUST_USE bool spares_want(struct spares *s, uint64_t *id);

/* A recycled file now has the name of spare `id`. */
void spares_add(struct spares *s, uint64_t id);

/* The path of a spare. */
struct site_path spares_path(const struct site *site, uint64_t id);

/* No new work from now on; the caller waits until is_busy is false. */
void spares_close(struct spares *s);

#endif
