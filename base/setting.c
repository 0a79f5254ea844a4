/* Settings from text and back. Each kind has one function that reads and one case that
 * shows. */
#include "base/setting.h"

#include <inttypes.h>
#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/units.h"

enum {
    QUOTED_MAX = 120, /* of a value in an error's sentence */
    SHARE_DIGITS = 6, /* of a share, behind its point */
};

struct scale {
    const char *name;
    uint64_t factor;
};

/* Largest first; the first that divides a value without rest is used to show it. */
static const struct scale size_scales[] = {
    {"TiB", TIB}, {"GiB", GIB}, {"MiB", MIB}, {"KiB", KIB},
    {"GB", GB},   {"MB", MB},   {"kB", KB},   {"", 1},
};

static const struct scale duration_scales[] = {
    {"d", DAY_MS}, {"h", HOUR_MS}, {"m", MINUTE_MS}, {"s", SECOND_MS}, {"ms", 1},
};

static void *field_of(const struct setting *s, void *options)
{
    ASSERT(s->name != NULL && options != NULL);
    return (char *)options + s->offset;
}

/* Reading */

static bool has_bounds(const struct setting *s)
{
    return s->min != 0 || s->max != 0;
}

/* Bounds of the kinds that have no sign. */
static uint64_t lowest(const struct setting *s)
{
    ASSERT(s->min >= 0);
    return (uint64_t)s->min;
}

static uint64_t highest(const struct setting *s)
{
    ASSERT(s->max >= s->min);
    return has_bounds(s) ? (uint64_t)s->max : UINT64_MAX;
}

static int read_int(const struct setting *s, struct bytes text, int64_t *out)
{
    bool is_bounded = has_bounds(s);

    return parse_i64(text, is_bounded ? s->min : INT64_MIN, is_bounded ? s->max : INT64_MAX, out);
}

static int read_choice(const struct setting *s, struct bytes text, int *out)
{
    for (int i = 0; s->choices[i] != NULL; i++) {
        if (bytes_equal(text, bytes_text(s->choices[i]))) {
            *out = i;
            return 0;
        }
    }
    return ERR_INVALID;
}

static uint64_t highest_share(const struct setting *s)
{
    ASSERT(s->min == 0 && s->max >= 0);
    return s->max > 0 ? (uint64_t)s->max : 1;
}

/* 0, 1, 0.6, 1.0, 12.5: at most SHARE_DIGITS digits behind the point. */
static int read_share(const struct setting *s, struct bytes text, double *out)
{
    static const double scales[SHARE_DIGITS + 1] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6};
    uint64_t whole = 0;
    uint64_t part = 0;
    uint64_t most = highest_share(s);
    size_t digits = 0;
    size_t point = 0;
    int rv = 0;

    while (point < text.size && text.data[point] != '.')
        point++;
    if (point < text.size) {
        digits = text.size - point - 1;
        if (digits == 0 || digits > SHARE_DIGITS)
            return ERR_INVALID;
        rv = parse_u64(bytes_of(text.data + point + 1, digits), 0, UINT64_MAX, &part);
        text.size = point;
    }
    if (point > 1 && text.data[0] == '0')
        return ERR_INVALID;
    if (rv == 0)
        rv = parse_u64(text, 0, most, &whole);
    if (rv == 0 && whole == most && part > 0)
        rv = ERR_RANGE;
    if (rv == 0)
        *out = (double)whole + (double)part / scales[digits];
    return rv;
}

static int read_text(struct bytes text, char **out)
{
    char *copy = mem_alloc(text.size + 1);

    memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    mem_free(*out);
    *out = copy;
    return 0;
}

static bool is_letter_or_digit(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Whether it looks like a host: letters, digits and these marks. Names are looked up later. */
static bool is_host(struct bytes text, const char *marks)
{
    if (text.size == 0 || text.size >= SETTING_HOST_SIZE)
        return false;
    for (size_t i = 0; i < text.size; i++) {
        if (!is_letter_or_digit(text.data[i]) &&
            (text.data[i] == '\0' || strchr(marks, text.data[i]) == NULL))
            return false;
    }
    return true;
}

/* Cuts "host:port" or "[host]:port" at the last colon. Without a colon the host is empty. */
static int split_endpoint(struct bytes text, struct bytes *host, struct bytes *port)
{
    size_t colon = text.size;

    while (colon > 0 && text.data[colon - 1] != ':')
        colon--;
    *port = bytes_of(text.data + colon, text.size - colon);
    *host = bytes_of(text.data, colon == 0 ? 0 : colon - 1);
    if (colon == 0)
        return 0;
    if (host->size >= 2 && host->data[0] == '[' && host->data[host->size - 1] == ']') {
        *host = bytes_of(host->data + 1, host->size - 2);
        return is_host(*host, ":.%") ? 0 : ERR_INVALID;
    }
    return is_host(*host, ".-_") ? 0 : ERR_INVALID;
}

static int read_endpoint(struct bytes text, struct setting_endpoint *out)
{
    struct bytes host = {0};
    struct bytes port = {0};
    uint64_t number = 0;

    if (bytes_equal(text, bytes_text("none"))) {
        *out = (struct setting_endpoint){0};
        return 0;
    }
    int rv = split_endpoint(text, &host, &port);
    if (rv == 0)
        rv = parse_u64(port, host.size > 0 ? 0 : 1, UINT16_MAX, &number);
    if (rv != 0)
        return rv;

    *out = (struct setting_endpoint){.port = (uint16_t)number, .is_on = true};
    if (host.size > 0)
        memcpy(out->host, host.data, host.size);
    return 0;
}

static int read_field(const struct setting *s, void *field, struct bytes text)
{
    switch (s->kind) {
    case SETTING_BOOL:
        return parse_bool(text, field);
    case SETTING_INT:
        return read_int(s, text, field);
    case SETTING_SIZE:
        return parse_size(text, lowest(s), highest(s), field);
    case SETTING_DURATION:
        return parse_duration(text, lowest(s), highest(s), field);
    case SETTING_SHARE:
        return read_share(s, text, field);
    case SETTING_TEXT:
    case SETTING_SECRET:
        return read_text(text, field);
    case SETTING_CHOICE:
        return read_choice(s, text, field);
    case SETTING_ENDPOINT:
        return read_endpoint(text, field);
    }
    check_failed("a setting has a known kind", __FILE__, __LINE__);
}

/* Showing */

static char *show_scaled(uint64_t value, const struct scale *scales, size_t count)
{
    ASSERT(scales[count - 1].factor == 1);

    const struct scale *scale = scales;

    if (value == 0)
        return mem_text("0");
    while (value % scale->factor != 0)
        scale++;
    return mem_format("%" PRIu64 "%s", value / scale->factor, scale->name);
}

static char *show_size(uint64_t value)
{
    return show_scaled(value, size_scales, ARRAY_SIZE(size_scales));
}

static char *show_duration(uint64_t value)
{
    return show_scaled(value, duration_scales, ARRAY_SIZE(duration_scales));
}

static char *show_endpoint(const struct setting_endpoint *e)
{
    if (!e->is_on)
        return mem_text("none");
    if (e->host[0] == '\0')
        return mem_format("%u", e->port);
    if (strchr(e->host, ':') != NULL)
        return mem_format("[%s]:%u", e->host, e->port);
    return mem_format("%s:%u", e->host, e->port);
}

/* What is allowed, as the end of a sentence in new memory. */

static char *allowed_choices(const struct setting *s)
{
    char *text = mem_format("one of %s", s->choices[0]);

    for (int i = 1; s->choices[i] != NULL; i++) {
        const char *between = s->choices[i + 1] == NULL ? " or " : ", ";
        char *longer = mem_format("%s%s%s", text, between, s->choices[i]);
        mem_free(text);
        text = longer;
    }
    return text;
}

static char *allowed_int(const struct setting *s)
{
    if (!has_bounds(s))
        return mem_text("a whole number");
    return mem_format("a whole number from %" PRId64 " to %" PRId64, s->min, s->max);
}

static char *allowed_scaled(const struct setting *s, const char *what, char *show(uint64_t value))
{
    if (!has_bounds(s))
        return mem_text(what);

    char *low = show(lowest(s));
    char *high = show(highest(s));
    char *text = mem_format("%s, from %s to %s", what, low, high);

    mem_free(low);
    mem_free(high);
    return text;
}

char *setting_allowed(const struct setting *s)
{
    switch (s->kind) {
    case SETTING_BOOL:
        return mem_text("true or false");
    case SETTING_INT:
        return allowed_int(s);
    case SETTING_SIZE:
        return allowed_scaled(s, "a number of bytes such as 4096, 64KiB or 1GB", show_size);
    case SETTING_DURATION:
        return allowed_scaled(s, "a time such as 250ms, 10s, 5m, 2h or 7d", show_duration);
    case SETTING_SHARE:
        return mem_format("a share from 0 to %" PRIu64 ", such as 0.6", highest_share(s));
    case SETTING_TEXT:
    case SETTING_SECRET:
        return mem_text("any text");
    case SETTING_CHOICE:
        return allowed_choices(s);
    case SETTING_ENDPOINT:
        return mem_text("none, a port from 1 to 65535, or an address and a port such as "
                        "127.0.0.1:5672 or [::1]:5672");
    }
    check_failed("a setting has a known kind", __FILE__, __LINE__);
}

/* The table */

int setting_set(const struct setting *s, void *options, const char *text, struct err_note *note)
{
    int rv = read_field(s, field_of(s, options), bytes_text(text));

    if (rv == 0)
        return 0;

    bool is_long = strlen(text) > QUOTED_MAX;
    char *must_be = setting_allowed(s);

    ASSERT(s->kind != SETTING_SECRET); /* which any text is */
    err_note(note, rv, "setting '%s' is '%.*s%s', but must be %s", s->name, QUOTED_MAX, text,
             is_long ? "..." : "", must_be);
    mem_free(must_be);
    return rv;
}

char *setting_show(const struct setting *s, const void *options)
{
    const void *field = (const char *)options + s->offset;

    switch (s->kind) {
    case SETTING_BOOL:
        return mem_text(*(const bool *)field ? "true" : "false");
    case SETTING_INT:
        return mem_format("%" PRId64, *(const int64_t *)field);
    case SETTING_SIZE:
        return show_size(*(const uint64_t *)field);
    case SETTING_DURATION:
        return show_duration(*(const uint64_t *)field);
    case SETTING_SHARE:
        return mem_format("%.*g", SHARE_DIGITS, *(const double *)field);
    case SETTING_TEXT:
    case SETTING_SECRET:
        return mem_text(*(char *const *)field == NULL ? "" : *(char *const *)field);
    case SETTING_CHOICE:
        return mem_text(s->choices[*(const int *)field]);
    case SETTING_ENDPOINT:
        return show_endpoint(field);
    }
    check_failed("a setting has a known kind", __FILE__, __LINE__);
}

void setting_defaults(const struct setting table[], void *options)
{
    for (const struct setting *s = table; s->name != NULL; s++) {
        int rv = setting_set(s, options, s->fallback, NULL);
        ASSERT(rv == 0); /* a default that its own row forbids */
    }
}

void setting_release(const struct setting table[], void *options)
{
    for (const struct setting *s = table; s->name != NULL; s++) {
        if (s->kind != SETTING_TEXT && s->kind != SETTING_SECRET)
            continue;
        char **text = field_of(s, options);
        mem_free(*text);
        *text = NULL;
    }
}
