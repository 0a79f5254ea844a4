/* Tables, CSV and JSON out of rows. */
#include "tools/ctl/rows.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "tools/ctl/options.h"

enum { JSON_FORM = JSON_INDENT(2) | JSON_ENCODE_ANY, DEPTH_MAX = 16, NAME_MAX_SIZE = 64 };

/* ---- one value ---- */

static const json_t *value_at(const json_t *row, const char *path)
{
    char name[NAME_MAX_SIZE];

    while (row != NULL && *path != '\0') {
        size_t size = strcspn(path, ".");

        (void)snprintf(name, sizeof(name), "%.*s", (int)size, path);
        row = json_object_get(row, name);
        path += size + (path[size] == '.');
    }
    return row;
}

/* A list of words, as tags are. */
static bool is_words(const json_t *value)
{
    bool is = json_is_array(value);

    for (size_t i = 0; is && i < json_array_size(value); i++)
        is = json_is_string(json_array_get(value, i));
    return is;
}

/* As rabbitmqctl shows it: [administrator, monitoring]. */
static char *words_of(const json_t *value)
{
    char *text = mem_text("[");

    for (size_t i = 0; i < json_array_size(value); i++) {
        char *longer = mem_format("%s%s%s", text, i == 0 ? "" : ", ",
                                  json_string_value(json_array_get(value, i)));
        mem_free(text);
        text = longer;
    }
    char *all = mem_format("%s]", text);

    mem_free(text);
    return all;
}

/* As text, in new memory. */
static char *text_of(const json_t *value)
{
    size_t size = 0;
    char *text = NULL;

    if (value == NULL || json_is_null(value))
        return mem_text("");
    if (json_is_string(value))
        return mem_text(json_string_value(value));
    if (is_words(value))
        return words_of(value);
    size = json_dumpb(value, NULL, 0, JSON_COMPACT | JSON_ENCODE_ANY);
    text = (char *)mem_alloc(size + 1);
    (void)json_dumpb(value, text, size, JSON_COMPACT | JSON_ENCODE_ANY);
    text[size] = '\0';
    return text;
}

/* ---- tables ---- */

/* Values with tabs between; a tab or line end in a value is written as rabbitmqctl does. */
static void print_plain(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '\t')
            (void)fputs("\\t", stdout);
        else if (*text == '\n')
            (void)fputs("\\n", stdout);
        else
            (void)fputc(*text, stdout);
    }
}

static void print_csv(const char *text)
{
    bool is_quoted = strpbrk(text, ",\"\r\n") != NULL;

    if (!is_quoted) {
        (void)fputs(text, stdout);
        return;
    }
    (void)fputc('"', stdout);
    for (; *text != '\0'; text++) {
        if (*text == '"')
            (void)fputc('"', stdout);
        (void)fputc(*text, stdout);
    }
    (void)fputc('"', stdout);
}

static void print_separated(const struct options *o, const json_t *rows,
                            const struct column *columns, size_t count)
{
    bool is_csv = o->formatter == FORMAT_CSV;
    char separator = is_csv ? ',' : '\t';

    for (size_t i = 0; i < count && !o->is_headless; i++)
        printf("%s%c", columns[i].title, i + 1 < count ? separator : '\n');
    for (size_t r = 0; r < json_array_size(rows); r++) {
        for (size_t i = 0; i < count; i++) {
            char *text = text_of(value_at(json_array_get(rows, r), columns[i].path));

            if (is_csv)
                print_csv(text);
            else
                print_plain(text);
            (void)fputc(i + 1 < count ? separator : '\n', stdout);
            mem_free(text);
        }
    }
}

/* How many columns of the screen a text in UTF-8 takes, near enough. */
static size_t width_of(const char *text)
{
    size_t width = 0;

    for (; *text != '\0'; text++)
        width += *text == '\t' || *text == '\n' ? 2 : ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

static void print_cell(const char *text, size_t width)
{
    size_t used = width_of(text);

    printf("| ");
    print_plain(text);
    printf("%*s ", (int)(width > used ? width - used : 0), "");
}

static void print_rule(const size_t *widths, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        (void)fputc('+', stdout);
        for (size_t j = 0; j < widths[i] + 2; j++)
            (void)fputc('-', stdout);
    }
    (void)fputs("+\n", stdout);
}

static void print_pretty_rows(const json_t *rows, const struct column *columns, size_t count,
                              const size_t *widths)
{
    for (size_t r = 0; r < json_array_size(rows); r++) {
        for (size_t i = 0; i < count; i++) {
            char *text = text_of(value_at(json_array_get(rows, r), columns[i].path));

            print_cell(text, widths[i]);
            mem_free(text);
        }
        (void)fputs("|\n", stdout);
    }
}

static void print_pretty(const struct options *o, const json_t *rows, const struct column *columns,
                         size_t count)
{
    size_t *widths = MEM_NEW_ARRAY(size_t, count);

    for (size_t i = 0; i < count; i++) {
        widths[i] = o->is_headless ? 0 : strlen(columns[i].title);
        for (size_t r = 0; r < json_array_size(rows); r++) {
            char *text = text_of(value_at(json_array_get(rows, r), columns[i].path));
            size_t width = width_of(text);

            widths[i] = width > widths[i] ? width : widths[i];
            mem_free(text);
        }
    }
    print_rule(widths, count);
    if (!o->is_headless) {
        for (size_t i = 0; i < count; i++)
            print_cell(columns[i].title, widths[i]);
        (void)fputs("|\n", stdout);
        print_rule(widths, count);
    }
    print_pretty_rows(rows, columns, count, widths);
    print_rule(widths, count);
    mem_free(widths);
}

static void print_json(const json_t *rows, const struct column *columns, size_t count)
{
    json_t *out = json_array();

    for (size_t r = 0; r < json_array_size(rows); r++) {
        json_t *row = json_object();

        for (size_t i = 0; i < count; i++) {
            const json_t *value = value_at(json_array_get(rows, r), columns[i].path);

            (void)json_object_set_new(row, columns[i].title,
                                      value == NULL ? json_null() : json_deep_copy(value));
        }
        (void)json_array_append_new(out, row);
    }
    (void)json_dumpf(out, stdout, JSON_FORM);
    (void)fputc('\n', stdout);
    json_decref(out);
}

void rows_print(const struct options *o, const json_t *rows, const struct column *columns,
                size_t count)
{
    switch (o->formatter) {
    case FORMAT_JSON:
        print_json(rows, columns, count);
        break;
    case FORMAT_PRETTY:
        print_pretty(o, rows, columns, count);
        break;
    default:
        print_separated(o, rows, columns, count);
        break;
    }
}

/* ---- any value ---- */

static void print_tree(json_t *value, int depth)
{
    for (void *at = json_object_iter(value); at != NULL; at = json_object_iter_next(value, at)) {
        const char *name = json_object_iter_key(at);
        json_t *member = json_object_iter_value(at);

        if (json_is_object(member) && depth < DEPTH_MAX) {
            printf("%*s%s:\n", 2 * depth, "", name);
            print_tree(member, depth + 1);
            continue;
        }
        char *text = text_of(member);

        printf("%*s%s: %s\n", 2 * depth, "", name, text);
        mem_free(text);
    }
}

void rows_print_value(const struct options *o, const json_t *value)
{
    if (o->formatter == FORMAT_JSON || !json_is_object(value)) {
        (void)json_dumpf(value, stdout, JSON_FORM);
        (void)fputc('\n', stdout);
        return;
    }
    json_t *copy = json_copy((json_t *)(uintptr_t)value);

    print_tree(copy, 0);
    json_decref(copy);
}
