/* What a round of a workload gave: named figures in the order they were found. Plain value. */
#ifndef TOOLS_BENCH_AMQP_FIGURES_H
#define TOOLS_BENCH_AMQP_FIGURES_H

#include <stddef.h>

struct histogram;

enum { FIGURES_MAX = 24 };

struct figure {
    const char *name; /* both are literals */
    const char *unit;
    double value;
};

struct figures {
    struct figure items[FIGURES_MAX];
    size_t count;
};

/* Adds a finite figure; others are left out. */
void figures_add(struct figures *f, const char *name, const char *unit, double value);

/* The names of a histogram's percentiles. */
struct figure_names {
    const char *p50;
    const char *p99;
    const char *p999;
    const char *max;
};

/* Adds percentiles of nanoseconds as microseconds, when anything was seen. */
void figures_add_times(struct figures *f, const struct figure_names *names,
                       const struct histogram *h);

#endif
