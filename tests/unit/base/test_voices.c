/* Tests of base/voices. */
#include "base/voices.h"

#include <stdio.h>
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

/* A line about that host at that second. */
static void say(struct voices *v, uint64_t second, const char *host, int number)
{
    char peer[96];

    snprintf(peer, sizeof(peer), "%s:%d", host, 1000 + number);
    voices_say(v, &(struct voices_line){second * SECOND, DIAG_WARNING, peer},
               "a client is odd peer=%s", peer);
}

static void test_so_many_lines_about_a_host_are_said(void **state)
{
    static struct voices v = {.room = "test"};

    (void)state;
    for (int i = 0; i < 25; i++)
        say(&v, 7, "10.0.0.7", i);
    assert_int_equal(line_count, VOICES_PER_HOST);
    assert_string_equal(lines[0], "a client is odd peer=10.0.0.7:1000");
    assert_string_equal(lines[9], "a client is odd peer=10.0.0.7:1009");
    say(&v, 7 + VOICES_HOST_S - 1, "10.0.0.7", 25);
    assert_int_equal(line_count, VOICES_PER_HOST);
}

static void test_a_noisy_host_does_not_hide_others(void **state)
{
    static struct voices v = {.room = "test"};

    (void)state;
    for (int i = 0; i < 1000; i++)
        say(&v, 7, "10.0.0.7", i);
    line_count = 0;
    say(&v, 7, "10.0.0.8", 1);
    say(&v, 7, "[::1]", 2);
    assert_int_equal(line_count, 2);
    assert_string_equal(lines[0], "a client is odd peer=10.0.0.8:1001");
    assert_string_equal(lines[1], "a client is odd peer=[::1]:1002");
}

static void test_what_was_not_said_is_counted_and_told(void **state)
{
    static struct voices v = {.room = "test"};

    (void)state;
    for (int i = 0; i < 25; i++)
        say(&v, 7, "10.0.0.7", i);
    line_count = 0;
    say(&v, 7 + VOICES_HOST_S, "10.0.0.7", 25);
    assert_int_equal(line_count, 2);
    assert_string_equal(lines[0], "15 more lines about clients at 10.0.0.7 were left out");
    assert_string_equal(lines[1], "a client is odd peer=10.0.0.7:1025");
}

static void test_it_is_told_also_when_others_come(void **state)
{
    static struct voices v = {.room = "test"};

    (void)state;
    for (int i = 0; i < 25; i++)
        say(&v, 7, "10.0.0.7", i);
    line_count = 0;
    say(&v, 9, "10.0.0.8", 1);
    assert_int_equal(line_count, 1);
    say(&v, 7 + VOICES_HOST_S, "10.0.0.8", 2);
    assert_int_equal(line_count, 3);
    assert_string_equal(lines[1], "15 more lines about clients at 10.0.0.7 were left out");
}

static void test_many_hosts_together_have_a_limit_too(void **state)
{
    static struct voices v = {.room = "test"};
    char host[32];

    (void)state;
    for (int i = 0; i < 10000; i++) {
        snprintf(host, sizeof(host), "10.0.%d.%d", i / 250, i % 250);
        say(&v, 7, host, 0);
    }
    assert_int_equal(line_count, VOICES_PER_SECOND);
    line_count = 0;
    say(&v, 8, "10.9.9.9", 0);
    assert_string_equal(lines[0], "9950 more lines about clients were left out");
    assert_string_equal(lines[1], "a client is odd peer=10.9.9.9:1000");
}

static void test_a_very_long_host_is_cut(void **state)
{
    static struct voices v = {.room = "test"};
    char host[81];

    (void)state;
    memset(host, 'h', sizeof(host) - 1);
    host[sizeof(host) - 1] = '\0';
    for (int i = 0; i < 25; i++)
        say(&v, 7, host, i);
    assert_int_equal(line_count, VOICES_PER_HOST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_so_many_lines_about_a_host_are_said, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_noisy_host_does_not_hide_others, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_was_not_said_is_counted_and_told, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_it_is_told_also_when_others_come, setup, teardown),
        cmocka_unit_test_setup_teardown(test_many_hosts_together_have_a_limit_too, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_very_long_host_is_cut, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
