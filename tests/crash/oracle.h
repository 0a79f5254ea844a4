/* What must be true of a log that was opened again, whatever happened before:
 *
 *   O1  it ends at or behind all that was told durable, and within what was appended;
 *   O2  it does not end inside a group;
 *   O3  the owner's fold, by checkpoint and replay, is the fold over the same records from the
 *       start;
 *   O4  the hot log is dense, holds the bytes that were appended, and its time never goes back;
 *   O5  every record in a lane was meant for that lane, has its own number, its bytes, and
 *       stands in order;
 *   O6  what the fold needs is in the hot log or in its lane, unless retention or compaction
 *       took it;
 *   O7  where something is missing all the same, the log said so: a cursor said ERR_CORRUPT
 *       there, and a line named the file. Only damage excuses that. */
#ifndef TESTS_CRASH_ORACLE_H
#define TESTS_CRASH_ORACLE_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/crash/machine.h"

/* Checks O1 to O3 of a log just opened over `known`, which it was started with. Returns where it
 * ended; the caller lets the machine's model be a branch of it before anything is appended. */
uint64_t oracle_check_start(struct machine *m, const struct model *known);

/* Checks O4 to O7 by reading everything. The machine's model is as long as the log. Returns how
 * many needed records are missing; without `may_be_damaged` none may be. */
uint64_t oracle_check_content(struct machine *m, bool may_be_damaged);

#endif
