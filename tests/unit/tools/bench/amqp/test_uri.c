/* Tests of tools/bench/amqp/uri.h. */
#include "tools/bench/amqp/uri.h"

#include <string.h>

#include "base/check.h"
#include "tests/lib/test.h"

static void test_what_is_left_out_has_a_default(void **state)
{
    struct uri u;

    (void)state;
    assert_int_equal(uri_parse("amqp://broker", &u, NULL), 0);
    assert_string_equal(u.host, "broker");
    assert_string_equal(u.user, "guest");
    assert_string_equal(u.password, "guest");
    assert_string_equal(u.vhost, "/");
    assert_int_equal(u.port, 5672);
}

static void test_every_part_can_be_given(void **state)
{
    struct uri u;

    (void)state;
    assert_int_equal(uri_parse("amqp://me:a%3Ab%40@10.0.0.1:5699/%2Fmine", &u, NULL), 0);
    assert_string_equal(u.user, "me");
    assert_string_equal(u.password, "a:b@");
    assert_string_equal(u.host, "10.0.0.1");
    assert_int_equal(u.port, 5699);
    assert_string_equal(u.vhost, "/mine");
}

static void test_a_slash_alone_is_the_default_vhost(void **state)
{
    struct uri u;

    (void)state;
    assert_int_equal(uri_parse("amqp://host:1/", &u, NULL), 0);
    assert_string_equal(u.vhost, "/");
    assert_int_equal(uri_parse("amqp://host/%2f", &u, NULL), 0);
    assert_string_equal(u.vhost, "/");
}

static void test_ipv6_stands_in_brackets(void **state)
{
    struct uri u;

    (void)state;
    assert_int_equal(uri_parse("amqp://[::1]:77", &u, NULL), 0);
    assert_string_equal(u.host, "::1");
    assert_int_equal(u.port, 77);
    assert_int_equal(uri_parse("amqp://[::1]", &u, NULL), 0);
    assert_int_equal(u.port, 5672);
}

static void test_what_is_no_uri_is_refused_and_quoted(void **state)
{
    static const char *const texts[] = {
        "",           "host",          "amqps://host",      "amqp://",          "amqp://:5672",
        "amqp://h:0", "amqp://h:x",    "amqp://h:99999",    "amqp://h:",        "amqp://u%2@h",
        "amqp://[::", "amqp://u%zz@h", "amqp://h/%00vhost", "amqp://[::1]junk",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        struct err_note note = {{0}};
        struct uri u;

        assert_int_equal(uri_parse(texts[i], &u, &note), ERR_INVALID);
        assert_non_null(strstr(note.text, texts[i]));
    }
}

static void test_a_part_that_is_too_long_is_refused(void **state)
{
    char text[2 * URI_PART_SIZE] = "amqp://";
    struct uri u;

    (void)state;
    memset(text + strlen("amqp://"), 'h', URI_PART_SIZE);
    assert_int_equal(uri_parse(text, &u, NULL), ERR_INVALID);
}

static void test_a_numeric_host_is_its_own_address(void **state)
{
    struct uri u;

    (void)state;
    assert_int_equal(uri_parse("amqp://127.0.0.1", &u, NULL), 0);
    assert_int_equal(uri_resolve(&u, NULL), 0);
    assert_string_equal(u.host, "127.0.0.1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_left_out_has_a_default),
        cmocka_unit_test(test_every_part_can_be_given),
        cmocka_unit_test(test_a_slash_alone_is_the_default_vhost),
        cmocka_unit_test(test_ipv6_stands_in_brackets),
        cmocka_unit_test(test_what_is_no_uri_is_refused_and_quoted),
        cmocka_unit_test(test_a_part_that_is_too_long_is_refused),
        cmocka_unit_test(test_a_numeric_host_is_its_own_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
