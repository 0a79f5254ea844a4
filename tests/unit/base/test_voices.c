/* Tests of base/voices. */
#include "base/voices.h"

#include <string.h>

#include "tests/lib/test.h"

enum { LINES_MAX = 64, LINE_SIZE = 128 };

#define SECOND UINT64_C(1000000000)

static char lines[LINES_MAX][LINE_SIZE];
static size_t line_count;

/* Keeps what stands behind the stamp, the level and the room. */
static void keep_line(void *owner, const char *line)
{
    const char *text = strstr(line, "] ");

    (void)owner;
    assert_non_null(text);
    assert_true(line_count < LINES_MAX && strlen(text + 2) < LINE_SIZE);
    memcpy(lines[line_count++], text + 2, strlen(text + 2) + 1);
}

static int setup(void **state)
{
    (void)state;
    line_count = 0;
    diag_set_sink(keep_line, NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    diag_set_sink(NULL, NULL);
    return 0;
}

static void test_of_one_format_ten_a_second_are_said(void **state)
{
    struct voices v = {.room = "test"};

    (void)state;
    for (int i = 0; i < 25; i++)
        voices_say(&v, 7 * SECOND, DIAG_WARNING, "a client is odd peer=%d", i);
    assert_int_equal(line_count, VOICES_PER_SECOND);
    assert_string_equal(lines[0], "a client is odd peer=0");
    assert_string_equal(lines[9], "a client is odd peer=9");
}

static void test_the_next_second_begins_with_what_was_not_said(void **state)
{
    struct voices v = {.room = "test"};

    (void)state;
    for (int i = 0; i < 25; i++)
        voices_say(&v, 7 * SECOND, DIAG_WARNING, "a client is odd peer=%d", i);
    line_count = 0;
    voices_say(&v, 8 * SECOND, DIAG_WARNING, "a client is odd peer=%d", 25);
    assert_int_equal(line_count, 2);
    assert_string_equal(lines[0], "and 15 more lines like the next one");
    assert_string_equal(lines[1], "a client is odd peer=25");
}

static void test_formats_do_not_take_from_each_other(void **state)
{
    struct voices v = {.room = "test"};

    (void)state;
    for (int i = 0; i < 25; i++)
        voices_say(&v, 7 * SECOND, DIAG_WARNING, "a client is odd peer=%d", i);
    voices_say(&v, 7 * SECOND, DIAG_WARNING, "a client is slow peer=%d", 1);
    assert_int_equal(line_count, VOICES_PER_SECOND + 1);
    assert_string_equal(lines[VOICES_PER_SECOND], "a client is slow peer=1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_of_one_format_ten_a_second_are_said, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_next_second_begins_with_what_was_not_said, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_formats_do_not_take_from_each_other, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
