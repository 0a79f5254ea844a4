/* Tests of http/target.h. */
#include "http/target.h"

#include <stdio.h>
#include <string.h>

#include "tests/lib/test.h"

static struct http_target t;

static int status(const char *text)
{
    return http_target_read(bytes_text(text), &t);
}

static void assert_segment(size_t i, const char *text)
{
    assert_true(i < t.segment_count);
    assert_true(bytes_equal(t.segments[i], bytes_text(text)));
}

static void assert_parameter(const char *name, const char *text)
{
    struct bytes value = {0};

    assert_true(http_target_find(&t, name, &value));
    assert_true(bytes_equal(value, bytes_text(text)));
}

static void test_a_path_is_cut_before_it_is_decoded(void **state)
{
    (void)state;
    assert_int_equal(status("/api/queues/%2F/my%20queue"), 0);
    assert_int_equal(t.segment_count, 4);
    assert_segment(2, "/");
    assert_segment(3, "my queue");
    assert_int_equal(status("/a/..%2f../%2e%2e/../b+c//"), 0);
    assert_int_equal(t.segment_count, 6);
    assert_segment(1, "../..");
    assert_segment(2, "..");
    assert_segment(3, "..");
    assert_segment(4, "b+c");
    assert_segment(5, "");
    assert_true(t.ends_with_slash);
    assert_int_equal(status("/"), 0);
    assert_int_equal(t.segment_count, 0);
    assert_int_equal(status("http://other:80/a?b"), 0);
    assert_segment(0, "a");
}

static void test_a_query_is_taken_apart(void **state)
{
    struct bytes value;

    (void)state;
    assert_int_equal(status("/x?page=1&name=a+b%26&flag&page=2&&=z"), 0);
    assert_parameter("page", "2");
    assert_parameter("name", "a b&");
    assert_parameter("flag", "");
    assert_false(http_target_find(&t, "", &value));
    assert_false(http_target_find(&t, "pag", &value));
}

static void test_bad_encodings_are_refused(void **state)
{
    static const char *const bad[] = {"/%ZZ",       "/%2",      "/%",   "/%00",
                                      "/a?b=%zz",   "/a?%00=b", "/%ff", "/%c3",
                                      "/%ed%a0%80", "*",        "x",    "http://host"};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        if (status(bad[i]) != 400)
            fail_msg("%s: %d", bad[i], status(bad[i]));
}

static void test_there_are_limits(void **state)
{
    char text[1024] = "";
    size_t size = 0;

    (void)state;
    for (int i = 0; i < HTTP_SEGMENTS_MAX; i++)
        size += (size_t)snprintf(text + size, sizeof(text) - size, "/a");
    assert_int_equal(status(text), 0);
    (void)snprintf(text + size, sizeof(text) - size, "/a");
    assert_int_equal(status(text), 404);
    size = (size_t)snprintf(text, sizeof(text), "/?");
    for (int i = 0; i < HTTP_PARAMETERS_MAX; i++)
        size += (size_t)snprintf(text + size, sizeof(text) - size, "a=b&");
    assert_int_equal(status(text), 0);
    (void)snprintf(text + size, sizeof(text) - size, "a=b");
    assert_int_equal(status(text), 400);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_path_is_cut_before_it_is_decoded),
        cmocka_unit_test(test_a_query_is_taken_apart),
        cmocka_unit_test(test_bad_encodings_are_refused),
        cmocka_unit_test(test_there_are_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
