/* Tests of exchange/flow.c: which queues got the messages of an exchange. */
#include "exchange/flow.h"

#include <stdio.h>

#include "exchange/parts.h"
#include "tests/lib/board.h"
#include "tests/lib/leaks.h"

static struct board b;

static void publish(const char *exchange, const char *key)
{
    const struct bytes keys[] = {bytes_text(key)};
    const struct route_view view = {.keys = keys, .key_count = 1};
    struct exchange *x = board_find(&b, exchange);
    struct route route;

    route_message(b.table, x, &view, &route);
    exchange_count_route(x, &route);
}

static uint64_t count_of(const char *exchange, const char *queue)
{
    return exchange_count_of(board_find(&b, exchange), board_queue_id(&b, queue));
}

static void test_each_queue_is_counted(void **state)
{
    struct exchange_flow flows[4];

    (void)state;
    board_init(&b, NULL);
    board_queue(&b, "q");
    board_queue(&b, "r");
    board_queue(&b, "never");
    board_bind(&b, "amq.direct", "q", "both", "");
    board_bind(&b, "amq.direct", "r", "both", "");
    board_bind(&b, "amq.direct", "r", "one", "");
    assert_int_equal(exchange_flows(board_find(&b, "amq.direct"), flows, 4), 0);
    for (int i = 0; i < 10; i++) {
        publish("amq.direct", "both");
        publish("amq.direct", "one");
        publish("amq.direct", "nowhere");
    }
    assert_int_equal(count_of("amq.direct", "q"), 10);
    assert_int_equal(count_of("amq.direct", "r"), 20);
    assert_int_equal(count_of("amq.direct", "never"), 0);
    assert_int_equal(exchange_flows(board_find(&b, "amq.direct"), flows, 4), 2);
    assert_int_equal(flows[0].count + flows[1].count, 30);
    assert_int_equal(exchange_flows(board_find(&b, "amq.direct"), flows, 1), 1);
    board_release(&b);
}

/* More sets than there are places for. */
static void test_many_keys_are_counted(void **state)
{
    char name[16];

    (void)state;
    board_init(&b, NULL);
    board_queue(&b, "all");
    board_bind(&b, "amq.topic", "all", "#", "");
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof(name), "q%d", i);
        board_queue(&b, name);
        board_bind(&b, "amq.topic", name, name, "");
    }
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof(name), "q%d", i * 7 % 100);
        publish("amq.topic", name);
    }
    assert_int_equal(count_of("amq.topic", "all"), 1000);
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof(name), "q%d", i);
        assert_int_equal(count_of("amq.topic", name), 10);
    }
    board_release(&b);
}

/* Keys that come and go for ever leave nothing behind. */
static void test_queues_that_are_gone_are_left_out(void **state)
{
    struct exchange_flow flows[4];

    (void)state;
    board_init(&b, NULL);
    board_queue(&b, "stays");
    board_bind(&b, "amq.fanout", "stays", "", "");
    for (int i = 0; i < 5000; i++) {
        board_queue(&b, "comes");
        board_bind(&b, "amq.fanout", "comes", "", "");
        publish("amq.fanout", "");
        exchange_count_queue(board_find(&b, ""), board_queue_id(&b, "comes"), 3);
        if (i == 4999)
            assert_int_equal(exchange_count_of(board_find(&b, ""), board_queue_id(&b, "comes")), 3);
        board_remove_queue(&b, "comes");
    }
    publish("amq.fanout", "");
    assert_int_equal(count_of("amq.fanout", "stays"), 5001);
    assert_int_equal(exchange_flows(board_find(&b, "amq.fanout"), flows, 4), 1);
    assert_int_equal(exchange_flows(board_find(&b, ""), flows, 4), 0);
    board_release(&b);
}

/* Of a route that is not remembered, and of a queue that is not known. */
static void test_routes_that_are_not_interned_are_counted(void **state)
{
    const struct bytes keys[] = {bytes_text("q"), bytes_text("r")};
    const struct route_view view = {.keys = keys, .key_count = 2};
    struct route route;

    (void)state;
    board_init(&b, NULL);
    board_queue(&b, "q");
    board_queue(&b, "r");
    route_message(b.table, board_find(&b, ""), &view, &route);
    assert_null(route.set);
    exchange_count_route(board_find(&b, ""), &route);
    exchange_count_route(board_find(&b, ""), &route);
    exchange_count_queue(board_find(&b, ""), UINT64_C(1) << 60, 5);
    assert_int_equal(count_of("", "q"), 2);
    assert_int_equal(count_of("", "r"), 2);
    assert_int_equal(exchange_count_of(board_find(&b, ""), UINT64_C(1) << 60), 0);
    board_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_each_queue_is_counted),
        LEAK_CHECKED(test_many_keys_are_counted),
        LEAK_CHECKED(test_queues_that_are_gone_are_left_out),
        LEAK_CHECKED(test_routes_that_are_not_interned_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
