/* The bare loops the log is measured against: write, sync, and nothing else, over one file
 * whose blocks were all written before, as those of a recycled segment were.
 *
 * The calls go through io/disk.h, which adds one indirect call to each pwritev and
 * fdatasync. They run on the calling thread: no worker, no wake-up.
 *
 * Owner: the thread that opened it. */
#ifndef TOOLS_BENCH_BARE_H
#define TOOLS_BENCH_BARE_H

#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "base/err.h"
#include "tools/bench/measure/histogram.h"
#include "tools/bench/measure/machine.h"

struct disk_file;

struct bare {
    struct disk_file *file;
    char *path;
    uint8_t *bytes; /* what is written, again and again */
    uint64_t size;  /* of the file */
    uint64_t at;    /* where the next write goes; wraps at the end */
};

enum { BARE_WRITE_MAX = 8 << 20 };

/* Makes the file in `dir` and writes all of it once. Errors: those of the disk, with a
 * note; bare_close() is due after them too. */
MUST_USE int bare_open(struct bare *b, const char *dir, uint64_t size, struct err_note *note);

/* Closes and removes it. May be called on a zeroed struct. */
void bare_close(struct bare *b);

struct bare_result {
    uint64_t syncs;
    uint64_t bytes;
    uint64_t elapsed_ns;
};

/* Writes `write_bytes` and syncs, for `duration_ns`. How long each pair took goes to
 * `latency`. */
MUST_USE int bare_run(struct bare *b, size_t write_bytes, uint64_t duration_ns,
                      struct histogram *latency, struct bare_result *out);

/* Reads the whole file and writes it to a new one beside it, a MiB at a time, and syncs
 * that: what moving bytes from one file to another costs at least. The new file is removed
 * again. */
MUST_USE int bare_copy(struct bare *b, struct machine_usage *used);

#endif
