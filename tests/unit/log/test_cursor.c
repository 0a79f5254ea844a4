/* Tests of log/cursor: readers of the hot log and of lanes, whatever happens meanwhile. */
#include "log/cursor.h"

#include <string.h>

#include "base/bytes.h"
#include "base/err.h"
#include "log/log_parts.h"
#include "tests/lib/leaks.h"
#include "tests/unit/log/log_world.h"

enum { LANE = 7, BODY = 400 };

/* A log that keeps nothing in memory that is not referenced. */
static void begin(struct log_world *w)
{
    log_world_init(w);
    w->options.cache_bytes = 0;
    log_world_open(w);
    log_world_settle(w);
}

static void end(struct log_world *w)
{
    log_world_close(w);
    log_world_release(w);
}

static struct hot *hot_of(struct log_world *w)
{
    return &w->log->hot;
}

/* Appends records 10 ms apart until there are `segments` sealed segments; returns the
 * next position. */
static uint64_t fill(struct log_world *w, size_t segments)
{
    while (hot_of(w)->segment_count <= segments) {
        log_world_append(w, KIND_KEEP, BODY);
        log_world_run_ms(w, 10);
    }
    log_world_settle(w);
    return log_next(w->log);
}

/* Moves `count` records to the lane, with the numbers 10, 20, 30, ... 10 ms apart, a cold
 * file for each so many. */
static void fill_lane(struct log_world *w, uint64_t count, uint64_t per_file)
{
    struct cold_lane *lane = cold_find(&w->log->cold, LANE);
    uint64_t first = lane != NULL ? lane->segments[lane->count - 1]->end / 10 + 1 : 1;

    for (uint64_t i = 0; i < count; i++) {
        log_world_move(w, LANE, (first + i) * 10, NULL, BODY);
        log_world_run_ms(w, 10);
        if ((i + 1) % per_file == 0 || i + 1 == count) {
            log_world_fill_segment(w, KIND_DROP, 3000);
            log_world_checkpoint(w);
        }
    }
    assert_non_null(cold_find(&w->log->cold, LANE));
}

static void expect(struct log_world *w, struct cursor *c, uint64_t number)
{
    struct record r;

    assert_int_equal(log_world_next(w, c, &r), 0);
    assert_int_equal(r.number, number);
    assert_true(log_world_is_whole(&r));
}

static void expect_error(struct log_world *w, struct cursor *c, int err)
{
    struct record r = {.number = 77};

    assert_int_equal(log_world_next(w, c, &r), err);
    assert_int_equal(r.number, 77);
}

static void flip(struct log_world *w, const struct segment *g, uint64_t at)
{
    sim_disk_flip_bit(w->disk, segment_path(&w->log->site, g).text, at, 2);
}

/* ---- The hot log ---- */

static void test_an_empty_log_has_nothing_for_now(void **state)
{
    struct log_world w;
    struct cursor *c;

    (void)state;
    begin(&w);
    c = cursor_open(w.log, CURSOR_HOT, 0, 0);
    expect_error(&w, c, ERR_NOT_FOUND);
    expect_error(&w, c, ERR_NOT_FOUND);
    log_world_append(&w, KIND_KEEP, BODY);
    expect(&w, c, 0); /* at once, before it is durable */
    expect_error(&w, c, ERR_NOT_FOUND);
    log_world_settle(&w);
    log_world_append(&w, KIND_KEEP, BODY);
    expect(&w, c, 1);
    cursor_close(c);
    cursor_close(NULL);
    end(&w);
}

static void test_a_reader_passes_through_all_segments_from_disk(void **state)
{
    struct log_world w;
    uint64_t last;

    (void)state;
    begin(&w);
    last = fill(&w, 4);
    log_world_expect_hot(&w, 0, last);
    for (uint64_t from = 0; from < last; from += 17)
        log_world_expect_hot(&w, from, last);
    end(&w);
}

static void test_starting_at_or_beyond_the_end_waits_for_that_number(void **state)
{
    struct log_world w;
    struct cursor *c, *far;

    (void)state;
    begin(&w);
    log_world_append_each(&w, KIND_KEEP, BODY, 3);
    c = cursor_open(w.log, CURSOR_HOT, 0, 4);
    far = cursor_open(w.log, CURSOR_HOT, 0, UINT64_MAX);
    expect_error(&w, c, ERR_NOT_FOUND);
    log_world_append_each(&w, KIND_KEEP, BODY, 3);
    expect(&w, c, 4);
    expect_error(&w, far, ERR_NOT_FOUND);
    cursor_close(c);
    cursor_close(far);
    end(&w);
}

static void test_seeking_by_number_in_both_directions(void **state)
{
    struct log_world w;
    struct cursor *c;
    uint64_t last;

    (void)state;
    begin(&w);
    last = fill(&w, 3);
    c = cursor_open(w.log, CURSOR_HOT, 0, 0);
    for (uint64_t i = 0; i < last; i++) {
        uint64_t to = i * 37 % last;
        cursor_seek(c, to);
        expect(&w, c, to);
        if (to + 1 < last)
            expect(&w, c, to + 1);
    }
    cursor_seek(c, last);
    expect_error(&w, c, ERR_NOT_FOUND);
    cursor_close(c);
    end(&w);
}

/* The time of a record, from the record itself. */
static int64_t time_of(struct log_world *w, enum cursor_lane lane, uint64_t number)
{
    struct cursor *c = cursor_open(w->log, lane, LANE, number);
    struct record r;

    assert_int_equal(log_world_next(w, c, &r), 0);
    cursor_close(c);
    return r.time_ms;
}

static void test_seeking_by_time_in_the_hot_log(void **state)
{
    struct log_world w;
    struct cursor *c;
    uint64_t last;

    (void)state;
    begin(&w);
    last = fill(&w, 3);
    c = cursor_open(w.log, CURSOR_HOT, 0, 0);
    cursor_seek_time(c, 0);
    expect(&w, c, 0);
    for (uint64_t i = 1; i < last; i += 5) {
        cursor_seek_time(c, time_of(&w, CURSOR_HOT, i));
        expect(&w, c, i);
        cursor_seek_time(c, time_of(&w, CURSOR_HOT, i) - 1);
        expect(&w, c, i);
        cursor_seek_time(c, time_of(&w, CURSOR_HOT, i) + 1);
        if (i + 1 < last)
            expect(&w, c, i + 1);
    }
    cursor_seek_time(c, INT64_MAX);
    expect_error(&w, c, ERR_NOT_FOUND);
    cursor_seek(c, 2); /* a number again: the time does not count any more */
    expect(&w, c, 2);
    cursor_close(c);
    end(&w);
}

static void test_the_next_run_is_read_ahead(void **state)
{
    struct log_world w;
    struct cursor *c;
    struct block *b;
    struct record r;
    uint64_t run_end;

    (void)state;
    log_world_init(&w);
    log_world_open(&w);
    fill(&w, 2);
    log_world_close(&w); /* so that nothing of it is in memory */
    log_world_open(&w);
    log_world_settle(&w);
    c = cursor_open(w.log, CURSOR_HOT, 0, 0);
    assert_int_equal(cursor_next(c, &r), ERR_AGAIN);
    log_world_settle(&w);
    assert_int_equal(cursor_next(c, &r), 0); /* asks for what comes behind */
    b = cursor_pin(c);
    run_end = b->end;
    log_unpin(b);
    log_world_settle(&w);
    while (r.number < run_end)
        assert_int_equal(cursor_next(c, &r), 0); /* the last one is there already */
    cursor_close(c);
    end(&w);
}

/* How many loads the first record of a log brings about that is not in memory. */
static uint64_t loads_at_the_start(uint64_t cache_bytes)
{
    struct log_world w;
    struct cursor *c;
    struct record r;
    uint64_t misses;

    log_world_init(&w);
    w.options.cache_bytes = cache_bytes;
    log_world_open(&w);
    fill(&w, 2);
    log_world_close(&w);
    log_world_open(&w);
    log_world_settle(&w);
    c = cursor_open(w.log, CURSOR_HOT, 0, 0);
    misses = w.log->cache.misses;
    assert_int_equal(cursor_next(c, &r), ERR_AGAIN);
    log_world_settle(&w);
    assert_int_equal(cursor_next(c, &r), 0);
    misses = w.log->cache.misses - misses;
    log_world_settle(&w);
    cursor_close(c);
    end(&w);
    return misses;
}

static void test_several_runs_are_read_ahead_where_the_cache_has_room_for_them(void **state)
{
    (void)state;
    assert_int_equal(loads_at_the_start(1 << 20), 1 + 4);
    assert_int_equal(loads_at_the_start(0), 1 + 1);
}

/* A reader right behind the writer, with nothing kept in memory: what is not yet written
 * is found in memory, what is written on disk, and never is one taken for the other. */
static void test_a_reader_close_behind_the_writer_sees_no_damage(void **state)
{
    (void)state;
    for (uint64_t lag = 1; lag < 40; lag += 3) {
        struct log_world w;
        struct cursor *c;
        uint64_t next = 0;

        begin(&w);
        sim_disk_set_latency(w.disk, SIM_OP_SYNC, 3 * LOG_WORLD_MS, LOG_WORLD_MS);
        sim_disk_set_latency(w.disk, SIM_OP_READ, LOG_WORLD_MS, 2 * LOG_WORLD_MS);
        c = cursor_open(w.log, CURSOR_HOT, 0, 0);
        for (int i = 0; i < 150; i++) {
            log_world_append(&w, KIND_KEEP, 100 + (size_t)i * 53 % 900);
            if (i % 2 == 0)
                log_world_run_ms(&w, 1);
            while (next + lag < log_next(w.log))
                expect(&w, c, next++);
        }
        assert_false(hot_of(&w)->segments[0]->is_wounded);
        cursor_close(c);
        log_world_settle(&w);
        end(&w);
    }
}

static void test_a_failed_log_can_be_read_as_far_as_it_is_durable(void **state)
{
    struct log_world w;
    struct cursor *c;
    uint64_t durable;

    (void)state;
    begin(&w);
    durable = fill(&w, 1);
    log_world_fail(&w, SIM_OP_BIT(SIM_OP_SYNC), "hot-", ERR_IO, 0);
    for (int i = 0; i < 40; i++)
        log_world_append(&w, KIND_KEEP, BODY);
    log_world_settle(&w);
    assert_int_equal(w.told.failed, ERR_IO);
    log_world_expect_hot(&w, 0, durable);
    c = cursor_open(w.log, CURSOR_HOT, 0, durable + 5);
    expect_error(&w, c, ERR_NOT_FOUND);
    cursor_seek_time(c, INT64_MAX);
    expect_error(&w, c, ERR_NOT_FOUND);
    cursor_close(c);
    end(&w);
}

/* ---- Damage and errors ---- */

static void test_damage_in_the_hot_log_is_told_once_and_passed(void **state)
{
    struct log_world w;
    struct cursor *c;
    const struct segment *g;
    uint64_t last, gap;

    (void)state;
    begin(&w);
    last = fill(&w, 2);
    g = hot_of(&w)->segments[0];
    gap = g->index->entries[3].number; /* each record is a batch, each batch a run */
    flip(&w, g, g->index->entries[3].at + 100);
    c = cursor_open(w.log, CURSOR_HOT, 0, 0);
    for (uint64_t i = 0; i < last; i++) {
        if (i == gap)
            expect_error(&w, c, ERR_CORRUPT);
        else
            expect(&w, c, i);
    }
    expect_error(&w, c, ERR_NOT_FOUND);
    cursor_seek(c, gap); /* straight into it */
    expect_error(&w, c, ERR_CORRUPT);
    expect(&w, c, gap + 1);
    assert_non_null(strstr(w.said, "damaged"));
    assert_true(g->is_wounded);
    cursor_close(c);
    end(&w);
}

static void test_damage_in_a_lane_is_told_once_and_passed(void **state)
{
    struct log_world w;
    struct cursor *c;
    const struct segment *g;
    struct record r;
    uint32_t wounds = 0, found = 0;
    int rv;

    (void)state;
    begin(&w);
    fill_lane(&w, 30, 30);
    g = cold_find(&w.log->cold, LANE)->segments[0];
    flip(&w, g, SEGMENT_HEADER_SIZE + 100);
    c = cursor_open(w.log, CURSOR_COLD, LANE, 0);
    while ((rv = log_world_next(&w, c, &r)) != ERR_NOT_FOUND) {
        assert_true(rv == 0 || rv == ERR_CORRUPT);
        wounds += rv == ERR_CORRUPT;
        found += rv == 0;
    }
    assert_int_equal(wounds, 1);
    assert_true(found > 0 && found < 30);
    cursor_close(c);
    end(&w);
}

static void test_a_missing_file_is_a_gap_like_any_other(void **state)
{
    struct log_world w;
    struct cursor *c;
    const struct cold_lane *lane;

    (void)state;
    begin(&w);
    fill_lane(&w, 9, 3);
    lane = cold_find(&w.log->cold, LANE);
    assert_int_equal(lane->count, 3);
    sim_disk_erase(w.disk, segment_path(&w.log->site, lane->segments[1]).text);
    c = cursor_open(w.log, CURSOR_COLD, LANE, 0);
    for (uint64_t i = 1; i <= 3; i++)
        expect(&w, c, i * 10);
    expect_error(&w, c, ERR_CORRUPT);
    for (uint64_t i = 7; i <= 9; i++)
        expect(&w, c, i * 10);
    expect_error(&w, c, ERR_NOT_FOUND);
    cursor_close(c);
    end(&w);
}

static void test_seeking_by_time_into_an_unreadable_file_passes_it(void **state)
{
    struct log_world w;
    struct cursor *c;
    const struct cold_lane *lane;
    int64_t time_ms;

    (void)state;
    begin(&w);
    fill_lane(&w, 9, 3);
    time_ms = time_of(&w, CURSOR_COLD, 50);
    log_world_close(&w); /* so that no index is in memory */
    log_world_open(&w);
    lane = cold_find(&w.log->cold, LANE);
    sim_disk_erase(w.disk, segment_path(&w.log->site, lane->segments[1]).text);
    c = cursor_open(w.log, CURSOR_COLD, LANE, 0);
    cursor_seek_time(c, time_ms);
    expect_error(&w, c, ERR_CORRUPT);
    expect(&w, c, 70); /* the first that is left and not older */
    cursor_close(c);
    end(&w);
}

/* Only what lies where one reads is worth telling. */
static void test_seeking_by_time_over_damage_does_not_stumble(void **state)
{
    struct log_world w;
    struct cursor *c;
    int64_t time_ms;

    (void)state;
    begin(&w);
    fill_lane(&w, 30, 30);
    time_ms = time_of(&w, CURSOR_COLD, 250);
    log_world_close(&w);
    log_world_open(&w);
    flip(&w, cold_find(&w.log->cold, LANE)->segments[0], SEGMENT_HEADER_SIZE + 100);
    c = cursor_open(w.log, CURSOR_COLD, LANE, 0);
    cursor_seek_time(c, time_ms);
    expect(&w, c, 250);
    cursor_seek(c, 0);
    expect_error(&w, c, ERR_CORRUPT);
    cursor_close(c);
    end(&w);
}

static void test_an_error_of_the_disk_is_told_once_and_can_be_tried_again(void **state)
{
    struct log_world w;
    struct cursor *c;
    uint64_t last;

    (void)state;
    begin(&w);
    last = fill(&w, 2);
    c = cursor_open(w.log, CURSOR_HOT, 0, 0);
    log_world_fail(&w, SIM_OP_BIT(SIM_OP_READ), NULL, ERR_IO, 2);
    expect_error(&w, c, ERR_IO);
    expect_error(&w, c, ERR_IO);
    for (uint64_t i = 0; i < last; i++)
        expect(&w, c, i); /* nothing was passed over */
    cursor_close(c);
    end(&w);
}

/* ---- Lanes ---- */

static void test_a_lane_has_gaps_in_its_numbers(void **state)
{
    struct log_world w;
    struct cursor *c;

    (void)state;
    begin(&w);
    fill_lane(&w, 12, 4);
    c = cursor_open(w.log, CURSOR_COLD, LANE, 0);
    for (uint64_t i = 1; i <= 12; i++)
        expect(&w, c, i * 10);
    expect_error(&w, c, ERR_NOT_FOUND);
    for (uint64_t from = 0; from <= 120; from++) {
        cursor_seek(c, from);
        expect(&w, c, from <= 10 ? 10 : (from + 9) / 10 * 10);
    }
    cursor_seek(c, 121);
    expect_error(&w, c, ERR_NOT_FOUND);
    cursor_close(c);
    end(&w);
}

static void test_a_lane_that_does_not_exist_yet_may_be_waited_for(void **state)
{
    struct log_world w;
    struct cursor *c;

    (void)state;
    begin(&w);
    c = cursor_open(w.log, CURSOR_COLD, LANE, 0);
    expect_error(&w, c, ERR_NOT_FOUND);
    cursor_seek_time(c, 5);
    expect_error(&w, c, ERR_NOT_FOUND);
    fill_lane(&w, 2, 2);
    expect(&w, c, 10);
    expect(&w, c, 20);
    expect_error(&w, c, ERR_NOT_FOUND);
    fill_lane(&w, 1, 1); /* the reader waits at the end; more comes */
    expect(&w, c, 30);
    cursor_close(c);
    end(&w);
}

static void test_seeking_by_time_in_a_lane(void **state)
{
    struct log_world w;
    struct cursor *c;
    int64_t times[13];

    (void)state;
    begin(&w);
    fill_lane(&w, 12, 4);
    for (uint64_t i = 1; i <= 12; i++)
        times[i] = time_of(&w, CURSOR_COLD, i * 10);
    for (int is_fresh = 0; is_fresh < 2; is_fresh++) {
        for (uint64_t i = 1; i <= 12; i++) {
            if (is_fresh != 0) { /* no index is in memory */
                log_world_close(&w);
                log_world_open(&w);
            }
            c = cursor_open(w.log, CURSOR_COLD, LANE, 0);
            cursor_seek_time(c, times[i]);
            expect(&w, c, i * 10);
            cursor_seek_time(c, times[i] - 1);
            expect(&w, c, i * 10);
            cursor_seek_time(c, times[i] + 1);
            if (i < 12)
                expect(&w, c, i * 10 + 10);
            else
                expect_error(&w, c, ERR_NOT_FOUND);
            cursor_close(c);
        }
    }
    end(&w);
}

static void test_a_reader_that_retention_overtakes_is_told_once(void **state)
{
    struct log_world w;
    struct cursor *c, *fresh;

    (void)state;
    begin(&w);
    fill_lane(&w, 12, 4);
    c = cursor_open(w.log, CURSOR_COLD, LANE, 0);
    fresh = cursor_open(w.log, CURSOR_COLD, LANE, 0);
    expect(&w, c, 10);
    log_trim(w.log, LANE, 90); /* the first two files */
    log_world_settle(&w);
    expect(&w, c, 20); /* what it stands on is pinned: the block can still be read */
    expect_error(&w, c, ERR_TRIMMED);
    expect(&w, c, 90);
    expect(&w, fresh, 90); /* nothing was taken from one that only begins */
    cursor_seek(c, 0);
    expect(&w, c, 90); /* nor from one that asks for anything from 0 on */
    cursor_seek_time(c, 0);
    expect(&w, c, 90);
    cursor_close(c);
    cursor_close(fresh);
    end(&w);
}

static void test_a_dropped_lane_ends_and_may_begin_anew(void **state)
{
    struct log_world w;
    struct cursor *c;

    (void)state;
    begin(&w);
    fill_lane(&w, 3, 3);
    c = cursor_open(w.log, CURSOR_COLD, LANE, 0);
    expect(&w, c, 10);
    log_drop(w.log, LANE);
    log_world_settle(&w);
    expect(&w, c, 20); /* of the block that it stands on */
    expect_error(&w, c, ERR_NOT_FOUND);
    log_world_move(&w, LANE, 100, NULL, BODY);
    log_world_fill_segment(&w, KIND_DROP, 3000);
    log_world_checkpoint(&w);
    expect_error(&w, c, ERR_TRIMMED);
    expect(&w, c, 100);
    cursor_close(c);
    end(&w);
}

/* ---- Pins ---- */

static void test_what_a_reader_stands_on_outlives_the_segment(void **state)
{
    struct log_world w;
    struct cursor *c;
    struct record r;
    struct block *pin;
    uint64_t last;

    (void)state;
    begin(&w);
    last = fill(&w, 3);
    c = cursor_open(w.log, CURSOR_HOT, 0, 5);
    assert_int_equal(log_world_next(&w, c, &r), 0);
    pin = cursor_pin(c);
    for (uint64_t i = 0; i < last; i++)
        log_world_let_go(&w, LOG_SHARED, i);
    log_world_checkpoint(&w);
    assert_true(log_first(w.log) > 5); /* sorted away */
    assert_true(sim_disk_has(w.disk, "log/hot-0000000000000000.seg"));
    cursor_close(c);
    log_world_settle(&w);
    assert_true(sim_disk_has(w.disk, "log/hot-0000000000000000.seg"));
    assert_int_equal(r.number, 5);
    assert_true(log_world_is_whole(&r));
    log_unpin(pin);
    log_world_settle(&w);
    assert_false(sim_disk_has(w.disk, "log/hot-0000000000000000.seg"));
    end(&w);
}

static void test_a_reader_of_the_hot_log_that_the_sorter_overtakes_is_told(void **state)
{
    struct log_world w;
    struct cursor *c;
    uint64_t last;

    (void)state;
    begin(&w);
    last = fill(&w, 3);
    c = cursor_open(w.log, CURSOR_HOT, 0, 0);
    expect(&w, c, 0);
    log_world_checkpoint(&w);
    assert_true(log_first(w.log) > 1 && log_first(w.log) < last);
    expect_error(&w, c, ERR_TRIMMED); /* the rest of it is in the lanes now */
    expect(&w, c, log_first(w.log));
    cursor_close(c);
    end(&w);
}

static void test_a_reader_goes_on_in_files_that_were_merged_meanwhile(void **state)
{
    struct log_world w;
    struct cursor *c;

    (void)state;
    log_world_init(&w);
    w.options.cold_segment_bytes = 128 << 10; /* so that these files are small ones */
    log_world_open(&w);
    fill_lane(&w, 14, 2); /* seven files */
    c = cursor_open(w.log, CURSOR_COLD, LANE, 0);
    expect(&w, c, 10);
    fill_lane(&w, 2, 2); /* the eighth makes a merge worth while */
    assert_int_equal(cold_find(&w.log->cold, LANE)->count, 1);
    for (uint64_t i = 2; i <= 16; i++)
        expect(&w, c, i * 10);
    expect_error(&w, c, ERR_NOT_FOUND);
    cursor_close(c);
    end(&w);
}

/* ---- Waiting ---- */

static void count_call(void *owner)
{
    (*(uint32_t *)owner)++;
}

static void test_one_who_waits_is_called_once_from_the_loop(void **state)
{
    struct log_world w;
    struct cursor *c;
    struct record r;
    uint32_t calls = 0;

    (void)state;
    begin(&w);
    fill(&w, 2);
    c = cursor_open(w.log, CURSOR_HOT, 0, 0);
    cursor_set_ready(c, count_call, &calls);
    assert_int_equal(cursor_next(c, &r), ERR_AGAIN);
    assert_int_equal(cursor_next(c, &r), ERR_AGAIN); /* asking again changes nothing */
    assert_int_equal(calls, 0);
    log_world_settle(&w);
    assert_int_equal(calls, 1);
    assert_int_equal(cursor_next(c, &r), 0);
    cursor_close(c);
    log_world_settle(&w);
    assert_int_equal(calls, 1);
    end(&w);
}

static void test_nobody_is_called_after_closing_or_seeking(void **state)
{
    struct log_world w;
    struct cursor *c;
    struct record r;
    uint32_t calls = 0;

    (void)state;
    begin(&w);
    fill(&w, 2);
    c = cursor_open(w.log, CURSOR_HOT, 0, 0);
    cursor_set_ready(c, count_call, &calls);
    assert_int_equal(cursor_next(c, &r), ERR_AGAIN);
    cursor_close(c);
    log_world_settle(&w);
    assert_int_equal(calls, 0);
    c = cursor_open(w.log, CURSOR_HOT, 0, 0);
    cursor_set_ready(c, count_call, &calls);
    assert_int_equal(cursor_next(c, &r), ERR_AGAIN);
    cursor_seek(c, log_next(w.log));
    assert_int_equal(cursor_next(c, &r), ERR_NOT_FOUND);
    log_world_settle(&w);
    assert_int_equal(calls, 0);
    cursor_close(c);
    end(&w);
}

static void close_cursor(void *owner)
{
    struct cursor **c = owner;

    cursor_close(*c);
    *c = NULL;
}

static void test_a_cursor_may_be_closed_when_it_is_called(void **state)
{
    struct log_world w;
    struct cursor *c;
    struct record r;

    (void)state;
    begin(&w);
    fill(&w, 2);
    c = cursor_open(w.log, CURSOR_HOT, 0, 0);
    cursor_set_ready(c, close_cursor, &c);
    assert_int_equal(cursor_next(c, &r), ERR_AGAIN);
    log_world_settle(&w);
    assert_null(c);
    end(&w);
}

/* ---- Peeking ---- */

static void test_peek_never_touches_the_disk(void **state)
{
    struct log_world w;
    struct record r = {.number = 77};
    struct block *pin = NULL;
    uint64_t last, operations;

    (void)state;
    begin(&w);
    last = fill(&w, 2);
    operations = sim_disk_operations(w.disk);
    assert_int_equal(log_peek(w.log, 0, &r, &pin), ERR_AGAIN);
    assert_int_equal(log_peek(w.log, last, &r, &pin), ERR_NOT_FOUND);
    assert_int_equal(log_peek(w.log, UINT64_MAX, &r, &pin), ERR_NOT_FOUND);
    assert_null(pin);
    assert_int_equal(log_peek(w.log, last - 1, &r, &pin), 0); /* the open block */
    assert_int_equal(r.number, last - 1);
    log_unpin(pin);
    log_world_settle(&w);
    assert_int_equal(sim_disk_operations(w.disk), operations);
    log_world_checkpoint(&w);
    assert_int_equal(log_peek(w.log, 0, &r, &pin), ERR_NOT_FOUND); /* sorted */
    end(&w);
}

static void test_peek_into_a_gap_is_told(void **state)
{
    struct log_world w;
    struct cursor *c;
    struct record r;
    struct block *pin = NULL;
    const struct segment *g;

    (void)state;
    begin(&w);
    w.log->site.options.cache_bytes = 1 << 20;
    fill(&w, 2);
    g = hot_of(&w)->segments[0];
    cache_drop_segment(&w.log->cache, hot_of(&w)->segments[0]);
    flip(&w, g, g->index->entries[3].at + 100);
    c = cursor_open(w.log, CURSOR_HOT, 0, g->index->entries[3].number);
    expect_error(&w, c, ERR_CORRUPT);
    assert_int_equal(log_peek(w.log, g->index->entries[3].number, &r, &pin), ERR_CORRUPT);
    assert_null(pin);
    cursor_close(c);
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_an_empty_log_has_nothing_for_now),
        LEAK_CHECKED(test_a_reader_passes_through_all_segments_from_disk),
        LEAK_CHECKED(test_starting_at_or_beyond_the_end_waits_for_that_number),
        LEAK_CHECKED(test_seeking_by_number_in_both_directions),
        LEAK_CHECKED(test_seeking_by_time_in_the_hot_log),
        LEAK_CHECKED(test_the_next_run_is_read_ahead),
        LEAK_CHECKED(test_several_runs_are_read_ahead_where_the_cache_has_room_for_them),
        LEAK_CHECKED(test_a_reader_close_behind_the_writer_sees_no_damage),
        LEAK_CHECKED(test_a_failed_log_can_be_read_as_far_as_it_is_durable),
        LEAK_CHECKED(test_damage_in_the_hot_log_is_told_once_and_passed),
        LEAK_CHECKED(test_damage_in_a_lane_is_told_once_and_passed),
        LEAK_CHECKED(test_a_missing_file_is_a_gap_like_any_other),
        LEAK_CHECKED(test_seeking_by_time_into_an_unreadable_file_passes_it),
        LEAK_CHECKED(test_seeking_by_time_over_damage_does_not_stumble),
        LEAK_CHECKED(test_an_error_of_the_disk_is_told_once_and_can_be_tried_again),
        LEAK_CHECKED(test_a_lane_has_gaps_in_its_numbers),
        LEAK_CHECKED(test_a_lane_that_does_not_exist_yet_may_be_waited_for),
        LEAK_CHECKED(test_seeking_by_time_in_a_lane),
        LEAK_CHECKED(test_a_reader_that_retention_overtakes_is_told_once),
        LEAK_CHECKED(test_a_dropped_lane_ends_and_may_begin_anew),
        LEAK_CHECKED(test_what_a_reader_stands_on_outlives_the_segment),
        LEAK_CHECKED(test_a_reader_of_the_hot_log_that_the_sorter_overtakes_is_told),
        LEAK_CHECKED(test_a_reader_goes_on_in_files_that_were_merged_meanwhile),
        LEAK_CHECKED(test_one_who_waits_is_called_once_from_the_loop),
        LEAK_CHECKED(test_nobody_is_called_after_closing_or_seeking),
        LEAK_CHECKED(test_a_cursor_may_be_closed_when_it_is_called),
        LEAK_CHECKED(test_peek_never_touches_the_disk),
        LEAK_CHECKED(test_peek_into_a_gap_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
