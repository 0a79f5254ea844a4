/* Tests of base/check. */
#include "base/check.h"

#include "tests/lib/death.h"
#include "tests/lib/test.h"

struct pair {
    int first;
    int second;
};

static void break_assertion(void *owner)
{
    int *number = owner;

    ASSERT(*number == 42);
}

static void test_a_broken_assertion_says_what_and_where_and_aborts(void **state)
{
    int number = 41;

    (void)state;
    expect_death(break_assertion, &number, "assertion failed: *number == 42 (");
    expect_death(break_assertion, &number, "test_check.c:");
}

static void break_a_long_assertion(void *owner)
{
    char text[2000];

    (void)owner;
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = 'x';
    text[sizeof(text) - 1] = '\0';
    check_failed(text, "file.c", 1);
}

static void test_a_condition_too_long_for_the_line_still_aborts(void **state)
{
    (void)state;
    expect_death(break_a_long_assertion, NULL, "assertion failed: xxxx");
}

static void test_an_assertion_that_holds_does_nothing(void **state)
{
    int evaluated = 0;

    (void)state;
    ASSERT(++evaluated == 1);
    assert_int_equal(evaluated, 1);
}

static void test_container_of_finds_the_struct_around_a_field(void **state)
{
    struct pair p = {1, 2};
    int *field = &p.second;

    (void)state;
    assert_ptr_equal(CONTAINER_OF(field, struct pair, second), &p);
    assert_int_equal(CONTAINER_OF(field, struct pair, second)->first, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_broken_assertion_says_what_and_where_and_aborts),
        cmocka_unit_test(test_a_condition_too_long_for_the_line_still_aborts),
        cmocka_unit_test(test_an_assertion_that_holds_does_nothing),
        cmocka_unit_test(test_container_of_finds_the_struct_around_a_field),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
