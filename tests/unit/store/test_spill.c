/* Tests of store/spill: more messages in memory than there is memory for. */
#include "store/spill.h"

#include <string.h>

#include "base/rand.h"
#include "store/ledger.h"
#include "tests/lib/fault_heap.h"
#include "tests/lib/leaks.h"
#include "tests/lib/seed.h"
#include "tests/unit/store/store_world.h"

enum { MEMORY = 1 << 20, BODY = 1000 };

static const unsigned fleeting = 1U << STORE_WORLD_FLEETING;

static void begin(struct store_world *w)
{
    store_world_init(w);
    w->options = (struct store_options){.transient_bytes_max = MEMORY, .spill_bytes_max = 8 << 20};
    store_world_open(w);
}

static void end(struct store_world *w)
{
    store_world_close(w);
    store_world_release(w);
}

static struct store_stats stats_of(const struct store_world *w)
{
    struct store_stats stats;

    store_get_stats(w->store, &stats);
    return stats;
}

static uint64_t ready(const struct store_world *w)
{
    return w->queues[STORE_WORLD_FLEETING].ledger.live;
}

static void publish(struct store_world *w, unsigned queues, uint64_t body_size, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        (void)store_world_publish(w, &(struct store_world_message){.number = i * 3 + body_size,
                                                                   .is_transient = true,
                                                                   .queues = queues,
                                                                   .body_size = body_size});
}

/* Settles the first live messages of a queue. */
static void drain(struct store_world *w, int queue, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        store_world_settle(w, queue, ledger_low(&w->queues[queue].ledger));
}

static int next_rv(struct store_world *w)
{
    return store_world_try_publish(
        w, &(struct store_world_message){
               .number = 1, .is_transient = true, .queues = fleeting, .body_size = BODY});
}

/* Publishes without letting the world turn until it is refused. */
static void fill_up(struct store_world *w)
{
    int rv;

    while ((rv = next_rv(w)) == 0)
        continue;
    assert_int_equal(rv, ERR_FULL);
}

static void test_what_has_no_room_goes_to_the_disk_and_comes_back(void **state)
{
    struct store_world w;

    (void)state;
    begin(&w);
    publish(&w, fleeting, BODY, 5000);
    partition_world_settle(&w.p);
    assert_true(stats_of(&w).transient_bytes <= MEMORY);
    assert_true(stats_of(&w).spilled_bytes >= 4 << 20);
    assert_int_equal(stats_of(&w).transient_messages, 5000);
    assert_false(sim_disk_has(w.p.disk, "transient.spill")); /* no name: a crash leaves nothing */
    store_world_expect_all(&w);
    drain(&w, STORE_WORLD_FLEETING, 4000);
    store_world_expect_all(&w);
    drain(&w, STORE_WORLD_FLEETING, 1000);
    partition_world_settle(&w.p);
    assert_int_equal(stats_of(&w).spilled_bytes, 0);
    assert_int_equal(stats_of(&w).transient_messages, 0);
    assert_true(stats_of(&w).transient_bytes <= 128 << 10);
    publish(&w, fleeting, BODY, 3000); /* and again */
    partition_world_settle(&w.p);
    store_world_expect_all(&w);
    end(&w);
}

/* Rows that are on the disk are not looked at as rows, and go as all others. */
static void test_rows_are_spilled_too(void **state)
{
    enum { COUNT = 3000, ROW = 100 };
    static struct ledger_entry entries[COUNT];
    static const uint8_t body[BODY] = {1};
    const struct message message = {.routing_key = bytes_text("k")};
    const struct store_put put = {.message = &message, .references = 2};
    struct bytes bodies[ROW];
    struct store_world w;
    struct stored head;
    size_t seen = 0;

    (void)state;
    begin(&w);
    for (int i = 0; i < ROW; i++)
        bodies[i] = bytes_of(body, sizeof(body));
    for (int i = 0; i < COUNT; i += ROW) {
        assert_int_equal(store_put_row(w.store, &put, bodies, ROW, entries + i), ROW);
        partition_world_settle(&w.p);
    }
    assert_true(stats_of(&w).spilled_bytes > 0);
    for (int i = 0; i < COUNT; i += ROW)
        seen += store_peek_row(w.store, entries + i, ROW, &head, bodies);
    assert_true(seen > 0 && seen < COUNT);
    store_unref_row(w.store, entries, COUNT);
    store_check(w.store);
    assert_int_equal(stats_of(&w).transient_messages, COUNT);
    for (int i = 0; i < COUNT; i += ROW) /* those at the end of each stay, and are moved together */
        store_unref_row(w.store, entries + i, ROW - 1);
    partition_world_settle(&w.p);
    store_check(w.store);
    assert_int_equal(stats_of(&w).transient_messages, COUNT / ROW);
    for (int i = ROW - 1; i < COUNT; i += ROW)
        store_unref_row(w.store, entries + i, 1);
    assert_int_equal(stats_of(&w).transient_messages, 0);
    store_check(w.store);
    end(&w);
}

static void test_counts_survive_the_disk(void **state)
{
    struct store_world w;

    (void)state;
    begin(&w);
    for (uint64_t i = 0; i < 1500; i++)
        publish(&w, i % 3 == 0 ? 0xf : i % 3 == 1 ? 0x5 : 0x8, BODY, 1);
    partition_world_settle(&w.p);
    assert_true(stats_of(&w).spilled_bytes > 0);
    for (int queue = 0; queue < STORE_WORLD_QUEUES; queue++) {
        drain(&w, queue, w.queues[queue].ledger.live / 2);
        store_world_check(&w);
    }
    store_world_expect_all(&w);
    for (int queue = 0; queue < STORE_WORLD_QUEUES; queue++) {
        uint64_t place = store_world_place(&w, queue, ledger_low(&w.queues[queue].ledger));

        store_ref(w.store, place);
        drain(&w, queue, w.queues[queue].ledger.live);
        store_unref(w.store, place);
    }
    partition_world_settle(&w.p);
    assert_int_equal(stats_of(&w).transient_messages, 0);
    assert_int_equal(stats_of(&w).shared_messages, 0);
    assert_int_equal(stats_of(&w).spilled_bytes, 0);
    end(&w);
}

static void test_large_messages_are_spilled_too(void **state)
{
    struct store_world w;

    (void)state;
    begin(&w);
    for (uint64_t i = 1; i <= 12; i++)
        publish(&w, fleeting, i * 50000, 1);
    publish(&w, fleeting, STORE_PART_BYTES, 2);
    partition_world_settle(&w.p);
    assert_true(stats_of(&w).spilled_bytes > 0);
    store_world_expect_all(&w);
    for (uint64_t seq = 2; seq <= 14; seq += 2)
        store_world_settle(&w, STORE_WORLD_FLEETING, seq);
    publish(&w, fleeting, 300000, 4);
    store_world_expect_all(&w);
    end(&w);
}

/* Publishes much that is settled at once, and a message now and then that stays. */
static void pass_through(struct store_world *w, unsigned queues, uint64_t rounds)
{
    for (uint64_t i = 0; i < rounds; i++) {
        publish(w, queues, 100, 1);
        for (int k = 0; k < 300; k++) {
            uint64_t seq = w->queues[STORE_WORLD_FLEETING].ledger.next;

            publish(w, fleeting, BODY, 1);
            store_world_settle(w, STORE_WORLD_FLEETING, seq);
        }
    }
}

static void test_a_message_that_stays_does_not_keep_those_around_it(void **state)
{
    struct store_world w;

    (void)state;
    begin(&w);
    w.p.options.checkpoint_bytes = 1 << 30;
    pass_through(&w, fleeting, 300); /* 90 MB pass, 300 stay */
    partition_world_settle(&w.p);
    assert_int_equal(stats_of(&w).transient_messages, 300);
    assert_true(stats_of(&w).transient_bytes <= MEMORY);
    assert_int_equal(stats_of(&w).spilled_bytes, 0);
    store_world_expect_all(&w);
    pass_through(&w, 0xd, 50); /* with several references */
    store_world_expect_all(&w);
    for (int queue = 0; queue < STORE_WORLD_QUEUES; queue++) {
        uint64_t low = ledger_low(&w.queues[queue].ledger);

        if (w.queues[queue].ledger.live > 0) {
            store_ref(w.store, store_world_place(&w, queue, low));
            store_unref(w.store, store_world_place(&w, queue, low));
        }
        drain(&w, queue, w.queues[queue].ledger.live / 2);
        store_world_check(&w);
    }
    publish(&w, fleeting, BODY, 3000); /* what was moved goes to the disk with the others */
    partition_world_settle(&w.p);
    store_world_expect_all(&w);
    for (int queue = 0; queue < STORE_WORLD_QUEUES; queue++)
        drain(&w, queue, w.queues[queue].ledger.live);
    partition_world_settle(&w.p);
    assert_int_equal(stats_of(&w).transient_messages, 0);
    assert_int_equal(stats_of(&w).shared_messages, 0);
    assert_true(stats_of(&w).transient_bytes <= 256 << 10);
    end(&w);
}

static void test_publishers_are_held_back_when_the_file_is_full(void **state)
{
    struct store_world w;
    uint64_t all;

    (void)state;
    begin(&w);
    for (int i = 0; i < 100; i++) {
        fill_up(&w);
        partition_world_run_ms(&w.p, 1);
    }
    all = ready(&w);
    assert_true(all > 9000);
    assert_true(store_is_pressed(w.store));
    assert_true(stats_of(&w).spilled_bytes <= w.options.spill_bytes_max);
    assert_int_equal(next_rv(&w), ERR_FULL);
    assert_true(w.pressures > 0);
    store_world_expect_all(&w);
    drain(&w, STORE_WORLD_FLEETING, all);
    partition_world_settle(&w.p);
    assert_false(store_is_pressed(w.store));
    assert_false(w.is_pressed);
    assert_int_equal(next_rv(&w), 0);
    end(&w);
}

static void test_pressure_ends_by_itself_when_all_is_written(void **state)
{
    struct store_world w;

    (void)state;
    begin(&w);
    fill_up(&w);
    assert_true(store_is_pressed(w.store));
    partition_world_settle(&w.p);
    assert_int_equal(w.pressures, 1);
    assert_false(w.is_pressed);
    assert_int_equal(next_rv(&w), 0);
    end(&w);
}

static void test_what_cannot_be_written_stays_in_memory(void **state)
{
    static const unsigned ops[] = {SIM_OP_BIT(SIM_OP_OPEN), SIM_OP_BIT(SIM_OP_WRITE)};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
        struct store_world w;

        begin(&w);
        sim_disk_add_fault(w.p.disk, &(struct sim_fault){.err = ERR_NO_SPACE,
                                                         .ops = ops[i],
                                                         .path_part = "transient.spill"});
        for (int k = 0; k < 10; k++) {
            fill_up(&w);
            partition_world_run_ms(&w.p, 500);
        }
        assert_true(store_is_pressed(w.store));
        assert_int_equal(stats_of(&w).spilled_bytes, 0);
        assert_non_null(strstr(w.p.said, "cannot put transient messages"));
        store_world_expect_all(&w);
        sim_disk_clear_faults(w.p.disk);
        partition_world_run_ms(&w.p, 2000); /* it is tried again */
        assert_false(store_is_pressed(w.store));
        assert_true(stats_of(&w).spilled_bytes > 0);
        store_world_expect_all(&w);
        end(&w);
    }
}

static void test_the_disk_keeps_some_space(void **state)
{
    struct store_world w;

    (void)state;
    begin(&w);
    sim_disk_set_capacity(w.p.disk, SPILL_DISK_RESERVE);
    fill_up(&w);
    partition_world_run_ms(&w.p, 100);
    assert_int_equal(stats_of(&w).spilled_bytes, 0);
    assert_non_null(strstr(w.p.said, "no space is left"));
    drain(&w, STORE_WORLD_FLEETING, ready(&w));
    end(&w);
}

static void test_what_cannot_be_read_is_told(void **state)
{
    struct store_world w;
    uint64_t bad = 0;

    (void)state;
    begin(&w);
    publish(&w, fleeting, BODY, 3000);
    partition_world_settle(&w.p);
    sim_disk_add_fault(w.p.disk, &(struct sim_fault){.err = ERR_IO,
                                                     .ops = SIM_OP_BIT(SIM_OP_READ),
                                                     .path_part = "transient.spill",
                                                     .times = 3});
    for (uint64_t seq = 1; seq <= 3000; seq++) {
        int rv = store_world_read(&w, STORE_WORLD_FLEETING, seq);

        assert_true(rv == 0 || rv == ERR_CORRUPT);
        bad += rv != 0 ? 1 : 0;
    }
    assert_true(bad > 100 && bad <= 400);
    assert_non_null(strstr(w.p.said, "transient messages are lost"));
    drain(&w, STORE_WORLD_FLEETING, 3000);
    partition_world_settle(&w.p);
    store_world_check(&w);
    assert_int_equal(stats_of(&w).spilled_bytes, 0);
    end(&w);
}

static void on_ready(void *owner)
{
    ++*(int *)owner;
}

static void test_a_reader_is_told_when_its_message_goes(void **state)
{
    struct store_world w;
    struct store_reader *r;
    struct store_pin pin;
    struct stored m;
    uint64_t seq = 0;
    int told = 0;

    (void)state;
    begin(&w);
    publish(&w, fleeting, BODY, 3000);
    partition_world_settle(&w.p);
    r = store_reader_open(w.store, 999, on_ready, &told);
    for (uint64_t i = 1; i <= 3000 && seq == 0; i++) {
        if (store_read(r, i, store_world_place(&w, STORE_WORLD_FLEETING, i), &m, &pin) == ERR_AGAIN)
            seq = i;
        else
            store_pin_release(pin);
    }
    assert_true(seq > 0);
    drain(&w, STORE_WORLD_FLEETING, 3000);
    assert_int_equal(told, 0); /* not inside a call */
    partition_world_settle(&w.p);
    assert_int_equal(told, 1);
    store_reader_close(r);
    end(&w);
}

/* Asks for every message once, so that what is spilled is being read. */
static void ask_for_all(struct store_world *w)
{
    struct store_reader *r;
    struct store_pin pin;
    struct stored m;
    int told = 0;

    partition_world_settle(&w->p);
    r = store_reader_open(w->store, 999, on_ready, &told);
    for (uint64_t i = 1; i <= ready(w); i++) {
        if (store_read(r, i, store_world_place(w, STORE_WORLD_FLEETING, i), &m, &pin) == 0)
            store_pin_release(pin);
    }
    store_reader_close(r);
}

static void test_a_store_can_go_while_a_job_has_its_slabs(void **state)
{
    (void)state;
    for (int reads = 0; reads < 2; reads++) {
        struct store_world w;

        begin(&w);
        publish(&w, fleeting, BODY, 3000);
        if (reads == 1)
            ask_for_all(&w);
        sim_disk_set_stalled(w.p.disk, true);
        partition_world_run_ms(&w.p, 1);
        store_free(w.store);
        sim_disk_set_stalled(w.p.disk, false);
        w.store = store_new(w.p.io, "/", &w.options);
        for (int i = 0; i < STORE_WORLD_QUEUES; i++)
            ledger_release(&w.queues[i].ledger);
        partition_world_settle(&w.p);
        end(&w);
    }
}

/* ---- Chance ---- */

static void act(struct store_world *w, struct rand *r)
{
    int queue = (int)rand_below(r, STORE_WORLD_QUEUES);
    struct ledger *l = &w->queues[queue].ledger;
    uint64_t low = ledger_low(l), seq = low + rand_below(r, l->next - low + 1);
    uint64_t size = rand_chance(r, 1, 50) ? rand_below(r, 200000) : rand_below(r, 2000);

    if (rand_below(r, 800) >= l->live) {
        publish(w, 1U << queue | (rand_chance(r, 1, 3) ? (unsigned)rand_below(r, 16) : 0), size, 1);
    } else if (ledger_is_live(l, seq) && rand_chance(r, 1, 3)) {
        store_world_settle(w, queue, seq);
    } else if (l->live > 0) {
        assert_int_equal(store_world_read(w, queue, low), 0);
        store_world_settle(w, queue, low);
    }
}

/* Most go at once, so what stays is moved, also twice. */
static void act_fleetingly(struct store_world *w, struct rand *r)
{
    int queue = (int)rand_below(r, STORE_WORLD_QUEUES);
    struct ledger *l = &w->queues[queue].ledger;
    unsigned queues = 1U << queue | (rand_chance(r, 1, 8) ? (unsigned)rand_below(r, 16) : 0);

    publish(w, queues, rand_below(r, 3000), 1);
    if (rand_chance(r, 95, 100) || l->live > 60)
        store_world_settle(w, queue, rand_chance(r, 9, 10) ? l->next - 1 : ledger_low(l));
    if (rand_chance(r, 1, 1000))
        publish(w, queues, STORE_PART_BYTES + rand_below(r, 100000), 1);
}

static void run(void (*act_once)(struct store_world *w, struct rand *r), struct rand *r, int steps)
{
    struct store_world w;

    store_world_init(&w);
    w.options =
        (struct store_options){.transient_bytes_max = MEMORY / 2, .spill_bytes_max = 256 << 20};
    store_world_open(&w);
    for (int i = 0; i < steps; i++) {
        act_once(&w, r);
        if (rand_chance(r, 1, 10))
            partition_world_run_ms(&w.p, 1);
        if (rand_chance(r, 1, 2000))
            store_world_expect_all(&w);
    }
    store_world_expect_all(&w);
    for (int queue = 0; queue < STORE_WORLD_QUEUES; queue++)
        drain(&w, queue, w.queues[queue].ledger.live);
    partition_world_settle(&w.p);
    assert_int_equal(stats_of(&w).transient_messages, 0);
    assert_int_equal(stats_of(&w).spilled_bytes, 0);
    assert_int_equal(stats_of(&w).shared_messages, 0);
    end(&w);
}

static void test_whatever_happens_all_live_messages_can_be_read(void **state)
{
    struct rand r;

    (void)state;
    rand_init(&r, test_seed());
    run(act, &r, 15000);
    run(act_fleetingly, &r, 20000);
}

static void test_memory_may_be_refused_at_any_time(void **state)
{
    struct rand r;

    (void)state;
    rand_init(&r, test_seed());
    for (int i = 0; i < 40; i++) {
        struct store_world w;
        struct fault_heap f;

        begin(&w);
        fault_heap_start(&f, 1 + rand_below(&r, 300), i % 4 == 3);
        for (int k = 0; k < 2000; k++) {
            if (next_rv(&w) == 0 && rand_chance(&r, 29, 30))
                store_world_settle(&w, STORE_WORLD_FLEETING,
                                   w.queues[STORE_WORLD_FLEETING].ledger.next - 1);
            if (rand_chance(&r, 1, 10))
                partition_world_run_ms(&w.p, 1);
        }
        (void)fault_heap_stop(&f);
        store_world_expect_all(&w);
        drain(&w, STORE_WORLD_FLEETING, ready(&w));
        end(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_what_has_no_room_goes_to_the_disk_and_comes_back),
        LEAK_CHECKED(test_rows_are_spilled_too),
        LEAK_CHECKED(test_counts_survive_the_disk),
        LEAK_CHECKED(test_large_messages_are_spilled_too),
        LEAK_CHECKED(test_a_message_that_stays_does_not_keep_those_around_it),
        LEAK_CHECKED(test_publishers_are_held_back_when_the_file_is_full),
        LEAK_CHECKED(test_pressure_ends_by_itself_when_all_is_written),
        LEAK_CHECKED(test_what_cannot_be_written_stays_in_memory),
        LEAK_CHECKED(test_the_disk_keeps_some_space),
        LEAK_CHECKED(test_what_cannot_be_read_is_told),
        LEAK_CHECKED(test_a_reader_is_told_when_its_message_goes),
        LEAK_CHECKED(test_a_store_can_go_while_a_job_has_its_slabs),
        LEAK_CHECKED(test_whatever_happens_all_live_messages_can_be_read),
        LEAK_CHECKED(test_memory_may_be_refused_at_any_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
