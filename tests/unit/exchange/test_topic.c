/* What a binding key of a topic exchange may be. */
#include <stdio.h>

#include "tests/lib/board.h"
#include "tests/lib/leaks.h"

static struct board b;

static void test_two_hashes_are_allowed_and_three_are_not(void **state)
{
    (void)state;
    board_init(&b, NULL);
    board_queue(&b, "q");
    board_bind(&b, "amq.topic", "q", "#.a", "");
    board_bind(&b, "amq.topic", "q", "#.a.#", "");
    assert_int_equal(board_try_bind(&b, "amq.topic", "q", "#.a.#.#", ""), ERR_INVALID);
    assert_string_equal(b.note.text, "topic binding key has 3 words '#'; at most 2 are allowed");
    board_bind(&b, "amq.topic", "q", "#a.##.#b", ""); /* those are words like others */
    board_bind(&b, "amq.direct", "q", "#.#.#", "");   /* and here it is a key like others */
    board_release(&b);
}

static void make_words(char *key, unsigned count)
{
    memset(key, '.', count - 1);
    key[count - 1] = '\0';
}

static void test_words_are_limited_in_patterns_but_not_in_keys(void **state)
{
    char key[256];

    (void)state;
    board_init(&b, NULL);
    board_queue(&b, "q");
    board_queue(&b, "all");
    make_words(key, 127);
    board_bind(&b, "amq.topic", "q", key, "");
    make_words(key, 128);
    board_bind(&b, "amq.topic", "q", key, "");
    make_words(key, 129);
    assert_int_equal(board_try_bind(&b, "amq.topic", "q", key, ""), ERR_INVALID);
    board_bind(&b, "amq.topic", "all", "#", "");
    board_expect(&b, "amq.topic", key, "", "all");
    make_words(key, 256);
    board_expect(&b, "amq.topic", key, "", "all");
    make_words(key, 128);
    board_expect(&b, "amq.topic", key, "", "q all");
    board_release(&b);
}

static void test_extra_keys_add_their_queues_once(void **state)
{
    (void)state;
    board_init(&b, NULL);
    board_queue(&b, "q");
    board_queue(&b, "r");
    board_bind(&b, "amq.topic", "q", "a.*", "");
    board_bind(&b, "amq.topic", "r", "b.#", "");
    board_expect(&b, "amq.topic", "a.1|a.2", "", "q");
    board_expect(&b, "amq.topic", "a.1|b", "", "q r");
    board_expect(&b, "amq.topic", "c", "", "");
    board_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_two_hashes_are_allowed_and_three_are_not),
        LEAK_CHECKED(test_words_are_limited_in_patterns_but_not_in_keys),
        LEAK_CHECKED(test_extra_keys_add_their_queues_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
