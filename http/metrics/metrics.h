/* Metrics for Prometheus, under RabbitMQ's names and paths, on a port of their own.
 *
 *     /metrics               sums of the node (or as below, if the settings say so)
 *     /metrics/per-object    sums, and each queue, group, exchange, connection and channel
 *     /metrics/detailed?family=queue_coarse_metrics&family=...&vhost=...
 *
 *     a request --> a worker looks at the process --> queues are added up --> told, in parts
 *
 * Owner: one shard. */
#ifndef HTTP_METRICS_METRICS_H
#define HTTP_METRICS_METRICS_H

#include <stdint.h>

#include "base/check.h"
#include "base/err.h"
#include "broker/doors.h"
#include "http/metrics/metrics_settings.h"

struct broker;
struct broker_options;
struct io;
struct metrics;

struct metrics_open {
    struct io *io;
    struct broker *broker;
    const struct metrics_options *options; /* borrowed, as all pointers here */
    const struct broker_options *limits;
    const char *node;
    const char *cluster_name;
    const char *version;
    struct doors doors;
};

/* Opens no listener. */
struct metrics *metrics_new(const struct metrics_open *o);

/* Opens the listener that the options ask for, if any. Errors as listener_open(). */
MUST_USE int metrics_listen(struct metrics *m, struct err_note *note);

/* "127.0.0.1:15692", "*:15692" or "none", as new memory. */
char *metrics_where(const struct metrics *m);

/* Ends what is under way and calls `stopped` from the loop; then it is freed, before the broker is
 * closed. */
void metrics_stop(struct metrics *m, void (*stopped)(void *owner), void *owner);
void metrics_free(struct metrics *m);

#endif
