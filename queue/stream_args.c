/* The arguments of consumers of streams; see stream_args.h. */
#include "queue/stream_args.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/parse.h"
#include "queue/age.h"
#include "queue/group.h"

enum { REASON_SIZE = 160, SHOWN_MAX = 64 };

#define MS_PER_S INT64_C(1000)

static int refuse(const char *argument, const struct stream_args_of *of, const char *reason,
                  struct err_note *note)
{
    return err_note(note, ERR_INVALID, "invalid arg '%s' for queue '%.*s' in vhost '%.*s': %s",
                    argument, (int)of->queue.size, (const char *)of->queue.data,
                    (int)of->vhost.size, (const char *)of->vhost.data, reason);
}

static int refuse_type(const char *argument, const struct field *f, const struct stream_args_of *of,
                       struct err_note *note)
{
    char reason[REASON_SIZE];

    snprintf(reason, sizeof(reason), "{unacceptable_type,%s}", field_type_name(f));
    return refuse(argument, of, reason, note);
}

/* ---- where to begin ---- */

static bool read_word(struct bytes text, int64_t now_ms, struct stream_start *out)
{
    uint32_t age_s = 0;

    if (bytes_equal(text, bytes_text("first")))
        out->kind = STREAM_FIRST;
    else if (bytes_equal(text, bytes_text("last")))
        out->kind = STREAM_LAST;
    else if (bytes_equal(text, bytes_text("next")))
        out->kind = STREAM_NEXT;
    else if (!age_parse(text, &age_s))
        return false;
    else
        *out = (struct stream_start){STREAM_TIME, now_ms - (int64_t)age_s * MS_PER_S};
    return true;
}

static int refuse_text(const char *argument, struct bytes text, const struct stream_args_of *of,
                       struct err_note *note)
{
    char reason[REASON_SIZE];

    snprintf(reason, sizeof(reason), "{invalid_stream_offset_arg,{longstr,<<\"%.*s\">>}}",
             text.size > SHOWN_MAX ? SHOWN_MAX : (int)text.size, (const char *)text.data);
    return refuse(argument, of, reason, note);
}

/* Digits, perhaps behind a '-'. */
static bool parse_offset(struct bytes text, int64_t *out)
{
    bool is_negative = text.size > 0 && text.data[0] == '-';
    uint64_t value = 0;

    if (is_negative)
        text = bytes_of(text.data + 1, text.size - 1);
    if (parse_u64(text, 0, INT64_MAX, &value) != 0)
        return false;
    *out = is_negative ? -(int64_t)value : (int64_t)value;
    return true;
}

int stream_start_parse(struct bytes text, const struct stream_args_of *of, struct stream_start *out,
                       struct err_note *note)
{
    struct stream_start start = {.kind = STREAM_OFFSET};

    if (!parse_offset(text, &start.value) && !read_word(text, of->now_ms, &start))
        return refuse_text("x-stream-offset", text, of, note);
    *out = start;
    return 0;
}

int stream_start_read(struct table t, const char *name, const struct stream_args_of *of,
                      struct stream_start *out, struct err_note *note)
{
    struct stream_start start = {.kind = STREAM_NEXT};
    char reason[REASON_SIZE];
    struct bytes text;
    struct field f;
    uint64_t time_s;

    if (!table_find(t, bytes_text(name), &f)) {
        *out = start;
        return 0;
    }
    if (field_as_text(&f, &text)) {
        if (!read_word(text, of->now_ms, &start))
            return refuse_text(name, text, of, note);
    } else if (field_as_time(&f, &time_s)) {
        start.kind = STREAM_TIME;
        start.value = time_s > INT64_MAX / MS_PER_S ? INT64_MAX : (int64_t)time_s * MS_PER_S;
    } else if (field_as_integer(&f, &start.value)) {
        start.kind = STREAM_OFFSET;
    } else {
        snprintf(reason, sizeof(reason), "{invalid_stream_offset_arg,{unacceptable_type,%s}}",
                 field_type_name(&f));
        return refuse(name, of, reason, note);
    }
    *out = start;
    return 0;
}

/* ---- what to see ---- */

/* Whether a topic pattern is small enough to be matched again and again. */
static bool is_pattern_small(struct bytes pattern)
{
    unsigned words = 1;

    for (size_t i = 0; i < pattern.size; i++)
        words += pattern.data[i] == '.';
    return words <= STREAM_PATTERN_WORDS_MAX;
}

static int check_text(const struct field *f, const char *name, const struct stream_args_of *of,
                      struct err_note *note)
{
    struct bytes text;

    if (!field_as_text(f, &text))
        return refuse_type(name, f, of, note);
    if (!is_pattern_small(text))
        return refuse(name, of, "{too_many_words}", note);
    return 0;
}

static int read_texts(struct table t, const char *name, const struct stream_args_of *of,
                      struct stream_texts *out, struct err_note *note)
{
    struct array_walk w;
    struct array array;
    struct field f;
    int rv = 0;

    if (!table_find(t, bytes_text(name), &out->field))
        return 0;
    out->is_there = true;
    if (!field_as_array(&out->field, &array))
        return check_text(&out->field, name, of, note);
    if (array_count(array) > STREAM_TEXTS_MAX)
        return refuse(name, of, "{too_many_values}", note);
    w = array_walk(array);
    while (rv == 0 && array_next(&w, &f))
        rv = check_text(&f, name, of, note);
    return rv;
}

int stream_want_read(struct table t, const struct stream_args_of *of, struct stream_want *out,
                     struct err_note *note)
{
    static const char unfiltered[] = "x-stream-match-unfiltered";
    struct stream_want want = {.takes_unfiltered = false};
    struct field f;
    int rv = stream_start_read(t, "x-stream-offset", of, &want.start, note);

    if (rv == 0)
        rv = read_texts(t, "x-stream-filter", of, &want.values, note);
    if (rv == 0)
        rv = read_texts(t, "x-stream-filter-key", of, &want.patterns, note);
    if (rv == 0 && table_find(t, bytes_text(unfiltered), &f) &&
        !field_as_bool(&f, &want.takes_unfiltered))
        rv = refuse_type(unfiltered, &f, of, note);
    if (rv == 0)
        *out = want;
    return rv;
}

/* ---- for whom ---- */

int stream_group_read(struct table t, const struct stream_args_of *of, struct bytes *name,
                      struct stream_want *want, struct err_note *note)
{
    struct bytes group = {NULL, 0};
    struct field f;

    if (!table_find(t, bytes_text("x-group"), &f)) {
        if (table_find(t, bytes_text("x-group-start"), &f))
            return refuse("x-group-start", of, "{no_group}", note);
        *name = group;
        return 0;
    }
    if (!field_as_text(&f, &group))
        return refuse_type("x-group", &f, of, note);
    if (group.size == 0 || group.size > GROUP_NAME_MAX)
        return refuse("x-group", of, "{not_1_to_255_bytes}", note);
    if (table_find(t, bytes_text("x-stream-offset"), &f))
        return refuse("x-stream-offset", of, "{not_with_a_group}", note);
    int rv = stream_start_read(t, "x-group-start", of, &want->start, note);
    if (rv == 0)
        *name = group;
    return rv;
}
