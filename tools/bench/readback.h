/* Reads back what was appended, from a record to the end of the hot log or of a lane, and
 * checks each record: that it is the next one, and that it is whole.
 *
 * Position, number and the body's own sequence must be the same: all came from one maker,
 * from position 0 on, and what the sorter moved was moved under its position.
 *
 * Owner: the thread of the stage. */
#ifndef TOOLS_BENCH_READBACK_H
#define TOOLS_BENCH_READBACK_H

#include <stdint.h>

#include "base/check.h"
#include "log/cursor.h"
#include "tools/bench/measure/machine.h"

struct stage;

struct readback_options {
    enum cursor_lane lane;
    uint64_t destination; /* for CURSOR_COLD */
    uint64_t first;       /* number of the first record, which must be there */
    uint64_t end;         /* no record from here on, and all below must be there */
};

struct readback_result {
    uint64_t records;
    uint64_t body_bytes;
    struct machine_usage used;
};

/* Turns the loop until all is read. Errors: ERR_CORRUPT with a note that says which record
 * was not what it should be; ERR_FAILED when the log failed. */
MUST_USE int readback_run(struct stage *s, const struct readback_options *o,
                          struct readback_result *out);

#endif
