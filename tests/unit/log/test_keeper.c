/* Tests of log/keeper: no file goes before both copies of the manifest, durable, name it
 * no more. */
#include "log/keeper.h"

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
    sim_disk_observe(w->disk, NULL, NULL);
    log_world_close(w);
    log_world_release(w);
}

static struct keeper *keeper_of(struct log_world *w)
{
    return &w->log->keeper;
}

/* Fills so many hot segments with what nobody needs. */
static void fill_dead(struct log_world *w, uint32_t segments)
{
    for (uint32_t i = 0; i < segments; i++)
        log_world_fill_segment(w, KIND_DROP, BODY);
}

/* Moves so many records to the lane, in a file of their own; numbers go on from `first`. */
static void fill_lane(struct log_world *w, uint64_t first, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        log_world_move(w, LANE, first + i, NULL, BODY);
    log_world_fill_segment(w, KIND_DROP, BODY);
    log_world_checkpoint(w);
}

/* ---- What a manifest names ---- */

/* The durable content of one copy; the other one is taken away for that. */
static void read_copy(struct log_world *w, const char *other, struct manifest *out)
{
    struct sim_disk *image = sim_disk_image(w->disk, &(struct sim_crash){0});
    struct site site = {.disk = sim_disk_as_disk(image), .dir = "log"};
    bool is_wounded = false;

    if (sim_disk_has(image, other))
        sim_disk_erase(image, other);
    assert_int_equal(manifest_read(&site, out, &is_wounded), 0);
    sim_disk_free(image);
}

static bool names_file(const struct manifest *m, const char *path)
{
    uint64_t number = 0;

    path = strrchr(path, '/') + 1;
    if (site_parse_name(path, "hot", ".seg", &number))
        return number >= m->hot_first;
    assert_true(site_parse_name(path, "cold", ".seg", &number));
    for (size_t i = 0; i < m->count; i++) {
        if (m->entries[i].id == number)
            return true;
    }
    return false;
}

struct watch {
    struct log_world *w;
    uint32_t gone;
    uint32_t recycled;
};

/* Before a segment's file goes: neither copy names it, even after a power cut. */
static void watch_files(void *owner, struct sim_disk *d, const struct sim_disk_call *call)
{
    static const char *const copies[] = {"log/manifest", "log/manifest.copy"};
    struct watch *watch = owner;
    bool is_segment = strstr(call->path, "/hot-") != NULL || strstr(call->path, "/cold-") != NULL;

    (void)d;
    if (!is_segment || (call->op != SIM_OP_REMOVE && call->op != SIM_OP_RENAME))
        return;
    for (size_t i = 0; i < 2; i++) {
        struct manifest m = {0};

        read_copy(watch->w, copies[i], &m);
        assert_false(names_file(&m, call->path));
        manifest_release(&m);
    }
    watch->gone++;
    watch->recycled += call->op == SIM_OP_RENAME && strstr(call->to, "/spare-") != NULL;
}

static void test_a_file_goes_only_when_no_durable_manifest_names_it(void **state)
{
    struct log_world w;
    struct watch watch = {.w = &w};

    (void)state;
    begin(&w);
    sim_disk_observe(w.disk, watch_files, &watch);
    for (uint64_t i = 0; i < 4; i++) {
        fill_lane(&w, i * 10, 5);
        fill_dead(&w, 2);
    }
    log_world_checkpoint(&w);
    log_trim(w.log, LANE, 20);
    log_drop(w.log, LANE);
    log_world_settle(&w);
    assert_int_equal(log_world_count_files(&w, "cold-"), 0);
    assert_int_equal(log_world_count_files(&w, "hot-"), hot_first(&w.log->hot) > 0 ? 1 : 0);
    assert_true(watch.gone >= 12);
    end(&w);
}

static void test_the_manifest_describes_rows_and_lanes(void **state)
{
    struct log_world w;
    struct manifest m = {0};
    const struct segment *g;

    (void)state;
    begin(&w);
    fill_lane(&w, 100, 5);
    fill_lane(&w, 200, 5);
    read_copy(&w, "log/manifest", &m);
    assert_int_equal(m.hot_first, log_first(w.log));
    assert_int_equal(m.next_id, w.log->cold.next_id);
    assert_int_equal(m.count, 2);
    g = cold_find(&w.log->cold, LANE)->segments[1];
    assert_int_equal(m.entries[1].id, g->id);
    assert_int_equal(m.entries[1].destination, LANE);
    assert_int_equal(m.entries[1].first, 200);
    assert_int_equal(m.entries[1].end, 205);
    assert_int_equal(m.entries[1].records, 5);
    assert_int_equal(m.entries[1].file_bytes,
                     sim_disk_file_size(w.disk, segment_path(&w.log->site, g).text));
    assert_int_equal(m.entries[1].last_time_ms, g->last_time_ms);
    manifest_release(&m);
    end(&w);
}

/* The newer of two copies is told by its generation, also when a crash comes between the two. */
static void test_generations_rise_over_openings(void **state)
{
    uint64_t last = 0;
    struct log_world w;

    (void)state;
    begin(&w);
    for (uint64_t i = 0; i < 4; i++) {
        struct manifest m = {0};

        fill_lane(&w, i * 10, 3);
        read_copy(&w, "log/manifest.copy", &m);
        assert_true(m.generation > last);
        last = m.generation;
        manifest_release(&m);
        log_world_close(&w);
        log_world_open(&w);
        log_world_settle(&w);
    }
    end(&w);
}

static void count_manifests(void *owner, struct sim_disk *d, const struct sim_disk_call *call)
{
    (void)d;
    *(uint32_t *)owner += call->op == SIM_OP_RENAME && strcmp(call->to, "log/manifest") == 0;
}

static void test_many_changes_of_one_turn_are_one_manifest(void **state)
{
    struct log_world w;
    uint32_t manifests = 0;

    (void)state;
    begin(&w);
    for (uint64_t i = 0; i < 5; i++)
        fill_lane(&w, i * 10, 3);
    sim_disk_observe(w.disk, count_manifests, &manifests);
    log_trim(w.log, LANE, 13);
    log_trim(w.log, LANE, 23);
    log_drop(w.log, LANE);
    assert_int_equal(manifests, 0);
    log_world_settle(&w);
    assert_int_equal(manifests, 1);
    assert_int_equal(log_world_count_files(&w, "cold-"), 0);
    end(&w);
}

/* ---- Recycling ---- */

/* As log_world_checkpoint(), in so many milliseconds, whatever else goes on. */
static void checkpoint_within(struct log_world *w, uint64_t ms)
{
    for (int i = 0; i < 2; i++) {
        uint8_t state[8];

        log_world_append(w, KIND_DROP, 0);
        log_world_run_ms(w, ms / 4);
        put_le64(state, log_durable(w->log));
        assert_int_equal(
            log_checkpoint(w->log, log_durable(w->log), bytes_of(state, sizeof(state))), 0);
        log_world_run_ms(w, ms / 4);
    }
}

static void test_hot_files_become_spares_while_they_are_welcome(void **state)
{
    struct log_world w;
    struct watch watch = {.w = &w};

    (void)state;
    begin(&w);
    log_world_fail(&w, SIM_OP_BIT(SIM_OP_ALLOCATE), NULL, ERR_NO_SPACE, 0); /* no new ones */
    sim_disk_observe(w.disk, watch_files, &watch);
    for (int i = 0; i < 6; i++) {
        fill_dead(&w, 1);
        checkpoint_within(&w, 20);
    }
    assert_int_equal(watch.gone, 6);
    assert_int_equal(watch.recycled, 6);
    assert_false(log_is_pressed(w.log));
    sim_disk_clear_faults(w.disk);
    log_world_settle(&w);
    assert_int_equal(log_world_count_files(&w, "hot-"), 1);
    assert_true(log_world_count_files(&w, "spare-") <= (size_t)w.options.spare_segments + 1);
    end(&w);
}

static void test_a_file_of_another_size_does_not_become_a_spare(void **state)
{
    struct log_world w;
    struct watch watch = {.w = &w};

    (void)state;
    begin(&w);
    fill_dead(&w, 3);
    log_world_close(&w);
    w.options.segment_bytes *= 2; /* as the configuration says from now on */
    log_world_open(&w);
    log_world_fail(&w, SIM_OP_BIT(SIM_OP_ALLOCATE), NULL, ERR_NO_SPACE, 0); /* they are welcome */
    sim_disk_set_capacity(w.disk, 1);
    sim_disk_observe(w.disk, watch_files, &watch);
    log_world_fill_segment(&w, KIND_DROP, BODY); /* ends the old one: no file grows */
    sim_disk_set_capacity(w.disk, 0);
    checkpoint_within(&w, 20);
    sim_disk_clear_faults(w.disk);
    log_world_settle(&w);
    assert_int_equal(watch.recycled, 0);
    end(&w);
}

/* ---- Pins and wounds ---- */

static void test_a_pinned_file_stays_until_it_is_let_go(void **state)
{
    struct log_world w;
    struct segment *g;

    (void)state;
    begin(&w);
    fill_lane(&w, 0, 5);
    fill_lane(&w, 10, 5);
    g = cold_find(&w.log->cold, LANE)->segments[0];
    g->pins++;
    log_drop(w.log, LANE);
    log_world_settle(&w);
    assert_int_equal(log_world_count_files(&w, "cold-"), 1);
    cache_unpin(&w.log->cache, g);
    log_world_settle(&w);
    assert_int_equal(log_world_count_files(&w, "cold-"), 0);
    end(&w);
}

static void test_a_damaged_file_is_put_aside_never_removed(void **state)
{
    struct log_world w;

    (void)state;
    begin(&w);
    fill_lane(&w, 0, 5);
    fill_lane(&w, 10, 5);
    cold_find(&w.log->cold, LANE)->segments[0]->is_wounded = true;
    log_drop(w.log, LANE);
    w.log->hot.segments[0]->is_wounded = true;
    fill_dead(&w, 1);
    log_world_checkpoint(&w);
    assert_int_equal(log_world_count_files(&w, "cold-"), 0);
    assert_int_equal(log_world_count_files(&w, "wounded/cold-"), 1);
    assert_int_equal(log_world_count_files(&w, "wounded/hot-"), 1);
    end(&w);
}

/* A lane and a sealed hot segment that are damaged, and are let go of in one turn. */
static void let_go_of_wounds(struct log_world *w, uint64_t *cold_id, uint64_t *hot_id)
{
    struct segment *cold = cold_find(&w->log->cold, LANE)->segments[0];
    struct segment *hot = w->log->hot.segments[0];

    cold->is_wounded = true;
    hot->is_wounded = true;
    *cold_id = cold->id;
    *hot_id = hot->id;
    log_drop(w->log, LANE);
    keeper_retire(keeper_of(w), hot_take_first(&w->log->hot));
}

/* Each is still what it was, or lies in wounded/. */
static void expect_both(const struct log_world *w, uint64_t cold_id, uint64_t hot_id)
{
    const struct cold_lane *lane = cold_find(&w->log->cold, LANE);
    bool is_cold_there = lane != NULL && lane->segments[0]->id == cold_id;
    bool is_hot_there = hot_first(&w->log->hot) == hot_id;

    assert_int_equal(log_world_count_files(w, "wounded/cold-"), is_cold_there ? 0 : 1);
    assert_int_equal(log_world_count_files(w, "wounded/hot-"), is_hot_there ? 0 : 1);
    assert_int_equal(log_world_count_files(w, "cold-"), is_cold_there ? 1 : 0);
}

static void test_a_damaged_file_survives_a_power_cut_on_its_way(void **state)
{
    bool has_cut = true;

    (void)state;
    for (uint64_t k = 1; has_cut; k++) {
        struct log_world w;
        uint64_t cold_id = 0, hot_id = 0;

        begin(&w);
        fill_lane(&w, 0, 5);
        fill_dead(&w, 1);
        sim_disk_stop_at(w.disk, sim_disk_operations(w.disk) + k, 0);
        let_go_of_wounds(&w, &cold_id, &hot_id);
        log_world_run_ms(&w, 200);
        has_cut = sim_disk_is_stopped(w.disk);
        sim_disk_stop_at(w.disk, 0, 0);
        log_world_crash(&w);
        log_world_open(&w);
        log_world_settle(&w);
        expect_both(&w, cold_id, hot_id);
        end(&w);
    }
}

static void test_a_damaged_file_that_will_not_move_moves_at_the_next_opening(void **state)
{
    struct log_world w;
    uint64_t cold_id = 0, hot_id = 0;

    (void)state;
    begin(&w);
    fill_lane(&w, 0, 5);
    fill_dead(&w, 1);
    log_world_fail(&w, SIM_OP_BIT(SIM_OP_RENAME), "-00000", ERR_IO, 2);
    let_go_of_wounds(&w, &cold_id, &hot_id);
    log_world_settle(&w);
    assert_int_equal(log_world_count_files(&w, "wounded/"), 0);
    fill_lane(&w, 0, 5); /* manifests go on naming them */
    log_drop(w.log, LANE);
    log_world_settle(&w);
    log_world_close(&w);
    log_world_open(&w);
    log_world_settle(&w);
    expect_both(&w, cold_id, hot_id);
    end(&w);
}

static void test_damage_that_is_found_after_all_is_noted_before_the_file_moves(void **state)
{
    struct log_world w;
    struct manifest m = {0};
    struct segment *g;

    (void)state;
    begin(&w);
    fill_lane(&w, 0, 5);
    g = cold_find(&w.log->cold, LANE)->segments[0];
    g->pins++;
    log_drop(w.log, LANE);
    log_world_settle(&w);
    g->is_wounded = true; /* a reader found it */
    log_world_fail(&w, SIM_OP_BIT(SIM_OP_RENAME), "cold-", ERR_IO, 1);
    cache_unpin(&w.log->cache, g);
    log_world_settle(&w);
    read_copy(&w, "log/manifest", &m);
    assert_int_equal(m.wound_count, 1);
    assert_true(manifest_has_wound(&m, SEGMENT_COLD, m.wounds[0].id));
    manifest_release(&m);
    log_world_crash(&w);
    log_world_open(&w);
    log_world_settle(&w);
    assert_int_equal(log_world_count_files(&w, "wounded/cold-"), 1);
    end(&w);
}

/* ---- Errors ---- */

static void test_a_manifest_that_finds_no_space_is_tried_again(void **state)
{
    struct log_world w;
    struct watch watch = {.w = &w};

    (void)state;
    begin(&w);
    fill_lane(&w, 0, 5);
    fill_lane(&w, 10, 5);
    log_world_fail(&w, SIM_OP_BIT(SIM_OP_WRITE), "manifest", ERR_NO_SPACE, 2);
    sim_disk_observe(w.disk, watch_files, &watch);
    log_trim(w.log, LANE, 5);
    log_world_run_ms(&w, 100);
    assert_int_equal(log_world_count_files(&w, "cold-"), 2); /* nothing goes until then */
    log_drop(w.log, LANE);
    log_world_run_ms(&w, 500);
    assert_int_equal(log_world_count_files(&w, "cold-"), 2);
    log_world_settle(&w);
    assert_int_equal(log_world_count_files(&w, "cold-"), 0);
    assert_int_equal(keeper_of(&w)->failed, 0);
    end(&w);
}

static void test_a_manifest_that_fails_for_good_ends_all_letting_go(void **state)
{
    struct log_world w;

    (void)state;
    begin(&w);
    fill_lane(&w, 0, 5);
    log_world_fail(&w, SIM_OP_BIT(SIM_OP_SYNC), "manifest", ERR_IO, 1);
    log_drop(w.log, LANE);
    log_world_settle(&w);
    assert_int_equal(keeper_of(&w)->failed, ERR_IO);
    assert_non_null(strstr(w.said, "manifest"));
    assert_int_equal(log_world_count_files(&w, "cold-"), 1);
    fill_dead(&w, 2); /* appending goes on; sorting does not */
    log_world_checkpoint(&w);
    assert_int_equal(log_world_count_files(&w, "cold-"), 1);
    log_world_close(&w);
    log_world_open(&w); /* what was dropped is named still: it is back */
    assert_non_null(cold_find(&w.log->cold, LANE));
    log_world_expect_lane(&w, LANE, 5, (uint64_t[]){0, 1, 2, 3, 4});
    end(&w);
}

static void test_a_file_that_will_not_go_goes_at_the_next_opening(void **state)
{
    struct log_world w;

    (void)state;
    begin(&w);
    fill_lane(&w, 0, 5);
    log_world_fail(&w, SIM_OP_BIT(SIM_OP_REMOVE), "cold-", ERR_IO, 1);
    log_drop(w.log, LANE);
    log_world_settle(&w);
    assert_non_null(strstr(w.said, "cold-"));
    assert_int_equal(log_world_count_files(&w, "cold-"), 1);
    log_world_close(&w);
    log_world_open(&w);
    log_world_settle(&w);
    assert_null(cold_find(&w.log->cold, LANE));
    assert_int_equal(log_world_count_files(&w, "cold-"), 0);
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_a_file_goes_only_when_no_durable_manifest_names_it),
        LEAK_CHECKED(test_the_manifest_describes_rows_and_lanes),
        LEAK_CHECKED(test_generations_rise_over_openings),
        LEAK_CHECKED(test_many_changes_of_one_turn_are_one_manifest),
        LEAK_CHECKED(test_hot_files_become_spares_while_they_are_welcome),
        LEAK_CHECKED(test_a_file_of_another_size_does_not_become_a_spare),
        LEAK_CHECKED(test_a_pinned_file_stays_until_it_is_let_go),
        LEAK_CHECKED(test_a_damaged_file_is_put_aside_never_removed),
        LEAK_CHECKED(test_a_damaged_file_survives_a_power_cut_on_its_way),
        LEAK_CHECKED(test_a_damaged_file_that_will_not_move_moves_at_the_next_opening),
        LEAK_CHECKED(test_damage_that_is_found_after_all_is_noted_before_the_file_moves),
        LEAK_CHECKED(test_a_manifest_that_finds_no_space_is_tried_again),
        LEAK_CHECKED(test_a_manifest_that_fails_for_good_ends_all_letting_go),
        LEAK_CHECKED(test_a_file_that_will_not_go_goes_at_the_next_opening),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
