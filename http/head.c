/* Reading heads of requests. */
#include "http/head.h"

#include <string.h>

#include "base/err.h"
#include "base/parse.h"

enum { METHOD_MAX = 32 };

bool http_is_token(uint8_t c)
{
    if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'))
        return true;
    return c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL;
}

static bool is_token_all(struct bytes b)
{
    for (size_t i = 0; i < b.size; i++)
        if (!http_is_token(b.data[i]))
            return false;
    return b.size > 0;
}

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 'a' - 'A') : c;
}

bool http_same_name(struct bytes a, struct bytes b)
{
    if (a.size != b.size)
        return false;
    for (size_t i = 0; i < a.size; i++)
        if (lower(a.data[i]) != lower(b.data[i]))
            return false;
    return true;
}

static struct bytes trim(struct bytes b)
{
    while (b.size > 0 && (b.data[0] == ' ' || b.data[0] == '\t'))
        b = bytes_of(b.data + 1, b.size - 1);
    while (b.size > 0 && (b.data[b.size - 1] == ' ' || b.data[b.size - 1] == '\t'))
        b.size--;
    return b;
}

bool http_list_has(struct bytes value, const char *word)
{
    while (value.size > 0) {
        const uint8_t *comma = memchr(value.data, ',', value.size);
        size_t size = comma == NULL ? value.size : (size_t)(comma - value.data);

        if (http_same_name(trim(bytes_of(value.data, size)), bytes_text(word)))
            return true;
        size += comma != NULL;
        value = bytes_of(value.data + size, value.size - size);
    }
    return false;
}

/* ---- where it ends ---- */

static int refuse_scan(int *status, int code)
{
    *status = code;
    return ERR_INVALID;
}

int http_head_scan(struct http_scan *scan, struct bytes in, size_t *size, int *status)
{
    if (in.size > 0 && !http_is_token(in.data[0]))
        return refuse_scan(status, 400);
    for (; scan->at < in.size; scan->at++) {
        bool is_end = in.data[scan->at] == '\n';

        if (is_end && (scan->at == 0 || in.data[scan->at - 1] != '\r'))
            return refuse_scan(status, 400);
        if (scan->at >= HTTP_HEAD_MAX)
            return refuse_scan(status, 431);
        if (scan->line == 0 && scan->at >= HTTP_TARGET_MAX + METHOD_MAX)
            return refuse_scan(status, 414);
        if (!is_end)
            continue;
        if (scan->at - scan->line == 1) {
            *size = scan->at + 1;
            return 0;
        }
        scan->line = scan->at + 1;
    }
    return ERR_AGAIN;
}

/* ---- the first line ---- */

static bool is_target(struct bytes b)
{
    for (size_t i = 0; i < b.size; i++)
        if (b.data[i] <= ' ' || b.data[i] > '~' || b.data[i] == '#')
            return false;
    return b.size > 0;
}

/* Takes what stands before the next space off the line. */
static bool take_word(struct bytes *line, struct bytes *word)
{
    const uint8_t *space = line->size == 0 ? NULL : memchr(line->data, ' ', line->size);

    if (space == NULL)
        return false;
    *word = bytes_of(line->data, (size_t)(space - line->data));
    *line = bytes_of(space + 1, line->size - word->size - 1);
    return true;
}

static int read_version(struct bytes b, struct http_head *out)
{
    if (b.size != 8 || memcmp(b.data, "HTTP/", 5) != 0 || b.data[6] != '.')
        return 400;
    if (b.data[5] != '1' || (b.data[7] != '0' && b.data[7] != '1'))
        return 505;
    out->is_1_0 = b.data[7] == '0';
    return 0;
}

static int read_first_line(struct bytes line, struct http_head *out)
{
    struct bytes method;

    if (!take_word(&line, &method) || !is_token_all(method))
        return 400;
    if (!take_word(&line, &out->target) || !is_target(out->target))
        return 400;
    if (out->target.size > HTTP_TARGET_MAX)
        return 414;
    out->method = http_method_of(method);
    return read_version(line, out);
}

/* ---- fields ---- */

static bool is_value(struct bytes b)
{
    for (size_t i = 0; i < b.size; i++)
        if ((b.data[i] < ' ' && b.data[i] != '\t') || b.data[i] == 0x7f)
            return false;
    return true;
}

static int read_field(struct bytes line, struct http_head *out)
{
    const uint8_t *colon = memchr(line.data, ':', line.size);
    struct http_field *f = &out->fields[out->field_count];

    if (colon == NULL)
        return 400;
    if (out->field_count == HTTP_FIELDS_MAX)
        return 431;
    f->name = bytes_of(line.data, (size_t)(colon - line.data));
    f->value = trim(bytes_of(colon + 1, line.size - f->name.size - 1));
    if (!is_token_all(f->name) || !is_value(f->value))
        return 400;
    out->field_count++;
    return 0;
}

/* How many fields have that name; *value is the last one's. */
static size_t count_fields(const struct http_head *h, const char *name, struct bytes *value)
{
    size_t count = 0;

    for (size_t i = 0; i < h->field_count; i++) {
        if (!http_same_name(h->fields[i].name, bytes_text(name)))
            continue;
        *value = h->fields[i].value;
        count++;
    }
    return count;
}

bool http_head_find(const struct http_head *h, const char *name, struct bytes *value)
{
    for (size_t i = 0; i < h->field_count; i++) {
        if (!http_same_name(h->fields[i].name, bytes_text(name)))
            continue;
        *value = h->fields[i].value;
        return true;
    }
    return false;
}

/* How long the body is, and by what it ends. */
static int read_framing(struct http_head *out)
{
    struct bytes value = {0};
    size_t lengths = count_fields(out, "content-length", &value);

    if (lengths > 1)
        return 400;
    out->has_length = lengths == 1;
    if (out->has_length && parse_u64(value, 0, INT64_MAX, &out->content_length) != 0)
        return 400;
    size_t codings = count_fields(out, "transfer-encoding", &value);
    if (codings == 0)
        return 0;
    if (codings > 1 || out->has_length || out->is_1_0)
        return 400;
    if (!http_same_name(value, bytes_text("chunked")))
        return 501;
    out->is_chunked = true;
    return 0;
}

static int read_wishes(struct http_head *out)
{
    struct bytes value = {0};
    size_t hosts = count_fields(out, "host", &value);

    if (hosts > 1 || (hosts == 0 && !out->is_1_0))
        return 400;
    out->is_keep_alive = !out->is_1_0;
    for (size_t i = 0; i < out->field_count; i++) {
        if (!http_same_name(out->fields[i].name, bytes_text("connection")))
            continue;
        if (out->is_1_0 && http_list_has(out->fields[i].value, "keep-alive"))
            out->is_keep_alive = true;
        if (http_list_has(out->fields[i].value, "close")) {
            out->is_keep_alive = false;
            break;
        }
    }
    if (!out->is_1_0 && http_head_find(out, "expect", &value)) {
        if (!http_same_name(value, bytes_text("100-continue")))
            return 417;
        out->wants_continue = true;
    }
    return 0;
}

int http_head_read(struct bytes in, struct http_head *out)
{
    bool is_first = true;
    int status = 0;

    memset(out, 0, sizeof(*out));
    while (status == 0) {
        const uint8_t *end = in.size == 0 ? NULL : memchr(in.data, '\n', in.size);

        if (end == NULL || end == in.data || end[-1] != '\r')
            return 400;
        struct bytes line = bytes_of(in.data, (size_t)(end - in.data) - 1);
        in = bytes_of(end + 1, in.size - line.size - 2);
        if (line.size == 0)
            break;
        status = is_first ? read_first_line(line, out) : read_field(line, out);
        is_first = false;
    }
    if (status == 0 && is_first)
        status = 400;
    if (status == 0)
        status = read_framing(out);
    return status == 0 ? read_wishes(out) : status;
}
