/* Tests of base/utf8. */
#include "base/utf8.h"

#include "base/check.h"
#include "base/mem.h"
#include "base/rand.h"
#include "tests/lib/leaks.h"
#include "tests/lib/seed.h"
#include "tests/lib/test.h"

/* Encodes a code point as if all were allowed. Returns its size. */
static size_t encode(uint32_t c, uint8_t to[4])
{
    if (c < 0x80) {
        to[0] = (uint8_t)c;
        return 1;
    }
    if (c < 0x800) {
        to[0] = (uint8_t)(0xc0 | c >> 6);
        to[1] = (uint8_t)(0x80 | (c & 0x3f));
        return 2;
    }
    if (c < 0x10000) {
        to[0] = (uint8_t)(0xe0 | c >> 12);
        to[1] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
        to[2] = (uint8_t)(0x80 | (c & 0x3f));
        return 3;
    }
    to[0] = (uint8_t)(0xf0 | c >> 18);
    to[1] = (uint8_t)(0x80 | (c >> 12 & 0x3f));
    to[2] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
    to[3] = (uint8_t)(0x80 | (c & 0x3f));
    return 4;
}

static void test_every_code_point_is_valid_but_surrogates_and_what_lies_beyond(void **state)
{
    uint8_t b[4];

    (void)state;
    for (uint32_t c = 0; c < 0x120000; c++) {
        size_t size = encode(c, b);
        bool is_character = c <= 0x10ffff && (c < 0xd800 || c > 0xdfff);
        assert_int_equal(utf8_valid(bytes_of(b, size)), is_character);
        assert_int_equal(utf8_character_size(bytes_of(b, size)), is_character ? size : 0);
        if (size > 1) /* cut off */
            assert_false(utf8_valid(bytes_of(b, size - 1)));
    }
}

/* Every sequence of three bytes: exactly those are valid that encode() makes from
 * characters. */
static void test_no_other_short_sequence_is_valid(void **state)
{
    size_t valid = 0;

    (void)state;
    for (uint32_t n = 0; n < 1 << 24; n++) {
        uint8_t b[3] = {(uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n};
        valid += utf8_character_size(bytes_of(b, 3)) == 3;
    }
    assert_int_equal(valid, 0x10000 - 0x800 - 0x800);
}

static void test_overlong_forms_are_refused(void **state)
{
    static const char *const forms[] = {
        "\xc0\xaf",
        "\xc1\xbf",
        "\xe0\x80\xaf",
        "\xe0\x9f\xbf",
        "\xf0\x80\x80\xaf",
        "\xf0\x8f\xbf\xbf",
        "\xf8\x88\x80\x80\x80",
        "\x80",
        "\xbf",
        "\xfe",
        "\xff",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(forms); i++)
        assert_false(utf8_valid(bytes_text(forms[i])));
}

static void test_the_fast_path_misses_no_bad_byte_wherever_it_lies(void **state)
{
    (void)state;
    for (size_t size = 1; size < 40; size++) {
        uint8_t *text = mem_alloc(size);
        for (size_t bad = 0; bad < size; bad++) {
            memset(text, 'a', size);
            assert_true(utf8_valid(bytes_of(text, size)));
            text[bad] = 0x80;
            assert_false(utf8_valid(bytes_of(text, size)));
        }
        mem_free(text);
    }
    assert_true(utf8_valid(bytes_of(NULL, 0)));
    assert_int_equal(utf8_character_size(bytes_of(NULL, 0)), 0);
    assert_true(utf8_valid(bytes_of("a\0b", 3)));
}

static void test_random_texts_are_valid_until_one_byte_is_lost(void **state)
{
    struct rand r;

    (void)state;
    rand_init(&r, test_seed());
    for (int round = 0; round < 2000; round++) {
        uint8_t text[256];
        size_t size = 0;
        uint64_t count = 1 + rand_below(&r, 60);
        for (uint64_t i = 0; i < count; i++)
            size += encode((uint32_t)rand_below(&r, rand_chance(&r, 1, 2) ? 0x80 : 0xd800),
                           text + size);
        assert_true(utf8_valid(bytes_of(text, size)));
        size_t lost = rand_below(&r, size);
        bool was_ascii = text[lost] < 0x80;
        memmove(text + lost, text + lost + 1, size - lost - 1);
        assert_int_equal(utf8_valid(bytes_of(text, size - 1)), was_ascii);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_every_code_point_is_valid_but_surrogates_and_what_lies_beyond),
        LEAK_CHECKED(test_no_other_short_sequence_is_valid),
        LEAK_CHECKED(test_overlong_forms_are_refused),
        LEAK_CHECKED(test_the_fast_path_misses_no_bad_byte_wherever_it_lies),
        LEAK_CHECKED(test_random_texts_are_valid_until_one_byte_is_lost),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
