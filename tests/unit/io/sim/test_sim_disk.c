/* Tests of io/sim/sim_disk.c and sim_disk_ops.c: a simulated disk behaves as a real one while
 * nothing goes wrong, counts its operations, stops when told, and has limits. */
#include "tests/unit/io/sim/disk_words.h"

#include <stdio.h>

#include "base/rand.h"
#include "tests/lib/death.h"
#include "tests/lib/leaks.h"

static struct sim_disk *disk_limited(uint64_t capacity, uint32_t open_limit)
{
    struct sim_disk_options o = {.capacity_bytes = capacity, .open_limit = open_limit};

    return sim_disk_new(&o);
}

/* ---- bytes ---- */

static void test_what_was_written_is_read_back(void **state)
{
    struct sim_disk *d = sim_disk_new(NULL);
    struct disk_file *f = open_made(d, "a");
    struct iovec parts[3] = {{.iov_base = (void *)"one ", .iov_len = 4},
                             {.iov_base = NULL, .iov_len = 0},
                             {.iov_base = (void *)"two", .iov_len = 3}};
    char buf[16] = {0};
    size_t done = 99;

    (void)state;
    assert_int_equal(0, disk_write(f, parts, 3, 0));
    assert_int_equal(0, disk_read(f, buf, sizeof(buf), 0, &done));
    assert_int_equal(7, done);
    assert_string_equal("one two", buf);
    disk_close(f);
    sim_disk_free(d);
}

static void test_reads_end_at_the_end_of_the_file(void **state)
{
    struct sim_disk *d = sim_disk_new(NULL);
    struct disk_file *f = open_made(d, "a");
    char buf[8];
    size_t done = 99;

    (void)state;
    write_text(f, 0, "12345");
    assert_int_equal(0, disk_read(f, buf, 8, 3, &done));
    assert_int_equal(2, done);
    assert_int_equal(0, disk_read(f, buf, 8, 5, &done));
    assert_int_equal(0, done);
    assert_int_equal(0, disk_read(f, buf, 8, 1000000, &done));
    assert_int_equal(0, done);
    assert_int_equal(0, disk_read_all(f, buf, 5, 0));
    assert_int_equal(ERR_CORRUPT, disk_read_all(f, buf, 6, 0));
    disk_close(f);
    sim_disk_free(d);
}

static void test_a_hole_reads_as_zeros(void **state)
{
    struct sim_disk *d = sim_disk_new(NULL);
    struct disk_file *f = open_made(d, "a");
    uint64_t size = 0;

    (void)state;
    fill(f, 20, 1, 'x');
    assert_int_equal(0, disk_size(f, &size));
    assert_int_equal(21 * SIM_SECTOR, size);
    assert_string_equal("00000000000000000000x", sectors_of(d, "a"));
    disk_close(f);
    sim_disk_free(d);
}

static void test_random_writes_read_back_as_in_plain_memory(void **state)
{
    static uint8_t plain[40000];
    static uint8_t got[40000];
    struct sim_disk *d = sim_disk_new(NULL);
    struct disk_file *f = open_made(d, "a");
    struct rand r;
    size_t size = 0;

    (void)state;
    rand_init(&r, 7);
    memset(plain, 0, sizeof(plain));
    for (int i = 0; i < 300; i++) {
        uint8_t bytes[6000];
        size_t part = 1 + (size_t)rand_below(&r, sizeof(bytes));
        size_t at = (size_t)rand_below(&r, sizeof(plain) - part);
        rand_fill(&r, bytes, part);
        memcpy(plain + at, bytes, part);
        size = at + part > size ? at + part : size;
        assert_int_equal(0, try_write(f, at, bytes, part));
        if (rand_chance(&r, 1, 10))
            sync_file(f);
    }
    assert_int_equal(size, sim_disk_file_size(d, "a"));
    assert_int_equal(0, disk_read_all(f, got, size, 0));
    assert_memory_equal(plain, got, size);
    sim_disk_check(d);
    disk_close(f);
    sim_disk_free(d);
}

static void test_allocating_grows_a_file_with_zeros_and_never_shrinks_it(void **state)
{
    struct sim_disk *d = sim_disk_new(NULL);
    struct disk_file *f = open_made(d, "a");

    (void)state;
    fill(f, 0, 1, 'x');
    assert_int_equal(0, disk_allocate(f, 3 * SIM_SECTOR));
    assert_string_equal("x00", sectors_of(d, "a"));
    assert_int_equal(0, disk_allocate(f, 10));
    assert_int_equal(3 * SIM_SECTOR, sim_disk_file_size(d, "a"));
    disk_close(f);
    sim_disk_free(d);
}

/* ---- names ---- */

static int open_result(struct sim_disk *d, const char *path, unsigned flags)
{
    struct disk_file *f = NULL;
    int rv = disk_open(sim_disk_as_disk(d), path, flags, &f);

    assert_true((rv == 0) == (f != NULL));
    disk_close(f);
    return rv;
}

static void test_open_says_what_is_wrong_with_a_path(void **state)
{
    struct sim_disk *d = sim_disk_new(NULL);
    char longest[300] = {0};

    (void)state;
    memset(longest, 'n', 256);
    make_dir(d, "dir");
    make_file(d, "dir/file", "x");
    assert_int_equal(ERR_NOT_FOUND, open_result(d, "dir/other", DISK_READ));
    assert_int_equal(ERR_NOT_FOUND, open_result(d, "no/file", DISK_WRITE | DISK_CREATE));
    assert_int_equal(ERR_EXISTS,
                     open_result(d, "dir/file", DISK_WRITE | DISK_CREATE | DISK_EXCLUSIVE));
    assert_int_equal(ERR_INVALID, open_result(d, "dir", DISK_READ));
    assert_int_equal(ERR_INVALID, open_result(d, "/", DISK_READ));
    assert_int_equal(ERR_INVALID, open_result(d, "dir/file/below", DISK_READ));
    assert_int_equal(ERR_INVALID, open_result(d, "dir/../dir/file", DISK_READ));
    assert_int_equal(ERR_INVALID, open_result(d, longest, DISK_WRITE | DISK_CREATE));
    longest[255] = '\0';
    assert_int_equal(0, open_result(d, longest, DISK_WRITE | DISK_CREATE));
    assert_int_equal(0, open_result(d, "//dir/./file", DISK_READ));
    sim_disk_free(d);
}

static void test_names_can_be_made_renamed_and_removed(void **state)
{
    struct sim_disk *d = sim_disk_new(NULL);
    struct disk *disk = sim_disk_as_disk(d);

    (void)state;
    make_dir(d, "p");
    make_dir(d, "q");
    assert_int_equal(ERR_EXISTS, disk_make_dir(disk, "p"));
    assert_int_equal(ERR_NOT_FOUND, disk_make_dir(disk, "r/s"));
    make_file(d, "p/a", "A");
    make_file(d, "q/b", "B");
    rename_file(d, "p/a", "q/b");
    assert_false(sim_disk_has(d, "p/a"));
    expect_text(d, "q/b", "A");
    rename_file(d, "q/b", "q/b"); /* to itself: nothing happens */
    expect_text(d, "q/b", "A");
    assert_int_equal(ERR_NOT_FOUND, disk_rename(disk, "p/a", "p/c"));
    assert_int_equal(ERR_INVALID, disk_rename(disk, "q/b", "p"));
    assert_int_equal(ERR_INVALID, disk_rename(disk, "p", "q/b"));
    assert_int_equal(ERR_INVALID, disk_rename(disk, "p", "p/below"));
    assert_int_equal(ERR_EXISTS, disk_rename(disk, "p", "q"));
    make_dir(d, "q/deep");
    assert_int_equal(ERR_INVALID, disk_rename(disk, "q", "q/deep/er"));
    rename_file(d, "q/deep", "deep");
    remove_file(d, "q/b");
    assert_int_equal(ERR_NOT_FOUND, disk_remove(disk, "q/b"));
    assert_int_equal(ERR_INVALID, disk_remove(disk, "q"));
    rename_file(d, "p", "q"); /* onto an empty directory */
    assert_false(sim_disk_has(d, "p"));
    sim_disk_check(d);
    sim_disk_free(d);
}

static void test_a_removed_file_stays_readable_while_it_is_open(void **state)
{
    struct sim_disk *d = sim_disk_new(NULL);
    struct disk_file *f = open_made(d, "a");
    char buf[4];

    (void)state;
    write_text(f, 0, "gone");
    remove_file(d, "a");
    assert_int_equal(0, disk_read_all(f, buf, 4, 0));
    assert_memory_equal("gone", buf, 4);
    assert_int_equal(SIM_PAGE, sim_disk_used_bytes(d));
    disk_close(f);
    assert_int_equal(0, sim_disk_used_bytes(d));
    sim_disk_free(d);
}

struct listing {
    struct sim_disk *disk;
    char text[200];
    bool removes;
};

static void add_name(void *owner, const char *name, bool is_dir)
{
    struct listing *l = (struct listing *)owner;
    size_t used = strlen(l->text);

    snprintf(l->text + used, sizeof(l->text) - used, "%s%s ", name, is_dir ? "/" : "");
    if (l->removes)
        remove_file(l->disk, name);
}

static void test_listing_names_all_and_in_no_fixed_order(void **state)
{
    struct sim_disk *d = sim_disk_new(NULL);
    char first[200];
    bool order_changed = false;

    (void)state;
    make_file(d, "a", "");
    make_dir(d, "b");
    make_file(d, "c", "");
    for (int i = 0; i < 20; i++) {
        struct listing l = {.disk = d};
        assert_int_equal(0, disk_list(sim_disk_as_disk(d), "/", add_name, &l));
        assert_non_null(strstr(l.text, "a "));
        assert_non_null(strstr(l.text, "b/ "));
        assert_non_null(strstr(l.text, "c "));
        assert_int_equal(7, strlen(l.text));
        if (i == 0)
            memcpy(first, l.text, sizeof(first));
        order_changed = order_changed || strcmp(first, l.text) != 0;
    }
    assert_true(order_changed);
    assert_int_equal(ERR_NOT_FOUND, disk_list(sim_disk_as_disk(d), "x", add_name, NULL));
    assert_int_equal(ERR_INVALID, disk_list(sim_disk_as_disk(d), "a", add_name, NULL));
    sim_disk_free(d);
}

static void test_files_may_be_removed_while_they_are_listed(void **state)
{
    struct sim_disk *d = sim_disk_new(NULL);
    struct listing l = {.disk = d, .removes = true};

    (void)state;
    make_file(d, "a", "1");
    make_file(d, "b", "2");
    make_file(d, "c", "3");
    assert_int_equal(0, disk_list(sim_disk_as_disk(d), "/", add_name, &l));
    assert_false(sim_disk_has(d, "a") || sim_disk_has(d, "b") || sim_disk_has(d, "c"));
    sim_disk_free(d);
}

/* ---- locks and limits ---- */

static void test_a_second_lock_on_a_file_is_busy(void **state)
{
    struct sim_disk *d = sim_disk_new(NULL);
    struct disk_lock *first = NULL;
    struct disk_lock *second = NULL;

    (void)state;
    assert_int_equal(0, disk_lock(sim_disk_as_disk(d), "lock", &first));
    assert_int_equal(ERR_BUSY, disk_lock(sim_disk_as_disk(d), "lock", &second));
    assert_null(second);
    assert_int_equal(1, sim_disk_open_files(d));
    disk_unlock(first);
    assert_int_equal(0, disk_lock(sim_disk_as_disk(d), "lock", &second));
    disk_unlock(second);
    assert_int_equal(0, sim_disk_open_files(d));
    sim_disk_free(d);
}

static void test_a_lock_falls_with_the_power(void **state)
{
    struct sim_disk *d = sim_disk_new(NULL);
    struct sim_crash c = {.kind = SIM_CRASH_EVERYTHING};
    struct disk_lock *dead = NULL;
    struct disk_lock *l = NULL;

    (void)state;
    assert_int_equal(0, disk_lock(sim_disk_as_disk(d), "lock", &dead));
    sim_disk_crash(d, &c);
    assert_int_equal(0, sim_disk_open_files(d));
    assert_int_equal(0, disk_lock(sim_disk_as_disk(d), "lock", &l));
    disk_unlock(dead); /* says nothing about the new holder */
    assert_int_equal(ERR_BUSY, disk_lock(sim_disk_as_disk(d), "lock", &dead));
    disk_unlock(l);
    sim_disk_free(d);
}

static void test_open_files_are_limited_and_counted(void **state)
{
    struct sim_disk *d = disk_limited(0, 2);
    struct disk_file *a = open_made(d, "a");
    struct disk_file *b = open_made(d, "b");
    struct listing l = {.disk = d};
    struct disk_lock *lock = NULL;

    (void)state;
    assert_int_equal(2, sim_disk_open_files(d));
    assert_int_equal(ERR_NO_FILES, open_result(d, "a", DISK_READ));
    assert_int_equal(ERR_NO_FILES, open_result(d, "new", DISK_WRITE | DISK_CREATE));
    assert_false(sim_disk_has(d, "new"));
    assert_int_equal(ERR_NO_FILES, disk_lock(sim_disk_as_disk(d), "lock", &lock));
    assert_int_equal(ERR_NO_FILES, disk_list(sim_disk_as_disk(d), "/", add_name, &l));
    assert_int_equal(ERR_NO_FILES, disk_sync_dir(sim_disk_as_disk(d), "/"));
    disk_close(a);
    assert_int_equal(0, open_result(d, "a", DISK_READ));
    assert_int_equal(0, disk_list(sim_disk_as_disk(d), "/", add_name, &l));
    disk_close(b);
    assert_int_equal(0, sim_disk_open_files(d));
    sim_disk_free(d);
}

static void test_a_full_disk_refuses_growth_but_not_overwriting(void **state)
{
    struct sim_disk *d = disk_limited(3 * SIM_PAGE, 0);
    struct disk_file *a = open_made(d, "a");
    struct disk_file *b = open_made(d, "b");
    uint64_t free_bytes = 0;
    uint64_t total = 0;

    (void)state;
    assert_int_equal(0, disk_allocate(a, 2 * SIM_PAGE));
    assert_int_equal(0, disk_space(sim_disk_as_disk(d), "/", &free_bytes, &total));
    assert_int_equal(SIM_PAGE, free_bytes);
    assert_int_equal(3 * SIM_PAGE, total);
    assert_int_equal(ERR_NO_SPACE, disk_allocate(b, 2 * SIM_PAGE));
    assert_int_equal(0, sim_disk_file_size(d, "b"));
    assert_int_equal(ERR_NO_SPACE, try_fill(b, 0, 12, 'b')); /* the first page finds room */
    assert_string_equal("bbbbbbbb", sectors_of(d, "b"));
    fill(a, 0, 16, 'a');
    fill(b, 0, 8, 'c');
    remove_file(d, "a");
    assert_int_equal(ERR_NO_SPACE, try_fill(b, 8, 1, 'b')); /* "a" is still open */
    disk_close(a);
    fill(b, 8, 1, 'b');
    assert_int_equal(2 * SIM_PAGE, sim_disk_used_bytes(d));
    disk_close(b);
    sim_disk_check(d);
    sim_disk_free(d);
}

static void test_a_hole_takes_space_only_when_it_is_filled(void **state)
{
    struct sim_disk *d = disk_limited(2 * SIM_PAGE, 0);
    struct disk_file *f = open_made(d, "a");

    (void)state;
    fill(f, 16, 1, 'x');
    assert_int_equal(SIM_PAGE, sim_disk_used_bytes(d));
    fill(f, 0, 1, 'x');
    assert_int_equal(ERR_NO_SPACE, try_fill(f, 8, 1, 'x'));
    fill(f, 16, 8, 'y');
    disk_close(f);
    sim_disk_free(d);
}

static void test_space_of_a_disk_without_a_limit_is_large(void **state)
{
    struct sim_disk *d = sim_disk_new(NULL);
    uint64_t free_bytes = 0;
    uint64_t total = 0;

    (void)state;
    make_file(d, "a", "x");
    assert_int_equal(0, disk_space(sim_disk_as_disk(d), "/", &free_bytes, &total));
    assert_true(free_bytes > (uint64_t)1 << 39);
    assert_int_equal(total - SIM_PAGE, free_bytes);
    assert_int_equal(ERR_NOT_FOUND, disk_space(sim_disk_as_disk(d), "x", &free_bytes, &total));
    sim_disk_free(d);
}

/* ---- numbers, stops, observers, traces ---- */

struct observed {
    uint64_t count;
    uint64_t last;
    char text[200];
};

static void observe(void *owner, struct sim_disk *d, const struct sim_disk_call *call)
{
    struct observed *o = (struct observed *)owner;
    size_t used = strlen(o->text);

    assert_int_equal(o->last + 1, call->number);
    assert_int_equal(call->number, sim_disk_operations(d));
    o->last = call->number;
    o->count++;
    snprintf(o->text + used, sizeof(o->text) - used, "%s %s%s%s;", sim_op_name(call->op),
             call->path, call->to != NULL ? ">" : "", call->to != NULL ? call->to : "");
}

static void test_an_observer_sees_each_operation_before_it_happens(void **state)
{
    struct sim_disk *d = sim_disk_new(NULL);
    struct observed o = {0};

    (void)state;
    sim_disk_observe(d, observe, &o);
    make_durable(d, "/", "a", "x");
    rename_file(d, "a", "b");
    assert_string_equal("open a;write a;sync a;sync_dir /;rename a>b;", o.text);
    assert_int_equal(5, sim_disk_operations(d));
    sim_disk_observe(d, NULL, NULL);
    remove_file(d, "b");
    assert_int_equal(5, o.count);
    sim_disk_free(d);
}

static void test_from_a_stop_on_nothing_has_an_effect(void **state)
{
    struct sim_disk *d = sim_disk_new(NULL);
    struct disk_file *f = open_made(d, "a");
    struct sim_crash c = {.kind = SIM_CRASH_EVERYTHING};
    char buf[1];
    size_t done = 0;

    (void)state;
    sync_names(d, "/");
    fill(f, 0, 1, 'x');
    sim_disk_stop_at(d, 4, 0);
    assert_false(sim_disk_is_stopped(d));
    assert_int_equal(ERR_IO, disk_sync(f));
    assert_true(sim_disk_is_stopped(d));
    assert_int_equal(ERR_IO, try_fill(f, 1, 1, 'y'));
    assert_int_equal(ERR_IO, disk_read(f, buf, 1, 0, &done));
    assert_int_equal(ERR_IO, disk_remove(sim_disk_as_disk(d), "a"));
    assert_int_equal(ERR_IO, disk_sync_dir(sim_disk_as_disk(d), "/"));
    assert_int_equal(ERR_IO, open_result(d, "a", DISK_READ));
    assert_string_equal("x", sectors_of(d, "a"));
    assert_true(sim_disk_is_dirty(d));
    sim_disk_crash(d, &c);
    assert_string_equal("x", sectors_of(d, "a")); /* the stopped sync lost nothing either */
    assert_false(sim_disk_is_stopped(d));
    assert_int_equal(0, open_result(d, "a", DISK_READ));
    assert_int_equal(ERR_IO, disk_sync(f)); /* K6: it belongs to the life before */
    disk_close(f);
    sim_disk_free(d);
}

static void test_the_write_that_meets_the_stop_can_be_torn(void **state)
{
    struct sim_disk *d = sim_disk_new(NULL);
    struct disk_file *f = open_made(d, "a");

    (void)state;
    fill(f, 0, 4, 'o');
    sim_disk_stop_at(d, 3, 2);
    assert_int_equal(ERR_IO, try_fill(f, 1, 3, 'n'));
    assert_string_equal("onno", sectors_of(d, "a"));
    assert_int_equal(ERR_IO, try_fill(f, 1, 3, 'z'));
    assert_string_equal("onno", sectors_of(d, "a"));
    disk_close(f);
    sim_disk_free(d);
}

static uint64_t trace_of(uint64_t seed, char letter)
{
    struct sim_disk_options o = {.seed = seed};
    struct sim_disk *d = sim_disk_new(&o);
    struct disk_file *f = open_made(d, "a");
    uint64_t trace = 0;

    fill(f, 0, 3, letter);
    sync_file(f);
    disk_close(f);
    trace = sim_disk_trace(d);
    sim_disk_free(d);
    return trace;
}

static void stop_here(void *owner, struct sim_disk *d, const struct sim_disk_call *call)
{
    if (call->op == *(const enum sim_op *)owner)
        sim_disk_stop_at(d, call->number, 0);
}

static void test_an_observer_can_stop_the_operation_it_sees(void **state)
{
    struct sim_disk *d = sim_disk_new(NULL);
    enum sim_op op = SIM_OP_RENAME;

    (void)state;
    sim_disk_observe(d, stop_here, &op);
    make_file(d, "a", "x");
    assert_int_equal(ERR_IO, disk_rename(sim_disk_as_disk(d), "a", "b"));
    assert_true(sim_disk_is_stopped(d) && sim_disk_has(d, "a"));
    sim_disk_free(d);
}

static void test_equal_runs_have_equal_traces_and_others_do_not(void **state)
{
    (void)state;
    assert_true(trace_of(1, 'x') == trace_of(1, 'x'));
    assert_false(trace_of(1, 'x') == trace_of(1, 'y'));
}

static void test_latency_adds_up_within_its_bounds(void **state)
{
    struct sim_disk *d = sim_disk_new(NULL);
    struct disk_file *f = open_made(d, "a");
    uint64_t elapsed = 0;

    (void)state;
    sim_disk_set_latency(d, SIM_OP_SYNC, 1000, 10);
    fill(f, 0, 1, 'x');
    assert_int_equal(0, sim_disk_take_elapsed_ns(d));
    for (int i = 0; i < 100; i++)
        sync_file(f);
    elapsed = sim_disk_take_elapsed_ns(d);
    assert_in_range(elapsed, 100001, 100999);
    assert_int_equal(0, sim_disk_take_elapsed_ns(d));
    disk_close(f);
    sim_disk_free(d);
}

/* ---- clones ---- */

static void test_a_clone_lives_its_own_life(void **state)
{
    struct sim_disk *d = sim_disk_new(NULL);
    struct disk_file *f = open_made(d, "a");
    struct disk_file *g = NULL;
    struct sim_disk *clone = NULL;

    (void)state;
    fill(f, 0, 2, 'x');
    sim_disk_set_latency(d, SIM_OP_WRITE, 7, 0);
    clone = sim_disk_clone(d);
    assert_true(sim_disk_digest(d) == sim_disk_digest(clone));
    assert_int_equal(0, sim_disk_operations(clone));
    assert_int_equal(0, sim_disk_open_files(clone));
    g = open_made(clone, "a");
    fill(g, 1, 1, 'c');
    fill(f, 0, 1, 'd');
    assert_int_equal(7, sim_disk_take_elapsed_ns(clone));
    assert_string_equal("dx", sectors_of(d, "a"));
    assert_string_equal("xc", sectors_of(clone, "a"));
    assert_false(sim_disk_digest(d) == sim_disk_digest(clone));
    sim_disk_check(clone);
    disk_close(f);
    sim_disk_free(d);
    disk_close(g);
    sim_disk_free(clone);
}

static void test_a_clone_keeps_what_is_not_durable_apart(void **state)
{
    struct sim_disk *d = sim_disk_new(NULL);
    struct disk_file *f = open_made(d, "a");
    struct sim_disk *clone = NULL;
    struct sim_crash c = {.kind = SIM_CRASH_NOTHING};

    (void)state;
    fill(f, 0, 1, 'o');
    sync_file(f);
    sync_names(d, "/");
    fill(f, 0, 1, 'n');
    make_file(d, "b", "unsynced");
    clone = sim_disk_clone(d);
    assert_true(sim_disk_is_dirty(clone));
    assert_string_equal("n", sectors_of(clone, "a"));
    sim_disk_crash(clone, &c);
    assert_string_equal("o", sectors_of(clone, "a"));
    assert_false(sim_disk_has(clone, "b"));
    assert_string_equal("n", sectors_of(d, "a"));
    assert_true(sim_disk_has(d, "b"));
    sim_disk_free(clone);
    disk_close(f);
    sim_disk_free(d);
}

/* ---- misuse ---- */

static void write_to_read_only(void *owner)
{
    struct disk_file *f = NULL;

    make_file((struct sim_disk *)owner, "a", "x");
    if (disk_open(sim_disk_as_disk((struct sim_disk *)owner), "a", DISK_READ, &f) == 0)
        (void)!try_write(f, 0, "y", 1);
}

static void use_a_stalled_disk(void *owner)
{
    sim_disk_set_stalled((struct sim_disk *)owner, true);
    make_dir((struct sim_disk *)owner, "p");
}

static void free_with_an_open_file(void *owner)
{
    struct sim_disk *d = sim_disk_new(NULL);

    (void)owner;
    (void)open_made(d, "a");
    sim_disk_free(d);
}

static void open_without_a_purpose(void *owner)
{
    struct disk_file *f = NULL;

    (void)!disk_open(sim_disk_as_disk((struct sim_disk *)owner), "a", DISK_CREATE, &f);
}

static void open_exclusively_what_is_not_made(void *owner)
{
    struct disk_file *f = NULL;

    (void)!disk_open(sim_disk_as_disk((struct sim_disk *)owner), "a", DISK_READ | DISK_EXCLUSIVE,
                     &f);
}

static void remove_nothing(void *owner)
{
    (void)!disk_remove(sim_disk_as_disk((struct sim_disk *)owner), "");
}

static void test_misuse_is_an_assertion(void **state)
{
    struct sim_disk *d = sim_disk_new(NULL);

    (void)state;
    expect_death(open_without_a_purpose, d, "DISK_READ | DISK_WRITE");
    expect_death(open_exclusively_what_is_not_made, d, "DISK_CREATE");
    expect_death(remove_nothing, d, "is_path");
    expect_death(write_to_read_only, d, "DISK_WRITE");
    expect_death(use_a_stalled_disk, d, "is_stalled");
    expect_death(free_with_an_open_file, d, "list_empty");
    sim_disk_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_what_was_written_is_read_back),
        LEAK_CHECKED(test_reads_end_at_the_end_of_the_file),
        LEAK_CHECKED(test_a_hole_reads_as_zeros),
        LEAK_CHECKED(test_random_writes_read_back_as_in_plain_memory),
        LEAK_CHECKED(test_allocating_grows_a_file_with_zeros_and_never_shrinks_it),
        LEAK_CHECKED(test_open_says_what_is_wrong_with_a_path),
        LEAK_CHECKED(test_names_can_be_made_renamed_and_removed),
        LEAK_CHECKED(test_a_removed_file_stays_readable_while_it_is_open),
        LEAK_CHECKED(test_listing_names_all_and_in_no_fixed_order),
        LEAK_CHECKED(test_files_may_be_removed_while_they_are_listed),
        LEAK_CHECKED(test_a_second_lock_on_a_file_is_busy),
        LEAK_CHECKED(test_a_lock_falls_with_the_power),
        LEAK_CHECKED(test_open_files_are_limited_and_counted),
        LEAK_CHECKED(test_a_full_disk_refuses_growth_but_not_overwriting),
        LEAK_CHECKED(test_a_hole_takes_space_only_when_it_is_filled),
        LEAK_CHECKED(test_space_of_a_disk_without_a_limit_is_large),
        LEAK_CHECKED(test_an_observer_sees_each_operation_before_it_happens),
        LEAK_CHECKED(test_from_a_stop_on_nothing_has_an_effect),
        LEAK_CHECKED(test_the_write_that_meets_the_stop_can_be_torn),
        LEAK_CHECKED(test_an_observer_can_stop_the_operation_it_sees),
        LEAK_CHECKED(test_equal_runs_have_equal_traces_and_others_do_not),
        LEAK_CHECKED(test_latency_adds_up_within_its_bounds),
        LEAK_CHECKED(test_a_clone_lives_its_own_life),
        LEAK_CHECKED(test_a_clone_keeps_what_is_not_durable_apart),
        LEAK_CHECKED(test_misuse_is_an_assertion),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
