/* See table_text.h. */
#include "tests/lib/table_text.h"

#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "msg/table_writer.h"
#include "tests/lib/test.h"

enum { NAME_SIZE = 256 };

static void add_value(struct table_writer *w, const char *name, struct bytes value);

/* "[a,b]" has the values a and b, which are no arrays. */
static void add_array(struct table_writer *w, const char *name, struct bytes value)
{
    size_t start = 1;

    table_writer_begin_array(w, name);
    for (size_t i = 1; i < value.size; i++) {
        if (value.data[i] != ',' && value.data[i] != ']')
            continue;
        add_value(w, NULL, bytes_of(value.data + start, i - start));
        start = i + 1;
    }
    table_writer_end(w);
}

static void add_value(struct table_writer *w, const char *name, struct bytes value)
{
    int64_t number = 0;
    struct bytes tail = bytes_of(value.data + 2, value.size < 2 ? 0 : value.size - 2);

    if (value.size > 1 && value.data[0] == '[')
        add_array(w, name, value);
    else if (parse_i64(value, INT64_MIN, INT64_MAX, &number) == 0)
        table_writer_long(w, name, number);
    else if (bytes_equal(value, bytes_text("true")) || bytes_equal(value, bytes_text("false")))
        table_writer_bool(w, name, value.size == 4);
    else if (bytes_equal(value, bytes_text("void")))
        table_writer_void(w, name);
    else if (value.size > 2 && memcmp(value.data, "i:", 2) == 0 &&
             parse_i64(tail, INT32_MIN, INT32_MAX, &number) == 0)
        table_writer_integer(w, name, FIELD_INT, number);
    else if (value.size > 2 && memcmp(value.data, "d:", 2) == 0 &&
             parse_i64(tail, INT32_MIN, INT32_MAX, &number) == 0)
        table_writer_double(w, name, (double)number);
    else if (value.size > 2 && memcmp(value.data, "t:", 2) == 0 &&
             parse_i64(tail, 0, INT64_MAX, &number) == 0)
        table_writer_time(w, name, (uint64_t)number);
    else
        table_writer_text(w, name, value);
}

struct table table_text(struct buf *area, const char *text)
{
    struct table_writer w;
    struct table out;

    buf_clear(area);
    table_writer_init(&w, area);
    while (*text != '\0') {
        char name[NAME_SIZE];
        size_t name_size = strcspn(text, "= ");
        const char *value = text + name_size + (text[name_size] == '=');
        size_t value_size = strcspn(value, " ");

        snprintf(name, sizeof(name), "%.*s", (int)name_size, text);
        add_value(&w, name, bytes_of(value, value_size));
        text = value + value_size;
        text += strspn(text, " ");
    }
    int rv = table_writer_finish(&w, &out);
    assert_int_equal(rv, 0);
    return out;
}
