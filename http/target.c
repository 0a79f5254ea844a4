/* Taking targets apart. */
#include "http/target.h"

#include <string.h>

#include "base/utf8.h"

static int hex(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* Decodes into the area. What is decoded is never longer, so there is room. */
static bool decode(struct http_target *t, struct bytes in, bool plus_is_space, struct bytes *out)
{
    uint8_t *start = t->area + t->area_size;
    size_t size = 0;

    for (size_t i = 0; i < in.size; i++) {
        uint8_t c = in.data[i];

        if (c == '%') {
            int high = in.size - i > 2 ? hex(in.data[i + 1]) : -1;
            int low = in.size - i > 2 ? hex(in.data[i + 2]) : -1;

            if (high < 0 || low < 0 || high + low == 0)
                return false;
            c = (uint8_t)(high << 4 | low);
            i += 2;
        } else if (c == '+' && plus_is_space) {
            c = ' ';
        }
        ASSERT(t->area_size + size < sizeof(t->area));
        start[size++] = c;
    }
    *out = bytes_of(start, size);
    t->area_size += size;
    return utf8_valid(*out);
}

/* Takes what stands before the next `mark` off the front. */
static struct bytes take_until(struct bytes *rest, uint8_t mark, bool *has_mark)
{
    const uint8_t *at = rest->size == 0 ? NULL : memchr(rest->data, mark, rest->size);
    struct bytes part = bytes_of(rest->data, at == NULL ? rest->size : (size_t)(at - rest->data));

    *has_mark = at != NULL;
    *rest = bytes_of(rest->data + part.size + *has_mark, rest->size - part.size - *has_mark);
    return part;
}

static int read_path(struct http_target *t)
{
    struct bytes rest = bytes_of(t->path.data + 1, t->path.size - 1);
    bool has_more = true;

    while (has_more) {
        struct bytes part = take_until(&rest, '/', &has_more);

        if (!has_more && part.size == 0) {
            t->ends_with_slash = true;
            break;
        }
        if (t->segment_count == HTTP_SEGMENTS_MAX)
            return 404;
        if (!decode(t, part, false, &t->segments[t->segment_count++]))
            return 400;
    }
    return 0;
}

static int read_query(struct http_target *t, struct bytes rest)
{
    while (rest.size > 0) {
        bool has_mark = false;
        struct bytes value = take_until(&rest, '&', &has_mark);
        struct bytes name = take_until(&value, '=', &has_mark);

        if (name.size == 0)
            continue;
        if (t->parameter_count == HTTP_PARAMETERS_MAX)
            return 400;
        struct http_parameter *p = &t->parameters[t->parameter_count++];
        if (!decode(t, name, true, &p->name) || !decode(t, value, true, &p->value))
            return 400;
    }
    return 0;
}

/* "http://host:port/path": what a proxy is sent; the host is ours whatever it says. */
static struct bytes without_host(struct bytes target)
{
    static const char *const schemes[] = {"http://", "https://"};

    for (size_t i = 0; i < ARRAY_SIZE(schemes); i++) {
        size_t size = strlen(schemes[i]);

        if (target.size <= size || memcmp(target.data, schemes[i], size) != 0)
            continue;
        const uint8_t *slash = memchr(target.data + size, '/', target.size - size);
        if (slash != NULL)
            return bytes_of(slash, target.size - (size_t)(slash - target.data));
    }
    return target;
}

int http_target_read(struct bytes target, struct http_target *out)
{
    bool has_query = false;
    int status = 0;

    out->segment_count = 0;
    out->parameter_count = 0;
    out->ends_with_slash = false;
    out->area_size = 0;
    ASSERT(target.size > 0 && target.size <= HTTP_TARGET_MAX);
    target = without_host(target);
    if (target.data[0] != '/')
        return 400;
    out->path = take_until(&target, '?', &has_query);
    status = read_path(out);
    return status == 0 ? read_query(out, target) : status;
}

bool http_target_find(const struct http_target *t, const char *name, struct bytes *value)
{
    for (size_t i = t->parameter_count; i > 0; i--) {
        if (!bytes_equal(t->parameters[i - 1].name, bytes_text(name)))
            continue;
        *value = t->parameters[i - 1].value;
        return true;
    }
    return false;
}
