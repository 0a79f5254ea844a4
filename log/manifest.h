/* The manifest: which cold files count, and from which position on the hot log counts; and
 * the wounds: damaged files that count no more and are on their way to wounded/. Two copies,
 * each a state file; the newer good one rules. A file is removed only when both copies no
 * longer name it.
 *
 * What the owner let go of, and so what no file holds any more, it learnt from durable records:
 * those below `durable`. A log that ends before them has lost more than its end.
 *
 *     content of the state files "manifest" and "manifest.copy", magic "MRMANI01"
 *     OFFSET SIZE
 *      0      8   first position of the hot log: hot segments that end below are sorted and may go
 *      8      8   next id for a cold file
 *     16      8   count of entries
 *     24      8   count of wounds
 *     32      8   durable: everything below was on the disk when this was described
 *     40     88   per entry:
 *                  0 id        8 destination   16 first number   24 end number    32 records
 *                 40 live     48 end of batches 56 file size      64 first time    72 last time
 *                 80 CRC of the last batch, 4 bytes, then zeros
 *      -     16   per wound: 0 id, 8 kind of segment, 1 byte, then zeros
 *
 * Encoding and decoding are pure; reading and writing block. */
#ifndef LOG_MANIFEST_H
#define LOG_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "log/segment.h"
#include "log/site.h"

struct manifest_entry {
    uint64_t id;
    uint64_t destination;
    uint64_t first;
    uint64_t end;
    uint64_t records;
    uint64_t live;
    uint64_t bytes;
    uint64_t file_bytes;
    int64_t first_time_ms;
    int64_t last_time_ms;
    uint32_t chain_end;
};

/* A damaged segment file that is neither removed nor recycled. */
struct manifest_wound {
    uint64_t id; /* hot: its first position */
    uint8_t kind;
};

struct manifest {
    uint64_t generation;
    uint64_t hot_first;
    uint64_t next_id;
    uint64_t durable;
    struct manifest_entry *entries; /* owned */
    size_t count;
    struct manifest_wound *wounds; /* owned */
    size_t wound_count;
    bool is_alone; /* read, and the other copy is older */
};

void manifest_release(struct manifest *m);

/* Whether that file is one of the wounds. */
bool manifest_has_wound(const struct manifest *m, uint8_t kind, uint64_t id);

/* Writes both copies, one after the other, with m->generation. Errors: those of the disk. */
MUST_USE int manifest_write(const struct site *s, const struct manifest *m);

/* Reads the newer good copy, and the log's id into s->id. *is_wounded tells that a copy is
 * missing or damaged although it should be there; out->is_alone, that the other one is good and
 * older, as when the power failed between them. Errors: ERR_NOT_FOUND when there is none
 * at all, ERR_CORRUPT when none is good, ERR_VERSION, those of the disk. */
MUST_USE int manifest_read(struct site *s, struct manifest *out, bool *is_wounded);

#endif
