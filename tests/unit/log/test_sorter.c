/* Tests of log/sorter: what is still needed leaves the old segments, and nothing else
 * happens to it. */
#include "log/sorter.h"

#include <string.h>

#include "base/bytes.h"
#include "base/err.h"
#include "log/log_parts.h"
#include "tests/lib/leaks.h"
#include "tests/unit/log/log_world.h"

enum { LANE = 3, BODY = 700 };

static void begin(struct log_world *w)
{
    log_world_init(w);
    log_world_open(w);
    log_world_settle(w);
}

static void end(struct log_world *w)
{
    log_world_close(w);
    log_world_release(w);
}

static struct sorter *sorter_of(struct log_world *w)
{
    return &w->log->sorter;
}

static const struct cold_lane *lane_of(struct log_world *w, uint64_t destination)
{
    return cold_find(&w->log->cold, destination);
}

/* One record to keep, one to move, one to drop, and so on, in so many segments. Moved
 * ones get the numbers 0, 10, 20, ... Returns the position behind them. */
static uint64_t fill_mixed(struct log_world *w, uint32_t segments)
{
    struct log_stats stats;

    do {
        uint64_t i = log_next(w->log);

        if (i % 3 == 0)
            log_world_append(w, KIND_KEEP, BODY);
        else if (i % 3 == 1)
            log_world_move(w, LANE, i / 3 * 10, NULL, BODY);
        else
            log_world_append(w, KIND_DROP, BODY);
        log_world_run_ms(w, 1);
        log_get_stats(w->log, &stats);
    } while (stats.hot_segments <= segments);
    return log_next(w->log);
}

/* The lanes must hold what fill_mixed() put below `first`, the hot log the rest. */
static void expect_mixed(struct log_world *w, uint64_t end_position)
{
    uint64_t first = log_first(w->log), shared[200], moved[200];
    size_t shared_count = 0, moved_count = 0;

    for (uint64_t i = 0; i < first; i++) {
        if (i % 3 == 0)
            shared[shared_count++] = i;
        else if (i % 3 == 1)
            moved[moved_count++] = i / 3 * 10;
    }
    log_world_expect_lane(w, LOG_SHARED, shared_count, shared);
    log_world_expect_lane(w, LANE, moved_count, moved);
    log_world_expect_hot(w, first, end_position);
}

/* Asks for a checkpoint of all that is durable. */
static int begin_checkpoint(struct log_world *w)
{
    uint8_t state[8];

    put_le64(state, log_durable(w->log));
    return log_checkpoint(w->log, log_durable(w->log), bytes_of(state, sizeof(state)));
}

static int checkpoint_once(struct log_world *w)
{
    int rv;

    log_world_settle(w);
    rv = begin_checkpoint(w);
    log_world_settle(w);
    return rv;
}

/* ---- Sorting ---- */

static void test_hot_segments_are_sorted_once_two_checkpoints_cover_them(void **state)
{
    struct log_world w;
    uint64_t covered;

    (void)state;
    begin(&w);
    covered = fill_mixed(&w, 3);
    log_sort(w.log);
    log_world_settle(&w);
    assert_int_equal(log_first(w.log), 0);
    assert_int_equal(checkpoint_once(&w), 0);
    assert_int_equal(log_first(w.log), 0); /* the older one may be needed: it covers nothing */
    assert_int_equal(w.told.classified, 0);
    fill_mixed(&w, 4);
    assert_int_equal(checkpoint_once(&w), 0);
    assert_true(log_first(w.log) > 0 && log_first(w.log) <= covered);
    assert_int_equal(w.told.sorted, log_first(w.log));
    assert_int_equal(w.told.classified, log_first(w.log)); /* each once */
    expect_mixed(&w, log_next(w.log));
    end(&w);
}

static void test_many_segments_are_sorted_in_several_runs(void **state)
{
    struct log_world w;
    struct log_stats stats;

    (void)state;
    begin(&w);
    fill_mixed(&w, 11);
    log_world_checkpoint(&w);
    log_get_stats(w.log, &stats);
    assert_int_equal(stats.hot_segments, 1);
    assert_int_equal(stats.debt_bytes, 0);
    assert_true(stats.sorter_runs >= 3);
    assert_int_equal(stats.sorter_failures, 0);
    assert_int_equal(log_world_count_files(&w, "hot-"), 1);
    expect_mixed(&w, log_next(w.log));
    end(&w);
}

static void test_what_was_sorted_is_there_after_reopening(void **state)
{
    struct log_world w;
    uint64_t last, first;

    (void)state;
    begin(&w);
    fill_mixed(&w, 5);
    log_world_checkpoint(&w);
    last = log_next(w.log);
    first = log_first(w.log);
    log_world_crash(&w);
    log_world_open(&w);
    assert_int_equal(log_first(w.log), first);
    assert_int_equal(log_next(w.log), last);
    expect_mixed(&w, last);
    end(&w);
}

static void count_opens(void *owner, struct sim_disk *d, const struct sim_disk_call *call)
{
    (void)d;
    *(uint32_t *)owner += call->op == SIM_OP_OPEN && strstr(call->path, "cold-") != NULL;
}

static void test_more_than_the_buffer_is_written_in_between(void **state)
{
    struct log_world w;
    uint32_t opens = 0;

    (void)state;
    log_world_init(&w);
    w.options.sorter_buffer_bytes = 2000;
    log_world_open(&w);
    fill_mixed(&w, 4);
    sim_disk_observe(w.disk, count_opens, &opens);
    log_world_checkpoint(&w);
    sim_disk_observe(w.disk, NULL, NULL);
    assert_true(opens > 10); /* not only to finish two files */
    assert_int_equal(w.log->hot.segment_count, 1);
    expect_mixed(&w, log_next(w.log));
    end(&w);
}

static void test_dead_segments_go_without_being_read(void **state)
{
    struct log_world w;
    uint32_t classified, sorteds;
    size_t colds;

    (void)state;
    begin(&w);
    fill_mixed(&w, 1); /* of the segment that was there at the opening nobody knows what lives */
    log_world_checkpoint(&w);
    colds = w.log->cold.segment_count;
    classified = w.told.classified;
    sorteds = w.told.sorteds;
    fill_mixed(&w, 4);
    for (uint64_t i = log_first(w.log); i < log_next(w.log); i++)
        log_world_let_go(&w, LOG_SHARED, i);
    log_world_checkpoint(&w);
    assert_int_equal(w.log->hot.segment_count, 1);
    assert_int_equal(w.told.classified, classified);
    assert_true(w.told.sorteds > sorteds);
    assert_int_equal(w.log->cold.segment_count, colds);
    end(&w);
}

static void test_a_log_without_an_opinion_is_never_sorted(void **state)
{
    struct log_world w;

    (void)state;
    begin(&w);
    w.log->owner.classify = NULL;
    w.log->owner.on_sorted = NULL;
    fill_mixed(&w, 3);
    log_world_checkpoint(&w);
    assert_int_equal(log_first(w.log), 0);
    end(&w);
}

/* ---- Rewriting and counting ---- */

static void test_a_cold_file_that_is_half_dead_is_rewritten(void **state)
{
    struct log_world w;
    uint64_t id, numbers[10];

    (void)state;
    begin(&w);
    for (int i = 0; i < 20; i++)
        log_world_append(&w, KIND_KEEP, BODY);
    log_world_fill_segment(&w, KIND_DROP, BODY);
    log_world_checkpoint(&w);
    id = lane_of(&w, LOG_SHARED)->segments[0]->id;
    assert_int_equal(lane_of(&w, LOG_SHARED)->segments[0]->records, 20);
    for (uint64_t i = 0; i < 9; i++)
        log_world_let_go(&w, LOG_SHARED, i * 2);
    log_world_settle(&w);
    assert_int_equal(lane_of(&w, LOG_SHARED)->segments[0]->id, id); /* more than half is live */
    log_world_let_go(&w, LOG_SHARED, 18);
    log_world_settle(&w);
    assert_int_not_equal(lane_of(&w, LOG_SHARED)->segments[0]->id, id);
    assert_int_equal(lane_of(&w, LOG_SHARED)->segments[0]->records, 10);
    assert_int_equal(log_world_count_files(&w, "cold-"), 1);
    for (uint64_t i = 0; i < 10; i++)
        numbers[i] = i * 2 + 1;
    log_world_expect_lane(&w, LOG_SHARED, 10, numbers);
    sorter_close(sorter_of(&w)); /* what is all dead needs no run */
    for (uint64_t i = 0; i < 10; i++)
        log_world_let_go(&w, LOG_SHARED, i * 2 + 1);
    log_world_settle(&w);
    assert_null(lane_of(&w, LOG_SHARED));
    assert_int_equal(log_world_count_files(&w, "cold-"), 0);
    end(&w);
}

static void test_a_deep_queues_lane_is_let_go_record_by_record(void **state)
{
    struct log_world w;

    (void)state;
    begin(&w);
    for (uint64_t i = 0; i < 10; i++)
        log_world_move(&w, LANE, 100 + i, NULL, BODY);
    log_world_fill_segment(&w, KIND_DROP, BODY);
    log_world_checkpoint(&w);
    for (uint64_t i = 0; i < 6; i++)
        log_world_let_go(&w, LANE, 100 + i);
    log_world_settle(&w);
    log_world_expect_lane(&w, LANE, 4, (uint64_t[]){106, 107, 108, 109});
    assert_int_equal(lane_of(&w, LANE)->segments[0]->records, 4);
    for (uint64_t i = 6; i < 10; i++)
        log_world_let_go(&w, LANE, 100 + i);
    log_world_settle(&w);
    assert_null(lane_of(&w, LANE));
    end(&w);
}

static void test_after_reopening_live_records_are_counted_anew(void **state)
{
    struct log_world w;
    const struct cold_lane *lane;

    (void)state;
    begin(&w);
    for (int file = 0; file < 2; file++) {
        for (int i = 0; i < 20; i++)
            log_world_append(&w, KIND_KEEP, BODY);
        log_world_fill_segment(&w, KIND_DROP, BODY);
        log_world_checkpoint(&w);
    }
    for (uint64_t i = 0; i < 5; i++)
        log_world_let_go(&w, LOG_SHARED, i); /* not in any manifest */
    log_world_settle(&w);
    log_world_close(&w);
    log_world_open(&w);
    lane = lane_of(&w, LOG_SHARED);
    assert_int_equal(lane->count, 2);
    assert_false(lane->segments[0]->is_counted);
    log_world_settle(&w);
    assert_true(lane->segments[0]->is_counted && lane->segments[1]->is_counted);
    assert_int_equal(lane->segments[0]->live, 15);
    assert_int_equal(lane->segments[1]->live, 20);
    for (uint64_t i = 5; i < 20; i++)
        log_world_let_go(&w, LOG_SHARED, i);
    log_world_settle(&w);
    assert_int_equal(lane_of(&w, LOG_SHARED)->count, 1);
    end(&w);
}

static bool is_well_read(void *owner)
{
    return ((struct log_world *)owner)->told.classified >= 19;
}

static void test_what_is_let_go_during_a_run_does_not_stay_for_ever(void **state)
{
    struct log_world w;

    (void)state;
    begin(&w);
    for (int i = 0; i < 20; i++)
        log_world_append(&w, KIND_KEEP, BODY);
    log_world_fill_segment(&w, KIND_DROP, BODY);
    assert_int_equal(checkpoint_once(&w), 0);
    log_world_append(&w, KIND_DROP, 0);
    log_world_settle(&w);
    assert_int_equal(begin_checkpoint(&w), 0);
    assert_true(sim_run_until(w.sim, is_well_read, &w, 1000 * LOG_WORLD_MS));
    assert_int_equal(log_first(w.log), 0); /* classified, and not yet published */
    for (uint64_t i = 0; i < 15; i++)
        log_world_let_go(&w, LOG_SHARED, i);
    log_world_settle(&w);
    for (uint64_t i = 15; i < 20; i++)
        log_world_let_go(&w, LOG_SHARED, i);
    log_world_settle(&w);
    assert_null(lane_of(&w, LOG_SHARED));
    assert_int_equal(log_world_count_files(&w, "cold-"), 0);
    end(&w);
}

/* ---- Merging ---- */

static void test_small_neighbours_become_one_file(void **state)
{
    struct log_world w;
    uint64_t numbers[24];

    (void)state;
    log_world_init(&w);
    w.options.cold_segment_bytes = 128 << 10;
    log_world_open(&w);
    for (uint64_t i = 0; i < 8; i++) {
        for (uint64_t k = 0; k < 3; k++) {
            numbers[i * 3 + k] = i * 10 + k;
            log_world_move(&w, LANE, i * 10 + k, NULL, BODY);
        }
        log_world_fill_segment(&w, KIND_DROP, BODY);
        log_world_checkpoint(&w);
        if (i < 7)
            assert_int_equal(lane_of(&w, LANE)->count, i + 1);
    }
    assert_int_equal(lane_of(&w, LANE)->count, 1);
    assert_int_equal(lane_of(&w, LANE)->segments[0]->records, 24);
    assert_int_equal(lane_of(&w, LANE)->segments[0]->live, 24);
    assert_int_equal(log_world_count_files(&w, "cold-"), 1);
    log_world_expect_lane(&w, LANE, 24, numbers);
    end(&w);
}

static void test_a_merge_keeps_what_is_known_about_live_records(void **state)
{
    struct log_world w;

    (void)state;
    log_world_init(&w);
    w.options.cold_segment_bytes = 128 << 10;
    log_world_open(&w);
    for (uint64_t i = 0; i < 8; i++) {
        for (uint64_t k = 0; k < 3; k++)
            log_world_move(&w, LANE, i * 10 + k, NULL, BODY);
        log_world_fill_segment(&w, KIND_DROP, BODY);
        if (i < 7)
            log_world_checkpoint(&w);
        if (i == 3)
            log_world_let_go(&w, LANE, 11);
    }
    log_world_checkpoint(&w);
    assert_int_equal(lane_of(&w, LANE)->count, 1);
    assert_int_equal(lane_of(&w, LANE)->segments[0]->records, 24); /* a merge decides nothing */
    assert_int_equal(lane_of(&w, LANE)->segments[0]->live, 23);
    assert_true(lane_of(&w, LANE)->segments[0]->is_counted);
    end(&w);
}

static bool is_merging(void *owner)
{
    return sorter_of(owner)->run == RUN_MERGE;
}

static void test_a_file_that_dies_during_its_merge_does_not_come_back(void **state)
{
    struct log_world w;

    (void)state;
    log_world_init(&w);
    w.options.cold_segment_bytes = 128 << 10;
    log_world_open(&w);
    for (uint64_t i = 0; i < 8; i++) {
        log_world_move(&w, LANE, i, NULL, BODY);
        log_world_fill_segment(&w, KIND_DROP, BODY);
        if (i < 7)
            log_world_checkpoint(&w);
    }
    assert_int_equal(checkpoint_once(&w), 0);
    log_world_append(&w, KIND_DROP, 0);
    log_world_settle(&w);
    assert_int_equal(begin_checkpoint(&w), 0);
    assert_true(sim_run_until(w.sim, is_merging, &w, 1000 * LOG_WORLD_MS));
    log_world_let_go(&w, LANE, 4); /* the only one of its file */
    log_world_settle(&w);
    log_world_expect_lane(&w, LANE, 7, (uint64_t[]){0, 1, 2, 3, 5, 6, 7});
    end(&w);
}

/* ---- What comes between ---- */

/* Trims the lane that is just being written again. */
static void trim_now(struct log_world *w, uint64_t lane, const struct record *r)
{
    if (lane == LANE && r->number == 108)
        log_trim(w->log, LANE, 1000);
}

static void test_what_was_trimmed_during_a_run_does_not_come_back(void **state)
{
    struct log_world w;

    (void)state;
    begin(&w);
    for (uint64_t i = 0; i < 10; i++)
        log_world_move(&w, LANE, 100 + i, NULL, BODY);
    log_world_fill_segment(&w, KIND_DROP, BODY);
    log_world_checkpoint(&w);
    w.on_classify = trim_now;
    for (uint64_t i = 0; i < 5; i++)
        log_world_let_go(&w, LANE, 100 + i); /* a rewrite begins */
    log_world_settle(&w);
    assert_null(lane_of(&w, LANE));
    assert_int_equal(log_world_count_files(&w, "cold-"), 0);
    end(&w);
}

/* Trims the lane to which the sort brings records, when it has read half of them. */
static void trim_ahead(struct log_world *w, uint64_t lane, const struct record *r)
{
    if (lane == LOG_SHARED && r->number == 5)
        log_trim(w->log, LANE, 8);
}

static void test_a_trim_during_a_sort_holds_for_what_it_brings(void **state)
{
    struct log_world w;

    (void)state;
    begin(&w);
    w.on_classify = trim_ahead;
    for (uint64_t i = 0; i < 8; i++)
        log_world_move(&w, LANE, i, NULL, BODY);
    log_world_fill_segment(&w, KIND_DROP, BODY);
    log_world_checkpoint(&w);
    assert_null(lane_of(&w, LANE)); /* a whole file below the number */
    for (uint64_t i = 8; i < 10; i++)
        log_world_move(&w, LANE, i, NULL, BODY);
    log_world_fill_segment(&w, KIND_DROP, BODY);
    log_world_checkpoint(&w);
    log_world_expect_lane(&w, LANE, 2, (uint64_t[]){8, 9});
    end(&w);
}

static void test_numbers_that_exist_already_stay_where_they_are(void **state)
{
    struct log_world w;

    (void)state;
    begin(&w);
    for (uint64_t i = 0; i < 4; i++)
        log_world_move(&w, LANE, 10 + i, NULL, BODY);
    log_world_fill_segment(&w, KIND_DROP, BODY);
    log_world_checkpoint(&w);
    log_world_move(&w, LANE, 12, NULL, BODY); /* a mistake of the owner */
    log_world_fill_segment(&w, KIND_DROP, BODY);
    for (int i = 0; i < 2; i++) { /* the world does not come to rest now */
        log_world_run_ms(&w, 100);
        assert_int_equal(log_checkpoint(w.log, log_durable(w.log), bytes_of("", 0)), 0);
        log_world_append(&w, KIND_DROP, 0);
    }
    log_world_run_ms(&w, 3000);
    assert_non_null(strstr(w.said, "lane 3"));
    assert_true(sorter_of(&w)->failures > 0);
    assert_int_equal(lane_of(&w, LANE)->count, 1);
    log_drop(w.log, LANE); /* now there is room */
    log_world_settle(&w);
    log_world_expect_lane(&w, LANE, 1, (uint64_t[]){12});
    end(&w);
}

static void test_numbers_that_do_not_rise_put_the_run_off(void **state)
{
    struct log_world w;

    (void)state;
    begin(&w);
    log_world_move(&w, LANE, 10, NULL, BODY);
    log_world_move(&w, LANE, 9, NULL, BODY);
    log_world_fill_segment(&w, KIND_DROP, BODY);
    for (int i = 0; i < 2; i++) { /* the world does not come to rest now */
        log_world_run_ms(&w, 100);
        assert_int_equal(log_checkpoint(w.log, log_durable(w.log), bytes_of("", 0)), 0);
        log_world_append(&w, KIND_DROP, 0);
    }
    log_world_run_ms(&w, 3000);
    assert_true(sorter_of(&w)->failures >= 2); /* tried again after a pause */
    assert_int_equal(log_first(w.log), 0);
    assert_int_equal(log_world_count_files(&w, "cold-"), 0);
    log_world_expect_hot(&w, 0, log_next(w.log));
    log_world_close(&w);
    log_world_release(&w);
}

/* ---- Errors ---- */

static void test_every_failing_operation_loses_nothing_and_is_tried_again(void **state)
{
    static const int errors[] = {ERR_NO_SPACE, ERR_IO};

    (void)state;
    for (size_t e = 0; e < ARRAY_SIZE(errors); e++) {
        bool has_struck = true;

        for (uint64_t skip = 0; has_struck; skip++) {
            struct log_world w;
            size_t fault;

            begin(&w);
            fill_mixed(&w, 3);
            fault = sim_disk_add_fault(
                w.disk, &(struct sim_fault){
                            .err = errors[e], .path_part = "cold-", .skip = skip, .times = 1});
            log_world_checkpoint(&w);
            has_struck = sim_disk_fault_strikes(w.disk, fault) > 0;
            sim_disk_clear_faults(w.disk);
            assert_int_equal(w.log->hot.segment_count, 1);
            assert_int_equal(sorter_of(&w)->failures, has_struck ? 1 : 0);
            expect_mixed(&w, log_next(w.log));
            assert_int_equal(log_world_count_files(&w, "cold-"), w.log->cold.segment_count);
            end(&w);
        }
    }
}

static void test_a_read_that_fails_now_and_then_is_tried_again(void **state)
{
    struct log_world w;

    (void)state;
    begin(&w);
    fill_mixed(&w, 3);
    log_world_fail(&w, SIM_OP_BIT(SIM_OP_READ), "hot-", ERR_IO, 1);
    log_world_checkpoint(&w);
    assert_int_equal(w.log->hot.segment_count, 1);
    assert_int_equal(log_world_count_files(&w, "wounded/"), 0);
    expect_mixed(&w, log_next(w.log));
    end(&w);
}

static void test_what_cannot_be_read_is_stepped_over_and_its_file_kept(void **state)
{
    struct log_world w;
    struct record r;
    struct cursor *c;
    const struct segment *g;
    uint64_t lost;
    uint32_t found = 0;

    (void)state;
    begin(&w);
    for (int i = 0; i < 10; i++)
        log_world_append_each(&w, KIND_KEEP, BODY, 1);
    log_world_fill_segment(&w, KIND_DROP, BODY);
    log_world_settle(&w);
    g = w.log->hot.segments[0];
    lost = g->index->entries[4].number;
    sim_disk_flip_bit(w.disk, segment_path(&w.log->site, g).text, g->index->entries[4].at + 99, 1);
    log_world_checkpoint(&w);
    assert_non_null(strstr(w.said, "damaged"));
    assert_int_equal(log_world_count_files(&w, "wounded/hot-"), 1);
    c = cursor_open(w.log, CURSOR_COLD, LOG_SHARED, 0);
    while (log_world_next(&w, c, &r) == 0) {
        assert_int_not_equal(r.number, lost);
        found++;
    }
    assert_int_equal(found, 9);
    cursor_close(c);
    end(&w);
}

static void test_a_file_that_is_gone_does_not_stop_the_others(void **state)
{
    struct log_world w;

    (void)state;
    begin(&w);
    for (int i = 0; i < 20; i++)
        log_world_append(&w, KIND_KEEP, BODY);
    log_world_fill_segment(&w, KIND_DROP, BODY);
    log_world_checkpoint(&w);
    sim_disk_erase(w.disk, segment_path(&w.log->site, lane_of(&w, LOG_SHARED)->segments[0]).text);
    for (uint64_t i = 0; i < 15; i++)
        log_world_let_go(&w, LOG_SHARED, i); /* asks for a rewrite that cannot be */
    log_world_move(&w, LANE, 1, NULL, BODY);
    log_world_fill_segment(&w, KIND_DROP, BODY);
    log_world_checkpoint(&w);
    log_world_expect_lane(&w, LANE, 1, (uint64_t[]){1});
    assert_int_equal(w.log->hot.segment_count, 1);
    end(&w);
}

static void test_a_failed_log_is_not_sorted(void **state)
{
    struct log_world w;

    (void)state;
    begin(&w);
    fill_mixed(&w, 3);
    assert_int_equal(checkpoint_once(&w), 0);
    fill_mixed(&w, 4);
    log_world_settle(&w);
    log_world_fail(&w, SIM_OP_BIT(SIM_OP_SYNC), "hot-", ERR_IO, 1);
    log_world_append(&w, KIND_KEEP, BODY);
    log_world_settle(&w);
    assert_int_equal(w.told.failed, ERR_IO);
    log_sort(w.log);
    log_world_settle(&w);
    assert_int_equal(sorter_of(&w)->runs, 0);
    end(&w);
}

/* ---- Closing and pressure ---- */

static void set_latency(struct log_world *w, uint64_t ns)
{
    for (unsigned op = 0; op < SIM_OP_COUNT; op++)
        sim_disk_set_latency(w->disk, (enum sim_op)op, ns, 0);
}

static void test_closing_during_a_run_throws_it_away(void **state)
{
    uint32_t thrown_away = 0;

    (void)state;
    for (uint64_t ms = 0; ms < 80; ms += 3) {
        struct log_world w;
        uint64_t last;

        begin(&w);
        fill_mixed(&w, 3);
        assert_int_equal(checkpoint_once(&w), 0);
        fill_mixed(&w, 4);
        log_world_settle(&w);
        last = log_next(w.log);
        set_latency(&w, LOG_WORLD_MS);
        assert_int_equal(begin_checkpoint(&w), 0);
        log_world_run_ms(&w, ms);
        thrown_away += sorter_is_busy(sorter_of(&w));
        log_world_close(&w);
        set_latency(&w, 0);
        log_world_open(&w);
        log_world_settle(&w);
        assert_int_equal(log_world_count_files(&w, "trash/"), 0);
        assert_int_equal(log_world_count_files(&w, "cold-"), w.log->cold.segment_count);
        expect_mixed(&w, last);
        end(&w);
    }
    assert_true(thrown_away > 5);
}

static void test_pressure_ends_when_the_debt_is_paid(void **state)
{
    struct log_world w;
    uint64_t last;

    (void)state;
    log_world_init(&w);
    w.options.debt_bytes_max = 100 << 10;
    log_world_open(&w);
    last = fill_mixed(&w, 6);
    log_world_settle(&w);
    assert_true(log_is_pressed(w.log));
    assert_true(w.told.is_pressed);
    log_world_checkpoint(&w);
    assert_false(w.told.is_pressed);
    assert_true(log_first(w.log) > 0 && log_first(w.log) <= last);
    end(&w);
}

static void test_pressure_ends_when_dead_segments_go_unread(void **state)
{
    struct log_world w;
    uint64_t runs;

    (void)state;
    log_world_init(&w);
    w.options.debt_bytes_max = 100 << 10;
    log_world_open(&w);
    fill_mixed(&w, 1);
    log_world_checkpoint(&w);
    runs = sorter_of(&w)->runs;
    fill_mixed(&w, 6);
    for (uint64_t i = log_first(w.log); i < log_next(w.log); i++)
        log_world_let_go(&w, LOG_SHARED, i);
    assert_int_equal(checkpoint_once(&w), 0);
    log_world_append(&w, KIND_DROP, 0);
    log_world_settle(&w);
    assert_true(w.told.is_pressed);
    assert_int_equal(checkpoint_once(&w), 0);
    assert_int_equal(sorter_of(&w)->runs, runs);
    assert_false(w.told.is_pressed);
    end(&w);
}

/* ---- Bursts ---- */

/* Two checkpoints, in less time than makes publishers calm. */
static void checkpoint_fast(struct log_world *w)
{
    for (int i = 0; i < 2; i++) {
        log_world_append(w, KIND_DROP, 0);
        log_world_run_ms(w, 5);
        assert_int_equal(begin_checkpoint(w), 0);
        log_world_run_ms(w, 5);
    }
}

static void begin_burst(struct log_world *w, uint64_t burst_bytes)
{
    log_world_init(w);
    w->options.burst_bytes_max = burst_bytes;
    log_world_open(w);
    log_world_settle(w);
}

static void test_while_segments_fill_fast_sorting_waits(void **state)
{
    struct log_world w;
    uint64_t last;

    (void)state;
    begin_burst(&w, 512 << 10);
    last = fill_mixed(&w, 3);
    checkpoint_fast(&w);
    log_world_run_ms(&w, 800);
    assert_int_equal(sorter_of(&w)->runs, 0);
    fill_mixed(&w, 4);
    log_world_run_ms(&w, 800);
    assert_int_equal(sorter_of(&w)->runs, 0);
    assert_int_equal(log_first(w.log), 0);
    log_world_run_ms(&w, 400);
    log_world_settle(&w);
    assert_int_equal(sorter_of(&w)->runs, 1);
    assert_true(log_first(w.log) > 0 && log_first(w.log) <= last);
    expect_mixed(&w, log_next(w.log));
    end(&w);
}

static void test_no_more_waits_than_may(void **state)
{
    struct log_world w;

    (void)state;
    begin_burst(&w, 64 << 10);
    fill_mixed(&w, 2);
    checkpoint_fast(&w);
    assert_int_equal(sorter_of(&w)->runs, 0);
    fill_mixed(&w, 4);
    checkpoint_fast(&w);
    assert_true(sorter_of(&w)->runs > 0);
    assert_true(log_first(w.log) > 0);
    end(&w);
}

/* Publishers are held back by more; they must not wait for a sorter that waits for them. */
static void test_half_of_the_debt_is_the_most_that_waits(void **state)
{
    struct log_world w;

    (void)state;
    log_world_init(&w);
    w.options.burst_bytes_max = 1 << 30;
    w.options.debt_bytes_max = 100 << 10;
    log_world_open(&w);
    fill_mixed(&w, 4);
    log_world_run_ms(&w, 5);
    assert_true(w.told.is_pressed);
    checkpoint_fast(&w);
    assert_false(w.told.is_pressed);
    end(&w);
}

static void test_on_a_full_disk_nothing_waits(void **state)
{
    struct log_world w;

    (void)state;
    begin_burst(&w, 512 << 10);
    fill_mixed(&w, 3);
    checkpoint_fast(&w);
    assert_int_equal(sorter_of(&w)->runs, 0);
    w.log->spares.is_short = true;
    log_sort(w.log);
    log_world_settle(&w);
    assert_true(sorter_of(&w)->runs > 0);
    end(&w);
}

static void test_closing_does_not_wait_for_the_calm(void **state)
{
    struct log_world w;

    (void)state;
    begin_burst(&w, 512 << 10);
    fill_mixed(&w, 3);
    checkpoint_fast(&w);
    assert_true(io_timer_is_running(&sorter_of(&w)->calm));
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_hot_segments_are_sorted_once_two_checkpoints_cover_them),
        LEAK_CHECKED(test_many_segments_are_sorted_in_several_runs),
        LEAK_CHECKED(test_what_was_sorted_is_there_after_reopening),
        LEAK_CHECKED(test_more_than_the_buffer_is_written_in_between),
        LEAK_CHECKED(test_dead_segments_go_without_being_read),
        LEAK_CHECKED(test_a_log_without_an_opinion_is_never_sorted),
        LEAK_CHECKED(test_a_cold_file_that_is_half_dead_is_rewritten),
        LEAK_CHECKED(test_a_deep_queues_lane_is_let_go_record_by_record),
        LEAK_CHECKED(test_after_reopening_live_records_are_counted_anew),
        LEAK_CHECKED(test_what_is_let_go_during_a_run_does_not_stay_for_ever),
        LEAK_CHECKED(test_small_neighbours_become_one_file),
        LEAK_CHECKED(test_a_merge_keeps_what_is_known_about_live_records),
        LEAK_CHECKED(test_a_file_that_dies_during_its_merge_does_not_come_back),
        LEAK_CHECKED(test_what_was_trimmed_during_a_run_does_not_come_back),
        LEAK_CHECKED(test_a_trim_during_a_sort_holds_for_what_it_brings),
        LEAK_CHECKED(test_numbers_that_exist_already_stay_where_they_are),
        LEAK_CHECKED(test_numbers_that_do_not_rise_put_the_run_off),
        LEAK_CHECKED(test_every_failing_operation_loses_nothing_and_is_tried_again),
        LEAK_CHECKED(test_a_read_that_fails_now_and_then_is_tried_again),
        LEAK_CHECKED(test_what_cannot_be_read_is_stepped_over_and_its_file_kept),
        LEAK_CHECKED(test_a_file_that_is_gone_does_not_stop_the_others),
        LEAK_CHECKED(test_a_failed_log_is_not_sorted),
        LEAK_CHECKED(test_closing_during_a_run_throws_it_away),
        LEAK_CHECKED(test_pressure_ends_when_the_debt_is_paid),
        LEAK_CHECKED(test_pressure_ends_when_dead_segments_go_unread),
        LEAK_CHECKED(test_while_segments_fill_fast_sorting_waits),
        LEAK_CHECKED(test_no_more_waits_than_may),
        LEAK_CHECKED(test_half_of_the_debt_is_the_most_that_waits),
        LEAK_CHECKED(test_on_a_full_disk_nothing_waits),
        LEAK_CHECKED(test_closing_does_not_wait_for_the_calm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
