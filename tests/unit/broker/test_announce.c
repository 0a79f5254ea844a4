/* Tests of broker/announce: events and the firehose reach who binds a queue to their exchanges. */
#include "broker/announce.h"

#include <stdio.h>
#include <string.h>

#include "broker/admin.h"
#include "broker/look.h"
#include "tests/lib/broker_world.h"
#include "tests/lib/leaks.h"

static void begin(struct broker_world *w)
{
    broker_world_init(w);
    w->options.has_events = true;
    broker_world_open(w);
}

static void end(struct broker_world *w)
{
    broker_world_close(w);
    broker_world_release(w);
}

/* A queue for what has that key. */
static void listen(struct broker_world *w, const char *queue, const char *exchange, const char *key)
{
    char ends[128];

    snprintf(ends, sizeof(ends), "%s %s", exchange, queue);
    assert_int_equal(world_queue(w, queue, "durable", ""), 0);
    assert_int_equal(world_bind(w, ends, key, ""), 0);
}

static void test_events_are_told_to_who_listens(void **state)
{
    static const char *const keys[] = {"queue.created",
                                       "queue.deleted",
                                       "exchange.created",
                                       "exchange.deleted",
                                       "binding.created",
                                       "binding.deleted",
                                       "vhost.created",
                                       "vhost.deleted",
                                       "user.created",
                                       "user.deleted",
                                       "user.tags.set",
                                       "user.password.changed",
                                       "permission.created",
                                       "permission.deleted",
                                       "policy.*",
                                       "vhost.limits.set",
                                       "consumer.created",
                                       "consumer.deleted",
                                       "user.authentication.failure"};
    static struct world_consumer c;
    const struct permission p = {bytes_text(""), bytes_text(""), bytes_text("")};
    const struct admin_user ann = {
        .name = bytes_text("ann"), .has_password = true, .password = bytes_text("x")};
    const struct admin_vhost v = {.name = bytes_text("v")};
    struct broker_world w;
    struct user *u = NULL;

    (void)state;
    begin(&w);
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
        listen(&w, keys[i], "amq.rabbitmq.event", keys[i]);
    world_settle(&w);
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        uint64_t count = 0;

        assert_int_equal(
            define_queue_delete(w.visit, &(struct define_queue_delete){.name = bytes_text(keys[i])},
                                &count, &w.refusal),
            0);
        listen(&w, keys[i], "amq.rabbitmq.event", keys[i]);
    }
    world_settle(&w);
    assert_int_equal(world_queue(&w, "q", "durable", "x-max-length=5"), 0);
    assert_int_equal(world_exchange(&w, "x", "fanout durable", ""), 0);
    assert_int_equal(world_bind(&w, "x q", "k", ""), 0);
    assert_int_equal(world_consume_as(&w, w.visit, &c, "q", false), 0);
    world_consumer_close(&c);
    assert_int_equal(world_unbind(&w, "x q", "k", ""), 0);
    assert_int_equal(world_delete(&w, "q", ""), 0);
    assert_int_equal(world_delete_exchange(&w, "x", ""), 0);
    assert_int_equal(admin_put_vhost(w.broker, &v, &w.note), 0);
    assert_int_equal(admin_put_user(w.broker, &ann, &w.note), 0);
    assert_int_equal(admin_put_permission(w.broker, ann.name, v.name, &p, &w.note), 0);
    assert_int_equal(admin_set_tags(w.broker, ann.name, NULL, 0, &w.note), 0);
    assert_int_equal(admin_set_password(w.broker, ann.name, bytes_text("y"), &w.note), 0);
    assert_int_equal(admin_set_vhost_limit(w.broker, v.name, bytes_text("max-queues"), 5, &w.note),
                     0);
    assert_int_equal(broker_log_in(w.broker, ann.name, bytes_text("no"), true, &u), ERR_DENIED);
    assert_int_equal(admin_delete_user(w.broker, ann.name, &w.note), 0);
    assert_int_equal(admin_delete_vhost(w.broker, v.name, &w.note), 0);
    world_settle(&w);
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
        if (strcmp(keys[i], "policy.*") != 0 && world_ready(&w, keys[i]) == 0)
            fail_msg("no %s", keys[i]);
    assert_int_equal(world_ready(&w, "policy.*"), 0);
    assert_int_equal(world_ready(&w, "vhost.created"), 1);
    end(&w);
}

static void test_without_the_setting_there_is_no_exchange(void **state)
{
    struct broker_world w;
    struct look_exchange x;

    (void)state;
    broker_world_init(&w);
    broker_world_open(&w);
    assert_false(
        look_find_exchange(w.broker, bytes_text("/"), bytes_text("amq.rabbitmq.event"), &x));
    end(&w);
}

static void test_bindings_to_events_survive(void **state)
{
    struct broker_world w;
    uint64_t before = 0;

    (void)state;
    begin(&w);
    listen(&w, "q", "amq.rabbitmq.event", "exchange.created");
    assert_int_equal(world_wait(&w), 0);
    broker_world_crash(&w);
    broker_world_open(&w);
    before = world_ready(&w, "q");
    assert_int_equal(before, 0); /* what is restored is no news */
    assert_int_equal(world_exchange(&w, "x", "fanout durable", ""), 0);
    world_settle(&w);
    assert_int_equal(world_ready(&w, "q"), 1);
    end(&w);
}

static void test_a_traced_virtual_host_copies_what_goes_through(void **state)
{
    const struct admin_vhost traced = {.name = bytes_text("/"), .is_tracing = true};
    const struct admin_vhost plain = {.name = bytes_text("/")};
    struct broker_world w;

    (void)state;
    begin(&w);
    listen(&w, "trace", "amq.rabbitmq.trace", "publish.#");
    assert_int_equal(world_queue(&w, "q", "durable", ""), 0);
    world_publish(&w, "", "q", "before");
    world_settle(&w);
    assert_int_equal(world_ready(&w, "trace"), 0);
    assert_int_equal(admin_put_vhost(w.broker, &traced, &w.note), 0);
    world_publish(&w, "", "q", "one");
    world_publish(&w, "amq.topic", "k", "two");
    world_settle(&w);
    assert_int_equal(world_ready(&w, "trace"), 2);
    assert_int_equal(world_ready(&w, "q"), 2);
    assert_int_equal(admin_put_vhost(w.broker, &plain, &w.note), 0);
    world_publish(&w, "", "q", "after");
    world_settle(&w);
    assert_int_equal(world_ready(&w, "trace"), 2);
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_events_are_told_to_who_listens),
        LEAK_CHECKED(test_without_the_setting_there_is_no_exchange),
        LEAK_CHECKED(test_bindings_to_events_survive),
        LEAK_CHECKED(test_a_traced_virtual_host_copies_what_goes_through),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
