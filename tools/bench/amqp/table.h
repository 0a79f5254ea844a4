/* The figures of a scenario over its rounds, one column for each broker: as text for people and as
 * lines of JSON for programs.
 *
 *     persistent-window-100   ... window 100, acks every 10, prefetch 100
 *                                           millrace                     rabbitmq            ratio
 *         delivered  /s            250,112 [248,900 251,003]      37,204 [36,900 37,800]      6.72
 *
 * The ratio is the first broker's median by the other's. Owner: one thread. */
#ifndef TOOLS_BENCH_AMQP_TABLE_H
#define TOOLS_BENCH_AMQP_TABLE_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "tools/bench/amqp/figures.h"
#include "tools/bench/measure/samples.h"

enum { TABLE_BROKERS_MAX = 3 };

/* One broker's column. */
struct table_column {
    const char *broker;
    bool is_left_out;     /* the floor cannot do everything */
    struct figures first; /* names and units, in the order of the first round that had them */
    struct samples samples[FIGURES_MAX];
    struct err_note failure; /* empty when all rounds went well */
};

struct table_text {
    const char *scenario;
    const char *what;
    const char *options;
};

/* Takes the figures of one more round in. */
void table_add(struct table_column *c, const struct figures *round);

/* Adds the table of one scenario. */
void table_show(const struct table_text *text, const struct table_column *columns, size_t count,
                struct buf *out);

/* Adds a line of JSON for each column. */
void table_json(const struct table_text *text, const struct table_column *columns, size_t count,
                struct buf *out);

#endif
