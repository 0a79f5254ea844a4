/* Tests of log/commit where syncs come by interval: told when written, durable a little later. */
#include <string.h>

#include "base/err.h"
#include "log/commit.h"
#include "log/log_parts.h"
#include "tests/lib/leaks.h"
#include "tests/unit/log/log_world.h"

enum { INTERVAL_MS = 100 };

/* An open log whose syncs come every 100 ms. */
static void begin(struct log_world *w)
{
    log_world_init(w);
    w->options.sync_interval_ms = INTERVAL_MS;
    log_world_open(w);
    log_world_settle(w);
}

static void end(struct log_world *w)
{
    log_world_close(w);
    log_world_release(w);
}

static void count_sync(void *owner, struct sim_disk *d, const struct sim_disk_call *call)
{
    uint32_t *syncs = owner;

    (void)d;
    if (call->op == SIM_OP_SYNC && strstr(call->path, "hot-") != NULL)
        (*syncs)++;
}

static void test_what_is_written_is_told_and_synced_later(void **state)
{
    struct log_world w;
    uint32_t syncs = 0;

    (void)state;
    begin(&w);
    sim_disk_observe(w.disk, count_sync, &syncs);
    for (uint64_t i = 1; i <= 20; i++) {
        log_world_append(&w, KIND_KEEP, 100);
        log_world_run_ms(&w, 1);
        assert_int_equal(w.told.durable, i);
        assert_int_equal(log_told(w.log), i);
    }
    assert_int_equal(log_durable(w.log), 0);
    assert_int_equal(syncs, 0);
    log_world_run_ms(&w, INTERVAL_MS);
    assert_int_equal(log_durable(w.log), 20);
    assert_int_equal(syncs, 1);
    log_world_run_ms(&w, 10 * INTERVAL_MS);
    assert_int_equal(syncs, 1); /* at rest there is nothing to sync */
    sim_disk_observe(w.disk, NULL, NULL);
    log_world_expect_hot(&w, 0, 20);
    end(&w);
}

/* While records go on coming, they do not put the sync off. */
static void test_nothing_waits_longer_than_the_interval(void **state)
{
    struct log_world w;

    (void)state;
    begin(&w);
    for (uint64_t ms = 0; ms < 10 * INTERVAL_MS; ms += 10) {
        log_world_append(&w, KIND_KEEP, 100);
        log_world_run_ms(&w, 10);
        assert_true(log_durable(w.log) + (INTERVAL_MS + 20) / 10 >= log_next(w.log));
    }
    end(&w);
}

/* A power cut takes at most the last interval, and the log opens with what is before. */
static void test_a_power_cut_loses_only_what_was_not_synced(void **state)
{
    (void)state;
    for (uint64_t ms = 0; ms < 3 * INTERVAL_MS; ms += 7) {
        struct log_world w;
        uint64_t durable;

        begin(&w);
        for (uint64_t at = 0; at <= ms; at += 7) {
            log_world_append(&w, KIND_KEEP, 100);
            log_world_run_ms(&w, 7);
        }
        durable = log_durable(w.log);
        log_world_crash(&w);
        log_world_open(&w);
        assert_int_equal(log_next(w.log), durable);
        log_world_expect_hot(&w, 0, durable);
        end(&w);
    }
}

static void test_the_end_of_the_process_alone_loses_nothing(void **state)
{
    struct log_world w;

    (void)state;
    begin(&w);
    log_world_append(&w, KIND_KEEP, 100);
    log_world_append(&w, KIND_KEEP, 100);
    log_world_run_ms(&w, 1);
    assert_int_equal(w.told.durable, 2);
    assert_int_equal(log_durable(w.log), 0);
    sim_node_halt(w.node, SIM_DEATH_PROCESS);
    log_world_close(&w);
    sim_io_free(w.io);
    sim_node_restart(w.node);
    w.io = sim_io_new(w.node);
    log_world_open(&w);
    log_world_expect_hot(&w, 0, 2);
    end(&w);
}

static void test_closing_syncs_at_once(void **state)
{
    struct log_world w;

    (void)state;
    begin(&w);
    log_world_append(&w, KIND_KEEP, 100);
    log_world_run_ms(&w, 1);
    log_world_close(&w);
    log_world_crash(&w);
    log_world_open(&w);
    log_world_expect_hot(&w, 0, 1);
    end(&w);
}

static void test_a_checkpoint_is_not_taken_before_the_sync(void **state)
{
    struct log_world w;

    (void)state;
    begin(&w);
    log_world_append(&w, KIND_KEEP, 100);
    log_world_run_ms(&w, 1);
    assert_int_equal(log_told(w.log), 1);
    assert_int_equal(log_checkpoint(w.log, 1, bytes_of("12345678", 8)), ERR_RANGE);
    log_world_run_ms(&w, INTERVAL_MS + 10);
    assert_int_equal(w.told.durables, 2); /* told anew, so that its owner tries again */
    assert_int_equal(log_checkpoint(w.log, 1, bytes_of("\1\0\0\0\0\0\0\0", 8)), 0);
    log_world_settle(&w);
    end(&w);
}

/* Neither the bytes nor the name of a later segment ever survive without the one before. */
static void test_a_segment_is_synced_before_the_next_one_begins(void **state)
{
    struct log_world w;
    struct log_stats stats;

    (void)state;
    begin(&w);
    do {
        log_world_append(&w, KIND_KEEP, 3000);
        log_world_run_ms(&w, 1);
        log_get_stats(w.log, &stats);
    } while (stats.hot_segments < 3);
    assert_true(log_durable(w.log) < log_next(w.log));
    log_world_crash(&w);
    log_world_open(&w);
    assert_true(log_next(w.log) >= 2);
    log_world_expect_hot(&w, 0, log_next(w.log));
    end(&w);
}

static void test_a_failed_sync_is_final(void **state)
{
    struct log_world w;

    (void)state;
    begin(&w);
    log_world_append(&w, KIND_KEEP, 100);
    log_world_run_ms(&w, INTERVAL_MS + 10);
    log_world_fail(&w, SIM_OP_BIT(SIM_OP_SYNC), "hot-", ERR_IO, 1);
    log_world_append(&w, KIND_KEEP, 100);
    log_world_run_ms(&w, 1);
    assert_int_equal(w.told.durable, 2);
    log_world_settle(&w);
    assert_int_equal(w.told.failed, ERR_IO);
    assert_int_equal(w.told.failures, 1);
    assert_int_equal(log_durable(w.log), 1);
    assert_non_null(strstr(w.said, "nothing at or above position 1 is sure to be on the disk"));
    assert_int_equal(log_world_try_append(&w, &(struct log_world_entry){0}), ERR_FAILED);
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_what_is_written_is_told_and_synced_later),
        LEAK_CHECKED(test_nothing_waits_longer_than_the_interval),
        LEAK_CHECKED(test_a_power_cut_loses_only_what_was_not_synced),
        LEAK_CHECKED(test_the_end_of_the_process_alone_loses_nothing),
        LEAK_CHECKED(test_closing_syncs_at_once),
        LEAK_CHECKED(test_a_checkpoint_is_not_taken_before_the_sync),
        LEAK_CHECKED(test_a_segment_is_synced_before_the_next_one_begins),
        LEAK_CHECKED(test_a_failed_sync_is_final),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
