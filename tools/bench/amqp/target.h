/* A broker that is measured: where it is, and what is known of its process. When the bench was
 * given its command line, the bench starts and ends it.
 *
 * Owner: one thread. */
#ifndef TOOLS_BENCH_AMQP_TARGET_H
#define TOOLS_BENCH_AMQP_TARGET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/check.h"
#include "base/err.h"
#include "tools/bench/amqp/uri.h"
#include "tools/bench/measure/program.h"

struct target {
    const char *name;
    struct uri uri;
    int64_t pid;          /* 0: not known, so nothing is said of its CPU and memory */
    const char *data_dir; /* NULL: not known */
    const char *command;  /* NULL: somebody else runs it */
    bool is_floor;        /* it is this program's own floor */
    struct program program;
};

/* Starts it when that is ours to do, and waits until a client can open a channel; *took_ns, when
 * not NULL, is how long that was. Errors: ERR_FAILED, ERR_CLOSED and others, with a note. */
MUST_USE int target_start(struct target *t, uint64_t *took_ns, struct err_note *note);

/* Asks it to end, and waits, when we started it. */
void target_stop(struct target *t);

/* Ends it as a crash would. */
void target_kill(struct target *t);

/* What it has used so far; zeros when nothing is known. */
struct target_usage {
    uint64_t cpu_ns;
    uint64_t resident_bytes;
    uint64_t disk_bytes;
    uint64_t descriptors;
};
struct target_usage target_usage(const struct target *t);

#endif
