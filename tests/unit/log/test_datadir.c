/* Tests of log/datadir: whose a data directory is, and whether one may use it. */
#include "log/datadir.h"

#include <string.h>

#include "base/err.h"
#include "io/io.h"
#include "io/sim/sim.h"
#include "log/statefile.h"
#include "tests/lib/leaks.h"

struct fixture {
    struct sim_disk *disk;
    struct sim *sim;
    struct sim_node *node;
    struct io *io;
    struct datadir *dir;
    struct err_note note;
};

static void begin(struct fixture *f)
{
    memset(f, 0, sizeof(*f));
    f->disk = sim_disk_new(NULL);
    f->sim = sim_new(NULL);
    f->node = sim_node_new(f->sim, "a", f->disk);
    f->io = sim_io_new(f->node);
}

static void end(struct fixture *f)
{
    datadir_close(f->dir);
    assert_int_equal(sim_disk_open_files(f->disk), 0);
    sim_io_free(f->io);
    sim_free(f->sim);
    sim_disk_free(f->disk);
}

static void open_it(struct fixture *f, const char *path)
{
    int rv = datadir_open(f->io, path, &f->dir, &f->note);

    if (rv != 0)
        fail_msg("'%s' does not open: %s", path, f->note.text);
}

static void close_it(struct fixture *f)
{
    datadir_close(f->dir);
    f->dir = NULL;
}

/* It must be refused with that error and a sentence that has these words. */
static void expect_refused(struct fixture *f, const char *path, int err, const char *words)
{
    struct datadir *d = NULL;

    f->note.text[0] = '\0';
    assert_int_equal(datadir_open(f->io, path, &d, &f->note), err);
    assert_null(d);
    if (strstr(f->note.text, words) == NULL)
        fail_msg("it should have said '%s' but said: %s", words, f->note.text);
}

/* The power fails; what was not synced is gone. Locks fall. */
static void crash(struct fixture *f)
{
    sim_disk_crash(f->disk, &(struct sim_crash){.kind = SIM_CRASH_NOTHING});
}

static void test_a_new_directory_is_made_and_gets_an_id(void **state)
{
    uint8_t id[DATADIR_ID_SIZE];
    struct fixture f;

    (void)state;
    begin(&f);
    open_it(&f, "data");
    assert_true(sim_disk_has(f.disk, "data/LOCK"));
    assert_true(sim_disk_has(f.disk, "data/format"));
    memcpy(id, datadir_id(f.dir), sizeof(id));
    close_it(&f);
    open_it(&f, "data");
    assert_memory_equal(datadir_id(f.dir), id, sizeof(id)); /* for good */
    close_it(&f);
    open_it(&f, "other");
    assert_memory_not_equal(datadir_id(f.dir), id, sizeof(id));
    end(&f);
    datadir_close(NULL);
}

static void test_only_one_may_use_it(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f);
    open_it(&f, "data");
    expect_refused(&f, "data", ERR_BUSY, "'data' is in use");
    close_it(&f);
    open_it(&f, "data");
    end(&f);
}

static void test_what_was_made_survives_a_power_cut(void **state)
{
    static const char *const paths[] = {"data", "/data", "data/", "data//", "./data"};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
        struct datadir_path partition;
        struct fixture f;

        begin(&f);
        open_it(&f, paths[i]);
        assert_int_equal(datadir_partition(f.dir, 12, &partition, &f.note), 0);
        crash(&f);
        assert_false(sim_disk_is_dirty(f.disk));
        assert_true(sim_disk_has(f.disk, "data/format"));
        assert_true(sim_disk_has(f.disk, "data/partition-12"));
        close_it(&f);
        open_it(&f, paths[i]);
        end(&f);
    }
}

/* Somebody made it just before us, and nobody knows whether its name is durable. */
static void test_a_directory_that_was_there_is_made_durable_too(void **state)
{
    struct datadir_path partition;
    struct fixture f;

    (void)state;
    begin(&f);
    assert_int_equal(disk_make_dir(f.io->disk, "data"), 0);
    open_it(&f, "data");
    assert_int_equal(disk_make_dir(f.io->disk, "data/partition-0"), 0);
    assert_int_equal(datadir_partition(f.dir, 0, &partition, &f.note), 0);
    crash(&f);
    assert_true(sim_disk_has(f.disk, "data/partition-0"));
    end(&f);
}

/* As a package does it: the directory is ours, what holds it is not. */
static void test_a_parent_that_may_not_be_read_does_not_matter(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f);
    sim_disk_put(f.disk, "lib/data/x", "", 0);
    (void)sim_disk_add_fault(f.disk, &(struct sim_fault){.err = ERR_DENIED,
                                                         .ops = SIM_OP_BIT(SIM_OP_SYNC_DIR),
                                                         .path_part = "lib",
                                                         .times = 1});
    open_it(&f, "lib/data");
    end(&f);
}

static void test_partitions_have_places_of_their_own(void **state)
{
    struct datadir_path a, b, again;
    struct fixture f;

    (void)state;
    begin(&f);
    open_it(&f, "data");
    assert_int_equal(datadir_partition(f.dir, 0, &a, &f.note), 0);
    assert_int_equal(datadir_partition(f.dir, 4000000000u, &b, &f.note), 0);
    assert_string_equal(a.text, "data/partition-0");
    assert_string_equal(b.text, "data/partition-4000000000");
    assert_true(sim_disk_has(f.disk, a.text) && sim_disk_has(f.disk, b.text));
    assert_int_equal(datadir_partition(f.dir, 0, &again, &f.note), 0); /* it is there */
    assert_string_equal(again.text, a.text);
    end(&f);
}

static void expect_partitions(struct fixture *f, unsigned expected)
{
    unsigned count = 77;

    assert_int_equal(datadir_count_partitions(f->dir, &count, &f->note), 0);
    assert_int_equal(count, expected);
}

static void test_partitions_are_counted(void **state)
{
    struct datadir_path path;
    struct fixture f;

    (void)state;
    begin(&f);
    open_it(&f, "data");
    expect_partitions(&f, 0);
    for (unsigned n = 0; n < 12; n++) {
        assert_int_equal(datadir_partition(f.dir, n, &path, &f.note), 0);
        expect_partitions(&f, n + 1);
    }
    sim_disk_put(f.disk, "data/partition-99", "a file", 6);
    sim_disk_put(f.disk, "data/partition-old/x", "", 0);
    expect_partitions(&f, 12);
    end(&f);
}

/* ---- Refusals ---- */

static void test_a_partition_that_is_missing_is_told(void **state)
{
    struct datadir_path path;
    struct fixture f;
    unsigned count = 0;

    (void)state;
    begin(&f);
    open_it(&f, "data");
    assert_int_equal(datadir_partition(f.dir, 0, &path, &f.note), 0);
    assert_int_equal(datadir_partition(f.dir, 2, &path, &f.note), 0);
    assert_int_equal(datadir_count_partitions(f.dir, &count, &f.note), ERR_CORRUPT);
    assert_non_null(strstr(f.note.text, "has a partition-2 but not all before it"));
    end(&f);
}

static void test_a_newer_format_is_refused_and_left_alone(void **state)
{
    struct statefile head = {.magic = "MRFORMAT", .version = DATADIR_FORMAT + 1};
    struct fixture f;
    uint64_t before;

    (void)state;
    begin(&f);
    open_it(&f, "data");
    close_it(&f);
    assert_int_equal(statefile_write(f.io->disk, "data", "format", &head, bytes_text("new")), 0);
    before = sim_disk_digest(f.disk);
    expect_refused(&f, "data", ERR_VERSION, "'data' was written by a newer version");
    assert_int_equal(sim_disk_digest(f.disk), before);
    end(&f);
}

static void test_a_damaged_format_is_refused_and_left_alone(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f);
    open_it(&f, "data");
    close_it(&f);
    for (uint64_t i = 0; i < sim_disk_file_size(f.disk, "data/format") * 8; i++) {
        uint64_t before;

        sim_disk_flip_bit(f.disk, "data/format", i / 8, (unsigned)(i % 8));
        before = sim_disk_digest(f.disk);
        expect_refused(&f, "data", ERR_CORRUPT, "'data/format' is damaged");
        assert_int_equal(sim_disk_digest(f.disk), before);
        sim_disk_flip_bit(f.disk, "data/format", i / 8, (unsigned)(i % 8));
    }
    open_it(&f, "data");
    end(&f);
}

static void test_a_missing_format_beside_partitions_is_refused(void **state)
{
    struct datadir_path partition;
    struct fixture f;

    (void)state;
    begin(&f);
    open_it(&f, "data");
    assert_int_equal(datadir_partition(f.dir, 0, &partition, &f.note), 0);
    close_it(&f);
    sim_disk_erase(f.disk, "data/format");
    expect_refused(&f, "data", ERR_CORRUPT, "no file 'format'");
    assert_false(sim_disk_has(f.disk, "data/format"));
    end(&f);
}

static void test_other_things_in_a_new_directory_do_not_matter(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f);
    sim_disk_put(f.disk, "data/lost+found/x", "", 0);
    sim_disk_put(f.disk, "data/partition-notes.txt", "", 0);
    open_it(&f, "data");
    assert_true(sim_disk_has(f.disk, "data/format"));
    end(&f);
}

static void test_a_beginning_that_was_interrupted_is_begun_again(void **state)
{
    bool is_stopped = true;

    (void)state;
    for (uint64_t k = 1; is_stopped; k++) {
        for (int kind = 0; kind < SIM_CRASH_KIND_COUNT; kind++) {
            struct datadir *d = NULL;
            struct fixture f;

            begin(&f);
            sim_disk_stop_at(f.disk, k, 0);
            if (datadir_open(f.io, "data", &d, &f.note) == 0)
                datadir_close(d);
            is_stopped = sim_disk_is_stopped(f.disk);
            sim_disk_crash(f.disk, &(struct sim_crash){.kind = (enum sim_crash_kind)kind});
            open_it(&f, "data");
            end(&f);
        }
    }
}

static void test_what_is_no_directory_is_refused(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f);
    sim_disk_put(f.disk, "file", "x", 1);
    expect_refused(&f, "file", ERR_INVALID, "'file' is not a directory");
    expect_refused(&f, "nowhere/data", ERR_NOT_FOUND, "'nowhere/data'");
    expect_refused(&f, "", ERR_RANGE, "path");
    end(&f);
}

static void test_too_long_a_path_is_refused_with_a_reason(void **state)
{
    static char path[DATADIR_PATH_SIZE];
    struct fixture f;

    (void)state;
    begin(&f);
    memset(path, 'd', sizeof(path) - 1);
    expect_refused(&f, path, ERR_RANGE, "too long");
    end(&f);
}

static void test_errors_of_the_disk_are_told_with_the_place(void **state)
{
    static const struct {
        enum sim_op op;
        int err;
        const char *path_part;
    } faults[] = {
        {SIM_OP_MAKE_DIR, ERR_DENIED, "data"}, {SIM_OP_MAKE_DIR, ERR_NO_SPACE, "data"},
        {SIM_OP_SYNC_DIR, ERR_IO, NULL},       {SIM_OP_LOCK, ERR_DENIED, "LOCK"},
        {SIM_OP_OPEN, ERR_NO_FILES, "format"}, {SIM_OP_WRITE, ERR_NO_SPACE, "format"},
        {SIM_OP_SYNC, ERR_IO, "format"},       {SIM_OP_RENAME, ERR_IO, "format"},
        {SIM_OP_LIST, ERR_NO_FILES, "data"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(faults); i++) {
        struct fixture f;

        begin(&f);
        (void)sim_disk_add_fault(f.disk, &(struct sim_fault){.err = faults[i].err,
                                                             .ops = SIM_OP_BIT(faults[i].op),
                                                             .path_part = faults[i].path_part});
        expect_refused(&f, "data", faults[i].err, "'data");
        sim_disk_clear_faults(f.disk);
        open_it(&f, "data");
        end(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_a_new_directory_is_made_and_gets_an_id),
        LEAK_CHECKED(test_only_one_may_use_it),
        LEAK_CHECKED(test_what_was_made_survives_a_power_cut),
        LEAK_CHECKED(test_a_directory_that_was_there_is_made_durable_too),
        LEAK_CHECKED(test_a_parent_that_may_not_be_read_does_not_matter),
        LEAK_CHECKED(test_partitions_have_places_of_their_own),
        LEAK_CHECKED(test_partitions_are_counted),
        LEAK_CHECKED(test_a_partition_that_is_missing_is_told),
        LEAK_CHECKED(test_a_newer_format_is_refused_and_left_alone),
        LEAK_CHECKED(test_a_damaged_format_is_refused_and_left_alone),
        LEAK_CHECKED(test_a_missing_format_beside_partitions_is_refused),
        LEAK_CHECKED(test_other_things_in_a_new_directory_do_not_matter),
        LEAK_CHECKED(test_a_beginning_that_was_interrupted_is_begun_again),
        LEAK_CHECKED(test_what_is_no_directory_is_refused),
        LEAK_CHECKED(test_too_long_a_path_is_refused_with_a_reason),
        LEAK_CHECKED(test_errors_of_the_disk_are_told_with_the_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
