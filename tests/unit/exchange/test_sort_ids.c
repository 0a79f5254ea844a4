/* Sorting, for all lengths around the change of method. */
#include "exchange/sort_ids.h"

#include <stdbool.h>

#include "base/rand.h"
#include "tests/lib/seed.h"
#include "tests/lib/test.h"

enum { LENGTH_MAX = 300 };

static void expect_sorted(const uint64_t *ids, size_t count, uint64_t sum)
{
    for (size_t i = 0; i < count; i++) {
        assert_true(i == 0 || ids[i - 1] <= ids[i]);
        sum -= ids[i];
    }
    assert_int_equal(sum, 0);
}

static void test_every_length_is_sorted(void **state)
{
    struct rand r;
    uint64_t ids[LENGTH_MAX];

    (void)state;
    rand_init(&r, test_seed());
    for (size_t count = 0; count < LENGTH_MAX; count++) {
        uint64_t limit = rand_chance(&r, 1, 2) ? 10 : UINT64_MAX;
        uint64_t sum = 0;

        for (size_t i = 0; i < count; i++) {
            ids[i] = rand_below(&r, limit);
            sum += ids[i];
        }
        sort_ids(ids, count);
        expect_sorted(ids, count, sum);
        sort_ids(ids, count);
        expect_sorted(ids, count, sum);
    }
}

static void test_falling_numbers_are_turned_around(void **state)
{
    uint64_t ids[LENGTH_MAX];

    (void)state;
    for (size_t i = 0; i < LENGTH_MAX; i++)
        ids[i] = LENGTH_MAX - i;
    sort_ids(ids, LENGTH_MAX);
    for (size_t i = 0; i < LENGTH_MAX; i++)
        assert_int_equal(ids[i], i + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_length_is_sorted),
        cmocka_unit_test(test_falling_numbers_are_turned_around),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
