/* Types that only wrap another one. */
#include "exchange/manner.h"

static const char delayed_type[] = "x-delayed-message";

/* The type behind a delayed exchange; it must be one that routes by itself. */
static int read_delayed_type(const struct exchange_spec *spec, struct manner *out,
                             struct err_note *note)
{
    struct bytes name;
    struct field f;

    if (table_find(spec->arguments, bytes_text("x-delayed-type"), &f) && field_as_text(&f, &name))
        out->kind = kind_find(name);
    if (out->kind == NULL)
        return err_note(note, ERR_INVALID,
                        "Invalid argument, 'x-delayed-type' must be an existing exchange type");
    out->type = delayed_type;
    out->is_delayed = true;
    return 0;
}

static int read_delayed_argument(const struct exchange_spec *spec, struct manner *out,
                                 struct err_note *note)
{
    struct field f;

    if (!table_find(spec->arguments, bytes_text("x-delayed-exchange"), &f))
        return 0;
    if (!field_as_bool(&f, &out->is_delayed))
        return err_note(note, ERR_INVALID,
                        "Invalid argument, 'x-delayed-exchange' must be true or false");
    return 0;
}

int manner_read(const struct exchange_spec *spec, struct manner *out, struct err_note *note)
{
    struct manner m = {0};
    int rv = 0;

    if (bytes_equal(spec->type, bytes_text(delayed_type))) {
        rv = read_delayed_type(spec, &m, note);
    } else {
        m.kind = kind_find(spec->type);
        if (m.kind == NULL)
            return err_note(note, ERR_INVALID, "unknown exchange type '%.*s'", (int)spec->type.size,
                            (const char *)spec->type.data);
        m.type = m.kind->name;
        rv = read_delayed_argument(spec, &m, note);
    }
    if (rv == 0)
        *out = m;
    return rv;
}

bool exchange_type_is_known(struct bytes type)
{
    return kind_find(type) != NULL || bytes_equal(type, bytes_text(delayed_type));
}
