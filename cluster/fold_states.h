/* The states of all folds together, as they stand in a checkpoint. Private to the room.
 *
 *     OFFSET SIZE
 *      0      8   magic "MRFOLDS1"
 *      8      1   version, 1
 *      9      1   flags: 1 CLEAN, taken when the partition was closed in peace
 *     10      2   count of parts
 *     12      4   zero
 *     16      8   position: every record below it is in the states
 *     24      -   parts, each:   0   1   id of the fold
 *                                1   7   zero
 *                                8   8   size
 *                               16   -   the fold's own bytes
 *
 * Little-endian. The checksum over all of it is the state file's (log/statefile.h); nothing here is
 * believed without a look at what is left. Pure functions; any thread. */
#ifndef CLUSTER_FOLD_STATES_H
#define CLUSTER_FOLD_STATES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "base/check.h"

enum { FOLD_STATES_MAX = 64 };

struct fold_state {
    uint8_t id;
    struct bytes bytes; /* borrowed */
};

struct fold_states {
    uint64_t position;
    bool is_clean;
    size_t count;
    struct fold_state parts[FOLD_STATES_MAX];
};

/* Begins; parts follow. */
void fold_states_begin(struct buf *out, uint64_t position, bool is_clean);
/* Begins the part of a fold, which now writes its bytes; its end gets the value back. */
size_t fold_states_begin_part(struct buf *out, uint8_t id);
void fold_states_end_part(struct buf *out, size_t part);

/* Errors: ERR_INVALID when the bytes are no such thing; ERR_VERSION. */
MUST_USE int fold_states_decode(struct bytes b, struct fold_states *out);

/* The part of a fold; false when it has none. */
bool fold_states_find(const struct fold_states *s, uint8_t id, struct bytes *out);

#endif
