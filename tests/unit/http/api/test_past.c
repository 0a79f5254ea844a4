/* Tests of http/api/past.h. */
#include "http/api/past.h"

#include "base/check.h"
#include "tests/lib/test.h"

enum { START_MS = 1800000000, SECOND = 1000 };

static const struct past_spec brief = {.values = 2, .is_new = true};
static const struct past_spec lasting = {.values = 2, .is_long = true, .is_new = true};

/* A look every five seconds, at a value that grows by one a second, and one that stays. */
static void put_for(struct past *past, int64_t from_s, int64_t to_s)
{
    for (int64_t s = from_s; s <= to_s; s += 5) {
        const uint64_t values[] = {(uint64_t)s, 7};

        past_put(past, START_MS + s * SECOND, values);
    }
}

static uint64_t at(const struct past *past, int64_t s)
{
    return past_value(past, START_MS + s * SECOND, 0);
}

static void test_a_value_is_that_of_the_look_before(void **state)
{
    struct pasts pasts;
    struct past *past = NULL;

    (void)state;
    pasts_init(&pasts, UINT64_MAX);
    past_open(&pasts, &past, &brief);
    assert_int_equal(at(past, 0), 0);
    put_for(past, 10, 60);
    assert_int_equal(at(past, 60), 60);
    assert_int_equal(at(past, 3600), 60);
    assert_int_equal(at(past, 59), 55);
    assert_int_equal(at(past, 10), 10);
    assert_int_equal(at(past, 9), 0);
    assert_int_equal(past_value(past, START_MS + 30 * SECOND, 1), 7);
    pasts_check(&pasts);
    past_close(&pasts, &past);
    assert_null(past);
    assert_int_equal(pasts.bytes, 0);
}

static void test_it_reaches_ten_minutes_then_an_hour_then_a_day(void **state)
{
    struct pasts pasts;
    struct past *past = NULL;

    (void)state;
    pasts_init(&pasts, UINT64_MAX);
    past_open(&pasts, &past, &lasting);
    put_for(past, 0, 200000);
    assert_int_equal(at(past, 200000 - 600), 200000 - 600);
    assert_in_range(at(past, 200000 - 3600), 200000 - 3600 - 65, 200000 - 3600);
    assert_in_range(at(past, 200000 - 28800), 200000 - 28800 - 605, 200000 - 28800);
    assert_in_range(at(past, 200000 - 84000), 200000 - 84000 - 1805, 200000 - 84000);
    /* What was forgotten is taken to have been as the oldest that is known. */
    assert_in_range(at(past, 0), 200000 - 89000, 200000 - 84000);
    pasts_clear(&pasts);
    past_open(&pasts, &past, &brief);
    put_for(past, 0, 200000);
    assert_in_range(at(past, 200000 - 3600), 200000 - 3600 - 65, 200000 - 3600);
    assert_in_range(at(past, 0), 200000 - 3800, 200000 - 3600);
    pasts_clear(&pasts);
}

static void test_what_began_before_its_past_was_no_less_then(void **state)
{
    struct past_spec late = brief;
    struct pasts pasts;
    struct past *past = NULL;

    (void)state;
    late.is_new = false;
    pasts_init(&pasts, UINT64_MAX);
    past_open(&pasts, &past, &late);
    put_for(past, 1000, 1010);
    assert_int_equal(at(past, 0), 1000);
    assert_int_equal(at(past, 1005), 1005);
    pasts_clear(&pasts);
}

static void test_a_clock_that_goes_back_begins_again(void **state)
{
    struct pasts pasts;
    struct past *past = NULL;

    (void)state;
    pasts_init(&pasts, UINT64_MAX);
    past_open(&pasts, &past, &brief);
    put_for(past, 1000, 1100);
    put_for(past, 500, 505);
    assert_int_equal(at(past, 400), 500);
    assert_int_equal(at(past, 1100), 505);
    pasts_clear(&pasts);
}

static void test_memory_is_for_those_who_are_asked_for(void **state)
{
    struct past *slots[5] = {NULL};
    struct pasts pasts;
    uint64_t one = 0;

    (void)state;
    pasts_init(&pasts, UINT64_MAX);
    past_open(&pasts, &slots[0], &brief);
    one = pasts.bytes;
    pasts_clear(&pasts);
    pasts_init(&pasts, 3 * one + one / 2);
    for (size_t i = 0; i < ARRAY_SIZE(slots); i++)
        past_open(&pasts, &slots[i], &brief);
    assert_true(slots[0] != NULL && slots[1] != NULL && slots[2] != NULL);
    assert_true(slots[3] == NULL && slots[4] == NULL);
    past_ask(&pasts, &slots[1], &brief);
    past_ask(&pasts, &slots[3], &brief);
    past_ask(&pasts, &slots[4], &brief);
    pasts_check(&pasts);
    assert_true(slots[0] == NULL && slots[2] == NULL);
    assert_true(slots[1] != NULL && slots[3] != NULL && slots[4] != NULL);
    past_ask(&pasts, &slots[0], &brief);
    assert_null(slots[1]);
    pasts_check(&pasts);
    pasts_clear(&pasts);
    pasts_init(&pasts, one - 1);
    past_ask(&pasts, &slots[0], &brief);
    assert_null(slots[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_value_is_that_of_the_look_before),
        cmocka_unit_test(test_it_reaches_ten_minutes_then_an_hour_then_a_day),
        cmocka_unit_test(test_what_began_before_its_past_was_no_less_then),
        cmocka_unit_test(test_a_clock_that_goes_back_begins_again),
        cmocka_unit_test(test_memory_is_for_those_who_are_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
