/* Tests of broker/define_queue: every rule of declaring and deleting, with its text. */
#include "broker/define.h"

#include <string.h>

#include "tests/lib/broker_world.h"
#include "tests/lib/leaks.h"
#include "tests/unit/broker/refused.h"

static void begin(struct broker_world *w)
{
    broker_world_init(w);
    broker_world_open(w);
}

static void end(struct broker_world *w)
{
    broker_world_close(w);
    broker_world_release(w);
}

static void refused(const struct broker_world *w, int rv, enum refusal_code code, const char *text)
{
    expect_refusal(&w->refusal, rv, code, text);
}

static void test_a_queue_is_declared_and_found_again(void **state)
{
    struct broker_world w;

    (void)state;
    begin(&w);
    assert_int_equal(world_queue(&w, "q", "durable", "x-max-length=i:10"), 0);
    assert_true(bytes_equal(w.defined.name, bytes_text("q")));
    assert_int_equal(w.defined.ready + w.defined.consumers, 0);
    assert_int_equal(world_queue(&w, "q", "durable", "x-max-length=10"), 0); /* of another width */
    assert_int_equal(world_queue(&w, "q", "passive", ""), 0);
    assert_int_equal(world_queue(&w, "\rq\n", "durable", "x-max-length=10"), 0);
    assert_int_equal(world_queue(&w, "q\n", "passive", ""), 0);
    end(&w);
}

static void test_redeclaring_with_a_difference_is_refused(void **state)
{
    static const struct {
        const char *flags;
        const char *arguments;
        enum refusal_code code;
        const char *text;
    } rows[] = {
        {"", "x-max-length=10", REFUSE_PRECONDITION,
         "inequivalent arg 'durable' for queue 'q' in vhost '/': received 'false' but current is "
         "'true'"},
        {"durable auto-delete", "x-max-length=10", REFUSE_PRECONDITION,
         "inequivalent arg 'auto_delete' for queue 'q' in vhost '/': received 'true' but current "
         "is 'false'"},
        {"durable", "", REFUSE_PRECONDITION,
         "inequivalent arg 'x-max-length' for queue 'q' in vhost '/': received none but current is "
         "the value '10' of type 'long'"},
        {"durable", "x-max-length=i:11", REFUSE_PRECONDITION,
         "inequivalent arg 'x-max-length' for queue 'q' in vhost '/': received '11' but current is "
         "'10'"},
        {"durable exclusive", "x-max-length=10", REFUSE_LOCKED,
         "cannot obtain exclusive access to locked queue 'q' in vhost '/'. It could be originally "
         "declared on another connection or the exclusive property value does not match that of "
         "the original declaration."},
    };
    struct broker_world w;

    (void)state;
    begin(&w);
    assert_int_equal(world_queue(&w, "q", "durable", "x-max-length=10"), 0);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        refused(&w, world_queue(&w, "q", rows[i].flags, rows[i].arguments), rows[i].code,
                rows[i].text);
    end(&w);
}

static void test_bad_declarations_are_refused(void **state)
{
    static const struct {
        const char *name;
        const char *flags;
        const char *arguments;
        enum refusal_code code;
        const char *text;
    } rows[] = {
        {"amq.foo", "", "", REFUSE_ACCESS, "queue name 'amq.foo' contains reserved prefix 'amq.*'"},
        {"nothing", "passive", "", REFUSE_NOT_FOUND, "no queue 'nothing' in vhost '/'"},
        {"q", "", "x-dead-letter-exchange=i:5", REFUSE_PRECONDITION,
         "invalid type 'signedint' for arg 'x-dead-letter-exchange' in queue 'q' in vhost '/'"},
        {"q", "", "x-expires=i:0", REFUSE_PRECONDITION,
         "invalid arg 'x-expires' for queue 'q' in vhost '/': {value_zero,0}"},
        {"", "", "x-name-prefix=amq.mine", REFUSE_ACCESS,
         "queue name 'amq.mine' contains reserved prefix 'amq.*'"},
        {"", "", "x-name-prefix=i:5", REFUSE_PRECONDITION,
         "invalid arg 'x-name-prefix' for queue '' in vhost '/': {unacceptable_type,signedint}"},
        {"q", "durable", "x-colocate=i:5", REFUSE_PRECONDITION,
         "invalid arg 'x-colocate' for queue 'q' in vhost '/': {unacceptable_type,signedint}"},
        {"q", "durable", "x-colocate=none", REFUSE_PRECONDITION,
         "invalid arg 'x-colocate' for queue 'q' in vhost '/': there is no queue 'none'; declare "
         "it first"},
        {"amq.rabbitmq.reply-to.AAAA", "", "", REFUSE_NOT_FOUND,
         "no queue 'amq.rabbitmq.reply-to.AAAA' in vhost '/'"},
    };
    struct broker_world w;

    (void)state;
    begin(&w);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        refused(&w, world_queue(&w, rows[i].name, rows[i].flags, rows[i].arguments), rows[i].code,
                rows[i].text);
    assert_int_equal(world_queue(&w, "q", "passive", ""), ERR_DENIED); /* nothing was made */
    end(&w);
}

static void test_queues_are_neighbours_when_they_ask_for_it(void **state)
{
    struct broker_world w;

    (void)state;
    broker_world_init(&w);
    w.partition_count = 3;
    broker_world_open(&w);
    assert_int_equal(world_queue(&w, "a", "durable", ""), 0);
    assert_int_equal(world_queue(&w, "b", "durable", ""), 0);
    assert_int_equal(world_queue(&w, "beside-b", "durable", "x-colocate=b"), 0);
    assert_int_equal(world_queue(&w, "beside-a", "", "x-colocate=a"), 0);
    assert_int_equal(world_queue(&w, "beside-b", "durable", "x-colocate=b"), 0);
    assert_int_equal(world_queue(&w, "beside-b", "durable", ""), 0);
    refused(&w, world_queue(&w, "beside-b", "durable", "x-colocate=a"), REFUSE_PRECONDITION,
            "inequivalent arg 'x-colocate' for queue 'beside-b' in vhost '/': queue 'a' is on "
            "another partition");
    assert_int_equal(world_delete(&w, "b", ""), 0);
    assert_int_equal(world_queue(&w, "beside-b", "durable", "x-colocate=b"), 0);
    end(&w);
}

static void test_the_broker_makes_names_that_differ(void **state)
{
    struct broker_world w;
    char first[64];

    (void)state;
    begin(&w);
    assert_int_equal(world_queue(&w, "", "exclusive", ""), 0);
    assert_int_equal(w.defined.name.size, strlen("amq.gen-") + 22);
    assert_memory_equal(w.defined.name.data, "amq.gen-", 8);
    memcpy(first, w.defined.name.data, w.defined.name.size);
    assert_int_equal(world_queue(&w, "", "exclusive", ""), 0);
    assert_memory_not_equal(w.defined.name.data, first, w.defined.name.size);
    assert_int_equal(world_queue(&w, "", "", "x-name-prefix=mine"), 0);
    assert_int_equal(w.defined.name.size, strlen("mine-") + 22);
    assert_memory_equal(w.defined.name.data, "mine-", 5);
    end(&w);
}

static void test_the_reply_queue_is_only_looked_at(void **state)
{
    struct broker_world w;

    (void)state;
    begin(&w);
    assert_int_equal(world_queue(&w, "amq.rabbitmq.reply-to", "durable", ""), 0);
    assert_int_equal(w.defined.ready, 0);
    assert_int_equal(w.defined.consumers, 1);
    end(&w);
}

static void test_an_exclusive_queue_is_its_visitors_and_ends_with_him(void **state)
{
    const char *locked = "cannot obtain exclusive access to locked queue 'mine' in vhost '/'. It "
                         "could be originally declared on another connection or the exclusive "
                         "property value does not match that of the original declaration.";
    struct broker_world w;
    struct visit *other = NULL;
    struct world_consumer c;
    uint64_t count = 0;

    (void)state;
    begin(&w);
    other = world_visit(&w, visit_user(w.visit));
    assert_int_equal(world_queue_as(&w, other, "mine", "durable exclusive", ""), 0);
    assert_int_equal(world_queue_as(&w, other, "mine", "exclusive", ""), 0); /* durable: ignored */
    assert_int_equal(world_queue_as(&w, other, "mine", "passive", ""), 0);
    refused(&w, world_queue(&w, "mine", "exclusive", ""), REFUSE_LOCKED, locked);
    refused(&w, world_queue(&w, "mine", "passive", ""), REFUSE_LOCKED, locked);
    refused(&w, world_delete(&w, "mine", ""), REFUSE_LOCKED, locked);
    refused(&w, world_bind(&w, "amq.direct mine", "k", ""), REFUSE_LOCKED, locked);
    refused(&w, world_unbind(&w, "amq.direct mine", "k", ""), REFUSE_LOCKED, locked);
    refused(&w, world_consume_as(&w, w.visit, &c, "mine", true), REFUSE_LOCKED, locked);
    refused(&w, broker_purge(w.visit, bytes_text("mine"), &count, &w.refusal), REFUSE_LOCKED,
            locked);
    world_publish(&w, "", "mine", "x"); /* anybody may */
    assert_int_equal(world_wait(&w), 0);
    visit_end(other);
    refused(&w, world_queue(&w, "mine", "passive", ""), REFUSE_NOT_FOUND,
            "no queue 'mine' in vhost '/'");
    end(&w);
}

static void test_who_looks_at_a_queue_extends_its_life(void **state)
{
    struct broker_world w;

    (void)state;
    begin(&w);
    assert_int_equal(world_queue(&w, "q", "", "x-expires=i:1000"), 0);
    for (unsigned i = 0; i < 3; i++) {
        world_run_ms(&w, 750);
        assert_int_equal(world_queue(&w, "q", "passive", ""), 0);
    }
    world_run_ms(&w, 1010);
    refused(&w, world_queue(&w, "q", "passive", ""), REFUSE_NOT_FOUND, "no queue 'q' in vhost '/'");
    end(&w);
}

static void test_deleting(void **state)
{
    struct broker_world w;
    struct world_consumer c;

    (void)state;
    begin(&w);
    assert_int_equal(world_delete(&w, "q", "if-unused if-empty"), 0); /* it is not there */
    assert_int_equal(w.defined.ready, 0);
    assert_int_equal(world_queue(&w, "q", "durable", ""), 0);
    world_publish(&w, "", "q", "one");
    world_publish(&w, "", "q", "two");
    refused(&w, world_delete(&w, "q", "if-empty"), REFUSE_PRECONDITION,
            "queue 'q' in vhost '/' not empty");
    assert_int_equal(world_delete(&w, "q", "if-unused"), 0);
    assert_int_equal(w.defined.ready, 2);
    assert_int_equal(world_queue(&w, "q", "durable", ""), 0);
    assert_int_equal(w.defined.ready, 0); /* another one */
    assert_int_equal(world_consume_as(&w, w.visit, &c, "q", true), 0);
    refused(&w, world_delete(&w, "q", "if-unused"), REFUSE_PRECONDITION,
            "queue 'q' in vhost '/' in use");
    refused(&w, world_delete(&w, "q", "if-unused if-empty"), REFUSE_PRECONDITION,
            "queue 'q' in vhost '/' in use");
    assert_int_equal(world_delete(&w, "q", ""), 0);
    assert_true(c.is_cancelled);
    world_settle(&w);
    end(&w);
}

static void test_an_auto_delete_queue_goes_with_its_last_consumer(void **state)
{
    struct broker_world w;
    struct world_consumer c[2];

    (void)state;
    begin(&w);
    assert_int_equal(world_queue(&w, "q", "auto-delete", ""), 0);
    assert_int_equal(world_queue(&w, "p", "auto-delete durable", ""), 0);
    world_settle(&w);
    assert_int_equal(world_queue(&w, "q", "passive", ""), 0); /* nobody was there yet */
    assert_int_equal(world_consume_as(&w, w.visit, &c[0], "q", true), 0);
    assert_int_equal(world_consume_as(&w, w.visit, &c[1], "q", true), 0);
    world_consumer_close(&c[0]);
    world_settle(&w);
    assert_int_equal(world_queue(&w, "q", "passive", ""), 0);
    world_consumer_close(&c[1]);
    world_settle(&w);
    assert_int_equal(world_queue(&w, "q", "passive", ""), ERR_DENIED);
    assert_int_equal(world_queue(&w, "p", "passive", ""), 0);
    end(&w);
}

static void test_a_virtual_host_may_have_a_limit_of_queues(void **state)
{
    struct broker_world w;

    (void)state;
    begin(&w);
    w.options.queues_max = 2;
    assert_int_equal(world_queue(&w, "a", "", ""), 0);
    assert_int_equal(world_queue(&w, "b", "", ""), 0);
    refused(&w, world_queue(&w, "c", "", ""), REFUSE_PRECONDITION,
            "cannot declare queue 'c': queue limit in vhost '/' (2) is reached");
    assert_int_equal(world_queue(&w, "b", "", ""), 0); /* is there */
    assert_int_equal(world_delete(&w, "b", ""), 0);
    assert_int_equal(world_queue(&w, "c", "", ""), 0);
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_a_queue_is_declared_and_found_again),
        LEAK_CHECKED(test_redeclaring_with_a_difference_is_refused),
        LEAK_CHECKED(test_bad_declarations_are_refused),
        LEAK_CHECKED(test_queues_are_neighbours_when_they_ask_for_it),
        LEAK_CHECKED(test_the_broker_makes_names_that_differ),
        LEAK_CHECKED(test_the_reply_queue_is_only_looked_at),
        LEAK_CHECKED(test_an_exclusive_queue_is_its_visitors_and_ends_with_him),
        LEAK_CHECKED(test_who_looks_at_a_queue_extends_its_life),
        LEAK_CHECKED(test_deleting),
        LEAK_CHECKED(test_an_auto_delete_queue_goes_with_its_last_consumer),
        LEAK_CHECKED(test_a_virtual_host_may_have_a_limit_of_queues),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
