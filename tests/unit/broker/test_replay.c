/* Tests of broker/replay: history first, then live; no gap and nothing twice, whatever happens in
 * the middle. Bodies are numbers, so that what came can be compared with what was published. */
#include "broker/replay.h"

#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "broker/replay_parts.h"
#include "tests/lib/broker_world.h"
#include "tests/lib/leaks.h"
#include "tests/lib/seed.h"
#include "tests/unit/broker/refused.h"

enum { MANY = 20000, ROUNDS = 20 };

static struct broker_world w;
static struct world_consumer taker; /* large */

static void begin(void)
{
    broker_world_init(&w);
    broker_world_open(&w);
    assert_int_equal(world_exchange(&w, "orders", "topic durable", "x-log=true"), 0);
    assert_int_equal(world_queue(&w, "audit", "durable", ""), 0);
}

static void end(void)
{
    broker_world_close(&w);
    broker_world_release(&w);
}

/* Orders [from, to), those with odd numbers as "order.eu". */
static void publish(unsigned from, unsigned to)
{
    char body[16];

    for (unsigned n = from; n < to; n++) {
        snprintf(body, sizeof(body), "%u", n);
        world_publish(&w, "orders", n % 2 == 1 ? "order.eu" : "order.us", body);
    }
}

static int bind(const char *key, const char *arguments)
{
    return world_bind(&w, "orders audit", key, arguments);
}

/* Time passes until no replay is on its way. */
static void wait_for_replays(void)
{
    for (unsigned i = 0; i < 1000 && replay_next(w.broker, NULL) != NULL; i++)
        world_run_ms(&w, 20);
    assert_null(replay_next(w.broker, NULL));
}

/* What a consumer of numbers expects next. */
struct counted {
    uint64_t next;
    uint64_t step;
};

static bool take(void *owner, struct consumer *c, struct delivery *d, const struct stored *m,
                 struct store_pin pin)
{
    struct counted *counted = (struct counted *)owner;
    uint64_t number = 0;

    (void)c;
    (void)d;
    (void)pin;
    assert_int_equal(parse_u64(m->body, 0, UINT64_MAX, &number), 0);
    assert_int_equal(number, counted->next);
    counted->next += counted->step;
    return true;
}

static void on_cancelled(void *owner, struct consumer *c, enum cancel_reason reason)
{
    (void)owner;
    (void)c;
    (void)reason;
}

/* Begins to count what the queue gives. */
static struct consumer *count(const char *queue, struct counted *counted)
{
    static const struct consumer_ops ops = {.deliver = take, .cancelled = on_cancelled};
    struct consumer *consumer = NULL;
    const struct consume consume = {
        .queue = bytes_text(queue),
        .arguments = world_table(&w, ""),
        .spec = {.ops = &ops, .owner = counted, .is_no_ack = true},
    };

    assert_int_equal(broker_consume(w.visit, &consume, &consumer, &w.refusal), 0);
    return consumer;
}

/* Takes all there is in the queue: it must be the orders [from, to), each `step`-th. */
static void expect_in(const char *queue, unsigned from, unsigned to, unsigned step)
{
    struct counted counted = {from, step};
    struct consumer *consumer = count(queue, &counted);

    world_settle(&w);
    assert_int_equal(counted.next, to);
    assert_int_equal(world_ready(&w, queue), 0);
    consumer_cancel(consumer);
}

static void expect(unsigned from, unsigned to, unsigned step)
{
    expect_in("audit", from, to, step);
}

static void test_history_comes_first_then_what_is_live(void **state)
{
    (void)state;
    begin();
    publish(0, 100);
    assert_int_equal(bind("order.*", "x-replay-from=first"), 0);
    publish(100, 200);
    wait_for_replays();
    publish(200, 300);
    world_settle(&w);
    expect(0, 300, 1);
    end();
}

static void test_only_what_matches_is_replayed(void **state)
{
    (void)state;
    begin();
    publish(0, 50);
    assert_int_equal(bind("*.eu", "x-replay-from=first"), 0);
    wait_for_replays();
    publish(50, 60);
    world_settle(&w);
    expect(1, 61, 2);
    end();
}

static void test_a_start_in_the_middle(void **state)
{
    (void)state;
    begin();
    publish(0, 50);
    assert_int_equal(bind("#", "x-replay-from=40"), 0);
    wait_for_replays();
    expect(40, 50, 1);
    assert_int_equal(world_unbind(&w, "orders audit", "#", ""), 0);
    assert_int_equal(bind("#", "x-replay-from=-5"), 0);
    wait_for_replays();
    expect(45, 50, 1);
    assert_int_equal(world_unbind(&w, "orders audit", "#", ""), 0);
    assert_int_equal(bind("#", "x-replay-from=-5000"), 0);
    wait_for_replays();
    expect(0, 50, 1);
    end();
}

/* How much a replay has copied while a sync took its time and somebody published so many. */
static uint64_t copied_beside(unsigned count)
{
    uint64_t copied = 0;

    publish(0, MANY);
    world_settle(&w);
    sim_disk_set_latency(w.disk, SIM_OP_SYNC, 200 * WORLD_MS, 0);
    assert_int_equal(bind("#", "x-replay-from=first"), 0);
    publish(MANY, MANY + count);
    world_run_ms(&w, 100);
    copied = replay_view(replay_next(w.broker, NULL)).copied;
    sim_disk_set_latency(w.disk, SIM_OP_SYNC, 0, 0);
    wait_for_replays();
    world_settle(&w);
    expect(0, MANY + count, 1);
    return copied;
}

/* While others write, a replay pays for what it writes with what they do. */
static void test_it_leaves_room_for_those_who_publish(void **state)
{
    (void)state;
    begin();
    assert_in_range(copied_beside(1000), 50, 1 + 1010 / REPLAY_COPY_COST);
    end();
}

/* When all is safe that others have written, a replay goes on soon, however long that took. */
static void test_a_slow_disk_makes_it_wait_once(void **state)
{
    const struct partition *p = NULL;
    uint64_t theirs = 0;
    uint64_t copied = 0;

    (void)state;
    begin();
    publish(0, MANY);
    world_settle(&w);
    sim_disk_set_latency(w.disk, SIM_OP_SYNC, 2000 * WORLD_MS, 0);
    assert_int_equal(bind("#", "x-replay-from=first"), 0);
    publish(MANY, MANY + 1);
    p = queues_partition(w.broker->homes[0].queues);
    theirs = partition_next(p);
    for (unsigned i = 0; i < 5000 && partition_committed(p) < theirs; i++)
        world_run_ms(&w, 1);
    assert_true(partition_committed(p) >= theirs);
    copied = replay_view(replay_next(w.broker, NULL)).copied;
    world_run_ms(&w, REPLAY_QUIET_MAX_NS / WORLD_MS + 30);
    assert_true(replay_view(replay_next(w.broker, NULL)).copied > copied);
    sim_disk_set_latency(w.disk, SIM_OP_SYNC, 0, 0);
    wait_for_replays();
    world_settle(&w);
    expect(0, MANY + 1, 1);
    end();
}

static void test_one_that_follows_may_write_more(void **state)
{
    (void)state;
    begin();
    assert_int_equal(world_bind(&w, "amq.topic audit", "none", ""), 0);
    assert_in_range(copied_beside(1), 1000, REPLAY_CHASE_BYTES / REPLAY_RECORD_BYTES);
    end();
}

/* What comes by the binding, or past it, waits until the history is in; a basic.get and a consumer
 * see the history only. */
static void test_what_is_live_waits_for_the_history(void **state)
{
    struct counted counted = {0, 1};
    struct consumer *consumer = NULL;

    (void)state;
    begin();
    publish(0, MANY);
    world_settle(&w);
    assert_int_equal(bind("#", "x-replay-from=first"), 0);
    world_publish(&w, "", "audit", "20000");
    publish(MANY + 1, MANY + 10);
    consumer = count("audit", &counted);
    for (unsigned i = 0; i < 20; i++)
        (void)sim_step(w.sim);
    assert_non_null(replay_next(w.broker, NULL));
    wait_for_replays();
    world_settle(&w);
    assert_int_equal(counted.next, MANY + 10);
    consumer_cancel(consumer);
    end();
}

/* A queue that is bound already is not held: what is live does not wait for the history. */
static void test_a_queue_in_use_is_not_held(void **state)
{
    (void)state;
    begin();
    assert_int_equal(world_bind(&w, "amq.topic audit", "k", ""), 0);
    publish(0, 3000);
    world_settle(&w);
    assert_int_equal(bind("#", "x-replay-from=first"), 0);
    world_publish(&w, "amq.topic", "k", "live");
    memset(&taker, 0, sizeof(taker));
    assert_int_equal(world_consume_as(&w, w.visit, &taker, "audit", true), 0);
    for (unsigned i = 0; i < 100 && taker.count == 0; i++)
        (void)sim_step(w.sim);
    assert_string_equal(taker.bodies[0], "live");
    wait_for_replays();
    world_consumer_close(&taker);
    end();
}

/* A replay that is ended lets go of what waited for it. */
static void test_one_that_is_cancelled_holds_nothing(void **state)
{
    (void)state;
    begin();
    publish(0, MANY);
    world_settle(&w);
    assert_int_equal(bind("#", "x-replay-from=first"), 0);
    publish(MANY, MANY + 1);
    (void)sim_step(w.sim);
    assert_int_equal(replay_cancel(w.broker, replay_view(replay_next(w.broker, NULL)).id), 0);
    wait_for_replays();
    publish(MANY + 1, MANY + 2);
    world_settle(&w);
    memset(&taker, 0, sizeof(taker));
    assert_int_equal(world_consume_as(&w, w.visit, &taker, "audit", true), 0);
    world_settle(&w);
    assert_int_equal(world_ready(&w, "audit"), 0);
    world_consumer_close(&taker);
    end();
}

static void test_an_empty_log_goes_live_at_once(void **state)
{
    (void)state;
    begin();
    assert_int_equal(bind("#", "x-replay-from=first"), 0);
    publish(0, 3);
    wait_for_replays();
    publish(3, 6);
    world_settle(&w);
    expect(0, 6, 1);
    end();
}

static void test_binding_again_changes_nothing(void **state)
{
    (void)state;
    begin();
    publish(0, 1000);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(bind("#", "x-replay-from=first"), 0);
    wait_for_replays();
    assert_int_equal(bind("#", "x-replay-from=first"), 0);
    assert_int_equal(bind("#", ""), 0);
    wait_for_replays();
    assert_int_equal(world_ready(&w, "audit"), 1000);
    expect(0, 1000, 1);
    end();
}

static void test_a_one_off_copy_leaves_no_binding(void **state)
{
    (void)state;
    begin();
    publish(0, 30);
    assert_int_equal(bind("#", "x-replay-from=first x-replay-until=10"), 0);
    wait_for_replays();
    publish(30, 40);
    world_settle(&w);
    expect(0, 10, 1);
    assert_int_equal(bind("#", "x-replay-from=35 x-replay-until=now"), 0);
    publish(40, 50);
    wait_for_replays();
    expect(35, 40, 1);
    end();
}

static void test_unbinding_ends_a_replay(void **state)
{
    (void)state;
    begin();
    publish(0, 2000);
    world_settle(&w);
    assert_int_equal(bind("#", "x-replay-from=first"), 0);
    assert_int_equal(world_unbind(&w, "orders audit", "#", "x-replay-from=first"), 0);
    wait_for_replays();
    publish(2000, 2010);
    world_settle(&w);
    assert_true(world_ready(&w, "audit") < 2000);
    end();
}

static void test_what_goes_ends_its_replays(void **state)
{
    (void)state;
    begin();
    publish(0, 2000);
    assert_int_equal(bind("#", "x-replay-from=first"), 0);
    assert_int_equal(world_delete(&w, "audit", ""), 0);
    wait_for_replays();
    assert_int_equal(world_queue(&w, "audit", "durable", ""), 0);
    assert_int_equal(bind("#", "x-replay-from=first"), 0);
    assert_int_equal(world_delete_exchange(&w, "orders", ""), 0);
    wait_for_replays();
    assert_int_equal(world_exchange(&w, "orders", "topic durable", "x-log=true"), 0);
    assert_int_equal(bind("#", "x-replay-from=first"), 0);
    wait_for_replays();
    end();
}

static void test_partitions_keep_their_order(void **state)
{
    uint64_t last[2] = {0, 0};
    size_t total = 0;

    (void)state;
    begin();
    assert_int_equal(world_exchange(&w, "parted", "topic durable", "x-log=true x-partitions=5"), 0);
    for (unsigned n = 1; n <= 300; n++) {
        char body[16];

        snprintf(body, sizeof(body), "%u", n);
        world_publish(&w, "parted", n % 2 == 1 ? "odd" : "even", body);
    }
    assert_int_equal(world_bind(&w, "parted audit", "#", "x-replay-from=first"), 0);
    wait_for_replays();
    memset(&taker, 0, sizeof(taker));
    assert_int_equal(world_consume_as(&w, w.visit, &taker, "audit", true), 0);
    world_settle(&w);
    for (; total < taker.count; total++) {
        uint64_t number = 0;

        assert_int_equal(parse_u64(bytes_text(taker.bodies[total]), 0, UINT64_MAX, &number), 0);
        assert_true(number > last[number % 2]);
        last[number % 2] = number;
    }
    assert_int_equal(total, 300);
    world_consumer_close(&taker);
    end();
}

static void test_a_full_queue_makes_it_wait(void **state)
{
    (void)state;
    begin();
    assert_int_equal(
        world_queue(&w, "small", "durable", "x-max-length=10 x-overflow=reject-publish"), 0);
    publish(0, 40);
    assert_int_equal(world_bind(&w, "orders small", "#", "x-replay-from=first"), 0);
    world_run_ms(&w, 1000);
    assert_int_equal(world_ready(&w, "small"), 10);
    memset(&taker, 0, sizeof(taker));
    assert_int_equal(world_consume_as(&w, w.visit, &taker, "small", true), 0);
    wait_for_replays();
    world_settle(&w);
    assert_int_equal(taker.count, 40);
    for (unsigned i = 0; i < 40; i++) {
        char body[16];

        snprintf(body, sizeof(body), "%u", i);
        assert_string_equal(taker.bodies[i], body);
    }
    world_consumer_close(&taker);
    end();
}

/* Nor is the last one of the log passed over. */
static void test_a_full_queue_at_the_end(void **state)
{
    struct counted counted = {0, 1};
    struct consumer *consumer = NULL;

    (void)state;
    begin();
    assert_int_equal(
        world_queue(&w, "small", "durable", "x-max-length=1 x-overflow=reject-publish"), 0);
    publish(0, 2);
    assert_int_equal(world_bind(&w, "orders small", "#", "x-replay-from=first"), 0);
    world_run_ms(&w, 1000);
    assert_int_equal(replay_view(replay_next(w.broker, NULL)).left, 1);
    consumer = count("small", &counted);
    wait_for_replays();
    world_settle(&w);
    assert_int_equal(counted.next, 2);
    consumer_cancel(consumer);
    end();
}

/* Publishers who are as fast as they can be do not keep it from going live. */
static void test_it_catches_up_with_publishers(void **state)
{
    unsigned next = MANY;

    (void)state;
    begin();
    publish(0, MANY);
    world_settle(&w);
    assert_int_equal(bind("#", "x-replay-from=first"), 0);
    for (unsigned i = 0; i < 2000 && replay_next(w.broker, NULL) != NULL; i++) {
        publish(next, next + 100);
        next += 100;
        world_run_ms(&w, 1);
    }
    assert_null(replay_next(w.broker, NULL));
    publish(next, next + 10);
    world_settle(&w);
    assert_int_equal(world_ready(&w, "audit"), next + 10);
    expect(0, next + 10, 1);
    end();
}

/* Power goes in the middle: it goes on where it was. */
static void test_it_goes_on_after_a_crash(void **state)
{
    unsigned next = 3000;
    unsigned crashes = 0;
    struct rand r;
    char name[32];
    char ends[64];

    (void)state;
    rand_init(&r, test_seed());
    begin();
    publish(0, next);
    world_settle(&w);
    for (unsigned i = 0; i < test_share(ROUNDS); i++) {
        snprintf(name, sizeof(name), "audit %u", i);
        snprintf(ends, sizeof(ends), "orders audit %u", i);
        assert_int_equal(world_queue(&w, name, "durable", ""), 0);
        assert_int_equal(world_bind(&w, ends, "#", "x-replay-from=first"), 0);
        assert_int_equal(world_wait(&w), 0);
        for (uint64_t steps = rand_below(&r, 60); steps > 0; steps--)
            (void)sim_step(w.sim);
        crashes += replay_next(w.broker, NULL) != NULL;
        broker_world_crash(&w);
        broker_world_open(&w);
        publish(next, next + 10);
        next += 10;
        wait_for_replays();
        publish(next, next + 10);
        next += 10;
        world_settle(&w);
        expect_in(name, 0, next, 1);
        assert_int_equal(world_delete(&w, name, ""), 0);
    }
    print_message("%u of %u crashes were in the middle of a replay\n", crashes, test_share(ROUNDS));
    assert_true(crashes > 0 || test_share(ROUNDS) < ROUNDS);
    end();
}

static void test_what_cannot_be_replayed_is_refused(void **state)
{
    static const struct {
        const char *ends;
        const char *arguments;
        const char *text;
    } rows[] = {
        {"plain audit", "x-replay-from=first",
         "invalid arg 'x-replay-from' for binding of exchange 'plain' in vhost '/': the exchange "
         "keeps no log; declare it with x-log"},
        {"hash audit", "x-replay-from=first",
         "invalid arg 'x-replay-from' for binding of exchange 'hash' in vhost '/': only exchanges "
         "of type direct, fanout, topic and headers can be replayed"},
        {"orders @plain", "x-replay-from=first",
         "invalid arg 'x-replay-from' for binding of exchange 'orders' in vhost '/': only a queue "
         "can get a replay"},
        {"orders audit", "x-replay-from=next",
         "invalid arg 'x-replay-from' for queue 'audit' in vhost '/': it takes \"first\", an "
         "offset, "
         "a timestamp, or a time ago as \"2h\""},
        {"orders audit", "x-replay-until=3",
         "invalid arg 'x-replay-until' for queue 'audit' in vhost '/': it takes effect only beside "
         "x-replay-from"},
        {"orders audit", "x-replay-from=first x-replay-until=-3",
         "invalid arg 'x-replay-until' for queue 'audit' in vhost '/': it takes an offset, a "
         "timestamp of the past, \"now\", or a time ago as \"2h\""},
    };

    (void)state;
    begin();
    assert_int_equal(world_exchange(&w, "plain", "topic durable", ""), 0);
    assert_int_equal(world_exchange(&w, "hash", "x-consistent-hash durable", "x-log=true"), 0);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        expect_refusal(&w.refusal, world_bind(&w, rows[i].ends, "1", rows[i].arguments),
                       REFUSE_PRECONDITION, rows[i].text);
    assert_int_equal(replay_cancel(w.broker, 1), ERR_NOT_FOUND);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_history_comes_first_then_what_is_live),
        LEAK_CHECKED(test_only_what_matches_is_replayed),
        LEAK_CHECKED(test_a_start_in_the_middle),
        LEAK_CHECKED(test_it_leaves_room_for_those_who_publish),
        LEAK_CHECKED(test_a_slow_disk_makes_it_wait_once),
        LEAK_CHECKED(test_one_that_follows_may_write_more),
        LEAK_CHECKED(test_what_is_live_waits_for_the_history),
        LEAK_CHECKED(test_a_queue_in_use_is_not_held),
        LEAK_CHECKED(test_one_that_is_cancelled_holds_nothing),
        LEAK_CHECKED(test_an_empty_log_goes_live_at_once),
        LEAK_CHECKED(test_binding_again_changes_nothing),
        LEAK_CHECKED(test_a_one_off_copy_leaves_no_binding),
        LEAK_CHECKED(test_unbinding_ends_a_replay),
        LEAK_CHECKED(test_what_goes_ends_its_replays),
        LEAK_CHECKED(test_partitions_keep_their_order),
        LEAK_CHECKED(test_a_full_queue_makes_it_wait),
        LEAK_CHECKED(test_a_full_queue_at_the_end),
        LEAK_CHECKED(test_it_catches_up_with_publishers),
        LEAK_CHECKED(test_it_goes_on_after_a_crash),
        LEAK_CHECKED(test_what_cannot_be_replayed_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
