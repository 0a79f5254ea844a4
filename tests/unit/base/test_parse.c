/* Tests of base/parse. */
#include "base/parse.h"

#include <inttypes.h>

#include "base/check.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/rand.h"
#include "tests/lib/leaks.h"
#include "tests/lib/seed.h"
#include "tests/lib/test.h"

enum { UNTOUCHED = 12345 };

struct row {
    const char *text;
    int rv;
    uint64_t value;
};

typedef int parse_fn(struct bytes text, uint64_t min, uint64_t max, uint64_t *out);

/* The text is copied to memory of exactly its size: nothing may rely on a zero byte behind
 * it. */
static int parse_exact(parse_fn *fn, const char *text, uint64_t max, uint64_t *out)
{
    size_t size = strlen(text);
    uint8_t *exact = mem_alloc(size);

    memcpy(exact, text, size);
    int rv = fn(bytes_of(exact, size), 0, max, out);
    mem_free(exact);
    return rv;
}

static void assert_rows(parse_fn *fn, const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t out = UNTOUCHED;
        int rv = parse_exact(fn, rows[i].text, UINT64_MAX, &out);
        if (rv != rows[i].rv || out != (rv == 0 ? rows[i].value : UNTOUCHED))
            fail_msg("'%s' gave %s and %" PRIu64, rows[i].text, err_name(rv), out);
    }
}

static void test_whole_numbers(void **state)
{
    static const struct row rows[] = {
        {"0", 0, 0},
        {"42", 0, 42},
        {"007", 0, 7},
        {"18446744073709551615", 0, UINT64_MAX},
        {"18446744073709551616", ERR_RANGE, 0},
        {"18446744073709551620", ERR_RANGE, 0},
        {"99999999999999999999999999", ERR_RANGE, 0},
        {"184467440737095516150", ERR_RANGE, 0},
        {"", ERR_INVALID, 0},
        {"-1", ERR_INVALID, 0},
        {"-0", ERR_INVALID, 0},
        {"+1", ERR_INVALID, 0},
        {" 1", ERR_INVALID, 0},
        {"1 ", ERR_INVALID, 0},
        {"1x", ERR_INVALID, 0},
        {"0x10", ERR_INVALID, 0},
        {"1.5", ERR_INVALID, 0},
        {"1e3", ERR_INVALID, 0},
        {"1_000", ERR_INVALID, 0},
        {"\xd9\xa1", ERR_INVALID, 0},
        {"99999999999999999999999999x", ERR_INVALID, 0},
    };

    (void)state;
    assert_rows(parse_u64, rows, ARRAY_SIZE(rows));
    assert_int_equal(parse_u64(bytes_of("1\0", 2), 0, 9, &(uint64_t){0}), ERR_INVALID);
    assert_int_equal(parse_u64(bytes_of(NULL, 0), 0, 9, &(uint64_t){0}), ERR_INVALID);
}

static void test_bounds_are_inclusive(void **state)
{
    uint64_t out = UNTOUCHED;

    (void)state;
    assert_int_equal(parse_u64(bytes_text("9"), 10, 20, &out), ERR_RANGE);
    assert_int_equal(parse_u64(bytes_text("21"), 10, 20, &out), ERR_RANGE);
    assert_int_equal(out, UNTOUCHED);
    assert_int_equal(parse_u64(bytes_text("10"), 10, 20, &out), 0);
    assert_int_equal(out, 10);
    assert_int_equal(parse_u64(bytes_text("20"), 10, 20, &out), 0);
    assert_int_equal(out, 20);
    assert_int_equal(parse_size(bytes_text("1k"), 1025, 2000, &out), ERR_RANGE);
    assert_int_equal(parse_size(bytes_text("1k"), 0, 1023, &out), ERR_RANGE);
    assert_int_equal(parse_size(bytes_text("1k"), 1024, 1024, &out), 0);
    assert_int_equal(parse_duration(bytes_text("1s"), 0, 999, &out), ERR_RANGE);
}

static void test_numbers_with_a_sign(void **state)
{
    static const struct {
        const char *text;
        int rv;
        int64_t value;
    } rows[] = {
        {"0", 0, 0},
        {"-0", 0, 0},
        {"-42", 0, -42},
        {"9223372036854775807", 0, INT64_MAX},
        {"-9223372036854775808", 0, INT64_MIN},
        {"9223372036854775808", ERR_RANGE, 0},
        {"-9223372036854775809", ERR_RANGE, 0},
        {"-99999999999999999999", ERR_RANGE, 0},
        {"", ERR_INVALID, 0},
        {"-", ERR_INVALID, 0},
        {"--1", ERR_INVALID, 0},
        {"+1", ERR_INVALID, 0},
        {"-1-", ERR_INVALID, 0},
        {"- 1", ERR_INVALID, 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        int64_t out = UNTOUCHED;
        int rv = parse_i64(bytes_text(rows[i].text), INT64_MIN, INT64_MAX, &out);
        if (rv != rows[i].rv || out != (rv == 0 ? rows[i].value : UNTOUCHED))
            fail_msg("'%s' gave %s and %" PRId64, rows[i].text, err_name(rv), out);
    }
    assert_int_equal(parse_i64(bytes_text("-6"), -5, 5, &(int64_t){0}), ERR_RANGE);
    assert_int_equal(parse_i64(bytes_text("6"), -5, 5, &(int64_t){0}), ERR_RANGE);
    assert_int_equal(parse_i64(bytes_text("-5"), -5, 5, &(int64_t){0}), 0);
}

static void test_sizes(void **state)
{
    static const struct row rows[] = {
        {"4096", 0, 4096},
        {"1k", 0, 1024},
        {"1K", 0, 1024},
        {"64KiB", 0, 65536},
        {"64kib", 0, 65536},
        {"64kB", 0, 64000},
        {"64KB", 0, 64000},
        {"512MiB", 0, 512u << 20},
        {"512M", 0, 512u << 20},
        {"3MB", 0, 3000000},
        {"1GB", 0, 1000000000},
        {"1GiB", 0, 1u << 30},
        {"2G", 0, 2ull << 30},
        {"2TB", 0, 2000000000000},
        {"2TiB", 0, 2ull << 40},
        {"2PB", 0, 2000000000000000},
        {"2PiB", 0, 2ull << 50},
        {"18EB", 0, 18000000000000000000u},
        {"15EiB", 0, 15ull << 60},
        {"0GiB", 0, 0},
        {"16EiB", ERR_RANGE, 0},
        {"19EB", ERR_RANGE, 0},
        {"18014398509481984KiB", ERR_RANGE, 0},
        {"99999999999999999999GiB", ERR_RANGE, 0},
        {"", ERR_INVALID, 0},
        {"KiB", ERR_INVALID, 0},
        {"-1KiB", ERR_INVALID, 0},
        {"1 KiB", ERR_INVALID, 0},
        {"1.5GB", ERR_INVALID, 0},
        {"1KiBs", ERR_INVALID, 0},
        {"1Ki", ERR_INVALID, 0},
        {"1B", ERR_INVALID, 0},
        {"1kBkB", ERR_INVALID, 0},
        {"1k1", ERR_INVALID, 0},
        {"99999999999999999999X", ERR_INVALID, 0},
    };

    (void)state;
    assert_rows(parse_size, rows, ARRAY_SIZE(rows));
    assert_int_equal(parse_size(bytes_of("1k\0", 3), 0, 9999, &(uint64_t){0}), ERR_INVALID);
}

static void test_durations(void **state)
{
    static const struct row rows[] = {
        {"250", 0, 250},
        {"250ms", 0, 250},
        {"10s", 0, 10000},
        {"5m", 0, 300000},
        {"2h", 0, 7200000},
        {"7d", 0, 604800000},
        {"0d", 0, 0},
        {"213503982334d", 0, 213503982334u * 86400000u},
        {"213503982335d", ERR_RANGE, 0},
        {"", ERR_INVALID, 0},
        {"s", ERR_INVALID, 0},
        {"10S", ERR_INVALID, 0},
        {"10sec", ERR_INVALID, 0},
        {"10 s", ERR_INVALID, 0},
        {"-10s", ERR_INVALID, 0},
        {"1h30m", ERR_INVALID, 0},
        {"1w", ERR_INVALID, 0},
    };

    (void)state;
    assert_rows(parse_duration, rows, ARRAY_SIZE(rows));
}

static void test_truths(void **state)
{
    bool out = false;

    (void)state;
    assert_int_equal(parse_bool(bytes_text("true"), &out), 0);
    assert_true(out);
    assert_int_equal(parse_bool(bytes_text("off"), &out), 0);
    assert_false(out);
    assert_int_equal(parse_bool(bytes_text("on"), &out), 0);
    assert_true(out);
    assert_int_equal(parse_bool(bytes_text("yes"), &out), ERR_INVALID);
    assert_int_equal(parse_bool(bytes_text("True"), &out), ERR_INVALID);
    assert_int_equal(parse_bool(bytes_text(""), &out), ERR_INVALID);
    assert_true(out);
    assert_int_equal(parse_bool(bytes_text("false"), &out), 0);
    assert_false(out);
}

static void test_random_numbers_come_back_from_their_text(void **state)
{
    struct rand r;

    (void)state;
    rand_init(&r, test_seed());
    for (int i = 0; i < 5000; i++) {
        uint64_t n = rand_next(&r) >> rand_below(&r, 64);
        uint64_t unsigned_out = 0;
        int64_t signed_out = 0;
        char *text = mem_format("%" PRIu64, n);
        assert_int_equal(parse_u64(bytes_text(text), n, n, &unsigned_out), 0);
        assert_int_equal(unsigned_out, n);
        mem_free(text);
        text = mem_format("%" PRId64, (int64_t)n);
        assert_int_equal(parse_i64(bytes_text(text), INT64_MIN, INT64_MAX, &signed_out), 0);
        assert_int_equal(signed_out, (int64_t)n);
        mem_free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_whole_numbers),
        LEAK_CHECKED(test_bounds_are_inclusive),
        LEAK_CHECKED(test_numbers_with_a_sign),
        LEAK_CHECKED(test_sizes),
        LEAK_CHECKED(test_durations),
        LEAK_CHECKED(test_truths),
        LEAK_CHECKED(test_random_numbers_come_back_from_their_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
