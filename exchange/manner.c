/* Types that only wrap another one. */
#include "exchange/manner.h"

#include "base/parse.h"

#define CACHE_MAX UINT64_C(10000000)

enum { CACHE_DEFAULT = 128 };

static const char delayed_type[] = "x-delayed-message";
static const char dedup_type[] = "x-message-deduplication";

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

/* ---- duplicates ---- */

/* An integer above 0, which may be text. False: it is there and none. */
static bool read_positive(struct table arguments, const char *name, uint64_t *out)
{
    struct bytes text;
    struct field f;
    int64_t value = 0;

    if (!table_find(arguments, bytes_text(name), &f))
        return true;
    if (!field_as_integer(&f, &value) &&
        (!field_as_text(&f, &text) || parse_i64(text, 1, INT64_MAX, &value) != 0))
        return false;
    *out = value > 0 ? (uint64_t)value : 0;
    return value > 0;
}

static bool is_persistence(struct table arguments)
{
    struct bytes text;
    struct field f;

    if (!table_find(arguments, bytes_text("x-cache-persistence"), &f))
        return true;
    return field_as_text(&f, &text) &&
           (bytes_equal(text, bytes_text("disk")) || bytes_equal(text, bytes_text("memory")));
}

static int read_cache(const struct exchange_spec *spec, uint64_t usual, struct manner *out,
                      struct err_note *note)
{
    struct exchange_cache cache = {.count_max = usual, .ttl_ms = UINT64_MAX};

    if (!read_positive(spec->arguments, "x-cache-size", &cache.count_max) || cache.count_max == 0)
        return err_note(note, ERR_INVALID,
                        "Missing or invalid argument, 'x-cache-size' must be an integer greater "
                        "than 0");
    if (cache.count_max > CACHE_MAX)
        return err_note(note, ERR_INVALID,
                        "Invalid argument, 'x-cache-size' must not be greater than %llu",
                        (unsigned long long)CACHE_MAX);
    if (!read_positive(spec->arguments, "x-cache-ttl", &cache.ttl_ms))
        return err_note(note, ERR_INVALID,
                        "Invalid argument, 'x-cache-ttl' must be an integer greater than 0");
    if (!is_persistence(spec->arguments))
        return err_note(note, ERR_INVALID,
                        "Invalid argument, 'x-cache-persistence' must be either 'disk' or "
                        "'memory'");
    out->cache = cache;
    return 0;
}

static int read_dedup_argument(const struct exchange_spec *spec, struct manner *out,
                               struct err_note *note)
{
    struct field f;
    bool is_on = false;

    if (!table_find(spec->arguments, bytes_text("x-message-deduplication"), &f))
        return 0;
    if (!field_as_bool(&f, &is_on))
        return err_note(note, ERR_INVALID,
                        "Invalid argument, 'x-message-deduplication' must be true or false");
    return is_on ? read_cache(spec, CACHE_DEFAULT, out, note) : 0;
}

int manner_read(const struct exchange_spec *spec, struct manner *out, struct err_note *note)
{
    struct manner m = {0};
    int rv = 0;

    if (bytes_equal(spec->type, bytes_text(delayed_type))) {
        rv = read_delayed_type(spec, &m, note);
        if (rv == 0)
            rv = read_dedup_argument(spec, &m, note);
    } else if (bytes_equal(spec->type, bytes_text(dedup_type))) {
        m.kind = &fanout_kind;
        m.type = dedup_type;
        rv = read_cache(spec, 0, &m, note);
        if (rv == 0)
            rv = read_delayed_argument(spec, &m, note);
    } else {
        m.kind = kind_find(spec->type);
        if (m.kind == NULL)
            return err_note(note, ERR_INVALID, "unknown exchange type '%.*s'", (int)spec->type.size,
                            (const char *)spec->type.data);
        m.type = m.kind->name;
        rv = read_delayed_argument(spec, &m, note);
        if (rv == 0)
            rv = read_dedup_argument(spec, &m, note);
    }
    if (rv == 0)
        *out = m;
    return rv;
}

bool exchange_type_is_known(struct bytes type)
{
    return kind_find(type) != NULL || bytes_equal(type, bytes_text(delayed_type)) ||
           bytes_equal(type, bytes_text(dedup_type));
}
