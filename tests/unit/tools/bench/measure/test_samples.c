/* Tests of tools/bench/measure/samples.h. */
#include "tools/bench/measure/samples.h"

#include "tests/lib/test.h"

static struct samples samples_of(const double *values, size_t count)
{
    struct samples s = {.count = 0};

    for (size_t i = 0; i < count; i++)
        samples_add(&s, values[i]);
    return s;
}

static void test_the_median_of_an_odd_number_is_the_middle(void **state)
{
    const double values[] = {30, 10, 20};
    struct samples s = samples_of(values, 3);

    (void)state;
    assert_true(samples_median(&s) == 20);
    assert_true(samples_min(&s) == 10);
    assert_true(samples_max(&s) == 30);
    assert_true(samples_last(&s) == 20);
}

static void test_the_median_of_an_even_number_is_between_the_two(void **state)
{
    const double values[] = {4, 1, 3, 2};
    struct samples s = samples_of(values, 4);

    (void)state;
    assert_true(samples_median(&s) == 2.5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_median_of_an_odd_number_is_the_middle),
        cmocka_unit_test(test_the_median_of_an_even_number_is_between_the_two),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
