/* Work for a log, drawn from a seed: everything an owner may do, in any order, while readers
 * read.
 *
 * One step does one thing and lets a little time pass. Every refusal that the log is entitled to
 * is taken as it comes. Nothing here breaks a rule of log.h. */
#ifndef TESTS_CRASH_WORKLOAD_H
#define TESTS_CRASH_WORKLOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/rand.h"
#include "tests/crash/machine.h"

enum { WORKLOAD_READERS = 3 };

/* How often each thing was done. */
struct workload_counts {
    uint64_t appends;
    uint64_t refused;
    uint64_t groups;
    uint64_t settles;
    uint64_t trims;
    uint64_t drops;
    uint64_t retains;
    uint64_t compactions;
    uint64_t checkpoints;
    uint64_t reads;
    uint64_t peeks;
    uint64_t overtaken; /* readers by retention or the sorter */
};

struct workload_reader {
    struct cursor *cursor;
    bool is_hot;
    uint64_t lane;
    uint64_t last;   /* number given last; UINT64_MAX: none yet */
    int64_t time_ms; /* of that record */
};

struct workload {
    struct machine *machine;
    struct rand rand;
    struct workload_reader readers[WORKLOAD_READERS];
    uint8_t *body;       /* scratch */
    bool may_be_damaged; /* readers may meet ERR_CORRUPT and other errors */
    bool is_quick;       /* time passes in smaller steps */
    struct workload_counts counts;
};

/* The machine's log is open. */
void workload_init(struct workload *w, struct machine *m, uint64_t seed);
/* Closes the readers; to be called before the log is closed. */
void workload_release(struct workload *w);

/* Does one thing and turns the world a little. */
void workload_step(struct workload *w);

/* Publishes to a place that is hardly ever trimmed until the disk holds so many bytes. */
void workload_fill(struct workload *w, uint64_t bytes_min);

/* Fills a segment in which only one record stays needed, and has it sorted: done again and
 * again, this makes many small files in one lane, which the sorter then merges. */
void workload_small_file(struct workload *w);

#endif
