/* Lays figures out. */
#include "tools/bench/amqp/table.h"

#include <stdio.h>
#include <string.h>

enum { NUMBER_SIZE = 48, CELL_SIZE = 192, GROUP = 3 };

void table_add(struct table_column *c, const struct figures *round)
{
    for (size_t i = 0; i < round->count; i++) {
        size_t at = 0;

        while (at < c->first.count && strcmp(c->first.items[at].name, round->items[i].name) != 0)
            at++;
        if (at == FIGURES_MAX)
            continue;
        if (at == c->first.count)
            c->first.items[c->first.count++] = round->items[i];
        samples_add(&c->samples[at], round->items[i].value);
    }
}

/* ---- text ---- */

/* Puts a comma in front of each group of three digits. */
static void group_digits(const char *plain, char out[NUMBER_SIZE])
{
    size_t digits = strspn(plain, "0123456789"), size = strlen(plain), done = 0;

    for (size_t i = 0; i < size && done < NUMBER_SIZE - 2; i++) {
        if (i > 0 && i < digits && (digits - i) % GROUP == 0)
            out[done++] = ',';
        out[done++] = plain[i];
    }
    out[done] = '\0';
}

static void number_text(double value, char out[NUMBER_SIZE])
{
    double size = value < 0 ? -value : value;
    char plain[NUMBER_SIZE / 2];
    int decimals = size >= 100 || size == 0 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3;

    (void)snprintf(plain, sizeof(plain), "%.*f", decimals, value);
    group_digits(plain, out);
}

static void cell_text(const struct samples *s, char out[CELL_SIZE])
{
    char median[NUMBER_SIZE], min[NUMBER_SIZE], max[NUMBER_SIZE];

    number_text(samples_median(s), median);
    number_text(samples_min(s), min);
    number_text(samples_max(s), max);
    if (s->count == 1)
        (void)snprintf(out, CELL_SIZE, "%s", median);
    else
        (void)snprintf(out, CELL_SIZE, "%s [%s %s]", median, min, max);
}

/* The samples of a figure by its name; NULL when the column has none. */
static const struct samples *find(const struct table_column *c, const char *name)
{
    for (size_t i = 0; i < c->first.count; i++) {
        if (strcmp(c->first.items[i].name, name) == 0)
            return &c->samples[i];
    }
    return NULL;
}

static void show_ratio(const struct samples *ours, const struct samples *theirs, struct buf *out)
{
    char text[NUMBER_SIZE] = "";

    if (ours != NULL && theirs != NULL && samples_median(theirs) > 0)
        number_text(samples_median(ours) / samples_median(theirs), text);
    buf_text(out, " %8s", text);
}

static void show_row(const struct figure *f, const struct table_column *columns, size_t count,
                     struct buf *out)
{
    char cell[CELL_SIZE];

    buf_text(out, "    %-36s %-12s", f->name, f->unit);
    for (size_t i = 0; i < count; i++) {
        const struct samples *s = find(&columns[i], f->name);

        if (columns[i].is_left_out)
            continue;
        cell[0] = '\0';
        if (s != NULL)
            cell_text(s, cell);
        buf_text(out, " %34s", cell);
        if (i > 0)
            show_ratio(find(&columns[0], f->name), s, out);
    }
    buf_u8(out, '\n');
}

/* Whether a column before this one has the figure too, so that its row is there already. */
static bool is_shown(const struct table_column *columns, size_t column, const char *name)
{
    for (size_t i = 0; i < column; i++) {
        if (find(&columns[i], name) != NULL)
            return true;
    }
    return false;
}

static void show_brokers(const struct table_column *columns, size_t count, struct buf *out)
{
    buf_text(out, "    %-36s %-12s", "", "");
    for (size_t i = 0; i < count; i++) {
        if (!columns[i].is_left_out)
            buf_text(out, " %34s%s", columns[i].broker, i > 0 ? "    ratio" : "");
    }
    buf_u8(out, '\n');
}

void table_show(const struct table_text *text, const struct table_column *columns, size_t count,
                struct buf *out)
{
    buf_text(out, "\n%s   %s\n", text->scenario, text->what);
    if (count > 1)
        show_brokers(columns, count, out);
    for (size_t i = 0; i < count; i++) {
        const struct figures *f = &columns[i].first;

        for (size_t j = 0; j < f->count; j++) {
            if (!is_shown(columns, i, f->items[j].name))
                show_row(&f->items[j], columns, count, out);
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (columns[i].failure.text[0] != '\0')
            buf_text(out, "    FAILED on %s: %s\n", columns[i].broker, columns[i].failure.text);
    }
}

/* ---- JSON ---- */

/* A string with its quotes. */
static void put_string(struct buf *b, const char *text)
{
    buf_u8(b, '"');
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;

        if (c == '"' || c == '\\')
            buf_u8(b, '\\');
        if (c < ' ')
            buf_text(b, "\\u%04x", c);
        else
            buf_u8(b, c);
    }
    buf_u8(b, '"');
}

static void put_member(struct buf *b, const char *name, const char *text)
{
    put_string(b, name);
    buf_text(b, ": ");
    put_string(b, text);
    buf_text(b, ", ");
}

static void put_figure(struct buf *b, const struct figure *f, const struct samples *s)
{
    put_string(b, f->name);
    buf_text(b, ": {");
    put_member(b, "unit", f->unit);
    buf_text(b, "\"median\": %.6g, \"min\": %.6g, \"max\": %.6g, \"values\": [", samples_median(s),
             samples_min(s), samples_max(s));
    for (size_t i = 0; i < s->count; i++)
        buf_text(b, "%s%.6g", i > 0 ? ", " : "", s->items[i]);
    buf_text(b, "]}");
}

void table_json(const struct table_text *text, const struct table_column *columns, size_t count,
                struct buf *out)
{
    for (size_t i = 0; i < count; i++) {
        const struct table_column *c = &columns[i];

        if (c->is_left_out)
            continue;
        buf_u8(out, '{');
        put_member(out, "scenario", text->scenario);
        put_member(out, "options", text->options);
        put_member(out, "broker", c->broker);
        if (c->failure.text[0] != '\0')
            put_member(out, "failure", c->failure.text);
        buf_text(out, "\"figures\": {");
        for (size_t j = 0; j < c->first.count; j++) {
            if (j > 0)
                buf_text(out, ", ");
            put_figure(out, &c->first.items[j], &c->samples[j]);
        }
        buf_text(out, "}}\n");
    }
}
