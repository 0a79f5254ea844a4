/* Tests of log/spares: files prepared ahead of need, and what happens when there is no
 * space. */
#include "log/spares.h"

#include <string.h>

#include "base/diag.h"
#include "base/err.h"
#include "io/sim/sim.h"
#include "tests/lib/death.h"
#include "tests/lib/leaks.h"
#include "tests/unit/log/log_site.h"

enum { MS = 1000 * 1000 };

struct fixture {
    struct log_site log;
    struct sim *sim;
    struct spares spares;
    uint32_t changes;
};

static void on_change(void *owner)
{
    ((struct fixture *)owner)->changes++;
}

static void begin(struct fixture *f)
{
    memset(f, 0, sizeof(*f));
    diag_set_level(DIAG_OFF);
    log_site_init(&f->log);
    f->sim = sim_new(NULL);
    f->log.site.io = sim_io_new(sim_node_new(f->sim, "a", f->log.disk));
    spares_init(&f->spares, &f->log.site);
    f->spares.on_change = on_change;
    f->spares.owner = f;
}

static void run_ms(struct fixture *f, uint64_t ms)
{
    sim_run_for(f->sim, ms * MS);
}

static void end(struct fixture *f)
{
    spares_close(&f->spares);
    run_ms(f, 1);
    assert_false(f->spares.is_busy);
    sim_io_free(f->log.site.io);
    sim_free(f->sim);
    log_site_release(&f->log);
}

static bool exists(const struct fixture *f, uint64_t id)
{
    return sim_disk_has(f->log.disk, spares_path(&f->log.site, id).text);
}

static void fill(struct fixture *f)
{
    spares_fill(&f->spares);
    run_ms(f, 1);
}

static void test_as_many_are_made_as_are_wanted(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f);
    f.log.site.options.spare_segments = 5;
    spares_fill(&f.spares);
    spares_fill(&f.spares); /* one at a time */
    assert_int_equal(f.spares.count, 0);
    run_ms(&f, 1);
    assert_int_equal(f.spares.count, 5);
    assert_int_equal(f.changes, 5);
    for (uint64_t id = 1; id <= 5; id++) {
        assert_true(exists(&f, id));
        assert_int_equal(sim_disk_file_size(f.log.disk, spares_path(&f.log.site, id).text),
                         f.log.site.options.segment_bytes);
    }
    fill(&f);
    assert_int_equal(f.spares.count, 5);
    end(&f);
}

static void count_writes(void *owner, struct sim_disk *d, const struct sim_disk_call *call)
{
    uint32_t *writes = owner;

    (void)d;
    if (call->op == SIM_OP_WRITE)
        writes[call->path[strlen(call->path) - 5] - '0']++; /* the last digit of its id */
}

/* The first are wanted badly; filling them with zeros would take too long. */
static void test_only_those_behind_the_first_are_filled(void **state)
{
    uint32_t writes[10] = {0};
    struct fixture f;

    (void)state;
    begin(&f);
    f.log.site.options.spare_segments = 4;
    sim_disk_observe(f.log.disk, count_writes, writes);
    fill(&f);
    assert_int_equal(writes[1] + writes[2], 0);
    assert_int_equal(writes[3], 1);
    assert_int_equal(writes[4], 1);
    sim_disk_observe(f.log.disk, NULL, NULL);
    end(&f);
}

/* What is published then would have to share the disk with zeros. */
static void test_none_is_filled_while_they_are_taken_fast(void **state)
{
    uint32_t writes[10] = {0};
    struct fixture f;
    uint64_t id = 0;

    (void)state;
    begin(&f);
    fill(&f);
    run_ms(&f, 100);
    sim_disk_observe(f.log.disk, count_writes, writes);
    assert_true(spares_take(&f.spares, false, &id)); /* the first one ever */
    run_ms(&f, 600);
    assert_int_equal(writes[4], 1);
    for (int i = 0; i < 2; i++) {
        assert_true(spares_take(&f.spares, false, &id));
        run_ms(&f, 600);
    }
    assert_int_equal(f.spares.count, 3);
    assert_int_equal(writes[5] + writes[6], 0);
    run_ms(&f, 600);
    assert_true(spares_take(&f.spares, false, &id));
    run_ms(&f, 1);
    assert_int_equal(writes[7], 1);
    sim_disk_observe(f.log.disk, NULL, NULL);
    end(&f);
}

static void test_taking_one_starts_another(void **state)
{
    struct fixture f;
    uint64_t id = 0;

    (void)state;
    begin(&f);
    fill(&f);
    assert_true(spares_take(&f.spares, false, &id));
    assert_int_equal(id, 1); /* the oldest */
    assert_true(f.spares.is_busy);
    run_ms(&f, 1);
    assert_int_equal(f.spares.count, 3);
    assert_true(spares_take(&f.spares, false, &id));
    assert_int_equal(id, 2);
    end(&f);
}

static void test_the_last_one_is_the_reserve(void **state)
{
    struct fixture f;
    uint64_t id = 77;

    (void)state;
    begin(&f);
    assert_false(spares_can_take(&f.spares, true));
    assert_false(spares_take(&f.spares, true, &id));
    f.log.site.options.spare_segments = 2;
    fill(&f);
    sim_disk_set_stalled(f.log.disk, true);
    assert_true(spares_take(&f.spares, false, &id));
    assert_false(spares_can_take(&f.spares, false));
    assert_false(spares_take(&f.spares, false, &id));
    assert_int_equal(id, 1);
    assert_true(spares_can_take(&f.spares, true));
    assert_true(spares_take(&f.spares, true, &id));
    assert_int_equal(id, 2);
    assert_false(spares_can_take(&f.spares, true));
    sim_disk_set_stalled(f.log.disk, false);
    end(&f);
}

static void test_a_full_disk_is_told_and_tried_again_until_there_is_space(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f);
    sim_disk_set_capacity(f.log.disk, f.log.site.options.segment_bytes / 2 * 7);
    fill(&f);
    assert_int_equal(f.spares.count, 1); /* twice as much must stay free for what frees space */
    assert_true(f.spares.is_short);
    assert_int_equal(f.changes, 2);
    assert_false(exists(&f, 2)); /* the half-made one is gone */
    run_ms(&f, 2500);            /* two more tries */
    assert_true(f.spares.is_short);
    assert_int_equal(f.spares.count, 1);
    sim_disk_set_capacity(f.log.disk, 0);
    run_ms(&f, 1500);
    assert_false(f.spares.is_short);
    assert_int_equal(f.spares.count, 3);
    end(&f);
}

static void test_any_failing_operation_leaves_no_half_made_file(void **state)
{
    bool has_struck = true;

    (void)state;
    for (uint64_t skip = 0; has_struck; skip++) {
        struct fixture f;
        size_t fault;

        begin(&f);
        fault = sim_disk_add_fault(f.log.disk,
                                   &(struct sim_fault){.err = ERR_IO, .skip = skip, .times = 1});
        fill(&f);
        run_ms(&f, 1500); /* and a second try */
        has_struck = sim_disk_fault_strikes(f.log.disk, fault) > 0;
        assert_int_equal(f.spares.count, 3);
        for (uint64_t id = 1; id < f.spares.next_id; id++) {
            bool is_ready = false;

            for (size_t i = 0; i < f.spares.count; i++)
                is_ready |= f.spares.ready[i] == id;
            assert_int_equal(exists(&f, id), is_ready);
        }
        end(&f);
    }
}

static void recycle(struct fixture *f)
{
    uint64_t id = 0;

    assert_true(spares_want(&f->spares, &id));
    log_site_put(&f->log, strrchr(spares_path(&f->log.site, id).text, '/') + 1, "", 0);
    spares_add(&f->spares, id);
}

static void test_a_recycled_file_ends_the_shortage(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f);
    f.log.site.options.spare_segments = 2;
    sim_disk_set_capacity(f.log.disk, f.log.site.options.segment_bytes / 2 * 7);
    fill(&f);
    assert_true(f.spares.is_short);
    recycle(&f);
    assert_int_equal(f.spares.count, 2);
    assert_false(f.spares.is_short);
    end(&f);
}

/* Files that were written before are better than new ones, so more of them are kept than are made;
 * but not when they take space that is short. */
static void test_twice_as_many_are_recycled_as_are_made(void **state)
{
    struct fixture f;
    uint64_t id = 0;

    (void)state;
    begin(&f);
    fill(&f);
    assert_int_equal(f.spares.count, 3);
    for (int i = 0; i < 3; i++)
        recycle(&f);
    assert_int_equal(f.spares.count, 6);
    assert_false(spares_want(&f.spares, &id));
    for (int i = 0; i < 3; i++)
        assert_true(spares_take(&f.spares, false, &id));
    assert_false(f.spares.is_busy); /* nothing to make */
    f.spares.is_short = true;
    assert_false(spares_want(&f.spares, &id));
    end(&f);
}

static void test_one_can_be_made_at_once(void **state)
{
    struct fixture f;
    uint64_t id = 0;

    (void)state;
    begin(&f);
    assert_int_equal(spares_make_now(&f.spares, &id), 0);
    assert_true(exists(&f, id));
    assert_int_equal(f.spares.count, 0); /* it is the caller's */
    log_site_fail(&f.log, SIM_OP_BIT(SIM_OP_ALLOCATE), ERR_NO_SPACE, 1);
    assert_int_equal(spares_make_now(&f.spares, &id), ERR_NO_SPACE);
    assert_int_equal(id, 1);
    assert_false(exists(&f, 2));
    end(&f);
}

static void test_a_closed_one_makes_no_more(void **state)
{
    struct fixture f;
    uint64_t id = 0;

    (void)state;
    begin(&f);
    spares_fill(&f.spares);
    spares_close(&f.spares);
    run_ms(&f, 5000);
    assert_int_equal(f.spares.count, 1); /* the one that was under way */
    assert_false(spares_want(&f.spares, &id));
    fill(&f);
    assert_int_equal(f.spares.count, 1);
    end(&f);
}

static void test_a_try_that_fails_after_closing_is_not_repeated(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f);
    log_site_fail(&f.log, SIM_OP_BIT(SIM_OP_SYNC), ERR_IO, 0);
    spares_fill(&f.spares);
    spares_close(&f.spares);
    run_ms(&f, 5000);
    assert_int_equal(f.spares.count, 0);
    assert_false(io_timer_is_running(&f.spares.retry));
    end(&f);
}

static void add_one_of_nobody(void *owner)
{
    spares_add(owner, 99);
}

static void test_misuse_is_a_bug(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f);
    expect_death(add_one_of_nobody, &f.spares, "next_id");
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_as_many_are_made_as_are_wanted),
        LEAK_CHECKED(test_only_those_behind_the_first_are_filled),
        LEAK_CHECKED(test_none_is_filled_while_they_are_taken_fast),
        LEAK_CHECKED(test_taking_one_starts_another),
        LEAK_CHECKED(test_the_last_one_is_the_reserve),
        LEAK_CHECKED(test_a_full_disk_is_told_and_tried_again_until_there_is_space),
        LEAK_CHECKED(test_any_failing_operation_leaves_no_half_made_file),
        LEAK_CHECKED(test_a_recycled_file_ends_the_shortage),
        LEAK_CHECKED(test_twice_as_many_are_recycled_as_are_made),
        LEAK_CHECKED(test_one_can_be_made_at_once),
        LEAK_CHECKED(test_a_closed_one_makes_no_more),
        LEAK_CHECKED(test_a_try_that_fails_after_closing_is_not_repeated),
        LEAK_CHECKED(test_misuse_is_a_bug),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
