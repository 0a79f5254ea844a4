/* Tests of queue/stream_args.h: every way to say where to begin and what to see, and what is
 * refused in which words. */
#include "queue/stream_args.h"

#include <stdio.h>
#include <string.h>

#include "tests/lib/leaks.h"
#include "tests/lib/table_text.h"

enum { AREA_MAX = 1 << 16, TEXT_SIZE = 4096 };

#define NOW_MS INT64_C(1000000000000)

static const struct stream_args_of of = {
    .queue = {(const uint8_t *)"s", 1}, .vhost = {(const uint8_t *)"/", 1}, .now_ms = NOW_MS};

struct asked {
    struct buf area;
    struct stream_want want;
    struct err_note note;
    int rv;
};

static void ask(struct asked *a, const char *arguments)
{
    buf_clear(&a->area);
    memset(&a->note, 0, sizeof(a->note));
    memset(&a->want, 0x55, sizeof(a->want));
    a->rv = stream_want_read(table_text(&a->area, arguments), &of, &a->want, &a->note);
}

static void expect_start(struct asked *a, const char *value, enum stream_start_kind kind,
                         int64_t at)
{
    char arguments[128];

    snprintf(arguments, sizeof(arguments), "x-stream-offset=%s", value);
    ask(a, arguments);
    assert_int_equal(a->rv, 0);
    assert_int_equal(a->want.start.kind, kind);
    assert_int_equal(a->want.start.value, at);
}

static void expect_refused(struct asked *a, const char *arguments, const char *note)
{
    ask(a, arguments);
    assert_int_equal(a->rv, ERR_INVALID);
    assert_string_equal(a->note.text, note);
    assert_int_equal(((const uint8_t *)&a->want)[0], 0x55); /* untouched */
}

static int set_up(void **state)
{
    static struct asked a;
    int rv = leaks_setup(state);

    buf_init(&a.area, AREA_MAX);
    *state = &a;
    return rv;
}

static int tear_down(void **state)
{
    buf_release(&((struct asked *)*state)->area);
    return leaks_teardown(state);
}

static void test_every_place_to_begin(void **state)
{
    struct asked *a = *state;

    ask(a, "");
    assert_int_equal(a->rv, 0);
    assert_int_equal(a->want.start.kind, STREAM_NEXT);
    expect_start(a, "next", STREAM_NEXT, 0);
    expect_start(a, "first", STREAM_FIRST, 0);
    expect_start(a, "last", STREAM_LAST, 0);
    expect_start(a, "0", STREAM_OFFSET, 0);
    expect_start(a, "12345678901", STREAM_OFFSET, INT64_C(12345678901));
    expect_start(a, "-3", STREAM_OFFSET, -3);
    expect_start(a, "i:7", STREAM_OFFSET, 7);
    expect_start(a, "t:1000", STREAM_TIME, 1000000);
    expect_start(a, "2h", STREAM_TIME, NOW_MS - INT64_C(7200000));
}

static void test_a_time_that_is_too_large_is_the_last_one(void **state)
{
    expect_start(*state, "t:9223372036854775807", STREAM_TIME, INT64_MAX);
}

static void test_what_is_no_place_is_refused(void **state)
{
    struct asked *a = *state;

    expect_refused(a, "x-stream-offset=soon",
                   "invalid arg 'x-stream-offset' for queue 's' in vhost '/': "
                   "{invalid_stream_offset_arg,{longstr,<<\"soon\">>}}");
    expect_refused(a, "x-stream-offset=true",
                   "invalid arg 'x-stream-offset' for queue 's' in vhost '/': "
                   "{invalid_stream_offset_arg,{unacceptable_type,bool}}");
    expect_refused(a, "x-stream-offset=[1]",
                   "invalid arg 'x-stream-offset' for queue 's' in vhost '/': "
                   "{invalid_stream_offset_arg,{unacceptable_type,array}}");
}

static void test_what_can_be_seen(void **state)
{
    struct asked *a = *state;

    ask(a, "x-stream-filter=[a,b] x-stream-filter-key=eu.# x-stream-match-unfiltered=true");
    assert_int_equal(a->rv, 0);
    assert_true(a->want.values.is_there);
    assert_true(a->want.patterns.is_there);
    assert_true(a->want.takes_unfiltered);
    ask(a, "");
    assert_false(a->want.values.is_there || a->want.patterns.is_there || a->want.takes_unfiltered);
    expect_refused(a, "x-stream-filter=5",
                   "invalid arg 'x-stream-filter' for queue 's' in vhost '/': "
                   "{unacceptable_type,long}");
    expect_refused(a, "x-stream-filter=[a,true]",
                   "invalid arg 'x-stream-filter' for queue 's' in vhost '/': "
                   "{unacceptable_type,bool}");
    expect_refused(a, "x-stream-filter-key=true",
                   "invalid arg 'x-stream-filter-key' for queue 's' in vhost '/': "
                   "{unacceptable_type,bool}");
    expect_refused(a, "x-stream-match-unfiltered=yes",
                   "invalid arg 'x-stream-match-unfiltered' for queue 's' in vhost '/': "
                   "{unacceptable_type,longstr}");
}

/* `first`, then `next` so many times, then `last`. */
static const char *row(const char *first, const char *next, unsigned count, const char *last)
{
    static char text[TEXT_SIZE];
    size_t used = (size_t)snprintf(text, sizeof(text), "%s", first);

    for (unsigned i = 0; i < count; i++)
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s", next);
    snprintf(text + used, sizeof(text) - used, "%s", last);
    return text;
}

static void test_there_are_limits(void **state)
{
    struct asked *a = *state;

    ask(a, row("x-stream-filter=[a", ",a", STREAM_TEXTS_MAX - 1, "]"));
    assert_int_equal(a->rv, 0);
    expect_refused(a, row("x-stream-filter=[a", ",a", STREAM_TEXTS_MAX, "]"),
                   "invalid arg 'x-stream-filter' for queue 's' in vhost '/': {too_many_values}");
    ask(a, row("x-stream-filter-key=a", ".a", STREAM_PATTERN_WORDS_MAX - 1, ""));
    assert_int_equal(a->rv, 0);
    expect_refused(a, row("x-stream-filter-key=a", ".a", STREAM_PATTERN_WORDS_MAX, ""),
                   "invalid arg 'x-stream-filter-key' for queue 's' in vhost '/': "
                   "{too_many_words}");
}

static void test_a_place_as_text(void **state)
{
    static const char *const bad[] = {"", "-", "--1", "1.5", "soon", "9223372036854775808", " 1"};
    static const struct {
        const char *text;
        struct stream_start start;
    } good[] = {
        {"first", {STREAM_FIRST, 0}},
        {"last", {STREAM_LAST, 0}},
        {"next", {STREAM_NEXT, 0}},
        {"0", {STREAM_OFFSET, 0}},
        {"9223372036854775807", {STREAM_OFFSET, INT64_MAX}},
        {"-9223372036854775807", {STREAM_OFFSET, -INT64_MAX}},
        {"10s", {STREAM_TIME, NOW_MS - 10000}},
    };
    struct stream_start start = {STREAM_NEXT, 77};
    struct err_note note;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_int_equal(stream_start_parse(bytes_text(bad[i]), &of, &start, &note), ERR_INVALID);
    assert_int_equal(start.value, 77);
    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        assert_int_equal(stream_start_parse(bytes_text(good[i].text), &of, &start, &note), 0);
        assert_int_equal(start.kind, good[i].start.kind);
        if (start.kind == STREAM_OFFSET || start.kind == STREAM_TIME)
            assert_int_equal(start.value, good[i].start.value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_every_place_to_begin, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_time_that_is_too_large_is_the_last_one, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_no_place_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_can_be_seen, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_there_are_limits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_place_as_text, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
