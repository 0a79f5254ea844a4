/* Tests of base/diag_tap. */
#include "base/diag_tap.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "tests/lib/test.h"

/* What was taken, a line each: level, blank, line. */
static char taken[DIAG_TAP_MAX * 2];
static size_t taken_size;
static bool speaks_back;

static void no_line(void *owner, const char *line)
{
    (void)owner;
    (void)line;
}

static int setup(void **state)
{
    const struct diag_options o = {.levels = {DIAG_INFO, DIAG_INFO, DIAG_ERROR, DIAG_INFO},
                                   .tap = {.level = DIAG_INFO}};

    (void)state;
    taken_size = 0;
    taken[0] = '\0';
    speaks_back = false;
    diag_set_sink(no_line, NULL);
    diag_set(&o);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    diag_tap_close();
    diag_set_sink(NULL, NULL);
    diag_set_level(DIAG_INFO);
    return 0;
}

static void keep(void *owner, enum diag_level level, struct bytes line)
{
    const size_t stamp = sizeof("2026-01-02 03:04:05.678Z ") - 1;

    (void)owner;
    taken_size += (size_t)snprintf(taken + taken_size, sizeof(taken) - taken_size, "%s %.*s\n",
                                   diag_level_name(level), (int)(line.size - stamp),
                                   (const char *)line.data + stamp);
    if (speaks_back)
        diag(DIAG_ERROR, "a", "an answer");
}

static void test_lines_come_in_order_with_their_levels(void **state)
{
    (void)state;
    diag(DIAG_ERROR, "a", "%s", "nobody listens yet");
    diag_tap_open();
    diag(DIAG_INFO, "a", "%s", "one");
    diag(DIAG_DEBUG, "a", "%s", "too quiet");
    diag(DIAG_WARNING, "channel", "%s", "its area is too quiet");
    diag(DIAG_ERROR, "b", "%s", "two\n");
    assert_int_equal(diag_tap_take(keep, NULL), 0);
    assert_string_equal(taken, "info info    [a] one\nerror error   [b] two\\n\n");
    assert_int_equal(diag_tap_take(keep, NULL), 0);
    diag(DIAG_WARNING, "c", "%s", "three");
    taken_size = 0;
    assert_int_equal(diag_tap_take(keep, NULL), 0);
    assert_string_equal(taken, "warning warning [c] three\n");
}

static void test_the_level_and_the_form_are_the_taps_own(void **state)
{
    struct diag_options o = {.console = {.level = DIAG_OFF}, .tap = {.level = DIAG_ERROR}};

    (void)state;
    diag_set(&o);
    diag_tap_open();
    diag(DIAG_WARNING, "a", "%s", "too quiet");
    assert_int_equal(diag_tap_take(keep, NULL), 0);
    assert_string_equal(taken, "");
    o.tap = (struct diag_sink){.level = DIAG_INFO, .is_json = true};
    diag_set(&o);
    diag(DIAG_WARNING, "a", "%s", "x");
    assert_int_equal(diag_tap_take(keep, NULL), 0);
    assert_non_null(strstr(taken, "\"level\":\"warning\",\"domain\":\"a\",\"msg\":\"x\"}"));
}

static void test_who_takes_does_not_hear_himself(void **state)
{
    (void)state;
    diag_tap_open();
    speaks_back = true;
    diag(DIAG_INFO, "a", "%s", "one");
    assert_int_equal(diag_tap_take(keep, NULL), 0);
    assert_string_equal(taken, "info info    [a] one\n");
    assert_int_equal(diag_tap_take(keep, NULL), 0);
    assert_string_equal(taken, "info info    [a] one\n");
}

static void test_what_finds_no_room_is_lost_and_counted(void **state)
{
    uint64_t lost = 0;
    uint64_t kept = 0;

    (void)state;
    diag_tap_open();
    for (unsigned i = 0; i < 10000; i++)
        diag(DIAG_INFO, "a", "%0100u", i);
    lost = diag_tap_take(keep, NULL);
    for (const char *at = taken; (at = strchr(at, '\n')) != NULL; at++)
        kept++;
    assert_true(lost > 0 && kept > 1000);
    assert_int_equal(kept + lost, 10000);
    diag(DIAG_INFO, "a", "%s", "there is room again");
    assert_int_equal(diag_tap_take(keep, NULL), 0);
    assert_non_null(strstr(taken, "there is room again"));
}

static void test_closing_forgets(void **state)
{
    (void)state;
    diag_tap_open();
    diag(DIAG_INFO, "a", "%s", "one");
    diag_tap_close();
    assert_false(diag_tap_is_open());
    diag(DIAG_INFO, "a", "%s", "two");
    diag_tap_open();
    assert_int_equal(diag_tap_take(keep, NULL), 0);
    assert_string_equal(taken, "");
}

enum { SPEAKERS = 4, LINES = 300 };

static void *speak(void *unused)
{
    (void)unused;
    for (int i = 0; i < LINES; i++)
        diag(DIAG_INFO, "a", "%s", "x");
    return NULL;
}

static void test_any_thread_may_speak(void **state)
{
    pthread_t threads[SPEAKERS];
    uint64_t kept = 0;

    (void)state;
    diag_tap_open();
    for (int i = 0; i < SPEAKERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, speak, NULL), 0);
    for (int i = 0; i < 100; i++)
        assert_int_equal(diag_tap_take(keep, NULL), 0);
    for (int i = 0; i < SPEAKERS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(diag_tap_take(keep, NULL), 0);
    for (const char *at = taken; (at = strchr(at, '\n')) != NULL; at++)
        kept++;
    assert_int_equal(kept, SPEAKERS * LINES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_lines_come_in_order_with_their_levels, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_the_level_and_the_form_are_the_taps_own, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_who_takes_does_not_hear_himself, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_finds_no_room_is_lost_and_counted, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_closing_forgets, setup, teardown),
        cmocka_unit_test_setup_teardown(test_any_thread_may_speak, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
