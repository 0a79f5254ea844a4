/* Runs: what lies in a segment's file from one entry of its index to another, read into a
 * block. Believes only what is vouched for (run.c). */
#ifndef LOG_RUN_H
#define LOG_RUN_H

#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "io/disk.h"
#include "log/block.h"
#include "log/index.h"
#include "log/segment.h"

/* Places in a segment's file: [from, to) is the run. */
struct run_span {
    uint64_t before; /* where the run before it starts; the same as `from` for the first */
    uint64_t from;
    uint64_t to;
    uint64_t end;       /* where the batches of the whole segment end */
    uint32_t chain_end; /* CRC of the last of them */
};

/* The run from one entry of the segment's index up to another, or to the end of what is
 * written when `to` is the count of entries. */
struct run_span run_span(const struct segment *g, const struct index *x, size_t from, size_t to);

/* Fills an empty block with the good batches of a run of an open segment file. Damage is
 * stepped over and marks the block as wounded; so does a batch that is whole but does not
 * belong there. Blocks the caller. Errors: those of the disk, ERR_NO_MEMORY. */
MUST_USE int run_load(struct block *b, struct disk_file *f, const struct run_span *span);

#endif
