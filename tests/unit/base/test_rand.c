/* Tests of base/rand. */
#include "base/rand.h"

#include <string.h>

#include "tests/lib/death.h"
#include "tests/lib/seed.h"
#include "tests/lib/test.h"

static void test_the_sequence_is_the_same_for_ever(void **state)
{
    struct rand r = {.state = {1, 2, 3, 4}};

    (void)state;
    /* The first values of xoshiro256** for this state, as its reference code gives them. */
    assert_int_equal(rand_next(&r), 11520u);
    assert_int_equal(rand_next(&r), 0u);
    assert_int_equal(rand_next(&r), 1509978240u);
    assert_int_equal(rand_next(&r), 1215971899390074240u);

    /* And of splitmix64 for the seed 0. */
    rand_init(&r, 0);
    assert_int_equal(r.state[0], 0xe220a8397b1dcdafu);
    assert_int_equal(r.state[1], 0x6e789e6aa1b965f4u);
}

static void test_equal_seeds_give_equal_numbers_and_others_do_not(void **state)
{
    struct rand a;
    struct rand b;
    struct rand c;

    (void)state;
    rand_init(&a, 7);
    rand_init(&b, 7);
    rand_init(&c, 8);
    for (int i = 0; i < 100; i++) {
        uint64_t n = rand_next(&a);
        assert_int_equal(n, rand_next(&b));
        assert_int_not_equal(n, rand_next(&c));
    }
}

static void test_numbers_below_a_limit_are_spread_evenly(void **state)
{
    enum { LIMIT = 10, ROUNDS = 100000 };
    int seen[LIMIT] = {0};
    struct rand r;

    (void)state;
    rand_init(&r, test_seed());
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t n = rand_below(&r, LIMIT);
        assert_true(n < LIMIT);
        seen[n]++;
    }
    /* Ten standard deviations: a failure is a bug, not bad luck. */
    for (int i = 0; i < LIMIT; i++)
        assert_in_range(seen[i], ROUNDS / LIMIT - 950, ROUNDS / LIMIT + 950);
    assert_int_equal(rand_below(&r, 1), 0);
    for (int i = 0; i < 100; i++) /* half of all numbers are thrown away here */
        assert_true(rand_below(&r, (UINT64_C(1) << 63) + 1) <= UINT64_C(1) << 63);
    assert_true(rand_below(&r, UINT64_MAX) < UINT64_MAX);
}

static void test_a_chance_comes_as_often_as_it_says(void **state)
{
    struct rand r;
    int hits = 0;

    (void)state;
    rand_init(&r, test_seed());
    for (int i = 0; i < 100000; i++) {
        hits += rand_chance(&r, 1, 4);
        assert_false(rand_chance(&r, 0, 4));
        assert_true(rand_chance(&r, 4, 4));
    }
    assert_in_range(hits, 25000 - 1370, 25000 + 1370);
}

static void test_filling_writes_every_byte_and_no_other(void **state)
{
    uint8_t area[40];
    struct rand r;

    (void)state;
    rand_init(&r, test_seed());
    for (size_t size = 0; size <= 32; size++) {
        uint8_t touched[32] = {0};
        for (int round = 0; round < 20; round++) {
            memset(area, 0xee, sizeof(area));
            rand_fill(&r, area, size);
            for (size_t i = size; i < sizeof(area); i++)
                assert_int_equal(area[i], 0xee);
            for (size_t i = 0; i < size; i++)
                touched[i] |= (uint8_t)(area[i] ^ 0xee);
        }
        for (size_t i = 0; i < size; i++)
            assert_int_not_equal(touched[i], 0);
    }
}

static void test_filling_gives_the_same_bytes_on_every_machine(void **state)
{
    struct rand r = {.state = {1, 2, 3, 4}};
    uint8_t area[3];

    (void)state;
    rand_fill(&r, area, sizeof(area)); /* 11520 is 0x2d00 */
    assert_memory_equal(area, "\x00\x2d\x00", 3);
}

static void draw_below_zero(void *owner)
{
    rand_below(owner, 0);
}

static void draw_from_zeros(void *owner)
{
    (void)owner;
    struct rand r = {0};
    rand_next(&r);
}

static void test_misuse_is_a_bug(void **state)
{
    struct rand r;

    (void)state;
    rand_init(&r, 1);
    expect_death(draw_below_zero, &r, "limit > 0");
    expect_death(draw_from_zeros, NULL, "!= 0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_sequence_is_the_same_for_ever),
        cmocka_unit_test(test_equal_seeds_give_equal_numbers_and_others_do_not),
        cmocka_unit_test(test_numbers_below_a_limit_are_spread_evenly),
        cmocka_unit_test(test_a_chance_comes_as_often_as_it_says),
        cmocka_unit_test(test_filling_writes_every_byte_and_no_other),
        cmocka_unit_test(test_filling_gives_the_same_bytes_on_every_machine),
        cmocka_unit_test(test_misuse_is_a_bug),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
