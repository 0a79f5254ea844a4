/* Tests of log/lanes: trim, retain, drop, release, and what a lane says of itself. */
#include "log/log_parts.h"

#include <string.h>

#include "tests/lib/death.h"
#include "tests/lib/leaks.h"
#include "tests/unit/log/log_world.h"

enum { LANE = 3, BODY = 400 };

/* A lane of so many files with ten numbers each: 0 to 9, 10 to 19, ... a second apart. */
static void begin(struct log_world *w, uint64_t files)
{
    log_world_init(w);
    log_world_open(w);
    for (uint64_t i = 0; i < files; i++) {
        for (uint64_t k = 0; k < 10; k++)
            log_world_move(w, LANE, i * 10 + k, NULL, BODY);
        log_world_run_ms(w, 1000);
        log_world_fill_segment(w, KIND_DROP, 3000);
        log_world_checkpoint(w);
    }
}

static void end(struct log_world *w)
{
    log_world_close(w);
    log_world_release(w);
}

/* The lane must be [first, end); no lane when both are 0. */
static void expect_lane(struct log_world *w, uint64_t first, uint64_t end_number)
{
    uint64_t from = 77, to = 77;

    log_world_settle(w);
    assert_int_equal(log_lane(w->log, LANE, &from, &to), end_number > 0);
    assert_int_equal(from, end_number > 0 ? first : 77);
    assert_int_equal(to, end_number > 0 ? end_number : 77);
    assert_int_equal(log_world_count_files(w, "cold-"), (end_number - first) / 10);
}

static void test_trimming_drops_whole_files_below_the_number(void **state)
{
    struct log_world w;

    (void)state;
    begin(&w, 4);
    expect_lane(&w, 0, 40);
    log_trim(w.log, LANE, 0);
    log_trim(w.log, LANE, 9);
    expect_lane(&w, 0, 40); /* 9 itself stays */
    log_trim(w.log, LANE, 10);
    expect_lane(&w, 10, 40);
    log_trim(w.log, LANE, 39);
    expect_lane(&w, 30, 40);
    log_trim(w.log, LANE, 5); /* going back is nothing */
    log_trim(w.log, 99, 5);   /* nor is another lane */
    expect_lane(&w, 30, 40);
    log_trim(w.log, LANE, 40);
    expect_lane(&w, 0, 0);
    end(&w);
}

static void test_a_trim_lasts(void **state)
{
    struct log_world w;

    (void)state;
    begin(&w, 3);
    log_trim(w.log, LANE, 20);
    log_world_settle(&w);
    log_world_crash(&w);
    log_world_open(&w);
    expect_lane(&w, 20, 30);
    end(&w);
}

static void test_dropping_a_lane_leaves_the_others(void **state)
{
    struct log_world w;

    (void)state;
    begin(&w, 2);
    log_world_move(&w, LANE + 1, 5, NULL, BODY);
    log_world_append(&w, KIND_KEEP, BODY);
    log_world_fill_segment(&w, KIND_DROP, 3000);
    log_world_checkpoint(&w);
    log_drop(w.log, LANE);
    log_world_settle(&w);
    assert_null(cold_find(&w.log->cold, LANE));
    log_world_expect_lane(&w, LANE + 1, 1, (uint64_t[]){5});
    assert_int_equal(cold_find(&w.log->cold, LOG_SHARED)->count, 1);
    log_drop(w.log, LANE); /* again is fine */
    end(&w);
}

static void test_retention_by_bytes_keeps_the_newest_files(void **state)
{
    struct log_world w;
    uint64_t content; /* of a file: its header does not count */

    (void)state;
    begin(&w, 5);
    content = cold_find(&w.log->cold, LANE)->segments[4]->file_bytes - SEGMENT_HEADER_SIZE;
    log_retain(w.log, LANE, &(struct log_retention){.max_bytes = 100 * content});
    expect_lane(&w, 0, 50);
    log_retain(w.log, LANE, &(struct log_retention){.max_bytes = 2 * content + 10});
    expect_lane(&w, 20, 50);
    log_retain(w.log, LANE, &(struct log_retention){.max_bytes = 1});
    expect_lane(&w, 40, 50);                             /* the newest stays */
    log_retain(w.log, LANE, &(struct log_retention){0}); /* no limit */
    log_retain(w.log, 99, &(struct log_retention){.max_bytes = 1});
    expect_lane(&w, 40, 50);
    end(&w);
}

static void test_retention_by_age_looks_at_the_newest_record_of_a_file(void **state)
{
    struct log_world w;
    const struct cold_lane *lane;
    int64_t now;
    uint64_t age;

    (void)state;
    begin(&w, 4);
    now = io_wall_ms(w.io);
    lane = cold_find(&w.log->cold, LANE);
    age = (uint64_t)(now - lane->segments[1]->last_time_ms);
    log_retain(w.log, LANE, &(struct log_retention){.max_age_ms = age}); /* just not too old */
    expect_lane(&w, 10, 40);
    log_retain(w.log, LANE, &(struct log_retention){.max_age_ms = age - 1});
    expect_lane(&w, 20, 40);
    sim_node_jump_wall(w.node, 1000000);
    log_retain(w.log, LANE, &(struct log_retention){.max_age_ms = 1000});
    expect_lane(&w, 30, 40);
    end(&w);
}

/* Whoever asks to keep everything for ever may say so with a very large number. */
static void test_an_age_beyond_all_clocks_keeps_everything(void **state)
{
    static const uint64_t ages[] = {UINT64_MAX, (uint64_t)INT64_MAX + 1, INT64_MAX};
    struct log_world w;

    (void)state;
    begin(&w, 3);
    for (size_t i = 0; i < ARRAY_SIZE(ages); i++)
        log_retain(w.log, LANE, &(struct log_retention){.max_age_ms = ages[i]});
    expect_lane(&w, 0, 30);
    end(&w);
}

static void test_releasing_what_is_gone_or_never_was_is_fine(void **state)
{
    struct log_world w;

    (void)state;
    begin(&w, 2);
    log_release(w.log, LOG_SHARED, log_next(w.log)); /* not yet appended */
    log_release(w.log, LOG_SHARED, UINT64_MAX);
    log_release(w.log, LOG_SHARED, 0); /* sorted, and not to the shared lane */
    log_release(w.log, LANE, 20);
    log_release(w.log, LANE, UINT64_MAX);
    log_release(w.log, 99, 0);
    expect_lane(&w, 0, 20);
    log_trim(w.log, LANE, 10);
    log_release(w.log, LANE, 5);
    expect_lane(&w, 10, 20);
    end(&w);
}

static void test_releasing_too_often_never_counts_below_zero(void **state)
{
    struct log_world w;

    (void)state;
    begin(&w, 1);
    log_world_append(&w, KIND_KEEP, BODY);
    for (uint64_t i = 0; i < 100; i++)
        log_release(w.log, LOG_SHARED, log_next(w.log) - 1);
    assert_int_equal(w.log->hot.segments[w.log->hot.segment_count - 1]->live, 0);
    log_world_settle(&w);
    end(&w);
}

static void drop_the_shared_lane(void *owner)
{
    log_drop(owner, LOG_SHARED);
}

/* New files of a lane end before they are larger; it is told anew after each opening. */
static void test_a_lane_may_have_small_files(void **state)
{
    struct log_world w;
    const struct cold_lane *lane;

    (void)state;
    log_world_init(&w);
    w.options.cold_segment_bytes = 1 << 20;
    log_world_open(&w);
    log_limit_files(w.log, LANE, 4096);
    for (uint64_t i = 0; i < 60; i++) {
        log_world_move(&w, LANE, i, NULL, BODY);
        log_world_move(&w, LANE + 1, i, NULL, BODY);
        log_world_settle(&w);
    }
    log_world_fill_segment(&w, KIND_DROP, 3000);
    log_world_checkpoint(&w);
    lane = cold_find(&w.log->cold, LANE);
    assert_true(lane->count >= 60 * BODY / 4096);
    for (size_t i = 0; i < lane->count; i++)
        assert_true(lane->segments[i]->file_bytes <= 3 * 4096); /* with its header and footer */
    assert_true(cold_find(&w.log->cold, LANE + 1)->count < lane->count);
    end(&w);
}

/* What has left the hot log never comes back; what was sorted a moment ago may. */
static void test_what_has_left_the_hot_log_is_gone_from_it(void **state)
{
    struct log_world w;
    uint64_t left;

    (void)state;
    begin(&w, 2);
    assert_true(log_left(w.log) <= log_first(w.log));
    log_world_settle(&w);
    left = log_left(w.log);
    assert_true(left > 0 && left == log_first(w.log)); /* the manifest says so, durably */
    log_world_crash(&w);
    log_world_open(&w);
    assert_true(log_first(w.log) >= left);
    assert_true(log_left(w.log) >= left);
    expect_lane(&w, 0, 20);
    end(&w);
}

static void compact_the_shared_lane(void *owner)
{
    log_compact(owner, LOG_SHARED, 0);
}

static void test_misuse_is_a_bug(void **state)
{
    struct log_world w;

    (void)state;
    begin(&w, 1);
    expect_death(drop_the_shared_lane, w.log, "LOG_SHARED");
    expect_death(compact_the_shared_lane, w.log, "LOG_SHARED");
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_a_lane_may_have_small_files),
        LEAK_CHECKED(test_what_has_left_the_hot_log_is_gone_from_it),
        LEAK_CHECKED(test_trimming_drops_whole_files_below_the_number),
        LEAK_CHECKED(test_a_trim_lasts),
        LEAK_CHECKED(test_dropping_a_lane_leaves_the_others),
        LEAK_CHECKED(test_retention_by_bytes_keeps_the_newest_files),
        LEAK_CHECKED(test_retention_by_age_looks_at_the_newest_record_of_a_file),
        LEAK_CHECKED(test_an_age_beyond_all_clocks_keeps_everything),
        LEAK_CHECKED(test_releasing_what_is_gone_or_never_was_is_fine),
        LEAK_CHECKED(test_releasing_too_often_never_counts_below_zero),
        LEAK_CHECKED(test_misuse_is_a_bug),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
