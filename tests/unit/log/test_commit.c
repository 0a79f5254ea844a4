/* Tests of log/commit: one write and one sync, and the next batch gathers behind them. */
#include "log/commit.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "log/log_parts.h"
#include "log/scan.h"
#include "tests/lib/leaks.h"
#include "tests/unit/log/log_world.h"

enum { SYNC_MS = 10, FAST_SYNC_US = 1500 };

static struct hot *hot_of(struct log_world *w)
{
    return &w->log->hot;
}

/* An open log on a disk whose sync takes 10 ms, and everything else no time. */
static void begin(struct log_world *w)
{
    log_world_init(w);
    log_world_open(w);
    log_world_settle(w);
    sim_disk_set_latency(w->disk, SIM_OP_SYNC, SYNC_MS * LOG_WORLD_MS, 0);
}

static void end(struct log_world *w)
{
    log_world_close(w);
    log_world_release(w);
}

/* ---- What is done to the disk ---- */

struct calls {
    uint32_t counts[SIM_OP_COUNT]; /* on hot segments */
    uint32_t others;
};

static void count_call(void *owner, struct sim_disk *d, const struct sim_disk_call *call)
{
    struct calls *c = owner;

    (void)d;
    if (strstr(call->path, "hot-") != NULL)
        c->counts[call->op]++;
    else
        c->others++;
}

static void test_a_commit_is_one_write_and_one_sync(void **state)
{
    struct calls calls = {0};
    struct log_world w;

    (void)state;
    begin(&w);
    log_world_append_each(&w, KIND_KEEP, 100, 1); /* the file is open from now on */
    sim_disk_observe(w.disk, count_call, &calls);
    for (int i = 0; i < 8; i++)
        log_world_append(&w, KIND_KEEP, 100);
    log_world_run_ms(&w, 2 * SYNC_MS);
    assert_int_equal(log_durable(w.log), 9);
    assert_int_equal(calls.counts[SIM_OP_WRITE], 1);
    assert_int_equal(calls.counts[SIM_OP_SYNC], 1);
    assert_int_equal(calls.counts[SIM_OP_OPEN], 0);
    assert_int_equal(calls.others, 0); /* no commit pays for the watermark */
    sim_disk_observe(w.disk, NULL, NULL);
    end(&w);
}

static void test_an_idle_log_commits_nothing(void **state)
{
    struct log_world w;
    uint64_t operations;

    (void)state;
    begin(&w);
    log_world_append_each(&w, KIND_KEEP, 100, 3);
    log_world_settle(&w); /* the watermark too */
    operations = sim_disk_operations(w.disk);
    hot_commit(hot_of(&w));
    log_world_run_ms(&w, 10000);
    assert_int_equal(sim_disk_operations(w.disk), operations);
    assert_int_equal(hot_of(&w)->commits.count, 3);
    end(&w);
}

static void test_blocks_that_follow_one_another_are_one_write(void **state)
{
    struct calls calls = {0};
    struct log_world w;

    (void)state;
    begin(&w);
    log_world_append(&w, KIND_KEEP, 100);
    log_world_run_ms(&w, 1);
    for (int i = 0; i < 9; i++) /* three blocks */
        log_world_append(&w, KIND_KEEP, 1000);
    sim_disk_observe(w.disk, count_call, &calls);
    log_world_run_ms(&w, 3 * SYNC_MS);
    assert_int_equal(log_durable(w.log), 10);
    assert_int_equal(hot_of(&w)->commits.count, 2);
    assert_int_equal(calls.counts[SIM_OP_WRITE], 1);
    sim_disk_observe(w.disk, NULL, NULL);
    log_world_expect_hot(&w, 0, 10);
    end(&w);
}

/* ---- Group commit ---- */

/* The disk works while the turn goes on. */
static void test_a_turn_that_appends_much_does_not_wait_for_its_end(void **state)
{
    struct log_world w;

    (void)state;
    begin(&w);
    for (int i = 0; i < 12; i++)
        log_world_append(&w, KIND_KEEP, 100);
    assert_true(hot_of(&w)->is_flying);
    assert_int_equal(w.told.durables, 0);
    log_world_run_ms(&w, 3 * SYNC_MS);
    assert_int_equal(w.told.durable, 12);
    assert_int_equal(hot_of(&w)->commits.count, 2);
    log_world_expect_hot(&w, 0, 12);
    end(&w);
}

static void test_a_group_is_not_cut_in_two_by_that(void **state)
{
    struct log_world w;

    (void)state;
    begin(&w);
    assert_int_equal(log_begin_group(w.log, 12 * log_record_size(0, 100), false), 0);
    for (int i = 0; i < 12; i++)
        log_world_append(&w, KIND_KEEP, 100);
    assert_false(hot_of(&w)->is_flying);
    log_world_append(&w, KIND_KEEP, 100);
    assert_true(hot_of(&w)->is_flying);
    log_world_settle(&w);
    log_world_crash(&w);
    log_world_open(&w);
    log_world_expect_hot(&w, 0, 13);
    end(&w);
}

static void test_batches_gather_behind_the_sync_in_flight(void **state)
{
    struct calls calls = {0};
    struct log_world w;

    (void)state;
    begin(&w);
    log_world_append_each(&w, KIND_KEEP, 100, 1);
    sim_disk_observe(w.disk, count_call, &calls);
    log_world_append(&w, KIND_KEEP, 100);
    log_world_run_ms(&w, 1);
    for (int turn = 0; turn < 8; turn++) { /* eight turns during one sync */
        for (int i = 0; i < 5; i++)
            log_world_append(&w, KIND_KEEP, 20 + LOG_WORLD_BODY_MIN);
        log_world_run_ms(&w, 1);
    }
    assert_int_equal(w.told.durable, 1);
    log_world_run_ms(&w, 2);
    assert_int_equal(w.told.durable, 2);
    log_world_run_ms(&w, SYNC_MS + 1);
    assert_int_equal(w.told.durable, 42);
    assert_int_equal(w.told.durables, 3);
    assert_int_equal(hot_of(&w)->commits.count, 3);
    assert_int_equal(calls.counts[SIM_OP_WRITE], 2); /* all that gathered is one */
    assert_int_equal(calls.counts[SIM_OP_SYNC], 2);
    sim_disk_observe(w.disk, NULL, NULL);
    log_world_expect_hot(&w, 0, 42);
    end(&w);
}

/* A publisher with a window: for each of its records that is safe it sends another one. */
static void send_anew(struct log_world *w)
{
    uint64_t window = 20;

    while (log_next(w->log) < log_durable(w->log) + window)
        log_world_append(w, KIND_KEEP, 100);
}

/* The window does not fall into two halves of which one is always late. */
static void test_after_a_slow_commit_who_was_told_comes_along(void **state)
{
    struct log_world w;

    (void)state;
    begin(&w);
    log_world_append_each(&w, KIND_KEEP, 100, 1);
    w.on_durable = send_anew;
    log_world_append(&w, KIND_KEEP, 100);
    log_world_run_ms(&w, 1);
    for (int i = 0; i < 10; i++)
        log_world_append(&w, KIND_KEEP, 100);
    log_world_run_ms(&w, 10 * SYNC_MS);
    assert_in_range(w.told.durables, 8, 10);
    assert_in_range(w.told.durable, 6 * 20, 10 * 20);
    w.on_durable = NULL;
    end(&w);
}

/* A slow commit of so many records has just landed. */
static void land(struct log_world *w, int count)
{
    uint64_t end;

    begin(w);
    log_world_append_each(w, KIND_KEEP, 100, 1);
    for (int i = 0; i < count; i++)
        log_world_append(w, KIND_KEEP, 100);
    end = log_next(w->log);
    while (w->told.durable < end)
        sim_run_for(w->sim, LOG_WORLD_MS / 100);
}

/* Appends one each hundredth of a millisecond until a commit begins. Returns how many. */
static int append_until_commit(struct log_world *w)
{
    int count = 0;

    while (!hot_of(w)->is_flying && count < 1000) {
        log_world_append(w, KIND_KEEP, 100);
        sim_run_for(w->sim, LOG_WORLD_MS / 100);
        count++;
    }
    return count;
}

/* Who goes on sending holds a commit up for a part of what the one before took, and no longer. */
static void test_a_commit_waits_for_more_but_not_for_long(void **state)
{
    struct log_world w;

    (void)state;
    land(&w, 50);
    hot_of(&w)->gather.full_bytes = UINT64_MAX; /* no number of them is enough */
    assert_in_range(append_until_commit(&w), 100 * SYNC_MS / 4 - 5, 100 * SYNC_MS / 4 + 5);
    end(&w);
}

static void test_a_commit_waits_no_longer_when_all_who_were_told_are_back(void **state)
{
    struct log_world w;

    (void)state;
    land(&w, 50);
    assert_in_range(append_until_commit(&w), 30, 51); /* what frames them counts, too */
    end(&w);
}

static void test_one_slow_commit_alone_means_nothing(void **state)
{
    struct log_world w;

    (void)state;
    begin(&w);
    sim_disk_set_latency(w.disk, SIM_OP_SYNC, 0, 0);
    log_world_append_each(&w, KIND_KEEP, 100, 1);
    sim_disk_set_latency(w.disk, SIM_OP_SYNC, SYNC_MS * LOG_WORLD_MS, 0);
    for (int i = 0; i < 8; i++) /* one commit */
        log_world_append(&w, KIND_KEEP, 100);
    while (w.told.durable < 9)
        sim_run_for(w.sim, LOG_WORLD_MS / 100);
    assert_int_equal(append_until_commit(&w), 1);
    end(&w);
}

/* The next one after silence comes at once, too. */
static void test_a_commit_begins_when_nobody_comes_any_more(void **state)
{
    struct log_world w;

    (void)state;
    land(&w, 50);
    log_world_append(&w, KIND_KEEP, 100);
    sim_run_for(w.sim, SYNC_MS * LOG_WORLD_MS / 10);
    assert_false(hot_of(&w)->is_flying);
    sim_run_for(w.sim, SYNC_MS * LOG_WORLD_MS / 20);
    assert_true(hot_of(&w)->is_flying);
    log_world_settle(&w);
    log_world_append(&w, KIND_KEEP, 100);
    sim_run_for(w.sim, LOG_WORLD_MS / 100);
    assert_true(hot_of(&w)->is_flying);
    end(&w);
}

/* What is seen at the first write of what stands in line. */
struct line {
    struct log_world *w;
    uint32_t writes;
    uint32_t durables; /* calls to the owner until then */
    bool is_late;      /* a record comes in this moment */
};

static void watch_line(void *owner, struct sim_disk *d, const struct sim_disk_call *call)
{
    struct line *l = owner;

    (void)d;
    if (call->op != SIM_OP_WRITE || strstr(call->path, "hot-") == NULL || ++l->writes != 2)
        return;
    l->durables = l->w->told.durables;
    if (l->is_late) {
        log_world_append(l->w, KIND_KEEP, 100);
        hot_end_turn(hot_of(l->w));
    }
}

static void line_up(struct log_world *w, struct line *l, uint64_t failing_syncs)
{
    begin(w);
    sim_disk_set_latency(w->disk, SIM_OP_SYNC, FAST_SYNC_US * LOG_WORLD_MS / 1000, 0);
    l->w = w;
    log_world_append_each(w, KIND_KEEP, 100, 1);
    sim_disk_observe(w->disk, watch_line, l);
    if (failing_syncs > 0)
        log_world_fail(w, SIM_OP_BIT(SIM_OP_SYNC), "hot-", ERR_IO, failing_syncs);
    log_world_append(w, KIND_KEEP, 100);
    log_world_run_ms(w, 1);
    log_world_append(w, KIND_KEEP, 100);
    log_world_run_ms(w, 1);
}

static void test_what_stands_in_line_does_not_wait_for_the_loop(void **state)
{
    struct line line = {0};
    struct log_world w;

    (void)state;
    line_up(&w, &line, 0);
    log_world_settle(&w);
    assert_int_equal(line.writes, 2);
    assert_int_equal(line.durables, 1); /* the owner had not heard yet of the one before */
    assert_int_equal(w.told.durables, 3);
    sim_disk_observe(w.disk, NULL, NULL);
    log_world_expect_hot(&w, 0, 3);
    end(&w);
}

static void test_who_comes_when_the_line_has_begun_stands_behind_it(void **state)
{
    struct line line = {.is_late = true};
    struct log_world w;

    (void)state;
    line_up(&w, &line, 0);
    log_world_settle(&w);
    assert_int_equal(line.writes, 3);
    assert_int_equal(w.told.durables, 4);
    assert_int_equal(w.told.durable, 4);
    sim_disk_observe(w.disk, NULL, NULL);
    log_world_expect_hot(&w, 0, 4);
    end(&w);
}

static void test_what_stands_in_line_is_not_written_after_a_failure(void **state)
{
    struct line line = {0};
    struct log_world w;

    (void)state;
    line_up(&w, &line, 1);
    log_world_settle(&w);
    assert_int_equal(line.writes, 1);
    assert_int_equal(w.told.durable, 1);
    assert_int_equal(w.told.failures, 1);
    assert_int_equal(w.told.failed, ERR_IO);
    sim_disk_observe(w.disk, NULL, NULL);
    sim_disk_clear_faults(w.disk);
    end(&w);
}

static void test_a_gathered_batch_starts_when_the_sync_ends_not_later(void **state)
{
    struct log_world w;

    (void)state;
    begin(&w);
    for (int i = 0; i < 50; i++) { /* one append a turn, for 50 ms */
        log_world_append(&w, KIND_KEEP, 100);
        log_world_run_ms(&w, 1);
    }
    log_world_run_ms(&w, 2 * SYNC_MS);
    assert_int_equal(w.told.durable, 50);
    assert_true(w.told.durables >= 5 && w.told.durables <= 7); /* a sync after the other */
    end(&w);
}

static void append_more(struct log_world *w)
{
    if (log_next(w->log) < 10)
        log_world_append(w, KIND_KEEP, 100);
}

static void test_appending_while_being_told_is_fine(void **state)
{
    struct log_world w;

    (void)state;
    begin(&w);
    w.on_durable = append_more;
    log_world_append(&w, KIND_KEEP, 100);
    log_world_settle(&w);
    assert_int_equal(w.told.durable, 10);
    assert_int_equal(w.told.durables, 10);
    end(&w);
}

static void test_nobody_is_told_twice_of_one_position(void **state)
{
    struct log_world w;

    (void)state;
    begin(&w);
    log_world_append_each(&w, KIND_KEEP, 3000, 1);
    assert_int_equal(log_begin_group(w.log, log_body_max(w.log, 0), false), 0); /* rolls */
    log_world_settle(&w);
    hot_commit(hot_of(&w));
    log_world_settle(&w);
    assert_int_equal(w.told.durable, 1);
    assert_int_equal(w.told.durables, 1);
    end(&w);
}

/* ---- What durable means ---- */

/* Reads what a power cut now would leave of the hot segments, and counts the records in a
 * row. */
static uint64_t records_on_disk(struct log_world *w)
{
    struct sim_disk *image = sim_disk_image(w->disk, &(struct sim_crash){0});
    uint64_t next = 0;

    for (size_t i = 0; i < hot_of(w)->segment_count; i++) {
        struct site_path path = segment_path(&w->log->site, hot_of(w)->segments[i]);
        struct disk_file *f = NULL;
        struct batch_head head;
        const uint8_t *bytes;
        struct scan scan;

        if (disk_open(sim_disk_as_disk(image), path.text, DISK_READ, &f) != 0)
            break;
        scan_init(&scan, f, site_mark(&w->log->site), 4096);
        scan_seek(&scan, SEGMENT_HEADER_SIZE, w->options.segment_bytes);
        while (scan_next(&scan, &head, &bytes) == 0 && head.base == next)
            next += head.count;
        scan_release(&scan);
        disk_close(f);
    }
    sim_disk_free(image);
    return next;
}

static void expect_on_disk(struct log_world *w)
{
    assert_true(records_on_disk(w) >= w->told.durable);
}

static void test_what_is_called_durable_survives_a_power_cut_at_that_moment(void **state)
{
    struct log_world w;

    (void)state;
    begin(&w);
    w.on_durable = expect_on_disk; /* L1 */
    for (int i = 0; i < 200; i++) {
        log_world_append(&w, KIND_KEEP, 100 + (size_t)i * 13 % 2000);
        if (i % 3 == 0)
            log_world_run_ms(&w, (uint64_t)i % 7 * 2);
    }
    log_world_settle(&w);
    assert_true(hot_of(&w)->segment_count > 4);
    assert_int_equal(w.told.durable, 200);
    end(&w);
}

/* ---- From one segment to the next ---- */

struct order {
    struct log_world *w;
    bool is_dirty;  /* the last hot segment was written and not synced */
    char path[128]; /* its path */
    uint32_t begun; /* segments that got their name */
    uint32_t directory_syncs;
};

static void watch_order(void *owner, struct sim_disk *d, const struct sim_disk_call *call)
{
    struct order *o = owner;

    (void)d;
    if (call->op == SIM_OP_RENAME && strstr(call->to, "hot-") != NULL) {
        assert_false(o->is_dirty); /* V1: what comes before is durable */
        o->begun++;
    } else if (call->op == SIM_OP_WRITE && strstr(call->path, "hot-") != NULL) {
        assert_true(!o->is_dirty || strcmp(o->path, call->path) == 0);
        (void)snprintf(o->path, sizeof(o->path), "%s", call->path);
        o->is_dirty = true;
    } else if (call->op == SIM_OP_SYNC && strcmp(o->path, call->path) == 0) {
        o->is_dirty = false;
    } else if (call->op == SIM_OP_SYNC_DIR) {
        o->directory_syncs++;
    }
}

static void test_a_segment_is_synced_before_the_next_one_gets_its_name(void **state)
{
    struct order order = {0};
    struct log_world w;

    (void)state;
    begin(&w);
    sim_disk_observe(w.disk, watch_order, &order);
    for (int i = 0; i < 60; i++) {
        log_world_append(&w, KIND_KEEP, 1500);
        if (i % 20 == 19) /* many segments may begin in one commit */
            log_world_settle(&w);
    }
    log_world_settle(&w);
    assert_true(order.begun >= 3);
    assert_int_equal(order.begun, hot_of(&w)->segment_count - 1);
    assert_true(order.directory_syncs > 0);
    sim_disk_observe(w.disk, NULL, NULL);
    log_world_expect_hot(&w, 0, 60);
    end(&w);
}

/* ---- Failure ---- */

static void expect_failed(struct log_world *w, int err, uint64_t durable)
{
    uint64_t operations = sim_disk_operations(w->disk);

    assert_int_equal(w->told.failed, err);
    assert_int_equal(w->told.failures, 1);
    assert_int_equal(log_durable(w->log), durable);
    assert_int_equal(w->told.durable, durable);
    assert_int_equal(log_world_try_append(w, &(struct log_world_entry){.may_use_reserve = true}),
                     ERR_FAILED);
    assert_int_equal(log_begin_group(w->log, 10, true), ERR_FAILED);
    assert_int_equal(log_checkpoint(w->log, durable, bytes_of(NULL, 0)), ERR_FAILED);
    hot_commit(&w->log->hot);
    log_world_settle(w);
    assert_int_equal(sim_disk_operations(w->disk), operations); /* H3: nothing more is tried */
    assert_non_null(strstr(w->said, "'log'"));
}

static void test_a_failed_write_or_sync_is_final(void **state)
{
    static const struct {
        unsigned op;
        int err;
    } faults[] = {{SIM_OP_WRITE, ERR_IO}, {SIM_OP_WRITE, ERR_NO_SPACE}, {SIM_OP_SYNC, ERR_IO}};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(faults); i++) {
        struct log_world w;

        begin(&w);
        log_world_append_each(&w, KIND_KEEP, 100, 3);
        log_world_settle(&w);
        log_world_fail(&w, SIM_OP_BIT(faults[i].op), "hot-", faults[i].err, 1);
        log_world_append(&w, KIND_KEEP, 100);
        log_world_run_ms(&w, 1);
        if (w.told.failures == 0)
            log_world_append(&w, KIND_KEEP, 100); /* gathers behind the one that will fail */
        log_world_settle(&w);
        sim_disk_clear_faults(w.disk);
        expect_failed(&w, faults[i].err, 3);
        log_world_close(&w);
        log_world_open(&w); /* opening it anew is the way back */
        assert_true(log_durable(w.log) >= 3);
        log_world_append(&w, KIND_KEEP, 100);
        log_world_settle(&w);
        end(&w);
    }
}

static void test_a_segment_that_cannot_begin_is_final_too(void **state)
{
    static const unsigned ops[] = {SIM_OP_BIT(SIM_OP_RENAME), SIM_OP_BIT(SIM_OP_OPEN),
                                   SIM_OP_BIT(SIM_OP_WRITE), SIM_OP_BIT(SIM_OP_SYNC)};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
        struct log_world w;
        uint64_t durable;

        begin(&w);
        log_world_append_each(&w, KIND_KEEP, 3000, 6);
        log_world_settle(&w);
        durable = log_durable(w.log);
        log_world_fail(&w, ops[i], "hot-0000000000000008", ERR_IO, 0);
        for (int k = 0; k < 6; k++)
            log_world_append(&w, KIND_KEEP, 3000);
        assert_int_equal(hot_of(&w)->segments[1]->first, 8);
        log_world_settle(&w);
        sim_disk_clear_faults(w.disk);
        expect_failed(&w, ERR_IO, durable + 1); /* the first one did not wait for the others */
        log_world_close(&w);
        log_world_open(&w);
        assert_true(w.told.replayed >= durable);
        end(&w);
    }
}

static void test_a_failed_log_keeps_what_was_appended_readable(void **state)
{
    struct log_world w;
    struct record r;
    struct block *pin = NULL;

    (void)state;
    begin(&w);
    log_world_append_each(&w, KIND_KEEP, 100, 2);
    log_world_settle(&w);
    log_world_fail(&w, SIM_OP_BIT(SIM_OP_SYNC), "hot-", ERR_IO, 1);
    log_world_append(&w, KIND_KEEP, 100);
    log_world_settle(&w);
    for (uint64_t i = 0; i < 2; i++) {
        assert_int_equal(log_peek(w.log, i, &r, &pin), 0);
        assert_true(log_world_is_whole(&r));
        log_unpin(pin);
    }
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_a_commit_is_one_write_and_one_sync),
        LEAK_CHECKED(test_an_idle_log_commits_nothing),
        LEAK_CHECKED(test_blocks_that_follow_one_another_are_one_write),
        LEAK_CHECKED(test_a_turn_that_appends_much_does_not_wait_for_its_end),
        LEAK_CHECKED(test_a_group_is_not_cut_in_two_by_that),
        LEAK_CHECKED(test_batches_gather_behind_the_sync_in_flight),
        LEAK_CHECKED(test_after_a_slow_commit_who_was_told_comes_along),
        LEAK_CHECKED(test_a_commit_waits_for_more_but_not_for_long),
        LEAK_CHECKED(test_a_commit_waits_no_longer_when_all_who_were_told_are_back),
        LEAK_CHECKED(test_one_slow_commit_alone_means_nothing),
        LEAK_CHECKED(test_a_commit_begins_when_nobody_comes_any_more),
        LEAK_CHECKED(test_what_stands_in_line_does_not_wait_for_the_loop),
        LEAK_CHECKED(test_who_comes_when_the_line_has_begun_stands_behind_it),
        LEAK_CHECKED(test_what_stands_in_line_is_not_written_after_a_failure),
        LEAK_CHECKED(test_a_gathered_batch_starts_when_the_sync_ends_not_later),
        LEAK_CHECKED(test_appending_while_being_told_is_fine),
        LEAK_CHECKED(test_nobody_is_told_twice_of_one_position),
        LEAK_CHECKED(test_what_is_called_durable_survives_a_power_cut_at_that_moment),
        LEAK_CHECKED(test_a_segment_is_synced_before_the_next_one_gets_its_name),
        LEAK_CHECKED(test_a_failed_write_or_sync_is_final),
        LEAK_CHECKED(test_a_segment_that_cannot_begin_is_final_too),
        LEAK_CHECKED(test_a_failed_log_keeps_what_was_appended_readable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
