/* Tests of broker/policies: applied at once, to what comes, and after a restart. */
#include "broker/policies.h"

#include <string.h>

#include "broker/look.h"
#include "tests/lib/broker_world.h"
#include "tests/lib/leaks.h"

static const struct bytes root = {(const uint8_t *)"/", 1};

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

static int put(struct broker_world *w, enum policy_rank rank, const char *name, const char *text)
{
    const struct policy_spec spec = {.name = bytes_text(name),
                                     .pattern = bytes_text("^p"),
                                     .apply_to = POLICY_ALL,
                                     .definition = world_table(w, text)};

    return broker_put_policy(w->broker, root, rank, &spec, &w->note);
}

static int drop(struct broker_world *w, enum policy_rank rank, const char *name)
{
    return broker_delete_policy(w->broker, root, rank, bytes_text(name), &w->note);
}

static struct look_queue look(struct broker_world *w, const char *name)
{
    struct look_queue q;

    assert_true(look_find_queue(w->broker, root, bytes_text(name), &q));
    return q;
}

static void test_a_policy_holds_back_what_comes_back(void **state)
{
    struct broker_world w;

    (void)state;
    begin(&w);
    assert_int_equal(world_queue(&w, "p1", "durable", "x-delayed-retry-min=7"), 0);
    assert_int_equal(put(&w, POLICY_OF_USERS, "retry",
                         "delayed-retry-type=failed delayed-retry-min=5 delayed-retry-max=60"),
                     0);
    assert_int_equal(look(&w, "p1").args->retry, RETRY_FAILED);
    assert_int_equal(look(&w, "p1").args->retry_min_ms, 7);
    assert_int_equal(look(&w, "p1").args->retry_max_ms, 60);
    assert_int_equal(drop(&w, POLICY_OF_USERS, "retry"), 0);
    assert_int_equal(look(&w, "p1").args->retry, RETRY_DISABLED);
    end(&w);
}

static void test_a_policy_reaches_what_is_there_and_what_comes(void **state)
{
    struct broker_world w;
    struct look_queue q;

    (void)state;
    begin(&w);
    assert_int_equal(world_queue(&w, "p1", "durable", ""), 0);
    assert_int_equal(world_queue(&w, "other", "durable", ""), 0);
    for (int i = 0; i < 5; i++)
        world_publish(&w, "", "p1", "m");
    world_settle(&w);
    assert_int_equal(world_ready(&w, "p1"), 5);
    assert_int_equal(put(&w, POLICY_OF_USERS, "short", "max-length=2"), 0);
    world_settle(&w);
    assert_int_equal(world_ready(&w, "p1"), 2);
    assert_int_equal(world_queue(&w, "p2", "durable", "x-max-length=1"), 0);
    q = look(&w, "p1");
    assert_int_equal(q.args->max_length, 2);
    assert_true(bytes_equal(q.policies.name, bytes_text("short")));
    assert_int_equal(table_count(q.policies.definition), 1);
    assert_int_equal(look(&w, "p2").args->max_length, 1);
    q = look(&w, "other");
    assert_int_equal(q.args->max_length, QUEUE_NO_LIMIT);
    assert_int_equal(q.policies.name.size, 0);
    assert_int_equal(drop(&w, POLICY_OF_USERS, "short"), 0);
    assert_int_equal(drop(&w, POLICY_OF_USERS, "short"), ERR_NOT_FOUND);
    assert_int_equal(look(&w, "p1").args->max_length, QUEUE_NO_LIMIT);
    assert_int_equal(look(&w, "p2").args->max_length, 1);
    end(&w);
}

static void test_of_numbers_the_smaller_counts_and_arguments_keep_their_words(void **state)
{
    struct broker_world w;
    struct look_queue q;

    (void)state;
    begin(&w);
    assert_int_equal(world_queue(&w, "p", "durable",
                                 "x-message-ttl=100 x-max-length=7 x-overflow=reject-publish "
                                 "x-dead-letter-exchange=mine x-expires=100000"),
                     0);
    assert_int_equal(put(&w, POLICY_OF_USERS, "u",
                         "message-ttl=50 max-length=9 overflow=drop-head dead-letter-exchange=x "
                         "dead-letter-routing-key=k expires=200000 max-length-bytes=1000"),
                     0);
    assert_int_equal(put(&w, POLICY_OF_OPERATORS, "o", "max-length-bytes=10"), 0);
    q = look(&w, "p");
    assert_int_equal(q.args->message_ttl_ms, 50);
    assert_int_equal(q.args->max_length, 7);
    assert_int_equal(q.args->max_length_bytes, 10);
    assert_int_equal(q.args->expires_ms, 100000);
    assert_int_equal(q.args->overflow, OVERFLOW_REJECT);
    assert_true(bytes_equal(q.args->dead_letter_exchange, bytes_text("mine")));
    assert_true(bytes_equal(q.args->dead_letter_key, bytes_text("k")));
    assert_true(bytes_equal(q.policies.operator_name, bytes_text("o")));
    assert_int_equal(drop(&w, POLICY_OF_OPERATORS, "o"), 0);
    assert_int_equal(look(&w, "p").args->max_length_bytes, 1000);
    end(&w);
}

static void test_an_exchange_gets_its_alternate(void **state)
{
    struct broker_world w;
    struct look_exchange x;

    (void)state;
    begin(&w);
    assert_int_equal(world_queue(&w, "lost", "durable", ""), 0);
    assert_int_equal(world_exchange(&w, "ae", "fanout durable", ""), 0);
    assert_int_equal(world_bind(&w, "ae lost", "", ""), 0);
    assert_int_equal(world_exchange(&w, "p1", "direct durable", ""), 0);
    world_publish(&w, "p1", "k", "m");
    assert_int_equal(put(&w, POLICY_OF_USERS, "a", "alternate-exchange=ae"), 0);
    world_publish(&w, "p1", "k", "m");
    assert_int_equal(world_exchange(&w, "p2", "direct durable", ""), 0);
    world_publish(&w, "p2", "k", "m");
    world_settle(&w);
    assert_int_equal(world_ready(&w, "lost"), 2);
    assert_true(look_find_exchange(w.broker, root, bytes_text("p2"), &x));
    assert_true(bytes_equal(x.alternate, bytes_text("ae")));
    assert_true(bytes_equal(x.policies.name, bytes_text("a")));
    assert_int_equal(drop(&w, POLICY_OF_USERS, "a"), 0);
    world_publish(&w, "p2", "k", "m");
    world_settle(&w);
    assert_int_equal(world_ready(&w, "lost"), 2);
    end(&w);
}

static void test_policies_are_there_after_a_crash(void **state)
{
    struct broker_world w;

    (void)state;
    begin(&w);
    assert_int_equal(put(&w, POLICY_OF_USERS, "u", "max-length=3 alternate-exchange=ae"), 0);
    assert_int_equal(put(&w, POLICY_OF_USERS, "gone", "max-length=1"), 0);
    assert_int_equal(put(&w, POLICY_OF_OPERATORS, "o", "message-ttl=60000"), 0);
    assert_int_equal(drop(&w, POLICY_OF_USERS, "gone"), 0);
    assert_int_equal(world_queue(&w, "p", "durable", ""), 0);
    assert_int_equal(world_exchange(&w, "px", "direct durable", ""), 0);
    assert_int_equal(world_wait(&w), 0);
    for (int round = 0; round < 2; round++) {
        struct look_exchange x;

        if (round == 0) {
            broker_world_crash(&w);
        } else {
            broker_world_close(&w);
        }
        broker_world_open(&w);
        assert_int_equal(look(&w, "p").args->max_length, 3);
        assert_int_equal(look(&w, "p").args->message_ttl_ms, 60000);
        assert_true(look_find_exchange(w.broker, root, bytes_text("px"), &x));
        assert_true(bytes_equal(x.alternate, bytes_text("ae")));
    }
    end(&w);
}

static void test_a_shorter_life_by_policy_is_not_missed(void **state)
{
    struct broker_world w;
    struct look_queue q;

    (void)state;
    begin(&w);
    assert_int_equal(world_queue(&w, "p", "durable", "x-expires=3600000"), 0);
    world_run_ms(&w, 100);
    assert_int_equal(put(&w, POLICY_OF_USERS, "u", "expires=1000"), 0);
    world_run_ms(&w, 900);
    assert_true(look_find_queue(w.broker, root, bytes_text("p"), &q));
    world_run_ms(&w, 300);
    assert_false(look_find_queue(w.broker, root, bytes_text("p"), &q));
    end(&w);
}

static void test_what_is_wrong_changes_nothing(void **state)
{
    struct broker_world w;
    const struct policy_spec spec = {.name = bytes_text("u"), .apply_to = POLICY_ALL};

    (void)state;
    begin(&w);
    assert_int_equal(put(&w, POLICY_OF_USERS, "u", "max-length=3"), 0);
    assert_int_equal(put(&w, POLICY_OF_USERS, "u", "max-length=-3"), ERR_INVALID);
    assert_string_equal(w.note.text, "-3 is not a valid maximum length");
    assert_int_equal(world_queue(&w, "p", "durable", ""), 0);
    assert_int_equal(look(&w, "p").args->max_length, 3);
    assert_int_equal(
        broker_put_policy(w.broker, bytes_text("none"), POLICY_OF_USERS, &spec, &w.note),
        ERR_NOT_FOUND);
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_a_policy_holds_back_what_comes_back),
        LEAK_CHECKED(test_a_policy_reaches_what_is_there_and_what_comes),
        LEAK_CHECKED(test_of_numbers_the_smaller_counts_and_arguments_keep_their_words),
        LEAK_CHECKED(test_an_exchange_gets_its_alternate),
        LEAK_CHECKED(test_policies_are_there_after_a_crash),
        LEAK_CHECKED(test_a_shorter_life_by_policy_is_not_missed),
        LEAK_CHECKED(test_what_is_wrong_changes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
