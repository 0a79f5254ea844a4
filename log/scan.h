/* Reads the batches of a segment file one after the other, for recovery, for rebuilding an
 * index, for the sorter and for verification. Believes nothing it has not checked.
 *
 *     scan_open -> scan_next ... scan_next -> ERR_NOT_FOUND: no good batch at scan_at()
 *                                          -> scan_resync(): go on behind the damage
 *
 * All calls block; one thread. */
#ifndef LOG_SCAN_H
#define LOG_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "io/disk.h"
#include "log/batch.h"

/* Bytes of a file that somebody has read. */
struct scan_memory {
    uint8_t *bytes;
    size_t size;
    uint64_t from;
    uint64_t to;
};

struct scan {
    struct disk_file *file; /* NULL: everything is in the window, which is borrowed */
    uint32_t mark;
    uint64_t at;  /* of the next batch */
    uint64_t end; /* of what may be read */
    uint8_t *window;
    size_t window_capacity;
    uint64_t window_at; /* place in the file of window[0] */
    size_t window_size; /* bytes in it */
};

/* Prepares to read [from, to) of an open file, which is borrowed. `window_bytes` is the unit of
 * reading. */
void scan_init(struct scan *s, struct disk_file *f, uint32_t mark, size_t window_bytes);
/* Prepares to read what lies in memory: the first `size` bytes of [from, to) of a file, which are
 * borrowed. When these are not all, the file ends there. */
void scan_init_memory(struct scan *s, uint32_t mark, const struct scan_memory *m);
void scan_release(struct scan *s);
/* Reads [from, to) from now on; nothing when a file ends before `from`. */
void scan_seek(struct scan *s, uint64_t from, uint64_t to);

/* The next batch: its header and its bytes, which stay until the next call. Errors:
 * ERR_NOT_FOUND when no good batch starts here (damage or the end), ERR_VERSION,
 * ERR_NO_MEMORY, those of the disk. */
MUST_USE int scan_next(struct scan *s, struct batch_head *head, const uint8_t **bytes);

/* Goes on at the next place where a batch could start. */
void scan_skip(struct scan *s);

/* Looks from the present place on for the next place where a good batch starts and goes
 * there. Errors: ERR_NOT_FOUND when there is none, those of the disk. */
MUST_USE int scan_resync(struct scan *s);

/* Reads what is to be scanned in memory. *done is less than `size` only where the file ends.
 * Errors: those of the disk. */
MUST_USE int scan_read(struct disk_file *f, uint8_t *to, size_t size, uint64_t at, size_t *done);

/* Where the next batch would start. */
static inline uint64_t scan_at(const struct scan *s)
{
    return s->at;
}

#endif
