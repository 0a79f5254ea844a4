/* Tests of broker/exchange_log: what comes through an exchange is kept, and what may not be done
 * with the stream that keeps it. */
#include "broker/exchange_log.h"

#include <string.h>

#include "broker/policies.h"
#include "tests/lib/broker_world.h"
#include "tests/lib/leaks.h"
#include "tests/unit/broker/refused.h"

static struct broker_world w;

static void begin(void)
{
    broker_world_init(&w);
    broker_world_open(&w);
    assert_int_equal(world_exchange(&w, "x", "direct durable", "x-log=true"), 0);
}

static void end(void)
{
    broker_world_close(&w);
    broker_world_release(&w);
}

static uint64_t kept(const char *stream)
{
    world_settle(&w);
    return world_ready(&w, stream);
}

static void test_everything_is_kept(void **state)
{
    bool is_routed = true;

    (void)state;
    begin();
    assert_int_equal(world_queue(&w, "q", "durable", ""), 0);
    assert_int_equal(world_bind(&w, "x q", "k", ""), 0);
    world_publish(&w, "x", "k", "one");
    assert_int_equal(world_publish_as(&w, &w.publisher,
                                      &(struct world_message){"x", "nobody", "", "two"},
                                      &is_routed),
                     0);
    assert_false(is_routed); /* the log is no match */
    assert_int_equal(kept("amq.log.x"), 2);
    assert_int_equal(world_ready(&w, "q"), 1);
    end();
}

static void test_what_comes_by_another_exchange_is_kept(void **state)
{
    (void)state;
    begin();
    assert_int_equal(world_exchange(&w, "front", "fanout durable", ""), 0);
    assert_int_equal(world_bind(&w, "front @x", "", ""), 0);
    world_publish(&w, "front", "k", "one");
    assert_int_equal(kept("amq.log.x"), 1);
    end();
}

static void test_it_survives_a_restart_and_a_crash(void **state)
{
    (void)state;
    begin();
    assert_int_equal(world_wait(&w), 0);
    world_publish(&w, "x", "k", "one");
    world_settle(&w);
    broker_world_crash(&w);
    broker_world_open(&w);
    world_publish(&w, "x", "k", "two");
    assert_int_equal(kept("amq.log.x"), 2);
    broker_world_close(&w);
    broker_world_open(&w);
    world_publish(&w, "x", "k", "three");
    assert_int_equal(kept("amq.log.x"), 3);
    end();
}

static void test_it_goes_with_its_exchange(void **state)
{
    struct define_queue passive = {.name = bytes_text("amq.log.x"), .is_passive = true};

    (void)state;
    begin();
    world_publish(&w, "x", "k", "one");
    assert_int_equal(world_delete_exchange(&w, "x", ""), 0);
    assert_int_equal(world_exchange(&w, "x", "fanout durable", "x-log=true x-max-age=1h"), 0);
    assert_int_equal(kept("amq.log.x"), 0);
    world_publish(&w, "x", "k", "two");
    assert_int_equal(kept("amq.log.x"), 1);
    assert_int_equal(world_delete_exchange(&w, "x", ""), 0);
    world_settle(&w);
    assert_int_equal(define_queue(w.visit, &passive, &w.defined, &w.refusal), ERR_DENIED);
    assert_int_equal(w.refusal.code, REFUSE_NOT_FOUND);
    end();
}

static void test_an_auto_delete_exchange_takes_its_log_with_it(void **state)
{
    (void)state;
    begin();
    assert_int_equal(world_exchange(&w, "auto", "fanout durable auto-delete", "x-log=true"), 0);
    assert_int_equal(world_queue(&w, "q", "durable", ""), 0);
    assert_int_equal(world_bind(&w, "auto q", "", ""), 0);
    assert_int_equal(world_delete(&w, "q", ""), 0);
    world_settle(&w);
    assert_int_equal(world_exchange(&w, "auto", "direct durable", "x-log=true"), 0);
    end();
}

static void test_the_stream_can_only_be_consumed(void **state)
{
    static const char text[] =
        "queue 'amq.log.x' in vhost '/' is the log of exchange 'x': it can only be consumed";

    (void)state;
    begin();
    expect_refusal(&w.refusal, world_delete(&w, "amq.log.x", ""), REFUSE_ACCESS, text);
    expect_refusal(&w.refusal, world_bind(&w, "amq.fanout amq.log.x", "", ""), REFUSE_ACCESS, text);
    world_publish(&w, "", "amq.log.x", "by its name");
    assert_int_equal(kept("amq.log.x"), 0);
    end();
}

static int put_policy(const char *text)
{
    const struct policy_spec spec = {.name = bytes_text("logs"),
                                     .pattern = bytes_text("^p"),
                                     .apply_to = POLICY_EXCHANGES,
                                     .definition = world_table(&w, text)};

    return broker_put_policy(w.broker, bytes_text("/"), POLICY_OF_USERS, &spec, &w.note);
}

static void test_a_policy_gives_a_log_and_takes_it(void **state)
{
    (void)state;
    begin();
    assert_int_equal(world_exchange(&w, "p1", "direct durable", ""), 0);
    assert_int_equal(put_policy("log=true log-partitions=3 max-age=1D"), 0);
    assert_int_equal(world_exchange(&w, "p2", "direct durable", ""), 0);
    assert_int_equal(world_exchange(&w, "p3", "direct", ""), 0); /* it has none */
    for (unsigned i = 0; i < 2; i++) {
        world_publish(&w, "p1", "k", "one");
        world_publish(&w, "p2", "k", "two");
        assert_int_equal(kept("amq.log.p1"), i + 1);
        assert_int_equal(kept("amq.log.p2"), i + 1);
        broker_world_close(&w);
        broker_world_open(&w);
    }
    assert_int_equal(broker_delete_policy(w.broker, bytes_text("/"), POLICY_OF_USERS,
                                          bytes_text("logs"), &w.note),
                     0);
    world_publish(&w, "p1", "k", "no more");
    assert_int_equal(kept("amq.log.p1"), 2);
    assert_int_equal(world_delete(&w, "amq.log.p1", ""), 0);
    assert_int_equal(put_policy("log=true"), 0);
    world_publish(&w, "p1", "k", "anew");
    assert_int_equal(kept("amq.log.p1"), 1);
    end();
}

static void test_bad_arguments_are_refused(void **state)
{
    static const struct {
        const char *words;
        const char *arguments;
        const char *text;
    } rows[] = {
        {"direct durable", "x-log=yes",
         "invalid arg 'x-log' for exchange 'y' in vhost '/': expected a bool, got longstr"},
        {"direct", "x-log=true",
         "invalid arg 'x-log' for exchange 'y' in vhost '/': only a durable exchange has a log"},
    };
    char name[256];

    (void)state;
    begin();
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        expect_refusal(&w.refusal, world_exchange(&w, "y", rows[i].words, rows[i].arguments),
                       REFUSE_PRECONDITION, rows[i].text);
    assert_int_equal(world_exchange(&w, "y", "direct durable", "x-log=true x-partitions=0"),
                     ERR_DENIED);
    assert_non_null(strstr(w.refusal.text, "invalid arg 'x-partitions' for queue 'amq.log.y'"));
    memset(name, 'n', sizeof(name));
    name[248] = '\0';
    assert_int_equal(world_exchange(&w, name, "direct durable", "x-log=true"), ERR_DENIED);
    name[247] = '\0';
    assert_int_equal(world_exchange(&w, name, "direct durable", "x-log=true"), 0);
    end();
}

static void test_declared_again_it_must_say_the_same(void **state)
{
    (void)state;
    begin();
    assert_int_equal(world_exchange(&w, "x", "direct durable", "x-log=true"), 0);
    expect_refusal(&w.refusal, world_exchange(&w, "x", "direct durable", ""), REFUSE_PRECONDITION,
                   "inequivalent arg 'x-log' for exchange 'x' in vhost '/': received 'false' but "
                   "current is 'true'");
    assert_int_equal(world_exchange(&w, "x", "direct durable", "x-log=true x-max-age=1D"),
                     ERR_DENIED);
    assert_non_null(strstr(w.refusal.text, "inequivalent arg 'x-max-age'"));
    assert_int_equal(world_exchange(&w, "plain", "direct durable", "x-log=false"), 0);
    assert_int_equal(world_exchange(&w, "plain", "direct durable", ""), 0);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_everything_is_kept),
        LEAK_CHECKED(test_what_comes_by_another_exchange_is_kept),
        LEAK_CHECKED(test_it_survives_a_restart_and_a_crash),
        LEAK_CHECKED(test_it_goes_with_its_exchange),
        LEAK_CHECKED(test_an_auto_delete_exchange_takes_its_log_with_it),
        LEAK_CHECKED(test_the_stream_can_only_be_consumed),
        LEAK_CHECKED(test_a_policy_gives_a_log_and_takes_it),
        LEAK_CHECKED(test_bad_arguments_are_refused),
        LEAK_CHECKED(test_declared_again_it_must_say_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
