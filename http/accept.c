/* The field "accept", read from left to right; what is well formed is RFC 9110's. */
#include "http/accept.h"

#include <string.h>

/* Each takes off the front of `in`, which is what is left of a list. */

static bool is_at(const struct bytes *in, char c)
{
    return in->size > 0 && in->data[0] == (uint8_t)c;
}

static void skip(struct bytes *in, size_t size)
{
    ASSERT(size <= in->size);
    *in = bytes_of(in->data + size, in->size - size);
}

static bool take(struct bytes *in, char c)
{
    bool is_there = is_at(in, c);

    if (is_there)
        skip(in, 1);
    return is_there;
}

static void skip_spaces(struct bytes *in)
{
    while (is_at(in, ' ') || is_at(in, '\t'))
        skip(in, 1);
}

/* False: there is none. */
static bool take_token(struct bytes *in, struct bytes *out)
{
    size_t size = 0;

    while (size < in->size && http_is_token(in->data[size]))
        size++;
    *out = bytes_of(in->data, size);
    skip(in, size);
    return size > 0;
}

/* What follows the first quotation mark. */
static bool take_quoted(struct bytes *in)
{
    while (in->size > 0 && !is_at(in, '"')) {
        (void)take(in, '\\');
        if (in->size == 0)
            return false;
        skip(in, 1);
    }
    return take(in, '"');
}

/* 0 to 1, with three digits at most behind the point. */
static bool is_quality(struct bytes b)
{
    bool is_one = b.size > 0 && b.data[0] == '1';

    if (b.size == 0 || b.size > 5 || (b.data[0] != '0' && !is_one))
        return false;
    if (b.size > 1 && b.data[1] != '.')
        return false;
    for (size_t i = 2; i < b.size; i++)
        if (b.data[i] < '0' || b.data[i] > (is_one ? '0' : '9'))
            return false;
    return true;
}

/* What follows the semicolon. Behind the quality a name may stand alone. */
static bool take_parameter(struct bytes *in, bool *has_quality)
{
    struct bytes name;
    struct bytes value = {0};

    skip_spaces(in);
    if (!take_token(in, &name))
        return false;
    if (!take(in, '='))
        return *has_quality;
    if (take(in, '"'))
        return take_quoted(in);
    if (!take_token(in, &value))
        return false;
    if (*has_quality || !http_same_name(name, bytes_text("q")))
        return true;
    *has_quality = true;
    return is_quality(value);
}

/* A range with its parameters, up to the comma. */
static bool take_range(struct bytes *in, struct bytes *kind, struct bytes *form)
{
    bool has_quality = false;

    if (!take_token(in, kind) || !take(in, '/') || !take_token(in, form))
        return false;
    skip_spaces(in);
    while (take(in, ';')) {
        if (!take_parameter(in, &has_quality))
            return false;
        skip_spaces(in);
    }
    return in->size == 0 || is_at(in, ',');
}

static bool admits(struct bytes kind, struct bytes form, struct bytes type)
{
    const uint8_t *slash = memchr(type.data, '/', type.size);
    size_t size = (size_t)(slash - type.data);
    bool is_any = bytes_equal(form, bytes_text("*"));

    if (bytes_equal(kind, bytes_text("*")))
        return is_any;
    return http_same_name(kind, bytes_of(type.data, size)) &&
           (is_any || http_same_name(form, bytes_of(slash + 1, type.size - size - 1)));
}

/* One field. *has_any becomes true with its first range, *is_taken with one that admits. */
static bool read_list(struct bytes list, struct bytes type, bool *has_any, bool *is_taken)
{
    while (list.size > 0) {
        struct bytes kind;
        struct bytes form;

        skip_spaces(&list);
        if (list.size == 0 || take(&list, ','))
            continue;
        if (!take_range(&list, &kind, &form))
            return false;
        *has_any = true;
        *is_taken = *is_taken || admits(kind, form, type);
    }
    return true;
}

enum http_accept http_accept(const struct http_head *h, const char *type)
{
    bool has_any = false;
    bool is_taken = false;

    ASSERT(strchr(type, '/') != NULL);
    for (size_t i = 0; i < h->field_count; i++) {
        const struct http_field *f = &h->fields[i];

        if (!http_same_name(f->name, bytes_text("accept")))
            continue;
        if (!read_list(f->value, bytes_text(type), &has_any, &is_taken))
            return HTTP_GARBLED;
    }
    return is_taken || !has_any ? HTTP_ACCEPTED : HTTP_UNACCEPTED;
}
