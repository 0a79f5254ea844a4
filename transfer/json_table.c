/* Field tables as JSON and back. */
#include "transfer/json_table.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "msg/table_writer.h"

/* ---- to JSON ---- */

/* Without what is no UTF-8; new memory, with a zero byte behind it. */
static char *clean(struct bytes b)
{
    char *text = (char *)mem_alloc(b.size + 1);
    size_t at = 0;

    while (at < b.size) {
        size_t size = utf8_character_size(bytes_of(b.data + at, b.size - at));

        if (size == 0) {
            text[at++] = '?';
            continue;
        }
        memcpy(text + at, b.data + at, size);
        at += size;
    }
    text[b.size] = '\0';
    return text;
}

json_t *json_of_bytes(struct bytes b)
{
    char *text = clean(b);
    json_t *j = json_stringn(text, b.size);

    mem_free(text);
    ASSERT(j != NULL);
    return j;
}

static json_t *of_field(const struct field *f);

static json_t *of_array(struct array a)
{
    json_t *j = json_array();
    struct array_walk w = array_walk(a);
    struct field f;

    while (array_next(&w, &f))
        json_array_append_new(j, of_field(&f));
    return j;
}

static json_t *of_decimal(uint8_t scale, uint32_t value)
{
    double real = value;

    for (unsigned i = 0; i < scale; i++)
        real /= 10;
    return json_real(real);
}

static json_t *of_field(const struct field *f)
{
    struct bytes text;
    struct table table;
    struct array array;
    int64_t number = 0;
    uint64_t time_s = 0;
    uint32_t value = 0;
    uint8_t scale = 0;
    double real = 0;
    bool is_true = false;
    json_t *j = NULL;

    if (field_as_text(f, &text) || field_as_binary(f, &text))
        return json_of_bytes(text);
    if (field_as_integer(f, &number))
        return json_integer(number);
    if (field_as_bool(f, &is_true))
        return json_boolean(is_true);
    if (field_as_table(f, &table))
        return json_of_table(table);
    if (field_as_array(f, &array))
        return of_array(array);
    if (field_as_time(f, &time_s))
        return json_integer((json_int_t)time_s);
    if (field_as_decimal(f, &scale, &value))
        return of_decimal(scale, value);
    if (field_as_real(f, &real))
        j = json_real(real); /* NULL for what is no number */
    return j == NULL ? json_null() : j;
}

json_t *json_of_table(struct table t)
{
    json_t *j = json_object();
    struct table_walk w = table_walk(t);
    struct table_entry e;

    while (table_next(&w, &e)) {
        char *name = clean(e.name);

        json_object_set_new(j, name, of_field(&e.value));
        mem_free(name);
    }
    return j;
}

/* ---- from JSON ---- */

struct bytes json_text(const json_t *string)
{
    return bytes_of(json_string_value(string), json_string_length(string));
}

static void add(struct table_writer *w, const char *name, const json_t *j);

static void add_members(struct table_writer *w, const json_t *object)
{
    const char *name = NULL;
    json_t *value = NULL;

    /* jansson's walk wants a pointer to what may be changed. */
    json_object_foreach((json_t *)(uintptr_t)object, name, value)
    {
        add(w, name, value);
    }
}

static void add_items(struct table_writer *w, const json_t *array)
{
    for (size_t i = 0; i < json_array_size(array); i++)
        add(w, NULL, json_array_get(array, i));
}

/* As deep as a table may be: a writer that failed begins nothing more. */
static void add_nested(struct table_writer *w, const char *name, const json_t *j)
{
    if (json_is_object(j))
        table_writer_begin_table(w, name);
    else
        table_writer_begin_array(w, name);
    if (w->error == 0) {
        if (json_is_object(j))
            add_members(w, j);
        else
            add_items(w, j);
    }
    table_writer_end(w);
}

static void add(struct table_writer *w, const char *name, const json_t *j)
{
    switch (json_typeof(j)) {
    case JSON_OBJECT:
    case JSON_ARRAY:
        add_nested(w, name, j);
        break;
    case JSON_STRING:
        table_writer_text(w, name, json_text(j));
        break;
    case JSON_INTEGER:
        table_writer_long(w, name, json_integer_value(j));
        break;
    case JSON_REAL:
        table_writer_double(w, name, json_real_value(j));
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        table_writer_bool(w, name, json_is_true(j));
        break;
    case JSON_NULL:
        table_writer_void(w, name);
        break;
    }
}

int json_to_table(const json_t *object, struct buf *area, struct table *out)
{
    struct table_writer w;

    if (!json_is_object(object))
        return ERR_INVALID;
    buf_clear(area);
    table_writer_init(&w, area);
    add_members(&w, object);
    return table_writer_finish(&w, out) == 0 ? 0 : ERR_RANGE;
}
