/* Tests of log/hot: records into batches, batches into blocks, blocks into segments. */
#include "log/hot.h"

#include <string.h>

#include "base/err.h"
#include "log/log_parts.h"
#include "tests/lib/leaks.h"
#include "tests/unit/log/log_world.h"

static struct hot *hot_of(struct log_world *w)
{
    return &w->log->hot;
}

static void begin(struct log_world *w)
{
    log_world_init(w);
    log_world_open(w);
    log_world_settle(w);
}

static void end(struct log_world *w)
{
    log_world_close(w);
    log_world_release(w);
}

/* Appends in one turn until it is refused; returns how many were taken. */
static uint32_t append_until(struct log_world *w, int err, bool may_use_reserve, size_t body_size)
{
    const struct log_world_entry e = {
        .kind = KIND_KEEP, .may_use_reserve = may_use_reserve, .body_size = body_size};
    uint32_t count = 0;
    int rv;

    while ((rv = log_world_try_append(w, &e)) == 0)
        count++;
    assert_int_equal(rv, err);
    return count;
}

/* ---- Positions, batches, blocks ---- */

static void test_positions_are_dense_and_records_readable_at_once(void **state)
{
    struct log_world w;
    struct record r;
    struct block *pin = NULL;

    (void)state;
    begin(&w);
    for (uint64_t i = 0; i < 10; i++) {
        assert_int_equal(log_world_append(&w, KIND_KEEP, 30 + i), i);
        assert_int_equal(log_peek(w.log, i, &r, &pin), 0);
        assert_int_equal(r.number, i);
        assert_true(log_world_is_whole(&r));
        log_unpin(pin);
    }
    assert_int_equal(log_durable(w.log), 0); /* readable, not durable */
    log_world_settle(&w);
    assert_int_equal(log_durable(w.log), 10);
    assert_int_equal(hot_of(&w)->pending_bytes, 0);
    end(&w);
}

static void test_what_one_turn_appends_is_one_batch(void **state)
{
    struct log_world w;
    const struct block *b;

    (void)state;
    begin(&w);
    for (int i = 0; i < 5; i++)
        log_world_append(&w, KIND_KEEP, 30);
    log_world_settle(&w);
    for (int i = 0; i < 3; i++)
        log_world_append(&w, KIND_KEEP, 30);
    log_world_settle(&w);
    b = hot_of(&w)->tail.block;
    assert_int_equal(b->batch_count, 2);
    assert_int_equal(b->batches[0].head.count, 5);
    assert_int_equal(b->batches[1].head.count, 3);
    assert_int_equal(b->batches[1].head.base, 5);
    assert_int_equal(b->batches[1].head.chain, b->batches[0].head.crc);
    assert_int_equal(b->batches[0].head.durable, 0); /* H2 */
    assert_int_equal(b->batches[1].head.durable, 5);
    end(&w);
}

static void test_a_sum_made_in_parts_is_that_of_the_whole_batch(void **state)
{
    static const size_t sizes[] = {30, 500, 24, 700, 100, 400, 30};
    struct batch_head head;
    struct log_world w;
    const struct block *b;
    size_t at;

    (void)state;
    begin(&w);
    log_world_append(&w, KIND_KEEP, 30);
    hot_commit(hot_of(&w));
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
        log_world_append(&w, KIND_KEEP, sizes[i]);
    assert_true(hot_of(&w)->tail.summed_to > BATCH_ALIGN + BATCH_HEADER_SIZE);
    log_world_settle(&w);
    b = hot_of(&w)->tail.block;
    assert_int_equal(b->batch_count, 2);
    at = (size_t)batch_padded(b->batches[0].head.length);
    assert_int_equal(batch_read(b->data + at, b->size - at, site_mark(&w.log->site), &head), 0);
    assert_int_equal(head.count, ARRAY_SIZE(sizes));
    assert_int_equal(head.crc, b->batches[1].head.crc);
    end(&w);
}

static void test_times_never_go_back(void **state)
{
    struct log_world w;
    struct record r;
    struct block *pin = NULL;
    int64_t last = INT64_MIN;

    (void)state;
    begin(&w);
    for (uint64_t i = 0; i < 4; i++) {
        log_world_append(&w, KIND_KEEP, 30);
        log_world_run_ms(&w, 5);
        sim_node_jump_wall(w.node, i % 2 == 0 ? -1000 : 400);
    }
    for (uint64_t i = 0; i < 4; i++) {
        assert_int_equal(log_peek(w.log, i, &r, &pin), 0);
        assert_true(r.time_ms >= last);
        last = r.time_ms;
        log_unpin(pin);
    }
    log_world_settle(&w);
    log_world_close(&w);
    sim_node_jump_wall(w.node, -100000); /* nor over an opening */
    log_world_open(&w);
    log_world_append(&w, KIND_KEEP, 30);
    assert_int_equal(log_peek(w.log, 4, &r, &pin), 0);
    assert_true(r.time_ms >= last);
    log_unpin(pin);
    log_world_settle(&w);
    end(&w);
}

static void test_nothing_in_a_batch_is_younger_than_its_time(void **state)
{
    struct log_world w;
    int64_t wall_ms;

    (void)state;
    begin(&w);
    log_world_append(&w, KIND_KEEP, 30);
    sim_node_jump_wall(w.node, 700); /* it goes on while a turn lasts */
    wall_ms = io_wall_ms(w.io);
    log_world_append(&w, KIND_KEEP, 30);
    log_world_settle(&w);
    assert_int_equal(hot_of(&w)->tail.block->batch_count, 1);
    assert_true(hot_of(&w)->tail.block->batches[0].head.time_ms >= wall_ms);
    end(&w);
}

static void test_every_opening_begins_an_epoch(void **state)
{
    struct log_world w;
    uint64_t epoch = 0;

    (void)state;
    log_world_init(&w);
    for (int i = 0; i < 3; i++) {
        log_world_open(&w);
        assert_true(hot_of(&w)->epoch > epoch);
        epoch = hot_of(&w)->epoch;
        log_world_append(&w, KIND_KEEP, 30);
        log_world_settle(&w);
        assert_int_equal(hot_of(&w)->tail.block->batches[0].head.epoch, epoch);
        log_world_close(&w);
    }
    log_world_release(&w);
}

/* ---- Limits ---- */

static void test_the_largest_body_fits_and_one_byte_more_does_not(void **state)
{
    static const char *const keys[] = {NULL, "a key"};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        struct log_world w;
        struct log_world_entry e = {.kind = KIND_KEEP, .key = keys[i]};
        size_t most;

        begin(&w);
        most = log_body_max(w.log, keys[i] != NULL ? strlen(keys[i]) : 0);
        assert_true(most > 20000);
        e.body_size = most + 1;
        assert_int_equal(log_world_try_append(&w, &e), ERR_RANGE);
        e.body_size = SIZE_MAX / 2;
        assert_int_equal(log_world_try_append(&w, &e), ERR_RANGE);
        e.body_size = most;
        for (int k = 0; k < 3; k++) {
            assert_int_equal(log_world_try_append(&w, &e), 0);
            log_world_settle(&w);
        }
        assert_int_equal(hot_of(&w)->segment_count, 3); /* each fills one */
        log_world_expect_hot(&w, 0, 3);
        end(&w);
    }
}

static void test_too_long_a_key_is_refused(void **state)
{
    struct log_entry e = {.kind = 1, .key = {NULL, RECORD_KEY_MAX + 1}};
    uint8_t *body = NULL;
    uint64_t position = 0;
    struct log_world w;

    (void)state;
    log_world_init(&w);
    w.options.segment_bytes = 1 << 20; /* so that the key is what is too large */
    w.options.pending_bytes_max = 1 << 20;
    log_world_open(&w);
    e.key.data = (const uint8_t *)&w;
    assert_int_equal(log_append(w.log, &e, &position, &body), ERR_RANGE);
    assert_null(body);
    end(&w);
}

static void test_appends_are_refused_when_too_much_waits(void **state)
{
    struct log_world w;
    uint64_t most;
    uint32_t taken, more;

    (void)state;
    begin(&w);
    most = w.options.pending_bytes_max;
    sim_disk_set_stalled(w.disk, true);
    taken = append_until(&w, ERR_FULL, false, 100);
    assert_true(taken > 0 && hot_of(&w)->pending_bytes <= most);
    more = append_until(&w, ERR_FULL, true, 100); /* what frees space goes on, to a limit */
    assert_true(more > 0);
    assert_true(hot_of(&w)->pending_bytes <= 2 * most);
    assert_int_equal(log_durable(w.log), 0);
    sim_disk_set_stalled(w.disk, false);
    log_world_settle(&w);
    assert_int_equal(log_durable(w.log), taken + more);
    assert_int_equal(hot_of(&w)->pending_bytes, 0);
    log_world_append(&w, KIND_KEEP, 100);
    log_world_settle(&w);
    log_world_expect_hot(&w, 0, taken + more + 1);
    end(&w);
}

static void test_one_record_always_fits_when_nothing_else_waits(void **state)
{
    const struct log_world_entry large = {.kind = KIND_KEEP, .body_size = 20000};
    struct log_world w;

    (void)state;
    log_world_init(&w);
    w.options.pending_bytes_max = 4096;
    log_world_open(&w);
    log_world_settle(&w);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(log_world_try_append(&w, &large), 0);
        assert_int_equal(log_world_try_append(&w, &large), ERR_FULL);
        log_world_settle(&w);
    }
    log_world_expect_hot(&w, 0, 3);
    end(&w);
}

static void test_the_last_spare_is_for_what_frees_space(void **state)
{
    struct log_world w;
    uint32_t taken, more;

    (void)state;
    begin(&w);
    sim_disk_set_capacity(w.disk, 1); /* no new file from now on */
    for (taken = 0; log_world_try_append(
                        &w, &(struct log_world_entry){.kind = KIND_KEEP, .body_size = 3000}) == 0;
         taken++)
        log_world_run_ms(&w, 1);
    assert_int_equal(hot_of(&w)->spares->count, SPARES_RESERVE);
    for (more = 0; log_world_try_append(&w, &(struct log_world_entry){.kind = KIND_KEEP,
                                                     .may_use_reserve = true,
                                                     .body_size = 3000}) == 0;
         more++)
        log_world_run_ms(&w, 1);
    assert_true(more > 0);
    assert_int_equal(hot_of(&w)->spares->count, 0);
    assert_int_equal(log_durable(w.log), taken + more);
    assert_true(log_is_pressed(w.log));

    sim_disk_set_capacity(w.disk, 0); /* freeing space is enough to go on */
    log_world_settle(&w);
    assert_false(log_is_pressed(w.log));
    log_world_append(&w, KIND_KEEP, 3000);
    log_world_settle(&w);
    log_world_expect_hot(&w, 0, taken + more + 1);
    end(&w);
}

/* Settings may have any size in bytes, also one that is no multiple of anything. */
static void test_sizes_that_are_no_multiple_of_a_sector_work(void **state)
{
    static const struct {
        uint64_t segment_bytes;
        uint64_t block_bytes;
    } sizes[] = {{32768, 5000}, {32769, 4096}, {33279, 4097}, {40001, 5003}};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        struct log_world w;
        struct log_world_entry e = {.kind = KIND_KEEP};
        uint64_t end_position;

        log_world_init(&w);
        w.options.segment_bytes = sizes[i].segment_bytes;
        w.options.block_bytes = sizes[i].block_bytes;
        log_world_open(&w);
        for (size_t k = 0; k < 200; k++)
            log_world_append(&w, KIND_KEEP, 100 + k);
        log_world_settle(&w);
        e.body_size = log_body_max(w.log, 0);
        assert_int_equal(log_world_try_append(&w, &e), 0);
        log_world_settle(&w);
        end_position = log_next(w.log);
        log_world_close(&w);
        log_world_open(&w);
        assert_int_equal(w.told.replayed, end_position);
        log_world_expect_hot(&w, 0, end_position);
        end(&w);
    }
}

/* The configuration may say another size at the next opening: a segment that is there
 * keeps the size that its file has. */
static void test_a_segment_of_a_former_size_ends_where_its_file_ends(void **state)
{
    static const uint64_t sizes[][2] = {{64 << 10, 32 << 10}, {32 << 10, 64 << 10}};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        struct log_world w;
        uint64_t last;

        log_world_init(&w);
        w.options.segment_bytes = sizes[i][0];
        log_world_open(&w);
        while (hot_of(&w)->segments[0]->bytes < sizes[i][0] / 4 * 3)
            log_world_append_each(&w, KIND_KEEP, 1000, 1);
        log_world_settle(&w);
        log_world_close(&w);
        w.options.segment_bytes = sizes[i][1];
        log_world_open(&w);
        assert_int_equal(hot_of(&w)->segment_count, 1);
        for (int k = 0; k < 150; k++)
            log_world_append_each(&w, KIND_KEEP, 1000, 1);
        log_world_settle(&w);
        last = log_next(w.log);
        assert_true(hot_of(&w)->segment_count >= 3);
        assert_int_equal(
            sim_disk_file_size(w.disk, segment_path(&w.log->site, hot_of(&w)->segments[0]).text),
            sizes[i][0]);
        assert_int_equal(
            sim_disk_file_size(w.disk, segment_path(&w.log->site, hot_of(&w)->segments[1]).text),
            sizes[i][1]);
        log_world_expect_hot(&w, 0, last);
        log_world_close(&w);
        log_world_open(&w);
        assert_int_equal(w.told.replayed, last);
        end(&w);
    }
}

/* ---- Groups ---- */

/* Appends a group of so many records; all must lie in one batch. */
static void append_group(struct log_world *w, uint32_t count, size_t body_size)
{
    const struct segment *g;
    const struct block *b;

    assert_int_equal(log_begin_group(w->log, count * log_record_size(0, body_size), false), 0);
    for (uint32_t i = 0; i < count; i++)
        log_world_append(w, KIND_KEEP, body_size);
    g = hot_of(w)->segments[hot_of(w)->segment_count - 1];
    b = hot_of(w)->tail.block;
    assert_ptr_equal(b->segment, g);
    assert_true(b->batches[b->batch_count - 1].head.base <= log_next(w->log) - count);
}

static void test_a_group_lies_in_one_batch_wherever_the_block_stands(void **state)
{
    (void)state;
    for (size_t before = 24; before < 4096; before += 97) {
        struct log_world w;

        begin(&w);
        log_world_append(&w, KIND_KEEP, before);
        append_group(&w, 8, 200);
        log_world_settle(&w);
        append_group(&w, 3, 24);
        append_group(&w, 40, 200); /* larger than a block */
        log_world_settle(&w);
        log_world_expect_hot(&w, 0, 52);
        end(&w);
    }
}

static void test_a_group_may_begin_a_segment_but_never_span_two(void **state)
{
    struct log_world w;

    (void)state;
    begin(&w);
    for (int i = 0; i < 30; i++) {
        append_group(&w, 7, 1000);
        log_world_run_ms(&w, 1);
    }
    assert_true(hot_of(&w)->segment_count > 5);
    log_world_settle(&w);
    log_world_expect_hot(&w, 0, 210);
    assert_int_equal(log_begin_group(w.log, w.options.segment_bytes, false), ERR_RANGE);
    assert_int_equal(log_begin_group(w.log, SIZE_MAX, false), ERR_RANGE);
    assert_int_equal(log_begin_group(w.log, log_body_max(w.log, 0) + 8, false), 0);
    end(&w);
}

/* A group that was let in must get in as a whole: half of it would be committed. */
static void test_a_group_that_was_begun_is_never_refused_halfway(void **state)
{
    enum { COUNT = 10, BODY = 100 };
    size_t bytes = COUNT * log_record_size(0, BODY), left;
    uint32_t begun = 0;

    (void)state;
    for (uint64_t most = 40 << 10; most < 45 << 10; most += 40) {
        struct log_world w;

        log_world_init(&w);
        w.options.pending_bytes_max = most;
        log_world_open(&w);
        log_world_settle(&w);
        sim_disk_set_stalled(w.disk, true);
        do {
            log_world_append(&w, KIND_KEEP, BODY);
            left = most - bytes - hot_of(&w)->pending_bytes;
        } while (left > 2 * log_record_size(0, BODY) && left < most);
        if (left < most && left > log_record_size(0, LOG_WORLD_BODY_MIN))
            log_world_append(&w, KIND_KEEP, left - log_record_size(0, 0)); /* to the last byte */
        if (log_begin_group(w.log, bytes, false) == 0) {
            begun++;
            for (int i = 0; i < COUNT; i++)
                log_world_append(&w, KIND_KEEP, BODY); /* fails the test when it is refused */
        }
        sim_disk_set_stalled(w.disk, false);
        log_world_settle(&w);
        end(&w);
    }
    assert_true(begun > 20);
}

/* What a group was promised does not open the door for others. */
static void test_a_group_takes_no_more_than_it_asked_for(void **state)
{
    const struct log_world_entry e = {.kind = KIND_KEEP, .body_size = 500};
    struct log_world w;
    size_t bytes = log_record_size(0, 500);

    (void)state;
    begin(&w);
    sim_disk_set_stalled(w.disk, true);
    while (hot_of(&w)->pending_bytes + 2 * bytes < w.options.pending_bytes_max)
        log_world_append(&w, KIND_KEEP, 500);
    assert_int_equal(log_begin_group(w.log, bytes, false), 0);
    assert_int_equal(log_world_try_append(&w, &e), 0);
    assert_int_equal(append_until(&w, ERR_FULL, false, 500), 0);
    sim_disk_set_stalled(w.disk, false);
    log_world_settle(&w);
    end(&w);
}

static void test_a_group_is_refused_when_too_much_waits(void **state)
{
    struct log_world w;

    (void)state;
    begin(&w);
    sim_disk_set_stalled(w.disk, true);
    append_until(&w, ERR_FULL, false, 100);
    assert_int_equal(log_begin_group(w.log, 1000, false), ERR_FULL);
    assert_int_equal(log_begin_group(w.log, 1000, true), 0);
    sim_disk_set_stalled(w.disk, false);
    log_world_settle(&w);
    end(&w);
}

/* ---- Segments ---- */

static void test_segments_follow_one_another_without_gap(void **state)
{
    struct log_world w;
    const struct hot *h;

    (void)state;
    begin(&w);
    for (int i = 0; i < 4; i++)
        log_world_fill_segment(&w, KIND_KEEP, 700);
    log_world_settle(&w);
    h = hot_of(&w);
    assert_int_equal(h->segment_count, 5);
    for (size_t i = 0; i + 1 < h->segment_count; i++) {
        const struct segment *g = h->segments[i], *next = h->segments[i + 1];

        assert_true(g->is_sealed && !next->is_header_lost);
        assert_int_equal(g->end, next->first); /* S3 */
        assert_int_equal(g->records, g->end - g->first);
        assert_int_equal(next->bytes_before, g->bytes);
        assert_int_equal(g->id, g->first);
        assert_ptr_equal(hot_find(h, g->first), g);
        assert_ptr_equal(hot_find(h, g->end - 1), g);
        assert_true(sim_disk_has(w.disk, segment_path(&w.log->site, g).text));
        assert_true(g->bytes < w.options.segment_bytes);
    }
    assert_false(h->segments[4]->is_sealed); /* H4 */
    assert_int_equal(log_world_count_files(&w, "hot-"), 5);
    end(&w);
}

static void test_a_sealed_segment_has_an_index_that_reads_back(void **state)
{
    struct log_world w;
    const struct segment *g;
    struct index_span span;
    struct disk_file *f = NULL;
    struct index *x = NULL;

    (void)state;
    begin(&w);
    log_world_fill_segment(&w, KIND_KEEP, 700);
    log_world_settle(&w);
    g = hot_of(&w)->segments[0];
    span = segment_span(g);
    assert_int_equal(disk_open(w.io->disk, segment_path(&w.log->site, g).text, DISK_READ, &f), 0);
    assert_int_equal(index_read(f, &w.log->site, &span, &x), 0);
    disk_close(f);
    assert_true(x->count > 8);
    assert_int_equal(x->count, g->index->count);
    assert_memory_equal(x->entries, g->index->entries, x->count * sizeof(*x->entries));
    index_free(x);
    end(&w);
}

static void test_live_records_are_counted_without_the_transitory_ones(void **state)
{
    struct log_world w;
    const struct segment *g;

    (void)state;
    begin(&w);
    for (int i = 0; i < 10; i++)
        assert_int_equal(
            log_world_try_append(
                &w, &(struct log_world_entry){.kind = KIND_DROP, .is_transitory = i % 2 == 0}),
            0);
    log_world_settle(&w);
    g = hot_of(&w)->segments[0];
    assert_int_equal(g->records, 10);
    assert_int_equal(g->live, 5);
    log_release(w.log, LOG_SHARED, 1);
    assert_int_equal(g->live, 4);
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_positions_are_dense_and_records_readable_at_once),
        LEAK_CHECKED(test_what_one_turn_appends_is_one_batch),
        LEAK_CHECKED(test_a_sum_made_in_parts_is_that_of_the_whole_batch),
        LEAK_CHECKED(test_times_never_go_back),
        LEAK_CHECKED(test_nothing_in_a_batch_is_younger_than_its_time),
        LEAK_CHECKED(test_every_opening_begins_an_epoch),
        LEAK_CHECKED(test_the_largest_body_fits_and_one_byte_more_does_not),
        LEAK_CHECKED(test_too_long_a_key_is_refused),
        LEAK_CHECKED(test_appends_are_refused_when_too_much_waits),
        LEAK_CHECKED(test_one_record_always_fits_when_nothing_else_waits),
        LEAK_CHECKED(test_the_last_spare_is_for_what_frees_space),
        LEAK_CHECKED(test_sizes_that_are_no_multiple_of_a_sector_work),
        LEAK_CHECKED(test_a_segment_of_a_former_size_ends_where_its_file_ends),
        LEAK_CHECKED(test_a_group_lies_in_one_batch_wherever_the_block_stands),
        LEAK_CHECKED(test_a_group_may_begin_a_segment_but_never_span_two),
        LEAK_CHECKED(test_a_group_that_was_begun_is_never_refused_halfway),
        LEAK_CHECKED(test_a_group_takes_no_more_than_it_asked_for),
        LEAK_CHECKED(test_a_group_is_refused_when_too_much_waits),
        LEAK_CHECKED(test_segments_follow_one_another_without_gap),
        LEAK_CHECKED(test_a_sealed_segment_has_an_index_that_reads_back),
        LEAK_CHECKED(test_live_records_are_counted_without_the_transitory_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
