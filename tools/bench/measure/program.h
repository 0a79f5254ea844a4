/* A program that the bench starts and ends: a broker, or the floor. It runs in a process group of
 * its own, so that ending it ends what it started too. Owner: one thread. */
#ifndef TOOLS_BENCH_MEASURE_PROGRAM_H
#define TOOLS_BENCH_MEASURE_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/check.h"
#include "base/err.h"

struct program {
    int64_t pid; /* 0: none */
};

/* Starts it; `words` end with NULL, the first is the path of the program. What it prints goes where
 * ours goes, or, when `is_quiet`, nowhere. Errors: ERR_FAILED with a note. */
MUST_USE int program_start(char *const *words, bool is_quiet, struct program *out,
                           struct err_note *note);

/* The same for a line that the shell reads. */
MUST_USE int program_start_line(const char *line, struct program *out, struct err_note *note);

/* Starts this same program again with other words; `words` without its path, ended by NULL. */
MUST_USE int program_start_self(const char *const *words, struct program *out,
                                struct err_note *note);

/* Whether it has not ended yet. */
bool program_runs(struct program *p);

/* Asks it to end and waits until it has. NULL and none are allowed. */
void program_stop(struct program *p);

/* Ends it at once, as a crash would, and waits until it has. */
void program_kill(struct program *p);

#endif
