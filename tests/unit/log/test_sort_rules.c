/* Tests of log/sort_rules: compaction by key, and what the other runs do with each
 * record. */
#include "log/sort_rules.h"

#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/err.h"
#include "log/log_parts.h"
#include "tests/lib/leaks.h"
#include "tests/unit/log/log_world.h"

enum { LANE = 3, BODY = 300, DAY_MS = 86400000, KEYS_OF_A_SMALL_MAP = 48 };

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

static const struct cold_lane *lane_of(struct log_world *w)
{
    return cold_find(&w->log->cold, LANE);
}

/* Records 0, 1, 2, ... of the lane, one for each word: "a" is a record with that key,
 * "a-" a tombstone, "-" a record without a key, "|" ends a file. */
static void put(struct log_world *w, uint64_t first, const char *words)
{
    uint64_t number = first;

    for (const char *at = words; *at != '\0'; at++) {
        char key[2] = {*at, '\0'};

        if (*at == ' ')
            continue;
        if (*at == '|') {
            log_world_fill_segment(w, KIND_DROP, 3000);
            log_world_checkpoint(w);
        } else if (*at == '-') {
            log_world_move(w, LANE, number++, NULL, BODY);
        } else if (at[1] == '-') {
            log_world_tombstone(w, LANE, number++, key);
            at++;
        } else {
            log_world_move(w, LANE, number++, key, BODY);
        }
    }
}

static void compact(struct log_world *w, uint64_t tombstone_age_ms)
{
    log_compact(w->log, LANE, tombstone_age_ms);
    log_world_settle(w);
    assert_false(w->log->sorter.compaction.is_on);
}

/* What the lane holds, as numbers in a row: "0 3 5". */
static void expect_lane(struct log_world *w, const char *expected)
{
    struct cursor *c = cursor_open(w->log, CURSOR_COLD, LANE, 0);
    char found[1000] = "";
    struct record r;

    while (log_world_next(w, c, &r) == 0) {
        size_t used = strlen(found);

        assert_true(log_world_is_whole(&r));
        (void)snprintf(found + used, sizeof(found) - used, "%s%u", used > 0 ? " " : "",
                       (unsigned)r.number);
    }
    cursor_close(c);
    assert_string_equal(found, expected);
}

static void test_the_newest_of_each_key_stays(void **state)
{
    struct log_world w;

    (void)state;
    begin(&w);
    put(&w, 0, "a b a c b a d |");
    compact(&w, DAY_MS);
    expect_lane(&w, "3 4 5 6");
    compact(&w, DAY_MS); /* nothing more to do */
    expect_lane(&w, "3 4 5 6");
    assert_int_equal(log_world_count_files(&w, "cold-"), 1);
    end(&w);
}

static void test_records_without_a_key_stay(void **state)
{
    struct log_world w;

    (void)state;
    begin(&w);
    put(&w, 0, "- a - - a - |");
    compact(&w, 0);
    expect_lane(&w, "0 2 3 4 5");
    end(&w);
}

static void test_keys_are_compared_over_all_files_of_the_lane(void **state)
{
    struct log_world w;

    (void)state;
    begin(&w);
    put(&w, 0, "a b c | a d | e b |");
    assert_int_equal(lane_of(&w)->count, 3);
    compact(&w, DAY_MS);
    expect_lane(&w, "2 3 4 5 6");
    assert_int_equal(lane_of(&w)->count, 1); /* together they are less than a file's worth */
    end(&w);
}

static bool is_of_key_b(void *owner, const struct record *r)
{
    (void)owner;
    return r->body.size == 0 && bytes_equal(r->key, bytes_text("b"));
}

static void test_the_owner_may_say_what_a_tombstone_is(void **state)
{
    struct log_world w;

    (void)state;
    log_world_init(&w);
    w.is_tombstone = is_of_key_b;
    log_world_open(&w);
    put(&w, 0, "a b c a- b- |");
    compact(&w, 0);
    expect_lane(&w, "2 3"); /* the empty one of a is its newest value */
    end(&w);
}

static void test_tombstones_go_when_their_time_is_over(void **state)
{
    struct log_world w;

    (void)state;
    begin(&w);
    put(&w, 0, "a b a- b- c |");
    compact(&w, DAY_MS);
    expect_lane(&w, "2 3 4"); /* still told to whoever reads late */
    sim_node_jump_wall(w.node, DAY_MS + 100000);
    compact(&w, DAY_MS);
    expect_lane(&w, "4");
    end(&w);
}

static void test_a_tombstone_hides_what_came_before_it_only(void **state)
{
    struct log_world w;

    (void)state;
    begin(&w);
    put(&w, 0, "a a- a | b b- |");
    sim_node_jump_wall(w.node, 2 * DAY_MS);
    compact(&w, DAY_MS);
    expect_lane(&w, "2");
    end(&w);
}

static void test_a_lane_of_tombstones_only_vanishes(void **state)
{
    struct log_world w;

    (void)state;
    begin(&w);
    put(&w, 0, "a a- b- |");
    sim_node_jump_wall(w.node, 2 * DAY_MS);
    compact(&w, DAY_MS);
    assert_null(lane_of(&w));
    assert_int_equal(log_world_count_files(&w, "cold-"), 0);
    end(&w);
}

static void test_empty_records_without_a_tombstones_age_are_told_by_time(void **state)
{
    struct log_world w;

    (void)state;
    begin(&w);
    put(&w, 0, "a- b- |");
    sim_node_jump_wall(w.node, 10000);
    put(&w, 2, "c- |");
    compact(&w, 5000); /* the first two are older than that */
    expect_lane(&w, "2");
    end(&w);
}

/* Keys that the map had no room for stay as they are; nothing is lost or taken for
 * superseded. */
static void test_a_full_map_compacts_what_it_knows(void **state)
{
    enum { KEYS = KEYS_OF_A_SMALL_MAP + 10 };
    struct log_world w;
    struct record r;
    struct cursor *c;
    bool is_newest[KEYS] = {false};
    uint64_t count = 0;

    (void)state;
    log_world_init(&w);
    w.options.sorter_buffer_bytes = 256; /* four times that is not enough for more */
    log_world_open(&w);
    for (uint64_t i = 0; i < 3 * KEYS; i++) {
        char key[16];

        (void)snprintf(key, sizeof(key), "%u", (unsigned)(i % KEYS));
        log_world_move(&w, LANE, i, key, BODY);
        if (i % 40 == 39)
            log_world_settle(&w);
    }
    log_world_fill_segment(&w, KIND_DROP, 3000);
    log_world_checkpoint(&w);
    compact(&w, DAY_MS);
    c = cursor_open(w.log, CURSOR_COLD, LANE, 0);
    while (log_world_next(&w, c, &r) == 0) {
        count++;
        assert_true(log_world_is_whole(&r));
        if (r.number >= 2 * KEYS)
            is_newest[r.number % KEYS] = true;
    }
    cursor_close(c);
    for (size_t i = 0; i < KEYS; i++)
        assert_true(is_newest[i]);
    assert_true(count >= KEYS && count <= 3 * KEYS);
    end(&w);
}

static void test_a_file_larger_than_the_aim_is_compacted_too(void **state)
{
    struct log_world w;

    (void)state;
    begin(&w);
    put(&w, 0, "a b a c b | d a b c | e d |");
    w.log->site.options.cold_segment_bytes = 100; /* now all of them are */
    compact(&w, DAY_MS);
    expect_lane(&w, "6 7 8 9 10");
    assert_true(lane_of(&w)->count > 1);
    end(&w);
}

static void test_about_one_file_is_written_at_a_time(void **state)
{
    struct log_world w;

    (void)state;
    begin(&w);
    put(&w, 0, "a b c | d e f | g h i | j k l | m n o | p q a |");
    assert_int_equal(lane_of(&w)->count, 6);
    w.log->site.options.cold_segment_bytes = 3 * lane_of(&w)->segments[0]->bytes;
    compact(&w, DAY_MS);
    assert_int_equal(lane_of(&w)->count, 2);
    expect_lane(&w, "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17");
    end(&w);
}

static void test_compacting_a_lane_that_is_not_there_is_fine(void **state)
{
    struct log_world w;

    (void)state;
    begin(&w);
    compact(&w, 0);
    put(&w, 0, "a a |");
    log_compact(w.log, 99, 0);
    compact(&w, 0);
    expect_lane(&w, "1");
    end(&w);
}

static void test_asking_twice_is_asking_once(void **state)
{
    struct log_world w;
    uint64_t runs;

    (void)state;
    begin(&w);
    put(&w, 0, "a a |");
    runs = w.log->sorter.runs;
    for (int i = 0; i < 10; i++)
        log_compact(w.log, LANE, DAY_MS);
    assert_int_equal(w.log->sorter.compaction.waiting_count, 1);
    log_world_settle(&w);
    assert_int_equal(w.log->sorter.runs, runs + 2); /* the keys, then the records */
    expect_lane(&w, "1");
    end(&w);
}

static void test_several_lanes_are_compacted_one_after_the_other(void **state)
{
    struct log_world w;

    (void)state;
    begin(&w);
    for (uint64_t lane = 10; lane < 15; lane++) {
        log_world_move(&w, lane, 1, "a", BODY);
        log_world_move(&w, lane, 2, "a", BODY);
    }
    put(&w, 0, "|");
    for (uint64_t lane = 10; lane < 15; lane++)
        log_compact(w.log, lane, DAY_MS);
    log_world_settle(&w);
    for (uint64_t lane = 10; lane < 15; lane++)
        log_world_expect_lane(&w, lane, 1, (uint64_t[]){2});
    end(&w);
}

/* ---- What comes between ---- */

static void test_records_that_come_during_a_compaction_stay(void **state)
{
    struct log_world w;

    (void)state;
    begin(&w);
    put(&w, 0, "a b | a b |");
    sim_disk_set_latency(w.disk, SIM_OP_READ, 5 * LOG_WORLD_MS, 0);
    log_compact(w.log, LANE, DAY_MS);
    log_world_run_ms(&w, 7);
    assert_true(w.log->sorter.compaction.is_on);
    put(&w, 4, "a c |"); /* newer than what the map knows */
    expect_lane(&w, "2 3 4 5");
    compact(&w, DAY_MS);
    expect_lane(&w, "3 4 5");
    end(&w);
}

static void test_a_lane_that_is_dropped_during_its_compaction_stays_dropped(void **state)
{
    (void)state;
    for (uint64_t ms = 0; ms < 40; ms++) {
        struct log_world w;

        begin(&w);
        put(&w, 0, "a b a | a b c |");
        sim_disk_set_latency(w.disk, SIM_OP_READ, LOG_WORLD_MS, 0);
        sim_disk_set_latency(w.disk, SIM_OP_WRITE, LOG_WORLD_MS, 0);
        sim_disk_set_latency(w.disk, SIM_OP_SYNC, LOG_WORLD_MS, 0);
        log_compact(w.log, LANE, DAY_MS);
        log_world_run_ms(&w, ms);
        log_drop(w.log, LANE);
        log_world_settle(&w);
        assert_null(lane_of(&w));
        assert_int_equal(log_world_count_files(&w, "cold-"), 0);
        end(&w);
    }
}

static void test_every_failing_operation_starts_the_compaction_over(void **state)
{
    bool has_struck = true;

    (void)state;
    for (uint64_t skip = 0; has_struck; skip++) {
        struct log_world w;
        size_t fault;

        begin(&w);
        put(&w, 0, "a b a | c b a |");
        fault = sim_disk_add_fault(
            w.disk, &(struct sim_fault){.err = ERR_NO_SPACE,
                                        .ops = ~SIM_OP_BIT(SIM_OP_REMOVE), /* that one is late */
                                        .path_part = "cold-",
                                        .skip = skip,
                                        .times = 1});
        compact(&w, DAY_MS);
        has_struck = sim_disk_fault_strikes(w.disk, fault) > 0;
        sim_disk_clear_faults(w.disk);
        expect_lane(&w, "3 4 5");
        assert_int_equal(log_world_count_files(&w, "cold-"), w.log->cold.segment_count);
        end(&w);
    }
}

static void test_a_compaction_that_is_closed_away_loses_nothing(void **state)
{
    (void)state;
    for (uint64_t ms = 0; ms < 30; ms++) {
        struct log_world w;

        begin(&w);
        put(&w, 0, "a b a | c b a |");
        sim_disk_set_latency(w.disk, SIM_OP_READ, LOG_WORLD_MS, 0);
        sim_disk_set_latency(w.disk, SIM_OP_SYNC, LOG_WORLD_MS, 0);
        log_compact(w.log, LANE, DAY_MS);
        log_world_run_ms(&w, ms);
        log_world_close(&w);
        log_world_open(&w);
        log_world_settle(&w);
        compact(&w, DAY_MS);
        expect_lane(&w, "3 4 5");
        end(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_the_newest_of_each_key_stays),
        LEAK_CHECKED(test_records_without_a_key_stay),
        LEAK_CHECKED(test_keys_are_compared_over_all_files_of_the_lane),
        LEAK_CHECKED(test_the_owner_may_say_what_a_tombstone_is),
        LEAK_CHECKED(test_tombstones_go_when_their_time_is_over),
        LEAK_CHECKED(test_a_tombstone_hides_what_came_before_it_only),
        LEAK_CHECKED(test_a_lane_of_tombstones_only_vanishes),
        LEAK_CHECKED(test_empty_records_without_a_tombstones_age_are_told_by_time),
        LEAK_CHECKED(test_a_full_map_compacts_what_it_knows),
        LEAK_CHECKED(test_a_file_larger_than_the_aim_is_compacted_too),
        LEAK_CHECKED(test_about_one_file_is_written_at_a_time),
        LEAK_CHECKED(test_compacting_a_lane_that_is_not_there_is_fine),
        LEAK_CHECKED(test_asking_twice_is_asking_once),
        LEAK_CHECKED(test_several_lanes_are_compacted_one_after_the_other),
        LEAK_CHECKED(test_records_that_come_during_a_compaction_stay),
        LEAK_CHECKED(test_a_lane_that_is_dropped_during_its_compaction_stays_dropped),
        LEAK_CHECKED(test_every_failing_operation_starts_the_compaction_over),
        LEAK_CHECKED(test_a_compaction_that_is_closed_away_loses_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
