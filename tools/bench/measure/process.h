/* What another process has used, and what a folder takes on the disk: from /proc and the file
 * system of Linux. For a broker that is measured from outside. Any thread. */
#ifndef TOOLS_BENCH_MEASURE_PROCESS_H
#define TOOLS_BENCH_MEASURE_PROCESS_H

#include <stdint.h>

#include "base/check.h"
#include "base/err.h"

struct process_usage {
    uint64_t cpu_ns;         /* of all its threads, user and system; in steps of 10 ms */
    uint64_t resident_bytes; /* what of it is in memory */
};

/* Errors: ERR_NOT_FOUND when there is no such process, with a note. */
MUST_USE int process_usage(int64_t pid, struct process_usage *out, struct err_note *note);

/* The same for all processes of a group together; zeros when there is none. */
void process_group_usage(int64_t group, struct process_usage *out);

/* How many descriptors it has open; 0 when that cannot be seen. */
uint64_t process_descriptors(int64_t pid);

/* The blocks of all files under a folder. Errors: ERR_NOT_FOUND, with a note. */
MUST_USE int process_disk_bytes(const char *dir, uint64_t *out, struct err_note *note);

/* Lets this process open as many files as it may at all; returns how many that is. */
uint64_t process_raise_file_limit(void);

#endif
