/* Opening a log after whatever happened to it. Blocks; runs before the shard does.
 *
 *     list -> manifest -> watermark -> hot row, by names -> last segment scanned to its end
 *          -> newest good checkpoint -> replay                       nothing was changed so far
 *          -> tail made durable again -> leftovers to spares or trash -> new epoch
 *
 * What is believed, and why:
 *   V1  a file named hot-<p> proves that all below p was durable: a segment is synced before
 *       the next one gets its name. So only the last segment can have a torn tail.
 *   V2  the tail ends at the first batch that is not good or does not follow from the one
 *       before. When the watermark, or the `durable` field of the manifest or of a later good
 *       batch, lies above that place, it is a wound, not a tail: the opening stops and nothing is
 *       changed.
 *   V3  batches at or above the last good one's `durable` field may be in the page cache
 *       only. They are written again, byte for byte, and synced before anything is appended
 *       behind them.
 *   V4  every step may be interrupted and done again (recovery is idempotent). Every opening
 *       begins a new epoch and writes it into the watermark with the place where the log
 *       ended: a batch at or behind that place with a lower epoch is of a future that was cut
 *       off, in this file or in the one it was recycled from, and never follows.
 *   V5  a cold file with an id from the manifest's next id on was never published: it goes
 *       to trash. One below it that is not named was let go of on purpose: it goes away. */
#ifndef LOG_RECOVER_H
#define LOG_RECOVER_H

#include "base/err.h"
#include "log/cold.h"
#include "log/hot.h"
#include "log/log.h"
#include "log/spares.h"
#include "log/watermark.h"

struct keeper;

struct recovered {
    uint64_t watermark_number; /* of the last renewal */
    uint64_t checkpoints[2];   /* positions of the kept ones, older first; UINT64_MAX: none */
};

/* What an opening works on: parts that were initialised empty. */
struct recover_parts {
    struct site *site;
    struct hot *hot;
    struct cold *cold;
    struct spares *spares;
    struct keeper *keeper;
    const struct log_owner *owner;
};

/* Fills the parts. On failure they hold what was found so far and are released by the caller as
 * usual. */
MUST_USE int recover(const struct recover_parts *parts, struct recovered *out,
                     struct err_note *note);

#endif
