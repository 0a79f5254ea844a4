/* Tests of log/sort_out: a cold file in the making. */
#include "log/sort_out.h"

#include "base/err.h"
#include "base/mem.h"
#include "log/cache.h"
#include "log/run.h"
#include "tests/lib/fault_heap.h"
#include "tests/lib/leaks.h"
#include "tests/unit/log/log_bytes.h"
#include "tests/unit/log/log_site.h"

enum { ID = 5, DESTINATION = 9, EPOCH = 3, BODY = 100 };

static const char file_name[] = "cold-0000000000000005.seg";

static int add(struct log_site *l, struct sort_out *o, uint64_t number, size_t body_size)
{
    uint8_t *body = mem_alloc(body_size + 1);
    struct record r = {.number = number,
                       .time_ms = 5000 + (int64_t)number,
                       .kind = 8,
                       .key = bytes_text("key"),
                       .body = {body, body_size}};
    int rv;

    body_fill(body, body_size, number);
    rv = sort_out_add(&l->site, o, &r);
    mem_free(body);
    return rv;
}

/* Adds the numbers 10, 20, 30, ... */
static void add_many(struct log_site *l, struct sort_out *o, uint64_t count)
{
    for (uint64_t i = 1; i <= count; i++)
        assert_int_equal(add(l, o, i * 10, BODY), 0);
}

/* Reads the finished file through its index and expects the numbers that add_many()
 * gave. */
static void expect_many(struct log_site *l, struct segment *g, uint64_t count)
{
    struct index_span span = segment_span(g);
    struct disk_file *f = log_site_open(l, file_name, DISK_READ);
    struct cache cache;
    struct run_span whole;
    struct index *x = NULL;
    struct block *b;
    struct record r;

    cache_init(&cache, &l->site);
    b = cache_new_block(&cache, g, 64);
    b->first = g->first;
    b->end = g->end;
    assert_int_equal(index_read(f, &l->site, &span, &x), 0);
    assert_int_equal(x->count, g->index->count);
    whole = run_span(g, x, 0, x->count);
    assert_int_equal(run_load(b, f, &whole), 0);
    assert_false(b->is_wounded);
    assert_int_equal(b->count, count);
    for (uint32_t i = 0; i < count; i++) {
        block_record(b, i, &r);
        assert_int_equal(r.number, (i + 1) * 10);
        assert_int_equal(r.time_ms, 5000 + (int64_t)r.number);
        assert_int_equal(r.kind, 8);
        assert_true(bytes_equal(r.key, bytes_text("key")));
        assert_true(body_is(r.body, BODY, r.number));
    }
    cache.bytes += b->capacity - 64;
    block_unref(b);
    cache_release(&cache);
    index_free(x);
    disk_close(f);
}

static void test_what_was_added_is_in_the_file(void **state)
{
    struct log_site l;
    struct sort_out *o;
    struct segment *g;

    (void)state;
    log_site_init(&l);
    o = sort_out_new(&l.site, DESTINATION, ID);
    add_many(&l, o, 200);
    assert_false(log_site_has(&l, file_name)); /* so far only memory was used */
    assert_int_equal(o->buffered_bytes, 200 * record_size(true, 3, BODY));
    assert_int_equal(sort_out_finish(&l.site, o, EPOCH), 0);
    assert_int_equal(o->buffered_bytes, 0);
    g = sort_out_take(o);
    assert_int_equal(g->id, ID);
    assert_int_equal(g->destination, DESTINATION);
    assert_int_equal(g->first, 10);
    assert_int_equal(g->end, 2001);
    assert_int_equal(g->records, 200);
    assert_int_equal(g->live, 200);
    assert_int_equal(g->first_time_ms, 5010);
    assert_int_equal(g->last_time_ms, 7000);
    assert_true(g->is_sealed && g->is_counted);
    assert_int_equal(g->file_bytes, log_site_size(&l, file_name));
    assert_true(g->index->count > 5);
    expect_many(&l, g, 200);
    segment_free(g);
    log_site_release(&l);
}

static void test_writing_in_between_gives_the_same_records(void **state)
{
    struct log_site l;
    struct sort_out *o;
    struct segment *g;

    (void)state;
    log_site_init(&l);
    o = sort_out_new(&l.site, DESTINATION, ID);
    assert_int_equal(sort_out_write(&l.site, o, EPOCH), 0); /* nothing yet: no file */
    assert_false(log_site_has(&l, file_name));
    for (uint64_t i = 1; i <= 100; i++) {
        assert_int_equal(add(&l, o, i * 10, BODY), 0);
        if (i % 30 == 0)
            assert_int_equal(sort_out_write(&l.site, o, EPOCH), 0);
        if (i % 30 == 0)
            assert_int_equal(o->buffered_bytes, 0);
    }
    assert_int_equal(sort_out_finish(&l.site, o, EPOCH), 0);
    g = sort_out_take(o);
    expect_many(&l, g, 100);
    segment_free(g);
    log_site_release(&l);
}

static void test_a_finished_file_is_durable_and_says_what_it_is(void **state)
{
    uint8_t sector[SEGMENT_SECTOR_SIZE];
    struct segment header = {0};
    struct log_site l;
    struct sort_out *o;
    struct segment *g;
    uint64_t epoch = 0;

    (void)state;
    log_site_init(&l);
    o = sort_out_new(&l.site, DESTINATION, ID);
    add_many(&l, o, 20);
    assert_int_equal(sort_out_finish(&l.site, o, EPOCH), 0);
    g = sort_out_take(o);
    assert_int_equal(disk_sync_dir(l.site.disk, "log"),
                     0); /* the sorter does that, for all of them */
    log_site_crash(&l);
    sim_disk_peek(l.disk, "log/cold-0000000000000005.seg", 0, sector, sizeof(sector));
    assert_int_equal(segment_header_decode(&l.site, sector, &header, &epoch), 0);
    assert_int_equal(header.kind, SEGMENT_COLD);
    assert_int_equal(header.id, ID);
    assert_int_equal(header.destination, DESTINATION);
    assert_int_equal(header.first, 10);
    assert_int_equal(epoch, EPOCH);
    expect_many(&l, g, 20);
    segment_free(g);
    log_site_release(&l);
}

static void test_compression_makes_the_file_smaller_and_changes_nothing(void **state)
{
    uint64_t sizes[2];

    (void)state;
    for (int level = 0; level < 2; level++) {
        struct log_site l;
        struct sort_out *o;
        struct segment *g;

        log_site_init(&l);
        l.site.options.cold_compression = level;
        o = sort_out_new(&l.site, DESTINATION, ID);
        add_many(&l, o, 300);
        assert_int_equal(sort_out_finish(&l.site, o, EPOCH), 0);
        g = sort_out_take(o);
        expect_many(&l, g, 300);
        sizes[level] = g->file_bytes;
        segment_free(g);
        log_site_release(&l);
    }
    assert_true(sizes[1] < sizes[0]);
}

static void test_numbers_must_rise(void **state)
{
    struct log_site l;
    struct sort_out *o;

    (void)state;
    log_site_init(&l);
    o = sort_out_new(&l.site, DESTINATION, ID);
    assert_int_equal(add(&l, o, 0, BODY), 0); /* a lane may start anywhere */
    assert_int_equal(add(&l, o, 0, BODY), ERR_RANGE);
    assert_int_equal(add(&l, o, 7, BODY), 0);
    assert_int_equal(add(&l, o, 7, BODY), ERR_RANGE);
    assert_int_equal(add(&l, o, 6, BODY), ERR_RANGE);
    assert_int_equal(add(&l, o, UINT64_MAX, BODY), ERR_RANGE); /* nothing could be its end */
    assert_int_equal(add(&l, o, UINT64_MAX - 1, BODY), 0);
    assert_int_equal(o->segment->records, 3);
    sort_out_free(o);
    sort_out_free(NULL);
    log_site_release(&l);
}

static void test_large_and_empty_records_find_room(void **state)
{
    struct log_site l;
    struct sort_out *o;
    struct segment *g;

    (void)state;
    log_site_init(&l);
    o = sort_out_new(&l.site, DESTINATION, ID);
    assert_int_equal(add(&l, o, 1, 0), 0);
    assert_int_equal(add(&l, o, 2, 1 << 20), 0); /* far beyond a block */
    assert_int_equal(add(&l, o, 3, 0), 0);
    assert_int_equal(o->raw_count, 3);
    assert_int_equal(sort_out_finish(&l.site, o, EPOCH), 0);
    g = sort_out_take(o);
    assert_int_equal(g->records, 3);
    assert_true(g->file_bytes > 1 << 20);
    segment_free(g);
    log_site_release(&l);
}

/* What the hot log takes must find its way: a number and a time of its own make it longer. */
static void test_the_largest_record_of_the_hot_log_fits(void **state)
{
    enum { LARGEST = RECORD_SIZE_MAX - RECORD_HEADER_SIZE - 3 /* the key */ };
    struct log_site l;
    struct sort_out *o;
    struct segment *g;

    (void)state;
    log_site_init(&l);
    o = sort_out_new(&l.site, DESTINATION, ID);
    assert_int_equal(add(&l, o, 1, LARGEST), 0);
    assert_int_equal(add(&l, o, 2, LARGEST), 0);
    assert_int_equal(sort_out_finish(&l.site, o, EPOCH), 0);
    g = sort_out_take(o);
    assert_int_equal(g->index->count, 2);
    segment_free(g);
    log_site_release(&l);
}

static void test_every_failing_operation_is_told_and_nothing_leaks(void **state)
{
    bool has_struck = true;

    (void)state;
    for (uint64_t skip = 0; has_struck; skip++) {
        struct log_site l;
        struct sort_out *o;
        size_t fault;
        int rv;

        log_site_init(&l);
        fault = sim_disk_add_fault(
            l.disk, &(struct sim_fault){.err = ERR_NO_SPACE, .skip = skip, .times = 1});
        o = sort_out_new(&l.site, DESTINATION, ID);
        add_many(&l, o, 30);
        rv = sort_out_write(&l.site, o, EPOCH);
        if (rv == 0) {
            assert_int_equal(add(&l, o, 1000, BODY), 0);
            rv = sort_out_finish(&l.site, o, EPOCH);
        }
        has_struck = sim_disk_fault_strikes(l.disk, fault) > 0;
        assert_int_equal(rv, has_struck ? ERR_NO_SPACE : 0);
        assert_int_equal(o->segment->is_sealed, rv == 0);
        sort_out_free(o);
        log_site_release(&l);
    }
}

/* Sorting is what frees space, and needs some: but not the last, which the manifest needs. */
static void test_what_would_fill_the_disk_is_not_begun(void **state)
{
    struct log_site l;
    struct sort_out *o;

    (void)state;
    log_site_init(&l);
    o = sort_out_new(&l.site, DESTINATION, ID);
    add_many(&l, o, 30);
    sim_disk_set_capacity(l.disk, sim_disk_used_bytes(l.disk) + l.site.options.segment_bytes / 2 +
                                      o->buffered_bytes);
    assert_int_equal(sort_out_finish(&l.site, o, EPOCH), ERR_NO_SPACE);
    assert_false(log_site_has(&l, file_name));
    sim_disk_set_capacity(l.disk, 0);
    assert_int_equal(sort_out_finish(&l.site, o, EPOCH), 0);
    sort_out_free(o);
    log_site_release(&l);
}

static void test_a_file_of_that_name_is_not_overwritten(void **state)
{
    struct log_site l;
    struct sort_out *o;

    (void)state;
    log_site_init(&l);
    log_site_put(&l, file_name, "mine", 4);
    o = sort_out_new(&l.site, DESTINATION, ID);
    add_many(&l, o, 3);
    assert_int_equal(sort_out_finish(&l.site, o, EPOCH), ERR_EXISTS);
    assert_int_equal(log_site_size(&l, file_name), 4);
    sort_out_free(o);
    log_site_release(&l);
}

static void test_without_memory_to_compress_it_is_stored_as_it_is(void **state)
{
    struct fault_heap heap;
    struct log_site l;
    struct sort_out *o;
    struct segment *g;

    (void)state;
    log_site_init(&l);
    l.site.options.cold_compression = 3;
    o = sort_out_new(&l.site, DESTINATION, ID);
    add_many(&l, o, 100);
    fault_heap_start(&heap, 2, false);
    assert_int_equal(sort_out_write(&l.site, o, EPOCH), 0);
    assert_true(fault_heap_stop(&heap));
    assert_int_equal(sort_out_finish(&l.site, o, EPOCH), 0);
    g = sort_out_take(o);
    expect_many(&l, g, 100);
    segment_free(g);
    log_site_release(&l);
}

struct pace {
    uint64_t written; /* not sent yet */
    uint64_t most;    /* of that */
    uint32_t sent;    /* times */
};

static void watch_pace(void *owner, struct sim_disk *d, const struct sim_disk_call *call)
{
    struct pace *p = owner;

    (void)d;
    if (call->op == SIM_OP_WRITE)
        p->written += call->size;
    p->most = p->written > p->most ? p->written : p->most;
    if (call->op == SIM_OP_WRITE_BACK) {
        p->written = 0;
        p->sent++;
    }
}

static void test_the_disk_gets_its_part_as_it_is_written(void **state)
{
    struct pace pace = {0};
    struct log_site l;
    struct sort_out *o;

    (void)state;
    log_site_init(&l);
    o = sort_out_new(&l.site, DESTINATION, ID);
    sim_disk_observe(l.disk, watch_pace, &pace);
    for (int i = 0; i < 4; i++) {
        for (uint64_t k = 0; k < 100; k++)
            assert_int_equal(add(&l, o, (uint64_t)i * 100 + k, BODY), 0);
        assert_int_equal(sort_out_write(&l.site, o, EPOCH), 0);
    }
    sim_disk_observe(l.disk, NULL, NULL);
    assert_true(pace.sent > 5);
    assert_true(pace.most < 2 * l.site.options.block_bytes);
    sort_out_free(o);
    log_site_release(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_what_was_added_is_in_the_file),
        LEAK_CHECKED(test_writing_in_between_gives_the_same_records),
        LEAK_CHECKED(test_a_finished_file_is_durable_and_says_what_it_is),
        LEAK_CHECKED(test_compression_makes_the_file_smaller_and_changes_nothing),
        LEAK_CHECKED(test_numbers_must_rise),
        LEAK_CHECKED(test_large_and_empty_records_find_room),
        LEAK_CHECKED(test_the_largest_record_of_the_hot_log_fits),
        LEAK_CHECKED(test_every_failing_operation_is_told_and_nothing_leaks),
        LEAK_CHECKED(test_what_would_fill_the_disk_is_not_begun),
        LEAK_CHECKED(test_a_file_of_that_name_is_not_overwritten),
        LEAK_CHECKED(test_without_memory_to_compress_it_is_stored_as_it_is),
        LEAK_CHECKED(test_the_disk_gets_its_part_as_it_is_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
