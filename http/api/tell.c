/* Writing JSON. */
#include "http/api/tell.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

void tell_init(struct tell *t, struct buf *out, const struct tell_columns *columns)
{
    memset(t, 0, sizeof(*t));
    t->out = out;
    t->columns = columns;
}

/* ---- what is left out ---- */

static bool is_prefix(struct bytes path, struct bytes of)
{
    return path.size <= of.size && memcmp(path.data, of.data, path.size) == 0 &&
           (path.size == of.size || of.data[path.size] == '.');
}

/* A path is kept with its columns, with what is in a column, and on the way to one. */
static bool is_kept(const struct tell *t, struct bytes path)
{
    if (t->columns == NULL || t->columns->count == 0)
        return true;
    for (size_t i = 0; i < t->columns->count; i++)
        if (is_prefix(path, t->columns->paths[i]) || is_prefix(t->columns->paths[i], path))
            return true;
    return false;
}

/* ---- names ---- */

/* How many bytes at the front stand for themselves. */
static size_t plain_size(struct bytes text)
{
    size_t size = 0;

    while (size < text.size && text.data[size] >= ' ' && text.data[size] < 0x7f &&
           text.data[size] != '"' && text.data[size] != '\\')
        size++;
    return size;
}

static void put_escaped(struct buf *out, struct bytes text)
{
    buf_u8(out, '"');
    while (text.size > 0) {
        size_t plain = plain_size(text);
        size_t size = plain > 0 ? plain : utf8_character_size(text);
        uint8_t c = text.data[0];

        if (plain > 0)
            buf_bytes(out, bytes_of(text.data, plain));
        else if (size == 0)
            buf_text(out, "\\ufffd");
        else if (c == '"' || c == '\\')
            buf_text(out, "\\%c", c);
        else if (c < ' ' || c == 0x7f)
            buf_text(out, "\\u%04x", c);
        else
            buf_bytes(out, bytes_of(text.data, size));
        size = size == 0 ? 1 : size;
        text = bytes_of(text.data + size, text.size - size);
    }
    buf_u8(out, '"');
}

static void put_comma(struct tell *t)
{
    if (t->depth > 0 && t->has_item[t->depth - 1])
        buf_u8(t->out, ',');
    if (t->depth > 0)
        t->has_item[t->depth - 1] = true;
}

/* The path of the value that follows; one that is too long is cut, and then fits no column. */
static void extend_path(struct tell *t, struct bytes name)
{
    size_t at = t->depth == 0 ? 0 : t->path_sizes[t->depth - 1];

    if (at > 0 && at < TELL_PATH_MAX)
        t->path[at++] = '.';
    if (name.size > TELL_PATH_MAX - at)
        name.size = TELL_PATH_MAX - at;
    if (name.size > 0)
        memcpy(t->path + at, name.data, name.size);
    t->path_size = at + name.size;
}

void tell_name(struct tell *t, struct bytes name)
{
    bool has_columns = t->columns != NULL && t->columns->count > 0;

    if (t->muted > 0)
        return;
    if (has_columns || t->wanted.size > 0) {
        extend_path(t, name);
        struct bytes path = bytes_of(t->path, t->path_size);
        t->is_wanted = t->wanted.size > 0 && bytes_equal(path, t->wanted);
        t->is_skipping = !is_kept(t, path);
    }
    if (t->is_skipping)
        return;
    put_comma(t);
    put_escaped(t->out, name);
    buf_u8(t->out, ':');
}

/* Before each value. False: it is left out. */
static bool start_value(struct tell *t, const char *name)
{
    bool is_skipping;

    if (t->muted > 0)
        return false;
    if (name != NULL)
        tell_name(t, bytes_text(name));
    else if (t->depth > 0 && t->is_array[t->depth - 1])
        put_comma(t);
    is_skipping = t->is_skipping;
    t->is_skipping = false;
    return !is_skipping;
}

static void meet(struct tell *t, struct tell_value value)
{
    if (t->is_wanted)
        t->met = value;
    t->is_wanted = false;
}

/* ---- objects and arrays ---- */

static void start(struct tell *t, const char *name, bool is_array)
{
    bool is_kept_one = start_value(t, name);

    ASSERT(t->depth < TELL_DEPTH_MAX);
    t->is_wanted = false;
    t->has_item[t->depth] = false;
    t->is_array[t->depth] = is_array;
    /* Things in an array, and the outermost, have the path of what they are in. */
    t->path_sizes[t->depth] = t->depth == 0               ? 0
                              : t->is_array[t->depth - 1] ? t->path_sizes[t->depth - 1]
                                                          : t->path_size;
    t->depth++;
    if (is_kept_one)
        buf_u8(t->out, is_array ? '[' : '{');
    else if (t->muted == 0)
        t->muted = t->depth;
}

void tell_object(struct tell *t, const char *name)
{
    start(t, name, false);
}

void tell_array(struct tell *t, const char *name)
{
    start(t, name, true);
}

void tell_end(struct tell *t)
{
    ASSERT(t->depth > 0);
    if (t->muted == 0)
        buf_u8(t->out, t->is_array[t->depth - 1] ? ']' : '}');
    if (t->muted == t->depth)
        t->muted = 0;
    t->depth--;
}

/* ---- values ---- */

void tell_text(struct tell *t, const char *name, struct bytes value)
{
    bool is_written = start_value(t, name);

    meet(t, (struct tell_value){.kind = TELL_STRING, .text = value});
    if (is_written)
        put_escaped(t->out, value);
}

void tell_string(struct tell *t, const char *name, const char *value)
{
    tell_text(t, name, bytes_text(value));
}

void tell_uint(struct tell *t, const char *name, uint64_t value)
{
    bool is_written = start_value(t, name);

    meet(t, (struct tell_value){.kind = TELL_NUMBER, .number = (double)value});
    if (is_written)
        buf_text(t->out, "%" PRIu64, value);
}

void tell_int(struct tell *t, const char *name, int64_t value)
{
    bool is_written = start_value(t, name);

    meet(t, (struct tell_value){.kind = TELL_NUMBER, .number = (double)value});
    if (is_written)
        buf_text(t->out, "%" PRId64, value);
}

/* Always with a point or an exponent, as a number that may have a fraction. */
void tell_real(struct tell *t, const char *name, double value)
{
    bool is_written = start_value(t, name);
    char text[40];

    meet(t, (struct tell_value){.kind = TELL_NUMBER, .number = value});
    if (!is_written)
        return;
    if (!isfinite(value)) {
        buf_text(t->out, "null");
        return;
    }
    (void)snprintf(text, sizeof(text), "%.15g", value);
    buf_text(t->out, "%s%s", text, strpbrk(text, ".e") == NULL ? ".0" : "");
}

void tell_bool(struct tell *t, const char *name, bool value)
{
    bool is_written = start_value(t, name);

    meet(t, (struct tell_value){.kind = TELL_NUMBER, .number = value});
    if (is_written)
        buf_text(t->out, value ? "true" : "false");
}

void tell_null(struct tell *t, const char *name)
{
    if (start_value(t, name))
        buf_text(t->out, "null");
}

void tell_raw(struct tell *t, const char *name, struct bytes text)
{
    if (start_value(t, name))
        buf_bytes(t->out, text);
}
