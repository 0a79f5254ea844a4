/* The durable watermark: a position below which everything was on the disk when it was
 * written.
 *
 * Two slots in one file are written in turn, so that a torn write leaves the other; an opening and
 * a close write both:
 *
 *     slot 0 at byte 0, slot 1 at byte 4096; each lies within one sector
 *     OFFSET SIZE
 *      0      8   magic "MRMARK01"
 *      8      4   CRC32C of bytes [12, 56)
 *     12      4   zero
 *     16     16   id of the log
 *     32      8   number of the renewal; the slot is number % 2
 *     40      8   epoch
 *     48      8   position: everything below is durable
 *
 * The watermark may lag behind the truth, never run ahead of it. It tells a torn tail from a
 * wound: a batch that fails its checksum below the watermark was once good.
 *
 * All calls block. */
#ifndef LOG_WATERMARK_H
#define LOG_WATERMARK_H

#include <stdint.h>

#include "base/check.h"
#include "log/site.h"

enum { WATERMARK_FILE_SIZE = 8192 };

struct watermark {
    uint64_t number;
    uint64_t epoch;
    uint64_t position;
};

/* Makes the file with a first slot. The directory is not synced. */
MUST_USE int watermark_create(const struct site *s, const struct watermark *w);

/* Writes and syncs the slot of w->number. */
MUST_USE int watermark_write(const struct site *s, const struct watermark *w);

/* Writes the slot of w->number, then, as number + 1, the other: where nothing more is to come, no
 * one wound makes the log look older than it is. w is then what was written last. */
MUST_USE int watermark_settle(const struct site *s, struct watermark *w);

/* Reads the newest good slot. *bad_slots counts the slots that are neither good nor never written.
 * Errors: ERR_NOT_FOUND, ERR_CORRUPT when no slot is good, those of the disk. */
MUST_USE int watermark_read(const struct site *s, struct watermark *out, int *bad_slots);

#endif
