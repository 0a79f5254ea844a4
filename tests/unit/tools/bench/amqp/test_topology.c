/* Tests of tools/bench/amqp/topology.h: the lanes cover what producers send, once. */
#include "tools/bench/amqp/topology.h"

#include <string.h>

#include "tests/lib/test.h"

enum { SEQUENCES = 200 };

static struct workload workload_of(int64_t producers, int64_t queues, int exchange)
{
    struct workload w = {0};

    setting_defaults(workload_settings, &w);
    w.producers = producers;
    w.queues = queues;
    w.consumers = queues;
    w.exchange = exchange;
    return w;
}

/* How many queues expect this message. */
static uint32_t takers(const struct topology *t, uint32_t producer, uint64_t sequence,
                       uint32_t *last)
{
    uint32_t count = 0;

    for (uint32_t q = 0; q < (uint32_t)t->work->queues; q++) {
        struct topology_lane lane = topology_lane(t, q, producer);

        if (lane.step > 0 && sequence >= lane.first && (sequence - lane.first) % lane.step == 0) {
            count++;
            *last = q;
        }
    }
    return count;
}

/* Each message goes to the one queue that its key names. */
static void expect_one_taker(int64_t producers, int64_t queues)
{
    struct workload w = workload_of(producers, queues, EXCHANGE_DEFAULT);
    struct topology t = {.work = &w, .run = 0x123456};

    for (uint32_t p = 0; p < (uint32_t)producers; p++) {
        uint32_t routes = topology_route_count(&t, p);

        for (uint64_t s = 0; s < SEQUENCES; s++) {
            struct topology_name key = topology_route_key(&t, p, (uint32_t)(s % routes));
            uint32_t queue = 0;

            assert_int_equal(takers(&t, p, s, &queue), 1);
            assert_string_equal(key.text, topology_queue(&t, queue).text);
        }
    }
}

static void test_without_a_fan_each_message_has_one_queue(void **state)
{
    (void)state;
    expect_one_taker(1, 1);
    expect_one_taker(1, 7);
    expect_one_taker(7, 1);
    expect_one_taker(3, 7);
    expect_one_taker(7, 3);
    expect_one_taker(20, 100);
    expect_one_taker(5, 5);
}

static void test_every_queue_has_a_producer(void **state)
{
    struct workload w = workload_of(3, 7, EXCHANGE_DIRECT);
    struct topology t = {.work = &w, .run = 1};
    uint32_t routes = 0;

    (void)state;
    for (uint32_t p = 0; p < 3; p++)
        routes += topology_route_count(&t, p);
    assert_int_equal(routes, 7);
}

static void test_a_fan_reaches_every_queue(void **state)
{
    static const int kinds[] = {EXCHANGE_FANOUT, EXCHANGE_TOPIC, EXCHANGE_HEADERS};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        struct workload w = workload_of(2, 5, kinds[i]);
        struct topology t = {.work = &w, .run = 1};
        uint32_t last = 0;

        assert_int_equal(takers(&t, 0, 3, &last), 5);
        assert_int_equal(takers(&t, 1, 0, &last), 5);
    }
}

static void test_names_of_two_runs_do_not_meet(void **state)
{
    struct workload w = workload_of(1, 1, EXCHANGE_FANOUT);
    struct topology a = {.work = &w, .run = 1}, b = {.work = &w, .run = 2};

    (void)state;
    assert_string_not_equal(topology_queue(&a, 0).text, topology_queue(&b, 0).text);
    assert_string_not_equal(topology_exchange(&a).text, topology_exchange(&b).text);
    w.exchange = EXCHANGE_DEFAULT;
    assert_string_equal(topology_exchange(&a).text, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_a_fan_each_message_has_one_queue),
        cmocka_unit_test(test_every_queue_has_a_producer),
        cmocka_unit_test(test_a_fan_reaches_every_queue),
        cmocka_unit_test(test_names_of_two_runs_do_not_meet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
