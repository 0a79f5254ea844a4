/* The four modes of a headers exchange. */
#include <stdio.h>

#include "tests/lib/board.h"
#include "tests/lib/headers_oracle.h"
#include "tests/lib/leaks.h"
#include "tests/lib/seed.h"

static struct board b;

static void test_the_four_modes(void **state)
{
    static const struct {
        const char *arguments;
        const char *headers;
        bool is_match;
    } cases[] = {
        {"", "", true},
        {"", "a=1", true},
        {"x-match=all", "", true},
        {"x-match=any", "", false},
        {"x-match=any", "a=1", false},
        {"a=1 b=2", "a=1 b=2 c=3", true},
        {"a=1 b=2", "a=1", false},
        {"x-match=any a=1 b=2", "b=2", true},
        {"x-match=any a=1 b=2", "b=3", false},
        {"a=1", "a=i:1", true},  /* integers are compared by value */
        {"a=1", "a=d:1", false}, /* but not with reals */
        {"a=1", "a=true", false},
        {"a=one", "a=one", true},
        {"a=one", "a=One", false},
        {"a=void", "a=1", true}, /* void asks only whether it is there */
        {"a=void", "a=void", true},
        {"a=void", "b=1", false},
        {"a=1", "a=void", false},
        {"x-match=any a=void b=1", "a=x", true},
        {"x-a=1", "", true}, /* x- is not looked at ... */
        {"x-match=any x-a=1", "x-a=1", false},
        {"x-match=all-with-x x-a=1", "", false}, /* ... but in these modes */
        {"x-match=all-with-x x-a=1", "x-a=1", true},
        {"x-match=any-with-x x-a=1 b=1", "x-a=1", true},
        {"x-match=any-with-x x-a=1 b=1", "x-match=any-with-x", false},
        {"a=1", "a=2 a=1", true}, /* the last value of a name counts */
        {"a=1", "a=1 a=2", false},
        {"a=t:5", "a=t:5", true},
        {"a=t:5", "a=5", false},
        {"a=d:0", "a=d:0", true},
        {"a=[1,x]", "a=[i:1,x]", true}, /* inside of arrays, too */
        {"a=[1,x]", "a=[1,y]", false},
        {"x-match=any a=[1,x]", "a=[1,y]", false},
        {"x-match=any a=[1,x]", "a=[1,x]", true},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        board_init(&b, NULL);
        board_queue(&b, "q");
        board_bind(&b, "amq.match", "q", "", cases[i].arguments);
        if ((board_route(&b, "amq.match", "k", cases[i].headers)[0] == 'q') != cases[i].is_match)
            fail_msg("'%s' and '%s'", cases[i].arguments, cases[i].headers);
        board_release(&b);
    }
}

static void test_x_match_is_checked_in_rabbitmqs_words(void **state)
{
    (void)state;
    board_init(&b, NULL);
    board_queue(&b, "q");
    assert_int_equal(board_try_bind(&b, "amq.headers", "q", "", "x-match=maybe"), ERR_INVALID);
    assert_string_equal(b.note.text, "Invalid x-match field value <<\"maybe\">>; expected all, "
                                     "any, all-with-x, or any-with-x");
    assert_int_equal(board_try_bind(&b, "amq.headers", "q", "", "x-match=i:1"), ERR_INVALID);
    assert_string_equal(b.note.text,
                        "Invalid x-match field type signedint (value 1); expected longstr");
    assert_int_equal(board_try_bind(&b, "amq.headers", "q", "", "x-match=void"), ERR_INVALID);
    board_bind(&b, "amq.direct", "q", "", "x-match=maybe"); /* means nothing there */
    board_release(&b);
}

static const char *random_table(struct rand *r, bool is_binding)
{
    static const char *const names[] = {"a", "b", "c", "x-d", "x-e"};
    static const char *const values[] = {"1", "i:1", "2", "d:1", "true", "void", "s", "[1]", "[2]"};
    static const char *const modes[] = {"x-match=all ", "x-match=any ", "x-match=all-with-x ",
                                        "x-match=any-with-x ", ""};
    static char text[256];
    size_t count = (size_t)rand_below(r, 5);
    size_t at = 0;

    text[0] = '\0';
    if (is_binding)
        at += (size_t)snprintf(text, sizeof(text), "%s", modes[rand_below(r, ARRAY_SIZE(modes))]);
    for (size_t i = 0; i < count; i++)
        at += (size_t)snprintf(text + at, sizeof(text) - at, "%s=%s ",
                               names[rand_below(r, ARRAY_SIZE(names))],
                               values[rand_below(r, ARRAY_SIZE(values))]);
    return text;
}

/* Compares all bindings of the exchange with the oracle for these headers. */
static void expect_headers(const char *text)
{
    struct buf copy;
    struct table headers;
    const struct exchange *x = board_find(&b, "amq.headers");
    char found[BOARD_TEXT_SIZE];

    snprintf(found, sizeof(found), " %s ", board_route(&b, "amq.headers", "", text));
    headers = board_table(&b, text);
    buf_init(&copy, 1 << 16);
    buf_bytes(&copy, headers.bytes);
    headers.bytes = buf_view(&copy);
    for (const struct binding *at = binding_next_from(x, NULL); at != NULL;
         at = binding_next_from(x, at)) {
        struct bytes name = binding_destination_name(at);
        char word[64];

        snprintf(word, sizeof(word), " %.*s ", (int)name.size, (const char *)name.data);
        if ((strstr(found, word) != NULL) != oracle_headers(binding_spec(at).arguments, headers))
            fail_msg("queue%sheaders '%s'", word, text);
    }
    buf_release(&copy);
}

static void test_random_bindings_match_as_the_oracle_says(void **state)
{
    enum { QUEUES = 40 };
    struct rand r;
    char queue[16];

    (void)state;
    rand_init(&r, test_seed());
    for (unsigned round = 0; round < 40; round++) {
        board_init(&b, NULL);
        for (unsigned i = 0; i < QUEUES; i++) {
            snprintf(queue, sizeof(queue), "q%u", i);
            board_queue(&b, queue);
            board_bind(&b, "amq.headers", queue, "", random_table(&r, true));
        }
        for (unsigned i = 0; i < 100; i++) {
            char text[256];

            snprintf(text, sizeof(text), "%s", random_table(&r, false));
            expect_headers(text);
            if (i % 10 != 0)
                continue;
            snprintf(queue, sizeof(queue), "q%u", i / 10);
            board_remove_queue(&b, queue);
            exchange_table_check(b.table);
        }
        board_release(&b);
    }
}

static void test_many_headers_are_looked_at_once_each(void **state)
{
    enum { COUNT = 3000 };
    static char text[COUNT * 12];
    size_t at = 0;

    (void)state;
    board_init(&b, NULL);
    board_queue(&b, "q");
    board_queue(&b, "r");
    for (unsigned i = 0; i < COUNT; i++)
        at += (size_t)snprintf(text + at, sizeof(text) - at, "h%u=%u ", i, i);
    board_bind(&b, "amq.headers", "q", "", "h2999=2999 h0=0");
    board_bind(&b, "amq.headers", "r", "", "h2999=2999 h0=1");
    board_expect(&b, "amq.headers", "", text, "q");
    board_expect(&b, "amq.headers", "", "h0=0 h2999=2999", "q");
    board_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_the_four_modes),
        LEAK_CHECKED(test_x_match_is_checked_in_rabbitmqs_words),
        LEAK_CHECKED(test_random_bindings_match_as_the_oracle_says),
        LEAK_CHECKED(test_many_headers_are_looked_at_once_each),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
