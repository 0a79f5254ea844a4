/* How the commits of a log were, since its opening.
 *
 * Owner: the shard of the log; for anybody's eyes, as base/metric.h has it. */
#ifndef LOG_LOG_METRICS_H
#define LOG_LOG_METRICS_H

#include "base/metric.h"

struct log_metrics {
    struct histogram commit_ns; /* from the order to write and sync until it is known to be done */
    struct histogram commit_bytes;
};

#endif
