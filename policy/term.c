/* Values as Erlang writes them. */
#include "policy/term.h"

#include <inttypes.h>

#include "msg/table.h"

static void write_text(struct buf *out, struct bytes text)
{
    buf_text(out, "<<\"");
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == '"' || text.data[i] == '\\')
            buf_u8(out, '\\');
        buf_u8(out, text.data[i] < ' ' ? '?' : text.data[i]);
    }
    buf_text(out, "\">>");
}

static void write_array(struct buf *out, struct array a)
{
    struct array_walk w = array_walk(a);
    struct field f;
    const char *before = "[";

    while (array_next(&w, &f)) {
        buf_text(out, "%s", before);
        term_write(out, &f);
        before = ",";
    }
    buf_text(out, "%s", before[0] == '[' ? "[]" : "]");
}

static void write_table(struct buf *out, struct table t)
{
    struct table_walk w = table_walk(t);
    struct table_entry e;
    const char *before = "#{";

    while (table_next(&w, &e)) {
        buf_text(out, "%s", before);
        write_text(out, e.name);
        buf_text(out, " => ");
        term_write(out, &e.value);
        before = ",";
    }
    buf_text(out, "%s", before[0] == '#' ? "#{}" : "}");
}

void term_write(struct buf *out, const struct field *f)
{
    struct bytes text;
    struct array array;
    struct table table;
    int64_t number = 0;
    double real = 0;
    bool is_true = false;

    if (field_as_text(f, &text) || field_as_binary(f, &text))
        write_text(out, text);
    else if (field_as_integer(f, &number))
        buf_text(out, "%" PRId64, number);
    else if (field_as_bool(f, &is_true))
        buf_text(out, "%s", is_true ? "true" : "false");
    else if (field_as_real(f, &real))
        buf_text(out, "%g", real);
    else if (field_as_array(f, &array))
        write_array(out, array);
    else if (field_as_table(f, &table))
        write_table(out, table);
    else
        buf_text(out, "%s", f->type == FIELD_VOID ? "null" : field_type_name(f));
}
