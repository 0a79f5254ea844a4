/* Tests of log/compress: nothing that a stream says about itself is believed. */
#include "log/compress.h"

#include <string.h>
#include <zstd.h>

#include "base/err.h"
#include "base/rand.h"
#include "tests/lib/death.h"
#include "tests/lib/leaks.h"
#include "tests/lib/seed.h"
#include "tests/unit/log/log_bytes.h"

enum { RAW = 10000, LEVEL = 3, GUARD = 0x5a };

struct area {
    uint8_t raw[RAW];
    uint8_t stored[2 * RAW];
    uint8_t out[RAW + 64];
    size_t size;
};

static void fill(struct area *a)
{
    body_fill(a->raw, RAW, 1);
    a->size = compress_payload(LEVEL, a->raw, RAW, a->stored, sizeof(a->stored));
    assert_true(a->size > 0 && a->size < RAW);
    memset(a->out, GUARD, sizeof(a->out));
}

/* Decompresses `size` stored bytes as if they were `raw_size` ones; nothing may be
 * written beyond. */
static int decompress(struct area *a, size_t size, size_t raw_size)
{
    int rv;

    assert_true(raw_size <= RAW);
    memset(a->out, GUARD, sizeof(a->out));
    rv = decompress_payload(a->stored, size, a->out, raw_size);
    for (size_t i = raw_size; i < sizeof(a->out); i++)
        assert_int_equal(a->out[i], GUARD);
    return rv;
}

static void test_what_was_compressed_comes_back(void **state)
{
    static struct area a;

    (void)state;
    fill(&a);
    assert_int_equal(decompress(&a, a.size, RAW), 0);
    assert_memory_equal(a.out, a.raw, RAW);
}

static void test_what_does_not_become_smaller_stays_as_it_is(void **state)
{
    static struct area a;
    struct rand r;

    (void)state;
    rand_init(&r, test_seed());
    rand_fill(&r, a.raw, RAW);
    assert_int_equal(compress_payload(LEVEL, a.raw, RAW, a.stored, sizeof(a.stored)), 0);
    assert_int_equal(compress_payload(LEVEL, a.raw, 1, a.stored, sizeof(a.stored)), 0);
    memset(a.raw, 7, RAW);
    assert_int_equal(compress_payload(LEVEL, a.raw, RAW, a.stored, 5), 0); /* no room */
}

static void test_a_declared_size_that_is_not_the_expected_one_is_refused(void **state)
{
    static struct area a;

    (void)state;
    fill(&a);
    assert_int_equal(decompress(&a, a.size, RAW - 1), ERR_CORRUPT);
    assert_int_equal(decompress(&a, a.size, 1), ERR_CORRUPT);
    assert_int_equal(decompress(&a, a.size, 0), ERR_CORRUPT);
}

/* A bomb: little input, much output, and a header that says so. */
static void test_a_bomb_is_refused_before_it_goes_off(void **state)
{
    enum { BOMB = 8 << 20 };
    static uint8_t zeros[BOMB];
    static struct area a;

    (void)state;
    a.size = ZSTD_compress(a.stored, sizeof(a.stored), zeros, BOMB, LEVEL);
    assert_false(ZSTD_isError(a.size));
    assert_int_equal(decompress(&a, a.size, RAW), ERR_CORRUPT);
}

/* The same with a header that lies: it declares what is expected and goes on behind that. */
static void test_a_stream_that_gives_more_than_it_declared_is_refused(void **state)
{
    enum { GIVEN = 600, DECLARED = 592 };
    static struct area a;
    size_t at = 4; /* behind the magic number */

    (void)state;
    body_fill(a.raw, RAW, 1);
    a.size = ZSTD_compress(a.stored, sizeof(a.stored), a.raw, GIVEN, LEVEL);
    assert_int_equal(decompress(&a, a.size, GIVEN), 0);
    while (a.stored[at] != (uint8_t)(GIVEN - 256) || a.stored[at + 1] != (GIVEN - 256) >> 8)
        at++;
    a.stored[at] = (uint8_t)(DECLARED - 256);
    assert_int_equal(ZSTD_getFrameContentSize(a.stored, a.size), DECLARED);
    assert_int_equal(decompress(&a, a.size, DECLARED), ERR_CORRUPT);
    assert_int_equal(decompress(&a, a.size, GIVEN), ERR_CORRUPT);
}

static void test_a_stream_without_a_declared_size_is_refused(void **state)
{
    static struct area a;
    ZSTD_CCtx *stream = ZSTD_createCCtx();

    (void)state;
    fill(&a);
    assert_non_null(stream);
    assert_false(ZSTD_isError(ZSTD_CCtx_setParameter(stream, ZSTD_c_contentSizeFlag, 0)));
    a.size = ZSTD_compress2(stream, a.stored, sizeof(a.stored), a.raw, RAW);
    assert_false(ZSTD_isError(a.size));
    (void)ZSTD_freeCCtx(stream);
    assert_int_equal(ZSTD_getFrameContentSize(a.stored, a.size), ZSTD_CONTENTSIZE_UNKNOWN);
    assert_int_equal(decompress(&a, a.size, RAW), ERR_CORRUPT);
}

static void test_a_truncated_stream_is_refused_at_every_length(void **state)
{
    static struct area a;

    (void)state;
    fill(&a);
    for (size_t size = 0; size < a.size; size++)
        assert_int_equal(decompress(&a, size, RAW), ERR_CORRUPT);
}

static void test_anything_behind_the_frame_is_refused(void **state)
{
    static struct area a;
    size_t second;

    (void)state;
    fill(&a);
    a.stored[a.size] = 0;
    assert_int_equal(decompress(&a, a.size + 1, RAW), ERR_CORRUPT);
    second = ZSTD_compress(a.stored + a.size, sizeof(a.stored) - a.size, "x", 1, LEVEL);
    assert_int_equal(decompress(&a, a.size + second, RAW), ERR_CORRUPT);
    second = ZSTD_compress(a.stored + a.size, sizeof(a.stored) - a.size, "", 0, LEVEL);
    assert_int_equal(decompress(&a, a.size + second, RAW), ERR_CORRUPT); /* an empty frame too */
    memcpy(a.stored + a.size, "\x50\x2a\x4d\x18\x00\x00\x00\x00", 8);
    assert_int_equal(decompress(&a, a.size + 8, RAW), ERR_CORRUPT); /* a skippable one */
    assert_int_equal(decompress(&a, a.size, RAW), 0);
}

static void test_two_frames_that_sum_up_are_not_one(void **state)
{
    static struct area a;
    size_t first, second;

    (void)state;
    fill(&a);
    first = ZSTD_compress(a.stored, sizeof(a.stored), a.raw, RAW / 2, LEVEL);
    second =
        ZSTD_compress(a.stored + first, sizeof(a.stored) - first, a.raw + RAW / 2, RAW / 2, LEVEL);
    assert_int_equal(decompress(&a, first + second, RAW), ERR_CORRUPT);
}

static void test_random_damage_never_writes_beyond(void **state)
{
    static struct area a;
    struct rand r;

    (void)state;
    rand_init(&r, test_seed());
    for (int i = 0; i < 20000; i++) {
        uint8_t *hit;

        if (i % 100 == 0)
            fill(&a);
        hit = &a.stored[rand_below(&r, a.size)];
        *hit = (uint8_t)rand_next(&r);
        (void)!decompress(&a, a.size, RAW); /* the checksum of the batch finds what this does not */
    }
}

static void compress_at_level_zero(void *owner)
{
    (void)compress_payload(0, owner, 1, owner, 1);
}

static void test_misuse_is_a_bug(void **state)
{
    uint8_t byte = 0;

    (void)state;
    expect_death(compress_at_level_zero, &byte, "level > 0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_what_was_compressed_comes_back),
        LEAK_CHECKED(test_what_does_not_become_smaller_stays_as_it_is),
        LEAK_CHECKED(test_a_declared_size_that_is_not_the_expected_one_is_refused),
        LEAK_CHECKED(test_a_bomb_is_refused_before_it_goes_off),
        LEAK_CHECKED(test_a_stream_that_gives_more_than_it_declared_is_refused),
        LEAK_CHECKED(test_a_stream_without_a_declared_size_is_refused),
        LEAK_CHECKED(test_a_truncated_stream_is_refused_at_every_length),
        LEAK_CHECKED(test_anything_behind_the_frame_is_refused),
        LEAK_CHECKED(test_two_frames_that_sum_up_are_not_one),
        LEAK_CHECKED(test_random_damage_never_writes_beyond),
        LEAK_CHECKED(test_misuse_is_a_bug),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
