/* Tests of tools/bench/amqp/checker.h: good sequences pass, every bad one is refused and named. */
#include "tools/bench/amqp/checker.h"

#include <string.h>

#include "base/check.h"
#include "base/rand.h"
#include "tests/lib/seed.h"
#include "tests/lib/test.h"

enum { END = -1 };

/* One lane with first 0 and step 1, fed with sequences up to END. */
static void feed(struct checker *c, const int *sequences, unsigned flags)
{
    checker_init(c, 1);
    checker_set_lane(c, 0, 0, 1);
    for (; *sequences != END; sequences++)
        checker_take(c, 0, (uint64_t)*sequences, flags);
}

/* Exactly these faults were found. */
static void expect(struct checker *c, enum fault fault, uint64_t times)
{
    for (int i = 0; i < FAULT_COUNT; i++)
        assert_int_equal(c->faults[i], i == (int)fault ? times : 0);
    assert_int_equal(checker_is_content(c), times == 0);
    assert_int_equal(c->first.text[0] == '\0', times == 0);
    checker_release(c);
}

static void test_all_in_order_is_good(void **state)
{
    struct checker c;

    (void)state;
    feed(&c, (int[]){0, 1, 2, 3, END}, 0);
    assert_int_equal(checker_count(&c, 0), 4);
    checker_finish_lane(&c, 0, 4);
    expect(&c, FAULT_LOST, 0);
}

static void test_the_last_one_lost_is_seen(void **state)
{
    struct checker c;

    (void)state;
    feed(&c, (int[]){0, 1, 2, END}, 0);
    checker_finish_lane(&c, 0, 4);
    assert_non_null(strstr(c.first.text, "1 of 4 messages of lane 0 are lost"));
    expect(&c, FAULT_LOST, 1);
}

static void test_one_lost_in_the_middle_is_seen(void **state)
{
    struct checker c;

    (void)state;
    feed(&c, (int[]){0, 1, 3, 4, END}, 0);
    checker_finish_lane(&c, 0, 5);
    expect(&c, FAULT_LOST, 1);
}

static void test_the_first_ones_lost_are_seen(void **state)
{
    struct checker c;

    (void)state;
    feed(&c, (int[]){2, 3, END}, 0);
    checker_finish_lane(&c, 0, 4);
    expect(&c, FAULT_LOST, 2);
}

static void test_all_lost_is_seen(void **state)
{
    struct checker c;

    (void)state;
    feed(&c, (int[]){END}, 0);
    checker_finish_lane(&c, 0, 3);
    expect(&c, FAULT_LOST, 3);
}

static void test_one_twice_is_seen(void **state)
{
    struct checker c;

    (void)state;
    feed(&c, (int[]){0, 1, 1, 2, END}, 0);
    checker_finish_lane(&c, 0, 3);
    expect(&c, FAULT_TWICE, 1);
}

static void test_an_old_one_again_is_seen(void **state)
{
    struct checker c;

    (void)state;
    feed(&c, (int[]){0, 1, 2, 3, 0, END}, 0);
    checker_finish_lane(&c, 0, 4);
    expect(&c, FAULT_TWICE, 1);
}

static void test_one_twice_does_not_make_up_for_one_lost(void **state)
{
    struct checker c;

    (void)state;
    feed(&c, (int[]){0, 1, 1, 3, END}, 0);
    checker_finish_lane(&c, 0, 4);
    assert_int_equal(c.faults[FAULT_LOST], 1);
    assert_int_equal(c.faults[FAULT_TWICE], 1);
    checker_release(&c);
}

static void test_two_swapped_are_seen(void **state)
{
    struct checker c;

    (void)state;
    feed(&c, (int[]){0, 2, 1, 3, END}, 0);
    checker_finish_lane(&c, 0, 4);
    expect(&c, FAULT_DISORDER, 1);
}

static void test_one_that_was_never_published_is_seen(void **state)
{
    struct checker c;

    (void)state;
    feed(&c, (int[]){0, 1, 2, END}, 0);
    checker_finish_lane(&c, 0, 2);
    expect(&c, FAULT_STRAY, 1);
}

static void test_one_again_with_the_flag_is_no_fault(void **state)
{
    struct checker c;

    (void)state;
    feed(&c, (int[]){0, 1, 2, END}, 0);
    checker_take(&c, 0, 1, CHECKER_REDELIVERED);
    checker_finish_lane(&c, 0, 3);
    assert_int_equal(c.redelivered, 1);
    expect(&c, FAULT_LOST, 0);
}

static void test_one_late_with_the_flag_is_no_fault(void **state)
{
    struct checker c;

    (void)state;
    feed(&c, (int[]){0, 2, END}, 0);
    checker_take(&c, 0, 1, CHECKER_REDELIVERED);
    checker_finish_lane(&c, 0, 3);
    expect(&c, FAULT_LOST, 0);
}

static void test_nothing_may_come_where_there_is_no_lane(void **state)
{
    struct checker c;

    (void)state;
    checker_init(&c, 2);
    checker_set_lane(&c, 0, 0, 1);
    checker_take(&c, 1, 0, 0);
    checker_finish_lane(&c, 0, 0);
    checker_finish_lane(&c, 1, 5); /* what others published */
    expect(&c, FAULT_STRAY, 1);
}

static void test_a_lane_takes_every_step_and_no_other(void **state)
{
    struct checker c;

    (void)state;
    checker_init(&c, 1);
    checker_set_lane(&c, 0, 2, 4); /* 2, 6, 10 ... */
    checker_take(&c, 0, 2, 0);
    checker_take(&c, 0, 6, 0);
    checker_take(&c, 0, 7, 0);
    checker_take(&c, 0, 1, 0);
    checker_take(&c, 0, 10, 0);
    assert_int_equal(checker_count(&c, 0), 3);
    checker_finish_lane(&c, 0, 14); /* 14 itself was not published */
    expect(&c, FAULT_STRAY, 2);
}

static void test_a_lane_misses_its_own_steps_only(void **state)
{
    struct checker c;

    (void)state;
    checker_init(&c, 1);
    checker_set_lane(&c, 0, 2, 4);
    checker_take(&c, 0, 2, 0);
    checker_take(&c, 0, 10, 0);
    checker_finish_lane(&c, 0, 15); /* 2, 6, 10, 14 */
    expect(&c, FAULT_LOST, 2);
}

static void test_a_sequence_beyond_all_reason_is_a_stray(void **state)
{
    struct checker c;

    (void)state;
    checker_init(&c, 1);
    checker_set_lane(&c, 0, 0, 1);
    checker_take(&c, 0, UINT64_MAX, 0);
    checker_take(&c, 0, UINT64_MAX - 1, 0);
    checker_finish_lane(&c, 0, 0);
    expect(&c, FAULT_STRAY, 2);
}

static void test_consumers_of_one_queue_share_its_messages(void **state)
{
    uint64_t tracks[2] = {0, 0};
    struct checker c;

    (void)state;
    checker_init(&c, 1);
    checker_set_lane(&c, 0, 0, 1);
    checker_take_shared(&c, 0, &tracks[0], 1, 0);
    checker_take_shared(&c, 0, &tracks[1], 0, 0);
    checker_take_shared(&c, 0, &tracks[1], 3, 0);
    checker_take_shared(&c, 0, &tracks[0], 2, 0);
    checker_finish_lane(&c, 0, 4);
    expect(&c, FAULT_LOST, 0);
}

static void test_each_of_them_still_gets_them_in_order(void **state)
{
    uint64_t tracks[2] = {0, 0};
    struct checker c;

    (void)state;
    checker_init(&c, 1);
    checker_set_lane(&c, 0, 0, 1);
    checker_take_shared(&c, 0, &tracks[0], 1, 0);
    checker_take_shared(&c, 0, &tracks[0], 0, 0);
    checker_finish_lane(&c, 0, 2);
    expect(&c, FAULT_DISORDER, 1);
}

static void test_two_of_them_must_not_get_the_same(void **state)
{
    uint64_t tracks[2] = {0, 0};
    struct checker c;

    (void)state;
    checker_init(&c, 1);
    checker_set_lane(&c, 0, 0, 1);
    checker_take_shared(&c, 0, &tracks[0], 0, 0);
    checker_take_shared(&c, 0, &tracks[1], 0, 0);
    checker_finish_lane(&c, 0, 1);
    expect(&c, FAULT_TWICE, 1);
}

/* Any order without the flag counts what came, whatever the order. */
static void test_whatever_the_order_what_came_is_counted(void **state)
{
    enum { COUNT = 500, TURNS = 50 };
    struct rand r;

    (void)state;
    rand_init(&r, test_seed());
    for (int turn = 0; turn < TURNS; turn++) {
        struct checker c;
        int order[COUNT];

        checker_init(&c, 1);
        checker_set_lane(&c, 0, 0, 1);
        for (int i = 0; i < COUNT; i++) {
            int j = (int)rand_below(&r, (uint64_t)i + 1);
            order[i] = order[j];
            order[j] = i;
        }
        for (int i = 0; i < COUNT; i++)
            checker_take(&c, 0, (uint64_t)order[i], CHECKER_SHARED);
        assert_int_equal(checker_count(&c, 0), COUNT);
        checker_finish_lane(&c, 0, COUNT);
        expect(&c, FAULT_LOST, 0);
    }
}

static void test_what_others_found_is_counted_too(void **state)
{
    struct checker c;

    (void)state;
    checker_init(&c, 0);
    checker_blame(&c, FAULT_ALTERED, "body %d", 1);
    checker_blame(&c, FAULT_ALTERED, "body %d", 2);
    assert_string_equal(c.first.text, "body 1");
    assert_string_equal(fault_name(FAULT_ALTERED), "altered");
    expect(&c, FAULT_ALTERED, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_in_order_is_good),
        cmocka_unit_test(test_the_last_one_lost_is_seen),
        cmocka_unit_test(test_one_lost_in_the_middle_is_seen),
        cmocka_unit_test(test_the_first_ones_lost_are_seen),
        cmocka_unit_test(test_all_lost_is_seen),
        cmocka_unit_test(test_one_twice_is_seen),
        cmocka_unit_test(test_an_old_one_again_is_seen),
        cmocka_unit_test(test_one_twice_does_not_make_up_for_one_lost),
        cmocka_unit_test(test_two_swapped_are_seen),
        cmocka_unit_test(test_one_that_was_never_published_is_seen),
        cmocka_unit_test(test_one_again_with_the_flag_is_no_fault),
        cmocka_unit_test(test_one_late_with_the_flag_is_no_fault),
        cmocka_unit_test(test_nothing_may_come_where_there_is_no_lane),
        cmocka_unit_test(test_a_lane_takes_every_step_and_no_other),
        cmocka_unit_test(test_a_lane_misses_its_own_steps_only),
        cmocka_unit_test(test_a_sequence_beyond_all_reason_is_a_stray),
        cmocka_unit_test(test_consumers_of_one_queue_share_its_messages),
        cmocka_unit_test(test_each_of_them_still_gets_them_in_order),
        cmocka_unit_test(test_two_of_them_must_not_get_the_same),
        cmocka_unit_test(test_whatever_the_order_what_came_is_counted),
        cmocka_unit_test(test_what_others_found_is_counted_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
