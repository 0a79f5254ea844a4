/* Tests of store/store: messages in the log and in memory, counted, moved, and there after a
 * crash. */
#include "store/store.h"

#include <string.h>

#include "base/mem.h"
#include "base/rand.h"
#include "store/ledger.h"
#include "tests/lib/leaks.h"
#include "tests/lib/seed.h"
#include "tests/unit/store/store_world.h"

static void begin(struct store_world *w)
{
    store_world_init(w);
    store_world_open(w);
}

static void end(struct store_world *w)
{
    store_world_close(w);
    store_world_release(w);
}

static const struct sim_crash power_cut = {.kind = SIM_CRASH_NOTHING};

static struct store_stats stats_of(const struct store_world *w)
{
    struct store_stats stats;

    store_get_stats(w->store, &stats);
    return stats;
}

/* ---- Counting ---- */

static void test_a_message_in_memory_goes_with_its_last_reference(void **state)
{
    struct store_world w;
    struct store_pin pin, second;
    struct stored m;
    uint64_t place;

    (void)state;
    begin(&w);
    place = store_world_publish(
        &w, &(struct store_world_message){
                .number = 5, .is_transient = true, .queues = 0xd, .body_size = 100});
    assert_true((place & STORE_TRANSIENT) != 0);
    store_world_expect_all(&w);
    store_ref(w.store, place);
    store_world_settle(&w, 0, 1);
    store_world_settle(&w, 2, 1);
    store_world_settle(&w, 3, 1);
    assert_int_equal(stats_of(&w).transient_messages, 1);
    assert_int_equal(store_peek(w.store, place, &m, &pin), 0);
    second = store_pin_ref(pin);
    store_pin_release(pin);
    store_unref(w.store, place);
    assert_int_equal(stats_of(&w).transient_messages, 0);
    assert_int_equal(m.body.size, 100); /* T2: still readable */
    assert_memory_equal(m.routing_key.data, "key.5", 5);
    store_pin_release(second);
    store_world_check(&w);
    end(&w);
}

static void test_one_reference_in_the_log_is_not_counted(void **state)
{
    struct store_world w;

    (void)state;
    begin(&w);
    (void)store_world_publish(&w, &(struct store_world_message){1, false, 1, 100, 0, NULL});
    assert_int_equal(stats_of(&w).shared_messages, 0);
    (void)store_world_publish(&w, &(struct store_world_message){2, false, 7, 100, 0, NULL});
    assert_int_equal(stats_of(&w).shared_messages, 1);
    (void)store_world_publish(&w, &(struct store_world_message){3, false, 9, 100, 0, NULL});
    assert_int_equal(stats_of(&w).shared_messages, 2);
    store_world_expect_all(&w);
    store_world_settle(&w, 0, 2);
    store_world_settle(&w, 1, 1);
    assert_int_equal(stats_of(&w).shared_messages, 2);
    store_world_settle(&w, 2, 1);
    assert_int_equal(stats_of(&w).shared_messages, 1);
    end(&w);
}

static void test_memory_is_reused_at_once(void **state)
{
    struct store_world w;
    uint64_t first, place = 0;

    (void)state;
    begin(&w);
    first = store_world_publish(&w, &(struct store_world_message){1, true, 8, 100, 0, NULL});
    store_world_settle(&w, 3, 1);
    for (uint64_t i = 2; i < 1000; i++) {
        place = store_world_publish(&w, &(struct store_world_message){i, true, 8, 100, 0, NULL});
        assert_int_equal(place, first);
        store_world_settle(&w, 3, i);
    }
    assert_int_equal(stats_of(&w).transient_bytes, 128 << 10);
    end(&w);
}

/* ---- Rows ---- */

enum { ROW = 100, ROW_BODY = 40 };

/* Puts a row whose bodies begin with the numbers from `first` on, referenced twice each. */
static size_t put_row(struct store_world *w, const char *key, uint8_t first,
                      struct ledger_entry entries[ROW])
{
    static uint8_t bytes[ROW][ROW_BODY];
    struct bytes bodies[ROW];
    const struct message m = {.routing_key = bytes_text(key)};
    const struct store_put put = {.message = &m, .references = 2};

    for (size_t i = 0; i < ROW; i++) {
        memset(bytes[i], (uint8_t)(first + i), ROW_BODY);
        bodies[i] = bytes_of(bytes[i], i % ROW_BODY); /* an empty one among them */
    }
    return store_put_row(w->store, &put, bodies, ROW, entries);
}

static void expect_row(struct store_world *w, const char *key, uint8_t first,
                       const struct ledger_entry entries[ROW])
{
    struct bytes bodies[ROW];
    struct stored head;

    assert_int_equal(store_peek_row(w->store, entries, ROW, &head, bodies), ROW);
    assert_true(bytes_equal(head.routing_key, bytes_text(key)));
    assert_int_equal(head.exchange.size + head.props.size + head.body.size, 0);
    for (size_t i = 0; i < ROW; i++) {
        assert_int_equal(bodies[i].size, i % ROW_BODY);
        assert_int_equal(entries[i].size, bodies[i].size);
        for (size_t k = 0; k < bodies[i].size; k++)
            assert_int_equal(bodies[i].data[k], (uint8_t)(first + i));
    }
}

static void test_a_row_is_messages_that_go_one_by_one(void **state)
{
    struct ledger_entry row[ROW], other[ROW], mixed[2];
    struct bytes bodies[ROW];
    struct store_world w;
    struct store_pin pin;
    struct stored m;

    (void)state;
    begin(&w);
    assert_int_equal(put_row(&w, "a", 7, row), ROW);
    assert_int_equal(put_row(&w, "b", 9, other), ROW);
    assert_int_equal(stats_of(&w).transient_messages, 2 * ROW);
    expect_row(&w, "a", 7, row);
    expect_row(&w, "b", 9, other);
    mixed[0] = row[3];
    mixed[1] = other[3];
    assert_int_equal(store_peek_row(w.store, mixed, 2, &m, bodies), 1); /* not alike */
    assert_int_equal(store_peek(w.store, row[5].place, &m, &pin), 0);
    assert_int_equal(m.body.size, 5);
    assert_memory_equal(m.routing_key.data, "a", 1);
    store_unref(w.store, row[5].place);
    store_unref(w.store, row[5].place);
    store_pin_release(pin);
    assert_int_equal(stats_of(&w).transient_messages, 2 * ROW - 1);
    store_unref_row(w.store, other, ROW);
    assert_int_equal(stats_of(&w).transient_messages, 2 * ROW - 1);
    store_unref_row(w.store, other, ROW);
    for (int i = 0; i < 2; i++) {
        store_unref_row(w.store, row, 5);
        store_unref_row(w.store, row + 6, ROW - 6);
    }
    assert_int_equal(stats_of(&w).transient_messages, 0);
    store_world_check(&w);
    end(&w);
}

static void test_a_row_with_long_texts_is_not_put(void **state)
{
    struct ledger_entry row[ROW];
    struct store_world w;
    char key[256] = {0};

    (void)state;
    begin(&w);
    memset(key, 'k', 255);
    assert_int_equal(put_row(&w, key, 1, row), ROW);
    expect_row(&w, key, 1, row);
    store_unref_row(w.store, row, ROW);
    store_unref_row(w.store, row, ROW);
    uint8_t props[600] = {0};
    const struct message m = {.props.bytes = bytes_of(props, sizeof(props))};
    const struct store_put put = {.message = &m, .references = 1};
    const struct bytes body = bytes_text("b");
    assert_int_equal(store_put_row(w.store, &put, &body, 1, row), 0);
    end(&w);
}

/* ---- Restarts ---- */

static void test_messages_of_durable_queues_are_there_after_a_crash(void **state)
{
    struct store_world w;

    (void)state;
    begin(&w);
    for (uint64_t i = 1; i <= 60; i++)
        (void)store_world_publish(&w, &(struct store_world_message){
                                          i, i % 5 == 0, 1 + (unsigned)i % 15, i * 20, 0, NULL});
    partition_world_settle(&w.p);
    for (uint64_t seq = 1; seq < 20; seq += 3)
        store_world_settle(&w, 0, seq);
    partition_world_settle(&w.p);
    store_world_crash(&w, &power_cut);
    assert_int_equal(w.queues[3].ledger.live, 0);
    assert_true(w.queues[0].ledger.live > 10);
    store_world_expect_all(&w);
    store_world_close(&w);
    store_world_open(&w);
    store_world_expect_all(&w);
    end(&w);
}

static void test_references_of_fleeting_queues_do_not_stay(void **state)
{
    struct store_world w;

    (void)state;
    begin(&w);
    (void)store_world_publish(&w, &(struct store_world_message){1, false, 9, 100, 0, NULL});
    (void)store_world_publish(&w, &(struct store_world_message){2, false, 11, 100, 0, NULL});
    assert_int_equal(stats_of(&w).shared_messages, 2);
    store_world_close(&w);
    store_world_open(&w);
    store_world_expect_all(&w);
    store_world_settle(&w, 0, 2);
    assert_int_equal(stats_of(&w).shared_messages, 2);
    store_world_settle(&w, 1, 1);
    assert_int_equal(stats_of(&w).shared_messages, 1);
    store_world_settle(&w, 0, 1); /* the fourth queue would have had it, too */
    assert_int_equal(stats_of(&w).shared_messages, 0);
    end(&w);
}

/* ---- Where the sorter puts them ---- */

/* Publishes so much that several segments are full. */
static void fill(struct store_world *w, unsigned queues, uint64_t count)
{
    static uint64_t number = 1000;

    for (uint64_t i = 0; i < count; i++, number++) {
        (void)store_world_publish(
            w, &(struct store_world_message){number, false, queues, 100 + number % 900, 0, NULL});
        if (i % 8 == 0)
            partition_world_run_ms(&w->p, 2);
    }
}

static void test_a_shallow_queue_keeps_its_records_in_the_shared_lane(void **state)
{
    struct store_world w;
    uint64_t first, end_;

    (void)state;
    begin(&w);
    fill(&w, 1, 40);
    fill(&w, 6, 200);
    store_world_sort(&w);
    assert_true(log_first(partition_log(w.p.partition)) > 100);
    assert_true(log_lane(partition_log(w.p.partition), LOG_SHARED, &first, &end_));
    store_world_expect_all(&w);
    for (uint64_t seq = 1; seq <= 200; seq++)
        store_world_settle(&w, 1, seq);
    store_world_sort(&w);
    store_world_expect_all(&w);
    for (uint64_t seq = 1; seq <= 200; seq++)
        store_world_settle(&w, 2, seq);
    fill(&w, 1, 100);
    store_world_sort(&w);
    store_world_expect_all(&w);
    store_world_crash(&w, &power_cut);
    store_world_expect_all(&w);
    end(&w);
}

static void test_a_deep_queue_moves_to_its_own_lane(void **state)
{
    struct store_world w;
    struct log_stats stats;
    uint64_t first, lane_end;

    (void)state;
    begin(&w);
    fill(&w, 1, 60);
    store_world_sort(&w);
    w.queues[0].is_deep = true;
    fill(&w, 1, 100);
    fill(&w, 3, 100);
    fill(&w, 9, 20);
    store_world_sort(&w);
    assert_true(log_lane(partition_log(w.p.partition), w.queues[0].id, &first, &lane_end));
    store_world_expect_all(&w);
    store_world_crash(&w, &power_cut);
    w.queues[0].is_deep = false; /* it goes on with its lane all the same */
    store_world_expect_all(&w);
    for (uint64_t seq = 1; seq < w.queues[0].ledger.next; seq++) {
        if (ledger_is_live(&w.queues[0].ledger, seq))
            store_world_settle(&w, 0, seq);
    }
    store_world_sort(&w);
    store_world_expect_all(&w);
    assert_false(log_lane(partition_log(w.p.partition), w.queues[0].id, &first, &lane_end));
    for (uint64_t seq = 1; seq <= 100; seq++)
        store_world_settle(&w, 1, seq);
    fill(&w, 1, 1);
    store_world_settle(&w, 0, w.queues[0].ledger.next - 1);
    store_world_sort(&w);
    log_get_stats(partition_log(w.p.partition), &stats);
    assert_int_equal(stats.cold_segments, 0); /* T3: nothing is left over */
    end(&w);
}

static void test_what_the_sorter_kept_survives_without_checkpoints(void **state)
{
    struct store_world w;

    (void)state;
    begin(&w);
    fill(&w, 1, 60);
    fill(&w, 9, 20);
    store_world_sort(&w);
    w.queues[0].is_deep = true;
    fill(&w, 1, 100);
    fill(&w, 7, 50);
    fill(&w, 9, 20);
    store_world_sort(&w);
    for (uint64_t seq = 5; seq <= 245; seq += 10)
        store_world_settle(&w, 0, seq);
    store_world_sort(&w);
    store_world_crash_badly(&w);
    assert_true(w.has_survivors);
    assert_true(w.queues[0].ledger.live >= 225);
    store_world_expect_all(&w);
    for (int queue = 0; queue < 3; queue++) {
        while (w.queues[queue].ledger.live > 10) {
            store_world_settle(&w, queue, ledger_low(&w.queues[queue].ledger));
            if (w.queues[queue].ledger.live % 50 == 0)
                store_world_sort(&w);
        }
        store_world_expect_all(&w);
    }
    end(&w);
}

/* ---- Damage ---- */

struct damage {
    struct store_world *w;
    const char *prefix;
};

static void hurt(void *owner, const char *path, bool is_dir, uint64_t size)
{
    struct damage *d = owner;

    if (!is_dir && strstr(path, d->prefix) != NULL && size > 9000)
        sim_disk_flip_bit(d->w->p.disk, path, 6000, 3);
}

static void test_what_is_damaged_is_told_and_the_rest_is_read(void **state)
{
    struct store_world w;
    uint64_t bad = 0, good = 0;

    (void)state;
    begin(&w);
    fill(&w, 1, 200);
    store_world_sort(&w);
    store_world_close(&w);
    sim_disk_walk(w.p.disk, hurt, &(struct damage){&w, "cold-"});
    store_world_open(&w);
    for (uint64_t seq = 1; seq <= 200; seq++) {
        int rv = store_world_read(&w, 0, seq);

        assert_true(rv == 0 || rv == ERR_CORRUPT);
        bad += rv != 0 ? 1 : 0;
        good += rv == 0 ? 1 : 0;
    }
    assert_true(bad > 0 && bad < 60);
    assert_true(good > 140);
    end(&w);
}

static void test_a_failed_log_gives_nothing_that_is_not_durable(void **state)
{
    struct store_world w;

    (void)state;
    begin(&w);
    fill(&w, 1, 3);
    partition_world_settle(&w.p);
    sim_disk_add_fault(
        w.p.disk,
        &(struct sim_fault){.err = ERR_IO, .ops = SIM_OP_BIT(SIM_OP_SYNC), .path_part = "hot-"});
    fill(&w, 1, 1);
    partition_world_settle(&w.p);
    assert_int_equal(store_world_read(&w, 0, 3), 0);
    assert_int_equal(store_world_read(&w, 0, 4), ERR_FAILED);
    assert_int_equal(
        store_world_try_publish(&w, &(struct store_world_message){9, false, 1, 10, 0, NULL}),
        ERR_FAILED);
    sim_disk_clear_faults(w.p.disk);
    end(&w);
}

/* ---- Chance ---- */

struct mood {
    uint32_t transient; /* of 100 */
    uint32_t depth;     /* live messages it aims for in each queue */
    uint64_t size_max;
};

static void act(struct store_world *w, struct rand *r, const struct mood *mood)
{
    int queue = (int)rand_below(r, STORE_WORLD_QUEUES);
    struct store_world_queue *q = &w->queues[queue];
    uint64_t low = ledger_low(&q->ledger), seq = low + rand_below(r, q->ledger.next - low + 1);

    if (rand_below(r, 2ULL * mood->depth) >= q->ledger.live) {
        struct store_world_message m = {.number = rand_below(r, 1 << 20),
                                        .is_transient = rand_chance(r, mood->transient, 100),
                                        .queues = 1U << queue,
                                        .body_size = rand_below(r, mood->size_max)};
        if (rand_chance(r, 1, 4))
            m.queues |= (unsigned)rand_below(r, 16);
        (void)store_world_publish(w, &m);
    } else if (ledger_is_live(&q->ledger, seq)) {
        store_world_settle(w, queue, seq);
    } else if (low < q->ledger.next) {
        store_world_settle(w, queue, low);
    }
}

static void live(struct rand *r, const struct mood *mood, int lives)
{
    struct store_world w;

    begin(&w);
    for (int life = 0; life < lives; life++) {
        int steps = (int)rand_below(r, 1500);

        for (int i = 0; i < steps; i++) {
            act(&w, r, mood);
            if (rand_chance(r, 1, 8))
                partition_world_run_ms(&w.p, rand_below(r, 3));
            if (rand_chance(r, 1, 300))
                store_world_expect_all(&w);
            if (rand_chance(r, 1, 200))
                store_world_sort(&w);
            if (rand_chance(r, 1, 200))
                w.queues[rand_below(r, 3)].is_deep = rand_chance(r, 1, 2);
        }
        store_world_expect_all(&w);
        if (rand_chance(r, 1, 4)) {
            store_world_close(&w);
            store_world_open(&w);
        } else {
            store_world_crash(&w,
                              &(struct sim_crash){.kind = SIM_CRASH_RANDOM, .seed = rand_next(r)});
        }
        store_world_expect_all(&w);
    }
    end(&w);
}

static void test_whatever_happens_all_live_messages_can_be_read(void **state)
{
    static const struct mood moods[] = {
        {.transient = 20, .depth = 10, .size_max = 300},
        {.transient = 0, .depth = 100, .size_max = 1500},
        {.transient = 50, .depth = 200, .size_max = 800},
        {.transient = 90, .depth = 400, .size_max = 3000},
    };
    struct rand r;

    (void)state;
    rand_init(&r, test_seed());
    for (size_t i = 0; i < ARRAY_SIZE(moods); i++)
        live(&r, &moods[i], 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_a_message_in_memory_goes_with_its_last_reference),
        LEAK_CHECKED(test_one_reference_in_the_log_is_not_counted),
        LEAK_CHECKED(test_memory_is_reused_at_once),
        LEAK_CHECKED(test_a_row_is_messages_that_go_one_by_one),
        LEAK_CHECKED(test_a_row_with_long_texts_is_not_put),
        LEAK_CHECKED(test_messages_of_durable_queues_are_there_after_a_crash),
        LEAK_CHECKED(test_references_of_fleeting_queues_do_not_stay),
        LEAK_CHECKED(test_a_shallow_queue_keeps_its_records_in_the_shared_lane),
        LEAK_CHECKED(test_a_deep_queue_moves_to_its_own_lane),
        LEAK_CHECKED(test_what_the_sorter_kept_survives_without_checkpoints),
        LEAK_CHECKED(test_what_is_damaged_is_told_and_the_rest_is_read),
        LEAK_CHECKED(test_a_failed_log_gives_nothing_that_is_not_durable),
        LEAK_CHECKED(test_whatever_happens_all_live_messages_can_be_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
