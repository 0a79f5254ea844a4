/* Tests of broker/restore and definitions: what is there after a clean stop, after a crash, and
 * when every checkpoint is lost. */
#include "broker/restore.h"

#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "broker/accounts.h"
#include "broker/parts.h"
#include "tests/lib/broker_world.h"
#include "tests/lib/leaks.h"

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

/* How a broker goes before it comes again. */
static void restart(struct broker_world *w, bool is_crash)
{
    if (is_crash)
        broker_world_crash(w);
    else
        broker_world_close(w);
    broker_world_open(w);
}

static void define_all(struct broker_world *w)
{
    assert_int_equal(world_exchange(w, "x", "topic durable internal", "alternate-exchange=y"), 0);
    assert_int_equal(world_exchange(w, "y", "fanout durable auto-delete", ""), 0);
    assert_int_equal(world_exchange(w, "passing", "direct", ""), 0);
    assert_int_equal(world_queue(w, "q", "durable", "x-max-length=i:5 x-other=[1,a]"), 0);
    assert_int_equal(world_queue(w, "p", "durable auto-delete", ""), 0);
    assert_int_equal(world_queue(w, "passing", "", ""), 0);
    assert_int_equal(world_bind(w, "amq.topic q", "a.#", "z=1 y=2"), 0);
    assert_int_equal(world_bind(w, "amq.topic @x", "#", ""), 0);
    assert_int_equal(world_bind(w, "x p", "*.b", ""), 0);
    assert_int_equal(world_bind(w, "y p", "", ""), 0);
    assert_int_equal(world_bind(w, "amq.topic passing", "#", ""), 0);
    assert_int_equal(world_bind(w, "passing q", "k", ""), 0);
}

static void expect_all(struct broker_world *w)
{
    struct broker_stats s;

    broker_get_stats(w->broker, &s);
    assert_int_equal(s.queues, 2);
    assert_int_equal(s.exchanges, 7 + 2);
    assert_int_equal(s.bindings, 4);
    assert_int_equal(world_exchange(w, "x", "topic durable internal", "alternate-exchange=y"), 0);
    assert_int_equal(world_exchange(w, "y", "fanout durable auto-delete", ""), 0);
    assert_int_equal(world_exchange(w, "passing", "direct passive", ""), ERR_DENIED);
    assert_int_equal(world_queue(w, "q", "durable", "x-max-length=i:5"), 0);
    assert_int_equal(world_queue(w, "p", "durable auto-delete", ""), 0);
    assert_int_equal(world_queue(w, "passing", "passive", ""), ERR_DENIED);
    assert_int_equal(world_bind(w, "amq.topic q", "a.#", "y=2 z=1"), 0);
    broker_get_stats(w->broker, &s);
    assert_int_equal(s.bindings, 4); /* it was there */
}

static void test_durable_things_are_there_again(void **state)
{
    (void)state;
    for (int is_crash = 0; is_crash < 2; is_crash++) {
        struct broker_world w;

        begin(&w);
        define_all(&w);
        assert_int_equal(world_wait(&w), 0);
        for (int i = 0; i < 3; i++) {
            restart(&w, is_crash != 0);
            expect_all(&w);
        }
        world_publish(&w, "amq.topic", "a.b", "m"); /* to q by a.#, through x to p by *.b */
        world_publish(&w, "amq.topic", "b.c", "m"); /* through x and its alternate to p */
        assert_int_equal(world_ready(&w, "q"), 1);
        assert_int_equal(world_ready(&w, "p"), 2);
        end(&w);
    }
}

static void test_messages_are_there_again_in_order(void **state)
{
    (void)state;
    for (int is_crash = 0; is_crash < 2; is_crash++) {
        struct broker_world w;
        struct world_consumer c;

        begin(&w);
        assert_int_equal(world_queue(&w, "q", "durable", ""), 0);
        for (int i = 0; i < 100; i++) {
            char body[8];

            snprintf(body, sizeof(body), "m%d", i);
            world_publish(&w, "", "q", body);
        }
        world_settle(&w);
        assert_int_equal(w.publisher.told.confirmed, 100);
        restart(&w, is_crash != 0);
        assert_int_equal(world_consume_as(&w, w.visit, &c, "q", true), 0);
        world_settle(&w);
        assert_int_equal(c.count, 100);
        for (int i = 0; i < 100; i++) {
            char body[8];

            snprintf(body, sizeof(body), "m%d", i);
            assert_string_equal(c.bodies[i], body);
        }
        world_consumer_close(&c);
        end(&w);
    }
}

static void test_what_was_deleted_stays_deleted(void **state)
{
    (void)state;
    for (int is_crash = 0; is_crash < 2; is_crash++) {
        struct broker_world w;
        struct broker_stats s;

        begin(&w);
        define_all(&w);
        assert_int_equal(world_wait(&w), 0);
        restart(&w, is_crash != 0);
        world_publish(&w, "", "q", "old");
        assert_int_equal(world_unbind(&w, "amq.topic @x", "#", ""), 0);
        assert_int_equal(world_delete(&w, "q", ""), 0);
        assert_int_equal(world_queue(&w, "q", "durable", ""), 0); /* another one of that name */
        assert_int_equal(world_delete(&w, "p", ""), 0);           /* y goes with it */
        assert_int_equal(world_delete_exchange(&w, "x", ""), 0);
        assert_int_equal(world_exchange(&w, "x", "direct durable", ""), 0);
        assert_int_equal(world_wait(&w), 0);
        for (int i = 0; i < 2; i++) {
            restart(&w, is_crash != 0);
            broker_get_stats(w.broker, &s);
            assert_int_equal(s.queues, 1);
            assert_int_equal(s.bindings, 0);
            assert_int_equal(s.exchanges, 7 + 1);
            assert_int_equal(world_ready(&w, "q"), 0);
            assert_int_equal(world_exchange(&w, "x", "direct durable", ""), 0);
            assert_int_equal(world_queue(&w, "q", "durable", ""), 0);
        }
        end(&w);
    }
}

static void test_what_was_not_committed_is_not_half_there(void **state)
{
    struct broker_world w;
    struct broker_stats s;

    (void)state;
    begin(&w);
    sim_disk_set_stalled(w.disk, true);
    define_all(&w);
    sim_disk_set_stalled(w.disk, false);
    broker_world_crash(&w);
    broker_world_open(&w);
    broker_get_stats(w.broker, &s);
    assert_int_equal(s.queues, 0);
    assert_int_equal(s.bindings, 0);
    define_all(&w);
    assert_int_equal(world_wait(&w), 0);
    restart(&w, true);
    expect_all(&w);
    end(&w);
}

static void test_users_and_permissions_are_there_again(void **state)
{
    const struct permission p = {bytes_text("^c"), bytes_text("^w"), bytes_text("^r")};
    const struct topic_permission t = {bytes_text("/"), bytes_text("amq.topic"), bytes_text("^tw"),
                                       bytes_text("^tr")};
    struct bytes tags[2] = {bytes_text("monitoring"), bytes_text("policymaker")};
    struct user_spec spec = {.name = bytes_text("ann"), .tags = tags, .tag_count = 2};
    const uint8_t salt[4] = {1, 2, 3, 4};
    char hash[AUTH_HASH_MAX];

    (void)state;
    auth_hash_password(AUTH_HASH_SHA512, bytes_text("secret"), salt, hash);
    spec.hashing = AUTH_HASH_SHA512;
    spec.password_hash = bytes_text(hash);
    for (int is_crash = 0; is_crash < 2; is_crash++) {
        struct broker_world w;
        struct permission found;
        struct user *u = NULL;
        struct topic_question q = {bytes_text("/"), bytes_text("amq.topic"), bytes_text("twx"),
                                   AUTH_WRITE};

        begin(&w);
        assert_int_equal(account_put_user(w.broker, &spec, NULL), 0);
        assert_int_equal(account_put_permission(w.broker, spec.name, bytes_text("/"), &p, NULL), 0);
        assert_int_equal(account_put_topic_permission(w.broker, spec.name, &t, NULL), 0);
        assert_int_equal(
            account_put_permission(w.broker, bytes_text("bob"), bytes_text("/"), &p, NULL),
            ERR_NOT_FOUND);
        account_put_vhost(w.broker, bytes_text("other"));
        assert_int_equal(world_wait(&w), 0);
        restart(&w, is_crash != 0);
        assert_int_equal(broker_log_in(w.broker, spec.name, bytes_text("secret"), false, &u), 0);
        assert_true(user_has_tag(u, "monitoring"));
        assert_true(user_has_tag(u, "policymaker"));
        assert_true(auth_find_permission(broker_auth(w.broker), u, bytes_text("/"), &found));
        assert_true(bytes_equal(found.write, p.write));
        assert_true(auth_may_topic(broker_auth(w.broker), u, &q));
        q.action = AUTH_READ;
        assert_false(auth_may_topic(broker_auth(w.broker), u, &q));
        assert_non_null(vhost_find(w.broker, bytes_text("other")));
        end(&w);
    }
}

static void test_the_default_user_is_made_once(void **state)
{
    struct broker_world w;
    struct user *u = NULL;

    (void)state;
    begin(&w);
    assert_int_equal(broker_log_in(w.broker, bytes_text("guest"), bytes_text("guest"), false, &u),
                     ERR_DENIED); /* from elsewhere */
    assert_int_equal(broker_log_in_known(w.broker, bytes_text("guest"), false, &u), ERR_DENIED);
    assert_int_equal(broker_log_in_known(w.broker, bytes_text("guest"), true, &u), 0);
    assert_int_equal(broker_log_in_known(w.broker, bytes_text("gues"), true, &u), ERR_DENIED);
    w.options.guest_is_loopback_user = false;
    assert_int_equal(broker_log_in(w.broker, bytes_text("guest"), bytes_text("guest"), false, &u),
                     0);
    w.options.guest_is_loopback_user = true;
    assert_true(user_has_tag(u, "administrator"));
    assert_false(user_has_tag(u, "monitoring"));
    broker_world_close(&w);
    mem_free(w.options.default_pass);
    w.options.default_pass = mem_text("another");
    broker_world_open(&w); /* logs in with the old one */
    end(&w);
}

static bool is_checkpoint(const char *path)
{
    return strstr(path, "checkpoint-") != NULL;
}

struct checkpoints {
    char paths[8][256];
    size_t count;
};

static void find_checkpoint(void *owner, const char *path, bool is_dir, uint64_t size)
{
    struct checkpoints *c = owner;

    (void)size;
    if (is_dir || !is_checkpoint(path))
        return;
    assert_true(c->count < ARRAY_SIZE(c->paths));
    snprintf(c->paths[c->count++], sizeof(c->paths[0]), "%s", path);
}

/* Definitions older than the hot log are found where the sorter put them. */
static void test_the_loss_of_every_checkpoint_loses_no_definition(void **state)
{
    static char body[8 << 10];
    struct broker_world w;
    struct checkpoints checkpoints = {.count = 0};
    uint64_t id = 0;

    (void)state;
    memset(body, 'b', sizeof(body) - 1);
    broker_world_init(&w);
    w.partition.checkpoint_bytes = 1 << 20;
    broker_world_open(&w);
    define_all(&w);
    assert_int_equal(world_queue(&w, "busy", "durable", "x-max-length=i:1"), 0);
    for (int i = 0; i < 4000; i++) {
        const struct world_message m = {"", "busy", "persistent", body};

        if (world_publish_as(&w, &w.publisher, &m, NULL) == ERR_AGAIN || i % 50 == 0)
            world_settle(&w);
    }
    world_run_ms(&w, 5000);
    assert_true(log_first(partition_log(w.broker->homes[0].partition)) > 100); /* it was sorted */
    assert_int_equal(world_delete(&w, "busy", ""), 0);
    id = w.broker->definitions.next_id;
    broker_world_close(&w);
    sim_disk_walk(w.disk, find_checkpoint, &checkpoints);
    assert_true(checkpoints.count > 0);
    for (size_t i = 0; i < checkpoints.count; i++)
        sim_disk_erase(w.disk, checkpoints.paths[i]);
    broker_world_open(&w);
    assert_int_equal(world_delete(&w, "busy", ""), 0); /* it may be there again */
    expect_all(&w);
    assert_true(w.broker->definitions.next_id >= id);
    end(&w);
}

static void test_ids_are_never_used_twice(void **state)
{
    struct broker_world w;
    uint64_t last = 0;

    (void)state;
    begin(&w);
    for (int i = 0; i < 8; i++) {
        uint64_t id = definitions_take_id(&w.broker->definitions);

        assert_true(id > last);
        last = id;
        assert_int_equal(world_queue(&w, "q", "durable", ""), 0);
        assert_int_equal(world_delete(&w, "q", ""), 0);
        assert_int_equal(world_wait(&w), 0);
        restart(&w, i % 2 == 0);
    }
    end(&w);
}

static void test_queues_of_several_partitions_are_there_again(void **state)
{
    (void)state;
    for (int is_crash = 0; is_crash < 2; is_crash++) {
        struct broker_world w;
        char name[8];

        broker_world_init(&w);
        w.partition_count = 3;
        broker_world_open(&w);
        for (int i = 0; i < 9; i++) {
            snprintf(name, sizeof(name), "q%d", i);
            assert_int_equal(world_queue(&w, name, "durable", ""), 0);
            snprintf(name, sizeof(name), "q%d", i);
            const struct define_binding d = {.source = bytes_text("amq.fanout"),
                                             .destination = bytes_text(name)};
            assert_int_equal(define_bind(w.visit, &d, &w.refusal), 0);
        }
        for (unsigned i = 0; i < 3; i++)
            assert_int_equal(w.broker->homes[i].queue_count, 3);
        for (int i = 0; i < 20; i++)
            world_publish(&w, "amq.fanout", "", "m");
        assert_int_equal(world_wait(&w), 0);
        world_settle(&w);
        assert_int_equal(w.publisher.told.confirmed, 20);
        restart(&w, is_crash != 0);
        for (int i = 0; i < 9; i++) {
            snprintf(name, sizeof(name), "q%d", i);
            assert_int_equal(world_ready(&w, name), 20);
        }
        end(&w);
    }
}

/* Fewer partitions than there were: nothing may be opened, and nothing is lost by trying. */
static void test_a_broker_that_cannot_open_says_so_and_changes_nothing(void **state)
{
    struct broker_world w;

    (void)state;
    broker_world_init(&w);
    diag_set_level(DIAG_OFF);
    w.partition_count = 2;
    broker_world_open(&w);
    assert_int_equal(world_queue(&w, "one", "durable", ""), 0);
    assert_int_equal(world_queue(&w, "two", "durable", ""), 0);
    world_publish(&w, "", "one", "m");
    world_publish(&w, "", "two", "m");
    assert_int_equal(world_wait(&w), 0);
    broker_world_close(&w);
    w.partition_count = 1;
    assert_int_equal(broker_world_try_open(&w), ERR_INVALID);
    assert_non_null(strstr(w.note.text, "cannot be followed"));
    assert_true(sim_run_idle(w.sim, UINT64_C(60000000000)));
    w.partition_count = 2;
    broker_world_open(&w);
    assert_int_equal(world_ready(&w, "one"), 1);
    assert_int_equal(world_ready(&w, "two"), 1);
    end(&w);
}

/* Definitions go on while the log takes nothing; they are written when it does again. */
static void test_definitions_wait_for_a_log_that_takes_none(void **state)
{
    enum { MANY = 3000 };
    struct broker_world w;
    struct broker_stats s;
    char name[8];

    (void)state;
    broker_world_init(&w);
    w.log.pending_bytes_max = 64 << 10;
    broker_world_open(&w);
    sim_disk_set_stalled(w.disk, true);
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof(name), "q%d", i);
        assert_int_equal(world_queue(&w, name, "durable", ""), 0);
        if (i % 3 == 0)
            assert_int_equal(world_delete(&w, name, ""), 0);
    }
    assert_true(w.broker->definitions.outbox.size > 0);
    world_settle(&w);
    sim_disk_set_stalled(w.disk, false);
    assert_int_equal(world_wait(&w), 0);
    assert_int_equal(w.broker->definitions.outbox.size, 0);
    restart(&w, true);
    broker_get_stats(w.broker, &s);
    assert_int_equal(s.queues, MANY - MANY / 3);
    snprintf(name, sizeof(name), "q%d", MANY - 1);
    assert_int_equal(world_queue(&w, name, "passive", ""), 0);
    end(&w);
}

static void test_too_many_waiting_definitions_are_refused(void **state)
{
    static char argument[50 << 10];
    struct broker_world w;
    char name[8];
    int rv = 0;

    (void)state;
    memcpy(argument, "x=", 2);
    memset(argument + 2, 'a', sizeof(argument) - 3);
    broker_world_init(&w);
    w.log.pending_bytes_max = 64 << 10;
    broker_world_open(&w);
    sim_disk_set_stalled(w.disk, true);
    for (int i = 0; rv == 0 && i < 1000; i++) {
        snprintf(name, sizeof(name), "q%d", i);
        rv = world_queue(&w, name, "durable", argument);
    }
    assert_int_equal(rv, ERR_DENIED);
    assert_int_equal(w.refusal.code, REFUSE_RESOURCE);
    assert_int_equal(world_exchange(&w, "x", "direct durable", ""), ERR_DENIED);
    assert_int_equal(world_bind(&w, "amq.direct q0", "k", ""), ERR_DENIED);
    assert_int_equal(world_delete(&w, "q0", ""), 0); /* what frees is taken */
    sim_disk_set_stalled(w.disk, false);
    assert_int_equal(world_wait(&w), 0);
    assert_int_equal(world_queue(&w, name, "durable", argument), 0);
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_durable_things_are_there_again),
        LEAK_CHECKED(test_messages_are_there_again_in_order),
        LEAK_CHECKED(test_what_was_deleted_stays_deleted),
        LEAK_CHECKED(test_what_was_not_committed_is_not_half_there),
        LEAK_CHECKED(test_users_and_permissions_are_there_again),
        LEAK_CHECKED(test_the_default_user_is_made_once),
        LEAK_CHECKED(test_the_loss_of_every_checkpoint_loses_no_definition),
        LEAK_CHECKED(test_ids_are_never_used_twice),
        LEAK_CHECKED(test_queues_of_several_partitions_are_there_again),
        LEAK_CHECKED(test_a_broker_that_cannot_open_says_so_and_changes_nothing),
        LEAK_CHECKED(test_definitions_wait_for_a_log_that_takes_none),
        LEAK_CHECKED(test_too_many_waiting_definitions_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
