/* Waiting writers: each appends one record, waits until it is durable, and appends the
 * next. All of them are on the one thread of the log, as a broker's publishers with
 * confirms are.
 *
 *     waiting:  oldest |o|o|o|o|o| newest       a ring in the order of the appends
 *                       ^ on_durable takes all that it covers, and appends as many anew
 *
 * A writer that the log refuses (ERR_FULL) waits for on_pressure(false), as log.h asks, or
 * for the next on_durable.
 *
 * Owner: the thread of the stage. */
#ifndef TOOLS_BENCH_WRITERS_H
#define TOOLS_BENCH_WRITERS_H

#include <stdbool.h>
#include <stdint.h>

#include "tools/bench/body.h"
#include "tools/bench/measure/histogram.h"
#include "tools/bench/measure/machine.h"
#include "tools/bench/stage.h"

enum { WRITERS_DEPTH_MAX = 100000 };

struct writers_options {
    uint32_t depth;            /* how many there are */
    uint64_t duration_ns;      /* no append after that; 0: until records_max */
    uint64_t records_max;      /* 0: until duration_ns */
    uint64_t checkpoint_bytes; /* a checkpoint each time so much more is durable; 0: none */
    bool is_transitory;        /* the records are dead once a checkpoint covers them */
};

/* What a run of theirs came to. */
struct writers_result {
    uint64_t records;
    uint64_t commits;
    uint64_t commit_bytes;
    uint64_t refusals; /* how often the log said ERR_FULL */
    struct machine_usage used;
};

/* One of them, while it waits. */
struct waiting {
    uint64_t position;
    uint64_t since_ns;
};

struct writers {
    struct stage *stage;
    struct body_maker *maker;
    struct writers_options options;
    struct io_task start;
    struct waiting *ring;
    uint32_t oldest;
    uint32_t count; /* of those that wait */
    uint64_t end_ns;
    uint64_t appended;
    uint64_t durable;
    uint64_t refusals;
    uint64_t checkpoint_at; /* committed bytes from which the next checkpoint is due */
    struct histogram latency;
    bool is_running;
    bool is_forgotten; /* refused, and nothing will say when to go on */
    int err;           /* what ended the run, or 0 */
};

/* Adds one run to the sum of others. */
void writers_result_add(struct writers_result *sum, const struct writers_result *one);

/* Prepares writers whose bodies come from `maker`. Both are borrowed. */
void writers_init(struct writers *w, struct stage *s, struct body_maker *maker);
void writers_release(struct writers *w);

/* The listener with which the log must be opened for them. */
struct stage_listener writers_listener(struct writers *w);

/* Lets them write, and waits until all is durable. How long each waited is added to
 * w->latency, which is the caller's to empty. */
MUST_USE int writers_run(struct writers *w, const struct writers_options *o,
                         struct writers_result *out);

#endif
