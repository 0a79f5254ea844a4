/* Tests of base/bytes. */
#include "base/bytes.h"

#include "base/mem.h"
#include "base/rand.h"
#include "tests/lib/leaks.h"
#include "tests/lib/seed.h"
#include "tests/lib/test.h"

static void test_views_are_equal_by_content(void **state)
{
    static const char zero_inside[] = {'a', '\0', 'b'};

    (void)state;
    assert_true(bytes_equal(bytes_text("abc"), bytes_of("abcd", 3)));
    assert_false(bytes_equal(bytes_text("abc"), bytes_text("abd")));
    assert_false(bytes_equal(bytes_text("abc"), bytes_text("ab")));
    assert_true(bytes_equal(bytes_of(NULL, 0), bytes_text("")));
    assert_false(bytes_equal(bytes_of(zero_inside, 3), bytes_of("a\0c", 3)));
}

static void test_both_byte_orders_are_what_they_say(void **state)
{
    uint8_t b[9]; /* the ninth is to stay; from b + 1 nothing is aligned */

    (void)state;
    memset(b, 0xee, sizeof(b));
    put_le16(b + 1, 0x0102);
    assert_memory_equal(b, "\xee\x02\x01\xee", 4);
    put_le32(b + 1, 0x01020304);
    assert_memory_equal(b, "\xee\x04\x03\x02\x01\xee", 6);
    put_be16(b + 1, 0x0102);
    assert_memory_equal(b, "\xee\x01\x02\x02", 4);
    put_be32(b + 1, 0x81020384);
    assert_memory_equal(b, "\xee\x81\x02\x03\x84\xee", 6);
    put_le64(b, 0x0102030405060788);
    assert_memory_equal(b, "\x88\x07\x06\x05\x04\x03\x02\x01\xee", 9);
    put_be64(b, 0x8102030405060708);
    assert_memory_equal(b, "\x81\x02\x03\x04\x05\x06\x07\x08\xee", 9);
}

static void test_what_was_put_is_got(void **state)
{
    uint8_t b[16];
    struct rand r;

    (void)state;
    rand_init(&r, test_seed());
    for (size_t i = 0; i < 1000; i++) {
        uint64_t v = rand_next(&r);
        uint8_t *at = b + i % 8;
        put_le16(at, (uint16_t)v);
        assert_int_equal(get_le16(at), (uint16_t)v);
        put_le32(at, (uint32_t)v);
        assert_int_equal(get_le32(at), (uint32_t)v);
        put_le64(at, v);
        assert_int_equal(get_le64(at), v);
        put_be16(at, (uint16_t)v);
        assert_int_equal(get_be16(at), (uint16_t)v);
        put_be32(at, (uint32_t)v);
        assert_int_equal(get_be32(at), (uint32_t)v);
        put_be64(at, v);
        assert_int_equal(get_be64(at), v);
    }
}

static void test_a_reader_reads_what_a_writer_wrote(void **state)
{
    uint8_t area[64];
    struct writer w = writer_of(area, sizeof(area));

    (void)state;
    writer_u8(&w, 1);
    writer_le16(&w, 0xfe02);
    writer_le32(&w, 0xfe000003);
    writer_le64(&w, 0xfe00000000000004);
    writer_be16(&w, 0xfe05);
    writer_be32(&w, 0xfe000006);
    writer_be64(&w, 0xfe00000000000007);
    writer_bytes(&w, bytes_text("rest"));
    writer_bytes(&w, bytes_of(NULL, 0));
    assert_false(w.is_failed);
    assert_int_equal(w.size, 33);

    struct reader r = reader_of(writer_view(&w));
    assert_int_equal(reader_u8(&r), 1);
    assert_int_equal(reader_le16(&r), 0xfe02);
    assert_int_equal(reader_le32(&r), 0xfe000003);
    assert_int_equal(reader_le64(&r), 0xfe00000000000004);
    assert_int_equal(reader_be16(&r), 0xfe05);
    assert_int_equal(reader_be32(&r), 0xfe000006);
    assert_int_equal(reader_be64(&r), 0xfe00000000000007);
    assert_false(reader_is_done(&r));
    assert_true(bytes_equal(reader_bytes(&r, 4), bytes_text("rest")));
    assert_true(reader_is_done(&r));
    assert_int_equal(reader_bytes(&r, 0).size, 0);
    assert_true(reader_is_done(&r));
}

/* Reads one value of each kind from `size` bytes. Every one must fail when it is too long. */
static void read_one(struct bytes b, int kind, bool *is_failed, uint64_t *value)
{
    struct reader r = reader_of(b);

    switch (kind) {
    case 0:
        *value = reader_u8(&r);
        break;
    case 1:
        *value = reader_le16(&r);
        break;
    case 2:
        *value = reader_be16(&r);
        break;
    case 3:
        *value = reader_le32(&r);
        break;
    case 4:
        *value = reader_be32(&r);
        break;
    case 5:
        *value = reader_le64(&r);
        break;
    default:
        *value = reader_be64(&r);
        break;
    }
    *is_failed = r.is_failed;
    assert_true(r.is_failed ? r.left == 0 : r.at + r.left == b.data + b.size);
}

static void test_a_read_beyond_the_end_gives_zero_and_fails(void **state)
{
    static const size_t sizes[] = {1, 2, 2, 4, 4, 8, 8};

    (void)state;
    for (int kind = 0; kind < 7; kind++) {
        for (size_t size = 0; size <= 9; size++) {
            uint8_t *exact = mem_alloc(size); /* so that a sanitizer sees a read too far */
            uint64_t value = 0;
            bool is_failed = false;
            memset(exact, 0xff, size);
            read_one(bytes_of(exact, size), kind, &is_failed, &value);
            assert_int_equal(is_failed, size < sizes[kind]);
            assert_true(is_failed ? value == 0 : value != 0);
            mem_free(exact);
        }
    }
}

static void test_a_reader_that_failed_stays_failed(void **state)
{
    struct reader r = reader_of(bytes_of("\x01\x02\x03", 3));

    (void)state;
    assert_int_equal(reader_be32(&r), 0);
    assert_true(r.is_failed);
    assert_int_equal(reader_u8(&r), 0); /* although there were bytes */
    assert_int_equal(reader_bytes(&r, 0).size, 0);
    assert_null(reader_bytes(&r, 1).data);
    assert_false(reader_is_done(&r));
}

static void test_a_size_that_would_wrap_is_refused(void **state)
{
    uint8_t area[4] = {0};
    struct reader r = reader_of(bytes_of(area, 4));
    struct writer w = writer_of(area, 4);

    (void)state;
    writer_u8(&w, 1);
    assert_null(writer_skip(&w, SIZE_MAX));
    assert_true(w.is_failed);
    assert_null(reader_skip(&r, SIZE_MAX));
    assert_true(r.is_failed);
}

static void test_a_sub_reader_cannot_leave_its_part(void **state)
{
    struct reader r = reader_of(bytes_of("\x01\x02\x03\x04\x05", 5));
    struct reader sub = reader_sub(&r, 3);

    (void)state;
    assert_int_equal(reader_be16(&sub), 0x0102);
    assert_int_equal(reader_be16(&sub), 0);
    assert_true(sub.is_failed);
    assert_false(r.is_failed); /* its parent goes on behind the part */
    assert_int_equal(reader_be16(&r), 0x0405);
    assert_true(reader_is_done(&r));
}

static void test_a_sub_reader_longer_than_its_parent_has_failed(void **state)
{
    struct reader r = reader_of(bytes_of("\x01\x02", 2));
    struct reader sub = reader_sub(&r, 3);

    (void)state;
    assert_true(sub.is_failed && r.is_failed);
    assert_int_equal(reader_u8(&sub), 0);
    assert_false(reader_is_done(&sub));
}

static void test_a_writer_takes_a_value_whole_or_not_at_all(void **state)
{
    uint8_t area[8];
    struct writer w = writer_of(area, 6);

    (void)state;
    memset(area, 0xee, sizeof(area));
    writer_be32(&w, 0x01020304);
    writer_be32(&w, 0x05060708);
    assert_true(w.is_failed);
    writer_u8(&w, 9); /* would fit, but comes too late */
    writer_bytes(&w, bytes_text("x"));
    assert_int_equal(w.size, 4);
    assert_memory_equal(area, "\x01\x02\x03\x04\xee\xee\xee\xee", 8);
}

static void test_a_writer_can_be_filled_to_the_last_byte(void **state)
{
    uint8_t *exact = mem_alloc(15);
    struct writer w = writer_of(exact, 15);

    (void)state;
    writer_le64(&w, 1);
    writer_le32(&w, 2);
    writer_le16(&w, 3);
    writer_u8(&w, 4);
    assert_false(w.is_failed);
    assert_int_equal(w.size, w.capacity);
    writer_u8(&w, 5);
    assert_true(w.is_failed);
    mem_free(exact);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_views_are_equal_by_content),
        LEAK_CHECKED(test_both_byte_orders_are_what_they_say),
        LEAK_CHECKED(test_what_was_put_is_got),
        LEAK_CHECKED(test_a_reader_reads_what_a_writer_wrote),
        LEAK_CHECKED(test_a_read_beyond_the_end_gives_zero_and_fails),
        LEAK_CHECKED(test_a_reader_that_failed_stays_failed),
        LEAK_CHECKED(test_a_size_that_would_wrap_is_refused),
        LEAK_CHECKED(test_a_sub_reader_cannot_leave_its_part),
        LEAK_CHECKED(test_a_sub_reader_longer_than_its_parent_has_failed),
        LEAK_CHECKED(test_a_writer_takes_a_value_whole_or_not_at_all),
        LEAK_CHECKED(test_a_writer_can_be_filled_to_the_last_byte),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
