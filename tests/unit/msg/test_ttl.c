/* Tests of msg/ttl. */
#include "msg/ttl.h"

#include "base/rand.h"
#include "tests/lib/hex.h"
#include "tests/lib/leaks.h"
#include "tests/lib/seed.h"
#include "tests/lib/test.h"

static void expect(const char *text, enum ttl_fault fault, uint64_t ms, const char *detail)
{
    struct bytes exact = hex_copy(bytes_text(text));
    struct ttl t = ttl_parse(exact);

    assert_int_equal(t.fault, fault);
    assert_int_equal(t.ms, ms);
    assert_true(bytes_equal(t.detail, bytes_text(detail)));
    hex_free(exact);
}

static void test_numbers_up_to_ten_years_are_times_to_live(void **state)
{
    (void)state;
    expect("0", TTL_OK, 0, "");
    expect("1", TTL_OK, 1, "");
    expect("60000", TTL_OK, 60000, "");
    expect("315359999999", TTL_OK, 315359999999, "");
    expect("315360000000", TTL_OK, 315360000000, "");
    expect("315360000001", TTL_TOO_LARGE, 0, "315360000001");
    expect("18446744073709551616", TTL_TOO_LARGE, 0, "18446744073709551616"); /* 2^64 */
    expect("99999999999999999999999999999999", TTL_TOO_LARGE, 0,
           "99999999999999999999999999999999");
}

static void test_signs_and_leading_zeros_are_read_as_erlang_reads_them(void **state)
{
    (void)state;
    expect("+5", TTL_OK, 5, "");
    expect("-0", TTL_OK, 0, "");
    expect("007", TTL_OK, 7, "");
    expect("-000", TTL_OK, 0, "");
    expect("-1", TTL_NEGATIVE, 0, "1");
    expect("-0012", TTL_NEGATIVE, 0, "12");
    expect("+000315360000001", TTL_TOO_LARGE, 0, "315360000001");
    expect("-99999999999999999999999999", TTL_NEGATIVE, 0, "99999999999999999999999999");
}

static void test_what_is_no_number_is_told_apart_from_what_begins_with_one(void **state)
{
    (void)state;
    expect("", TTL_NO_INTEGER, 0, "");
    expect("abc", TTL_NO_INTEGER, 0, "");
    expect("-", TTL_NO_INTEGER, 0, "");
    expect("+", TTL_NO_INTEGER, 0, "");
    expect("--1", TTL_NO_INTEGER, 0, "");
    expect(" 5", TTL_NO_INTEGER, 0, "");
    expect("5 ", TTL_LEFTOVER, 0, " ");
    expect("5x", TTL_LEFTOVER, 0, "x");
    expect("1.5", TTL_LEFTOVER, 0, ".5");
    expect("-5x", TTL_LEFTOVER, 0, "x"); /* said before that it is negative */
    expect("1e3", TTL_LEFTOVER, 0, "e3");
    expect("0x10", TTL_LEFTOVER, 0, "x10");
}

static void test_any_bytes_get_an_answer(void **state)
{
    struct rand r;

    (void)state;
    rand_init(&r, test_seed());
    for (int round = 0; round < 20000; round++) {
        static const char letters[] = "0123456789+-x ";
        uint8_t text[24];
        size_t size = rand_below(&r, sizeof(text) + 1);
        for (size_t i = 0; i < size; i++)
            text[i] = rand_chance(&r, 9, 10)
                          ? (uint8_t)letters[rand_below(&r, 10 + rand_below(&r, 5))]
                          : (uint8_t)rand_next(&r);
        struct bytes exact = hex_copy(bytes_of(text, size));
        struct ttl t = ttl_parse(exact);
        assert_true(t.ms <= TTL_MAX_MS);
        assert_true(t.fault == TTL_OK || t.ms == 0);
        assert_int_equal(t.detail.size > 0, t.fault >= TTL_LEFTOVER);
        hex_free(exact);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_numbers_up_to_ten_years_are_times_to_live),
        LEAK_CHECKED(test_signs_and_leading_zeros_are_read_as_erlang_reads_them),
        LEAK_CHECKED(test_what_is_no_number_is_told_apart_from_what_begins_with_one),
        LEAK_CHECKED(test_any_bytes_get_an_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
