/* A log with a short life behind it, on a simulated disk, for targets that change its files: hot
 * segments, compressed cold ones, checkpoints, and all the rest, as a crash or a close leaves them.
 *
 *     changes   | how u8 | change u8, what it needs | change u8, ... |
 *               how: 1 closed before; 2 checksums are made right behind the changes
 *
 * Owner: a fuzz target. */
#ifndef TESTS_FUZZ_LOG_LIFE_H
#define TESTS_FUZZ_LOG_LIFE_H

#include <stdbool.h>

#include "base/bytes.h"
#include "io/sim/sim_disk.h"

enum log_life_files { LOG_LIFE_SEGMENTS, LOG_LIFE_METADATA };

/* A copy of the disk whose files of that sort were changed as the input says. The caller frees it.
 * The log is in the directory "log". */
struct sim_disk *log_life_changed(struct bytes input, enum log_life_files files);

/* Makes the same changes to files below `dir` of any disk. */
void log_life_change(struct sim_disk *d, struct bytes input, bool (*is_chosen)(const char *path));

/* Looks at the log's files, opens it, reads all, appends, closes, and opens it again. */
void log_life_go_on(struct sim_disk *d);

#endif
