/* Tests of log/marks: the watermark's renewal, and the rules of checkpoints. */
#include "log/log_parts.h"

#include <string.h>

#include "base/bytes.h"
#include "base/err.h"
#include "log/checkpoint.h"
#include "tests/lib/fault_heap.h"
#include "tests/lib/leaks.h"
#include "tests/unit/log/log_world.h"

enum { BODY = 100 };

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

/* ---- Watermark ---- */

static struct watermark on_disk(struct log_world *w)
{
    struct watermark mark = {0};
    int bad_slots = 0;

    assert_int_equal(watermark_read(&w->log->site, &mark, &bad_slots), 0);
    assert_int_equal(bad_slots, 0);
    return mark;
}

static void test_the_watermark_follows_within_its_interval(void **state)
{
    struct log_world w;

    (void)state;
    begin(&w);
    log_world_append_each(&w, KIND_KEEP, BODY, 5);
    log_world_run_ms(&w, 900);
    assert_int_equal(on_disk(&w).position, 0);
    log_world_append_each(&w, KIND_KEEP, BODY, 5);
    log_world_run_ms(&w, 200);
    assert_int_equal(on_disk(&w).position, 10);
    assert_int_equal(on_disk(&w).epoch, w.log->hot.epoch);
    end(&w);
}

static void test_an_idle_log_renews_nothing(void **state)
{
    struct log_world w;
    uint64_t number;

    (void)state;
    begin(&w);
    log_world_append_each(&w, KIND_KEEP, BODY, 5);
    log_world_run_ms(&w, 5000);
    number = on_disk(&w).number;
    log_world_run_ms(&w, 100000);
    assert_int_equal(on_disk(&w).number, number);
    end(&w);
}

static void test_a_new_segment_renews_at_once(void **state)
{
    struct log_world w;

    (void)state;
    log_world_init(&w);
    w.options.watermark_interval_ms = 60000;
    log_world_open(&w);
    log_world_fill_segment(&w, KIND_KEEP, 3000);
    log_world_run_ms(&w, 10);
    assert_true(on_disk(&w).position > 0);
    log_world_settle(&w);
    end(&w);
}

static void test_a_failed_renewal_is_tried_again_in_the_same_slot(void **state)
{
    struct log_world w;
    struct watermark before;

    (void)state;
    begin(&w);
    log_world_append_each(&w, KIND_KEEP, BODY, 5);
    log_world_run_ms(&w, 2000);
    before = on_disk(&w);
    log_world_fail(&w, SIM_OP_BIT(SIM_OP_SYNC), "watermark", ERR_IO, 3);
    log_world_append_each(&w, KIND_KEEP, BODY, 5);
    log_world_run_ms(&w, 3500);
    assert_non_null(strstr(w.said, "watermark"));
    assert_int_equal(w.told.failed, 0); /* it does not hurt the log */
    assert_int_equal(w.log->marks.watermark.number, before.number);
    assert_int_equal(w.log->marks.watermark.position, 5);
    log_world_settle(&w); /* without any further traffic */
    assert_int_equal(w.log->marks.watermark.position, 10);
    assert_int_equal(on_disk(&w).number, before.number + 1);
    assert_int_equal(on_disk(&w).position, 10);
    end(&w);
}

static void test_the_watermark_never_runs_ahead(void **state)
{
    struct log_world w;

    (void)state;
    begin(&w);
    sim_disk_set_latency(w.disk, SIM_OP_SYNC, 300 * LOG_WORLD_MS, 200 * LOG_WORLD_MS);
    for (int i = 0; i < 60; i++) {
        log_world_append(&w, KIND_KEEP, BODY);
        log_world_run_ms(&w, 100);
        assert_true(on_disk(&w).position <= w.told.durable);
    }
    log_world_settle(&w);
    end(&w);
}

/* ---- Checkpoints ---- */

static int checkpoint_at(struct log_world *w, uint64_t position)
{
    uint8_t state[8];

    put_le64(state, position);
    return log_checkpoint(w->log, position, bytes_of(state, sizeof(state)));
}

/* Appends ten and keeps a checkpoint behind them. */
static void ten_and_checkpoint(struct log_world *w)
{
    log_world_append_each(w, KIND_KEEP, BODY, 10);
    assert_int_equal(checkpoint_at(w, log_durable(w->log)), 0);
    log_world_settle(w);
}

static void reopen(struct log_world *w, uint64_t restored, uint64_t replayed)
{
    log_world_crash(w);
    log_world_open(w);
    assert_int_equal(w->told.restored, restored);
    assert_int_equal(w->told.replayed, replayed);
}

static void test_records_above_the_newest_checkpoint_are_replayed(void **state)
{
    struct log_world w;

    (void)state;
    begin(&w);
    log_world_append_each(&w, KIND_KEEP, BODY, 5);
    log_world_settle(&w);
    reopen(&w, UINT64_MAX, 5);
    ten_and_checkpoint(&w);
    reopen(&w, 15, 0);
    log_world_append_each(&w, KIND_KEEP, BODY, 3);
    log_world_settle(&w);
    reopen(&w, 15, 3);
    assert_int_equal(w.told.replayed_from, 15);
    end(&w);
}

static void test_the_newest_two_are_kept(void **state)
{
    struct log_world w;

    (void)state;
    begin(&w);
    for (size_t i = 1; i <= 5; i++) {
        ten_and_checkpoint(&w);
        assert_int_equal(log_world_count_files(&w, "checkpoint-"), i < 2 ? i : 2);
    }
    assert_true(sim_disk_has(w.disk, "log/checkpoint-0000000000000028"));
    assert_true(sim_disk_has(w.disk, "log/checkpoint-0000000000000032"));
    assert_int_equal(w.log->sorter.limit, 40); /* what the older one covers may be sorted */
    end(&w);
}

static void test_positions_must_be_durable_and_must_not_go_back(void **state)
{
    struct log_world w;

    (void)state;
    begin(&w);
    ten_and_checkpoint(&w);
    assert_int_equal(checkpoint_at(&w, 11), ERR_RANGE);
    log_world_append(&w, KIND_KEEP, BODY);
    assert_int_equal(checkpoint_at(&w, 11), ERR_RANGE); /* appended, not durable */
    log_world_settle(&w);
    assert_int_equal(checkpoint_at(&w, 9), ERR_RANGE);
    assert_int_equal(checkpoint_at(&w, 11), 0);
    log_world_settle(&w);
    end(&w);
}

static void test_one_at_the_same_position_takes_its_place(void **state)
{
    struct log_world w;

    (void)state;
    begin(&w);
    ten_and_checkpoint(&w);
    ten_and_checkpoint(&w);
    assert_int_equal(checkpoint_at(&w, 20), 0);
    log_world_settle(&w);
    assert_int_equal(log_world_count_files(&w, "checkpoint-"), 2);
    assert_int_equal(w.log->sorter.limit, 10);
    assert_int_equal(w.log->checkpoints.kept[1], 20);
    end(&w);
}

static void test_one_at_a_time_and_the_bytes_are_copied(void **state)
{
    uint8_t content[8];
    struct log_world w;

    (void)state;
    begin(&w);
    log_world_append_each(&w, KIND_KEEP, BODY, 4);
    put_le64(content, 4);
    assert_int_equal(log_checkpoint(w.log, 4, bytes_of(content, 8)), 0);
    memset(content, 0, sizeof(content));
    assert_int_equal(checkpoint_at(&w, 4), ERR_BUSY);
    log_world_settle(&w);
    assert_int_equal(checkpoint_at(&w, 4), 0);
    log_world_settle(&w);
    reopen(&w, 4, 0); /* restore() looks at the content */
    end(&w);
}

static void test_a_write_that_fails_keeps_the_old_ones(void **state)
{
    struct log_world w;

    (void)state;
    begin(&w);
    ten_and_checkpoint(&w);
    ten_and_checkpoint(&w);
    log_world_append_each(&w, KIND_KEEP, BODY, 5);
    log_world_fail(&w, SIM_OP_BIT(SIM_OP_WRITE), "checkpoint", ERR_NO_SPACE, 1);
    assert_int_equal(checkpoint_at(&w, 25), 0);
    log_world_settle(&w);
    assert_non_null(strstr(w.said, "checkpoint"));
    assert_int_equal(w.log->sorter.limit, 10);
    assert_int_equal(w.log->checkpoints.kept[1], 20);
    assert_true(sim_disk_has(w.disk, "log/checkpoint-000000000000000a"));
    reopen(&w, 20, 5);
    end(&w);
}

static void test_memory_for_the_copy_may_be_refused(void **state)
{
    struct fault_heap heap;
    struct log_world w;

    (void)state;
    begin(&w);
    log_world_append_each(&w, KIND_KEEP, BODY, 5);
    fault_heap_start(&heap, 1, false);
    assert_int_equal(checkpoint_at(&w, 5), ERR_NO_MEMORY);
    assert_true(fault_heap_stop(&heap));
    assert_int_equal(checkpoint_at(&w, 5), 0);
    log_world_settle(&w);
    end(&w);
}

static void test_an_empty_state_is_a_state(void **state)
{
    struct log_world w;

    (void)state;
    begin(&w);
    log_world_append_each(&w, KIND_KEEP, BODY, 2);
    assert_int_equal(log_checkpoint(w.log, 2, bytes_of(NULL, 0)), 0);
    log_world_settle(&w);
    assert_int_equal(log_world_count_files(&w, "checkpoint-"), 1);
    end(&w);
}

static void damage(struct log_world *w, const char *path)
{
    sim_disk_flip_bit(w->disk, path, 50, 0);
}

static void test_a_damaged_one_is_passed_over(void **state)
{
    struct log_world w;

    (void)state;
    begin(&w);
    ten_and_checkpoint(&w);
    ten_and_checkpoint(&w);
    log_world_append_each(&w, KIND_KEEP, BODY, 5);
    log_world_settle(&w);
    damage(&w, "log/checkpoint-0000000000000014");
    reopen(&w, 10, 15);
    assert_non_null(strstr(w.said, "damaged"));
    log_world_close(&w);
    damage(&w, "log/checkpoint-000000000000000a");
    log_world_open(&w);
    assert_int_equal(w.told.restored, UINT64_MAX); /* the whole log does as well */
    assert_int_equal(w.told.replayed, 25);
    end(&w);
}

static void test_one_newer_than_the_log_is_ignored(void **state)
{
    struct log_world w;

    (void)state;
    begin(&w);
    ten_and_checkpoint(&w);
    assert_int_equal(checkpoint_write(&w.log->site, 1000, bytes_text("future")), 0);
    log_world_close(&w);
    log_world_open(&w);
    assert_int_equal(w.told.restored, 10);
    end(&w);
}

static void test_without_any_the_lanes_tell_what_survived(void **state)
{
    struct log_world w;
    uint64_t first;

    (void)state;
    begin(&w);
    for (uint64_t i = 0; i < 5; i++)
        log_world_move(&w, 4, i, NULL, BODY);
    log_world_append_each(&w, KIND_KEEP, BODY, 7);
    log_world_fill_segment(&w, KIND_DROP, 3000);
    log_world_checkpoint(&w);
    first = log_first(w.log);
    assert_true(first > 0);
    log_world_close(&w);
    for (uint64_t position = 0; position < 100; position++) {
        struct site site = {.disk = w.io->disk, .dir = "log"};
        assert_int_equal(checkpoint_remove(&site, position), 0);
    }
    log_world_open(&w);
    assert_int_equal(w.told.survivors, 12);
    assert_int_equal(w.told.replayed_from, first);
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_the_watermark_follows_within_its_interval),
        LEAK_CHECKED(test_an_idle_log_renews_nothing),
        LEAK_CHECKED(test_a_new_segment_renews_at_once),
        LEAK_CHECKED(test_a_failed_renewal_is_tried_again_in_the_same_slot),
        LEAK_CHECKED(test_the_watermark_never_runs_ahead),
        LEAK_CHECKED(test_records_above_the_newest_checkpoint_are_replayed),
        LEAK_CHECKED(test_the_newest_two_are_kept),
        LEAK_CHECKED(test_positions_must_be_durable_and_must_not_go_back),
        LEAK_CHECKED(test_one_at_the_same_position_takes_its_place),
        LEAK_CHECKED(test_one_at_a_time_and_the_bytes_are_copied),
        LEAK_CHECKED(test_a_write_that_fails_keeps_the_old_ones),
        LEAK_CHECKED(test_memory_for_the_copy_may_be_refused),
        LEAK_CHECKED(test_an_empty_state_is_a_state),
        LEAK_CHECKED(test_a_damaged_one_is_passed_over),
        LEAK_CHECKED(test_one_newer_than_the_log_is_ignored),
        LEAK_CHECKED(test_without_any_the_lanes_tell_what_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
