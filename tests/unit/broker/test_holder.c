/* Tests of delayed exchanges: when messages leave them, in which order, and that they are there
 * again after a crash. */
#include "broker/holder.h"

#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "broker/parts.h"
#include "io/sim/sim_disk.h"
#include "queue/queue.h"
#include "tests/lib/broker_world.h"
#include "tests/lib/leaks.h"
#include "tests/lib/seed.h"
#include "tests/unit/broker/refused.h"

static void begin(struct broker_world *w)
{
    broker_world_init(w);
    broker_world_open(w);
    assert_int_equal(world_exchange(w, "x", "x-delayed-message durable", "x-delayed-type=direct"),
                     0);
    assert_int_equal(world_queue(w, "q", "durable", ""), 0);
    assert_int_equal(world_bind(w, "x q", "k", ""), 0);
    assert_int_equal(world_wait(w), 0);
}

static void end(struct broker_world *w)
{
    broker_world_close(w);
    broker_world_release(w);
}

/* The broker is down for so long, as the wall clock has it. */
static void be_down(struct broker_world *w, bool is_crash, int64_t ms)
{
    if (is_crash)
        broker_world_crash(w);
    else
        broker_world_close(w);
    sim_node_jump_wall(w->node, ms);
    broker_world_open(w);
}

static void restart(struct broker_world *w, bool is_crash)
{
    be_down(w, is_crash, 0);
}

/* Publishes a persistent message with these headers. */
static bool publish(struct broker_world *w, const char *exchange, const char *headers,
                    const char *body)
{
    char props[256];
    const struct world_message m = {exchange, "k", props, body};
    bool is_routed = false;

    snprintf(props, sizeof(props), "persistent headers:%s", headers);
    assert_int_equal(world_publish_as(w, &w->publisher, &m, &is_routed), 0);
    return is_routed;
}

/* Delays it by so many milliseconds. */
static void delay(struct broker_world *w, int64_t ms, const char *body)
{
    char header[64];

    snprintf(header, sizeof(header), "x-delay=%lld", (long long)ms);
    assert_true(publish(w, "x", header, body));
}

/* The queue holds these messages, in this order; they are taken. */
static void expect(struct broker_world *w, const char *queue, const char *bodies)
{
    struct world_consumer c;
    char all[512] = "";
    size_t size = 0;

    assert_int_equal(world_consume_as(w, w->visit, &c, queue, true), 0);
    world_run_ms(w, 1);
    for (size_t i = 0; i < c.count; i++)
        size += (size_t)snprintf(all + size, sizeof(all) - size, "%s%s", i == 0 ? "" : " ",
                                 c.bodies[i]);
    assert_string_equal(all, bodies);
    world_consumer_close(&c);
}

static void test_messages_come_when_they_are_due(void **state)
{
    struct broker_world w;

    (void)state;
    begin(&w);
    delay(&w, 3000, "c");
    delay(&w, 1000, "a");
    delay(&w, 2000, "b");
    delay(&w, 0, "now");
    delay(&w, -5, "now too");
    assert_true(publish(&w, "x", "other=1", "plain"));
    world_settle(&w);
    assert_int_equal(w.publisher.told.confirmed, 6);
    expect(&w, "q", "now now too plain");
    world_run_ms(&w, 900);
    expect(&w, "q", "");
    world_run_ms(&w, 100);
    expect(&w, "q", "a");
    world_run_ms(&w, 2000);
    expect(&w, "q", "b c");
    end(&w);
}

static void test_they_survive_and_come_in_the_order_of_their_dates(void **state)
{
    (void)state;
    for (int is_crash = 0; is_crash < 2; is_crash++) {
        struct broker_world w;

        begin(&w);
        delay(&w, 5000, "e");
        delay(&w, 1000, "a");
        delay(&w, 4000, "d");
        delay(&w, 2000, "b");
        delay(&w, 3000, "c");
        world_settle(&w);
        assert_int_equal(w.publisher.told.confirmed, 5);
        restart(&w, is_crash != 0);
        expect(&w, "q", "");
        be_down(&w, is_crash != 0, 10000);
        world_settle(&w);
        expect(&w, "q", "a b c d e");
        restart(&w, is_crash != 0);
        world_run_ms(&w, 10000);
        expect(&w, "q", "");
        end(&w);
    }
}

static void test_a_jump_of_the_clock_moves_no_delay(void **state)
{
    (void)state;
    for (int is_forward = 0; is_forward < 2; is_forward++) {
        struct broker_world w;

        begin(&w);
        delay(&w, 5000, "m");
        sim_node_jump_wall(w.node, is_forward != 0 ? 86400000 : -86400000);
        delay(&w, 6000, "n");
        world_run_ms(&w, 4900);
        expect(&w, "q", "");
        world_run_ms(&w, 100);
        expect(&w, "q", "m");
        partition_checkpoint(queues_partition(queue_home(
            vhost_find_queue(vhost_find(w.broker, bytes_text("/")), bytes_text("q"))->queue)));
        world_settle(&w);
        restart(&w, true); /* nor over a restart, when there was a checkpoint since */
        expect(&w, "q", "");
        world_run_ms(&w, 1000);
        expect(&w, "q", "n");
        end(&w);
    }
}

static void test_dates_follow_the_wall_clock(void **state)
{
    struct broker_world w;
    char header[64];

    (void)state;
    begin(&w);
    int64_t now_ms = io_wall_ms(w.io);
    snprintf(header, sizeof(header), "x-deliver-at=%lld", (long long)now_ms + 5000);
    assert_true(publish(&w, "x", header, "ms"));
    snprintf(header, sizeof(header), "x-deliver-at=t:%lld", (long long)now_ms / 1000 + 3600);
    assert_true(publish(&w, "x", header, "s"));
    snprintf(header, sizeof(header), "x-deliver-at=%lld", (long long)now_ms - 1);
    assert_true(publish(&w, "x", header, "past"));
    world_settle(&w);
    expect(&w, "q", "past");
    world_run_ms(&w, 4900);
    expect(&w, "q", "");
    world_run_ms(&w, 100);
    expect(&w, "q", "ms");
    sim_node_jump_wall(w.node, 3600000);
    world_run_ms(&w, 11000); /* the wall clock is looked at every ten seconds */
    expect(&w, "q", "s");
    end(&w);
}

static void test_what_is_due_is_routed_as_if_published_then(void **state)
{
    struct broker_world w;

    (void)state;
    begin(&w);
    delay(&w, 1000, "m");
    world_settle(&w);
    assert_int_equal(world_unbind(&w, "x q", "k", ""), 0);
    assert_int_equal(world_queue(&w, "p", "durable", "x-message-ttl=1000"), 0);
    assert_int_equal(world_bind(&w, "x p", "k", ""), 0);
    world_run_ms(&w, 1000);
    assert_int_equal(world_ready(&w, "q"), 0);
    assert_int_equal(world_ready(&w, "p"), 1);
    world_run_ms(&w, 900); /* it lives as long as any other */
    expect(&w, "p", "m");
    assert_int_equal(world_unbind(&w, "x p", "k", ""), 0);
    delay(&w, 10, "nowhere");
    world_settle(&w);
    assert_int_equal(w.publisher.told.confirmed, 2);
    end(&w);
}

static void test_a_full_queue_is_waited_for(void **state)
{
    struct broker_world w;

    (void)state;
    begin(&w);
    assert_int_equal(world_queue(&w, "full", "durable", "x-max-length=1 x-overflow=reject-publish"),
                     0);
    assert_int_equal(world_bind(&w, "x full", "k", ""), 0);
    delay(&w, 1000, "a");
    delay(&w, 1000, "b");
    delay(&w, 1500, "c");
    world_run_ms(&w, 5300);
    assert_int_equal(world_ready(&w, "full"), 1);
    expect(&w, "full", "a");
    world_run_ms(&w, 2000);
    assert_int_equal(world_ready(&w, "full"), 1);
    world_run_ms(&w, 2000);
    restart(&w, true);
    world_run_ms(&w, 2000);
    assert_int_equal(world_ready(&w, "q"), 2);
    end(&w);
}

static void test_other_ways_into_a_delayed_exchange(void **state)
{
    struct broker_world w;

    (void)state;
    begin(&w);
    assert_int_equal(world_exchange(&w, "front", "fanout durable", ""), 0);
    assert_int_equal(world_bind(&w, "front @x", "", ""), 0);
    assert_int_equal(world_queue(&w, "both", "durable", ""), 0);
    assert_int_equal(world_bind(&w, "front both", "", ""), 0);
    assert_true(publish(&w, "front", "x-delay=1000", "m")); /* the plain queue has it at once */
    world_settle(&w);
    expect(&w, "both", "m");
    expect(&w, "q", "");
    world_run_ms(&w, 1000);
    expect(&w, "q", "m");

    /* A dead letter that says how long it is to wait. */
    assert_int_equal(
        world_queue(&w, "dies", "durable", "x-message-ttl=10 x-dead-letter-exchange=x"), 0);
    assert_int_equal(world_bind(&w, "front dies", "", ""), 0);
    assert_int_equal(world_unbind(&w, "front @x", "", ""), 0);
    assert_true(publish(&w, "front", "x-delay=1000", "n"));
    world_run_ms(&w, 900);
    expect(&w, "q", "");
    world_run_ms(&w, 200);
    expect(&w, "q", "n");
    end(&w);
}

static void test_a_type_with_an_argument_is_delayed_too(void **state)
{
    struct broker_world w;

    (void)state;
    begin(&w);
    assert_int_equal(world_exchange(&w, "lavin", "topic", "x-delayed-exchange=true"), 0);
    assert_int_equal(world_bind(&w, "lavin q", "#", ""), 0);
    assert_true(publish(&w, "lavin", "x-delay=1000", "m"));
    world_run_ms(&w, 900);
    expect(&w, "q", "");
    world_run_ms(&w, 100);
    expect(&w, "q", "m");
    assert_true(publish(&w, "lavin", "x-delay=1000", "gone"));
    restart(&w, true); /* it was not durable, so what waited in it was not either */
    world_run_ms(&w, 2000);
    expect(&w, "q", "");
    end(&w);
}

static void test_with_the_exchange_goes_what_waits_in_it(void **state)
{
    (void)state;
    for (int is_crash = 0; is_crash < 2; is_crash++) {
        struct broker_world w;

        begin(&w);
        delay(&w, 1000, "old");
        world_settle(&w);
        assert_int_equal(world_delete_exchange(&w, "x", ""), 0);
        assert_int_equal(
            world_exchange(&w, "x", "x-delayed-message durable", "x-delayed-type=direct"), 0);
        assert_int_equal(world_bind(&w, "x q", "k", ""), 0);
        assert_int_equal(world_wait(&w), 0);
        restart(&w, is_crash != 0);
        world_run_ms(&w, 2000);
        expect(&w, "q", "");
        delay(&w, 10, "new");
        world_settle(&w);
        expect(&w, "q", "new");
        end(&w);
    }
}

static void test_what_is_refused(void **state)
{
    static const struct {
        struct world_message message;
        const char *text;
    } rows[] = {
        {{"x", "k", "headers:x-delay=soon", "m"},
         "invalid header 'x-delay' of type 'longstr': it must be a whole number of milliseconds"},
        {{"x", "k", "headers:x-delay=true", "m"},
         "invalid header 'x-delay' of type 'bool': it must be a whole number of milliseconds"},
        {{"x", "k", "headers:x-deliver-at=tomorrow", "m"},
         "invalid header 'x-deliver-at' of type 'longstr': it must be a timestamp, or an integer: "
         "milliseconds since 1970"},
    };
    struct broker_world w;

    (void)state;
    begin(&w);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        expect_refusal(&w.refusal, world_publish_as(&w, &w.publisher, &rows[i].message, NULL),
                       REFUSE_PRECONDITION, rows[i].text);
    expect_refusal(&w.refusal, world_exchange(&w, "y", "x-delayed-message", ""),
                   REFUSE_PRECONDITION,
                   "Invalid argument, 'x-delayed-type' must be an existing exchange type");
    expect_refusal(&w.refusal,
                   world_exchange(&w, "y", "x-delayed-message", "x-delayed-type=x-delayed-message"),
                   REFUSE_PRECONDITION,
                   "Invalid argument, 'x-delayed-type' must be an existing exchange type");
    expect_refusal(&w.refusal, world_exchange(&w, "y", "fanout", "x-delayed-exchange=yes"),
                   REFUSE_PRECONDITION,
                   "Invalid argument, 'x-delayed-exchange' must be true or false");
    end(&w);
}

/* ---- crashes ---- */

enum { MESSAGES = 12 };

/* Each message that was confirmed comes exactly once or more often, none before it is due; with one
 * partition never twice: it leaves the one queue and comes into the other in one batch. */
static void run_with_crash(uint64_t stop_at, uint64_t seed, unsigned partitions)
{
    struct broker_world w;
    struct world_consumer c;
    unsigned count[MESSAGES] = {0};
    uint64_t confirmed;

    broker_world_init(&w);
    w.partition_count = partitions;
    broker_world_open(&w);
    assert_int_equal(world_exchange(&w, "x", "x-delayed-message durable", "x-delayed-type=direct"),
                     0);
    assert_int_equal(world_queue(&w, "q", "durable", ""), 0);
    assert_int_equal(world_bind(&w, "x q", "k", ""), 0);
    assert_int_equal(world_wait(&w), 0);
    sim_disk_stop_at(w.disk, sim_disk_operations(w.disk) + stop_at, 0);
    for (int i = 0; i < MESSAGES; i++) {
        char body[8];
        char props[64];
        const struct world_message m = {"x", "k", props, body};
        bool is_routed = false;

        snprintf(body, sizeof(body), "%d", i);
        snprintf(props, sizeof(props), "persistent headers:x-delay=%d", 20 + 37 * i % 100);
        if (world_publish_as(&w, &w.publisher, &m, &is_routed) != 0)
            break;
        world_run_ms(&w, 7);
    }
    world_run_ms(&w, 40);
    confirmed = w.publisher.told.rejected_count > 0 ? w.publisher.told.rejected[0] - 1
                                                    : w.publisher.told.confirmed;
    broker_world_crash_as(&w, &(struct sim_crash){.kind = SIM_CRASH_RANDOM, .seed = seed});
    broker_world_open(&w);
    world_run_ms(&w, 1000);
    assert_int_equal(world_consume_as(&w, w.visit, &c, "q", true), 0);
    world_settle(&w);
    for (size_t i = 0; i < c.count; i++) {
        uint64_t number = 0;

        assert_int_equal(parse_u64(bytes_text(c.bodies[i]), 0, MESSAGES - 1, &number), 0);
        count[number]++;
    }
    for (unsigned i = 0; i < MESSAGES; i++) {
        assert_true(i >= confirmed || count[i] >= 1);
        assert_true(partitions > 1 || count[i] <= 1);
    }
    world_consumer_close(&c);
    end(&w);
}

static void test_a_crash_anywhere_loses_none_and_doubles_none(void **state)
{
    struct rand rand;

    (void)state;
    rand_init(&rand, test_seed());
    for (uint64_t stop = 1; stop < 60; stop++)
        run_with_crash(stop, rand_next(&rand), 1);
    for (uint64_t stop = 1; stop < 60; stop += 4)
        run_with_crash(stop, rand_next(&rand), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_messages_come_when_they_are_due),
        LEAK_CHECKED(test_they_survive_and_come_in_the_order_of_their_dates),
        LEAK_CHECKED(test_a_jump_of_the_clock_moves_no_delay),
        LEAK_CHECKED(test_dates_follow_the_wall_clock),
        LEAK_CHECKED(test_what_is_due_is_routed_as_if_published_then),
        LEAK_CHECKED(test_a_full_queue_is_waited_for),
        LEAK_CHECKED(test_other_ways_into_a_delayed_exchange),
        LEAK_CHECKED(test_a_type_with_an_argument_is_delayed_too),
        LEAK_CHECKED(test_with_the_exchange_goes_what_waits_in_it),
        LEAK_CHECKED(test_what_is_refused),
        LEAK_CHECKED(test_a_crash_anywhere_loses_none_and_doubles_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
