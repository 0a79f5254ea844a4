/* Tests of store/store_upload and store_body: bodies that lie in parts. */
#include <string.h>

#include "base/mem.h"
#include "base/rand.h"
#include "store/store.h"
#include "tests/lib/leaks.h"
#include "tests/lib/seed.h"
#include "tests/unit/store/store_world.h"

enum { LARGE = 3 * STORE_PART_BYTES + 12345 };

static const struct sim_crash power_cut = {.kind = SIM_CRASH_NOTHING};

/* A log that has room for parts. */
static void begin(struct store_world *w)
{
    store_world_init(w);
    w->p.log_options.segment_bytes = 8 << 20;
    w->p.log_options.block_bytes = 64 << 10;
    w->p.log_options.cache_bytes = 256 << 10;
    w->p.log_options.pending_bytes_max = 5 << 20;
    w->p.log_options.cold_segment_bytes = 8 << 20;
    w->p.log_options.sorter_buffer_bytes = 1 << 20;
    w->p.log_options.debt_bytes_max = 64 << 20;
    w->p.options.checkpoint_bytes = 1 << 30;
    w->options.transient_bytes_max = 8 << 20;
    w->options.spill_bytes_max = 64 << 20;
    store_world_open(w);
}

static void end(struct store_world *w)
{
    store_world_close(w);
    store_world_release(w);
}

static uint64_t publish(struct store_world *w, uint64_t number, unsigned queues, uint64_t size)
{
    return store_world_publish(
        w, &(struct store_world_message){.number = number, .queues = queues, .body_size = size});
}

/* Parts of the log that the sorter would still keep. */
static uint64_t shared(const struct store_world *w)
{
    struct store_stats stats;

    store_get_stats(w->store, &stats);
    return stats.shared_messages;
}

static void test_a_large_body_lies_in_parts(void **state)
{
    struct store_world w;
    struct store_pin pin;
    struct stored m;
    uint64_t place;

    (void)state;
    begin(&w);
    (void)publish(&w, 1, 1, STORE_PART_BYTES);
    assert_int_equal(shared(&w), 0);
    place = publish(&w, 2, 1, LARGE);
    assert_int_equal(shared(&w), 1);
    assert_int_equal(store_peek(w.store, place, &m, &pin), 0);
    assert_int_equal(m.parts, 4);
    assert_int_equal(m.body.size, 0);
    assert_int_equal(m.body_size, LARGE);
    store_pin_release(pin);
    store_world_expect_all(&w);
    partition_world_settle(&w.p);
    store_world_crash(&w, &power_cut);
    store_world_expect_all(&w);
    store_world_close(&w);
    store_world_open(&w);
    store_world_expect_all(&w);
    store_world_settle(&w, 0, 2);
    assert_int_equal(shared(&w), 0);
    end(&w);
}

static void test_parts_are_kept_and_dropped_by_the_sorter(void **state)
{
    struct store_world w;
    struct log_stats stats;

    (void)state;
    begin(&w);
    w.queues[0].is_deep = true; /* what has parts stays in the shared lane */
    (void)publish(&w, 1, 1, LARGE);
    (void)publish(&w, 2, 3, LARGE);
    for (uint64_t i = 3; i < 40; i++)
        (void)publish(&w, i, 1, 500000);
    store_world_sort(&w);
    assert_true(log_first(partition_log(w.p.partition)) > 12);
    store_world_expect_all(&w);
    store_world_crash(&w, &power_cut);
    store_world_expect_all(&w);
    for (int queue = 0; queue < 2; queue++) {
        while (w.queues[queue].ledger.live > 0)
            store_world_settle(&w, queue, ledger_low(&w.queues[queue].ledger));
    }
    for (uint64_t i = 0; i < 20; i++) {
        (void)publish(&w, i, 1, 900000);
        store_world_settle(&w, 0, ledger_low(&w.queues[0].ledger));
    }
    store_world_sort(&w);
    log_get_stats(partition_log(w.p.partition), &stats);
    assert_int_equal(stats.cold_segments, 0);
    end(&w);
}

static void test_a_dead_lettered_message_shares_its_parts(void **state)
{
    struct store_world w;
    uint64_t place, next;

    (void)state;
    begin(&w);
    for (int is_transient = 0; is_transient < 2; is_transient++) {
        struct store_world_message m = {
            .number = 7, .is_transient = is_transient == 1, .queues = 1, .body_size = LARGE};

        place = store_world_publish(&w, &m);
        m.queues = 6;
        m.shares_parts = place;
        next = partition_next(w.p.partition);
        (void)store_world_publish(&w, &m);
        assert_int_equal(partition_next(w.p.partition) - next, is_transient == 1 ? 0 : 1);
        store_world_settle(&w, 0, w.queues[0].ledger.next - 1);
        store_world_expect_all(&w);
        store_world_sort(&w);
        store_world_expect_all(&w);
    }
    store_world_crash(&w, &power_cut);
    assert_int_equal(w.queues[1].ledger.live, 1);
    store_world_expect_all(&w);
    store_world_settle(&w, 1, ledger_low(&w.queues[1].ledger));
    store_world_expect_all(&w);
    store_world_settle(&w, 2, ledger_low(&w.queues[2].ledger));
    assert_int_equal(shared(&w), 0);
    end(&w);
}

static void test_a_fleeting_queue_can_share_parts_in_the_log(void **state)
{
    struct store_world w;
    uint64_t place;

    (void)state;
    begin(&w);
    place = publish(&w, 7, 8, LARGE); /* persistent, but only in memory: the parts are in the log */
    assert_true((place & STORE_TRANSIENT) != 0);
    assert_true(partition_next(w.p.partition) == 4);
    (void)store_world_publish(
        &w, &(struct store_world_message){
                .number = 7, .queues = 1, .body_size = LARGE, .shares_parts = place});
    store_world_settle(&w, STORE_WORLD_FLEETING, 1);
    store_world_expect_all(&w);
    store_world_sort(&w);
    store_world_crash(&w, &power_cut);
    store_world_expect_all(&w);
    assert_int_equal(w.queues[0].ledger.live, 1);
    end(&w);
}

/* ---- Uploads ---- */

/* Uploads the body in pieces while the world turns. */
static void upload(struct store_world *w, struct store_upload *u, uint64_t number, uint64_t size)
{
    static uint8_t piece[200000];
    uint64_t done = 0;

    while (done < size) {
        size_t n = size - done < sizeof(piece) ? (size_t)(size - done) : sizeof(piece);
        size_t taken = 0;
        int rv;

        store_world_fill(number, done, piece, n);
        rv = store_upload_add(u, bytes_of(piece, n), &taken);
        assert_true(rv == ERR_FULL || (rv == 0 && taken == n));
        done += taken;
        if (rv == ERR_FULL)
            partition_world_run_ms(&w->p, 1);
    }
}

static void test_a_body_larger_than_the_log_takes_at_once_is_uploaded(void **state)
{
    static const uint64_t size = 40 * STORE_PART_BYTES + 17;
    struct store_world w;

    (void)state;
    begin(&w);
    assert_int_equal(
        store_world_try_publish(
            &w, &(struct store_world_message){.number = 1, .queues = 1, .body_size = size}),
        ERR_FULL);
    partition_world_settle(&w.p);
    for (int is_transient = 0; is_transient < 2; is_transient++) {
        struct store_upload *u = store_upload_open(w.store, is_transient == 0);

        upload(&w, u, 5, size);
        (void)store_world_publish(&w,
                                  &(struct store_world_message){.number = 5,
                                                                .is_transient = is_transient == 1,
                                                                .queues = 9,
                                                                .body_size = size,
                                                                .upload = u});
        store_upload_close(u);
        store_world_check(&w);
    }
    store_world_expect_all(&w);
    store_world_sort(&w);
    store_world_expect_all(&w);
    store_world_crash(&w, &power_cut);
    assert_int_equal(w.queues[0].ledger.live, 1);
    store_world_expect_all(&w);
    store_world_settle(&w, 0, 1);
    end(&w);
}

static void test_an_upload_that_nobody_takes_leaves_nothing(void **state)
{
    struct store_world w;
    struct store_stats stats;
    struct log_stats log;

    (void)state;
    begin(&w);
    for (int is_transient = 0; is_transient < 2; is_transient++) {
        struct store_upload *u = store_upload_open(w.store, is_transient == 0);

        upload(&w, u, 5, LARGE);
        store_upload_close(u);
    }
    store_upload_close(NULL);
    for (uint64_t i = 0; i < 30; i++) {
        (void)publish(&w, i, 1, 900000);
        store_world_settle(&w, 0, i + 1);
    }
    store_world_sort(&w);
    store_get_stats(w.store, &stats);
    log_get_stats(partition_log(w.p.partition), &log);
    assert_int_equal(stats.transient_messages, 0);
    assert_int_equal(log.cold_segments, 0);
    end(&w);
}

static void test_a_message_is_kept_while_its_parts_are_uploaded(void **state)
{
    struct store_world w;
    struct store_upload *u;

    (void)state;
    begin(&w);
    u = store_upload_open(w.store, true);
    upload(&w, u, 5, LARGE);
    for (uint64_t i = 0; i < 30; i++) {
        (void)publish(&w, i, 1, 900000);
        store_world_settle(&w, 0, i + 1);
    }
    store_world_sort(&w);
    upload(&w, u, 5, 0);
    (void)store_world_publish(&w, &(struct store_world_message){
                                      .number = 5, .queues = 1, .body_size = LARGE, .upload = u});
    store_upload_close(u);
    store_world_expect_all(&w);
    partition_world_settle(&w.p);
    store_world_crash(&w, &power_cut);
    store_world_expect_all(&w);
    end(&w);
}

/* ---- Damage ---- */

static void hurt(void *owner, const char *path, bool is_dir, uint64_t size)
{
    struct store_world *w = owner;

    if (!is_dir && strstr(path, "hot-") != NULL && size > 3 << 20)
        sim_disk_flip_bit(w->p.disk, path, (2 << 20) + 5, 3);
}

static void test_a_part_that_is_damaged_is_told(void **state)
{
    struct store_world w;

    (void)state;
    begin(&w);
    (void)publish(&w, 1, 1, LARGE);
    (void)publish(&w, 2, 1, 100);
    store_world_close(&w);
    store_world_open(&w);
    sim_disk_walk(w.p.disk, hurt, &w);
    assert_int_equal(store_world_read(&w, 0, 1), ERR_CORRUPT);
    assert_int_equal(store_world_read(&w, 0, 2), 0);
    end(&w);
}

/* ---- Chance ---- */

static void act(struct store_world *w, struct rand *r)
{
    int queue = (int)rand_below(r, STORE_WORLD_QUEUES);
    struct ledger *l = &w->queues[queue].ledger;

    if (rand_below(r, 8) >= l->live) {
        struct store_world_message m = {.number = rand_below(r, 1000),
                                        .is_transient = rand_chance(r, 1, 3),
                                        .queues = 1U << queue | (unsigned)rand_below(r, 16),
                                        .body_size = rand_below(r, LARGE)};
        uint64_t place = store_world_publish(w, &m);

        if (m.body_size > STORE_PART_BYTES && rand_chance(r, 1, 2)) {
            m.shares_parts = place;
            (void)store_world_publish(w, &m);
        }
    } else {
        store_world_settle(w, queue, ledger_low(l));
    }
}

static void test_whatever_happens_all_live_messages_can_be_read(void **state)
{
    struct store_world w;
    struct rand r;

    (void)state;
    rand_init(&r, test_seed());
    begin(&w);
    for (int life = 0; life < 6; life++) {
        for (uint64_t i = rand_below(&r, 40); i > 0; i--) {
            act(&w, &r);
            if (rand_chance(&r, 1, 2))
                partition_world_run_ms(&w.p, 1);
            if (rand_chance(&r, 1, 15))
                store_world_sort(&w);
        }
        store_world_expect_all(&w);
        store_world_crash(&w, &(struct sim_crash){.kind = SIM_CRASH_RANDOM, .seed = rand_next(&r)});
        store_world_expect_all(&w);
    }
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_a_large_body_lies_in_parts),
        LEAK_CHECKED(test_parts_are_kept_and_dropped_by_the_sorter),
        LEAK_CHECKED(test_a_dead_lettered_message_shares_its_parts),
        LEAK_CHECKED(test_a_fleeting_queue_can_share_parts_in_the_log),
        LEAK_CHECKED(test_a_body_larger_than_the_log_takes_at_once_is_uploaded),
        LEAK_CHECKED(test_an_upload_that_nobody_takes_leaves_nothing),
        LEAK_CHECKED(test_a_message_is_kept_while_its_parts_are_uploaded),
        LEAK_CHECKED(test_a_part_that_is_damaged_is_told),
        LEAK_CHECKED(test_whatever_happens_all_live_messages_can_be_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
