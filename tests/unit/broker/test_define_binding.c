/* Tests of broker/define_binding: binding, unbinding, and what a new binding gets. */
#include "broker/define.h"

#include "tests/lib/broker_world.h"
#include "tests/lib/leaks.h"
#include "tests/unit/broker/refused.h"

static void begin(struct broker_world *w)
{
    broker_world_init(w);
    broker_world_open(w);
    assert_int_equal(world_queue(w, "q", "durable", ""), 0);
}

static void end(struct broker_world *w)
{
    broker_world_close(w);
    broker_world_release(w);
}

static void test_what_is_bound_gets_messages_until_it_is_unbound(void **state)
{
    struct broker_world w;

    (void)state;
    begin(&w);
    assert_int_equal(world_bind(&w, "amq.topic q", "a.*", "b=1 a=2"), 0);
    assert_int_equal(world_bind(&w, "amq.topic q", "a.*", "a=2 b=1"), 0); /* the same */
    world_publish(&w, "amq.topic", "a.b", "one");
    assert_int_equal(world_ready(&w, "q"), 1);
    assert_int_equal(world_unbind(&w, "amq.topic q", "a.*", ""), 0); /* another one: not there */
    world_publish(&w, "amq.topic", "a.b", "two");
    assert_int_equal(world_ready(&w, "q"), 2);
    assert_int_equal(world_unbind(&w, "amq.topic q", "a.*", "a=2 b=1"), 0);
    world_publish(&w, "amq.topic", "a.b", "three");
    assert_int_equal(world_ready(&w, "q"), 2);
    end(&w);
}

static void test_exchanges_are_bound_to_exchanges(void **state)
{
    struct broker_world w;

    (void)state;
    begin(&w);
    assert_int_equal(world_exchange(&w, "x", "fanout internal", ""), 0);
    assert_int_equal(world_bind(&w, "amq.direct @x", "k", ""), 0);
    assert_int_equal(world_bind(&w, "x @amq.direct", "", ""), 0); /* a circle */
    assert_int_equal(world_bind(&w, "x q", "", ""), 0);
    world_publish(&w, "amq.direct", "k", "one");
    assert_int_equal(world_ready(&w, "q"), 1);
    end(&w);
}

static void test_bad_bindings_are_refused(void **state)
{
    static const struct {
        const char *ends;
        const char *key;
        const char *arguments;
        enum refusal_code code;
        const char *text;
    } rows[] = {
        {"none q", "", "", REFUSE_NOT_FOUND, "no exchange 'none' in vhost '/'"},
        {"amq.direct none", "", "", REFUSE_NOT_FOUND, "no queue 'none' in vhost '/'"},
        {"amq.direct @none", "", "", REFUSE_NOT_FOUND, "no exchange 'none' in vhost '/'"},
        {" q", "", "", REFUSE_ACCESS, "operation not permitted on the default exchange"},
        {"amq.direct @", "", "", REFUSE_ACCESS, "operation not permitted on the default exchange"},
        {"amq.direct amq.rabbitmq.reply-to", "", "", REFUSE_ACCESS,
         "operation not permitted on queue 'amq.rabbitmq.reply-to'"},
        {"amq.headers q", "", "x-match=maybe", REFUSE_PRECONDITION,
         "Invalid x-match field value <<\"maybe\">>; expected all, any, all-with-x, or any-with-x"},
    };
    struct broker_world w;

    (void)state;
    begin(&w);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        expect_refusal(&w.refusal, world_bind(&w, rows[i].ends, rows[i].key, rows[i].arguments),
                       rows[i].code, rows[i].text);
    end(&w);
}

static void test_unbinding_what_is_not_there_is_no_error(void **state)
{
    struct broker_world w;

    (void)state;
    begin(&w);
    assert_int_equal(world_unbind(&w, "none q", "", ""), 0);
    assert_int_equal(world_unbind(&w, "amq.direct none", "", ""), 0);
    assert_int_equal(world_unbind(&w, "amq.direct @none", "", ""), 0);
    assert_int_equal(world_unbind(&w, "amq.direct q", "k", ""), 0);
    expect_refusal(&w.refusal, world_unbind(&w, " q", "", ""), REFUSE_ACCESS,
                   "operation not permitted on the default exchange");
    end(&w);
}

static void test_a_new_binding_gets_the_recent_history(void **state)
{
    struct broker_world w;
    struct world_consumer c;

    (void)state;
    begin(&w);
    assert_int_equal(world_exchange(&w, "x", "x-recent-history", "x-recent-history-length=i:2"), 0);
    for (int i = 0; i < 4; i++)
        world_publish(&w, "x", "", (const char *[]){"a", "b", "c", "d"}[i]);
    assert_int_equal(world_bind(&w, "x q", "", ""), 0);
    assert_int_equal(world_bind(&w, "x q", "", ""), 0); /* not new */
    assert_int_equal(world_queue(&w, "p", "", ""), 0);
    assert_int_equal(world_exchange(&w, "y", "fanout", ""), 0);
    assert_int_equal(world_bind(&w, "y p", "", ""), 0);
    assert_int_equal(world_bind(&w, "x @y", "", ""), 0);
    assert_int_equal(world_ready(&w, "q"), 2);
    assert_int_equal(world_ready(&w, "p"), 2);
    assert_int_equal(world_consume_as(&w, w.visit, &c, "q", true), 0);
    world_settle(&w);
    assert_int_equal(c.count, 2);
    assert_string_equal(c.bodies[0], "c");
    assert_string_equal(c.bodies[1], "d");
    world_consumer_close(&c);
    assert_int_equal(world_delete_exchange(&w, "x", ""), 0);
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_what_is_bound_gets_messages_until_it_is_unbound),
        LEAK_CHECKED(test_exchanges_are_bound_to_exchanges),
        LEAK_CHECKED(test_bad_bindings_are_refused),
        LEAK_CHECKED(test_unbinding_what_is_not_there_is_no_error),
        LEAK_CHECKED(test_a_new_binding_gets_the_recent_history),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
