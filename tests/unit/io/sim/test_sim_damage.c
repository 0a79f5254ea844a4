/* Tests of io/sim/sim_damage.c and sim_look.c: damage does what it says and no more, to cached and
 * durable bytes alike. */
#include <stdio.h>
#include <string.h>

#include "tests/lib/death.h"
#include "tests/lib/leaks.h"
#include "tests/unit/io/sim/disk_words.h"

/* The sectors of "a" now and after a crash that loses all that is not durable. */
static void expect_both(const struct sim_disk *d, const char *now, const char *after)
{
    struct sim_disk *image = image_of(d, SIM_CRASH_NOTHING);

    assert_string_equal(now, sectors_of(d, "a"));
    assert_string_equal(after, sectors_of(image, "a"));
    sim_disk_free(image);
}

/* "a" is durable with "ooo"; its second sector is then 'n' and a fourth one was added, unsynced. */
static struct sim_disk *disk_with_dirt(void)
{
    struct sim_disk *d = sim_disk_new(NULL);
    struct disk_file *f = open_made(d, "a");

    fill(f, 0, 3, 'o');
    sync_file(f);
    sync_names(d, "/");
    fill(f, 1, 1, 'n');
    fill(f, 3, 1, 'n');
    disk_close(f);
    return d;
}

static void test_a_flipped_bit_is_one_bit(void **state)
{
    struct sim_disk *d = sim_disk_new(NULL);
    struct sim_disk *image = NULL;
    char before[8] = "abcdefg";
    char after[8] = {0};

    (void)state;
    sim_disk_put(d, "p/a", before, 7);
    image = sim_disk_clone(d);
    sim_disk_flip_bit(image, "p/a", 3, 1);
    sim_disk_peek(image, "p/a", 0, after, 7);
    assert_int_equal('d' ^ 2, after[3]);
    after[3] = 'd';
    assert_string_equal(before, after);
    expect_text(d, "p/a", before); /* the clone's page was its own */
    sim_disk_flip_bit(image, "p/a", 3, 1);
    assert_true(sim_disk_digest(d) == sim_disk_digest(image));
    sim_disk_free(image);
    sim_disk_free(d);
}

static void test_damage_hits_cached_and_durable_bytes(void **state)
{
    struct sim_disk *d = disk_with_dirt();

    (void)state;
    sim_disk_zero_sector(d, "a", 0);
    expect_both(d, "0non", "0oo");
    sim_disk_zero_sector(d, "a", 1); /* dirty: both versions are gone */
    expect_both(d, "00on", "00o");
    sim_disk_zero_sector(d, "a", 3); /* past the durable end */
    expect_both(d, "00o0", "00o");
    assert_true(sim_disk_is_dirty(d));
    sim_disk_free(d);
}

static void test_swapped_sectors_change_places(void **state)
{
    struct sim_disk *d = sim_disk_new(NULL);
    char bytes[SIM_SECTOR * 3 + 10];

    (void)state;
    memset(bytes, '1', SIM_SECTOR);
    memset(bytes + SIM_SECTOR, '2', SIM_SECTOR);
    memset(bytes + 2 * SIM_SECTOR, '3', SIM_SECTOR + 10);
    sim_disk_put(d, "a", bytes, sizeof(bytes));
    sim_disk_put(d, "b", "short", 5);
    sim_disk_swap_sectors(d, "a", 0, "a", 2);
    assert_string_equal("3213", sectors_of(d, "a"));
    sim_disk_swap_sectors(d, "a", 1, "b", 0); /* only 5 bytes are in both */
    sim_disk_peek(d, "a", SIM_SECTOR, bytes, 7);
    assert_memory_equal("short22", bytes, 7);
    expect_text(d, "b", "22222");
    sim_disk_free(d);
}

static void test_a_stale_sector_is_the_version_before_the_last_sync(void **state)
{
    struct sim_disk *d = sim_disk_new(NULL);
    struct disk_file *f = open_made(d, "a");

    (void)state;
    fill(f, 0, 4, '1');
    sync_file(f);
    sync_names(d, "/");
    assert_false(sim_disk_stale_sector(d, "a", 0)); /* there was none before */
    fill(f, 1, 2, '2');
    sync_file(f);
    fill(f, 2, 2, '3');
    sync_file(f);
    assert_string_equal("1233", sectors_of(d, "a"));
    assert_false(sim_disk_stale_sector(d, "a", 0));
    assert_true(sim_disk_stale_sector(d, "a", 1));
    assert_true(sim_disk_stale_sector(d, "a", 2));
    assert_true(sim_disk_stale_sector(d, "a", 3));
    expect_both(d, "1121", "1121");
    disk_close(f);
    sim_disk_free(d);
}

static void test_stale_sectors_survive_clones_and_crashes(void **state)
{
    struct sim_disk *d = sim_disk_new(NULL);
    struct disk_file *f = open_made(d, "a");
    struct sim_disk *image = NULL;

    (void)state;
    fill(f, 0, 1, '1');
    sync_file(f);
    sync_names(d, "/");
    fill(f, 0, 1, '2');
    image = image_of(d, SIM_CRASH_EVERYTHING);
    assert_string_equal("2", sectors_of(image, "a"));
    assert_true(sim_disk_stale_sector(image, "a", 0));
    assert_string_equal("1", sectors_of(image, "a"));
    sim_disk_free(image);
    disk_close(f);
    sim_disk_free(d);
}

static void test_cutting_and_appending_change_the_size_durably(void **state)
{
    struct sim_disk *d = sim_disk_new(NULL);
    struct disk_file *f = open_made(d, "a");
    char garbage[SIM_SECTOR];

    (void)state;
    memset(garbage, 'g', sizeof(garbage));
    fill(f, 0, 16, 'o');
    sync_names(d, "/");
    sim_disk_cut(d, "a", 9 * SIM_SECTOR);
    assert_int_equal(2 * SIM_PAGE, sim_disk_used_bytes(d));
    sim_disk_cut(d, "a", 2 * SIM_SECTOR);
    expect_both(d, "oo", "oo");
    assert_int_equal(SIM_PAGE, sim_disk_used_bytes(d));
    sim_disk_append(d, "a", garbage, sizeof(garbage));
    expect_both(d, "oog", "oog");
    sim_disk_cut(d, "a", 0);
    expect_both(d, "", "");
    assert_int_equal(0, sim_disk_used_bytes(d));
    fill(f, 1, 1, 'x'); /* what was cut away does not come back */
    assert_string_equal("0x", sectors_of(d, "a"));
    disk_close(f);
    sim_disk_free(d);
}

static void test_what_was_cut_inside_a_sector_reads_as_zeros_later(void **state)
{
    struct sim_disk *d = sim_disk_new(NULL);
    struct disk_file *f = open_made(d, "a");
    char byte = 'x';

    (void)state;
    fill(f, 0, 2, 'x');
    sync_file(f);
    sim_disk_cut(d, "a", SIM_SECTOR + 10);
    assert_int_equal(0, disk_allocate(f, 2 * SIM_SECTOR));
    sim_disk_peek(d, "a", SIM_SECTOR + 10, &byte, 1);
    assert_int_equal('\0', byte);
    sim_disk_check(d);
    disk_close(f);
    sim_disk_free(d);
}

static void test_files_are_put_duplicated_and_erased_durably(void **state)
{
    struct sim_disk *d = sim_disk_new(NULL);
    struct sim_disk *image = NULL;

    (void)state;
    sim_disk_put(d, "x/y/a", "first", 5);
    sim_disk_put(d, "x/y/a", "2nd", 3);
    sim_disk_duplicate(d, "x/y/a", "x/b");
    sim_disk_flip_bit(d, "x/b", 0, 0);
    sim_disk_put(d, "gone", "", 0);
    sim_disk_erase(d, "gone");
    assert_false(sim_disk_is_dirty(d));
    image = image_of(d, SIM_CRASH_NOTHING);
    expect_text(image, "x/y/a", "2nd");
    expect_text(image, "x/b", "3nd");
    assert_false(sim_disk_has(image, "gone"));
    sim_disk_free(image);
    sim_disk_free(d);
}

static void test_damage_to_a_name_overtakes_what_is_pending(void **state)
{
    struct sim_disk *d = sim_disk_new(NULL);
    struct sim_disk *image = NULL;

    (void)state;
    make_file(d, "tmp", "x");
    rename_file(d, "tmp", "a");
    sim_disk_erase(d, "a");
    image = image_of(d, SIM_CRASH_EVERYTHING);
    assert_false(sim_disk_has(image, "tmp") || sim_disk_has(image, "a"));
    sim_disk_free(image);
    sim_disk_free(d);
}

struct walked {
    char text[300];
};

static void add_path(void *owner, const char *path, bool is_dir, uint64_t size)
{
    struct walked *w = (struct walked *)owner;
    size_t used = strlen(w->text);

    snprintf(w->text + used, sizeof(w->text) - used, "%s%s=%d ", path, is_dir ? "/" : "",
             (int)size);
}

static void test_a_walk_names_everything_in_order(void **state)
{
    struct sim_disk *d = sim_disk_new(NULL);
    struct walked w = {{0}};

    (void)state;
    sim_disk_put(d, "b/2", "22", 2);
    sim_disk_put(d, "b/1", "1", 1);
    sim_disk_put(d, "c", "333", 3);
    make_dir(d, "a");
    sim_disk_walk(d, add_path, &w);
    assert_string_equal("a/=0 b/=0 b/1=1 b/2=2 c=3 ", w.text);
    sim_disk_free(d);
}

static void test_a_digest_sees_names_sizes_and_bytes(void **state)
{
    struct sim_disk *d = sim_disk_new(NULL);
    uint64_t empty = sim_disk_digest(d);
    uint64_t zeros = 0;
    uint64_t renamed = 0;

    (void)state;
    sim_disk_put(d, "a", "\0\0", 2);
    zeros = sim_disk_digest(d);
    assert_true(zeros != empty);
    rename_file(d, "a", "b");
    renamed = sim_disk_digest(d);
    assert_true(renamed != zeros);
    sim_disk_append(d, "b", "\0", 1);
    assert_true(sim_disk_digest(d) != renamed);
    sim_disk_cut(d, "b", 2);
    rename_file(d, "b", "a");
    assert_true(sim_disk_digest(d) == zeros);
    sim_disk_free(d);
}

static void flip_outside(void *owner)
{
    sim_disk_flip_bit((struct sim_disk *)owner, "a", 1, 0);
}

static void flip_in_nothing(void *owner)
{
    sim_disk_flip_bit((struct sim_disk *)owner, "missing", 0, 0);
}

static void test_damage_outside_of_files_is_an_assertion(void **state)
{
    struct sim_disk *d = sim_disk_new(NULL);

    (void)state;
    sim_disk_put(d, "a", "x", 1);
    expect_death(flip_outside, d, "got == 1");
    expect_death(flip_in_nothing, d, "inode != NULL");
    sim_disk_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_a_flipped_bit_is_one_bit),
        LEAK_CHECKED(test_damage_hits_cached_and_durable_bytes),
        LEAK_CHECKED(test_swapped_sectors_change_places),
        LEAK_CHECKED(test_a_stale_sector_is_the_version_before_the_last_sync),
        LEAK_CHECKED(test_stale_sectors_survive_clones_and_crashes),
        LEAK_CHECKED(test_cutting_and_appending_change_the_size_durably),
        LEAK_CHECKED(test_what_was_cut_inside_a_sector_reads_as_zeros_later),
        LEAK_CHECKED(test_files_are_put_duplicated_and_erased_durably),
        LEAK_CHECKED(test_damage_to_a_name_overtakes_what_is_pending),
        LEAK_CHECKED(test_a_walk_names_everything_in_order),
        LEAK_CHECKED(test_a_digest_sees_names_sizes_and_bytes),
        LEAK_CHECKED(test_damage_outside_of_files_is_an_assertion),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
