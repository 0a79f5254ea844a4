/* Tests of tools/bench/amqp/window.h. */
#include "tools/bench/amqp/window.h"

#include "base/err.h"
#include "tests/lib/test.h"
#include "tools/bench/measure/histogram.h"

struct stage {
    struct window w;
    struct histogram h;
};

static struct stage stage_of(uint64_t limit, uint64_t published)
{
    struct stage s;

    histogram_init(&s.h);
    window_init(&s.w, limit);
    if (published > 0)
        window_publish(&s.w, published, 1000);
    return s;
}

static int64_t confirm(struct stage *s, uint64_t tag, bool is_multiple)
{
    return window_confirm(&s->w, tag, is_multiple, 3000, &s->h);
}

static void test_a_window_is_full_until_something_is_confirmed(void **state)
{
    struct stage s = stage_of(3, 3);

    (void)state;
    assert_int_equal(window_room(&s.w), 0);
    assert_int_equal(confirm(&s, 1, false), 1);
    assert_int_equal(window_room(&s.w), 1);
    assert_int_equal(confirm(&s, 3, true), 2);
    assert_int_equal(window_room(&s.w), 3);
    assert_int_equal(s.h.count, 3);
    assert_int_equal(s.h.max, 2000);
    window_release(&s.w);
}

static void test_confirms_may_come_in_any_order(void **state)
{
    struct stage s = stage_of(10, 5);

    (void)state;
    assert_int_equal(confirm(&s, 4, false), 1);
    assert_int_equal(confirm(&s, 2, false), 1);
    assert_int_equal(s.w.low, 0);
    assert_int_equal(confirm(&s, 3, true), 2);
    assert_int_equal(s.w.low, 4);
    assert_int_equal(confirm(&s, 0, true), 1);
    assert_int_equal(s.w.confirmed, 5);
    window_release(&s.w);
}

static void test_a_confirm_of_nothing_is_refused(void **state)
{
    struct stage s = stage_of(10, 3);

    (void)state;
    assert_int_equal(confirm(&s, 4, false), ERR_INVALID);
    assert_int_equal(confirm(&s, 4, true), ERR_INVALID);
    assert_int_equal(confirm(&s, 0, false), ERR_INVALID);
    assert_int_equal(confirm(&s, 2, false), 1);
    assert_int_equal(confirm(&s, 2, false), ERR_INVALID);
    assert_int_equal(confirm(&s, 3, true), 2);
    assert_int_equal(confirm(&s, 3, true), ERR_INVALID);
    assert_int_equal(confirm(&s, 0, true), ERR_INVALID);
    window_release(&s.w);
}

static void test_a_cumulative_confirm_must_confirm_something(void **state)
{
    struct stage s = stage_of(10, 3);

    (void)state;
    assert_int_equal(confirm(&s, 1, false), 1);
    assert_int_equal(confirm(&s, 1, true), ERR_INVALID);
    window_release(&s.w);
}

static void test_one_that_is_never_confirmed_stops_the_publisher_in_the_end(void **state)
{
    struct stage s = stage_of(2, 1);
    uint64_t rounds = 0;

    (void)state;
    while (window_room(&s.w) > 0) {
        window_publish(&s.w, 1, 1000);
        assert_int_equal(confirm(&s, s.w.published, false), 1);
        rounds++;
        assert_true(rounds < 10000);
    }
    assert_int_equal(confirm(&s, 1, false), 1);
    assert_true(window_room(&s.w) > 0);
    window_release(&s.w);
}

static void test_without_confirms_there_is_always_room(void **state)
{
    struct stage s = stage_of(0, 1000000);

    (void)state;
    assert_true(window_room(&s.w) == UINT64_MAX);
    assert_int_equal(confirm(&s, 1, false), ERR_INVALID);
    window_release(&s.w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_window_is_full_until_something_is_confirmed),
        cmocka_unit_test(test_confirms_may_come_in_any_order),
        cmocka_unit_test(test_a_confirm_of_nothing_is_refused),
        cmocka_unit_test(test_a_cumulative_confirm_must_confirm_something),
        cmocka_unit_test(test_one_that_is_never_confirmed_stops_the_publisher_in_the_end),
        cmocka_unit_test(test_without_confirms_there_is_always_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
