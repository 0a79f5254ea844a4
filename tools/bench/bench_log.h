/* The scenarios of `millrace-bench log`. Each makes its own stage, measures, adds its
 * figures to the report, and takes its folder away. They return 0, or an error with a note:
 * a disk that refused, or content that was not what had been appended. */
#ifndef TOOLS_BENCH_BENCH_LOG_H
#define TOOLS_BENCH_BENCH_LOG_H

#include <stdint.h>

#include "base/check.h"
#include "base/err.h"
#include "log/log_settings.h"
#include "tools/bench/report.h"

/* What all scenarios are given. */
struct bench_log_run {
    const char *dir;            /* a folder for them, which exists */
    struct log_options options; /* of the log */
    uint64_t round_ns;          /* how long a round lasts that goes by time */
    uint32_t rounds;            /* samples of each figure */
    uint32_t writers;           /* so many only, where there are waiting writers; 0: as planned */
    struct report *report;
    struct err_note note;
};

typedef int bench_log_scenario_fn(struct bench_log_run *run);

bench_log_scenario_fn bench_log_append;
bench_log_scenario_fn bench_log_cost;
bench_log_scenario_fn bench_log_spares;
bench_log_scenario_fn bench_log_read;
bench_log_scenario_fn bench_log_sort;
bench_log_scenario_fn bench_log_recovery;

#endif
