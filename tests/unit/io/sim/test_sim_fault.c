/* Tests of io/sim/sim_fault.c: which operations a rule strikes, and what failures leave behind. */
#include <string.h>

#include "tests/lib/leaks.h"
#include "tests/unit/io/sim/disk_words.h"

/* ---- which operations ---- */

static void test_a_rule_with_only_an_error_strikes_everything(void **state)
{
    struct sim_disk *d = sim_disk_new(NULL);
    struct disk_file *f = open_made(d, "a");
    struct sim_fault fault = {.err = ERR_NO_MEMORY};
    size_t rule = sim_disk_add_fault(d, &fault);
    uint64_t size = 0;

    (void)state;
    assert_int_equal(ERR_NO_MEMORY, disk_sync(f));
    assert_int_equal(ERR_NO_MEMORY, disk_size(f, &size));
    assert_int_equal(ERR_NO_MEMORY, disk_make_dir(sim_disk_as_disk(d), "p"));
    assert_int_equal(3, sim_disk_fault_strikes(d, rule));
    sim_disk_clear_faults(d);
    assert_int_equal(0, disk_sync(f));
    disk_close(f);
    sim_disk_free(d);
}

static void test_a_rule_can_ask_for_kind_path_number_and_times(void **state)
{
    struct sim_disk *d = sim_disk_new(NULL);
    struct disk_file *log = open_made(d, "1.log");
    struct disk_file *other = open_made(d, "other");
    struct sim_fault fault = {.err = ERR_IO,
                              .ops = SIM_OP_BIT(SIM_OP_WRITE),
                              .path_part = ".log",
                              .from = 5,
                              .skip = 1,
                              .times = 2};
    size_t rule = sim_disk_add_fault(d, &fault);

    (void)state;
    fill(log, 0, 1, 'x');                               /* 3: before `from` */
    fill(log, 0, 1, 'x');                               /* 4 */
    fill(other, 0, 1, 'x');                             /* 5: another path */
    sync_file(log);                                     /* 6: another kind */
    fill(log, 0, 1, 'x');                               /* 7: skipped */
    assert_int_equal(ERR_IO, try_fill(log, 0, 1, 'y')); /* 8 */
    assert_int_equal(ERR_IO, try_fill(log, 0, 1, 'y')); /* 9 */
    fill(log, 0, 1, 'z');                               /* 10: twice is enough */
    assert_int_equal(2, sim_disk_fault_strikes(d, rule));
    assert_string_equal("z", sectors_of(d, "1.log"));
    disk_close(log);
    disk_close(other);
    sim_disk_free(d);
}

static void test_a_rule_sees_both_paths_of_a_rename(void **state)
{
    struct sim_disk *d = sim_disk_new(NULL);
    struct sim_fault fault = {.err = ERR_IO, .path_part = "meta"};

    (void)state;
    make_file(d, "tmp", "x");
    sim_disk_add_fault(d, &fault);
    assert_int_equal(ERR_IO, disk_rename(sim_disk_as_disk(d), "tmp", "meta"));
    assert_true(sim_disk_has(d, "tmp"));
    assert_false(sim_disk_has(d, "meta"));
    sim_disk_free(d);
}

static void test_a_rule_by_chance_strikes_about_as_often(void **state)
{
    struct sim_disk *d = sim_disk_new(NULL);
    struct disk_file *f = open_made(d, "a");
    struct sim_fault fault = {.err = ERR_IO, .chance_num = 1, .chance_den = 4};
    size_t rule = sim_disk_add_fault(d, &fault);

    (void)state;
    for (int i = 0; i < 4000; i++)
        (void)!disk_sync(f);
    assert_in_range(sim_disk_fault_strikes(d, rule), 800, 1200);
    disk_close(f);
    sim_disk_free(d);
}

static void test_the_first_rule_that_strikes_decides(void **state)
{
    struct sim_disk *d = sim_disk_new(NULL);
    struct disk_file *f = open_made(d, "a");
    struct sim_fault first = {.err = ERR_NO_SPACE, .times = 1};
    struct sim_fault second = {.err = ERR_IO};

    (void)state;
    sim_disk_add_fault(d, &first);
    sim_disk_add_fault(d, &second);
    assert_int_equal(ERR_NO_SPACE, disk_allocate(f, 10));
    assert_int_equal(ERR_IO, disk_allocate(f, 10));
    assert_int_equal(0, sim_disk_file_size(d, "a"));
    disk_close(f);
    sim_disk_free(d);
}

static void never_called(void *owner, const char *name, bool is_dir)
{
    (void)owner;
    (void)is_dir;
    fail_msg("listed '%s'", name);
}

static void test_each_kind_of_operation_can_fail_without_effect(void **state)
{
    struct sim_disk *d = sim_disk_new(NULL);
    struct disk *disk = sim_disk_as_disk(d);
    struct disk_file *f = open_made(d, "a");
    struct disk_file *g = NULL;
    struct disk_lock *l = NULL;
    struct sim_fault fault = {.err = ERR_IO};
    uint64_t n = 0;
    size_t done = 0;
    char buf[4];

    (void)state;
    write_text(f, 0, "text");
    sim_disk_add_fault(d, &fault);
    assert_int_equal(ERR_IO, disk_open(disk, "new", DISK_WRITE | DISK_CREATE, &g));
    assert_int_equal(ERR_IO, disk_read(f, buf, 4, 0, &done));
    assert_int_equal(ERR_IO, try_write(f, 0, "other", 5));
    assert_int_equal(ERR_IO, disk_allocate(f, 1000));
    assert_int_equal(ERR_IO, disk_size(f, &n));
    assert_int_equal(ERR_IO, disk_rename(disk, "a", "b"));
    assert_int_equal(ERR_IO, disk_remove(disk, "a"));
    assert_int_equal(ERR_IO, disk_make_dir(disk, "p"));
    assert_int_equal(ERR_IO, disk_list(disk, "/", never_called, NULL));
    assert_int_equal(ERR_IO, disk_space(disk, "/", &n, &n));
    assert_int_equal(ERR_IO, disk_lock(disk, "lock", &l));
    assert_null(g);
    assert_null(l);
    expect_text(d, "a", "text");
    assert_false(sim_disk_has(d, "new") || sim_disk_has(d, "lock") || sim_disk_has(d, "p"));
    disk_close(f);
    sim_disk_free(d);
}

/* ---- short reads and writes ---- */

static void test_a_short_write_leaves_its_first_bytes(void **state)
{
    struct sim_disk *d = sim_disk_new(NULL);
    struct disk_file *f = open_made(d, "a");
    struct sim_fault fault = {.err = ERR_NO_SPACE, .times = 1, .partial_bytes = 5};
    struct iovec parts[2] = {{.iov_base = (void *)"one", .iov_len = 3},
                             {.iov_base = (void *)"two", .iov_len = 3}};

    (void)state;
    sim_disk_add_fault(d, &fault);
    assert_int_equal(ERR_NO_SPACE, disk_write(f, parts, 2, 0));
    expect_text(d, "a", "onetw");
    disk_close(f);
    sim_disk_free(d);
}

static void test_a_short_read_gives_its_first_bytes_without_an_error(void **state)
{
    struct sim_disk *d = sim_disk_new(NULL);
    struct disk_file *f = open_made(d, "a");
    struct sim_fault fault = {.ops = SIM_OP_BIT(SIM_OP_READ), .times = 2, .partial_bytes = 2};
    char buf[4] = {0};
    size_t done = 0;

    (void)state;
    write_text(f, 0, "text");
    sim_disk_add_fault(d, &fault);
    assert_int_equal(0, disk_read(f, buf, 4, 0, &done));
    assert_int_equal(2, done);
    assert_memory_equal("te\0\0", buf, 4);
    assert_int_equal(ERR_CORRUPT, disk_read_all(f, buf, 4, 0));
    assert_int_equal(0, disk_read_all(f, buf, 4, 0));
    disk_close(f);
    sim_disk_free(d);
}

/* ---- failed syncs ---- */

/* "a" is durable with "oo"; then "nnn" was written and the sync of it failed in the given way. */
static struct sim_disk *disk_after_failed_sync(enum sim_sync_failure how, struct disk_file **out)
{
    struct sim_disk *d = sim_disk_new(NULL);
    struct disk_file *f = open_made(d, "a");
    struct sim_fault fault = {
        .err = ERR_IO, .ops = SIM_OP_BIT(SIM_OP_SYNC), .times = 1, .sync_failure = how};

    fill(f, 0, 2, 'o');
    sync_file(f);
    sync_names(d, "/");
    fill(f, 0, 3, 'n');
    sim_disk_add_fault(d, &fault);
    assert_int_equal(ERR_IO, disk_sync(f));
    sim_disk_check(d);
    *out = f;
    return d;
}

static void expect_image(const struct sim_disk *d, enum sim_crash_kind kind, const char *sectors)
{
    struct sim_disk *image = image_of(d, kind);

    assert_string_equal(sectors, sectors_of(image, "a"));
    sim_disk_free(image);
}

static void test_a_failed_sync_can_call_lost_bytes_clean(void **state)
{
    struct disk_file *f = NULL;
    struct sim_disk *d = disk_after_failed_sync(SIM_SYNC_CLEAN, &f);

    (void)state;
    assert_string_equal("nnn", sectors_of(d, "a"));
    expect_image(d, SIM_CRASH_EVERYTHING, "oo0");
    sync_file(f); /* succeeds, and saves nothing of it but the size */
    assert_string_equal("nnn", sectors_of(d, "a"));
    expect_image(d, SIM_CRASH_NOTHING, "oo0");
    fill(f, 1, 1, 'm'); /* a sector written again is saved again */
    sim_disk_check(d);
    sync_file(f);
    expect_image(d, SIM_CRASH_NOTHING, "om0");
    sim_disk_drop_cache(d);
    assert_string_equal("om0", sectors_of(d, "a"));
    sim_disk_check(d);
    disk_close(f);
    sim_disk_free(d);
}

static void test_lost_bytes_may_still_have_reached_the_disk(void **state)
{
    struct disk_file *f = NULL;
    struct sim_disk *d = disk_after_failed_sync(SIM_SYNC_CLEAN, &f);
    bool old_seen = false;
    bool new_seen = false;

    (void)state;
    sync_file(f);
    for (uint64_t seed = 0; seed < 200; seed++) {
        struct sim_crash c = {.kind = SIM_CRASH_RANDOM, .seed = seed};
        struct sim_disk *image = sim_disk_image(d, &c);
        char first = sectors_of(image, "a")[0];
        assert_true(first == 'o' || first == 'n');
        old_seen = old_seen || first == 'o';
        new_seen = new_seen || first == 'n';
        sim_disk_free(image);
    }
    assert_true(old_seen && new_seen);
    disk_close(f);
    sim_disk_free(d);
}

static void test_a_failed_sync_can_revert_the_cache(void **state)
{
    struct disk_file *f = NULL;
    struct sim_disk *d = disk_after_failed_sync(SIM_SYNC_REVERTED, &f);

    (void)state;
    assert_string_equal("oo0", sectors_of(d, "a"));
    sync_file(f);
    expect_image(d, SIM_CRASH_NOTHING, "oo0");
    disk_close(f);
    sim_disk_free(d);
}

static void test_a_failed_sync_can_keep_bytes_dirty(void **state)
{
    struct disk_file *f = NULL;
    struct sim_disk *d = disk_after_failed_sync(SIM_SYNC_KEPT, &f);

    (void)state;
    assert_string_equal("nnn", sectors_of(d, "a"));
    expect_image(d, SIM_CRASH_NOTHING, "oo");
    expect_image(d, SIM_CRASH_EVERYTHING, "nnn");
    sync_file(f);
    expect_image(d, SIM_CRASH_NOTHING, "nnn");
    disk_close(f);
    sim_disk_free(d);
}

/* A disk on which "a" was made and the sync of its directory failed. */
static struct sim_disk *disk_after_failed_names(enum sim_sync_failure how)
{
    struct sim_disk *d = sim_disk_new(NULL);
    struct sim_fault fault = {
        .err = ERR_IO, .ops = SIM_OP_BIT(SIM_OP_SYNC_DIR), .times = 1, .sync_failure = how};

    make_file(d, "a", "");
    sim_disk_add_fault(d, &fault);
    assert_int_equal(ERR_IO, disk_sync_dir(sim_disk_as_disk(d), "/"));
    assert_true(sim_disk_has(d, "a"));
    return d;
}

static void test_names_lost_by_a_failed_sync_stay_lost(void **state)
{
    struct sim_disk *d = disk_after_failed_names(SIM_SYNC_CLEAN);
    struct sim_disk *image = NULL;

    (void)state;
    make_file(d, "b", "");
    sync_names(d, "/");
    image = image_of(d, SIM_CRASH_EVERYTHING);
    assert_false(sim_disk_has(image, "a"));
    assert_true(sim_disk_has(image, "b"));
    sim_disk_free(image);
    rename_file(d, "a", "c"); /* a new change of names is saved as ever */
    sync_names(d, "/");
    image = image_of(d, SIM_CRASH_NOTHING);
    assert_false(sim_disk_has(image, "a"));
    assert_true(sim_disk_has(image, "c"));
    sim_disk_free(image);
    sim_disk_free(d);
}

static void test_names_overtaken_by_a_good_sync_do_not_come_back(void **state)
{
    struct sim_disk *d = disk_after_failed_names(SIM_SYNC_REVERTED);

    (void)state;
    remove_file(d, "a");
    sync_names(d, "/");
    for (uint64_t seed = 0; seed < 100; seed++) {
        struct sim_crash c = {.kind = SIM_CRASH_RANDOM, .seed = seed};
        struct sim_disk *image = sim_disk_image(d, &c);
        assert_false(sim_disk_has(image, "a"));
        sim_disk_free(image);
    }
    sim_disk_free(d);
}

static void test_a_lost_name_that_is_overtaken_takes_nothing_along(void **state)
{
    struct sim_disk *d = sim_disk_new(NULL);
    struct sim_disk *image = NULL;
    struct sim_fault fault = {.err = ERR_IO, .ops = SIM_OP_BIT(SIM_OP_SYNC_DIR), .times = 1};

    (void)state;
    make_file(d, "a", "");
    rename_file(d, "a", "b");
    sim_disk_add_fault(d, &fault);
    assert_int_equal(ERR_IO, disk_sync_dir(sim_disk_as_disk(d), "/"));
    make_file(d, "a", "");
    sync_names(d, "/");
    image = image_of(d, SIM_CRASH_NOTHING);
    assert_true(sim_disk_has(image, "a"));
    assert_false(sim_disk_has(image, "b"));
    sim_disk_free(image);
    sim_disk_free(d);
}

static void test_an_arriving_name_overtakes_a_lost_one(void **state)
{
    struct sim_disk *d = sim_disk_new(NULL);
    struct sim_fault fault = {.err = ERR_IO, .ops = SIM_OP_BIT(SIM_OP_SYNC_DIR), .times = 1};

    (void)state;
    make_dir(d, "p");
    make_dir(d, "q");
    sync_names(d, "/");
    make_durable(d, "p", "p/a", "arrives");
    make_file(d, "q/a", "lost");
    sim_disk_add_fault(d, &fault);
    assert_int_equal(ERR_IO, disk_sync_dir(sim_disk_as_disk(d), "q"));
    rename_file(d, "p/a", "q/a");
    sync_names(d, "q");
    for (uint64_t seed = 0; seed < 100; seed++) {
        struct sim_crash c = {.kind = SIM_CRASH_RANDOM, .seed = seed};
        struct sim_disk *image = sim_disk_image(d, &c);
        expect_text(image, "q/a", "arrives");
        sim_disk_free(image);
    }
    sim_disk_free(d);
}

static void test_a_name_does_not_wait_for_a_lost_one(void **state)
{
    struct sim_disk *d = sim_disk_new(NULL);
    struct sim_fault fault = {.err = ERR_IO, .ops = SIM_OP_BIT(SIM_OP_SYNC_DIR), .times = 1};
    bool is_seen = false;

    (void)state;
    make_durable(d, "/", "a", "old");
    rename_file(d, "a", "b");
    sim_disk_add_fault(d, &fault);
    assert_int_equal(ERR_IO, disk_sync_dir(sim_disk_as_disk(d), "/"));
    make_file(d, "a", "");
    for (uint64_t seed = 0; !is_seen; seed++) {
        struct sim_crash c = {.kind = SIM_CRASH_RANDOM, .seed = seed};
        struct sim_disk *image = sim_disk_image(d, &c);
        assert_true(seed < 1000);
        is_seen = sim_disk_has(image, "a") && sim_disk_file_size(image, "a") == 0 &&
                  !sim_disk_has(image, "b");
        sim_disk_free(image);
    }
    sim_disk_free(d);
}

static void test_names_kept_by_a_failed_sync_are_saved_by_the_next(void **state)
{
    struct sim_disk *d = disk_after_failed_names(SIM_SYNC_KEPT);
    struct sim_disk *image = NULL;

    (void)state;
    sync_names(d, "/");
    image = image_of(d, SIM_CRASH_NOTHING);
    assert_true(sim_disk_has(image, "a"));
    sim_disk_free(image);
    sim_disk_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_a_rule_with_only_an_error_strikes_everything),
        LEAK_CHECKED(test_a_rule_can_ask_for_kind_path_number_and_times),
        LEAK_CHECKED(test_a_rule_sees_both_paths_of_a_rename),
        LEAK_CHECKED(test_a_rule_by_chance_strikes_about_as_often),
        LEAK_CHECKED(test_the_first_rule_that_strikes_decides),
        LEAK_CHECKED(test_each_kind_of_operation_can_fail_without_effect),
        LEAK_CHECKED(test_a_short_write_leaves_its_first_bytes),
        LEAK_CHECKED(test_a_short_read_gives_its_first_bytes_without_an_error),
        LEAK_CHECKED(test_a_failed_sync_can_call_lost_bytes_clean),
        LEAK_CHECKED(test_lost_bytes_may_still_have_reached_the_disk),
        LEAK_CHECKED(test_a_failed_sync_can_revert_the_cache),
        LEAK_CHECKED(test_a_failed_sync_can_keep_bytes_dirty),
        LEAK_CHECKED(test_names_lost_by_a_failed_sync_stay_lost),
        LEAK_CHECKED(test_names_overtaken_by_a_good_sync_do_not_come_back),
        LEAK_CHECKED(test_a_lost_name_that_is_overtaken_takes_nothing_along),
        LEAK_CHECKED(test_an_arriving_name_overtakes_a_lost_one),
        LEAK_CHECKED(test_a_name_does_not_wait_for_a_lost_one),
        LEAK_CHECKED(test_names_kept_by_a_failed_sync_are_saved_by_the_next),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
