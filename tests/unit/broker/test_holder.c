/* Tests of exchanges that are delayed or take no duplicates: when messages leave them, in which
 * order, and that what they know is there again after a crash. */
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

/* Whenever in a millisecond it came; also over a restart. */
static void test_no_delay_is_shorter_than_it_was_said(void **state)
{
    (void)state;
    for (uint64_t tenth = 0; tenth < 20; tenth++) {
        struct broker_world w;
        uint64_t due_ns;

        begin(&w);
        sim_run_for(w.sim, tenth * WORLD_MS / 10);
        due_ns = sim_now_ns(w.sim) + 1000 * WORLD_MS;
        delay(&w, 1000, "m");
        sim_run_for(w.sim, 500 * WORLD_MS + tenth % 7 * WORLD_MS / 10);
        if (tenth >= 10)
            restart(&w, true);
        /* to look takes a millisecond */
        sim_run_for(w.sim, due_ns - sim_now_ns(w.sim) - WORLD_MS - 1);
        expect(&w, "q", "");
        world_run_ms(&w, 100);
        expect(&w, "q", "m");
        end(&w);
    }
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
        world_run_ms(&w, 102);
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
    world_run_ms(&w, 102);
    expect(&w, "q", "m");
    assert_true(publish(&w, "lavin", "x-delay=1000", "gone"));
    restart(&w, true); /* it was not durable, so what waited in it was not either */
    world_run_ms(&w, 2000);
    expect(&w, "q", "");
    end(&w);
}

/* What comes through an exchange that keeps its last messages is kept, however it comes there: when
 * it is due, behind a delayed exchange, or dead. */
static void test_what_moves_is_kept_by_a_recent_history(void **state)
{
    struct broker_world w;

    (void)state;
    begin(&w);
    assert_int_equal(
        world_exchange(&w, "late", "x-delayed-message durable", "x-delayed-type=x-recent-history"),
        0);
    assert_int_equal(world_exchange(&w, "last", "x-recent-history durable", ""), 0);
    assert_int_equal(world_bind(&w, "x @last", "k", ""), 0);
    assert_int_equal(
        world_queue(&w, "dying", "durable", "x-message-ttl=100 x-dead-letter-exchange=last"), 0);
    assert_int_equal(world_queue(&w, "new", "durable", ""), 0);
    assert_true(publish(&w, "late", "x-delay=1000", "late"));
    delay(&w, 500, "due");
    world_publish(&w, "", "dying", "dead");
    world_run_ms(&w, 2000);
    assert_int_equal(world_bind(&w, "late new", "", ""), 0);
    world_settle(&w);
    expect(&w, "new", "late");
    assert_int_equal(world_bind(&w, "last new", "", ""), 0);
    world_settle(&w);
    expect(&w, "new", "dead due");
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

/* ---- duplicates ---- */

static void begin_dedup(struct broker_world *w, const char *words, const char *arguments)
{
    broker_world_init(w);
    broker_world_open(w);
    assert_int_equal(world_exchange(w, "d", words, arguments), 0);
    assert_int_equal(world_queue(w, "q", "durable", ""), 0);
    assert_int_equal(world_bind(w, "d q", "k", ""), 0);
    assert_int_equal(world_wait(w), 0);
}

/* Publishes a message that is known by a number. */
static bool send(struct broker_world *w, const char *exchange, int number, const char *more)
{
    char headers[128];

    snprintf(headers, sizeof(headers), "x-deduplication-header=%d %s", number, more);
    return publish(w, exchange, headers, "m");
}

static void test_an_exchange_routes_no_duplicates(void **state)
{
    (void)state;
    for (int way = 0; way < 3; way++) {
        struct broker_world w;

        begin_dedup(&w, "x-message-deduplication durable", "x-cache-size=3 x-cache-ttl=10000");
        assert_true(send(&w, "d", 1, ""));
        assert_true(send(&w, "d", 2, ""));
        assert_true(send(&w, "d", 1, ""));
        assert_true(send(&w, "d", 3, "x-cache-ttl=1000"));
        assert_true(publish(&w, "d", "other=1", "plain"));
        assert_true(publish(&w, "d", "other=1", "plain"));
        world_settle(&w);
        assert_int_equal(w.publisher.told.confirmed, 6);
        assert_int_equal(world_ready(&w, "q"), 5);
        if (way > 0)
            restart(&w, way == 2);
        for (int i = 1; i <= 3; i++)
            assert_true(send(&w, "d", i, ""));
        assert_int_equal(world_ready(&w, "q"), 5);
        world_run_ms(&w, 1000);
        assert_true(send(&w, "d", 3, "")); /* the time it asked for is over */
        assert_int_equal(world_ready(&w, "q"), 6);
        assert_true(send(&w, "d", 4, "")); /* 1 makes room for it */
        assert_true(send(&w, "d", 1, ""));
        assert_true(send(&w, "d", 3, ""));
        assert_int_equal(world_ready(&w, "q"), 8);
        world_run_ms(&w, 10000);
        assert_true(send(&w, "d", 3, ""));
        assert_int_equal(world_ready(&w, "q"), 9);
        end(&w);
    }
}

static void test_a_cache_is_no_queue_that_a_message_went_to(void **state)
{
    struct broker_stats s;
    struct broker_world w;

    (void)state;
    begin_dedup(&w, "topic durable", "x-message-deduplication=true x-cache-size=100");
    assert_int_equal(world_unbind(&w, "d q", "k", ""), 0);
    assert_false(send(&w, "d", 1, ""));
    world_settle(&w);
    restart(&w, true);
    assert_false(send(&w, "d", 1, ""));
    assert_int_equal(world_bind(&w, "d q", "#", ""), 0);
    assert_true(send(&w, "d", 1, "")); /* it was seen, and dropped */
    assert_int_equal(world_ready(&w, "q"), 0);
    assert_true(send(&w, "d", 2, ""));
    assert_int_equal(world_ready(&w, "q"), 1);
    broker_get_stats(w.broker, &s);
    assert_int_equal(s.queues, 1);
    assert_int_equal(world_delete_exchange(&w, "d", ""), 0);
    assert_int_equal(world_exchange(&w, "d", "topic durable", "x-message-deduplication=true"), 0);
    assert_int_equal(world_bind(&w, "d q", "#", ""), 0);
    restart(&w, false);
    assert_true(send(&w, "d", 1, "")); /* another one of that name */
    assert_int_equal(world_ready(&w, "q"), 2);
    end(&w);
}

static void test_over_several_partitions_and_exchanges(void **state)
{
    struct broker_world w;

    (void)state;
    broker_world_init(&w);
    w.partition_count = 3;
    broker_world_open(&w);
    assert_int_equal(world_exchange(&w, "d", "x-message-deduplication durable", "x-cache-size=10"),
                     0);
    assert_int_equal(world_exchange(&w, "front", "fanout durable", ""), 0);
    assert_int_equal(world_exchange(&w, "later", "x-message-deduplication durable",
                                    "x-cache-size=10 x-delayed-exchange=true"),
                     0);
    assert_int_equal(world_bind(&w, "front @d", "", ""), 0);
    for (int i = 0; i < 3; i++) {
        char name[8];
        char ends[16];

        snprintf(name, sizeof(name), "q%d", i);
        assert_int_equal(world_queue(&w, name, "durable", ""), 0);
        snprintf(ends, sizeof(ends), "d q%d", i);
        assert_int_equal(world_bind(&w, ends, "", ""), 0);
    }
    assert_int_equal(world_bind(&w, "later q0", "", ""), 0);
    assert_true(send(&w, "front", 1, ""));
    assert_true(send(&w, "d", 1, ""));
    assert_true(send(&w, "front", 1, ""));
    world_settle(&w);
    restart(&w, true);
    assert_true(send(&w, "front", 1, ""));
    for (int i = 0; i < 3; i++) {
        char name[8];

        snprintf(name, sizeof(name), "q%d", i);
        assert_int_equal(world_ready(&w, name), 1);
    }
    assert_true(send(&w, "later", 1, "x-delay=100")); /* judged when it is due */
    assert_true(send(&w, "later", 1, "x-delay=100"));
    world_run_ms(&w, 200);
    assert_int_equal(world_ready(&w, "q0"), 2);
    end(&w);
}

static void test_a_queue_takes_no_duplicate_of_what_is_in_it(void **state)
{
    (void)state;
    for (int way = 0; way < 3; way++) {
        struct broker_world w;
        struct world_consumer c;

        broker_world_init(&w);
        broker_world_open(&w);
        assert_int_equal(world_queue(&w, "q", "durable", "x-message-deduplication=true"), 0);
        assert_int_equal(world_bind(&w, "amq.fanout q", "", ""), 0);
        assert_int_equal(world_wait(&w), 0);
        assert_true(send(&w, "amq.fanout", 1, ""));
        assert_true(send(&w, "amq.fanout", 2, ""));
        assert_true(send(&w, "amq.fanout", 1, ""));
        world_settle(&w);
        assert_int_equal(w.publisher.told.confirmed, 3);
        if (way > 0)
            restart(&w, way == 2);
        assert_int_equal(world_consume_as(&w, w.visit, &c, "q", false), 0);
        world_settle(&w);
        assert_int_equal(c.count, 2);
        assert_true(send(&w, "amq.fanout", 1, "")); /* it is unacked */
        world_settle(&w);
        assert_int_equal(c.count, 2);
        queue_ack(c.deliveries[0]);
        world_settle(&w);
        assert_true(send(&w, "amq.fanout", 1, ""));
        assert_true(send(&w, "amq.fanout", 2, ""));
        world_settle(&w);
        assert_int_equal(c.count, 3);
        queue_ack(c.deliveries[1]);
        queue_ack(c.deliveries[2]);
        world_settle(&w);
        world_consumer_close(&c);
        if (way > 0)
            restart(&w, way == 2);
        assert_true(send(&w, "amq.fanout", 2, ""));
        assert_int_equal(world_ready(&w, "q"), 1);
        end(&w);
    }
}

static void test_what_is_refused_about_duplicates(void **state)
{
    static const struct {
        const char *words;
        const char *arguments;
        const char *text;
    } rows[] = {
        {"x-message-deduplication", "",
         "Missing or invalid argument, 'x-cache-size' must be an integer greater than 0"},
        {"x-message-deduplication", "x-cache-size=0",
         "Missing or invalid argument, 'x-cache-size' must be an integer greater than 0"},
        {"x-message-deduplication", "x-cache-size=many",
         "Missing or invalid argument, 'x-cache-size' must be an integer greater than 0"},
        {"x-message-deduplication", "x-cache-size=10000001",
         "Invalid argument, 'x-cache-size' must not be greater than 10000000"},
        {"x-message-deduplication", "x-cache-size=5 x-cache-ttl=-1",
         "Invalid argument, 'x-cache-ttl' must be an integer greater than 0"},
        {"x-message-deduplication", "x-cache-size=5 x-cache-persistence=tape",
         "Invalid argument, 'x-cache-persistence' must be either 'disk' or 'memory'"},
        {"fanout", "x-message-deduplication=1",
         "Invalid argument, 'x-message-deduplication' must be true or false"},
    };
    struct broker_world w;

    (void)state;
    begin(&w);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        expect_refusal(&w.refusal, world_exchange(&w, "y", rows[i].words, rows[i].arguments),
                       REFUSE_PRECONDITION, rows[i].text);
    expect_refusal(&w.refusal, world_queue(&w, "y", "", "x-message-deduplication=1"),
                   REFUSE_PRECONDITION,
                   "invalid arg 'x-message-deduplication' for queue 'y' in vhost '/': "
                   "{unacceptable_type,long}");
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
    const uint64_t step = 60 / test_share(60), step_of_three = 60 / test_share(15);
    struct rand rand;

    (void)state;
    rand_init(&rand, test_seed());
    for (uint64_t stop = 1 + rand_below(&rand, step); stop <= 60; stop += step)
        run_with_crash(stop, rand_next(&rand), 1);
    for (uint64_t stop = 1 + rand_below(&rand, step_of_three); stop <= 60; stop += step_of_three)
        run_with_crash(stop, rand_next(&rand), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_messages_come_when_they_are_due),
        LEAK_CHECKED(test_no_delay_is_shorter_than_it_was_said),
        LEAK_CHECKED(test_they_survive_and_come_in_the_order_of_their_dates),
        LEAK_CHECKED(test_a_jump_of_the_clock_moves_no_delay),
        LEAK_CHECKED(test_dates_follow_the_wall_clock),
        LEAK_CHECKED(test_what_is_due_is_routed_as_if_published_then),
        LEAK_CHECKED(test_a_full_queue_is_waited_for),
        LEAK_CHECKED(test_other_ways_into_a_delayed_exchange),
        LEAK_CHECKED(test_a_type_with_an_argument_is_delayed_too),
        LEAK_CHECKED(test_what_moves_is_kept_by_a_recent_history),
        LEAK_CHECKED(test_with_the_exchange_goes_what_waits_in_it),
        LEAK_CHECKED(test_what_is_refused),
        LEAK_CHECKED(test_an_exchange_routes_no_duplicates),
        LEAK_CHECKED(test_a_cache_is_no_queue_that_a_message_went_to),
        LEAK_CHECKED(test_over_several_partitions_and_exchanges),
        LEAK_CHECKED(test_a_queue_takes_no_duplicate_of_what_is_in_it),
        LEAK_CHECKED(test_what_is_refused_about_duplicates),
        LEAK_CHECKED(test_a_crash_anywhere_loses_none_and_doubles_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
