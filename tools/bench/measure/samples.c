/* Order statistics over a few doubles. */
#include "tools/bench/measure/samples.h"

#include <math.h>
#include <stdlib.h>

#include "base/check.h"

void samples_add(struct samples *s, double value)
{
    ASSERT(s->count < SAMPLES_MAX && isfinite(value));
    s->items[s->count++] = value;
}

static int compare(const void *a, const void *b)
{
    const double *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

/* A copy in rising order. */
static struct samples rising(const struct samples *s)
{
    struct samples result = *s;

    ASSERT(s->count > 0);
    qsort(result.items, result.count, sizeof(result.items[0]), compare);
    return result;
}

double samples_last(const struct samples *s)
{
    ASSERT(s->count > 0);
    return s->items[s->count - 1];
}

double samples_median(const struct samples *s)
{
    struct samples r = rising(s);
    size_t half = r.count / 2;

    return r.count % 2 == 1 ? r.items[half] : (r.items[half - 1] + r.items[half]) / 2;
}

double samples_min(const struct samples *s)
{
    return rising(s).items[0];
}

double samples_max(const struct samples *s)
{
    return rising(s).items[s->count - 1];
}
