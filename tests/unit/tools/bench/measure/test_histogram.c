/* Tests of tools/bench/measure/histogram.h. */
#include "tools/bench/measure/histogram.h"

#include "base/rand.h"
#include "tests/lib/seed.h"
#include "tests/lib/test.h"

static void test_an_empty_histogram_gives_zeros(void **state)
{
    struct histogram h;

    (void)state;
    histogram_init(&h);
    assert_int_equal(histogram_percentile(&h, 50), 0);
    assert_int_equal(histogram_percentile(&h, 100), 0);
}

static void test_small_values_are_exact(void **state)
{
    struct histogram h;

    (void)state;
    histogram_init(&h);
    for (uint64_t i = 1; i <= 50; i++)
        histogram_add(&h, i, 1);
    assert_int_equal(histogram_percentile(&h, 2), 1);
    assert_int_equal(histogram_percentile(&h, 50), 25);
    assert_int_equal(histogram_percentile(&h, 100), 50);
}

static void test_a_value_counts_as_often_as_it_is_said(void **state)
{
    struct histogram h;

    (void)state;
    histogram_init(&h);
    histogram_add(&h, 10, 99);
    histogram_add(&h, 40, 1);
    assert_int_equal(h.count, 100);
    assert_int_equal(histogram_percentile(&h, 99), 10);
    assert_int_equal(histogram_percentile(&h, 99.5), 40);
}

static void test_no_percentile_is_above_the_largest_value(void **state)
{
    struct histogram h;

    (void)state;
    histogram_init(&h);
    histogram_add(&h, 1000001, 1);
    assert_int_equal(histogram_percentile(&h, 50), 1000001);
    histogram_add(&h, UINT64_MAX, 1);
    assert_int_equal(histogram_percentile(&h, 100), UINT64_MAX);
}

/* With one value and a larger one, the lower percentile is the end of the value's bucket. */
static void test_a_percentile_is_at_most_a_thirty_second_above_the_value(void **state)
{
    struct rand r;

    (void)state;
    rand_init(&r, test_seed());
    for (int i = 0; i < 10000; i++) {
        uint64_t value = rand_next(&r) >> rand_below(&r, 64) >> 1;
        struct histogram h;
        uint64_t seen;

        histogram_init(&h);
        histogram_add(&h, value, 1);
        histogram_add(&h, UINT64_MAX, 1);
        seen = histogram_percentile(&h, 50);
        assert_true(seen >= value);
        assert_true(seen - value <= value / HISTOGRAM_STEPS);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_empty_histogram_gives_zeros),
        cmocka_unit_test(test_small_values_are_exact),
        cmocka_unit_test(test_a_value_counts_as_often_as_it_is_said),
        cmocka_unit_test(test_no_percentile_is_above_the_largest_value),
        cmocka_unit_test(test_a_percentile_is_at_most_a_thirty_second_above_the_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
