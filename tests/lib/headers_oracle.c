/* See headers_oracle.h. */
#include "tests/lib/headers_oracle.h"

static bool is_skipped(struct bytes name, bool with_x)
{
    if (with_x)
        return bytes_equal(name, bytes_text("x-match"));
    return name.size >= 2 && name.data[0] == 'x' && name.data[1] == '-';
}

/* Whether a later entry has the same name: the last one counts. */
static bool is_replaced(struct table arguments, const struct table_entry *e)
{
    struct field last;

    return table_find(arguments, e->name, &last) && last.bytes.data != e->value.bytes.data;
}

bool oracle_headers(struct table arguments, struct table headers)
{
    struct bytes mode = bytes_text("all");
    struct field f;
    struct table_walk w = table_walk(arguments);
    struct table_entry e;

    if (table_find(arguments, bytes_text("x-match"), &f))
        (void)field_as_text(&f, &mode);

    bool is_any = mode.size > 1 && mode.data[1] == 'n';
    bool with_x = mode.size > 3;

    while (table_next(&w, &e)) {
        bool is_met = false;

        if (is_skipped(e.name, with_x) || is_replaced(arguments, &e))
            continue;
        if (table_find(headers, e.name, &f))
            is_met = e.value.type == FIELD_VOID || field_equal(&e.value, &f);
        if (is_met == is_any)
            return is_any;
    }
    return !is_any;
}
