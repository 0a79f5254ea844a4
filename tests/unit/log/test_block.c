/* Tests of log/block: records of checked batches in memory, found by number and by time. */
#include "log/block.h"

#include "base/bytes.h"
#include "base/crc32c.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/rand.h"
#include "log/cache.h"
#include "tests/lib/fault_heap.h"
#include "tests/lib/leaks.h"
#include "tests/lib/seed.h"
#include "tests/unit/log/log_bytes.h"

enum { MARK = 1, CAPACITY = 4096, BODY = 30 };

struct fixture {
    struct site site;
    struct cache cache;
    struct segment *segment;
    struct block *block;
    struct batch_builder b;
};

static void begin(struct fixture *f, uint64_t first, uint64_t end)
{
    *f = (struct fixture){.site.options = {.block_bytes = CAPACITY, .cache_bytes = 1 << 20}};
    cache_init(&f->cache, &f->site);
    f->segment = segment_new(SEGMENT_HOT, first, first);
    f->block = cache_new_block(&f->cache, f->segment, CAPACITY);
    f->block->first = first;
    f->block->end = end;
    batch_builder_init(&f->b, MARK, first);
}

static void end_test(struct fixture *f)
{
    batch_builder_release(&f->b);
    block_unref(f->block);
    cache_release(&f->cache);
    segment_free(f->segment);
}

/* The last batch that was built goes into the block. */
static int take(struct fixture *f)
{
    struct batch_head head;
    const uint8_t *at = f->b.bytes + f->b.last_at;

    assert_int_equal(batch_read(at, f->b.size - f->b.last_at, MARK, &head), 0);
    return block_take_batch(f->block, &head, at);
}

/* Builds a batch and takes it. */
static void add(struct fixture *f, uint32_t count, size_t body_size)
{
    batch_builder_add(&f->b, count, body_size);
    assert_int_equal(take(f), 0);
}

static void expect_record(struct fixture *f, uint32_t place, uint64_t number, size_t body_size)
{
    struct record r;

    block_record(f->block, place, &r);
    assert_int_equal(r.number, number);
    assert_true(bytes_equal(r.key, f->b.key));
    assert_true(body_is(r.body, body_size, number));
}

static void test_records_of_many_batches_are_all_there(void **state)
{
    struct fixture f;
    struct record r;

    (void)state;
    begin(&f, 100, 106);
    f.b.key = bytes_text("the key");
    add(&f, 3, BODY);
    add(&f, 1, 0);
    add(&f, 2, BODY);
    assert_int_equal(f.block->count, 6);
    assert_int_equal(f.block->batch_count, 3);
    for (uint32_t i = 0; i < 6; i++)
        expect_record(&f, i, 100 + i, i == 3 ? 0 : BODY);
    block_record(f.block, 2, &r);
    assert_int_equal(r.time_ms, 1000000);
    block_record(f.block, 3, &r);
    assert_int_equal(r.time_ms, 1001000);
    end_test(&f);
}

static void test_seek_in_a_dense_block(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f, 100, 106);
    assert_int_equal(block_seek(f.block, 0), 0); /* an empty block has nothing */
    add(&f, 3, BODY);
    add(&f, 3, BODY);
    assert_int_equal(block_seek(f.block, 0), 0);
    for (uint32_t i = 0; i < 6; i++)
        assert_int_equal(block_seek(f.block, 100 + i), i);
    assert_int_equal(block_seek(f.block, 106), 6);
    assert_int_equal(block_seek(f.block, UINT64_MAX), 6);
    end_test(&f);
}

static void test_seek_over_a_gap_finds_the_next_higher_number(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f, 100, 110);
    add(&f, 2, BODY); /* 100, 101 */
    f.b.next = 105;   /* a batch between was damaged */
    add(&f, 2, BODY); /* 105, 106 */
    assert_int_equal(block_seek(f.block, 101), 1);
    assert_int_equal(block_seek(f.block, 102), 2);
    assert_int_equal(block_seek(f.block, 105), 2);
    assert_int_equal(block_seek(f.block, 106), 3);
    assert_int_equal(block_seek(f.block, 107), 4);
    expect_record(&f, 2, 105, BODY);
    end_test(&f);
}

static void test_seek_in_a_wounded_block_of_as_many_records_as_its_neighbour(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f, 100, 104);
    f.b.next = 102; /* the first batch of the run was damaged */
    add(&f, 2, BODY);
    assert_int_equal(block_seek(f.block, 100), 0);
    assert_int_equal(block_seek(f.block, 102), 0);
    assert_int_equal(block_seek(f.block, 103), 1);
    assert_int_equal(block_seek(f.block, 104), 2);
    end_test(&f);
}

static void test_numbered_records_have_gaps_and_their_own_times(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f, 7, 1000);
    f.b.attributes = BATCH_NUMBERED;
    f.b.step = 10;
    add(&f, 3, BODY); /* 7, 17, 27 */
    f.b.attributes = BATCH_NUMBERED | BATCH_ZSTD;
    add(&f, 50, BODY); /* 37 ... 527 */
    assert_int_equal(f.block->count, 53);
    expect_record(&f, 2, 27, BODY);
    expect_record(&f, 52, 527, BODY);
    assert_int_equal(block_seek(f.block, 8), 1);
    assert_int_equal(block_seek(f.block, 37), 3);
    assert_int_equal(block_seek(f.block, 526), 52);
    assert_int_equal(block_seek(f.block, 528), 53);
    assert_int_equal(block_seek_time(f.block, 1000001), 3);
    end_test(&f);
}

static void test_seek_by_time_finds_the_first_not_older(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f, 0, 6);
    for (int i = 0; i < 3; i++)
        add(&f, 2, BODY); /* times 1000000, 1001000, 1002000 */
    assert_int_equal(block_seek_time(f.block, INT64_MIN), 0);
    assert_int_equal(block_seek_time(f.block, 1000000), 0);
    assert_int_equal(block_seek_time(f.block, 1000001), 2);
    assert_int_equal(block_seek_time(f.block, 1001000), 2);
    assert_int_equal(block_seek_time(f.block, 1002000), 4);
    assert_int_equal(block_seek_time(f.block, 1002001), 6);
    assert_int_equal(block_seek_time(f.block, INT64_MAX), 6);
    end_test(&f);
}

static void test_a_block_grows_when_batches_are_larger_raw_than_stored(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f, 0, 500);
    f.b.attributes = BATCH_NUMBERED | BATCH_ZSTD;
    add(&f, 250, 100);
    add(&f, 250, 100);
    assert_true(f.block->capacity > CAPACITY && f.block->size <= f.block->capacity);
    for (uint32_t i = 0; i < 500; i++)
        expect_record(&f, i, i, 100);
    f.cache.bytes += f.block->capacity - CAPACITY; /* as whoever filled it must say */
    end_test(&f);
}

/* A payload that is not what its header says leaves the block as it was. */
static void expect_refused(struct fixture *f, int err)
{
    uint32_t count = f->block->count, batches = f->block->batch_count;
    size_t size = f->block->size;

    assert_int_equal(take(f), err);
    assert_int_equal(f->block->count, count);
    assert_int_equal(f->block->batch_count, batches);
    assert_int_equal(f->block->size, size);
}

/* Changes the last batch and makes its checksum right again. */
static void lie(struct fixture *f, size_t at, uint32_t value)
{
    uint8_t *batch = f->b.bytes + f->b.last_at;

    put_le32(batch + at, value);
    put_le32(batch + 4, crc32c(batch + 8, get_le32(batch + 8) - 8));
}

static void test_a_payload_that_contradicts_its_header_is_refused(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f, 0, 100);
    add(&f, 2, BODY);
    batch_builder_add(&f.b, 3, BODY);
    lie(&f, 24, 2); /* fewer records than there are */
    expect_refused(&f, ERR_CORRUPT);
    lie(&f, 24, 4); /* more */
    expect_refused(&f, ERR_CORRUPT);
    lie(&f, 24, 3);
    lie(&f, BATCH_HEADER_SIZE, 7); /* a record shorter than its head */
    expect_refused(&f, ERR_CORRUPT);
    lie(&f, BATCH_HEADER_SIZE, RECORD_HEADER_SIZE + BODY);
    assert_int_equal(take(&f), 0);
    assert_int_equal(f.block->count, 5);
    end_test(&f);
}

static void test_numbers_that_do_not_rise_are_refused(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f, 0, 100);
    f.b.attributes = BATCH_NUMBERED;
    f.b.step = 0;
    batch_builder_add(&f.b, 2, BODY); /* twice the same number */
    expect_refused(&f, ERR_CORRUPT);
    f.b.next = 50;
    f.b.step = 1;
    batch_builder_add(&f.b, 2, BODY);
    lie(&f, 16, 51); /* the base says more than the first record */
    expect_refused(&f, ERR_CORRUPT);
    end_test(&f);
}

static void test_a_compressed_payload_that_lies_is_refused(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f, 0, 1000);
    f.b.attributes = BATCH_NUMBERED | BATCH_ZSTD;
    batch_builder_add(&f.b, 100, BODY);
    lie(&f, 56, 100 * (RECORD_NUMBERED_SIZE + BODY) - 1);
    expect_refused(&f, ERR_CORRUPT);
    lie(&f, 56, BATCH_SIZE_MAX);
    expect_refused(&f, ERR_CORRUPT);
    f.cache.bytes += f.block->capacity - CAPACITY;
    end_test(&f);
}

static void test_lack_of_memory_is_not_damage(void **state)
{
    struct fault_heap heap;
    struct fixture f;

    (void)state;
    begin(&f, 0, 1000);
    batch_builder_add(&f.b, 200, BODY);
    fault_heap_start(&heap, 1, false);
    expect_refused(&f, ERR_NO_MEMORY);
    assert_true(fault_heap_stop(&heap));
    assert_int_equal(take(&f), 0);
    f.cache.bytes += f.block->capacity - CAPACITY;
    end_test(&f);
}

static void test_random_blocks_agree_with_a_walk(void **state)
{
    struct rand r;

    (void)state;
    rand_init(&r, test_seed());
    for (int round = 0; round < 100; round++) {
        bool is_numbered = rand_chance(&r, 1, 2);
        struct fixture f;
        uint64_t first = rand_below(&r, 100);

        begin(&f, first, first + 1000);
        f.b.attributes = is_numbered ? BATCH_NUMBERED : 0;
        f.b.step = 1 + rand_below(&r, 5);
        for (uint64_t i = rand_below(&r, 8); i > 0; i--) {
            add(&f, 1 + (uint32_t)rand_below(&r, 9), 4);
            f.b.next += rand_chance(&r, 1, 3) ? rand_below(&r, 20) : 0;
        }
        f.block->end = f.b.next;
        for (uint64_t n = first; n <= f.b.next; n++) {
            uint32_t place = block_seek(f.block, n);
            struct record at = {.number = UINT64_MAX}, before = {0};

            if (place < f.block->count)
                block_record(f.block, place, &at);
            if (place > 0)
                block_record(f.block, place - 1, &before);
            assert_true(at.number >= n && (place == 0 || before.number < n));
        }
        end_test(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_records_of_many_batches_are_all_there),
        LEAK_CHECKED(test_seek_in_a_dense_block),
        LEAK_CHECKED(test_seek_over_a_gap_finds_the_next_higher_number),
        LEAK_CHECKED(test_seek_in_a_wounded_block_of_as_many_records_as_its_neighbour),
        LEAK_CHECKED(test_numbered_records_have_gaps_and_their_own_times),
        LEAK_CHECKED(test_seek_by_time_finds_the_first_not_older),
        LEAK_CHECKED(test_a_block_grows_when_batches_are_larger_raw_than_stored),
        LEAK_CHECKED(test_a_payload_that_contradicts_its_header_is_refused),
        LEAK_CHECKED(test_numbers_that_do_not_rise_are_refused),
        LEAK_CHECKED(test_a_compressed_payload_that_lies_is_refused),
        LEAK_CHECKED(test_lack_of_memory_is_not_damage),
        LEAK_CHECKED(test_random_blocks_agree_with_a_walk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
