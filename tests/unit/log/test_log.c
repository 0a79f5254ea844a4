/* Tests of log/log: opening, pressure, and the figures. */
#include "log/log.h"

#include <string.h>

#include "base/bytes.h"
#include "base/err.h"
#include "log/log_parts.h"
#include "tests/lib/leaks.h"
#include "tests/unit/log/log_world.h"

enum { BODY = 500, LANE = 3 };

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

/* ---- Opening ---- */

static void test_an_empty_directory_becomes_an_empty_log(void **state)
{
    struct log_world w;
    struct log_stats s;
    uint64_t first, end_number;

    (void)state;
    begin(&w);
    assert_int_equal(log_first(w.log), 0);
    assert_int_equal(log_next(w.log), 0);
    assert_int_equal(log_durable(w.log), 0);
    assert_false(log_is_pressed(w.log));
    assert_false(log_lane(w.log, LOG_SHARED, &first, &end_number));
    assert_int_equal(w.told.replayed, 0);
    assert_int_equal(w.told.restored, UINT64_MAX);
    log_get_stats(w.log, &s);
    assert_int_equal(s.hot_segments, 1);
    assert_int_equal(s.spare_segments, 3);
    assert_int_equal(s.pending_bytes + s.cold_bytes + s.debt_bytes + s.commits, 0);
    end(&w);
}

static void test_an_empty_log_opens_again_and_again(void **state)
{
    struct log_world w;

    (void)state;
    log_world_init(&w);
    for (int i = 0; i < 5; i++) {
        log_world_open(&w);
        log_world_settle(&w);
        assert_int_equal(log_next(w.log), 0);
        if (i % 2 == 0)
            log_world_close(&w);
        else
            log_world_crash(&w);
    }
    log_world_release(&w);
}

static void test_options_that_cannot_be_are_refused_with_a_sentence(void **state)
{
    static const struct {
        uint64_t segment_bytes;
        uint64_t block_bytes;
        int64_t spares;
        const char *says;
    } rows[] = {{32 << 10, 2048, 3, "block_size"},
                {32 << 10, 9000, 3, "block_size"},
                {32 << 10, 4096, 1, "spare_segments"},
                {32 << 10, 4096, -1, "spare_segments"},
                {32 << 10, 4096, 65, "spare_segments"}};
    struct log_world w;

    (void)state;
    log_world_init(&w);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        w.options.segment_bytes = rows[i].segment_bytes;
        w.options.block_bytes = rows[i].block_bytes;
        w.options.spare_segments = rows[i].spares;
        assert_int_equal(log_world_try_open(&w), ERR_RANGE);
        assert_null(w.log);
        assert_non_null(strstr(w.note.text, rows[i].says));
    }
    assert_int_equal(sim_disk_open_files(w.disk), 0);
    log_world_release(&w);
}

static void on_durable(void *owner, uint64_t position)
{
    (void)owner;
    (void)position;
}

static void test_a_directory_that_is_missing_or_too_deep_is_refused(void **state)
{
    static char deep[SITE_PATH_SIZE];
    const struct log_owner owner = {.on_durable = on_durable};
    struct err_note note = {{0}};
    struct log *l = NULL;
    struct log_world w;

    (void)state;
    log_world_init(&w);
    assert_int_equal(log_open(w.io, "nowhere", &w.options, &owner, &l, &note), ERR_NOT_FOUND);
    assert_non_null(strstr(note.text, "'nowhere'"));
    memset(deep, 'd', sizeof(deep) - 100);
    assert_int_equal(log_open(w.io, deep, &w.options, &owner, &l, &note), ERR_RANGE);
    assert_non_null(strstr(note.text, "too long"));
    assert_null(l);
    log_world_release(&w);
}

static void test_what_the_owner_answers_stops_the_opening(void **state)
{
    struct log_world w;

    (void)state;
    begin(&w);
    log_world_append_each(&w, KIND_KEEP, BODY, 5);
    log_world_settle(&w);
    log_world_close(&w);
    w.replay_rv = ERR_INVALID;
    assert_int_equal(log_world_try_open(&w), ERR_INVALID);
    assert_int_equal(w.told.replayed, 1); /* not one more */
    assert_null(w.log);
    w.replay_rv = 0;
    log_world_open(&w); /* nothing was changed by that */
    assert_int_equal(w.told.replayed, 5);
    log_world_checkpoint(&w);
    log_world_close(&w);
    w.replay_rv = ERR_INVALID;
    assert_int_equal(log_world_try_open(&w), ERR_INVALID); /* restore() */
    assert_int_equal(w.told.replayed, 0);
    w.replay_rv = 0;
    log_world_open(&w);
    end(&w);
}

static void test_an_owner_may_care_for_very_little(void **state)
{
    const struct log_owner owner = {.on_durable = on_durable};
    struct log_entry e = {.kind = 1, .body_size = 4};
    struct err_note note = {{0}};
    uint8_t *body = NULL;
    uint64_t position = 0;
    struct log_world w;

    (void)state;
    log_world_init(&w);
    for (uint64_t i = 0; i < 3; i++) {
        assert_int_equal(log_open(w.io, "log", &w.options, &owner, &w.log, &note), 0);
        assert_int_equal(log_append(w.log, &e, &position, &body), 0);
        assert_int_equal(position, i);
        memcpy(body, "body", 4);
        log_world_settle(&w);
        assert_int_equal(log_checkpoint(w.log, i + 1, bytes_text("s")), 0);
        log_world_settle(&w);
        log_world_close(&w);
    }
    log_world_release(&w);
}

static void test_every_failing_operation_of_an_opening_is_told_and_can_be_tried_again(void **state)
{
    bool has_struck = true;

    (void)state;
    for (uint64_t skip = 0; has_struck; skip++) {
        struct log_world w;
        size_t fault;
        int rv;

        log_world_init(&w);
        fault = sim_disk_add_fault(w.disk,
                                   &(struct sim_fault){.err = ERR_IO, .skip = skip, .times = 1});
        rv = log_world_try_open(&w);
        has_struck = sim_disk_fault_strikes(w.disk, fault) > 0;
        sim_disk_clear_faults(w.disk);
        if (rv != 0) {
            assert_true(has_struck);
            assert_int_not_equal(w.note.text[0], '\0');
            assert_null(w.log);
            assert_int_equal(sim_disk_open_files(w.disk), 0);
            log_world_open(&w);
        }
        log_world_settle(&w); /* a spare may be missing at first */
        log_world_append_each(&w, KIND_KEEP, BODY, 1);
        log_world_settle(&w);
        end(&w);
    }
}

/* ---- Pressure ---- */

static void test_pressure_begins_when_much_waits_and_ends_when_it_is_durable(void **state)
{
    struct log_world w;

    (void)state;
    begin(&w);
    sim_disk_set_stalled(w.disk, true);
    while (!log_is_pressed(w.log))
        log_world_append(&w, KIND_KEEP, BODY);
    assert_int_equal(w.told.pressures, 0); /* from the loop */
    assert_true(w.log->hot.pending_bytes > w.options.pending_bytes_max / 2);
    log_world_run_ms(&w, 1);
    assert_true(w.told.is_pressed);
    assert_int_equal(w.told.pressures, 1);
    for (int i = 0; i < 10; i++)
        log_world_append(&w, KIND_KEEP, BODY); /* held back is not refused */
    log_world_run_ms(&w, 1);
    assert_int_equal(w.told.pressures, 1);
    sim_disk_set_stalled(w.disk, false);
    log_world_settle(&w);
    assert_false(w.told.is_pressed);
    assert_int_equal(w.told.pressures, 2);
    end(&w);
}

static void test_one_who_was_refused_is_told_when_to_try_again(void **state)
{
    struct log_world w;
    const struct log_world_entry e = {.kind = KIND_KEEP, .body_size = BODY};

    (void)state;
    begin(&w);
    sim_disk_set_stalled(w.disk, true);
    while (log_world_try_append(&w, &e) == 0)
        ;
    log_world_run_ms(&w, 1);
    assert_true(w.told.is_pressed);
    sim_disk_set_stalled(w.disk, false);
    log_world_settle(&w);
    assert_false(w.told.is_pressed);
    assert_int_equal(log_world_try_append(&w, &e), 0);
    log_world_settle(&w);
    end(&w);
}

/* Whoever was refused waits for a word: it comes, also when nobody was held back before. */
static void test_one_who_was_refused_for_want_of_a_spare_is_told_too(void **state)
{
    const struct log_world_entry e = {.kind = KIND_KEEP, .body_size = 20000};
    struct log_world w;
    int rv;

    (void)state;
    begin(&w);
    sim_disk_set_latency(w.disk, SIM_OP_ALLOCATE, 100 * LOG_WORLD_MS, 0);
    do {
        rv = log_world_try_append(&w, &e);
        log_world_run_ms(&w, 1);
    } while (rv == 0);
    assert_int_equal(rv, ERR_FULL);
    assert_true(w.told.is_pressed);
    log_world_settle(&w);
    assert_false(w.told.is_pressed);
    assert_int_equal(log_world_try_append(&w, &e), 0);
    log_world_settle(&w);
    end(&w);
}

static void test_a_nearly_full_disk_presses_early_and_frees_itself(void **state)
{
    struct log_world w;
    struct log_stats s;
    uint64_t refused_at;

    (void)state;
    begin(&w);
    sim_disk_set_capacity(w.disk, 1);
    while (!w.told.is_pressed) {
        log_world_append(&w, KIND_KEEP, BODY); /* nothing is refused before that */
        log_world_run_ms(&w, 1);
    }
    log_get_stats(w.log, &s);
    assert_true(s.is_short_of_space);
    assert_true(s.spare_segments >= 1);
    refused_at = log_next(w.log);
    sim_disk_set_capacity(w.disk, 0);
    log_world_settle(&w);
    assert_false(w.told.is_pressed);
    log_get_stats(w.log, &s);
    assert_false(s.is_short_of_space);
    assert_int_equal(s.failed, 0);
    log_world_expect_hot(&w, 0, refused_at);
    end(&w);
}

/* ---- Figures ---- */

static void test_the_figures_add_up(void **state)
{
    struct log_world w;
    struct log_stats s;
    uint64_t files = 0;

    (void)state;
    begin(&w);
    for (uint64_t i = 0; i < 10; i++)
        log_world_move(&w, LANE, i, NULL, BODY);
    log_world_append_each(&w, KIND_KEEP, BODY, 10);
    for (int i = 0; i < 3; i++)
        log_world_fill_segment(&w, KIND_DROP, BODY);
    log_world_settle(&w);
    log_get_stats(w.log, &s);
    assert_int_equal(s.hot_segments, 4);
    assert_true(s.debt_bytes > 3 * (w.options.segment_bytes - 8192));
    assert_true(s.hot_bytes > s.debt_bytes);
    assert_true(s.commits >= 11 && s.committed_bytes >= 20 * BODY);
    assert_int_equal(s.pending_bytes, 0);
    log_world_checkpoint(&w);
    log_get_stats(w.log, &s);
    assert_int_equal(s.hot_segments, 1);
    assert_int_equal(s.debt_bytes, 0);
    assert_int_equal(s.cold_segments, 2);
    for (size_t i = 0; i < w.log->cold.count; i++)
        files += w.log->cold.lanes[i]->segments[0]->file_bytes;
    assert_int_equal(s.cold_bytes, files);
    assert_true(s.sorter_runs > 0 && s.sorter_failures == 0 && !s.is_sorting);
    assert_int_equal(s.cache_bytes, w.log->cache.bytes);
    end(&w);
}

static void test_sizes_that_owners_reckon_with(void **state)
{
    struct log_world w;

    (void)state;
    begin(&w);
    assert_int_equal(log_record_size(0, 0), RECORD_HEADER_SIZE);
    assert_int_equal(log_record_size(3, 4), RECORD_HEADER_SIZE + 7);
    assert_int_equal(log_body_max(w.log, 0), log_body_max(w.log, 10) + 10);
    end(&w);
    log_world_init(&w);
    w.options.segment_bytes = 64 << 20;
    log_world_open(&w);
    assert_int_equal(log_body_max(w.log, 100), RECORD_SIZE_MAX - RECORD_HEADER_SIZE - 100);
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_an_empty_directory_becomes_an_empty_log),
        LEAK_CHECKED(test_an_empty_log_opens_again_and_again),
        LEAK_CHECKED(test_options_that_cannot_be_are_refused_with_a_sentence),
        LEAK_CHECKED(test_a_directory_that_is_missing_or_too_deep_is_refused),
        LEAK_CHECKED(test_what_the_owner_answers_stops_the_opening),
        LEAK_CHECKED(test_an_owner_may_care_for_very_little),
        LEAK_CHECKED(test_every_failing_operation_of_an_opening_is_told_and_can_be_tried_again),
        LEAK_CHECKED(test_pressure_begins_when_much_waits_and_ends_when_it_is_durable),
        LEAK_CHECKED(test_one_who_was_refused_is_told_when_to_try_again),
        LEAK_CHECKED(test_one_who_was_refused_for_want_of_a_spare_is_told_too),
        LEAK_CHECKED(test_a_nearly_full_disk_presses_early_and_frees_itself),
        LEAK_CHECKED(test_the_figures_add_up),
        LEAK_CHECKED(test_sizes_that_owners_reckon_with),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
