/* Tables sorted and hashed so that equal ones are found equal. */
#include "exchange/arguments.h"

#include "base/err.h"
#include "tests/lib/board.h"
#include "tests/lib/leaks.h"
#include "tests/lib/seed.h"

static struct board b;

/* The sorted table of a text, in a buffer that the caller releases. */
static struct table sorted(const char *text, struct buf *out)
{
    buf_init(out, 1 << 16);
    int rv = arguments_sort(board_table(&b, text), out);
    assert_int_equal(rv, 0);
    return (struct table){buf_view(out)};
}

static void expect_equal(const char *left, const char *right, bool expected)
{
    struct buf left_bytes;
    struct buf right_bytes;
    struct table l = sorted(left, &left_bytes);
    struct table r = sorted(right, &right_bytes);

    assert_int_equal(table_equal(l, r), expected);
    assert_int_equal(arguments_hash(l, 7) == arguments_hash(r, 7), expected);
    buf_release(&left_bytes);
    buf_release(&right_bytes);
}

static void test_order_width_and_doubles_do_not_matter(void **state)
{
    (void)state;
    board_init(&b, NULL);
    expect_equal("", "", true);
    expect_equal("a=1 b=2", "b=2 a=1", true);
    expect_equal("a=1", "a=i:1", true);
    expect_equal("a=1 a=2", "a=2", true);
    expect_equal("a=2 b=x a=1 a=3", "b=x a=3", true);
    expect_equal("a=1", "a=2", false);
    expect_equal("a=1", "a=d:1", false);
    expect_equal("a=1", "aa=1", false);
    expect_equal("a=true", "a=1", false);
    expect_equal("ab=1 a=1", "a=1 ab=1", true);
    board_release(&b);
}

static void test_equal_values_hash_alike(void **state)
{
    static const char zero[8] = {0};
    static const char minus_zero[8] = {(char)0x80, 0};
    const struct field plus = {.type = FIELD_DOUBLE, .bytes = {(const uint8_t *)zero, 8}};
    const struct field minus = {.type = FIELD_DOUBLE, .bytes = {(const uint8_t *)minus_zero, 8}};
    const struct field plain = {.type = FIELD_FLOAT, .bytes = {(const uint8_t *)zero, 4}};
    const struct field text = {.type = FIELD_TEXT, .bytes = {(const uint8_t *)zero, 8}};
    const struct field binary = {.type = FIELD_BINARY, .bytes = {(const uint8_t *)zero, 8}};

    (void)state;
    assert_true(field_equal(&plus, &minus) && field_equal(&plus, &plain));
    assert_int_equal(field_hash(&plus, 1), field_hash(&minus, 1));
    assert_int_equal(field_hash(&plus, 1), field_hash(&plain, 1));
    assert_int_not_equal(field_hash(&text, 1), field_hash(&binary, 1));
    assert_int_not_equal(field_hash(&text, 1), field_hash(&text, 2));
}

static void test_what_is_too_large_is_refused(void **state)
{
    struct buf out;

    (void)state;
    board_init(&b, NULL);
    buf_init(&out, 10);
    assert_int_equal(arguments_sort(board_table(&b, "a=12"), &out), ERR_FULL);
    buf_release(&out);
    board_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_order_width_and_doubles_do_not_matter),
        LEAK_CHECKED(test_equal_values_hash_alike),
        LEAK_CHECKED(test_what_is_too_large_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
