/* Tests of publishing exactly once: x-publisher-id with x-publish-seq. */
#include <stdio.h>

#include "broker/publisher.h"
#include "io/sim/sim_disk.h"
#include "tests/lib/broker_world.h"
#include "tests/lib/leaks.h"
#include "tests/lib/seed.h"
#include "tests/unit/broker/refused.h"

static void begin(struct broker_world *w)
{
    broker_world_init(w);
    broker_world_open(w);
    assert_int_equal(world_queue(w, "q", "durable", ""), 0);
    assert_int_equal(world_queue(w, "p", "durable", ""), 0);
    assert_int_equal(world_bind(w, "amq.fanout q", "", ""), 0);
    assert_int_equal(world_wait(w), 0);
}

static void end(struct broker_world *w)
{
    broker_world_close(w);
    broker_world_release(w);
}

static void restart(struct broker_world *w, bool is_crash)
{
    if (is_crash)
        broker_world_crash(w);
    else
        broker_world_close(w);
    broker_world_open(w);
}

static int publish(struct broker_world *w, const char *exchange, const char *publisher, int64_t seq)
{
    char props[128];
    const struct world_message m = {exchange, "q", props, "m"};

    snprintf(props, sizeof(props), "persistent headers:x-publisher-id=%s x-publish-seq=%lld",
             publisher, (long long)seq);
    return world_publish_as(w, &w->publisher, &m, NULL);
}

static void test_what_was_stored_is_confirmed_and_dropped(void **state)
{
    (void)state;
    for (int way = 0; way < 3; way++) {
        struct broker_world w;

        begin(&w);
        for (int64_t seq = 1; seq <= 5; seq++)
            assert_int_equal(publish(&w, "", "ann", seq), 0);
        assert_int_equal(publish(&w, "", "bob", 1), 0);
        world_settle(&w);
        if (way > 0)
            restart(&w, way == 2);
        w.publisher.told.confirmed = 0;
        uint64_t first = publisher_unconfirmed(w.publisher.publisher);
        assert_int_equal(first, 0);
        for (int64_t seq = 3; seq <= 7; seq++)
            assert_int_equal(publish(&w, "", "ann", seq), 0);
        assert_int_equal(publish(&w, "", "bob", 1), 0);
        assert_int_equal(publish(&w, "", "bob", 0), 0);
        world_settle(&w);
        assert_int_equal(publisher_unconfirmed(w.publisher.publisher), 0);
        assert_int_equal(w.publisher.told.rejected_count, 0);
        assert_int_equal(world_ready(&w, "q"), 8);
        end(&w);
    }
}

/* The confirm of a message that is dropped says that the first one is safe. */
static void test_a_dropped_one_is_confirmed_when_the_first_is_safe(void **state)
{
    struct world_publisher other;
    struct broker_world w;

    (void)state;
    begin(&w);
    world_publisher_open(&w, w.visit, &other, true);
    sim_disk_set_latency(w.disk, SIM_OP_SYNC, 200 * WORLD_MS, 0);
    assert_int_equal(publish(&w, "", "ann", 1), 0);
    const struct world_message m = {"", "q",
                                    "persistent headers:x-publisher-id=ann x-publish-seq=1", "m"};
    assert_int_equal(world_publish_as(&w, &other, &m, NULL), 0);
    world_run_ms(&w, 150);
    assert_int_equal(other.told.confirmed, 0);
    world_run_ms(&w, 450);
    assert_int_equal(other.told.confirmed, 1);
    assert_int_equal(world_ready(&w, "q"), 1);
    world_publisher_close(&other);
    end(&w);
}

static void test_each_queue_remembers_by_itself(void **state)
{
    struct broker_world w;

    (void)state;
    begin(&w);
    assert_int_equal(publish(&w, "amq.fanout", "ann", 1), 0);
    assert_int_equal(world_bind(&w, "amq.fanout p", "", ""), 0);
    assert_int_equal(publish(&w, "amq.fanout", "ann", 1), 0); /* p has not got it yet */
    assert_int_equal(publish(&w, "amq.fanout", "ann", 1), 0);
    world_settle(&w);
    assert_int_equal(world_ready(&w, "q"), 1);
    assert_int_equal(world_ready(&w, "p"), 1);
    restart(&w, true);
    assert_int_equal(publish(&w, "amq.fanout", "ann", 1), 0);
    assert_int_equal(publish(&w, "amq.fanout", "ann", 2), 0);
    world_settle(&w);
    assert_int_equal(world_ready(&w, "q"), 2);
    assert_int_equal(world_ready(&w, "p"), 2);
    assert_int_equal(world_delete(&w, "q", ""), 0);
    assert_int_equal(world_queue(&w, "q", "durable", ""), 0); /* another one of that name */
    assert_int_equal(publish(&w, "", "ann", 1), 0);
    assert_int_equal(world_ready(&w, "q"), 1);
    end(&w);
}

static void test_what_was_refused_may_come_again(void **state)
{
    struct broker_world w;

    (void)state;
    begin(&w);
    assert_int_equal(world_delete(&w, "q", ""), 0);
    assert_int_equal(world_queue(&w, "q", "durable", "x-max-length=1 x-overflow=reject-publish"),
                     0);
    assert_int_equal(publish(&w, "", "ann", 1), 0);
    assert_int_equal(publish(&w, "", "ann", 2), 0);
    world_settle(&w);
    assert_int_equal(w.publisher.told.rejected_count, 1);
    struct world_consumer c;
    assert_int_equal(world_consume_as(&w, w.visit, &c, "q", true), 0);
    world_settle(&w);
    assert_int_equal(publish(&w, "", "ann", 2), 0);
    world_settle(&w);
    assert_int_equal(c.count, 2);
    world_consumer_close(&c);
    end(&w);
}

/* A dead letter carries the headers it was published with, and is no second publish. */
static void test_dead_letters_are_not_taken_for_old_ones(void **state)
{
    struct broker_world w;

    (void)state;
    begin(&w);
    assert_int_equal(world_queue(&w, "dies", "durable",
                                 "x-message-ttl=5 x-dead-letter-exchange= "
                                 "x-dead-letter-routing-key=q"),
                     0);
    assert_int_equal(publish(&w, "", "ann", 10), 0); /* to q itself */
    const struct world_message m = {"", "dies",
                                    "persistent headers:x-publisher-id=ann x-publish-seq=5", "m"};
    assert_int_equal(world_publish_as(&w, &w.publisher, &m, NULL), 0);
    world_settle(&w);
    assert_int_equal(world_ready(&w, "q"), 2);
    restart(&w, true);
    const struct world_message n = {"", "dies",
                                    "persistent headers:x-publisher-id=ann x-publish-seq=20", "m"};
    assert_int_equal(world_publish_as(&w, &w.publisher, &n, NULL), 0);
    world_settle(&w);
    assert_int_equal(world_ready(&w, "q"), 3);
    restart(&w, true); /* nor does it count as one in the log */
    assert_int_equal(publish(&w, "", "ann", 11), 0);
    assert_int_equal(publish(&w, "", "ann", 11), 0);
    assert_int_equal(world_ready(&w, "q"), 4);
    end(&w);
}

static void test_memory_is_bounded(void **state)
{
    struct broker_world w;
    char name[16];

    (void)state;
    broker_world_init(&w);
    w.queues.publishers_max = 10;
    w.queues.publisher_memory_ms = 60000;
    broker_world_open(&w);
    assert_int_equal(world_queue(&w, "q", "durable", ""), 0);
    for (int i = 0; i < 20; i++) {
        snprintf(name, sizeof(name), "p%d", i);
        assert_int_equal(publish(&w, "", name, 1), 0);
    }
    world_settle(&w);
    restart(&w, true);
    for (int i = 19; i >= 10; i--) {
        snprintf(name, sizeof(name), "p%d", i);
        assert_int_equal(publish(&w, "", name, 1), 0);
    }
    assert_int_equal(world_ready(&w, "q"), 20);
    assert_int_equal(publish(&w, "", "p0", 1), 0); /* forgotten */
    assert_int_equal(world_ready(&w, "q"), 21);
    world_run_ms(&w, 61000);
    assert_int_equal(publish(&w, "", "new", 1), 0);
    assert_int_equal(publish(&w, "", "p0", 1), 0); /* too old */
    assert_int_equal(world_ready(&w, "q"), 23);
    end(&w);
}

static void test_what_is_refused(void **state)
{
    static const struct {
        const char *headers;
        const char *text;
    } rows[] = {
        {"headers:x-publisher-id=5 x-publish-seq=5",
         "invalid header 'x-publisher-id': it must be text of 1 to 255 bytes"},
        {"headers:x-publisher-id=p x-publish-seq=five",
         "invalid header 'x-publish-seq': it must be an integer, 0 or more"},
        {"headers:x-publisher-id=p",
         "header 'x-publisher-id' needs the header 'x-publish-seq' beside it"},
        {"headers:x-publish-seq=5",
         "header 'x-publish-seq' needs the header 'x-publisher-id' beside it"},
    };
    struct broker_world w;

    (void)state;
    begin(&w);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const struct world_message m = {"", "q", rows[i].headers, "m"};

        expect_refusal(&w.refusal, world_publish_as(&w, &w.publisher, &m, NULL),
                       REFUSE_PRECONDITION, rows[i].text);
    }
    end(&w);
}

/* ---- crashes ---- */

enum { MESSAGES = 10 };

/* Publishes all that is not confirmed, again and again, over crashes: each is there once. */
static void run_with_crashes(struct rand *rand, unsigned partitions)
{
    struct broker_world w;
    unsigned confirmed = 0;

    broker_world_init(&w);
    w.partition_count = partitions;
    broker_world_open(&w);
    assert_int_equal(world_queue(&w, "p", "durable", ""), 0);
    assert_int_equal(world_queue(&w, "q", "durable", ""), 0);
    assert_int_equal(world_bind(&w, "amq.fanout q", "", ""), 0);
    assert_int_equal(world_bind(&w, "amq.fanout p", "", ""), 0);
    assert_int_equal(world_wait(&w), 0);
    while (confirmed < MESSAGES) {
        unsigned sent = 0;

        if (rand_chance(rand, 3, 4))
            sim_disk_stop_at(w.disk, sim_disk_operations(w.disk) + 1 + rand_below(rand, 12), 0);
        for (unsigned i = confirmed; i < MESSAGES && publish(&w, "amq.fanout", "ann", i) == 0;
             i++) {
            sent++;
            world_run_ms(&w, rand_below(rand, 3));
        }
        world_run_ms(&w, 100);
        unsigned safe = (unsigned)w.publisher.told.confirmed;
        if (w.publisher.told.rejected_count > 0)
            safe = (unsigned)w.publisher.told.rejected[0] - 1;
        assert_true(safe <= sent);
        confirmed += safe;
        broker_world_crash_as(
            &w, &(struct sim_crash){.kind = SIM_CRASH_RANDOM, .seed = rand_next(rand)});
        broker_world_open(&w);
    }
    assert_int_equal(world_ready(&w, "q"), MESSAGES);
    assert_int_equal(world_ready(&w, "p"), MESSAGES);
    end(&w);
}

static void test_over_any_crashes_each_is_there_once(void **state)
{
    struct rand rand;

    (void)state;
    rand_init(&rand, test_seed());
    for (unsigned i = 0; i < test_share(60); i++)
        run_with_crashes(&rand, i % 3 == 0 ? 2 : 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_what_was_stored_is_confirmed_and_dropped),
        LEAK_CHECKED(test_a_dropped_one_is_confirmed_when_the_first_is_safe),
        LEAK_CHECKED(test_each_queue_remembers_by_itself),
        LEAK_CHECKED(test_what_was_refused_may_come_again),
        LEAK_CHECKED(test_dead_letters_are_not_taken_for_old_ones),
        LEAK_CHECKED(test_memory_is_bounded),
        LEAK_CHECKED(test_what_is_refused),
        LEAK_CHECKED(test_over_any_crashes_each_is_there_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
