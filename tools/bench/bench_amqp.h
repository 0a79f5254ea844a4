/* The command line of `millrace-bench amqp`; private to it. */
#ifndef TOOLS_BENCH_BENCH_AMQP_H
#define TOOLS_BENCH_BENCH_AMQP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "base/err.h"
#include "tools/bench/amqp/workload.h"

/* Where a broker is, as the words say. */
struct bench_amqp_broker {
    char *uri; /* NULL: there is none */
    char *name;
    char *data_dir;
    char *command;
    int64_t pid;
};

/* A workload to run, under a name. */
struct bench_amqp_job {
    const char *name;
    const char *what;
    bool has_floor;
    char *options; /* those that are not the default, for the JSON */
    struct workload work;
};

struct bench_amqp_request {
    struct bench_amqp_broker broker;
    struct bench_amqp_broker other;
    bool has_floor;
    bool is_floor_alone;
    char *floor_dir;
    int64_t rounds;
    char *json;
    struct bench_amqp_job *jobs;
    size_t job_count;
    bool is_help; /* the answer has been printed, nothing is to be run */
};

/* Reads the words; prints help and lists itself. bench_amqp_release() is due after errors too.
 * Errors: ERR_INVALID, ERR_RANGE with a note. */
MUST_USE int bench_amqp_read(struct bench_amqp_request *q, int count, char *const *words,
                             struct err_note *note);

void bench_amqp_release(struct bench_amqp_request *q);

#endif
