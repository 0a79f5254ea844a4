/* Tests of log/site: names and paths. */
#include "log/site.h"

#include <string.h>

#include "tests/lib/death.h"
#include "tests/lib/test.h"

static void test_a_path_is_the_directory_and_the_name(void **state)
{
    struct site s = {.dir = "data/partition-0"};

    (void)state;
    assert_string_equal(site_path(&s, "hot-%016x.seg", 0xabcu).text,
                        "data/partition-0/hot-0000000000000abc.seg");
    assert_string_equal(site_path(&s, "watermark").text, "data/partition-0/watermark");
}

static void test_the_mark_is_the_start_of_the_id(void **state)
{
    struct site s = {.id = {0x78, 0x56, 0x34, 0x12, 0xff}};

    (void)state;
    assert_int_equal(site_mark(&s), 0x12345678);
}

static void test_a_name_gives_its_number(void **state)
{
    uint64_t n = 0;

    (void)state;
    assert_true(site_parse_name("hot-0000000000000000.seg", "hot", ".seg", &n));
    assert_int_equal(n, 0);
    assert_true(site_parse_name("cold-0123456789abcdef.seg", "cold", ".seg", &n));
    assert_int_equal(n, 0x0123456789abcdef);
    assert_true(site_parse_name("checkpoint-ffffffffffffffff", "checkpoint", "", &n));
    assert_int_equal(n, UINT64_MAX);
}

static void test_other_names_are_none_of_ours(void **state)
{
    static const char *const names[] = {
        "",
        "hot",
        "hot-.seg",
        "hot-0000000000000000",
        "hot-0000000000000000.seg.new",
        "hot-000000000000000.seg",
        "hot-00000000000000000.seg",
        "hot-000000000000000g.seg",
        "hot-000000000000ABCD.seg",
        "hot_0000000000000000.seg",
        "hut-0000000000000000.seg",
        "hot-0000000000000000.sag",
        "hot--000000000000001.seg",
        "hot- 000000000000001.seg",
        "hot-0x00000000000001.seg",
    };
    uint64_t n = 77;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        assert_false(site_parse_name(names[i], "hot", ".seg", &n));
    assert_int_equal(n, 77);
}

static void make_too_long_a_path(void *owner)
{
    (void)site_path(owner, "name");
}

static void test_misuse_is_a_bug(void **state)
{
    static char dir[SITE_PATH_SIZE];
    struct site s = {.dir = dir};

    (void)state;
    memset(dir, 'd', sizeof(dir) - 3);
    expect_death(make_too_long_a_path, &s, "sizeof(path.text)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_path_is_the_directory_and_the_name),
        cmocka_unit_test(test_the_mark_is_the_start_of_the_id),
        cmocka_unit_test(test_a_name_gives_its_number),
        cmocka_unit_test(test_other_names_are_none_of_ours),
        cmocka_unit_test(test_misuse_is_a_bug),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
