/* Tests of base/ring. */
#include "base/ring.h"

#include "base/rand.h"
#include "tests/lib/death.h"
#include "tests/lib/leaks.h"
#include "tests/lib/seed.h"

static void test_items_leave_in_the_order_they_came(void **state)
{
    struct ring r;
    int out = 0;

    (void)state;
    ring_init(&r, sizeof(int), 4);
    for (int i = 1; i <= 4; i++)
        assert_true(ring_push(&r, &i));
    assert_true(ring_is_full(&r));
    assert_false(ring_push(&r, &out));
    for (int i = 1; i <= 4; i++) {
        assert_int_equal(*(int *)ring_at(&r, 0), i);
        assert_true(ring_take(&r, &out));
        assert_int_equal(out, i);
    }
    assert_int_equal(ring_count(&r), 0);
    assert_false(ring_take(&r, &out));
    assert_int_equal(out, 4); /* untouched */
    ring_release(&r);
}

static void test_a_ring_of_one_and_a_ring_of_pointers_work(void **state)
{
    struct ring r;
    int number = 7;
    int *in = &number;
    int *out = NULL;

    (void)state;
    ring_init(&r, sizeof(int *), 1);
    for (int i = 0; i < 3; i++) {
        assert_true(ring_push(&r, &in));
        assert_false(ring_push(&r, &in));
        assert_true(ring_take(&r, &out));
        assert_ptr_equal(out, &number);
    }
    ring_release(&r);
}

static void test_random_use_agrees_with_a_plain_array(void **state)
{
    enum { CAPACITY = 32, ROUNDS = 20000 };
    static uint8_t model[ROUNDS][3]; /* an item of odd size */
    size_t pushed = 0;
    size_t taken = 0;
    struct ring r;
    struct rand chance;

    (void)state;
    rand_init(&chance, test_seed());
    ring_init(&r, sizeof(model[0]), CAPACITY);
    for (int round = 0; round < ROUNDS; round++) {
        uint8_t item[3];
        bool favours_push = round / 500 % 2 == 0;
        if (rand_chance(&chance, favours_push ? 2 : 1, 3)) {
            rand_fill(&chance, item, sizeof(item));
            bool is_in = ring_push(&r, item);
            assert_int_equal(is_in, pushed - taken < CAPACITY);
            if (is_in)
                memcpy(model[pushed++], item, sizeof(item));
        } else {
            bool is_out = ring_take(&r, item);
            assert_int_equal(is_out, pushed > taken);
            if (is_out)
                assert_memory_equal(item, model[taken++], sizeof(item));
        }
        assert_int_equal(ring_count(&r), pushed - taken);
        for (size_t i = 0; i < ring_count(&r); i++)
            assert_memory_equal(ring_at(&r, i), model[taken + i], sizeof(item));
    }
    ring_release(&r);
}

static void look_behind_the_end(void *owner)
{
    ring_at(owner, 0);
}

static void make_an_odd_one(void *owner)
{
    ring_init(owner, 8, 12);
}

static void test_misuse_is_a_bug(void **state)
{
    struct ring r;

    (void)state;
    ring_init(&r, 8, 8);
    expect_death(look_behind_the_end, &r, "i < ring_count(r)");
    expect_death(make_an_odd_one, &r, "(capacity & (capacity - 1)) == 0");
    ring_release(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_items_leave_in_the_order_they_came),
        LEAK_CHECKED(test_a_ring_of_one_and_a_ring_of_pointers_work),
        LEAK_CHECKED(test_random_use_agrees_with_a_plain_array),
        LEAK_CHECKED(test_misuse_is_a_bug),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
