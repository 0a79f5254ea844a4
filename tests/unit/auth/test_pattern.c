/* Tests of auth/pattern: what matches, and what costs too much. */
#include "auth/pattern.h"

#include <string.h>

#include "auth/auth.h"
#include "tests/lib/leaks.h"

static bool matches(const char *pattern, const char *name)
{
    struct pattern *p = NULL;
    bool is_match = false;

    assert_int_equal(pattern_new(bytes_text(pattern), &p, NULL), 0);
    assert_true(bytes_equal(pattern_text(p), bytes_text(pattern)));
    is_match = pattern_matches(p, bytes_text(name));
    pattern_free(p);
    return is_match;
}

static void test_patterns_match_anywhere_and_the_empty_one_nothing_but_the_empty_name(void **state)
{
    (void)state;
    assert_true(matches(".*", "q"));
    assert_true(matches(".*", ""));
    assert_true(matches("b", "abc"));
    assert_false(matches("^b", "abc"));
    assert_true(matches("^(amq\\.gen.*|mine-.*)$", "mine-1"));
    assert_false(matches("^(amq\\.gen.*|mine-.*)$", "yours-1"));
    assert_true(matches("", ""));
    assert_false(matches("", "q"));
    assert_true(matches("^$", ""));
    assert_false(matches("^$", "q"));
    assert_true(matches("\xc3\xa4", "\xc3\xa4pfel")); /* bytes are bytes */
}

static void test_a_bad_pattern_is_refused_with_its_reason(void **state)
{
    static const char *const bad[] = {
        "(",
        "[",
        "*",
        "a{2,1}",
        "(?<n>a)(?<n>b)",
        "\\",
        "(*UTF8)a",
        "((a{100}){100}){100}", /* too large when compiled */
        "((((((((((((((((((((((((((((((((((((((((a))))))))))))))))))))))))))))))))))))))))",
    };
    static char large[AUTH_PATTERN_MAX + 2];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        struct err_note note = {{0}};
        struct pattern *p = NULL;

        assert_int_equal(pattern_new(bytes_text(bad[i]), &p, &note), ERR_INVALID);
        assert_non_null(strstr(note.text, "invalid regular expression"));
        assert_null(p);
    }
    memset(large, 'a', sizeof(large) - 1);
    struct err_note note = {{0}};
    struct pattern *p = NULL;
    assert_int_equal(pattern_new(bytes_text(large), &p, &note), ERR_INVALID);
    assert_non_null(strstr(note.text, "too large"));
}

static void test_a_match_that_costs_too_much_is_none(void **state)
{
    (void)state;
    assert_false(
        matches("(a+)+$", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"));
    assert_true(matches("(a+)+$", "aaaaaaaa"));
    assert_false(matches("(.*)*x(.*)*y(.*)*z", "................................................"));
}

static void test_words_are_filled_in_and_match_to_the_letter(void **state)
{
    const struct pattern_words words = {.username = bytes_text("a.b|.*"),
                                        .vhost = bytes_text("{username}\\E")};
    static const struct {
        const char *pattern;
        const char *key;
        bool is_match;
    } rows[] = {
        {"^{username}-.*$", "a.b|.*-x", true},
        {"^{username}-.*$", "aXb|.*-x", false},
        {"^{username}$", "anything", false},
        {"^{vhost}$", "{username}\\E", true}, /* not filled in twice */
        {"^{vhost}$", "a.b|.*\\E", false},
        {"^{client_id}$", "{client_id}", true},
        {"^{user", "{user", true},
        {"^a{2}$", "aa", true},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct pattern *p = NULL;

        assert_int_equal(pattern_new_with(bytes_text(rows[i].pattern), &words, &p, NULL), 0);
        assert_int_equal(pattern_matches(p, bytes_text(rows[i].key)), rows[i].is_match);
        assert_true(bytes_equal(pattern_text(p), bytes_text(rows[i].pattern)));
        pattern_free(p);
    }
}

static void test_words_that_make_it_too_large_are_refused(void **state)
{
    static char name[255];
    static char text[AUTH_PATTERN_MAX];
    struct pattern *p = NULL;

    (void)state;
    memset(name, 'n', sizeof(name));
    for (size_t i = 0; i + 10 <= sizeof(text); i += 10)
        memcpy(text + i, "{username}", 10);
    struct pattern_words words = {.username = bytes_of(name, sizeof(name))};
    assert_int_equal(pattern_new_with(bytes_of(text, 4090), &words, &p, NULL), ERR_INVALID);
    assert_null(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_patterns_match_anywhere_and_the_empty_one_nothing_but_the_empty_name),
        LEAK_CHECKED(test_a_bad_pattern_is_refused_with_its_reason),
        LEAK_CHECKED(test_a_match_that_costs_too_much_is_none),
        LEAK_CHECKED(test_words_are_filled_in_and_match_to_the_letter),
        LEAK_CHECKED(test_words_that_make_it_too_large_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
