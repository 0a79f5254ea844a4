/* Tests of log/close: the end of a log, whatever is under way. */
#include "log/log_parts.h"

#include <string.h>

#include "base/bytes.h"
#include "base/err.h"
#include "tests/lib/death.h"
#include "tests/lib/leaks.h"
#include "tests/unit/log/log_world.h"

enum { BODY = 600, LANE = 3 };

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

static void set_latency(struct log_world *w, uint64_t ns)
{
    for (unsigned op = 0; op < SIM_OP_COUNT; op++)
        sim_disk_set_latency(w->disk, (enum sim_op)op, ns, 0);
}

static void test_what_was_appended_before_is_committed(void **state)
{
    struct log_world w;

    (void)state;
    begin(&w);
    for (int i = 0; i < 50; i++)
        log_world_append(&w, KIND_KEEP, BODY); /* of this very turn, over two segments */
    log_world_close(&w);
    assert_int_equal(w.told.durable, 50);
    log_world_crash(&w);
    log_world_open(&w);
    assert_int_equal(w.told.replayed, 50);
    end(&w);
}

static void test_a_closed_log_leaves_a_current_watermark(void **state)
{
    struct watermark mark = {0};
    struct log_world w;
    struct site site;
    int bad_slots = 0;

    (void)state;
    begin(&w);
    log_world_append_each(&w, KIND_KEEP, BODY, 3);
    site = w.log->site;
    log_world_close(&w);
    site.dir = "log";
    assert_int_equal(watermark_read(&site, &mark, &bad_slots), 0);
    assert_int_equal(mark.position, 3);
    log_world_release(&w);
}

/* So that one wound to the watermark does not make the log look older than it is. */
static void test_both_slots_of_a_closed_log_are_current(void **state)
{
    (void)state;
    for (uint64_t slot = 0; slot < 2; slot++) {
        struct watermark mark = {0};
        struct log_world w;
        struct site site;
        int bad_slots = 0;

        begin(&w);
        log_world_append_each(&w, KIND_KEEP, BODY, 3);
        site = w.log->site;
        log_world_close(&w);
        site.dir = "log";
        sim_disk_flip_bit(w.disk, "log/watermark", slot * WATERMARK_FILE_SIZE / 2, 0);
        assert_int_equal(watermark_read(&site, &mark, &bad_slots), 0);
        assert_int_equal(bad_slots, 1);
        assert_int_equal(mark.position, 3);
        log_world_release(&w);
    }
}

static void test_nothing_is_accepted_while_it_closes(void **state)
{
    struct log_world w;

    (void)state;
    begin(&w);
    log_world_append(&w, KIND_KEEP, BODY);
    w.log->closing.is_on = true; /* as inside log_close() */
    assert_int_equal(log_world_try_append(&w, &(struct log_world_entry){.may_use_reserve = true}),
                     ERR_FAILED);
    assert_int_equal(log_begin_group(w.log, 10, true), ERR_FAILED);
    assert_int_equal(log_checkpoint(w.log, 0, bytes_of(NULL, 0)), ERR_FAILED);
    w.log->closing.is_on = false;
    end(&w);
}

/* Everything at once: commits, a checkpoint, sorting, a manifest, spares, reads; closed
 * after so many milliseconds. */
static void make_busy(struct log_world *w, uint64_t ms)
{
    uint8_t state[8];
    struct cursor *c;
    struct record r;

    for (int i = 0; i < 2; i++) {
        log_world_fill_segment(w, KIND_KEEP, BODY);
        for (uint64_t k = 0; k < 5; k++)
            log_world_move(w, LANE, log_next(w->log), NULL, BODY);
    }
    log_world_checkpoint(w);
    log_world_fill_segment(w, KIND_KEEP, BODY);
    log_world_settle(w);
    set_latency(w, 3 * LOG_WORLD_MS);
    for (int i = 0; i < 60; i++)
        log_world_append(w, KIND_KEEP, BODY);
    put_le64(state, log_durable(w->log));
    assert_int_equal(log_checkpoint(w->log, log_durable(w->log), bytes_of(state, 8)), 0);
    log_drop(w->log, LANE);
    c = cursor_open(w->log, CURSOR_COLD, LOG_SHARED, 0);
    (void)!cursor_next(c, &r);
    log_world_run_ms(w, ms);
    (void)!cursor_next(c, &r);
    cursor_close(c);
}

static void test_it_may_be_closed_at_any_moment(void **state)
{
    uint32_t busy = 0;

    (void)state;
    for (uint64_t ms = 0; ms < 120; ms += 4) {
        struct log_world w;
        uint64_t next, first;

        begin(&w);
        make_busy(&w, ms);
        busy += sorter_is_busy(&w.log->sorter) || w.log->hot.is_flying;
        next = log_next(w.log);
        log_world_close(&w);
        assert_int_equal(w.told.durable, next);
        set_latency(&w, 0);
        log_world_open(&w);
        first = log_first(w.log);
        assert_int_equal(log_next(w.log), next);
        log_world_expect_hot(&w, first, next);
        end(&w);
    }
    assert_true(busy > 5);
}

static void test_a_power_cut_while_it_closes_is_one_like_any_other(void **state)
{
    (void)state;
    for (uint64_t ms = 0; ms < 60; ms += 4) {
        struct log_world w;
        uint64_t durable;

        begin(&w);
        make_busy(&w, ms);
        durable = w.told.durable;
        log_world_crash(&w);
        set_latency(&w, 0);
        log_world_open(&w);
        assert_true(log_next(w.log) >= durable);
        log_world_expect_hot(&w, log_first(w.log), log_next(w.log));
        end(&w);
    }
}

static void test_a_failed_log_closes_too(void **state)
{
    struct log_world w;

    (void)state;
    begin(&w);
    log_world_append_each(&w, KIND_KEEP, BODY, 3);
    log_world_fail(&w, SIM_OP_BIT(SIM_OP_SYNC), "hot-", ERR_IO, 0);
    for (int i = 0; i < 50; i++)
        log_world_append(&w, KIND_KEEP, BODY);
    log_world_close(&w); /* it fails on the way */
    assert_int_equal(w.told.failures, 1);
    assert_int_equal(w.told.durable, 3);
    sim_disk_clear_faults(w.disk);
    log_world_open(&w);
    assert_true(w.told.replayed >= 3);
    end(&w);
}

static void test_a_full_disk_does_not_keep_it_open(void **state)
{
    struct log_world w;

    (void)state;
    begin(&w);
    for (uint64_t k = 0; k < 5; k++)
        log_world_move(&w, LANE, k, NULL, BODY);
    log_world_fill_segment(&w, KIND_KEEP, BODY);
    log_world_checkpoint(&w);
    sim_disk_set_capacity(w.disk, 1);
    log_drop(w.log, LANE); /* its manifest finds no space, again and again */
    log_world_fill_segment(&w, KIND_KEEP, BODY);
    log_world_close(&w);
    sim_disk_set_capacity(w.disk, 0);
    log_world_open(&w);
    log_world_expect_hot(&w, log_first(w.log), log_next(w.log));
    end(&w);
}

static void test_nobody_is_told_anything_afterwards(void **state)
{
    struct log_world w;
    struct log_world_told told;

    (void)state;
    begin(&w);
    make_busy(&w, 5);
    log_world_close(&w);
    told = w.told;
    log_world_settle(&w);
    assert_memory_equal(&w.told, &told, sizeof(told));
    set_latency(&w, 0);
    log_world_release(&w);
}

static void test_an_abandoned_log_is_freed_at_once(void **state)
{
    struct log_world w;

    (void)state;
    begin(&w);
    log_world_append_each(&w, KIND_KEEP, BODY, 3);
    log_world_settle(&w);
    log_world_append(&w, KIND_KEEP, BODY); /* its commit has not begun */
    log_abandon(w.log);
    w.log = NULL;
    log_world_open(&w);
    assert_int_equal(w.told.replayed, 3);
    end(&w);
}

/* A world that dies: it takes so many more jobs, and those after them never end. */
struct dying {
    struct io base;
    struct io *world;
    uint64_t left;
};

static void dying_submit(struct io *io, struct io_job *j)
{
    struct dying *d = CONTAINER_OF(io, struct dying, base);

    if (d->left == 0)
        return;
    d->left--;
    io_submit(d->world, j);
}

static void dying_follow(struct io *io, struct io_job *j, struct io_job *first)
{
    struct dying *d = CONTAINER_OF(io, struct dying, base);

    if (d->left == 0)
        return;
    d->left--;
    io_follow(d->world, j, first);
}

static bool dying_recall(struct io *io, struct io_job *j, struct io_job *first)
{
    struct dying *d = CONTAINER_OF(io, struct dying, base);
    bool is_back = io_recall(d->world, j, first);

    d->left += is_back ? 1 : 0;
    return is_back;
}

static uint64_t dying_now_ns(struct io *io)
{
    return io_now_ns(CONTAINER_OF(io, struct dying, base)->world);
}

static int64_t dying_wall_ms(struct io *io)
{
    return io_wall_ms(CONTAINER_OF(io, struct dying, base)->world);
}

static uint64_t dying_random(struct io *io)
{
    return io_random(CONTAINER_OF(io, struct dying, base)->world);
}

static void dying_timer_start(struct io *io, struct io_timer *t, uint64_t delay_ns)
{
    io_timer_start(CONTAINER_OF(io, struct dying, base)->world, t, delay_ns);
}

static void dying_timer_stop(struct io *io, struct io_timer *t)
{
    io_timer_stop(CONTAINER_OF(io, struct dying, base)->world, t);
}

static void dying_later(struct io *io, struct io_task *t)
{
    io_later(CONTAINER_OF(io, struct dying, base)->world, t);
}

static const struct io_ops dying_ops = {.now_ns = dying_now_ns,
                                        .wall_ms = dying_wall_ms,
                                        .random = dying_random,
                                        .timer_start = dying_timer_start,
                                        .timer_stop = dying_timer_stop,
                                        .later = dying_later,
                                        .submit = dying_submit,
                                        .follow = dying_follow,
                                        .recall = dying_recall};

/* Commits, sorting, a checkpoint, a manifest and a read, each as far as it gets. */
static void go_on_in_a_dying_world(struct log_world *w)
{
    struct cursor *c = cursor_open(w->log, CURSOR_HOT, 0, 0);
    struct record r;
    uint8_t content[8];

    put_le64(content, log_durable(w->log));
    (void)!log_checkpoint(w->log, log_durable(w->log), bytes_of(content, 8));
    log_drop(w->log, LANE);
    for (int i = 0; i < 10; i++) {
        (void)!cursor_next(c, &r);
        (void)!log_world_try_append(
            w, &(struct log_world_entry){.kind = KIND_KEEP, .body_size = 3000});
        log_world_run_ms(w, 1);
    }
    cursor_close(c);
    log_world_run_ms(w, 10);
}

static void test_an_abandoned_log_frees_what_will_never_end(void **state)
{
    (void)state;
    for (uint64_t left = 0; left < 60; left++) {
        struct dying d;
        struct log_world w;
        struct io *world;

        log_world_init(&w);
        world = w.io;
        d = (struct dying){
            .base = {.ops = &dying_ops, .disk = world->disk}, .world = world, .left = UINT64_MAX};
        w.io = &d.base;
        w.options.cache_bytes = 0;
        log_world_open(&w);
        for (uint64_t k = 0; k < 5; k++)
            log_world_move(&w, LANE, k, NULL, BODY);
        log_world_fill_segment(&w, KIND_KEEP, BODY);
        log_world_checkpoint(&w);
        log_world_fill_segment(&w, KIND_KEEP, BODY);
        log_world_fill_segment(&w, KIND_KEEP, BODY);
        log_world_settle(&w);
        d.left = left;
        go_on_in_a_dying_world(&w);
        log_abandon(w.log);
        w.log = NULL;
        w.io = world;
        log_world_crash(&w);
        log_world_open(&w); /* a crash like any other */
        log_world_expect_hot(&w, log_first(w.log), log_next(w.log));
        end(&w);
    }
}

static void close_with_a_cursor(void *owner)
{
    struct log_world *w = owner;

    (void)cursor_open(w->log, CURSOR_HOT, 0, 0);
    log_world_close(w);
}

static void close_twice(void *owner)
{
    struct log_world *w = owner;

    log_close(w->log, close_with_a_cursor, w);
    log_close(w->log, close_with_a_cursor, w);
}

static void test_misuse_is_a_bug(void **state)
{
    struct log_world w;

    (void)state;
    begin(&w);
    expect_death(close_with_a_cursor, &w, "cursors == 0");
    expect_death(close_twice, &w, "closing.is_on");
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_what_was_appended_before_is_committed),
        LEAK_CHECKED(test_a_closed_log_leaves_a_current_watermark),
        LEAK_CHECKED(test_both_slots_of_a_closed_log_are_current),
        LEAK_CHECKED(test_nothing_is_accepted_while_it_closes),
        LEAK_CHECKED(test_it_may_be_closed_at_any_moment),
        LEAK_CHECKED(test_a_power_cut_while_it_closes_is_one_like_any_other),
        LEAK_CHECKED(test_a_failed_log_closes_too),
        LEAK_CHECKED(test_a_full_disk_does_not_keep_it_open),
        LEAK_CHECKED(test_nobody_is_told_anything_afterwards),
        LEAK_CHECKED(test_an_abandoned_log_is_freed_at_once),
        LEAK_CHECKED(test_an_abandoned_log_frees_what_will_never_end),
        LEAK_CHECKED(test_misuse_is_a_bug),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
