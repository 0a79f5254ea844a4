/* Tests of base/buf. */
#include "base/buf.h"

#include "base/err.h"
#include "base/rand.h"
#include "tests/lib/fault_heap.h"
#include "tests/lib/leaks.h"
#include "tests/lib/seed.h"

static void assert_holds(const struct buf *b, const char *expected, size_t size)
{
    assert_int_equal(buf_view(b).size, size);
    if (size > 0)
        assert_memory_equal(buf_view(b).data, expected, size);
}

static void test_values_lie_one_behind_the_other(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 1000);
    buf_u8(&b, 1);
    buf_le16(&b, 0x0203);
    buf_be16(&b, 0x0203);
    buf_le32(&b, 0x04050607);
    buf_be32(&b, 0x04050607);
    buf_le64(&b, 0x08090a0b0c0d0e0f);
    buf_be64(&b, 0x08090a0b0c0d0e0f);
    buf_bytes(&b, bytes_text("xy"));
    buf_bytes(&b, bytes_of(NULL, 0));
    buf_text(&b, "%s=%d", "n", 42);
    buf_text(&b, "%s", "");
    assert_int_equal(buf_error(&b), 0);
    assert_holds(&b,
                 "\x01\x03\x02\x02\x03\x07\x06\x05\x04\x04\x05\x06\x07\x0f\x0e\x0d\x0c\x0b\x0a\x09"
                 "\x08\x08\x09\x0a\x0b\x0c\x0d\x0e\x0fxyn=42",
                 35);
    buf_release(&b);
}

static void test_a_buffer_fills_to_its_limit_and_not_beyond(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 5);
    buf_text(&b, "%s", "12345"); /* printf's zero byte does not count */
    assert_int_equal(buf_error(&b), 0);
    assert_holds(&b, "12345", 5);
    buf_u8(&b, 6);
    assert_int_equal(buf_error(&b), ERR_FULL);
    assert_holds(&b, "12345", 5);
    buf_release(&b);
}

static void test_what_does_not_fit_ends_it_until_it_is_cleared(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 5);
    buf_be32(&b, 0x31323334);
    buf_be16(&b, 0);
    assert_int_equal(buf_error(&b), ERR_FULL);
    buf_u8(&b, 0); /* would fit, but comes too late */
    assert_null(buf_extend(&b, 1));
    assert_holds(&b, "1234", 4);
    buf_clear(&b);
    assert_int_equal(buf_error(&b), 0);
    assert_holds(&b, "", 0);
    buf_bytes(&b, bytes_text("again"));
    assert_holds(&b, "again", 5);
    assert_null(buf_extend(&b, SIZE_MAX));
    assert_int_equal(buf_error(&b), ERR_FULL);
    buf_release(&b);
}

static void test_refused_memory_ends_it_and_keeps_what_there_is(void **state)
{
    struct fault_heap f;
    struct buf b;
    uint64_t k = 0;

    (void)state;
    do {
        size_t added = 0;
        buf_init(&b, 1 << 20);
        fault_heap_start(&f, ++k, false);
        for (; added < 3000 && buf_error(&b) == 0; added++)
            buf_u8(&b, (uint8_t)added);
        if (fault_heap_stop(&f)) {
            assert_int_equal(buf_error(&b), ERR_NO_MEMORY);
            assert_int_equal(buf_view(&b).size, added - 1);
        } else {
            assert_int_equal(buf_view(&b).size, 3000);
        }
        for (size_t i = 0; i < buf_view(&b).size; i++)
            assert_int_equal(buf_view(&b).data[i], (uint8_t)i);
        buf_release(&b);
    } while (f.refused > 0);
    assert_true(k > 3);
}

static void test_random_appends_agree_with_a_fixed_area(void **state)
{
    static uint8_t area[70000];
    struct buf b;
    struct rand r;

    (void)state;
    rand_init(&r, test_seed());
    for (int round = 0; round < 50; round++) {
        size_t limit = rand_below(&r, sizeof(area));
        struct writer w = writer_of(area, limit);
        buf_init(&b, limit);
        while (!w.is_failed) {
            uint8_t part[2000];
            struct bytes bytes = bytes_of(part, rand_below(&r, sizeof(part)));
            rand_fill(&r, part, bytes.size);
            writer_bytes(&w, bytes);
            buf_bytes(&b, bytes);
            assert_int_equal(buf_error(&b), w.is_failed ? ERR_FULL : 0);
        }
        assert_true(bytes_equal(buf_view(&b), writer_view(&w)));
        buf_release(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_values_lie_one_behind_the_other),
        LEAK_CHECKED(test_a_buffer_fills_to_its_limit_and_not_beyond),
        LEAK_CHECKED(test_what_does_not_fit_ends_it_until_it_is_cleared),
        LEAK_CHECKED(test_refused_memory_ends_it_and_keeps_what_there_is),
        LEAK_CHECKED(test_random_appends_agree_with_a_fixed_area),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
