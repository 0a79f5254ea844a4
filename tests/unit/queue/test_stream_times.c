/* Tests of queue/stream_times.h: against a plain list of all messages. */
#include "queue/stream_times.h"

#include "base/rand.h"
#include "tests/lib/leaks.h"
#include "tests/lib/seed.h"

enum { MESSAGES = 20000, QUESTIONS = 500, JUMP_ONE_IN = 400 };

/* What came is asked of both; marks may tell of too little, never of too much. */
static void test_what_is_passed_over_is_older(void **state)
{
    static int64_t came_ms[MESSAGES + 1];
    struct stream_times t;
    struct rand r;
    int64_t now_ms = 1000;

    (void)state;
    rand_init(&r, test_seed());
    stream_times_init(&t);
    for (uint64_t seq = 1; seq <= MESSAGES; seq++) {
        if (rand_chance(&r, 1, JUMP_ONE_IN))
            now_ms += (int64_t)rand_below(&r, 100000);
        now_ms += (int64_t)rand_below(&r, 3);
        came_ms[seq] = now_ms;
        stream_times_add(&t, seq, now_ms);
    }
    for (int i = 0; i < QUESTIONS; i++) {
        int64_t at_ms = (int64_t)rand_below(&r, (uint64_t)now_ms + 2000);
        uint64_t before = stream_times_before(&t, at_ms, MESSAGES + 1);

        assert_true(before <= MESSAGES + 1);
        for (uint64_t seq = 1; seq < before; seq++)
            assert_true(came_ms[seq] < at_ms);
    }
    assert_int_equal(stream_times_before(&t, now_ms + 1, MESSAGES + 1), MESSAGES + 1);
    assert_int_equal(stream_times_before(&t, 0, MESSAGES + 1), 0);
    stream_times_release(&t);
}

static void test_marks_are_bounded_and_still_tell(void **state)
{
    struct stream_times t;

    (void)state;
    stream_times_init(&t);
    for (uint64_t seq = 1; seq <= 100000; seq++)
        stream_times_add(&t, seq, (int64_t)seq * 5000);
    assert_in_range(t.count, 512, 1024);
    uint64_t before = stream_times_before(&t, INT64_C(50000) * 5000, 100001);
    assert_in_range(before, 49000, 50000);
    stream_times_release(&t);
}

static void test_a_clock_that_goes_back_makes_no_new_mark(void **state)
{
    struct stream_times t;

    (void)state;
    stream_times_init(&t);
    stream_times_add(&t, 1, 100000);
    stream_times_add(&t, 2, 5000);
    assert_int_equal(t.count, 1);
    assert_int_equal(stream_times_before(&t, 100000, 3), 0);
    assert_int_equal(stream_times_before(&t, 100001, 3), 3);
    stream_times_release(&t);
}

static void test_what_is_trimmed_is_not_told(void **state)
{
    struct stream_times t;

    (void)state;
    stream_times_init(&t);
    for (uint64_t seq = 10; seq <= 50; seq += 10)
        stream_times_add(&t, seq, (int64_t)seq * 1000);
    stream_times_trim(&t, 5);
    assert_int_equal(t.count, 5);
    stream_times_trim(&t, 35);
    assert_int_equal(t.count, 3);
    assert_int_equal(t.marks[0].seq, 30);
    stream_times_trim(&t, 1000);
    assert_int_equal(t.count, 1);
    stream_times_release(&t);
}

static void test_they_are_saved_and_nothing_else_is_believed(void **state)
{
    struct stream_times t, again;
    struct reader r;
    struct buf saved;

    (void)state;
    buf_init(&saved, 1 << 20);
    stream_times_init(&t);
    for (uint64_t seq = 1; seq <= 100; seq++)
        stream_times_add(&t, seq * 3, (int64_t)seq * 2000 - 50000);
    stream_times_save(&t, &saved);
    stream_times_init(&again);
    r = reader_of(buf_view(&saved));
    stream_times_restore(&again, &r);
    assert_true(reader_is_done(&r));
    assert_int_equal(again.count, t.count);
    for (size_t i = 0; i < t.count; i++)
        assert_memory_equal(&again.marks[i], &t.marks[i], sizeof(t.marks[i]));
    stream_times_release(&again);
    for (size_t size = 0; size < saved.size; size++) {
        stream_times_init(&again);
        r = reader_of(bytes_of(saved.data, size));
        stream_times_restore(&again, &r);
        assert_true(r.is_failed);
        stream_times_release(&again);
    }
    r = reader_of(bytes_of("\xff\xff\xff\xff\x0f", 5));
    stream_times_init(&again);
    stream_times_restore(&again, &r);
    assert_true(r.is_failed);
    stream_times_release(&again);
    stream_times_release(&t);
    buf_release(&saved);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_what_is_passed_over_is_older),
        LEAK_CHECKED(test_marks_are_bounded_and_still_tell),
        LEAK_CHECKED(test_a_clock_that_goes_back_makes_no_new_mark),
        LEAK_CHECKED(test_what_is_trimmed_is_not_told),
        LEAK_CHECKED(test_they_are_saved_and_nothing_else_is_believed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
