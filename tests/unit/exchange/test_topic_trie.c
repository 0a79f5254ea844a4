/* Patterns and routing keys, against a matcher that tries all pairs of prefixes. */
#include "exchange/topic_trie.h"

#include <stdio.h>

#include "tests/lib/board.h"
#include "tests/lib/leaks.h"
#include "tests/lib/seed.h"
#include "tests/lib/topic_oracle.h"

static struct board b;

static void test_patterns_match_as_documented(void **state)
{
    static const struct {
        const char *pattern;
        const char *key;
        bool is_match;
    } cases[] = {
        {"", "", true},
        {"", "a", false},
        {"a", "", false},
        {"a", "a", true},
        {"a", "b", false},
        {"a.b", "a.b", true},
        {"a.b", "a", false},
        {"a", "a.b", false},
        {"*", "", false},
        {"*", "a", true},
        {"*", "a.b", false},
        {"*.*", "a.b", true},
        {"#", "", true},
        {"#", "a", true},
        {"#", "a.b.c", true},
        {"a.#", "a", true},
        {"a.#", "a.b.c", true},
        {"a.#", "b", false},
        {"#.a", "a", true},
        {"#.a", "b.c.a", true},
        {"#.a", "a.b", false},
        {"a.#.b", "a.b", true},
        {"a.#.b", "a.c.d.b", true},
        {"a.#.b", "a.b.c", false},
        {"*.#", "", false},
        {"*.#", "a", true},
        {"#.*", "a.b", true},
        {"#.*", "", false},
        {"#.#", "", true},
        {"#.#", "a.b", true},
        {"a.", "a.", true},
        {"a.", "a", false},
        {"a.*", "a.", true},
        {".", ".", true},
        {"*.*", ".", true},
        {"..", "..", true},
        {"*", "*", true},
        {"a.*", "a.*", true},
        {"a.b", "a.*", false},
        {"#a", "#a", true},
        {"#a", "a", false},
        {"a*", "ab", false},
        {"*.a.#.b", "x.a.b", true},
        {"#.a.#", "x.a.y", true},
        {"#.a.#", "x.y", false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        board_init(&b, NULL);
        board_queue(&b, "q");
        board_bind(&b, "amq.topic", "q", cases[i].pattern, "");
        const char *route = board_route(&b, "amq.topic", cases[i].key, "");
        if ((route[0] == 'q') != cases[i].is_match)
            fail_msg("'%s' and '%s'", cases[i].pattern, cases[i].key);
        assert_int_equal(oracle_topic(bytes_text(cases[i].pattern), bytes_text(cases[i].key)),
                         cases[i].is_match);
        board_release(&b);
    }
}

/* A key of a few words out of few, so that they meet often. */
static void random_key(struct rand *r, const char *const *words, size_t count, char *out)
{
    size_t length = (size_t)rand_below(r, 6);

    out[0] = '\0';
    for (size_t i = 0; i < length; i++)
        snprintf(out + strlen(out), 32, "%s%s", i == 0 ? "" : ".", words[rand_below(r, count)]);
}

enum { PATTERNS = 60, KEYS = 60, KEY_SIZE = 256 };

static char patterns[PATTERNS][KEY_SIZE];
static bool is_bound[PATTERNS];

static void expect_key(const char *key)
{
    struct bytes bytes = bytes_text(key);
    const struct route_view view = {.keys = &bytes, .key_count = 1};
    struct route route;
    bool is_in[PATTERNS] = {false};

    route_message(b.table, board_find(&b, "amq.topic"), &view, &route);
    for (size_t i = 0; i < route.count; i++)
        is_in[route.queues[i] - 1] = true;
    for (size_t i = 0; i < PATTERNS; i++) {
        bool expected = is_bound[i] && oracle_topic(bytes_text(patterns[i]), bytes);
        if (is_in[i] != expected)
            fail_msg("'%s' and '%s': %d", patterns[i], key, is_in[i]);
    }
}

static void bind_some(struct rand *r)
{
    char queue[16];

    for (size_t i = 0; i < PATTERNS; i++) {
        snprintf(queue, sizeof(queue), "q%zu", i + 1);
        if (rand_chance(r, 1, 2))
            continue;
        if (is_bound[i])
            assert_int_equal(board_unbind(&b, "amq.topic", queue, patterns[i], ""), 0);
        else
            board_bind(&b, "amq.topic", queue, patterns[i], "");
        is_bound[i] = !is_bound[i];
    }
}

static void test_random_patterns_match_as_the_oracle_says(void **state)
{
    static const char *const pattern_words[] = {"a", "b", "", "*", "#", "#", "*", "ab"};
    static const char *const key_words[] = {"a", "b", "", "ab", "*", "c"};
    struct exchange_options o = exchange_options_default();
    struct rand r;
    char text[KEY_SIZE];

    (void)state;
    o.topic_hashes_max = 10;
    rand_init(&r, test_seed());
    for (unsigned round = 0; round < 60; round++) {
        board_init(&b, &o);
        memset(is_bound, 0, sizeof(is_bound));
        for (size_t i = 0; i < PATTERNS; i++) {
            snprintf(text, sizeof(text), "q%zu", i + 1);
            board_queue(&b, text);
            random_key(&r, pattern_words, ARRAY_SIZE(pattern_words), patterns[i]);
        }
        for (unsigned change = 0; change < 5; change++) {
            bind_some(&r);
            exchange_table_check(b.table);
            for (unsigned i = 0; i < KEYS; i++) {
                random_key(&r, key_words, ARRAY_SIZE(key_words), text);
                expect_key(text);
            }
        }
        board_release(&b);
    }
}

static void test_many_hashes_do_not_multiply(void **state)
{
    struct topic_trie t;
    struct walk w = {.stamp = 1};
    struct target queue = {.id = 7};
    char pattern[256];
    char key[256];
    struct binding binding = {.target = &queue};

    (void)state;
    pattern[0] = '\0';
    for (unsigned i = 0; i < 60; i++)
        snprintf(pattern + 4 * i, 8, "#.a.");
    snprintf(pattern + 240, 8, "b");
    for (unsigned i = 0; i < 127; i++)
        snprintf(key + 2 * i, 4, "a.");
    key[253] = '\0';
    topic_trie_init(&t, 1);
    binding.key = bytes_text(pattern);
    topic_trie_add(&t, &binding);
    topic_trie_match(&t, bytes_text(key), &w);
    assert_int_equal(w.queue_count, 0);
    assert_true(t.now.count <= t.node_count + 1); /* each node once: the work of a word */
    assert_true(t.now.capacity <= 256);
    topic_trie_remove(&t, &binding);
    assert_int_equal(topic_trie_check(&t), 0);
    topic_trie_release(&t);
    walk_release(&w);
}

static void test_nodes_go_with_their_last_binding(void **state)
{
    struct topic_trie t;
    struct target queue = {.id = 7};
    struct binding one = {.target = &queue, .key = bytes_text("a.*.c")};
    struct binding two = {.target = &queue, .key = bytes_text("a.*")};

    (void)state;
    topic_trie_init(&t, 1);
    topic_trie_add(&t, &one);
    topic_trie_add(&t, &two);
    assert_int_equal(t.node_count, 3);
    topic_trie_remove(&t, &one);
    assert_int_equal(t.node_count, 2);
    topic_trie_remove(&t, &two);
    assert_int_equal(t.node_count, 0);
    topic_trie_release(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_patterns_match_as_documented),
        LEAK_CHECKED(test_random_patterns_match_as_the_oracle_says),
        LEAK_CHECKED(test_many_hashes_do_not_multiply),
        LEAK_CHECKED(test_nodes_go_with_their_last_binding),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
