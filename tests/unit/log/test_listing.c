/* Tests of log/listing: which files a directory holds. */
#include "log/listing.h"

#include <string.h>

#include "base/err.h"
#include "tests/lib/leaks.h"
#include "tests/unit/log/log_site.h"

static void put(struct log_site *l, const char *name)
{
    log_site_put(l, name, "", 0);
}

static void expect_numbers(const struct listing_numbers *n, size_t count, const uint64_t *expected)
{
    assert_int_equal(n->count, count);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(n->items[i], expected[i]);
}

static void test_an_empty_directory_has_nothing(void **state)
{
    struct log_site l;
    struct listing found;

    (void)state;
    log_site_init(&l);
    assert_int_equal(listing_read(&l.site, &found), 0);
    assert_int_equal(found.hot.count + found.cold.count + found.spare.count, 0);
    assert_int_equal(found.checkpoint.count + found.leftover_count, 0);
    listing_release(&found);
    log_site_release(&l);
}

static void test_files_are_sorted_by_kind_and_number(void **state)
{
    struct log_site l;
    struct listing found;

    (void)state;
    log_site_init(&l);
    put(&l, "hot-0000000000000100.seg");
    put(&l, "hot-00000000000000ff.seg");
    put(&l, "hot-ffffffffffffffff.seg");
    put(&l, "hot-0000000000000000.seg");
    put(&l, "cold-0000000000000007.seg");
    put(&l, "spare-0000000000000002.seg");
    put(&l, "spare-0000000000000001.seg");
    put(&l, "checkpoint-0000000000000005");
    put(&l, "checkpoint-0000000000000004");
    put(&l, "manifest.new");
    put(&l, "checkpoint-0000000000000006.new");
    assert_int_equal(listing_read(&l.site, &found), 0);
    expect_numbers(&found.hot, 4, (uint64_t[]){0, 0xff, 0x100, UINT64_MAX});
    expect_numbers(&found.cold, 1, (uint64_t[]){7});
    expect_numbers(&found.spare, 2, (uint64_t[]){1, 2});
    expect_numbers(&found.checkpoint, 2, (uint64_t[]){4, 5});
    assert_int_equal(found.leftover_count, 2);
    listing_release(&found);
    log_site_release(&l);
}

static void test_what_is_not_ours_is_passed_over(void **state)
{
    struct log_site l;
    struct listing found;

    (void)state;
    log_site_init(&l);
    put(&l, "manifest");
    put(&l, "manifest.copy");
    put(&l, "watermark");
    put(&l, "notes.txt");
    put(&l, ".new"); /* no name before it */
    put(&l, "hot-0000000000000001.seg.bak");
    put(&l, "trash/hot-0000000000000001.seg");
    assert_int_equal(disk_make_dir(l.site.disk, "log/cold-0000000000000002.seg"), 0);
    assert_int_equal(disk_make_dir(l.site.disk, "log/x.new"), 0);
    assert_int_equal(listing_read(&l.site, &found), 0);
    assert_int_equal(found.hot.count + found.cold.count + found.spare.count, 0);
    assert_int_equal(found.checkpoint.count + found.leftover_count, 0);
    assert_null(found.in_the_way);
    listing_release(&found);
    log_site_release(&l);
}

static void test_a_directory_where_a_file_must_be_is_told(void **state)
{
    static const char *const names[] = {"manifest", "manifest.copy", "watermark",
                                        "hot-0000000000000002.seg"};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        struct log_site l;
        struct listing found;

        log_site_init(&l);
        put(&l, "hot-0000000000000001.seg");
        assert_int_equal(disk_make_dir(l.site.disk, site_path(&l.site, "%s", names[i]).text), 0);
        assert_int_equal(listing_read(&l.site, &found), 0);
        assert_string_equal(found.in_the_way, names[i]);
        expect_numbers(&found.hot, 1, (uint64_t[]){1});
        listing_release(&found);
        log_site_release(&l);
    }
}

static void test_many_files_are_all_found(void **state)
{
    enum { MANY = 300 };
    struct log_site l;
    struct listing found;

    (void)state;
    log_site_init(&l);
    for (unsigned i = 0; i < MANY; i++) {
        put(&l, strrchr(site_path(&l.site, "hot-%016x.seg", i * 7919 % MANY).text, '/') + 1);
        put(&l, strrchr(site_path(&l.site, "cold-%016x.seg", i * 7907 % MANY).text, '/') + 1);
        put(&l, strrchr(site_path(&l.site, "left-%u.new", i).text, '/') + 1);
    }
    assert_int_equal(listing_read(&l.site, &found), 0);
    assert_int_equal(found.hot.count, MANY);
    for (uint64_t i = 0; i < MANY; i++) {
        assert_int_equal(found.hot.items[i], i);
        assert_int_equal(found.cold.items[i], i);
    }
    assert_int_equal(found.leftover_count, MANY);
    listing_release(&found);
    log_site_release(&l);
}

static void test_an_error_leaves_an_empty_listing(void **state)
{
    struct log_site l;
    struct listing found;

    (void)state;
    log_site_init(&l);
    put(&l, "hot-0000000000000001.seg");
    log_site_fail(&l, SIM_OP_BIT(SIM_OP_LIST), ERR_NO_FILES, 1);
    assert_int_equal(listing_read(&l.site, &found), ERR_NO_FILES);
    assert_int_equal(found.hot.count, 0);
    assert_null(found.hot.items);
    log_site_release(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_an_empty_directory_has_nothing),
        LEAK_CHECKED(test_files_are_sorted_by_kind_and_number),
        LEAK_CHECKED(test_what_is_not_ours_is_passed_over),
        LEAK_CHECKED(test_a_directory_where_a_file_must_be_is_told),
        LEAK_CHECKED(test_many_files_are_all_found),
        LEAK_CHECKED(test_an_error_leaves_an_empty_listing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
