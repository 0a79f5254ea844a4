/* What only a bench asks of the system it runs on: what it is, what the program has used of
 * it, what time it is within a turn of the loop; and it takes folders away.
 *
 * The house has its clock and its files from io/. A bench must look past that: the clock of
 * io/ stands still in a turn, and nothing else in the house needs to know what a thread has
 * cost. */
#ifndef TOOLS_BENCH_MEASURE_MACHINE_H
#define TOOLS_BENCH_MEASURE_MACHINE_H

#include <stdint.h>

#include "base/check.h"
#include "base/err.h"

enum { MACHINE_TEXT_SIZE = 256 };

struct machine {
    long cores;
    uint64_t memory_bytes;
    char processor[MACHINE_TEXT_SIZE];
    char kernel[MACHINE_TEXT_SIZE];
    char file_system[MACHINE_TEXT_SIZE]; /* the one that holds the directory asked about */
    char device[MACHINE_TEXT_SIZE];
    char mount[MACHINE_TEXT_SIZE];
    char mount_options[MACHINE_TEXT_SIZE];
    const char *build; /* the compiler, and whether it was told to be quick */
};

/* Describes the machine and the file system of `dir`; what cannot be found out is called
 * unknown. */
void machine_describe(const char *dir, struct machine *out);

/* What was used. */
struct machine_usage {
    uint64_t elapsed_ns;
    uint64_t thread_cpu_ns;    /* of the calling thread, user and system */
    uint64_t process_cpu_ns;   /* of all threads */
    uint64_t thread_switches;  /* how often the calling thread was taken off its core */
    uint64_t process_switches; /* all threads */
    uint64_t others_cpu_ns; /* of all other programs, and what the host took; in steps of 10 ms */
};

/* Since some moment in the past, always the same. */
void machine_usage(struct machine_usage *out);

/* Since `start` was taken, by the same thread. */
struct machine_usage machine_usage_since(const struct machine_usage *start);

/* Adds one stretch to the sum of others. */
void machine_usage_add(struct machine_usage *sum, const struct machine_usage *one);

/* Monotonic time now, not that of the turn. */
uint64_t machine_now_ns(void);

/* CPU time of the calling thread so far. */
uint64_t machine_thread_cpu_ns(void);

/* Removes a folder and all that is in it; a missing one is allowed. */
MUST_USE int machine_remove_tree(const char *path, struct err_note *note);

#endif
