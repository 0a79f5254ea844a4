/* Tests of msg/shortstr. */
#include "msg/shortstr.h"

#include "base/err.h"
#include "tests/lib/test.h"

static void test_a_short_string_has_up_to_255_bytes(void **state)
{
    char text[SHORTSTR_MAX + 1];

    (void)state;
    memset(text, 'x', sizeof(text));
    assert_int_equal(shortstr_check(bytes_of(NULL, 0)), 0);
    assert_int_equal(shortstr_check(bytes_of(text, 1)), 0);
    assert_int_equal(shortstr_check(bytes_of(text, 254)), 0);
    assert_int_equal(shortstr_check(bytes_of(text, 255)), 0);
    assert_int_equal(shortstr_check(bytes_of(text, 256)), ERR_RANGE);
}

static void test_a_short_string_is_utf8_without_zero_bytes(void **state)
{
    (void)state;
    assert_int_equal(shortstr_check(bytes_text("gr\xc3\xbc\xc3\x9f")), 0);
    assert_int_equal(shortstr_check(bytes_text("line\r\nend/../")), 0);
    assert_int_equal(shortstr_check(bytes_text("\xff")), ERR_INVALID);
    assert_int_equal(shortstr_check(bytes_text("cut \xc3")), ERR_INVALID);
    assert_int_equal(shortstr_check(bytes_of("a\0b", 3)), ERR_INVALID);
    assert_int_equal(shortstr_check(bytes_of("\0", 1)), ERR_INVALID);
}

static void test_names_of_the_broker_begin_with_amq_and_a_dot(void **state)
{
    (void)state;
    assert_true(shortstr_is_reserved(bytes_text("amq.")));
    assert_true(shortstr_is_reserved(bytes_text("amq.direct")));
    assert_false(shortstr_is_reserved(bytes_text("amq")));
    assert_false(shortstr_is_reserved(bytes_text("amqx")));
    assert_false(shortstr_is_reserved(bytes_text("AMQ.direct")));
    assert_false(shortstr_is_reserved(bytes_text(" amq.direct")));
    assert_false(shortstr_is_reserved(bytes_text("")));
    assert_false(shortstr_is_reserved(bytes_of(NULL, 0)));
}

static void expect_stripped(const char *from, const char *to)
{
    uint8_t area[SHORTSTR_MAX];
    struct bytes name = bytes_text(from);
    struct bytes stripped = shortstr_without_line_ends(name, area);

    assert_true(bytes_equal(stripped, bytes_text(to)));
    assert_int_equal(stripped.data == name.data, strcmp(from, to) == 0);
}

static void test_line_ends_are_taken_out_of_names(void **state)
{
    char text[SHORTSTR_MAX];
    uint8_t area[SHORTSTR_MAX];

    (void)state;
    expect_stripped("", "");
    expect_stripped("orders", "orders");
    expect_stripped("orders\r\n", "orders");
    expect_stripped("\nor\r\rde\nrs", "orders");
    expect_stripped("\r\n", "");
    expect_stripped("tab\tstays", "tab\tstays");
    memset(text, 'x', sizeof(text));
    text[0] = '\n';
    assert_int_equal(shortstr_without_line_ends(bytes_of(text, 255), area).size, 254);
    text[0] = 'x';
    assert_int_equal(shortstr_without_line_ends(bytes_of(text, 255), area).size, 255);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_short_string_has_up_to_255_bytes),
        cmocka_unit_test(test_a_short_string_is_utf8_without_zero_bytes),
        cmocka_unit_test(test_names_of_the_broker_begin_with_amq_and_a_dot),
        cmocka_unit_test(test_line_ends_are_taken_out_of_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
