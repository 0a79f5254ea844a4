/* Distances between words, and the guess what somebody meant. */
#include "conf/nearest.h"

#include <string.h>

#include "tests/lib/test.h"

static void test_distance_counts_changes_and_swaps(void **state)
{
    static const struct {
        const char *a;
        const char *b;
        size_t distance;
    } rows[] = {
        {"", "", 0},        {"a", "a", 0},        {"", "abc", 3},      {"port", "prot", 1},
        {"port", "por", 1}, {"port", "sport", 1}, {"port", "pert", 1}, {"kitten", "sitting", 3},
        {"abc", "cab", 2},  {"ab", "ba", 1},      {"abcd", "badc", 2},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(nearest_distance(rows[i].a, rows[i].b), rows[i].distance);
        assert_int_equal(nearest_distance(rows[i].b, rows[i].a), rows[i].distance);
    }
}

static void test_long_words_have_a_distance_too(void **state)
{
    char a[1000], b[1000];

    (void)state;
    memset(a, 'a', sizeof(a) - 1);
    memset(b, 'b', sizeof(b) - 1);
    a[sizeof(a) - 1] = b[sizeof(b) - 1] = '\0';
    assert_int_equal(nearest_distance(a, b), 255);
    assert_int_equal(nearest_distance(a, ""), 255);
}

static void test_the_nearest_wins_and_the_first_of_equals(void **state)
{
    struct nearest n = {0};

    (void)state;
    nearest_try(&n, "log.levle", "log.lever");
    nearest_try(&n, "log.levle", "log.level");
    nearest_try(&n, "log.levle", "log.bevel");
    nearest_try(&n, "log.levle", "log.leale");
    assert_string_equal(n.text, "log.level");
    assert_int_equal(n.distance, 1);
}

static void test_what_is_far_is_not_guessed(void **state)
{
    struct nearest n = {0};

    (void)state;
    nearest_try(&n, "heartbeat", "frame_max");
    nearest_try(&n, "abc", "xyz");
    nearest_try(&n, "", "ab");
    assert_null(n.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_distance_counts_changes_and_swaps),
        cmocka_unit_test(test_long_words_have_a_distance_too),
        cmocka_unit_test(test_the_nearest_wins_and_the_first_of_equals),
        cmocka_unit_test(test_what_is_far_is_not_guessed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
