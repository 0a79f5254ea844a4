/* Tests of broker/look: what is there is told, over turns in which things come and go. */
#include "broker/look.h"

#include <string.h>

#include "broker/admin.h"
#include "broker/counters.h"
#include "queue/queue_args.h"
#include "tests/lib/broker_world.h"
#include "tests/lib/leaks.h"

static struct bytes all(void)
{
    return bytes_of(NULL, 0);
}

static void assert_bytes(struct bytes b, const char *text)
{
    assert_int_equal(b.size, strlen(text));
    assert_memory_equal(b.data == NULL ? (const uint8_t *)"" : b.data, text, b.size);
}

static void test_queues_are_told_with_what_they_hold(void **state)
{
    struct broker_world w;
    struct look_queue q;

    (void)state;
    broker_world_init(&w);
    broker_world_open(&w);
    assert_int_equal(world_queue(&w, "a", "durable", "x-max-length=5"), 0);
    world_publish(&w, "", "a", "hello");
    world_settle(&w);
    assert_true(look_find_queue(w.broker, bytes_text("/"), bytes_text("a"), &q));
    assert_bytes(q.name, "a");
    assert_bytes(q.vhost, "/");
    assert_true(q.is_durable);
    assert_int_equal(q.stats.ready, 1);
    assert_int_equal(q.args->max_length, 5);
    assert_false(look_find_queue(w.broker, bytes_text("/"), bytes_text("b"), &q));
    assert_false(look_find_queue(w.broker, bytes_text("none"), bytes_text("a"), &q));
    broker_world_close(&w);
    broker_world_release(&w);
}

static void test_a_look_goes_on_when_its_place_is_taken_away(void **state)
{
    struct broker_world w;
    struct look at;
    struct look_queue q;

    (void)state;
    broker_world_init(&w);
    broker_world_open(&w);
    assert_int_equal(world_queue(&w, "a", "durable", ""), 0);
    assert_int_equal(world_queue(&w, "b", "durable", ""), 0);
    assert_int_equal(world_queue(&w, "c", "durable", ""), 0);
    look_open(&at, w.broker, LOOK_QUEUES, bytes_text("/"));
    assert_true(look_queue(&at, &q));
    assert_bytes(q.name, "a");
    assert_int_equal(world_delete(&w, "b", ""), 0);
    world_settle(&w);
    assert_true(look_queue(&at, &q));
    assert_bytes(q.name, "c");
    assert_false(look_queue(&at, &q));
    look_close(&at);
    look_close(&at);
    broker_world_close(&w);
    broker_world_release(&w);
}

static void test_exchanges_and_bindings_are_told(void **state)
{
    struct broker_world w;
    struct look at;
    struct look_exchange x;
    struct look_binding bound;
    const struct look_end end = {bytes_text("/"), bytes_text("q"), LOOK_TO_QUEUE};
    size_t count = 0;

    (void)state;
    broker_world_init(&w);
    broker_world_open(&w);
    assert_int_equal(world_queue(&w, "q", "durable", ""), 0);
    assert_int_equal(world_exchange(&w, "x", "topic durable", ""), 0);
    assert_int_equal(world_bind(&w, "x q", "k.#", "a=1"), 0);
    assert_int_equal(world_bind(&w, "amq.fanout @x", "", ""), 0);
    look_open(&at, w.broker, LOOK_EXCHANGES, all());
    while (look_exchange(&at, &x))
        count++;
    assert_int_equal(count, 8); /* with the default one */
    look_close(&at);
    look_open(&at, w.broker, LOOK_BINDINGS, all());
    assert_true(look_binding(&at, &bound));
    assert_bytes(bound.source, "amq.fanout");
    assert_true(bound.is_to_exchange);
    assert_true(look_binding(&at, &bound));
    assert_bytes(bound.destination, "q");
    assert_bytes(bound.key, "k.#");
    assert_int_equal(table_count(bound.arguments), 1);
    assert_false(look_binding(&at, &bound));
    look_close(&at);
    assert_non_null(look_binding_of(w.broker, &end, NULL, &bound));
    assert_bytes(bound.source, "x");
    world_publish(&w, "x", "k.1", "m");
    world_publish(&w, "x", "j.1", "m");
    assert_true(look_find_exchange(w.broker, bytes_text("/"), bytes_text("x"), &x));
    assert_int_equal(x.published_in, 2);
    assert_int_equal(x.published_out, 1);
    broker_world_close(&w);
    broker_world_release(&w);
}

static void test_permissions_that_go_are_passed_over(void **state)
{
    const struct permission p = {bytes_text("c"), bytes_text("w"), bytes_text("r")};
    const char *const names[] = {"ann", "bob", "eve"};
    struct broker_world w;
    struct look at;
    struct look_permission told;
    struct look_user user;

    (void)state;
    broker_world_init(&w);
    broker_world_open(&w);
    for (size_t i = 0; i < 3; i++) {
        const struct admin_user u = {
            .name = bytes_text(names[i]), .has_password = true, .password = bytes_text("p")};

        assert_int_equal(admin_put_user(w.broker, &u, &w.note), 0);
        assert_int_equal(admin_put_permission(w.broker, u.name, bytes_text("/"), &p, &w.note), 0);
    }
    look_open(&at, w.broker, LOOK_PERMISSIONS, bytes_text("/"));
    assert_true(look_permission(&at, &told));
    assert_bytes(told.user, "guest");
    assert_int_equal(admin_clear_permission(w.broker, bytes_text("ann"), bytes_text("/"), &w.note),
                     0);
    assert_int_equal(admin_delete_user(w.broker, bytes_text("bob"), &w.note), 0);
    assert_true(look_permission(&at, &told));
    assert_bytes(told.user, "eve");
    assert_bytes(told.permission.write, "w");
    assert_false(look_permission(&at, &told));
    look_close(&at);
    assert_true(look_find_user(w.broker, bytes_text("guest"), &user));
    assert_int_equal(user.connections, 1);
    assert_false(look_find_user(w.broker, bytes_text("bob"), &user));
    broker_world_close(&w);
    broker_world_release(&w);
}

static void test_topic_permissions_are_told(void **state)
{
    const struct topic_permission p = {bytes_text("/"), bytes_text("amq.topic"), bytes_text("w"),
                                       bytes_text("r")};
    struct topic_permission q = p;
    struct broker_world w;
    struct look at;
    struct look_topic_permission told;

    (void)state;
    q.exchange = bytes_text("x");
    broker_world_init(&w);
    broker_world_open(&w);
    assert_int_equal(admin_put_topic_permission(w.broker, bytes_text("guest"), &p, &w.note), 0);
    assert_int_equal(admin_put_topic_permission(w.broker, bytes_text("guest"), &q, &w.note), 0);
    look_open(&at, w.broker, LOOK_TOPIC_PERMISSIONS, all());
    assert_true(look_topic_permission(&at, &told));
    assert_bytes(told.permission.exchange, "amq.topic");
    assert_true(look_topic_permission(&at, &told));
    assert_bytes(told.permission.exchange, "x");
    assert_false(look_topic_permission(&at, &told));
    look_close(&at);
    look_open(&at, w.broker, LOOK_TOPIC_PERMISSIONS, all());
    assert_int_equal(admin_clear_topic_permission(w.broker, bytes_text("guest"), bytes_text("/"),
                                                  bytes_text("amq.topic"), &w.note),
                     0);
    assert_true(look_topic_permission(&at, &told));
    assert_bytes(told.permission.exchange, "x");
    look_close(&at);
    broker_world_close(&w);
    broker_world_release(&w);
}

static void test_what_happens_is_counted(void **state)
{
    static struct world_consumer c;
    struct broker_world w;
    struct broker_counters n;
    bool is_routed = false;

    (void)state;
    broker_world_init(&w);
    broker_world_open(&w);
    assert_int_equal(world_queue(&w, "q", "durable", ""), 0);
    assert_int_equal(world_consume_as(&w, w.visit, &c, "q", true), 0);
    world_publish(&w, "", "q", "hello");
    assert_int_equal(
        world_publish_as(&w, &w.publisher,
                         &(struct world_message){
                             .exchange = "amq.direct", .key = "none", .props = "", .body = "m"},
                         &is_routed),
        0);
    world_settle(&w);
    broker_get_counters(w.broker, &n);
    assert_int_equal(n.received, 2);
    assert_int_equal(n.received_confirm, 2);
    assert_int_equal(n.routed, 1);
    assert_int_equal(n.confirmed, 2);
    assert_int_equal(n.rejected, 0);
    assert_int_equal(n.unroutable_dropped + n.unroutable_returned, 1);
    assert_int_equal(n.size_counts[0], 2);
    assert_int_equal(n.size_sum, 6);
    assert_int_equal(n.queues.delivered_no_ack, 1);
    assert_int_equal(n.queues_created, 1);
    world_consumer_close(&c);
    broker_world_close(&w);
    broker_world_release(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_queues_are_told_with_what_they_hold),
        LEAK_CHECKED(test_a_look_goes_on_when_its_place_is_taken_away),
        LEAK_CHECKED(test_exchanges_and_bindings_are_told),
        LEAK_CHECKED(test_permissions_that_go_are_passed_over),
        LEAK_CHECKED(test_topic_permissions_are_told),
        LEAK_CHECKED(test_what_happens_is_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
