/* Tests of base/crc32c: known values, and hardware, tables and long division against each
 * other. */
#include "base/crc32c.h"

#include <string.h>

#include "base/check.h"
#include "base/rand.h"
#include "tests/lib/seed.h"
#include "tests/lib/test.h"

enum { AREA_SIZE = 64 * 1024 };

static uint8_t area[AREA_SIZE];

/* Bit by bit, as the definition says. */
static uint32_t long_division(uint32_t crc, const uint8_t *at, size_t size)
{
    crc = ~crc;
    for (size_t i = 0; i < size; i++) {
        crc ^= at[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ ((crc & 1) != 0 ? 0x82f63b78u : 0);
    }
    return ~crc;
}

static void assert_crc(const void *data, size_t size, uint32_t expected)
{
    assert_int_equal(crc32c(data, size), expected);
    assert_int_equal(crc32c_extend_portable(0, data, size), expected);
}

static void test_values_published_in_rfc_3720(void **state)
{
    uint8_t bytes[32] = {0};
    static const uint8_t scsi_read[48] = {
        0x01, 0xc0, 0, 0,  0, 0, 0, 0,    0,    0, 0, 0, 0, 0, 0, 0, 0x14, 0, 0, 0, 0, 0, 4, 0,
        0,    0,    0, 20, 0, 0, 0, 0x18, 0x28, 0, 0, 0, 0, 0, 0, 0, 2,    0, 0, 0, 0, 0, 0, 0,
    };

    (void)state;
    assert_crc("123456789", 9, 0xe3069283);
    assert_crc(bytes, 32, 0x8a9136aa);
    memset(bytes, 0xff, 32);
    assert_crc(bytes, 32, 0x62a8ab43);
    for (uint8_t i = 0; i < 32; i++)
        bytes[i] = i;
    assert_crc(bytes, 32, 0x46dd794e);
    for (uint8_t i = 0; i < 32; i++)
        bytes[i] = (uint8_t)(31 - i);
    assert_crc(bytes, 32, 0x113fdb5c);
    assert_crc(scsi_read, 48, 0xd9963a56);
}

static void test_nothing_has_the_checksum_zero(void **state)
{
    (void)state;
    assert_int_equal(crc32c(NULL, 0), 0);
    assert_int_equal(crc32c_extend(0x12345678, NULL, 0), 0x12345678);
    assert_int_equal(crc32c_extend_portable(0x12345678, NULL, 0), 0x12345678);
}

static void test_every_length_and_alignment_agrees_with_long_division(void **state)
{
    struct rand r;

    (void)state;
    rand_init(&r, test_seed());
    rand_fill(&r, area, sizeof(area));
    for (size_t align = 0; align < 8; align++) {
        uint32_t expected = 0;
        for (size_t size = 0; size < 7000; size++) {
            /* All lengths up to two whole rounds of the three lanes; every start among the
             * first. */
            if (align == 0 || size < 600) {
                assert_int_equal(crc32c(area + align, size), expected);
                assert_int_equal(crc32c_extend_portable(0, area + align, size), expected);
            }
            expected = long_division(expected, area + align + size, 1);
        }
    }
}

static void test_parts_put_together_give_the_whole(void **state)
{
    struct rand r;

    (void)state;
    rand_init(&r, test_seed());
    rand_fill(&r, area, sizeof(area));
    for (int round = 0; round < 300; round++) {
        size_t start = rand_below(&r, AREA_SIZE);
        size_t end = start + rand_below(&r, AREA_SIZE - start + 1);
        size_t cut = start + rand_below(&r, end - start + 1);
        uint32_t first = crc32c(area + start, cut - start);
        uint32_t whole = crc32c(area + start, end - start);
        assert_int_equal(crc32c_extend(first, area + cut, end - cut), whole);
        assert_int_equal(crc32c_extend_portable(first, area + cut, end - cut), whole);
        assert_int_equal(crc32c_extend_portable(0, area + start, end - start), whole);
        assert_int_equal(crc32c_join(first, crc32c(area + cut, end - cut), end - cut), whole);
    }
}

static void test_every_flipped_bit_changes_the_checksum(void **state)
{
    struct rand r;

    (void)state;
    rand_init(&r, test_seed());
    rand_fill(&r, area, 600);
    uint32_t whole = crc32c(area, 600);
    for (size_t bit = 0; bit < 600 * 8; bit++) {
        area[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_not_equal(crc32c(area, 600), whole);
        area[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    assert_int_equal(crc32c(area, 600), whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_published_in_rfc_3720),
        cmocka_unit_test(test_nothing_has_the_checksum_zero),
        cmocka_unit_test(test_every_length_and_alignment_agrees_with_long_division),
        cmocka_unit_test(test_parts_put_together_give_the_whole),
        cmocka_unit_test(test_every_flipped_bit_changes_the_checksum),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
