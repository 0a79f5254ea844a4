/* The named workloads: rows of the table by which brokers are compared. Each is a name for some
 * options of the command line, which may be given after it to change it. */
#ifndef TOOLS_BENCH_AMQP_SCENARIO_H
#define TOOLS_BENCH_AMQP_SCENARIO_H

#include <stdbool.h>
#include <stddef.h>

struct scenario {
    const char *name;
    const char *options; /* as workload_set_all() reads them */
    bool has_floor;      /* `millrace-bench floor` can do it too */
    const char *what;
};

/* Whether it is a row of the table in docs/PERFORMANCE.md, which any AMQP broker can do. */
bool scenario_is_in_table(const struct scenario *s);

/* NULL behind the last one. */
const struct scenario *scenario_at(size_t index);

/* NULL when there is none of that name. */
const struct scenario *scenario_find(const char *name);

#endif
