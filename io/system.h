/* What the system tells in files that it makes up: of the machine and of this process.
 *
 * All of it blocks and is for any thread. What the system does not tell is 0, or empty. */
#ifndef IO_SYSTEM_H
#define IO_SYSTEM_H

#include <stdint.h>

#include "base/bytes.h"

struct disk;

enum { SYSTEM_FILE_MAX = 4096 };

/* The beginning of such a file; the bytes are in `area`. */
struct bytes system_read(struct disk *d, const char *path, char area[SYSTEM_FILE_MAX]);

/* The first number behind `name`, or the one at the front where that is "". */
uint64_t system_number_behind(struct bytes text, const char *name);

struct system_process {
    uint64_t open_fds;
    uint64_t fds_max;
    uint64_t resident_bytes;
    uint64_t id;
    uint64_t threads;
    uint64_t threads_max; /* that it and all others of its user may have, or the system */
    uint64_t processors;  /* that it may run on */
};

void system_look_at_process(struct disk *d, struct system_process *out);

#endif
