/* A small array. */
#include "tools/bench/amqp/figures.h"

#include <math.h>

#include "base/check.h"
#include "tools/bench/measure/histogram.h"

#define NS_PER_US 1000.0

void figures_add(struct figures *f, const char *name, const char *unit, double value)
{
    ASSERT(f->count < FIGURES_MAX);
    if (isfinite(value))
        f->items[f->count++] = (struct figure){.name = name, .unit = unit, .value = value};
}

void figures_add_times(struct figures *f, const struct figure_names *names,
                       const struct histogram *h)
{
    if (h->count == 0)
        return;
    figures_add(f, names->p50, "us", (double)histogram_percentile(h, 50) / NS_PER_US);
    figures_add(f, names->p99, "us", (double)histogram_percentile(h, 99) / NS_PER_US);
    figures_add(f, names->p999, "us", (double)histogram_percentile(h, 99.9) / NS_PER_US);
    figures_add(f, names->max, "us", (double)h->max / NS_PER_US);
}
