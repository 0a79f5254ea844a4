/* Sets of queues that are kept once. */
#include "tests/lib/board.h"
#include "tests/lib/death.h"
#include "tests/lib/leaks.h"

static struct board b;

static void test_equal_sets_are_one(void **state)
{
    static const uint64_t queues[] = {1, 5, 9};

    (void)state;
    board_init(&b, NULL);
    struct queue_set *one = queue_set_take(b.table, queues, 3);
    struct queue_set *same = queue_set_take(b.table, queues, 3);
    struct queue_set *part = queue_set_take(b.table, queues, 2);
    struct queue_set *empty = queue_set_take(b.table, NULL, 0);
    uint64_t id = one->id;

    assert_ptr_equal(one, same);
    assert_int_equal(one->references, 2);
    assert_ptr_not_equal(one, part);
    assert_int_equal(empty->count, 0);
    assert_ptr_equal(queue_set_find(b.table, id), one);
    queue_set_unref(b.table, one);
    assert_ptr_equal(queue_set_find(b.table, id), one);
    queue_set_unref(b.table, same);
    assert_null(queue_set_find(b.table, id));
    one = queue_set_take(b.table, queues, 3);
    assert_true(one->id > id); /* never used twice */
    queue_set_unref(b.table, one);
    queue_set_unref(b.table, part);
    queue_set_unref(b.table, empty);
    board_release(&b);
}

static void test_a_set_outlives_the_route_that_found_it(void **state)
{
    struct bytes key = bytes_text("k");
    const struct route_view view = {.keys = &key, .key_count = 1};
    struct route route;

    (void)state;
    board_init(&b, NULL);
    board_queue(&b, "q");
    board_bind(&b, "amq.direct", "q", "k", "");
    route_message(b.table, board_find(&b, "amq.direct"), &view, &route);
    struct queue_set *set = route_take_set(b.table, &route);
    board_remove_queue(&b, "q");
    route_message(b.table, board_find(&b, "amq.direct"), &view, &route);
    assert_int_equal(route.count, 0);
    assert_int_equal(set->count, 1);
    assert_int_equal(set->queues[0], 1);
    queue_set_unref(b.table, set);

    /* one that is not interned gets so on demand */
    board_queue(&b, "r");
    board_bind(&b, "amq.headers", "r", "", "");
    route_message(b.table, board_find(&b, "amq.headers"), &view, &route);
    assert_null(route.set);
    set = route_take_set(b.table, &route);
    assert_int_equal(set->queues[0], 2);
    queue_set_unref(b.table, set);
    board_release(&b);
}

static void take_unsorted(void *owner)
{
    static const uint64_t queues[] = {2, 2};

    (void)queue_set_take(((struct board *)owner)->table, queues, 2);
}

static void test_queues_must_rise(void **state)
{
    (void)state;
    board_init(&b, NULL);
    expect_death(take_unsorted, &b, "queues[i - 1] < queues[i]");
    board_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_equal_sets_are_one),
        LEAK_CHECKED(test_a_set_outlives_the_route_that_found_it),
        LEAK_CHECKED(test_queues_must_rise),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
