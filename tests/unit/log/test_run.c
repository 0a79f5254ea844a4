/* Tests of log/run: a run of batches becomes a block, whatever is wrong with it. */
#include "log/run.h"

#include <string.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "base/err.h"
#include "base/rand.h"
#include "log/cache.h"
#include "tests/lib/fault_heap.h"
#include "tests/lib/leaks.h"
#include "tests/lib/seed.h"
#include "tests/unit/log/log_bytes.h"
#include "tests/unit/log/log_site.h"

enum { BATCHES = 10, PER_BATCH = 3, BODY = 200, FIRST = 500, CAPACITY = 4096 };

struct fixture {
    struct log_site log;
    struct cache cache;
    struct segment *segment;
    struct block *block;
    struct batch_builder b;
    struct disk_file *file;
    size_t places[BATCHES];
};

/* Ten batches, positions 500 to 529. */
static void begin(struct fixture *f)
{
    log_site_init(&f->log);
    cache_init(&f->cache, &f->log.site);
    f->segment = segment_new(SEGMENT_HOT, FIRST, FIRST);
    f->block = cache_new_block(&f->cache, f->segment, CAPACITY);
    f->block->first = FIRST;
    f->block->end = FIRST + BATCHES * PER_BATCH;
    batch_builder_init(&f->b, site_mark(&f->log.site), FIRST);
    for (int i = 0; i < BATCHES; i++) {
        batch_builder_add(&f->b, PER_BATCH, BODY);
        f->places[i] = f->b.last_at;
    }
}

static int load_span(struct fixture *f, struct run_span span)
{
    int rv;

    log_site_put(&f->log, "f", f->b.bytes, f->b.size);
    f->file = log_site_open(&f->log, "f", DISK_READ);
    rv = run_load(f->block, f->file, &span);
    disk_close(f->file);
    return rv;
}

static int load(struct fixture *f, uint64_t to)
{
    return load_span(f, (struct run_span){.to = to, .end = to, .chain_end = f->b.chain});
}

/* One batch is a run of its own. */
static int load_one(struct fixture *f, unsigned i)
{
    f->block->first = FIRST + i * PER_BATCH;
    f->block->end = f->block->first + PER_BATCH;
    return load_span(f, (struct run_span){.before = f->places[i > 0 ? i - 1 : 0],
                                          .from = f->places[i],
                                          .to = i + 1 < BATCHES ? f->places[i + 1] : f->b.size,
                                          .end = f->b.size,
                                          .chain_end = f->b.chain});
}

static void end(struct fixture *f)
{
    f->cache.bytes += f->block->capacity - CAPACITY;
    block_unref(f->block);
    cache_release(&f->cache);
    segment_free(f->segment);
    batch_builder_release(&f->b);
    log_site_release(&f->log);
}

/* The block must hold all batches but those whose bit is set. */
static void expect_all_but(struct fixture *f, unsigned missing)
{
    uint32_t place = 0;
    struct record r;

    assert_int_equal(f->block->is_wounded, missing != 0);
    for (unsigned i = 0; i < BATCHES * PER_BATCH; i++) {
        if ((missing & 1u << i / PER_BATCH) != 0)
            continue;
        assert_true(place < f->block->count);
        block_record(f->block, place++, &r);
        assert_int_equal(r.number, FIRST + i);
        assert_true(body_is(r.body, BODY, r.number));
    }
    assert_int_equal(f->block->count, place);
}

static void test_a_good_run_is_all_there(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f);
    assert_int_equal(load(&f, f.b.size), 0);
    expect_all_but(&f, 0);
    end(&f);
}

/* A batch between two damaged ones has nobody who vouches for it, unless the head of the one behind
 * it can still be read. It may be an old one that shows where a write was lost. */
static unsigned without_unvouched(unsigned missing, unsigned heads)
{
    unsigned all = missing;

    for (unsigned i = 1; i < BATCHES; i++) {
        bool has_before = (missing & 1u << (i - 1)) == 0;
        bool has_behind = i + 1 == BATCHES || (heads & missing & 1u << (i + 1)) == 0;

        if (!has_before && !has_behind)
            all |= 1u << i;
    }
    return all;
}

static void expect_without(unsigned missing, bool is_head)
{
    struct fixture f;

    begin(&f);
    for (unsigned i = 0; i < BATCHES; i++) {
        if ((missing & 1u << i) != 0)
            f.b.bytes[f.places[i] + (is_head ? 28 : 100)] ^= 1;
    }
    assert_int_equal(load(&f, f.b.size), 0);
    expect_all_but(&f, without_unvouched(missing, is_head ? missing : 0));
    end(&f);
}

static void test_damaged_batches_are_stepped_over_and_leave_a_wound(void **state)
{
    (void)state;
    for (unsigned missing = 1; missing < 1u << BATCHES; missing++) {
        expect_without(missing, false);
        expect_without(missing, true);
    }
}

/* Puts a batch of the same numbers in the place of another: an old one, whole and with a right
 * checksum, that shows where a write was lost. It follows from the one before it when it was of a
 * future that was cut off. */
static void put_old(struct fixture *f, unsigned i, bool does_follow)
{
    struct batch_builder old;

    batch_builder_init(&old, site_mark(&f->log.site), FIRST + i * PER_BATCH);
    old.chain = does_follow ? get_le32(f->b.bytes + f->places[i] + 28) : 12345;
    old.time_ms = 7;
    batch_builder_add(&old, PER_BATCH, BODY);
    memcpy(f->b.bytes + f->places[i], old.bytes, old.size);
    batch_builder_release(&old);
}

static void test_a_batch_that_shows_a_lost_write_is_not_served(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2 * BATCHES; i++) {
        struct fixture f;
        struct record r;

        begin(&f);
        put_old(&f, i % BATCHES, i >= BATCHES);
        assert_int_equal(load(&f, f.b.size), 0);
        expect_all_but(&f, 1u << i % BATCHES);
        for (uint32_t k = 0; k < f.block->count; k++) {
            block_record(f.block, k, &r);
            assert_int_not_equal(r.time_ms, 7);
        }
        end(&f);
    }
}

/* What is outside the run vouches for it too. */
static void test_a_run_of_one_batch_is_served_only_when_it_is_the_right_one(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2 * BATCHES; i++) {
        struct fixture f;

        begin(&f);
        assert_int_equal(load_one(&f, i % BATCHES), 0);
        assert_int_equal(f.block->count, PER_BATCH);
        assert_false(f.block->is_wounded);
        end(&f);
        begin(&f);
        put_old(&f, i % BATCHES, i >= BATCHES);
        assert_int_equal(load_one(&f, i % BATCHES), 0);
        assert_int_equal(f.block->count, 0);
        assert_true(f.block->is_wounded);
        end(&f);
    }
}

/* The one behind is lost: it must do that the run goes on from the run before it. */
static void test_a_run_of_one_batch_before_damage_is_known_by_the_run_before(void **state)
{
    (void)state;
    for (unsigned i = 0; i + 1 < BATCHES; i++) {
        struct fixture f;

        begin(&f);
        f.b.bytes[f.places[i + 1]] ^= 1;
        assert_int_equal(load_one(&f, i), 0);
        assert_int_equal(f.block->count, PER_BATCH);
        end(&f);
        begin(&f);
        f.b.bytes[f.places[i + 1]] ^= 1;
        put_old(&f, i, false);
        assert_int_equal(load_one(&f, i), 0);
        assert_int_equal(f.block->count, 0);
        end(&f);
    }
}

/* An old batch behind the run says something else, and nobody believes it. */
static void test_an_old_batch_behind_a_run_does_not_hurt_it(void **state)
{
    (void)state;
    for (unsigned i = 0; i + 1 < BATCHES; i++) {
        struct fixture f;

        begin(&f);
        put_old(&f, i + 1, false);
        assert_int_equal(load_one(&f, i), 0);
        assert_int_equal(f.block->count, PER_BATCH);
        assert_false(f.block->is_wounded);
        end(&f);
    }
}

static void test_a_run_cut_by_the_end_of_the_file_leaves_a_wound(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f);
    f.b.size = f.places[7] + 100;
    assert_int_equal(load(&f, f.places[9] + BATCH_ALIGN), 0);
    expect_all_but(&f, 7u << 7);
    end(&f);
}

static void test_a_good_batch_that_does_not_belong_here_leaves_a_wound(void **state)
{
    static const uint64_t bases[] = {0, FIRST - 1, FIRST + 2, FIRST + BATCHES * PER_BATCH,
                                     UINT64_MAX - 10};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bases); i++) {
        struct batch_builder stale;
        struct fixture f;

        begin(&f);
        batch_builder_init(&stale, site_mark(&f.log.site), bases[i]);
        batch_builder_add(&stale, PER_BATCH, BODY);
        memcpy(f.b.bytes + f.places[4], stale.bytes, stale.size);
        assert_int_equal(load(&f, f.b.size), 0);
        expect_all_but(&f, 1u << 4);
        batch_builder_release(&stale);
        end(&f);
    }
}

static void test_a_batch_of_an_unknown_version_leaves_a_wound(void **state)
{
    static const int places[] = {0, 5, 9};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
        struct fixture f;
        uint8_t *at;

        begin(&f);
        at = f.b.bytes + f.places[places[i]];
        put_le16(at + 12, BATCH_VERSION + 1);
        put_le32(at + 4, crc32c(at + 8, get_le32(at + 8) - 8));
        assert_int_equal(load(&f, f.b.size), 0);
        expect_all_but(&f, 1u << places[i]);
        end(&f);
    }
}

static void test_a_payload_that_contradicts_its_header_leaves_a_wound(void **state)
{
    struct fixture f;
    uint8_t *at;

    (void)state;
    begin(&f);
    at = f.b.bytes + f.places[3];
    put_le32(at + 24, PER_BATCH - 1);
    put_le32(at + 4, crc32c(at + 8, get_le32(at + 8) - 8));
    assert_int_equal(load(&f, f.b.size), 0);
    expect_all_but(&f, 1u << 3);
    end(&f);
}

static void test_errors_of_the_disk_are_not_damage(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f);
    log_site_fail(&f.log, SIM_OP_BIT(SIM_OP_READ), ERR_IO, 1);
    assert_int_equal(load(&f, f.b.size), ERR_IO);
    assert_false(f.block->is_wounded);
    end(&f);
}

/* Also while somebody is asked who stands outside the run. */
static void test_an_error_of_the_disk_beside_damage_is_told(void **state)
{
    bool has_struck = true;
    struct fixture f;
    uint64_t skip;

    (void)state;
    begin(&f);
    f.b.bytes[f.places[2] + BATCH_HEADER_SIZE] ^= 1; /* of the first and the last nobody vouches */
    f.b.bytes[f.places[4] + BATCH_HEADER_SIZE] ^= 1;
    for (skip = 0; has_struck; skip++) {
        struct run_span span = {.before = f.places[1],
                                .from = f.places[2],
                                .to = f.places[4],
                                .end = f.b.size,
                                .chain_end = f.b.chain};
        size_t fault = sim_disk_add_fault(
            f.log.disk,
            &(struct sim_fault){.err = ERR_IO, .ops = SIM_OP_BIT(SIM_OP_READ), .skip = skip});
        int rv;

        f.block->first = FIRST + 2 * PER_BATCH;
        f.block->end = FIRST + 4 * PER_BATCH;
        rv = load_span(&f, span);
        has_struck = sim_disk_fault_strikes(f.log.disk, fault) > 0;
        assert_int_equal(rv, has_struck ? ERR_IO : 0);
        sim_disk_clear_faults(f.log.disk);
        f.block->size = 0;
        f.block->count = 0;
        f.block->batch_count = 0;
    }
    assert_true(skip > 2); /* the run, and what stands behind it */
    end(&f);
}

static void test_lack_of_memory_is_not_damage(void **state)
{
    struct fault_heap heap;
    struct fixture f;

    (void)state;
    begin(&f);
    fault_heap_start(&heap, 1, true);
    assert_int_equal(load(&f, f.b.size), ERR_NO_MEMORY);
    assert_true(fault_heap_stop(&heap));
    assert_false(f.block->is_wounded);
    end(&f);
}

static void test_random_damage_never_gives_a_wrong_record(void **state)
{
    struct rand r;

    (void)state;
    rand_init(&r, test_seed());
    for (int round = 0; round < 200; round++) {
        struct fixture f;
        struct record record;
        uint64_t last = 0;

        begin(&f);
        for (int i = 0; i < 5; i++) {
            size_t from = rand_below(&r, f.b.size / BATCH_ALIGN) * BATCH_ALIGN;
            size_t to = rand_below(&r, f.b.size / BATCH_ALIGN) * BATCH_ALIGN;

            if (rand_chance(&r, 1, 2)) /* a sector of another place, or a flipped bit */
                memmove(f.b.bytes + to, f.b.bytes + from, BATCH_ALIGN);
            else
                f.b.bytes[to + rand_below(&r, BATCH_ALIGN)] ^= (uint8_t)(1u << rand_below(&r, 8));
        }
        assert_int_equal(load(&f, f.b.size), 0);
        for (uint32_t i = 0; i < f.block->count; i++) {
            block_record(f.block, i, &record);
            assert_true(record.number >= FIRST && record.number < f.block->end);
            assert_true(i == 0 || record.number > last);
            assert_true(body_is(record.body, BODY, record.number));
            last = record.number;
        }
        end(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_a_good_run_is_all_there),
        LEAK_CHECKED(test_damaged_batches_are_stepped_over_and_leave_a_wound),
        LEAK_CHECKED(test_a_batch_that_shows_a_lost_write_is_not_served),
        LEAK_CHECKED(test_a_run_of_one_batch_is_served_only_when_it_is_the_right_one),
        LEAK_CHECKED(test_a_run_of_one_batch_before_damage_is_known_by_the_run_before),
        LEAK_CHECKED(test_an_old_batch_behind_a_run_does_not_hurt_it),
        LEAK_CHECKED(test_a_run_cut_by_the_end_of_the_file_leaves_a_wound),
        LEAK_CHECKED(test_a_good_batch_that_does_not_belong_here_leaves_a_wound),
        LEAK_CHECKED(test_a_batch_of_an_unknown_version_leaves_a_wound),
        LEAK_CHECKED(test_a_payload_that_contradicts_its_header_leaves_a_wound),
        LEAK_CHECKED(test_errors_of_the_disk_are_not_damage),
        LEAK_CHECKED(test_an_error_of_the_disk_beside_damage_is_told),
        LEAK_CHECKED(test_lack_of_memory_is_not_damage),
        LEAK_CHECKED(test_random_damage_never_gives_a_wrong_record),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
