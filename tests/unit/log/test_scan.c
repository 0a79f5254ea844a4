/* Tests of log/scan: batches of a file one after the other, and what comes behind
 * damage. */
#include "log/scan.h"

#include <string.h>

#include "base/crc32c.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/rand.h"
#include "tests/lib/fault_heap.h"
#include "tests/lib/leaks.h"
#include "tests/lib/seed.h"
#include "tests/unit/log/log_bytes.h"
#include "tests/unit/log/log_site.h"

enum { MARK = 77 };

struct fixture {
    struct log_site log;
    struct batch_builder b;
    struct disk_file *file;
    struct scan scan;
};

static void begin(struct fixture *f)
{
    log_site_init(&f->log);
    batch_builder_init(&f->b, MARK, 0);
}

/* Puts what was built into a file and scans all of it. */
static void open_scan(struct fixture *f, size_t window_bytes)
{
    log_site_put(&f->log, "f", f->b.bytes, f->b.size);
    f->file = log_site_open(&f->log, "f", DISK_READ);
    scan_init(&f->scan, f->file, MARK, window_bytes);
    scan_seek(&f->scan, 0, f->b.size);
}

static void end(struct fixture *f)
{
    scan_release(&f->scan);
    disk_close(f->file);
    batch_builder_release(&f->b);
    log_site_release(&f->log);
}

/* The next batch must be good and begin with this number. */
static void expect_batch(struct fixture *f, uint64_t base)
{
    struct batch_head head;
    const uint8_t *bytes = NULL;

    assert_int_equal(scan_next(&f->scan, &head, &bytes), 0);
    assert_int_equal(head.base, base);
    assert_int_equal(crc32c(bytes + 8, head.length - 8), head.crc);
}

static void expect_error(struct fixture *f, int err)
{
    uint64_t at = scan_at(&f->scan);
    struct batch_head head = {.count = 99};
    const uint8_t *bytes = NULL;

    assert_int_equal(scan_next(&f->scan, &head, &bytes), err);
    assert_int_equal(head.count, 99);
    assert_null(bytes);
    assert_int_equal(scan_at(&f->scan), at);
}

static void test_all_batches_come_whatever_the_window(void **state)
{
    static const size_t windows[] = {BATCH_ALIGN, 1000, 4096, 5000, 1 << 20};

    (void)state;
    for (size_t w = 0; w < ARRAY_SIZE(windows); w++) {
        struct fixture f;

        begin(&f);
        for (uint32_t i = 0; i < 20; i++)
            batch_builder_add(&f.b, 1 + i % 3, i * 211); /* up to 8 KiB: larger than most windows */
        open_scan(&f, windows[w]);
        for (uint64_t base = 0; base < f.b.next;) {
            struct batch_head head;
            const uint8_t *bytes = NULL;

            assert_int_equal(scan_next(&f.scan, &head, &bytes), 0);
            assert_int_equal(head.base, base);
            assert_memory_equal(bytes, f.b.bytes + scan_at(&f.scan) - batch_padded(head.length),
                                head.length);
            base += head.count;
        }
        assert_int_equal(scan_at(&f.scan), f.b.size);
        expect_error(&f, ERR_NOT_FOUND);
        end(&f);
    }
}

static void test_an_empty_range_has_no_batch(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f);
    batch_builder_add(&f.b, 1, 10);
    open_scan(&f, 4096);
    scan_seek(&f.scan, 0, 0);
    expect_error(&f, ERR_NOT_FOUND);
    assert_int_equal(scan_resync(&f.scan), ERR_NOT_FOUND);
    end(&f);
}

static void test_seeking_starts_anew_anywhere(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f);
    for (int i = 0; i < 4; i++)
        batch_builder_add(&f.b, 1, 10);
    open_scan(&f, 4096);
    expect_batch(&f, 0);
    expect_batch(&f, 1);
    scan_seek(&f.scan, 3 * BATCH_ALIGN, f.b.size);
    expect_batch(&f, 3);
    scan_seek(&f.scan, 0, f.b.size);
    expect_batch(&f, 0);
    end(&f);
}

static void test_a_batch_that_reaches_beyond_the_range_is_none(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f);
    batch_builder_add(&f.b, 1, 10);
    batch_builder_add(&f.b, 1, 1000);
    open_scan(&f, 4096);
    scan_seek(&f.scan, 0, BATCH_ALIGN + f.b.last.length - 1);
    expect_batch(&f, 0);
    expect_error(&f, ERR_NOT_FOUND);
    scan_seek(&f.scan, 0, BATCH_ALIGN + f.b.last.length); /* the padding may be missing */
    expect_batch(&f, 0);
    expect_batch(&f, 1);
    assert_int_equal(scan_at(&f.scan), f.b.size); /* where the next one would start */
    expect_error(&f, ERR_NOT_FOUND);
    end(&f);
}

static void test_a_file_cut_at_any_length_gives_the_whole_batches_only(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f);
    batch_builder_add(&f.b, 2, 100);
    batch_builder_add(&f.b, 1, 700);
    open_scan(&f, 600);
    for (uint64_t size = f.b.size; size > 0; size -= 13 % size + 1) {
        uint64_t whole =
            size >= f.b.last_at + f.b.last.length ? 2 : size >= BATCH_HEADER_SIZE + 216;

        log_site_cut(&f.log, "f", size);
        scan_seek(&f.scan, 0, f.b.size);
        for (uint64_t i = 0; i < whole; i++)
            expect_batch(&f, i * 2);
        expect_error(&f, ERR_NOT_FOUND);
        assert_int_equal(scan_resync(&f.scan), ERR_NOT_FOUND);
        assert_int_equal(scan_at(&f.scan), f.b.size);
    }
    end(&f);
}

static void test_resync_finds_the_next_good_batch_behind_damage(void **state)
{
    static const size_t windows[] = {BATCH_ALIGN, 1500, 1 << 16};

    (void)state;
    for (size_t w = 0; w < ARRAY_SIZE(windows); w++) {
        struct fixture f;

        begin(&f);
        batch_builder_add(&f.b, 1, 10);
        batch_builder_add(&f.b, 1, 3000); /* damaged */
        batch_builder_add(&f.b, 1, 10);   /* damaged */
        batch_builder_add(&f.b, 1, 10);
        f.b.bytes[BATCH_ALIGN + 2000] ^= 1;
        f.b.bytes[f.b.last_at - BATCH_ALIGN + 4] ^= 1;
        open_scan(&f, windows[w]);
        expect_batch(&f, 0);
        expect_error(&f, ERR_NOT_FOUND);
        assert_int_equal(scan_resync(&f.scan), 0);
        assert_int_equal(scan_at(&f.scan), f.b.last_at);
        expect_batch(&f, 3);
        expect_error(&f, ERR_NOT_FOUND);
        end(&f);
    }
}

static void test_resync_stays_where_a_good_batch_starts(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f);
    batch_builder_add(&f.b, 1, 10);
    open_scan(&f, 4096);
    assert_int_equal(scan_resync(&f.scan), 0);
    assert_int_equal(scan_at(&f.scan), 0);
    expect_batch(&f, 0);
    end(&f);
}

/* A length that lies must not make the scan jump over what is good. */
static void test_resync_does_not_believe_a_damaged_length(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f);
    for (int i = 0; i < 10; i++)
        batch_builder_add(&f.b, 1, 10);
    put_le32(f.b.bytes + 8, (uint32_t)(f.b.size - 10)); /* swallows the others */
    open_scan(&f, BATCH_ALIGN);
    expect_error(&f, ERR_NOT_FOUND);
    assert_int_equal(scan_resync(&f.scan), 0);
    expect_batch(&f, 1);
    end(&f);
}

static void test_a_batch_of_an_unknown_version_is_told_and_can_be_stepped_over(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f);
    batch_builder_add(&f.b, 1, 10);
    batch_builder_add(&f.b, 1, 10);
    put_le16(f.b.bytes + 12, BATCH_VERSION + 1);
    put_le32(f.b.bytes + 4, crc32c(f.b.bytes + 8, get_le32(f.b.bytes + 8) - 8));
    open_scan(&f, 4096);
    expect_error(&f, ERR_VERSION);
    assert_int_equal(scan_resync(&f.scan), 0);
    expect_batch(&f, 1);
    end(&f);
}

static void test_errors_of_the_disk_come_through(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f);
    batch_builder_add(&f.b, 1, 3000);
    open_scan(&f, BATCH_ALIGN);
    log_site_fail(&f.log, SIM_OP_BIT(SIM_OP_READ), ERR_IO, 1);
    expect_error(&f, ERR_IO);
    log_site_fail(&f.log, SIM_OP_BIT(SIM_OP_READ), ERR_IO, 1);
    assert_int_equal(scan_resync(&f.scan), ERR_IO);
    expect_batch(&f, 0);
    end(&f);
}

/* Taken for the end, it would cut off all that lies behind. */
static void test_a_read_that_brings_too_little_is_an_error_not_the_end(void **state)
{
    static const uint64_t brought[] = {0, 10, BATCH_ALIGN};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(brought); i++) {
        struct fixture f;

        begin(&f);
        batch_builder_add(&f.b, 1, 3000);
        batch_builder_add(&f.b, 1, 10);
        open_scan(&f, 4096);
        (void)sim_disk_add_fault(f.log.disk, &(struct sim_fault){.ops = SIM_OP_BIT(SIM_OP_READ),
                                                                 .partial_bytes = brought[i],
                                                                 .times = 1});
        expect_error(&f, ERR_IO);
        expect_batch(&f, 0);
        expect_batch(&f, 1);
        end(&f);
    }
}

static void test_a_batch_larger_than_memory_allows_is_an_error_not_damage(void **state)
{
    struct fault_heap heap;
    struct fixture f;

    (void)state;
    begin(&f);
    batch_builder_add(&f.b, 1, 3000);
    open_scan(&f, BATCH_ALIGN);
    fault_heap_start(&heap, 1, false);
    expect_error(&f, ERR_NO_MEMORY);
    assert_true(fault_heap_stop(&heap));
    expect_batch(&f, 0);
    end(&f);
}

/* Damage in random places: every batch that was not hit is found, and none that was. */
static void test_random_damage_hides_only_what_it_hit(void **state)
{
    enum { BATCHES = 40 };
    struct rand r;

    (void)state;
    rand_init(&r, test_seed());
    for (int round = 0; round < 50; round++) {
        bool is_hit[BATCHES] = {false};
        size_t ends[BATCHES];
        struct fixture f;
        uint64_t i = 0;

        begin(&f);
        for (i = 0; i < BATCHES; i++) {
            batch_builder_add(&f.b, 1, rand_below(&r, 2000));
            ends[i] = f.b.last_at + f.b.last.length;
        }
        for (int hit = 0; hit < 10; hit++) {
            size_t part = f.b.size / 10, at = (size_t)hit * part + rand_below(&r, part);
            for (i = 0; ends[i] + BATCH_ALIGN < at; i++)
                ;
            f.b.bytes[at] ^= 1;
            for (size_t k = i; k < BATCHES; k++)
                is_hit[k] |= at < ends[k] && (k == 0 || at >= batch_padded(ends[k - 1]));
        }
        open_scan(&f, 512 + rand_below(&r, 4096));
        for (i = 0; i < BATCHES; i++) {
            if (is_hit[i])
                continue;
            assert_int_equal(scan_resync(&f.scan), 0);
            expect_batch(&f, i);
        }
        assert_int_equal(scan_resync(&f.scan), ERR_NOT_FOUND);
        end(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_all_batches_come_whatever_the_window),
        LEAK_CHECKED(test_an_empty_range_has_no_batch),
        LEAK_CHECKED(test_seeking_starts_anew_anywhere),
        LEAK_CHECKED(test_a_batch_that_reaches_beyond_the_range_is_none),
        LEAK_CHECKED(test_a_file_cut_at_any_length_gives_the_whole_batches_only),
        LEAK_CHECKED(test_resync_finds_the_next_good_batch_behind_damage),
        LEAK_CHECKED(test_resync_stays_where_a_good_batch_starts),
        LEAK_CHECKED(test_resync_does_not_believe_a_damaged_length),
        LEAK_CHECKED(test_a_batch_of_an_unknown_version_is_told_and_can_be_stepped_over),
        LEAK_CHECKED(test_errors_of_the_disk_come_through),
        LEAK_CHECKED(test_a_read_that_brings_too_little_is_an_error_not_the_end),
        LEAK_CHECKED(test_a_batch_larger_than_memory_allows_is_an_error_not_damage),
        LEAK_CHECKED(test_random_damage_hides_only_what_it_hit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
