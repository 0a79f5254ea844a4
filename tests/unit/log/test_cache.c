/* Tests of log/cache: what is in memory, for how long, and how the rest gets there. */
#include "log/cache.h"

#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "io/sim/sim.h"
#include "log/load.h"
#include "tests/lib/death.h"
#include "tests/lib/fault_heap.h"
#include "tests/lib/leaks.h"
#include "tests/unit/log/log_bytes.h"
#include "tests/unit/log/log_site.h"

enum { BATCHES = 24, PER_BATCH = 4, BODY = 120, STEP = 512, MANY = 8 };

/* A cache in a world, and a sealed segment on its disk: 24 batches of 2 sectors, numbers
 * 0 to 95, each batch a run of its own. */
struct fixture {
    struct log_site log;
    struct sim *sim;
    struct cache cache;
    struct segment *g;
    uint64_t places[BATCHES];
    uint32_t crcs[BATCHES];
    uint32_t unpinned;
};

/* Somebody who waits. */
struct waiter {
    struct fetch fetch;
    uint32_t answers;
    int err;
    uint64_t first; /* of the block that came */
    uint64_t end;
    struct cache *cancels_in; /* cancels `other` there when it is told */
    struct fetch *other;
};

static void on_done(struct fetch *f, int err, struct block *b)
{
    struct waiter *w = CONTAINER_OF(f, struct waiter, fetch);

    w->answers++;
    w->err = err;
    assert_int_equal(err == 0, b != NULL);
    w->first = b != NULL ? b->first : 0;
    w->end = b != NULL ? b->end : 0;
    if (w->cancels_in != NULL)
        cache_cancel(w->cancels_in, w->other);
}

static void on_unpinned(void *owner, struct segment *g)
{
    struct fixture *f = owner;

    assert_ptr_equal(g, f->g);
    assert_int_equal(g->pins, 0);
    f->unpinned++;
}

static void put_file(struct fixture *f)
{
    struct batch_builder b;
    uint8_t *bytes;

    batch_builder_init(&b, site_mark(&f->log.site), 0);
    b.chain = segment_cold_chain(1);
    for (int i = 0; i < BATCHES; i++) {
        batch_builder_add(&b, PER_BATCH, BODY);
        f->places[i] = SEGMENT_HEADER_SIZE + b.last_at;
        f->crcs[i] = b.last.crc;
    }
    bytes = mem_zero(1, SEGMENT_HEADER_SIZE + b.size);
    memcpy(bytes + SEGMENT_HEADER_SIZE, b.bytes, b.size);
    log_site_put(&f->log, "cold-0000000000000001.seg", bytes, SEGMENT_HEADER_SIZE + b.size);
    f->g = segment_new(SEGMENT_COLD, 1, 0);
    f->g->end = f->g->written = f->g->records = b.next;
    f->g->bytes = SEGMENT_HEADER_SIZE + b.size;
    f->g->chain_end = b.chain;
    f->g->is_sealed = true;
    mem_free(bytes);
    batch_builder_release(&b);
}

static void begin(struct fixture *f)
{
    memset(f, 0, sizeof(*f));
    log_site_init(&f->log);
    f->sim = sim_new(NULL);
    f->log.site.io = sim_io_new(sim_node_new(f->sim, "a", f->log.disk));
    f->log.site.options.block_bytes = 4096;
    cache_init(&f->cache, &f->log.site);
    f->cache.on_unpinned = on_unpinned;
    f->cache.owner = f;
    put_file(f);
}

static void settle(struct fixture *f)
{
    assert_true(sim_run_idle(f->sim, UINT64_C(1000000000)));
}

static void end(struct fixture *f)
{
    settle(f);
    cache_drop_segment(&f->cache, f->g);
    cache_release(&f->cache);
    segment_free(f->g);
    sim_io_free(f->log.site.io);
    sim_free(f->sim);
    log_site_release(&f->log);
}

static void fetch(struct fixture *f, struct waiter *w, uint64_t number)
{
    *w = (struct waiter){.fetch.done = on_done};
    cache_fetch(&f->cache, &w->fetch, f->g, number);
    assert_int_equal(w->answers, 0); /* never inside the call */
}

/* Gets the block of a number into memory. */
static void bring(struct fixture *f, uint64_t number)
{
    struct waiter w;

    fetch(f, &w, number);
    settle(f);
    assert_int_equal(w.answers, 1);
    assert_int_equal(w.err, 0);
    assert_true(w.first <= number && number < w.end);
}

static bool is_in_memory(struct fixture *f, uint64_t number)
{
    struct block *b = cache_find(&f->cache, f->g, number);

    if (b != NULL)
        block_unref(b);
    return b != NULL;
}

/* ---- Loading ---- */

static void test_a_fetch_brings_index_and_block(void **state)
{
    struct fixture f;
    struct block *b;
    struct record r;

    (void)state;
    begin(&f);
    assert_false(is_in_memory(&f, 41));
    bring(&f, 41);
    assert_int_equal(f.g->index->count, BATCHES);
    b = cache_find(&f.cache, f.g, 41);
    assert_int_equal(b->first, 40);
    assert_int_equal(b->end, 44);
    block_record(b, block_seek(b, 41), &r);
    assert_int_equal(r.number, 41);
    assert_true(body_is(r.body, BODY, 41));
    block_unref(b);
    assert_false(is_in_memory(&f, 39));
    assert_false(is_in_memory(&f, 44));
    end(&f);
}

static void test_hits_and_misses_are_counted(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f);
    assert_false(is_in_memory(&f, 0));
    bring(&f, 0);
    assert_true(is_in_memory(&f, 1));
    assert_true(is_in_memory(&f, 2));
    assert_int_equal(f.cache.misses, 1);
    assert_int_equal(f.cache.hits, 2);
    end(&f);
}

static void count_reads(void *owner, struct sim_disk *d, const struct sim_disk_call *call)
{
    (void)d;
    *(uint32_t *)owner += call->op == SIM_OP_READ;
}

static void test_many_who_wait_for_one_run_share_a_load(void **state)
{
    struct waiter waiters[MANY];
    struct fixture f;
    uint32_t reads = 0;

    (void)state;
    begin(&f);
    bring(&f, 0); /* the index */
    sim_disk_observe(f.log.disk, count_reads, &reads);
    for (uint64_t i = 0; i < MANY; i++)
        fetch(&f, &waiters[i], 40 + i % PER_BATCH);
    settle(&f);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(waiters[i].answers, 1);
        assert_int_equal(waiters[i].err, 0);
        assert_int_equal(waiters[i].first, 40);
    }
    assert_int_equal(reads, 2); /* the run, and the head of the batch behind, which vouches */
    assert_int_equal(f.g->block_count, 2);
    sim_disk_observe(f.log.disk, NULL, NULL);
    end(&f);
}

static void test_many_who_wait_for_the_index_get_their_own_runs(void **state)
{
    struct waiter waiters[MANY];
    struct fixture f;

    (void)state;
    begin(&f);
    for (uint64_t i = 0; i < MANY; i++)
        fetch(&f, &waiters[i], i * 12);
    settle(&f);
    for (uint64_t i = 0; i < MANY; i++) {
        assert_int_equal(waiters[i].answers, 1);
        assert_int_equal(waiters[i].err, 0);
        assert_int_equal(waiters[i].first, i * 12);
    }
    assert_int_equal(f.g->block_count, MANY);
    end(&f);
}

static void test_who_waits_pins_the_segment(void **state)
{
    struct waiter w;
    struct fixture f;

    (void)state;
    begin(&f);
    fetch(&f, &w, 5);
    assert_true(f.g->pins > 0);
    f.g->is_retired = true; /* it was trimmed meanwhile: it can still be read */
    settle(&f);
    assert_int_equal(w.err, 0);
    assert_int_equal(f.g->block_count, 0); /* but it is not kept */
    assert_int_equal(f.g->pins, 0);
    assert_int_equal(f.unpinned, 1);
    end(&f);
}

static void is_written_up_to(struct fixture *f, unsigned batch)
{
    struct segment *g = f->g;

    g->bytes = f->places[batch];
    g->written = batch * PER_BATCH;
    g->chain_end = f->crcs[batch - 1];
}

/* What is not yet written is no part of a run: it would look like damage. */
static void test_a_segment_in_the_making_is_read_as_far_as_it_is_written(void **state)
{
    struct waiter early, late;
    struct fixture f;

    (void)state;
    begin(&f);
    bring(&f, 95); /* the index */
    cache_drop_segment(&f.cache, f.g);
    f.g->index->count = 20; /* the last entry reaches to the end */
    is_written_up_to(&f, 21);
    fetch(&f, &early, 77);
    assert_int_equal(f.g->end, 96);
    is_written_up_to(&f, 23); /* more, while that load runs */
    fetch(&f, &late, 90);
    settle(&f);
    assert_int_equal(early.answers, 1);
    assert_int_equal(early.err, 0);
    assert_int_equal(early.end, 84);
    assert_int_equal(late.answers,
                     1); /* the load of the same run did not bring it: another one did */
    assert_int_equal(late.err, 0);
    assert_int_equal(late.end, 92);
    assert_false(f.g->is_wounded);
    assert_true(is_in_memory(&f, 90));
    assert_true(is_in_memory(&f, 77));
    end(&f);
}

/* ---- Errors ---- */

static void test_errors_reach_all_who_wait_and_are_not_kept(void **state)
{
    static const enum sim_op ops[] = {SIM_OP_OPEN, SIM_OP_READ};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
        struct waiter a, b;
        struct fixture f;

        begin(&f);
        log_site_fail(&f.log, SIM_OP_BIT(ops[i]), ERR_IO, 0);
        fetch(&f, &a, 5);
        fetch(&f, &b, 50);
        settle(&f);
        assert_int_equal(a.answers, 1);
        assert_int_equal(a.err, ERR_IO);
        assert_int_equal(b.answers, 1);
        assert_int_equal(b.err, ERR_IO);
        assert_int_equal(f.g->pins, 0);
        sim_disk_clear_faults(f.log.disk);
        bring(&f, 5);
        end(&f);
    }
}

static void test_a_missing_file_is_told(void **state)
{
    struct waiter w;
    struct fixture f;

    (void)state;
    begin(&f);
    sim_disk_erase(f.log.disk, "log/cold-0000000000000001.seg");
    fetch(&f, &w, 5);
    settle(&f);
    assert_int_equal(w.err, ERR_NOT_FOUND);
    end(&f);
}

static void test_a_refused_allocation_is_answered_from_the_loop(void **state)
{
    struct fault_heap heap;
    struct waiter a, b;
    struct fixture f;

    (void)state;
    begin(&f);
    fault_heap_start(&heap, 1, true);
    fetch(&f, &a, 5);
    fetch(&f, &b, 50);
    assert_int_equal(a.answers, 0);
    cache_cancel(&f.cache, &b.fetch); /* one may still change one's mind */
    settle(&f);
    assert_true(fault_heap_stop(&heap));
    assert_int_equal(a.answers, 1);
    assert_int_equal(a.err, ERR_NO_MEMORY);
    assert_int_equal(b.answers, 0);
    assert_int_equal(f.g->pins, 0);
    bring(&f, 5);
    end(&f);
}

static void test_memory_refused_at_any_point_loses_nobody(void **state)
{
    struct fault_heap heap;
    bool is_refused = true;

    (void)state;
    for (uint64_t k = 1; is_refused; k++) {
        struct waiter waiters[3];
        struct fixture f;

        begin(&f);
        fault_heap_start(&heap, k, false);
        for (uint64_t i = 0; i < 3; i++)
            fetch(&f, &waiters[i], i * 30);
        settle(&f);
        is_refused = fault_heap_stop(&heap);
        for (int i = 0; i < 3; i++) {
            assert_int_equal(waiters[i].answers, 1);
            assert_true(waiters[i].err == 0 || (is_refused && waiters[i].err == ERR_NO_MEMORY));
        }
        assert_true(f.g->pins == f.g->block_count);
        end(&f);
    }
}

static void test_damage_gives_a_wounded_block_and_a_wounded_segment(void **state)
{
    struct block *b;
    struct fixture f;

    (void)state;
    begin(&f);
    bring(&f, 0); /* the index, while all is well */
    log_site_flip(&f.log, "cold-0000000000000001.seg", f.places[10] + 100, 3);
    bring(&f, 41);
    assert_true(f.g->is_wounded);
    b = cache_find(&f.cache, f.g, 41);
    assert_true(b->is_wounded);
    assert_int_equal(b->count, 0);
    block_unref(b);
    bring(&f, 44); /* the rest can be read */
    end(&f);
}

/* ---- Cancelling ---- */

static void test_a_cancelled_fetch_is_never_answered(void **state)
{
    struct waiter a, b;
    struct fixture f;

    (void)state;
    begin(&f);
    fetch(&f, &a, 5);
    fetch(&f, &b, 6);
    cache_cancel(&f.cache, &a.fetch);
    cache_cancel(&f.cache, &a.fetch); /* twice is fine */
    settle(&f);
    assert_int_equal(a.answers, 0);
    assert_int_equal(b.answers, 1);
    assert_int_equal(b.err, 0);
    assert_true(is_in_memory(&f, 5)); /* the load went on, for others */
    cache_cancel(&f.cache, &b.fetch); /* already answered */
    end(&f);
}

static void test_one_who_is_told_may_cancel_one_who_is_next(void **state)
{
    struct waiter a, b;
    struct fixture f;

    (void)state;
    begin(&f);
    fetch(&f, &a, 5);
    fetch(&f, &b, 6);
    a.cancels_in = &f.cache;
    a.other = &b.fetch;
    settle(&f);
    assert_int_equal(a.answers, 1);
    assert_int_equal(b.answers, 0);
    assert_int_equal(f.g->pins, f.g->block_count);
    end(&f);
}

/* ---- Keeping ---- */

static void test_unused_blocks_stay_within_the_budget_least_recently_used_goes(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f);
    f.log.site.options.cache_bytes = 4 * 4096; /* a block here takes 4096 bytes */
    f.log.site.options.block_bytes = 8192;     /* so that none is recycled */
    for (uint64_t i = 0; i < 4; i++)
        bring(&f, i * PER_BATCH);
    assert_true(is_in_memory(&f, 0)); /* used again */
    bring(&f, 4 * PER_BATCH);
    assert_true(is_in_memory(&f, 0));
    assert_false(is_in_memory(&f, PER_BATCH)); /* the oldest otherwise */
    assert_true(is_in_memory(&f, 2 * PER_BATCH));
    assert_true(f.cache.bytes <= f.log.site.options.cache_bytes);
    end(&f);
}

static void test_a_referenced_block_stays_whatever_the_budget(void **state)
{
    struct block *held;
    struct fixture f;
    struct record r;

    (void)state;
    begin(&f);
    bring(&f, 8);
    held = cache_find(&f.cache, f.g, 8);
    f.log.site.options.cache_bytes = 0;
    for (uint64_t i = 0; i < BATCHES; i++)
        bring(&f, i * PER_BATCH);
    assert_false(is_in_memory(&f, 0));
    assert_true(is_in_memory(&f, 8));
    block_record(held, 0, &r);
    assert_true(body_is(r.body, BODY, 8)); /* B1 */
    block_unref(held);
    assert_false(is_in_memory(&f, 8));
    assert_int_equal(f.g->pins, 0); /* B2: no block, no pin */
    end(&f);
}

static void test_areas_of_the_usual_size_are_recycled(void **state)
{
    struct block *b;
    struct fixture f;
    const uint8_t *area;

    (void)state;
    begin(&f);
    f.log.site.options.cache_bytes = 0;
    b = cache_new_block(&f.cache, f.g, 4096);
    area = b->data;
    b->is_wounded = true;
    b->size = 100;
    block_add_batch(b);
    block_add_record(b, 0);
    block_unref(b);
    assert_int_equal(f.cache.spare_count, 1);
    b = cache_new_block(&f.cache, f.g, 4096);
    assert_ptr_equal(b->data, area);
    assert_int_equal(f.cache.spare_count, 0);
    assert_int_equal(b->size + b->count + b->batch_count, 0); /* as new */
    assert_false(b->is_wounded || b->is_cached);
    assert_int_equal(f.cache.bytes, 4096);
    block_unref(b);
    b = cache_new_block(&f.cache, f.g, 8192); /* another size */
    block_unref(b);
    assert_int_equal(f.cache.spare_count, 1);
    assert_int_equal(f.cache.bytes, 4096);
    end(&f);
}

static void test_only_so_many_areas_wait_to_be_recycled(void **state)
{
    struct block *blocks[20];
    struct fixture f;

    (void)state;
    begin(&f);
    for (int i = 0; i < 20; i++)
        blocks[i] = cache_new_block(&f.cache, f.g, 4096);
    assert_int_equal(f.cache.bytes, 20 * 4096);
    for (int i = 0; i < 20; i++)
        block_unref(blocks[i]);
    assert_true(f.cache.spare_count < 20);
    assert_int_equal(f.cache.bytes, f.cache.spare_count * 4096);
    end(&f);
}

static void test_a_dropped_segment_keeps_only_what_is_referenced(void **state)
{
    struct block *held;
    struct fixture f;

    (void)state;
    begin(&f);
    for (uint64_t i = 0; i < 6; i++)
        bring(&f, i * PER_BATCH);
    held = cache_find(&f.cache, f.g, 8);
    cache_drop_segment(&f.cache, f.g);
    assert_int_equal(f.g->block_count, 0);
    assert_int_equal(f.g->pins, 1);
    assert_false(is_in_memory(&f, 8)); /* nobody new finds it */
    f.g->is_retired = true;
    block_unref(held);
    assert_int_equal(f.unpinned, 1);
    end(&f);
}

/* A world that has ended: what is given to it never comes back. */
static void submit_to_nobody(struct io *io, struct io_job *j)
{
    (void)io;
    (void)j;
}

static void test_abandoning_frees_what_a_dead_world_will_not_end(void **state)
{
    const struct io_ops dead_ops = {.submit = submit_to_nobody};
    struct io dead = {.ops = &dead_ops};
    struct waiter a, b, c;
    struct fixture f;
    struct io *alive;

    (void)state;
    begin(&f);
    bring(&f, 5);
    alive = f.log.site.io;
    f.log.site.io = &dead;
    fetch(&f, &a, 50);
    fetch(&f, &b, 51);
    fetch(&f, &c, 90);
    assert_int_equal(f.g->pins, 1 + 3 + 2 * 2);
    load_abandon(&f.cache);
    assert_int_equal(a.answers + b.answers + c.answers, 0);
    assert_int_equal(f.g->pins, 1);
    f.log.site.io = alive;
    end(&f);
}

static void fetch_beyond_the_segment(void *owner)
{
    struct fixture *f = owner;
    struct waiter w = {.fetch.done = on_done};

    cache_fetch(&f->cache, &w.fetch, f->g, f->g->end);
}

static void test_misuse_is_a_bug(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f);
    expect_death(fetch_beyond_the_segment, &f, "number < g->end");
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_a_fetch_brings_index_and_block),
        LEAK_CHECKED(test_hits_and_misses_are_counted),
        LEAK_CHECKED(test_many_who_wait_for_one_run_share_a_load),
        LEAK_CHECKED(test_many_who_wait_for_the_index_get_their_own_runs),
        LEAK_CHECKED(test_who_waits_pins_the_segment),
        LEAK_CHECKED(test_a_segment_in_the_making_is_read_as_far_as_it_is_written),
        LEAK_CHECKED(test_errors_reach_all_who_wait_and_are_not_kept),
        LEAK_CHECKED(test_a_missing_file_is_told),
        LEAK_CHECKED(test_a_refused_allocation_is_answered_from_the_loop),
        LEAK_CHECKED(test_memory_refused_at_any_point_loses_nobody),
        LEAK_CHECKED(test_damage_gives_a_wounded_block_and_a_wounded_segment),
        LEAK_CHECKED(test_a_cancelled_fetch_is_never_answered),
        LEAK_CHECKED(test_one_who_is_told_may_cancel_one_who_is_next),
        LEAK_CHECKED(test_unused_blocks_stay_within_the_budget_least_recently_used_goes),
        LEAK_CHECKED(test_a_referenced_block_stays_whatever_the_budget),
        LEAK_CHECKED(test_areas_of_the_usual_size_are_recycled),
        LEAK_CHECKED(test_only_so_many_areas_wait_to_be_recycled),
        LEAK_CHECKED(test_a_dropped_segment_keeps_only_what_is_referenced),
        LEAK_CHECKED(test_abandoning_frees_what_a_dead_world_will_not_end),
        LEAK_CHECKED(test_misuse_is_a_bug),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
