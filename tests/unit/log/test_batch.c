/* Tests of log/batch: what is taken for a batch, and what is not. */
#include "log/batch.h"

#include <string.h>

#include "base/crc32c.h"
#include "base/err.h"
#include "base/mem.h"
#include "tests/lib/death.h"
#include "tests/lib/leaks.h"
#include "tests/unit/log/log_bytes.h"

enum { MARK = 0x1234567, LENGTH_AT = 8, VERSION_AT = 12, ATTRIBUTES_AT = 14, COUNT_AT = 24 };
enum { RAW_SIZE_AT = 56 };

/* One batch of three records at the start of b->bytes. */
static void build(struct batch_builder *b)
{
    batch_builder_init(b, MARK, 7);
    b->chain = 0xabcdef;
    b->epoch = 9;
    b->durable = 5;
    batch_builder_add(b, 3, 40);
}

/* Makes the checksum right again after a test changed the bytes. */
static void sign(uint8_t *at)
{
    put_le32(at + 4, crc32c(at + LENGTH_AT, get_le32(at + LENGTH_AT) - LENGTH_AT));
}

static void test_what_was_sealed_is_read_back(void **state)
{
    struct batch_builder b;
    struct batch_head h;

    (void)state;
    build(&b);
    assert_int_equal(b.size, BATCH_ALIGN);
    assert_int_equal(batch_read(b.bytes, b.size, MARK, &h), 0);
    assert_int_equal(h.length, BATCH_HEADER_SIZE + 3 * (RECORD_HEADER_SIZE + 40));
    assert_int_equal(h.raw_size, h.length - BATCH_HEADER_SIZE);
    assert_int_equal(h.attributes, 0);
    assert_int_equal(h.base, 7);
    assert_int_equal(h.count, 3);
    assert_int_equal(h.chain, 0xabcdef);
    assert_int_equal(h.epoch, 9);
    assert_int_equal(h.time_ms, 1000000);
    assert_int_equal(h.durable, 5);
    assert_int_equal(h.mark, MARK);
    assert_int_equal(h.crc, b.last.crc);
    batch_builder_release(&b);
}

static void test_every_flipped_bit_is_found(void **state)
{
    struct batch_builder b;
    struct batch_head h;

    (void)state;
    build(&b);
    for (size_t i = 0; i < b.last.length * 8; i++) {
        b.bytes[i / 8] ^= (uint8_t)(1u << i % 8);
        assert_int_equal(batch_read(b.bytes, b.size, MARK, &h), ERR_CORRUPT);
        b.bytes[i / 8] ^= (uint8_t)(1u << i % 8);
    }
    assert_int_equal(batch_read(b.bytes, b.size, MARK, &h), 0);
    batch_builder_release(&b);
}

static void test_the_padding_behind_is_not_part_of_the_batch(void **state)
{
    struct batch_builder b;
    struct batch_head h;

    (void)state;
    build(&b);
    memset(b.bytes + b.last.length, 0xff, b.size - b.last.length);
    assert_int_equal(batch_read(b.bytes, b.size, MARK, &h), 0);
    batch_builder_release(&b);
}

static void test_a_cut_batch_is_none(void **state)
{
    struct batch_builder b;
    struct batch_head h = {.count = 99};

    (void)state;
    build(&b);
    for (size_t size = 0; size < b.last.length; size++)
        assert_int_equal(batch_read(b.bytes, size, MARK, &h), ERR_CORRUPT);
    assert_int_equal(h.count, 99); /* untouched */
    assert_int_equal(batch_read(b.bytes, b.last.length, MARK, &h), 0);
    batch_builder_release(&b);
}

static void test_a_batch_of_another_log_is_none(void **state)
{
    struct batch_builder b;
    struct batch_head h;

    (void)state;
    build(&b);
    assert_int_equal(batch_read(b.bytes, b.size, MARK + 1, &h), ERR_CORRUPT);
    batch_builder_release(&b);
}

static void test_an_intact_batch_of_a_newer_version_is_told_apart_from_damage(void **state)
{
    struct batch_builder b;
    struct batch_head h;

    (void)state;
    build(&b);
    put_le16(b.bytes + VERSION_AT, BATCH_VERSION + 1);
    assert_int_equal(batch_read(b.bytes, b.size, MARK, &h), ERR_CORRUPT);
    sign(b.bytes);
    assert_int_equal(batch_read(b.bytes, b.size, MARK, &h), ERR_VERSION);
    batch_builder_release(&b);
}

/* Each of these has a right checksum and says something that cannot be. */
static void test_fields_that_contradict_each_other_are_damage(void **state)
{
    static const struct {
        size_t at;
        uint32_t value;
    } lies[] = {
        {COUNT_AT, 0},
        {COUNT_AT, UINT32_MAX},
        {COUNT_AT, 3 * (RECORD_HEADER_SIZE + 40) / RECORD_HEADER_SIZE + 1},
        {RAW_SIZE_AT, 0},
        {RAW_SIZE_AT, 3 * (RECORD_HEADER_SIZE + 40) - 1},
        {RAW_SIZE_AT, 3 * (RECORD_HEADER_SIZE + 40) + 1},
        {RAW_SIZE_AT, BATCH_SIZE_MAX + 1},
        {RAW_SIZE_AT, UINT32_MAX},
        {ATTRIBUTES_AT - 2, 4u << 16 | BATCH_VERSION},
        {ATTRIBUTES_AT - 2, 0x8000u << 16 | BATCH_VERSION},
    };
    struct batch_builder b;
    struct batch_head h;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(lies); i++) {
        build(&b);
        put_le32(b.bytes + lies[i].at, lies[i].value);
        sign(b.bytes);
        assert_int_equal(batch_read(b.bytes, b.size, MARK, &h), ERR_CORRUPT);
        batch_builder_release(&b);
    }
}

static void test_a_compressed_batch_may_be_larger_raw_but_never_beyond_the_limit(void **state)
{
    struct batch_builder b;
    struct batch_head h;

    (void)state;
    build(&b);
    put_le16(b.bytes + ATTRIBUTES_AT, BATCH_ZSTD);
    put_le32(b.bytes + RAW_SIZE_AT, BATCH_SIZE_MAX);
    sign(b.bytes);
    assert_int_equal(batch_read(b.bytes, b.size, MARK, &h), 0);
    assert_int_equal(h.raw_size, BATCH_SIZE_MAX);
    put_le32(b.bytes + RAW_SIZE_AT, BATCH_SIZE_MAX + 1);
    sign(b.bytes);
    assert_int_equal(batch_read(b.bytes, b.size, MARK, &h), ERR_CORRUPT);
    batch_builder_release(&b);
}

static void test_a_claimed_length_is_believed_only_within_limits(void **state)
{
    uint8_t head[BATCH_HEADER_SIZE] = {'M', 'R', 'B', '1'};

    (void)state;
    put_le32(head + LENGTH_AT, BATCH_HEADER_SIZE + 1);
    assert_int_equal(batch_claimed_length(head, sizeof(head)), BATCH_HEADER_SIZE + 1);
    assert_int_equal(batch_claimed_length(head, sizeof(head) - 1), 0);
    put_le32(head + LENGTH_AT, BATCH_SIZE_MAX);
    assert_int_equal(batch_claimed_length(head, sizeof(head)), BATCH_SIZE_MAX);
    put_le32(head + LENGTH_AT, BATCH_SIZE_MAX + 1);
    assert_int_equal(batch_claimed_length(head, sizeof(head)), 0);
    put_le32(head + LENGTH_AT, BATCH_HEADER_SIZE);
    assert_int_equal(batch_claimed_length(head, sizeof(head)), 0);
    put_le32(head + LENGTH_AT, 0);
    assert_int_equal(batch_claimed_length(head, sizeof(head)), 0);
    put_le32(head + LENGTH_AT, BATCH_SIZE_MAX);
    head[3] = '2';
    assert_int_equal(batch_claimed_length(head, sizeof(head)), 0);
}

static void test_batches_take_whole_sectors(void **state)
{
    (void)state;
    assert_int_equal(batch_padded(1), 512);
    assert_int_equal(batch_padded(512), 512);
    assert_int_equal(batch_padded(513), 1024);
    assert_int_equal(batch_padded(BATCH_SIZE_MAX), BATCH_SIZE_MAX);
}

/* ---- Records ---- */

static void test_a_record_takes_number_and_time_from_its_batch(void **state)
{
    struct batch_head head = {.base = 100, .time_ms = 77};
    uint8_t area[64];
    struct record in = {.number = 5, .time_ms = 6, .kind = 200, .key = bytes_text("key")};
    struct record out;
    size_t at = 0;

    (void)state;
    in.body.size = 4;
    memcpy(record_write(area, false, &in), "body", 4);
    assert_int_equal(record_size(false, 3, 4), RECORD_HEADER_SIZE + 7);
    assert_int_equal(record_read(&head, bytes_of(area, RECORD_HEADER_SIZE + 7), &at, 2, &out), 0);
    assert_int_equal(at, RECORD_HEADER_SIZE + 7);
    assert_int_equal(out.number, 102);
    assert_int_equal(out.time_ms, 77);
    assert_int_equal(out.kind, 200);
    assert_true(bytes_equal(out.key, bytes_text("key")));
    assert_true(bytes_equal(out.body, bytes_text("body")));
}

static void test_a_numbered_record_brings_its_own(void **state)
{
    struct batch_head head = {.base = 100, .time_ms = 77, .attributes = BATCH_NUMBERED};
    uint8_t area[64];
    struct record in = {.number = UINT64_MAX - 1, .time_ms = -5, .kind = 1};
    struct record out;
    size_t at = 0;

    (void)state;
    in.body.size = 4;
    memcpy(record_write(area, true, &in), "body", 4);
    assert_int_equal(record_read(&head, bytes_of(area, RECORD_NUMBERED_SIZE + 4), &at, 2, &out), 0);
    assert_int_equal(at, RECORD_NUMBERED_SIZE + 4);
    assert_int_equal(out.number, UINT64_MAX - 1);
    assert_int_equal(out.time_ms, -5);
    assert_int_equal(out.key.size, 0);
    assert_true(bytes_equal(out.body, bytes_text("body")));
}

static void test_a_record_may_be_empty_or_have_the_largest_key(void **state)
{
    struct batch_head head = {.base = 1};
    uint8_t *area = mem_zero(1, RECORD_HEADER_SIZE + RECORD_KEY_MAX);
    struct record in = {.kind = 1}, out;
    size_t at = 0;

    (void)state;
    (void)record_write(area, false, &in);
    assert_int_equal(record_read(&head, bytes_of(area, RECORD_HEADER_SIZE), &at, 0, &out), 0);
    assert_int_equal(out.key.size + out.body.size, 0);

    in.key = bytes_of(mem_zero(1, RECORD_KEY_MAX), RECORD_KEY_MAX);
    (void)record_write(area, false, &in);
    at = 0;
    assert_int_equal(
        record_read(&head, bytes_of(area, RECORD_HEADER_SIZE + RECORD_KEY_MAX), &at, 0, &out), 0);
    assert_int_equal(out.key.size, RECORD_KEY_MAX);
    assert_int_equal(out.body.size, 0);
    mem_free((void *)(uintptr_t)in.key.data);
    mem_free(area);
}

static void test_a_record_that_does_not_fit_is_damage(void **state)
{
    struct batch_head plain = {.base = 1}, numbered = {.attributes = BATCH_NUMBERED};
    struct record in = {.kind = 1, .key = bytes_text("abc")}, out = {.kind = 77};
    uint8_t area[64] = {0};
    size_t whole = record_size(false, 3, 0), at = 0;

    (void)state;
    (void)record_write(area, false, &in);
    for (size_t size = 1; size < whole; size++) {
        uint8_t *exact = mem_alloc(size); /* so that a sanitizer sees who reads beyond */

        memcpy(exact, area, size);
        assert_int_equal(record_read(&plain, bytes_of(exact, size), &at, 0, &out), ERR_CORRUPT);
        mem_free(exact);
    }
    put_le32(area, (uint32_t)whole - 1); /* not even room for its key */
    assert_int_equal(record_read(&plain, bytes_of(area, whole), &at, 0, &out), ERR_CORRUPT);
    put_le32(area, 0); /* would never move on */
    assert_int_equal(record_read(&plain, bytes_of(area, whole), &at, 0, &out), ERR_CORRUPT);
    put_le32(area, UINT32_MAX);
    assert_int_equal(record_read(&plain, bytes_of(area, whole), &at, 0, &out), ERR_CORRUPT);
    put_le32(area, RECORD_NUMBERED_SIZE - 1); /* shorter than its fixed part */
    assert_int_equal(record_read(&numbered, bytes_of(area, sizeof(area)), &at, 0, &out),
                     ERR_CORRUPT);
    assert_int_equal(at, 0);
    assert_int_equal(out.kind, 77);
}

/* ---- Misuse ---- */

static void seal_without_records(void *owner)
{
    struct batch_head h = {.length = BATCH_HEADER_SIZE + 8, .count = 0};

    batch_seal(owner, &h);
}

static void seal_too_long(void *owner)
{
    struct batch_head h = {.length = BATCH_SIZE_MAX + 1, .count = 1};

    batch_seal(owner, &h);
}

static void write_too_long_a_key(void *owner)
{
    struct record r = {.key = {owner, RECORD_KEY_MAX + 1}};

    (void)record_write(owner, false, &r);
}

static void test_misuse_is_a_bug(void **state)
{
    uint8_t area[BATCH_HEADER_SIZE + 8] = {0};

    (void)state;
    expect_death(seal_without_records, area, "count > 0");
    expect_death(seal_too_long, area, "BATCH_SIZE_MAX");
    expect_death(write_too_long_a_key, area, "RECORD_KEY_MAX");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_what_was_sealed_is_read_back),
        LEAK_CHECKED(test_every_flipped_bit_is_found),
        LEAK_CHECKED(test_the_padding_behind_is_not_part_of_the_batch),
        LEAK_CHECKED(test_a_cut_batch_is_none),
        LEAK_CHECKED(test_a_batch_of_another_log_is_none),
        LEAK_CHECKED(test_an_intact_batch_of_a_newer_version_is_told_apart_from_damage),
        LEAK_CHECKED(test_fields_that_contradict_each_other_are_damage),
        LEAK_CHECKED(test_a_compressed_batch_may_be_larger_raw_but_never_beyond_the_limit),
        LEAK_CHECKED(test_a_claimed_length_is_believed_only_within_limits),
        LEAK_CHECKED(test_batches_take_whole_sectors),
        LEAK_CHECKED(test_a_record_takes_number_and_time_from_its_batch),
        LEAK_CHECKED(test_a_numbered_record_brings_its_own),
        LEAK_CHECKED(test_a_record_may_be_empty_or_have_the_largest_key),
        LEAK_CHECKED(test_a_record_that_does_not_fit_is_damage),
        LEAK_CHECKED(test_misuse_is_a_bug),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
