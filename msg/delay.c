/* Reading and negating x-delay, reading x-deliver-at. */
#include "msg/delay.h"

#include "base/err.h"
#include "base/parse.h"
#include "msg/table_writer.h"

enum { MS_PER_S = 1000 };

static const struct bytes span_name = {(const uint8_t *)"x-delay", 7};
static const struct bytes date_name = {(const uint8_t *)"x-deliver-at", 12};

static int64_t clamp(int64_t ms)
{
    if (ms > DELAY_MAX_MS)
        return DELAY_MAX_MS;
    return ms < -DELAY_MAX_MS ? -DELAY_MAX_MS : ms;
}

static bool read_real(const struct field *f, int64_t *out)
{
    double value;

    if (!field_as_real(f, &value) || !(value == value)) /* not a number */
        return false;
    if (value >= (double)DELAY_MAX_MS)
        *out = DELAY_MAX_MS;
    else
        *out = value <= -(double)DELAY_MAX_MS ? -DELAY_MAX_MS : (int64_t)value;
    return true;
}

static bool read_decimal(const struct field *f, int64_t *out)
{
    uint8_t scale;
    uint32_t value;

    if (!field_as_decimal(f, &scale, &value))
        return false;
    for (; scale > 0 && value > 0; scale--)
        value /= 10;
    *out = value;
    return true;
}

static bool read_text(const struct field *f, int64_t *out)
{
    struct bytes text;
    int rv;

    if (!field_as_text(f, &text))
        return false;
    rv = parse_i64(text, INT64_MIN, INT64_MAX, out);
    if (rv == ERR_RANGE)
        *out = text.data[0] == '-' ? -DELAY_MAX_MS : DELAY_MAX_MS;
    return rv == 0 || rv == ERR_RANGE;
}

static bool read_span(const struct field *f, int64_t *out)
{
    if (!field_as_integer(f, out) && !read_text(f, out) && !read_real(f, out) &&
        !read_decimal(f, out))
        return false;
    *out = clamp(*out);
    return true;
}

static bool read_date(const struct field *f, int64_t *out)
{
    uint64_t time_s;

    if (field_as_time(f, &time_s)) {
        *out =
            time_s > (uint64_t)DELAY_MAX_MS / MS_PER_S ? DELAY_MAX_MS : (int64_t)time_s * MS_PER_S;
        return true;
    }
    if (!field_as_integer(f, out))
        return false;
    *out = clamp(*out);
    return true;
}

bool delay_is_span(const struct field *f)
{
    int64_t ms;

    return read_span(f, &ms);
}

bool delay_is_date(const struct field *f)
{
    int64_t ms;

    return read_date(f, &ms);
}

struct delay delay_of_headers(struct table headers)
{
    struct delay d = {.kind = DELAY_NONE};
    struct field f;

    if (table_find(headers, span_name, &f)) {
        if (read_span(&f, &d.ms) && d.ms > 0)
            d.kind = DELAY_SPAN;
    } else if (table_find(headers, date_name, &f) && read_date(&f, &d.ms)) {
        d.kind = DELAY_DATE;
    }
    return d;
}

void delay_write_over(struct table headers, struct buf *out)
{
    uint8_t room[sizeof("x-delay") + 1 + sizeof(int64_t)];
    struct writer w = writer_of(room, sizeof(room));
    struct table set = {{NULL, 0}};
    struct field f;
    int64_t ms;

    if (table_find(headers, span_name, &f) && read_span(&f, &ms) && ms > 0) {
        bool is_short = ms <= INT32_MAX;

        writer_u8(&w, (uint8_t)span_name.size);
        writer_bytes(&w, span_name);
        writer_u8(&w, is_short ? FIELD_INT : FIELD_LONG);
        if (is_short)
            writer_be32(&w, (uint32_t)-ms);
        else
            writer_be64(&w, (uint64_t)-ms);
        set.bytes = writer_view(&w);
    }
    table_rewrite(headers, set, NULL, 0, out);
}
