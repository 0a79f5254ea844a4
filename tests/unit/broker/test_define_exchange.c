/* Tests of broker/define_exchange: every rule of declaring and deleting, with its text. */
#include "broker/define.h"

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

static void test_an_exchange_is_declared_and_found_again(void **state)
{
    struct broker_world w;

    (void)state;
    begin(&w);
    assert_int_equal(world_exchange(&w, "x", "topic durable", "alternate-exchange=ae"), 0);
    assert_int_equal(world_exchange(&w, "x", "topic durable", "alternate-exchange=ae x-more=1"), 0);
    assert_int_equal(world_exchange(&w, "x\r\n", "topic durable", "alternate-exchange=ae"), 0);
    assert_int_equal(world_exchange(&w, "x", "nonsense passive", ""), 0);
    assert_int_equal(world_exchange(&w, "amq.topic", "topic durable", ""), 0);
    end(&w);
}

static void test_what_is_there_in_each_virtual_host(void **state)
{
    static const char *const names[] = {"amq.direct",  "amq.fanout", "amq.topic",
                                        "amq.headers", "amq.match",  "amq.rabbitmq.trace"};
    struct broker_world w;

    (void)state;
    begin(&w);
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        assert_int_equal(world_exchange(&w, names[i], "direct passive", ""), 0);
    end(&w);
}

static void test_redeclaring_with_a_difference_is_refused(void **state)
{
    static const struct {
        const char *words;
        const char *arguments;
        const char *text;
    } rows[] = {
        {"fanout durable", "alternate-exchange=ae",
         "inequivalent arg 'type' for exchange 'x' in vhost '/': received 'fanout' but current is "
         "'direct'"},
        {"direct", "alternate-exchange=ae",
         "inequivalent arg 'durable' for exchange 'x' in vhost '/': received 'false' but current "
         "is 'true'"},
        {"direct durable auto-delete", "alternate-exchange=ae",
         "inequivalent arg 'auto_delete' for exchange 'x' in vhost '/': received 'true' but "
         "current is 'false'"},
        {"direct durable internal", "alternate-exchange=ae",
         "inequivalent arg 'internal' for exchange 'x' in vhost '/': received 'true' but current "
         "is 'false'"},
        {"direct durable", "",
         "inequivalent arg 'alternate-exchange' for exchange 'x' in vhost '/': received none but "
         "current is the value 'ae' of type 'longstr'"},
        {"direct durable", "alternate-exchange=other",
         "inequivalent arg 'alternate-exchange' for exchange 'x' in vhost '/': received the value "
         "'other' of type 'longstr' but current is the value 'ae' of type 'longstr'"},
    };
    struct broker_world w;

    (void)state;
    begin(&w);
    assert_int_equal(world_exchange(&w, "x", "direct durable", "alternate-exchange=ae"), 0);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        expect_refusal(&w.refusal, world_exchange(&w, "x", rows[i].words, rows[i].arguments),
                       REFUSE_PRECONDITION, rows[i].text);
    end(&w);
}

static void test_bad_declarations_are_refused(void **state)
{
    static const struct {
        const char *name;
        const char *words;
        const char *arguments;
        enum refusal_code code;
        const char *text;
    } rows[] = {
        {"x", "foo", "", REFUSE_PRECONDITION, "unknown exchange type 'foo'"},
        {"x", "x-delayed-message", "", REFUSE_PRECONDITION,
         "Invalid argument, 'x-delayed-type' must be an existing exchange type"},
        {"amq.mine", "direct", "", REFUSE_ACCESS,
         "exchange name 'amq.mine' contains reserved prefix 'amq.*'"},
        {"", "direct", "", REFUSE_ACCESS, "operation not permitted on the default exchange"},
        {"", "direct passive", "", REFUSE_ACCESS,
         "operation not permitted on the default exchange"},
        {"none", "direct passive", "", REFUSE_NOT_FOUND, "no exchange 'none' in vhost '/'"},
        {"x", "direct", "alternate-exchange=i:1", REFUSE_PRECONDITION,
         "invalid type 'signedint' for arg 'alternate-exchange' in exchange 'x' in vhost '/'"},
    };
    struct broker_world w;

    (void)state;
    begin(&w);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        expect_refusal(&w.refusal,
                       world_exchange(&w, rows[i].name, rows[i].words, rows[i].arguments),
                       rows[i].code, rows[i].text);
    assert_int_equal(world_exchange(&w, "x", "direct passive", ""), ERR_DENIED);
    end(&w);
}

static void test_deleting(void **state)
{
    struct broker_world w;

    (void)state;
    begin(&w);
    assert_int_equal(world_delete_exchange(&w, "x", "if-unused"), 0); /* it is not there */
    expect_refusal(&w.refusal, world_delete_exchange(&w, "", ""), REFUSE_ACCESS,
                   "operation not permitted on the default exchange");
    expect_refusal(&w.refusal, world_delete_exchange(&w, "amq.direct", ""), REFUSE_ACCESS,
                   "deletion of system exchange 'amq.direct' in vhost '/' not allowed");
    expect_refusal(&w.refusal, world_delete_exchange(&w, "amq.none", ""), REFUSE_ACCESS,
                   "deletion of system exchange 'amq.none' in vhost '/' not allowed");
    assert_int_equal(world_exchange(&w, "x", "direct", ""), 0);
    assert_int_equal(world_queue(&w, "q", "", ""), 0);
    assert_int_equal(world_bind(&w, "x q", "k", ""), 0);
    expect_refusal(&w.refusal, world_delete_exchange(&w, "x", "if-unused"), REFUSE_PRECONDITION,
                   "exchange 'x' in vhost '/' in use");
    assert_int_equal(world_delete_exchange(&w, "x", ""), 0);
    assert_int_equal(world_exchange(&w, "x", "direct passive", ""), ERR_DENIED);
    end(&w);
}

static void test_an_auto_delete_exchange_goes_with_its_last_binding(void **state)
{
    struct broker_world w;

    (void)state;
    begin(&w);
    assert_int_equal(world_exchange(&w, "x", "direct auto-delete durable", ""), 0);
    assert_int_equal(world_queue(&w, "q", "", ""), 0);
    assert_int_equal(world_bind(&w, "x q", "a", ""), 0);
    assert_int_equal(world_bind(&w, "x q", "b", ""), 0);
    assert_int_equal(world_unbind(&w, "x q", "a", ""), 0);
    assert_int_equal(world_exchange(&w, "x", "direct passive", ""), 0);
    assert_int_equal(world_delete(&w, "q", ""), 0);
    assert_int_equal(world_exchange(&w, "x", "direct passive", ""), ERR_DENIED);
    end(&w);
}

static void test_a_virtual_host_may_have_a_limit_of_exchanges(void **state)
{
    struct broker_world w;

    (void)state;
    begin(&w);
    w.options.exchanges_max = 8; /* seven are there */
    assert_int_equal(world_exchange(&w, "a", "direct", ""), 0);
    expect_refusal(&w.refusal, world_exchange(&w, "b", "direct", ""), REFUSE_PRECONDITION,
                   "cannot declare exchange 'b' in vhost '/': exchange limit of 8 is reached");
    assert_int_equal(world_exchange(&w, "a", "direct", ""), 0);
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_an_exchange_is_declared_and_found_again),
        LEAK_CHECKED(test_what_is_there_in_each_virtual_host),
        LEAK_CHECKED(test_redeclaring_with_a_difference_is_refused),
        LEAK_CHECKED(test_bad_declarations_are_refused),
        LEAK_CHECKED(test_deleting),
        LEAK_CHECKED(test_an_auto_delete_exchange_goes_with_its_last_binding),
        LEAK_CHECKED(test_a_virtual_host_may_have_a_limit_of_exchanges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
