/* A round: one workload on one broker, from an empty broker back to an empty broker.
 *
 *     run_workload() -> shape: begin -> declare -> work, measure, judge -> end: take all away
 *
 * Owner: one thread. */
#ifndef TOOLS_BENCH_AMQP_RUN_H
#define TOOLS_BENCH_AMQP_RUN_H

#include "tools/bench/amqp/client.h"
#include "tools/bench/amqp/crew.h"
#include "tools/bench/amqp/figures.h"
#include "tools/bench/amqp/load.h"
#include "tools/bench/amqp/target.h"

struct run {
    struct target *target;
    const struct workload *work;
    struct figures *out;
    uint32_t id;
    struct load load;
    struct client director; /* declares, asks, takes away */
    struct crew crew;
    uint32_t declared; /* queues to take away */
    struct err_note note;
};

/* Does it and adds what was measured to *out. Errors: ERR_CORRUPT when the broker lost, doubled,
 * disordered or altered something; others when it refused or broke off; with a note. */
MUST_USE int run_workload(struct target *t, const struct workload *w, struct figures *out,
                          struct err_note *note);

/* For the shapes: each works between these and returns 0 or an error with r->note. */
typedef int run_shape_fn(struct run *r);
run_shape_fn run_flow;
run_shape_fn run_backlog;
run_shape_fn run_connections;
run_shape_fn run_queues;
run_shape_fn run_churn;
run_shape_fn run_start;
run_shape_fn run_replay;

/* Makes the loop and the director's connection; gone, it may be made again. */
MUST_USE int run_connect(struct run *r);

/* Lets go of the loop and all connections. */
void run_disconnect(struct run *r);

/* Declares queues, exchange and bindings. */
MUST_USE int run_declare(struct run *r);

/* A look at the clock and at who has used what. */
struct run_mark {
    uint64_t at_ns;
    uint64_t own_cpu_ns;
    struct target_usage broker;
    uint64_t published;
    uint64_t confirmed;
    uint64_t delivered;
};
struct run_mark run_mark(const struct run *r);

static inline double run_seconds(const struct run_mark *from, const struct run_mark *to)
{
    return (double)(to->at_ns - from->at_ns) / 1e9;
}

/* Adds what the processors did between two marks, for `count` messages. */
void run_add_cpu(struct run *r, const struct run_mark *from, const struct run_mark *to,
                 uint64_t count);

#endif
