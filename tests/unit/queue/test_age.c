/* Tests of queue/age.h. */
#include "queue/age.h"

#include "tests/lib/test.h"

static uint32_t age(const char *text)
{
    uint32_t s = UINT32_MAX;

    if (!age_parse(bytes_text(text), &s))
        return UINT32_MAX;
    return s;
}

static void test_every_unit_has_its_seconds(void **state)
{
    (void)state;
    assert_int_equal(age("7s"), 7);
    assert_int_equal(age("2m"), 120);
    assert_int_equal(age("3h"), 3 * 3600);
    assert_int_equal(age("7D"), 7 * 86400);
    assert_int_equal(age("1M"), 30 * 86400);
    assert_int_equal(age("1Y"), 365 * 86400);
    assert_int_equal(age("0s"), 0);
    assert_int_equal(age("0007s"), 7);
}

static void test_a_hundred_years_are_the_most(void **state)
{
    (void)state;
    assert_int_equal(age("100Y"), 3153600000U);
    assert_int_equal(age("3153600000s"), 3153600000U);
    assert_int_equal(age("101Y"), UINT32_MAX);
    assert_int_equal(age("3153600001s"), UINT32_MAX);
    assert_int_equal(age("99999999999999999999999999s"), UINT32_MAX);
}

static void test_anything_else_is_none(void **state)
{
    static const char *const bad[] = {"",    "s",   "7",   "7d",   "7W",  "-7s", "+7s",
                                      "7 s", " 7s", "7s ", "7.5s", "7sD", "0x7s"};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_int_equal(age(bad[i]), UINT32_MAX);
    uint32_t untouched = 5;
    assert_false(age_parse(bytes_of("7\0s", 3), &untouched));
    assert_int_equal(untouched, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_unit_has_its_seconds),
        cmocka_unit_test(test_a_hundred_years_are_the_most),
        cmocka_unit_test(test_anything_else_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
