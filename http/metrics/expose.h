/* Prometheus' text format, line by line.
 *
 *     # HELP rabbitmq_queue_messages_ready Messages ready to be delivered.
 *     # TYPE rabbitmq_queue_messages_ready gauge
 *     rabbitmq_queue_messages_ready{vhost="/",queue="orders"} 7
 *
 * Errors are the buffer's. Owner: one thread. */
#ifndef HTTP_METRICS_EXPOSE_H
#define HTTP_METRICS_EXPOSE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "base/metric.h"

struct expose {
    struct buf *out;
    const char *prefix; /* of every name: "rabbitmq_" */
    bool has_label;     /* the line that is being written */
};

/* The two lines before the samples of one name. */
void expose_family(struct expose *e, const char *name, const char *type, const char *help);

/* A sample: begin, labels, end. `labels` is text as it is, or NULL. */
void expose_begin(struct expose *e, const char *name, const char *labels);
/* What is no UTF-8 becomes U+FFFD. */
void expose_label(struct expose *e, const char *name, struct bytes value);
void expose_end(struct expose *e, uint64_t value);
void expose_end_real(struct expose *e, double value);

/* All of a histogram, whose values are so many to one of the metric's unit: 1e9 for nanoseconds
 * told as seconds. `labels` as above. */
struct expose_histogram {
    const char *name;
    const char *labels;
    double scale;
    const uint64_t *bounds; /* in the values' own unit, rising */
    size_t bound_count;
};
void expose_histogram(struct expose *e, const struct expose_histogram *row,
                      const struct histogram *h);

#endif
