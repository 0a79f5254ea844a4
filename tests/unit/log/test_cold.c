/* Tests of log/cold: lanes and the order in them. */
#include "log/cold.h"

#include "base/err.h"
#include "base/rand.h"
#include "tests/lib/leaks.h"
#include "tests/lib/seed.h"

/* A sealed segment [first, end) of a lane; its times are its numbers. */
static struct segment *segment_of(uint64_t destination, uint64_t first, uint64_t end)
{
    static uint64_t id;
    struct segment *g = segment_new(SEGMENT_COLD, ++id, first);

    g->destination = destination;
    g->end = end;
    g->is_sealed = true;
    g->file_bytes = 1000;
    g->first_time_ms = (int64_t)first;
    g->last_time_ms = (int64_t)end - 1;
    return g;
}

static struct segment *add(struct cold *c, uint64_t destination, uint64_t first, uint64_t end)
{
    struct segment *g = segment_of(destination, first, end);

    assert_int_equal(cold_add(c, g), 0);
    return g;
}

static void test_an_empty_store_has_no_lanes(void **state)
{
    struct cold c;

    (void)state;
    cold_init(&c);
    assert_int_equal(c.next_id, 1); /* 0 is no id */
    assert_null(cold_find(&c, 0));
    assert_null(cold_find(&c, UINT64_MAX));
    cold_release(&c);
}

static void test_segments_find_their_lane_and_their_order(void **state)
{
    struct cold c;
    struct segment *b, *a, *other, *far;

    (void)state;
    cold_init(&c);
    b = add(&c, 5, 20, 30);
    a = add(&c, 5, 0, 10);
    other = add(&c, COLD_SHARED, 7, 9);
    far = add(&c, UINT64_MAX, 0, 1);
    assert_int_equal(c.count, 3);
    assert_int_equal(c.segment_count, 4);
    assert_int_equal(c.bytes, 4000);
    assert_int_equal(cold_find(&c, 5)->count, 2);
    assert_int_equal(cold_find(&c, 5)->bytes, 2000);
    assert_ptr_equal(cold_find(&c, 5)->segments[0], a);
    assert_ptr_equal(cold_find(&c, 5)->segments[1], b);
    assert_ptr_equal(cold_find(&c, COLD_SHARED)->segments[0], other);
    assert_ptr_equal(cold_find(&c, UINT64_MAX)->segments[0], far);
    assert_null(cold_find(&c, 4));
    cold_release(&c);
}

static void test_a_number_gives_its_segment_or_the_next_one(void **state)
{
    struct cold c;
    struct segment *a, *b;
    struct cold_lane *lane;

    (void)state;
    cold_init(&c);
    a = add(&c, 5, 10, 20);
    b = add(&c, 5, 30, 40);
    lane = cold_find(&c, 5);
    assert_ptr_equal(cold_segment(lane, 0), a);
    assert_ptr_equal(cold_segment(lane, 19), a);
    assert_ptr_equal(cold_segment(lane, 20), b); /* a gap */
    assert_ptr_equal(cold_segment(lane, 39), b);
    assert_null(cold_segment(lane, 40));
    assert_null(cold_segment(lane, UINT64_MAX));
    assert_ptr_equal(cold_segment_by_time(lane, INT64_MIN), a);
    assert_ptr_equal(cold_segment_by_time(lane, 19), a);
    assert_ptr_equal(cold_segment_by_time(lane, 20), b);
    assert_null(cold_segment_by_time(lane, 40));
    cold_release(&c);
}

static void test_overlapping_segments_are_refused(void **state)
{
    static const struct {
        uint64_t first;
        uint64_t end;
        int rv;
    } tries[] = {
        {10, 20, ERR_EXISTS}, {9, 11, ERR_EXISTS},  {19, 21, ERR_EXISTS}, {12, 13, ERR_EXISTS},
        {5, 35, ERR_EXISTS},  {39, 41, ERR_EXISTS}, {20, 30, 0},          {0, 10, 0},
        {40, UINT64_MAX, 0},  {40, 41, ERR_EXISTS},
    };
    struct cold c;

    (void)state;
    cold_init(&c);
    add(&c, 5, 10, 20);
    add(&c, 5, 30, 40);
    for (size_t i = 0; i < ARRAY_SIZE(tries); i++) {
        struct segment *g = segment_of(5, tries[i].first, tries[i].end);
        size_t before = c.segment_count;

        assert_int_equal(cold_add(&c, g), tries[i].rv);
        if (tries[i].rv != 0) {
            assert_int_equal(c.segment_count, before);
            segment_free(g);
        }
    }
    cold_release(&c);
}

static void test_an_empty_lane_is_forgotten(void **state)
{
    struct cold c;
    struct segment *a, *b;

    (void)state;
    cold_init(&c);
    add(&c, 4, 0, 1);
    a = add(&c, 5, 0, 10);
    b = add(&c, 5, 10, 20);
    add(&c, 6, 0, 1);
    cold_remove(&c, a);
    segment_free(a);
    assert_int_equal(cold_find(&c, 5)->count, 1);
    assert_int_equal(cold_find(&c, 5)->bytes, 1000);
    cold_remove(&c, b);
    segment_free(b);
    assert_null(cold_find(&c, 5));
    assert_non_null(cold_find(&c, 4));
    assert_non_null(cold_find(&c, 6));
    assert_int_equal(c.bytes, 2000);
    cold_release(&c);
}

static void test_random_lanes_stay_in_order(void **state)
{
    enum { DESTINATIONS = 40, ROUNDS = 3000 };
    struct cold c;
    struct rand r;

    (void)state;
    rand_init(&r, test_seed());
    cold_init(&c);
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t destination = rand_below(&r, DESTINATIONS), first = rand_below(&r, 5000);
        struct cold_lane *lane = cold_find(&c, destination);

        if (lane != NULL && rand_chance(&r, 1, 3)) {
            struct segment *g = lane->segments[rand_below(&r, lane->count)];
            cold_remove(&c, g);
            segment_free(g);
        } else {
            struct segment *g = segment_of(destination, first, first + 1 + rand_below(&r, 100));
            if (cold_add(&c, g) != 0)
                segment_free(g);
        }
    }
    for (size_t i = 0; i < c.count; i++) {
        assert_true(i == 0 || c.lanes[i - 1]->destination < c.lanes[i]->destination);
        assert_true(c.lanes[i]->count > 0);
        for (size_t k = 1; k < c.lanes[i]->count; k++)
            assert_true(c.lanes[i]->segments[k - 1]->end <=
                        c.lanes[i]->segments[k]->first); /* C1 */
    }
    cold_release(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_an_empty_store_has_no_lanes),
        LEAK_CHECKED(test_segments_find_their_lane_and_their_order),
        LEAK_CHECKED(test_a_number_gives_its_segment_or_the_next_one),
        LEAK_CHECKED(test_overlapping_segments_are_refused),
        LEAK_CHECKED(test_an_empty_lane_is_forgotten),
        LEAK_CHECKED(test_random_lanes_stay_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
