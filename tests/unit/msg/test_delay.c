/* Tests of msg/delay. */
#include "msg/delay.h"

#include <math.h>

#include "base/mem.h"
#include "msg/table_writer.h"
#include "tests/lib/leaks.h"
#include "tests/lib/table_text.h"
#include "tests/lib/test.h"

enum { AREA = 4096 };

static void expect(const char *headers, enum delay_kind kind, int64_t ms)
{
    struct buf area;
    struct delay d;

    buf_init(&area, AREA);
    d = delay_of_headers(table_text(&area, headers));
    assert_int_equal(d.kind, kind);
    if (kind != DELAY_NONE)
        assert_int_equal(d.ms, ms);
    buf_release(&area);
}

static void test_spans(void **state)
{
    (void)state;
    expect("x-delay=5000", DELAY_SPAN, 5000);
    expect("x-delay=i:1", DELAY_SPAN, 1);
    expect("x-delay=9223372036854775807", DELAY_SPAN, DELAY_MAX_MS);
    expect("x-delay=0", DELAY_NONE, 0);
    expect("x-delay=-7", DELAY_NONE, 0);
    expect("x-delay=soon", DELAY_NONE, 0);
    expect("x-delay=true", DELAY_NONE, 0);
    expect("x-delay=t:5", DELAY_NONE, 0);
    expect("other=5", DELAY_NONE, 0);
}

static void expect_text(const char *text, enum delay_kind kind, int64_t ms)
{
    struct table_writer w;
    struct table t;
    struct delay d;
    struct buf area;

    buf_init(&area, AREA);
    table_writer_init(&w, &area);
    table_writer_text(&w, "x-delay", bytes_text(text));
    assert_int_equal(table_writer_finish(&w, &t), 0);
    d = delay_of_headers(t);
    assert_int_equal(d.kind, kind);
    assert_true(kind == DELAY_NONE || d.ms == ms);
    buf_release(&area);
}

static void test_spans_as_text(void **state)
{
    (void)state;
    expect_text("5000", DELAY_SPAN, 5000);
    expect_text("99999999999999999999", DELAY_SPAN, DELAY_MAX_MS);
    expect_text("-99999999999999999999", DELAY_NONE, 0);
    expect_text("", DELAY_NONE, 0);
    expect_text("5s", DELAY_NONE, 0);
}

static void expect_decimal(uint8_t scale, uint32_t value, enum delay_kind kind, int64_t ms)
{
    struct table_writer w;
    struct table t;
    struct delay d;
    struct buf area;

    buf_init(&area, AREA);
    table_writer_init(&w, &area);
    table_writer_decimal(&w, "x-delay", scale, value);
    assert_int_equal(table_writer_finish(&w, &t), 0);
    d = delay_of_headers(t);
    assert_int_equal(d.kind, kind);
    assert_true(kind == DELAY_NONE || d.ms == ms);
    buf_release(&area);
}

static void test_spans_as_decimals(void **state)
{
    (void)state;
    expect_decimal(0, 5000, DELAY_SPAN, 5000);
    expect_decimal(2, 500099, DELAY_SPAN, 5000); /* what is behind the point is cut off */
    expect_decimal(3, 999, DELAY_NONE, 0);
    expect_decimal(255, UINT32_MAX, DELAY_NONE, 0);
    expect_decimal(255, 0, DELAY_NONE, 0);
}

static void expect_double(double value, enum delay_kind kind, int64_t ms)
{
    struct table_writer w;
    struct table t;
    struct delay d;
    struct buf area;

    buf_init(&area, AREA);
    table_writer_init(&w, &area);
    table_writer_double(&w, "x-delay", value);
    assert_int_equal(table_writer_finish(&w, &t), 0);
    d = delay_of_headers(t);
    assert_int_equal(d.kind, kind);
    assert_true(kind == DELAY_NONE || d.ms == ms);
    buf_release(&area);
}

static void test_spans_as_floats(void **state)
{
    (void)state;
    expect_double(1.9, DELAY_SPAN, 1);
    expect_double(1e300, DELAY_SPAN, DELAY_MAX_MS);
    expect_double(HUGE_VAL, DELAY_SPAN, DELAY_MAX_MS);
    expect_double(-1e300, DELAY_NONE, 0);
    expect_double(NAN, DELAY_NONE, 0);
}

static void test_dates(void **state)
{
    (void)state;
    expect("x-deliver-at=1700000000123", DELAY_DATE, 1700000000123);
    expect("x-deliver-at=t:1700000000", DELAY_DATE, 1700000000000);
    expect("x-deliver-at=t:9223372036854775807", DELAY_DATE, DELAY_MAX_MS);
    expect("x-deliver-at=9223372036854775807", DELAY_DATE, DELAY_MAX_MS);
    expect("x-deliver-at=tomorrow", DELAY_NONE, 0);
    expect("x-deliver-at=1700000000123 x-delay=5", DELAY_SPAN, 5);
    expect("x-deliver-at=1700000000123 x-delay=-5", DELAY_NONE, 0);
}

/* What was delayed says so, and does not wait again. */
static void expect_over(const char *headers, const char *wanted)
{
    struct buf area;
    struct buf other;
    struct buf out;
    struct table over;

    buf_init(&area, AREA);
    buf_init(&other, AREA);
    buf_init(&out, AREA);
    delay_write_over(table_text(&area, headers), &out);
    assert_int_equal(buf_error(&out), 0);
    assert_int_equal(table_decode(buf_view(&out), &over), 0);
    assert_true(table_equal(over, table_text(&other, wanted)));
    assert_int_equal(delay_of_headers(over).kind, DELAY_NONE);
    buf_release(&area);
    buf_release(&other);
    buf_release(&out);
}

static void test_a_delay_that_is_over_is_negated(void **state)
{
    (void)state;
    expect_over("a=1 x-delay=5000 b=2", "a=1 x-delay=-5000 b=2");
    expect_over("x-delay=5000000000", "x-delay=-5000000000");
    expect_over("x-delay=-3 b=2", "x-delay=-3 b=2");
    expect_over("b=2", "b=2");
    expect_over("x-delay=5 a=1 x-delay=6", "x-delay=-6 a=1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_spans),
        LEAK_CHECKED(test_spans_as_text),
        LEAK_CHECKED(test_spans_as_decimals),
        LEAK_CHECKED(test_spans_as_floats),
        LEAK_CHECKED(test_dates),
        LEAK_CHECKED(test_a_delay_that_is_over_is_negated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
