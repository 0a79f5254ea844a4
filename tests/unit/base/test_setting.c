/* Tests of base/setting. */
#include "base/setting.h"

#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "base/rand.h"
#include "tests/lib/death.h"
#include "tests/lib/leaks.h"
#include "tests/lib/seed.h"
#include "tests/lib/test.h"

struct options {
    bool is_fast;
    int64_t depth;
    int64_t any;
    uint64_t segment;
    uint64_t area;
    uint64_t delay_ms;
    uint64_t pause_ms;
    char *path;
    int mode;
    struct setting_endpoint listen;
    double share;
};

static const char *const modes[] = {"never", "batch", "always", NULL};

enum row { FAST, DEPTH, ANY, SEGMENT, AREA, DELAY, PAUSE, PATH, MODE, LISTEN, SHARE, ROWS };

#define FIELD(member) offsetof(struct options, member)

static const struct setting table[] = {
    {"t.fast", SETTING_BOOL, FIELD(is_fast), "true", 0, 0, NULL, false, "Speed."},
    {"t.depth", SETTING_INT, FIELD(depth), "5", -10, 10, NULL, false, "Depth."},
    {"t.any", SETTING_INT, FIELD(any), "-1", 0, 0, NULL, false, "Any number."},
    {"t.segment", SETTING_SIZE, FIELD(segment), "64MiB", 4096, 1 << 30, NULL, false, "Segment."},
    {"t.area", SETTING_SIZE, FIELD(area), "0", 0, 0, NULL, false, "Area."},
    {"t.delay", SETTING_DURATION, FIELD(delay_ms), "10s", 1, 60000, NULL, true, "Delay."},
    {"t.pause", SETTING_DURATION, FIELD(pause_ms), "250ms", 0, 0, NULL, true, "Pause."},
    {"t.path", SETTING_TEXT, FIELD(path), "", 0, 0, NULL, false, "Path."},
    {"t.mode", SETTING_CHOICE, FIELD(mode), "batch", 0, 0, modes, false, "Mode."},
    {"t.listen", SETTING_ENDPOINT, FIELD(listen), "127.0.0.1:5672", 0, 0, NULL, false, "Listen."},
    {"t.share", SETTING_SHARE, FIELD(share), "0.6", 0, 0, NULL, false, "Share."},
    {0},
};

static struct options options;

static int setup(void **state)
{
    leaks_setup(state);
    memset(&options, 0, sizeof(options));
    setting_defaults(table, &options);
    return 0;
}

static int teardown(void **state)
{
    setting_release(table, &options);
    assert_null(options.path);
    return leaks_teardown(state);
}

static void assert_sets(enum row row, const char *text)
{
    struct err_note note = {0};
    int rv = setting_set(&table[row], &options, text, &note);

    if (rv != 0)
        fail_msg("%s: %s", err_name(rv), note.text);
    assert_string_equal(note.text, "");
}

static void assert_refuses(enum row row, const char *text, int expected, const char *sentence)
{
    struct err_note note = {0};
    struct options before = options;

    assert_int_equal(setting_set(&table[row], &options, text, &note), expected);
    assert_string_equal(note.text, sentence);
    assert_memory_equal(&before, &options, sizeof(options));
}

static void assert_shows(enum row row, const char *expected)
{
    char *text = setting_show(&table[row], &options);

    assert_string_equal(text, expected);
    mem_free(text);
}

static void test_defaults_fill_every_field(void **state)
{
    (void)state;
    assert_true(options.is_fast);
    assert_int_equal(options.depth, 5);
    assert_int_equal(options.any, -1);
    assert_int_equal(options.segment, 64 << 20);
    assert_int_equal(options.area, 0);
    assert_int_equal(options.delay_ms, 10000);
    assert_int_equal(options.pause_ms, 250);
    assert_string_equal(options.path, "");
    assert_int_equal(options.mode, 1);
    assert_string_equal(options.listen.host, "127.0.0.1");
    assert_int_equal(options.listen.port, 5672);
}

static void test_filling_defaults_again_keeps_no_old_text(void **state)
{
    (void)state;
    assert_sets(PATH, "/var/lib");
    assert_sets(PATH, "/srv"); /* the leak check sees to the first */
    assert_string_equal(options.path, "/srv");
    setting_defaults(table, &options);
    assert_string_equal(options.path, "");
}

static void test_booleans(void **state)
{
    (void)state;
    assert_sets(FAST, "off");
    assert_shows(FAST, "false");
    assert_sets(FAST, "on");
    assert_shows(FAST, "true");
    assert_refuses(FAST, "yes", ERR_INVALID,
                   "setting 't.fast' is 'yes', but must be true or false");
}

static void test_numbers(void **state)
{
    (void)state;
    assert_sets(DEPTH, "-10");
    assert_shows(DEPTH, "-10");
    assert_refuses(DEPTH, "11", ERR_RANGE,
                   "setting 't.depth' is '11', but must be a whole number from -10 to 10");
    assert_refuses(DEPTH, "x", ERR_INVALID,
                   "setting 't.depth' is 'x', but must be a whole number from -10 to 10");
    assert_sets(ANY, "-9223372036854775808");
    assert_shows(ANY, "-9223372036854775808");
    assert_refuses(ANY, "9223372036854775808", ERR_RANGE,
                   "setting 't.any' is '9223372036854775808', but must be a whole number");
}

static void test_sizes(void **state)
{
    (void)state;
    assert_sets(SEGMENT, "4k");
    assert_int_equal(options.segment, 4096);
    assert_shows(SEGMENT, "4KiB");
    assert_refuses(SEGMENT, "4095", ERR_RANGE,
                   "setting 't.segment' is '4095', but must be a number of bytes such as 4096, "
                   "64KiB or 1GB, from 4KiB to 1GiB");
    assert_refuses(AREA, "-1", ERR_INVALID,
                   "setting 't.area' is '-1', but must be a number of bytes such as 4096, 64KiB or "
                   "1GB");
    assert_sets(AREA, "18446744073709551615");
    assert_shows(AREA, "18446744073709551615");
    assert_sets(AREA, "5GB");
    assert_shows(AREA, "5GB");
}

static void test_durations(void **state)
{
    (void)state;
    assert_sets(DELAY, "1m");
    assert_int_equal(options.delay_ms, 60000);
    assert_shows(DELAY, "1m");
    assert_refuses(
        DELAY, "2m", ERR_RANGE,
        "setting 't.delay' is '2m', but must be a time such as 250ms, 10s, 5m, 2h or 7d, "
        "from 1ms to 1m");
    assert_sets(PAUSE, "36h");
    assert_shows(PAUSE, "36h");
    assert_sets(PAUSE, "0");
    assert_shows(PAUSE, "0");
}

static void test_choices(void **state)
{
    (void)state;
    assert_sets(MODE, "always");
    assert_int_equal(options.mode, 2);
    assert_shows(MODE, "always");
    assert_refuses(MODE, "Always", ERR_INVALID,
                   "setting 't.mode' is 'Always', but must be one of never, batch or always");
    assert_refuses(MODE, "", ERR_INVALID,
                   "setting 't.mode' is '', but must be one of never, batch or always");
}

static void assert_endpoint(const char *text, const char *host, uint16_t port, const char *shown)
{
    assert_sets(LISTEN, text);
    assert_string_equal(options.listen.host, host);
    assert_int_equal(options.listen.port, port);
    assert_shows(LISTEN, shown);
}

static void test_endpoints(void **state)
{
    (void)state;
    assert_endpoint("5672", "", 5672, "5672");
    assert_endpoint("65535", "", 65535, "65535");
    assert_endpoint("0.0.0.0:1", "0.0.0.0", 1, "0.0.0.0:1");
    assert_endpoint("[::1]:5672", "::1", 5672, "[::1]:5672");
    assert_endpoint("[fe80::1%eth0]:5672", "fe80::1%eth0", 5672, "[fe80::1%eth0]:5672");
    assert_endpoint("my-host.example:5672", "my-host.example", 5672, "my-host.example:5672");
    assert_endpoint("127.0.0.1:0", "127.0.0.1", 0, "127.0.0.1:0");
    assert_true(options.listen.is_on);
    assert_endpoint("none", "", 0, "none");
    assert_false(options.listen.is_on);
}

static void test_bad_endpoints(void **state)
{
    static const struct {
        const char *text;
        int rv;
    } cases[] = {
        {"", ERR_INVALID},
        {"0", ERR_RANGE},
        {"65536", ERR_RANGE},
        {"localhost", ERR_INVALID},
        {":5672", ERR_INVALID},
        {"::1:5672", ERR_INVALID},
        {"[::1]", ERR_INVALID},
        {"[::1]5672", ERR_INVALID},
        {"[]:5672", ERR_INVALID},
        {"[::1:5672", ERR_INVALID},
        {"a b:5672", ERR_INVALID},
        {"127.0.0.1:", ERR_INVALID},
        {"127.0.0.1:-1", ERR_INVALID},
        {"127.0.0.1:65536", ERR_RANGE},
        {"127.0.0.1:5672 ", ERR_INVALID},
        {"None", ERR_INVALID},
        {"a/b:1", ERR_INVALID},
        {"[a]b]:1", ERR_INVALID},
        {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa:1", ERR_INVALID},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char *sentence =
            mem_format("setting 't.listen' is '%s', but must be none, a port from 1 to "
                       "65535, or an address and a port such as 127.0.0.1:5672 or "
                       "[::1]:5672",
                       cases[i].text);
        assert_refuses(LISTEN, cases[i].text, cases[i].rv, sentence);
        mem_free(sentence);
    }
}

static void test_a_host_may_fill_its_field(void **state)
{
    char text[SETTING_HOST_SIZE + 8];

    (void)state;
    memset(text, 'h', SETTING_HOST_SIZE - 1);
    memcpy(text + SETTING_HOST_SIZE - 1, ":1", 3);
    assert_sets(LISTEN, text);
    assert_int_equal(strlen(options.listen.host), SETTING_HOST_SIZE - 1);
}

static void test_a_long_value_does_not_hide_what_is_allowed(void **state)
{
    char text[3000];
    struct err_note note = {0};

    (void)state;
    memset(text, 'z', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    assert_int_equal(setting_set(&table[MODE], &options, text, &note), ERR_INVALID);
    assert_non_null(strstr(note.text, "zzz...', but must be one of never, batch or always"));
    assert_int_equal(setting_set(&table[LISTEN], &options, text, &note), ERR_INVALID);
    assert_non_null(strstr(note.text, "or [::1]:5672"));
}

static void test_shares(void **state)
{
    static const struct {
        const char *text;
        double value;
        const char *shown;
    } good[] = {{"0", 0, "0"},   {"1", 1, "1"},          {"0.4", 0.4, "0.4"},
                {"1.0", 1, "1"}, {"0.05", 0.05, "0.05"}, {"0.123456", 0.123456, "0.123456"}};
    static const char *const bad[] = {"",     ".",         "0.",  ".5",   "1.5",  "2",
                                      "-0.1", "0.1234567", "0,5", "0.5x", "1e-1", "00.5"};
    struct err_note note;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        assert_int_equal(setting_set(&table[SHARE], &options, good[i].text, NULL), 0);
        assert_true(options.share > good[i].value - 1e-9 && options.share < good[i].value + 1e-9);
        char *shown = setting_show(&table[SHARE], &options);
        assert_string_equal(shown, good[i].shown);
        mem_free(shown);
    }
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        assert_int_not_equal(setting_set(&table[SHARE], &options, bad[i], &note), 0);
        assert_non_null(strstr(note.text, "a share from 0 to 1"));
    }
}

static void test_a_share_may_be_a_multiple(void **state)
{
    static const struct setting row = {
        .name = "t.multiple", .kind = SETTING_SHARE, .offset = FIELD(share), .max = 20};
    static const char *const bad[] = {"20.1", "21", "100", "01", "012.5", "1.", "1.2.3"};
    struct err_note note;

    (void)state;
    assert_int_equal(setting_set(&row, &options, "12.5", NULL), 0);
    assert_true(options.share > 12.4999 && options.share < 12.5001);
    assert_int_equal(setting_set(&row, &options, "20.0", NULL), 0);
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        assert_int_not_equal(setting_set(&row, &options, bad[i], &note), 0);
        assert_non_null(strstr(note.text, "a share from 0 to 20"));
    }
}

static void test_what_is_shown_reads_back_as_the_same_value(void **state)
{
    static const uint64_t factors[] = {1,       1000,       1024,    1000000,
                                       1 << 20, 1000000000, 1 << 30, 86400000};
    struct rand r;

    (void)state;
    rand_init(&r, test_seed());
    for (int i = 0; i < 3000; i++) {
        uint64_t n = rand_below(&r, 5000) * factors[rand_below(&r, ARRAY_SIZE(factors))];
        options.area = n;
        options.pause_ms = n;
        options.any = (int64_t)rand_next(&r);
        struct options expected = options;
        for (enum row row = 0; row < ROWS; row++) {
            char *text = setting_show(&table[row], &options);
            assert_sets(row, text);
            mem_free(text);
        }
        assert_string_equal(options.path, "");
        expected.path = options.path;
        assert_memory_equal(&expected, &options, sizeof(options));
    }
}

static void fill_a_bad_default(void *owner)
{
    const struct setting bad[] = {
        {"t.depth", SETTING_INT, FIELD(depth), "11", -10, 10, NULL, false, "Depth."}, {0}};

    setting_defaults(bad, owner);
}

static void test_a_default_that_its_own_row_forbids_is_a_bug(void **state)
{
    (void)state;
    expect_death(fill_a_bad_default, &options, "rv == 0");
}

#define SETTING_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SETTING_TEST(test_defaults_fill_every_field),
        SETTING_TEST(test_filling_defaults_again_keeps_no_old_text),
        SETTING_TEST(test_booleans),
        SETTING_TEST(test_numbers),
        SETTING_TEST(test_sizes),
        SETTING_TEST(test_durations),
        SETTING_TEST(test_choices),
        SETTING_TEST(test_endpoints),
        SETTING_TEST(test_bad_endpoints),
        SETTING_TEST(test_shares),
        SETTING_TEST(test_a_share_may_be_a_multiple),
        SETTING_TEST(test_a_host_may_fill_its_field),
        SETTING_TEST(test_a_long_value_does_not_hide_what_is_allowed),
        SETTING_TEST(test_what_is_shown_reads_back_as_the_same_value),
        SETTING_TEST(test_a_default_that_its_own_row_forbids_is_a_bug),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
