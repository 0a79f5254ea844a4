/* The edit distance with swaps of neighbours, by three rows of the usual table. */
#include "conf/nearest.h"

#include <string.h>

#include "base/check.h"
#include "conf/conf.h"

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* rows[i % 3][j] is the distance between the first i characters of `a` and the first j of `b`. */
struct table {
    const char *a;
    const char *b;
    size_t a_size;
    size_t b_size;
    size_t rows[3][CONF_KEY_MAX + 1];
};

static size_t *row_of(struct table *t, size_t i)
{
    return t->rows[i % 3];
}

static void fill_row(struct table *t, size_t i)
{
    size_t *row = row_of(t, i);
    const size_t *above = row_of(t, i - 1);
    const size_t *top = row_of(t, i + 1); /* which is i - 2 */

    row[0] = i;
    for (size_t j = 1; j <= t->b_size; j++) {
        row[j] = above[j - 1] + (t->a[i - 1] != t->b[j - 1]);
        row[j] = least(row[j], above[j] + 1);
        row[j] = least(row[j], row[j - 1] + 1);
        if (i > 1 && j > 1 && t->a[i - 1] == t->b[j - 2] && t->a[i - 2] == t->b[j - 1])
            row[j] = least(row[j], top[j - 2] + 1);
    }
}

size_t nearest_distance(const char *a, const char *b)
{
    struct table t = {.a = a, .b = b};

    t.a_size = strnlen(a, CONF_KEY_MAX);
    t.b_size = strnlen(b, CONF_KEY_MAX);
    for (size_t j = 0; j <= t.b_size; j++)
        t.rows[0][j] = j;
    for (size_t i = 1; i <= t.a_size; i++)
        fill_row(&t, i);
    return row_of(&t, t.a_size)[t.b_size];
}

void nearest_try(struct nearest *n, const char *wanted, const char *candidate)
{
    size_t distance = nearest_distance(wanted, candidate);

    if (distance > 1 + strlen(wanted) / 4)
        return;
    if (n->text == NULL || distance < n->distance)
        *n = (struct nearest){.text = candidate, .distance = distance};
}
