/* Tests of log/index: finding places, and the footer that keeps them. */
#include "log/index.h"

#include <string.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "base/mem.h"
#include "base/rand.h"
#include "tests/lib/death.h"
#include "tests/lib/fault_heap.h"
#include "tests/lib/leaks.h"
#include "tests/lib/seed.h"
#include "tests/unit/log/log_site.h"

enum { STEP = 2000, HEAD = 64, ENTRY = 24, COUNT_AT = 12 };

/* Five batches of ten records, 1 KiB each: every second one gets an entry. */
static struct index *build(struct index_span *span)
{
    struct index *x = index_new(STEP);

    for (uint64_t i = 0; i < 5; i++)
        index_add(x, 1000 + i * 10, 4096 + i * 1024, (int64_t)(5000 + i * 7));
    *span = (struct index_span){.first = 1000, .end = 1050, .at = 4096 + 5120, .records = 50};
    return x;
}

static void test_an_entry_is_made_a_step_behind_the_last(void **state)
{
    struct index_span span;
    struct index *x = build(&span);

    (void)state;
    assert_int_equal(x->count, 3);
    assert_int_equal(x->entries[0].number, 1000);
    assert_int_equal(x->entries[1].number, 1020);
    assert_int_equal(x->entries[1].at, 4096 + 2048);
    assert_int_equal(x->entries[1].time_ms, 5014);
    assert_int_equal(x->entries[2].number, 1040);
    index_add(x, 1050, 4096 + 4096 + STEP, 6000); /* exactly a step */
    assert_int_equal(x->count, 4);
    index_free(x);
}

static void test_find_gives_the_last_entry_not_above(void **state)
{
    struct index_span span;
    struct index *x = build(&span);

    (void)state;
    assert_int_equal(index_find(x, 1000), 0);
    assert_int_equal(index_find(x, 1019), 0);
    assert_int_equal(index_find(x, 1020), 1);
    assert_int_equal(index_find(x, 1039), 1);
    assert_int_equal(index_find(x, 1040), 2);
    assert_int_equal(index_find(x, UINT64_MAX), 2);
    assert_int_equal(index_run_end(x, 0, span.at), 4096 + 2048);
    assert_int_equal(index_run_end(x, 2, span.at), span.at);
    index_free(x);
}

static void test_find_by_time_never_passes_over_a_record(void **state)
{
    struct index_span span;
    struct index *x = build(&span); /* times 5000, 5014, 5028 */

    (void)state;
    assert_int_equal(index_find_time(x, INT64_MIN), 0);
    assert_int_equal(index_find_time(x, 5000), 0);
    assert_int_equal(index_find_time(x, 5014), 0); /* one of that time may be before the entry */
    assert_int_equal(index_find_time(x, 5015), 1);
    assert_int_equal(index_find_time(x, 5029), 2);
    assert_int_equal(index_find_time(x, INT64_MAX), 2);
    index_free(x);
}

static void test_many_entries_of_one_time_are_all_found(void **state)
{
    struct index *x = index_new(1);

    (void)state;
    for (uint64_t i = 0; i < 10; i++)
        index_add(x, i, 1 + i, i < 3 ? 10 : 20);
    assert_int_equal(index_find_time(x, 20), 2); /* records of time 20 may begin in entry 2 */
    index_free(x);
}

static void test_random_lookups_agree_with_a_walk(void **state)
{
    struct index *x = index_new(STEP);
    struct rand r;
    uint64_t number = 7, at = 4096;
    int64_t time_ms = 0;

    (void)state;
    rand_init(&r, test_seed());
    for (int i = 0; i < 500; i++) {
        index_add(x, number, at, time_ms);
        number += 1 + rand_below(&r, 20);
        at += 1 + rand_below(&r, 90);
        time_ms += (int64_t)rand_below(&r, 3);
    }
    for (uint64_t n = 7; n < number; n++) {
        size_t i = index_find(x, n);
        assert_true(x->entries[i].number <= n);
        assert_true(i + 1 == x->count || x->entries[i + 1].number > n);
    }
    for (int64_t t = -1; t <= time_ms; t++) {
        size_t i = index_find_time(x, t);
        assert_true(i == 0 || x->entries[i].time_ms < t);
        assert_true(i + 1 == x->count || x->entries[i + 1].time_ms >= t);
    }
    index_free(x);
}

/* ---- The footer ---- */

struct footer {
    struct log_site log;
    struct index *index;
    struct index_span span;
    uint8_t *bytes;
    size_t size;
};

static void footer_begin(struct footer *f)
{
    log_site_init(&f->log);
    f->index = build(&f->span);
    f->bytes = index_encode(f->index, &f->log.site, &f->span, &f->size);
    assert_int_equal(f->size, HEAD + 3 * ENTRY);
}

static void footer_end(struct footer *f)
{
    mem_free(f->bytes);
    index_free(f->index);
    log_site_release(&f->log);
}

/* Makes the checksum right again after a test changed the bytes. */
static void footer_sign(struct footer *f)
{
    put_le32(f->bytes + 8, crc32c(f->bytes + 12, f->size - 12));
}

/* Puts the footer at its place in a file and reads it. */
static int footer_read(struct footer *f, struct index **out)
{
    uint8_t *file = mem_zero(1, f->span.at + f->size);
    struct disk_file *open;
    int rv;

    memcpy(file + f->span.at, f->bytes, f->size);
    log_site_put(&f->log, "f", file, f->span.at + f->size);
    mem_free(file);
    open = log_site_open(&f->log, "f", DISK_READ);
    rv = index_read(open, &f->log.site, &f->span, out);
    disk_close(open);
    return rv;
}

static void expect_corrupt(struct footer *f)
{
    struct index *x = NULL;

    assert_int_equal(footer_read(f, &x), ERR_CORRUPT);
    assert_null(x);
}

static void test_a_footer_brings_the_index_back(void **state)
{
    struct footer f;
    struct index *x = NULL;

    (void)state;
    footer_begin(&f);
    assert_int_equal(footer_read(&f, &x), 0);
    assert_int_equal(x->count, 3);
    assert_memory_equal(x->entries, f.index->entries, 3 * sizeof(*x->entries));
    index_free(x);

    f.span.records = 0; /* not known: everything else must do */
    assert_int_equal(footer_read(&f, &x), 0);
    index_free(x);
    footer_end(&f);
}

static void test_every_flipped_bit_of_a_footer_is_found(void **state)
{
    struct footer f;

    (void)state;
    footer_begin(&f);
    for (size_t i = 0; i < f.size * 8; i++) {
        f.bytes[i / 8] ^= (uint8_t)(1u << i % 8);
        expect_corrupt(&f);
        f.bytes[i / 8] ^= (uint8_t)(1u << i % 8);
    }
    footer_end(&f);
}

static void test_a_cut_footer_is_none(void **state)
{
    struct footer f;
    size_t whole;

    (void)state;
    footer_begin(&f);
    whole = f.size;
    for (f.size = 0; f.size < whole; f.size++)
        expect_corrupt(&f);
    footer_end(&f);
}

static void test_a_footer_of_another_segment_or_log_is_none(void **state)
{
    struct footer f;

    (void)state;
    footer_begin(&f);
    f.span.first++;
    expect_corrupt(&f);
    f.span.first--;
    f.span.end++;
    expect_corrupt(&f);
    f.span.end--;
    f.span.records++;
    expect_corrupt(&f);
    f.span.records--;
    f.log.site.id[15]++;
    expect_corrupt(&f);
    f.log.site.id[15]--;
    f.span.at -= 512; /* the right footer in the wrong place */
    expect_corrupt(&f);
    footer_end(&f);
}

/* Each of these has a right checksum and says something that cannot be. */
static void test_entries_out_of_order_or_bounds_are_damage(void **state)
{
    static const struct {
        size_t entry;
        size_t field;
        uint64_t value;
    } lies[] = {
        {0, 0, 999},         /* before the segment */
        {2, 0, 1050},        /* behind it */
        {2, 8, 4096 + 5120}, /* in the footer */
        {0, 8, 4096 - 512},  /* in the header */
        {1, 8, 4096 + 2049}, /* where no batch can start */
        {1, 0, 1000},        /* numbers must rise */
        {1, 8, 4096},        /* places too */
        {2, 0, 1020},        /* also between later ones */
        {1, 16, 4999},       /* time must not fall */
        {2, 8, UINT64_MAX},  /* far away */
        {1, 16, 1ull << 63}, /* before 1970 */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(lies); i++) {
        struct footer f;

        footer_begin(&f);
        put_le64(f.bytes + HEAD + lies[i].entry * ENTRY + lies[i].field, lies[i].value);
        footer_sign(&f);
        expect_corrupt(&f);
        footer_end(&f);
    }
}

static void test_an_impossible_count_is_refused_before_memory_is_asked_for(void **state)
{
    static const uint32_t counts[] = {0, 4, 1 << 20, 1 << 22, (1 << 22) + 1, UINT32_MAX};
    struct fault_heap heap;
    struct footer f;

    (void)state;
    footer_begin(&f);
    for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
        put_le32(f.bytes + COUNT_AT, counts[i]);
        fault_heap_start(&heap, 0, false);
        expect_corrupt(&f);
        (void)fault_heap_stop(&heap);
        assert_int_equal(heap.calls, 0);
    }
    footer_end(&f);
}

static void test_errors_of_the_disk_and_of_memory_come_through(void **state)
{
    struct fault_heap heap;
    struct index *x = NULL;
    struct footer f;

    (void)state;
    footer_begin(&f);
    log_site_fail(&f.log, SIM_OP_BIT(SIM_OP_READ), ERR_IO, 1);
    assert_int_equal(footer_read(&f, &x), ERR_IO);
    sim_disk_clear_faults(f.log.disk);
    fault_heap_start(&heap, 1, false);
    assert_int_equal(footer_read(&f, &x), ERR_NO_MEMORY);
    assert_true(fault_heap_stop(&heap));
    assert_null(x);
    footer_end(&f);
}

/* ---- Misuse ---- */

static void add_backwards(void *owner)
{
    index_add(owner, 1040, 1 << 20, 0);
}

static void find_before_the_first(void *owner)
{
    (void)index_find(owner, 999);
}

static void test_misuse_is_a_bug(void **state)
{
    struct index_span span;
    struct index *x = build(&span);

    (void)state;
    expect_death(add_backwards, x, "number > last->number");
    expect_death(find_before_the_first, x, "<= number");
    index_free(x);
    index_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_an_entry_is_made_a_step_behind_the_last),
        LEAK_CHECKED(test_find_gives_the_last_entry_not_above),
        LEAK_CHECKED(test_find_by_time_never_passes_over_a_record),
        LEAK_CHECKED(test_many_entries_of_one_time_are_all_found),
        LEAK_CHECKED(test_random_lookups_agree_with_a_walk),
        LEAK_CHECKED(test_a_footer_brings_the_index_back),
        LEAK_CHECKED(test_every_flipped_bit_of_a_footer_is_found),
        LEAK_CHECKED(test_a_cut_footer_is_none),
        LEAK_CHECKED(test_a_footer_of_another_segment_or_log_is_none),
        LEAK_CHECKED(test_entries_out_of_order_or_bounds_are_damage),
        LEAK_CHECKED(test_an_impossible_count_is_refused_before_memory_is_asked_for),
        LEAK_CHECKED(test_errors_of_the_disk_and_of_memory_come_through),
        LEAK_CHECKED(test_misuse_is_a_bug),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
