/* Tests of base/diag. */
#include "base/diag.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "tests/lib/death.h"
#include "tests/lib/test.h"

static char last_line[8192];
static int lines_seen;

static void keep_line(void *owner, const char *line)
{
    (void)owner;
    assert_true(strlen(line) < sizeof(last_line));
    memcpy(last_line, line, strlen(line) + 1);
    lines_seen++;
}

static int64_t fixed_clock(void *owner)
{
    return *(int64_t *)owner;
}

static int setup(void **state)
{
    static int64_t now;

    (void)state;
    now = 1767323045678; /* 2026-01-02 03:04:05.678 */
    lines_seen = 0;
    diag_set_level(DIAG_INFO);
    diag_set_sink(keep_line, NULL);
    diag_set_clock(fixed_clock, &now);
    *state = &now;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    diag_set_sink(NULL, NULL);
    diag_set_clock(NULL, NULL);
    diag_set_level(DIAG_INFO);
    return 0;
}

static void test_a_line_has_stamp_level_room_and_sentence(void **state)
{
    (void)state;
    diag(DIAG_INFO, "log", "partition-0 opened position=%d segments=%d", 42, 3);
    assert_string_equal(
        last_line,
        "2026-01-02 03:04:05.678Z info    [log] partition-0 opened position=42 segments=3");
    diag(DIAG_WARNING, "conf", "%s", "x");
    assert_string_equal(last_line, "2026-01-02 03:04:05.678Z warning [conf] x");
    diag(DIAG_ERROR, "io", "%s", "");
    assert_string_equal(last_line, "2026-01-02 03:04:05.678Z error   [io] ");
}

static void test_the_stamp_is_utc_and_padded(void **state)
{
    int64_t *now = *state;

    *now = 951782400007; /* a leap day */
    diag(DIAG_ERROR, "a", "b");
    assert_string_equal(last_line, "2000-02-29 00:00:00.007Z error   [a] b");
    *now = -1;
    diag(DIAG_ERROR, "a", "b");
    assert_string_equal(last_line, "1969-12-31 23:59:59.999Z error   [a] b");
}

static void test_without_a_test_it_is_today(void **state)
{
    (void)state;
    diag_set_clock(NULL, NULL);
    diag(DIAG_ERROR, "a", "b");
    assert_int_equal(strlen(last_line), strlen("2000-02-29 00:00:00.007Z error   [a] b"));
    assert_true(strncmp(last_line, "2024", 4) > 0); /* years sort as text */
}

static void test_what_is_below_the_threshold_is_not_written(void **state)
{
    (void)state;
    diag(DIAG_DEBUG, "a", "b");
    assert_int_equal(lines_seen, 0);
    diag_set_level(DIAG_DEBUG);
    diag(DIAG_DEBUG, "a", "b");
    assert_int_equal(lines_seen, 1);
    diag_set_level(DIAG_ERROR);
    diag(DIAG_WARNING, "a", "b");
    assert_int_equal(lines_seen, 1);
    diag_set_level(DIAG_OFF);
    diag(DIAG_ERROR, "a", "b");
    assert_int_equal(lines_seen, 1);
}

static void test_who_speaks_has_a_threshold_of_his_own(void **state)
{
    const struct diag_options options = {
        .levels = {[DIAG_OTHERS] = DIAG_WARNING,
                   [DIAG_CONNECTIONS] = DIAG_DEBUG,
                   [DIAG_CHANNELS] = DIAG_ERROR,
                   [DIAG_QUEUES] = DIAG_OFF},
        .console = {.level = DIAG_DEBUG},
        .file = {.level = DIAG_OFF},
    };

    (void)state;
    diag_set(&options);
    diag(DIAG_DEBUG, "connection", "%s", "heard");
    assert_int_equal(lines_seen, 1);
    diag(DIAG_WARNING, "channel", "%s", "too quiet");
    diag(DIAG_ERROR, "queue", "%s", "off");
    diag(DIAG_INFO, "log", "%s", "too quiet");
    assert_int_equal(lines_seen, 1);
    diag(DIAG_ERROR, "channel", "%s", "heard");
    diag(DIAG_WARNING, "log", "%s", "heard");
    assert_int_equal(lines_seen, 3);
}

static const char *message_of_last_line(void)
{
    const char *end_of_room = strstr(last_line, "] ");

    assert_non_null(end_of_room);
    return end_of_room + 2;
}

static void test_nobody_can_forge_a_line_or_move_the_cursor(void **state)
{
    static const struct {
        const char *said;
        const char *written;
    } cases[] = {
        {"a\nb", "a\\nb"},
        {"a\r\nb\tc", "a\\r\\nb\\tc"},
        {"\x1b[2J", "\\x1b[2J"},
        {"\x7f\x01", "\\x7f\\x01"},
        {"Gr\xc3\xbc\xc3\x9f"
         "e \xe2\x82\xac \xf0\x9f\x90\x87",
         "Gr\xc3\xbc\xc3\x9f"
         "e \xe2\x82\xac \xf0\x9f\x90\x87"},
        {"\xc2\x9b"
         "2J\xc2\xa0",
         "\\xc2\\x9b"
         "2J\xc2\xa0"},             /* U+009B is a control character, U+00A0 is none */
        {"\xff\xc3", "\\xff\\xc3"}, /* not UTF-8 */
        {"\xe2\x82", "\\xe2\\x82"}, /* cut off */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        diag(DIAG_INFO, "amqp", "%s", cases[i].said);
        assert_string_equal(message_of_last_line(), cases[i].written);
    }
}

static void test_a_long_message_is_cut_and_says_so(void **state)
{
    char text[5000];

    (void)state;
    memset(text, '\x01', sizeof(text) - 1); /* the byte that grows most */
    text[sizeof(text) - 1] = '\0';
    diag(DIAG_INFO, "a", "%s", text);
    size_t size = strlen(last_line);
    assert_true(size > 3000 && size < 4096);
    assert_string_equal(last_line + size - 7, "\\x01...");

    memset(text, 'x', sizeof(text) - 1);
    diag(DIAG_INFO, "a", "%s", text);
    assert_string_equal(last_line + strlen(last_line) - 4, "x...");
}

static void test_levels_are_read_as_they_are_spelled_in_the_settings(void **state)
{
    static const char *const names[] = {"debug", "info", "warning", "error", "none"};
    enum diag_level level = DIAG_DEBUG;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        assert_true(diag_level_parse(names[i], &level));
        assert_int_equal(level, (enum diag_level)i);
    }
    assert_false(diag_level_parse("Info", &level));
    assert_false(diag_level_parse("", &level));
    assert_false(diag_level_parse("off", &level));
    assert_int_equal(level, DIAG_OFF); /* untouched */
}

enum { THREADS = 4, LINES = 200 };

static void *speak(void *owner)
{
    for (int i = 0; i < LINES; i++)
        diag(DIAG_INFO, "thread", "number=%d line=%d padding=%0100d", *(int *)owner, i, 0);
    return NULL;
}

static void test_lines_of_several_threads_reach_standard_error_whole(void **state)
{
    static int numbers[THREADS] = {0, 1, 2, 3};
    int next[THREADS] = {0};
    pthread_t threads[THREADS];
    char line[512];
    FILE *file = tmpfile();
    int kept = dup(STDERR_FILENO);

    (void)state;
    diag_set_sink(NULL, NULL);
    assert_non_null(file);
    fflush(stderr);
    assert_int_not_equal(dup2(fileno(file), STDERR_FILENO), -1);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, speak, &numbers[i]), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_not_equal(dup2(kept, STDERR_FILENO), -1);
    close(kept);

    rewind(file);
    for (int i = 0; i < THREADS * LINES; i++) {
        char expected[256];
        int number = 0;
        assert_non_null(fgets(line, sizeof(line), file));
        assert_int_equal(strncmp(line, "2026-01-02 03:04:05.678Z info    [thread] number=", 49), 0);
        number = line[49] - '0';
        assert_in_range(number, 0, THREADS - 1);
        snprintf(expected, sizeof(expected), "number=%d line=%d padding=%0100d\n", number,
                 next[number]++, 0);
        assert_string_equal(line + 42, expected);
    }
    assert_null(fgets(line, sizeof(line), file));
    fclose(file);
}

static void set_a_wrong_level(void *owner)
{
    diag_set_level(*(enum diag_level *)owner);
}

static void test_an_unknown_level_is_a_bug(void **state)
{
    enum diag_level level = (enum diag_level)5;

    (void)state;
    expect_death(set_a_wrong_level, &level, "<= DIAG_OFF");
}

#define DIAG_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        DIAG_TEST(test_a_line_has_stamp_level_room_and_sentence),
        DIAG_TEST(test_the_stamp_is_utc_and_padded),
        DIAG_TEST(test_without_a_test_it_is_today),
        DIAG_TEST(test_what_is_below_the_threshold_is_not_written),
        DIAG_TEST(test_who_speaks_has_a_threshold_of_his_own),
        DIAG_TEST(test_nobody_can_forge_a_line_or_move_the_cursor),
        DIAG_TEST(test_a_long_message_is_cut_and_says_so),
        DIAG_TEST(test_levels_are_read_as_they_are_spelled_in_the_settings),
        DIAG_TEST(test_lines_of_several_threads_reach_standard_error_whole),
        DIAG_TEST(test_an_unknown_level_is_a_bug),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
