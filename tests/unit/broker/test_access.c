/* Tests of broker/access: every operation with every permission. */
#include "broker/access.h"

#include <string.h>

#include "tests/lib/broker_world.h"
#include "tests/lib/leaks.h"
#include "tests/unit/broker/refused.h"

/* Does something as that visitor. */
typedef int operation_fn(struct broker_world *w, struct visit *v);

static int declare_queue(struct broker_world *w, struct visit *v)
{
    return world_queue_as(w, v, "new", "", "");
}

static int declare_queue_with_dead_letters(struct broker_world *w, struct visit *v)
{
    return world_queue_as(w, v, "new", "", "x-dead-letter-exchange=dlx");
}

static int look_at_queue(struct broker_world *w, struct visit *v)
{
    return world_queue_as(w, v, "q", "passive", "");
}

static int look_at_no_queue(struct broker_world *w, struct visit *v)
{
    return world_queue_as(w, v, "none", "passive", "");
}

static int delete_queue(struct broker_world *w, struct visit *v)
{
    return world_delete_as(w, v, "none", "");
}

static int declare_exchange(struct broker_world *w, struct visit *v)
{
    return world_exchange_as(w, v, "new", "direct", "");
}

static int declare_exchange_with_alternate(struct broker_world *w, struct visit *v)
{
    return world_exchange_as(w, v, "new", "direct", "alternate-exchange=ae");
}

static int look_at_exchange(struct broker_world *w, struct visit *v)
{
    return world_exchange_as(w, v, "x", "direct passive", "");
}

static int look_at_no_exchange(struct broker_world *w, struct visit *v)
{
    return world_exchange_as(w, v, "none", "direct passive", "");
}

static int delete_exchange(struct broker_world *w, struct visit *v)
{
    return define_exchange_delete(v, bytes_text("none"), false, &w->refusal);
}

static int bind_queue(struct broker_world *w, struct visit *v)
{
    return world_bind_as(w, v, "x q", "k", "");
}

static int unbind_queue(struct broker_world *w, struct visit *v)
{
    return world_unbind_as(w, v, "x q", "k", "");
}

static int bind_exchange(struct broker_world *w, struct visit *v)
{
    return world_bind_as(w, v, "x @y", "k", "");
}

static int publish_to(struct broker_world *w, struct visit *v, const char *exchange)
{
    const struct world_message m = {exchange, "q", "", "body"};
    struct world_publisher p;
    int rv = 0;

    world_publisher_open(w, v, &p, false);
    rv = world_publish_as(w, &p, &m, NULL);
    if (rv == 0)
        rv = world_publish_as(w, &p, &m, NULL); /* the remembered answer */
    world_publisher_close(&p);
    return rv;
}

static int publish(struct broker_world *w, struct visit *v)
{
    return publish_to(w, v, "x");
}

static int publish_nowhere(struct broker_world *w, struct visit *v)
{
    return publish_to(w, v, "none");
}

static int publish_to_default(struct broker_world *w, struct visit *v)
{
    return publish_to(w, v, "");
}

static int consume(struct broker_world *w, struct visit *v)
{
    struct world_consumer c;
    int rv = world_consume_as(w, v, &c, "q", true);

    if (rv == 0)
        world_consumer_close(&c);
    return rv;
}

static int purge(struct broker_world *w, struct visit *v)
{
    uint64_t count = 0;

    return broker_purge(v, bytes_text("q"), &count, &w->refusal);
}

static void on_got(struct queue_get *g, struct delivery *d, const struct stored *m,
                   struct store_pin pin, uint64_t ready)
{
    (void)g;
    (void)d;
    (void)m;
    (void)pin;
    (void)ready;
}

static int get(struct broker_world *w, struct visit *v)
{
    static struct queue_get g;
    int rv = 0;

    g = (struct queue_get){.is_no_ack = true, .got = on_got};
    rv = broker_get(v, bytes_text("q"), &g, &w->refusal);
    if (rv == 0)
        queue_get_cancel(&g);
    return rv;
}

/* What each operation needs: patterns that are enough, and what is said when one of them is not
 * there. */
static const struct {
    operation_fn *operation;
    struct {
        const char *configure;
        const char *write;
        const char *read;
    } needs;
    enum refusal_code code; /* of the answer when it is allowed; 0: it is done */
    const char *refusals[3];
} rows[] = {
    {declare_queue, {"^new$", "", ""}, 0, {"configure access to queue 'new'", NULL, NULL}},
    {declare_queue_with_dead_letters,
     {"^new$", "^dlx$", "^new$"},
     0,
     {"configure access to queue 'new'", "write access to exchange 'dlx'",
      "read access to queue 'new'"}},
    {delete_queue, {"^none$", "", ""}, 0, {"configure access to queue 'none'", NULL, NULL}},
    {declare_exchange, {"^new$", "", ""}, 0, {"configure access to exchange 'new'", NULL, NULL}},
    {declare_exchange_with_alternate,
     {"^new$", "^ae$", "^new$"},
     0,
     {"configure access to exchange 'new'", "write access to exchange 'ae'",
      "read access to exchange 'new'"}},
    {delete_exchange, {"^none$", "", ""}, 0, {"configure access to exchange 'none'", NULL, NULL}},
    {bind_queue,
     {"", "^q$", "^x$"},
     0,
     {NULL, "write access to queue 'q'", "read access to exchange 'x'"}},
    {unbind_queue,
     {"", "^q$", "^x$"},
     0,
     {NULL, "write access to queue 'q'", "read access to exchange 'x'"}},
    {bind_exchange,
     {"", "^y$", "^x$"},
     0,
     {NULL, "write access to exchange 'y'", "read access to exchange 'x'"}},
    {publish, {"", "^x$", ""}, 0, {NULL, "write access to exchange 'x'", NULL}},
    {publish_nowhere,
     {"", "^none$", ""},
     REFUSE_NOT_FOUND,
     {NULL, "write access to exchange 'none'", NULL}},
    {publish_to_default,
     {"", "^amq\\.default$", ""},
     0,
     {NULL, "write access to exchange 'amq.default'", NULL}},
    {consume, {"", "", "^q$"}, 0, {NULL, NULL, "read access to queue 'q'"}},
    {get, {"", "", "^q$"}, 0, {NULL, NULL, "read access to queue 'q'"}},
    {purge, {"", "", "^q$"}, 0, {NULL, NULL, "read access to queue 'q'"}},
};

static void begin(struct broker_world *w)
{
    broker_world_init(w);
    broker_world_open(w);
    assert_int_equal(world_queue(w, "q", "", ""), 0);
    assert_int_equal(world_exchange(w, "x", "direct", ""), 0);
    assert_int_equal(world_exchange(w, "y", "direct", ""), 0);
}

static void end(struct broker_world *w)
{
    broker_world_close(w);
    broker_world_release(w);
}

static void permit(struct broker_world *w, struct visit *v, const struct permission *p)
{
    assert_int_equal(
        auth_put_permission(broker_auth(w->broker), visit_user(v), bytes_text("/"), p, NULL), 0);
}

static void expect_403(struct broker_world *w, int rv, const char *what)
{
    assert_int_equal(rv, ERR_DENIED);
    assert_int_equal(w->refusal.code, REFUSE_ACCESS);
    assert_non_null(strstr(w->refusal.text, what));
    assert_non_null(strstr(w->refusal.text, " in vhost '/' refused for user 'ann'"));
}

static void test_each_operation_needs_its_permissions_and_no_others(void **state)
{
    const struct permission nothing = {bytes_text(""), bytes_text(""), bytes_text("")};
    const struct permission all = {bytes_text(".*"), bytes_text(".*"), bytes_text(".*")};
    struct broker_world w;
    struct visit *v = NULL;

    (void)state;
    begin(&w);
    v = world_visit(&w, world_user(&w, "ann", &nothing));
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct permission exact = {bytes_text(rows[i].needs.configure),
                                   bytes_text(rows[i].needs.write), bytes_text(rows[i].needs.read)};
        struct permission without[3] = {all, all, all};
        struct bytes none = bytes_text("");

        without[0].configure = none;
        without[1].write = none;
        without[2].read = none;
        permit(&w, v, &nothing);
        assert_int_equal(rows[i].operation(&w, v), ERR_DENIED);
        for (size_t k = 0; k < 3; k++) {
            permit(&w, v, &without[k]);
            if (rows[i].refusals[k] != NULL)
                expect_403(&w, rows[i].operation(&w, v), rows[i].refusals[k]);
        }
        permit(&w, v, &exact);
        assert_int_equal(rows[i].operation(&w, v), rows[i].code == 0 ? 0 : ERR_DENIED);
        if (rows[i].code != 0)
            assert_int_equal(w.refusal.code, rows[i].code);
        assert_int_equal(world_delete(&w, "new", ""), 0);
        assert_int_equal(world_delete_exchange(&w, "new", ""), 0);
    }
    visit_end(v);
    end(&w);
}

/* Nobody learns what exists without any right to it. */
static void test_a_passive_declaration_needs_any_of_the_three(void **state)
{
    static operation_fn *const looks[] = {look_at_queue, look_at_exchange};
    static operation_fn *const misses[] = {look_at_no_queue, look_at_no_exchange};
    const struct permission nothing = {bytes_text(""), bytes_text(""), bytes_text("")};
    struct bytes any = bytes_text(".*");
    struct broker_world w;
    struct visit *v = NULL;

    (void)state;
    begin(&w);
    v = world_visit(&w, world_user(&w, "ann", &nothing));
    for (size_t i = 0; i < ARRAY_SIZE(looks); i++) {
        const struct permission one_of[] = {
            {any, nothing.write, nothing.read},
            {nothing.configure, any, nothing.read},
            {nothing.configure, nothing.write, any},
        };

        permit(&w, v, &nothing);
        expect_403(&w, looks[i](&w, v), "access to ");
        expect_403(&w, misses[i](&w, v), "access to ");
        for (size_t k = 0; k < 3; k++) {
            permit(&w, v, &one_of[k]);
            assert_int_equal(looks[i](&w, v), 0);
            assert_int_equal(misses[i](&w, v), ERR_DENIED);
            assert_int_equal(w.refusal.code, REFUSE_NOT_FOUND);
        }
    }
    visit_end(v);
    end(&w);
}

static void test_topic_permissions_hold_for_publishing_and_binding(void **state)
{
    const struct permission all = {bytes_text(".*"), bytes_text(".*"), bytes_text(".*")};
    const struct topic_permission p = {bytes_text("/"), bytes_text("amq.topic"),
                                       bytes_text("^{username}\\."), bytes_text("^a")};
    const struct world_message good = {"amq.topic", "ann.x", "", "m"};
    const struct world_message bad = {"amq.topic", "bob.x", "", "m"};
    const struct world_message copy = {"amq.topic", "ann.x", "headers:CC=[bob.x]", "m"};
    struct broker_world w;
    struct world_publisher publisher;
    struct visit *v = NULL;

    (void)state;
    begin(&w);
    v = world_visit(&w, world_user(&w, "ann", &all));
    assert_int_equal(auth_put_topic_permission(broker_auth(w.broker), visit_user(v), &p, NULL), 0);
    world_publisher_open(&w, v, &publisher, false);
    assert_int_equal(world_publish_as(&w, &publisher, &good, NULL), 0);
    expect_refusal(&w.refusal, world_publish_as(&w, &publisher, &bad, NULL), REFUSE_ACCESS,
                   "write access to topic 'bob.x' in exchange 'amq.topic' in vhost '/' refused for "
                   "user 'ann'");
    assert_int_equal(world_publish_as(&w, &publisher, &copy, NULL), ERR_DENIED);
    world_publisher_close(&publisher);
    assert_int_equal(world_bind_as(&w, v, "amq.topic q", "abc", ""), 0);
    expect_refusal(&w.refusal, world_bind_as(&w, v, "amq.topic q", "bcd", ""), REFUSE_ACCESS,
                   "read access to topic 'bcd' in exchange 'amq.topic' in vhost '/' refused for "
                   "user 'ann'");
    assert_int_equal(world_unbind_as(&w, v, "amq.topic q", "bcd", ""), ERR_DENIED);
    assert_int_equal(world_bind_as(&w, v, "x q", "bcd", ""), 0); /* no topic exchange */
    visit_end(v);
    end(&w);
}

static void test_a_virtual_host_must_be_there_and_be_his(void **state)
{
    const struct permission all = {bytes_text(".*"), bytes_text(".*"), bytes_text(".*")};
    struct broker_world w;
    struct visit_spec spec = {.vhost = bytes_text("other")};
    struct visit *v = NULL;

    (void)state;
    begin(&w);
    spec.user = world_user(&w, "ann", &all);
    expect_refusal(&w.refusal, broker_visit(w.broker, &spec, &v, &w.refusal), REFUSE_NOT_ALLOWED,
                   "vhost other not found");
    assert_int_equal(auth_delete_permission(broker_auth(w.broker), spec.user, bytes_text("/")), 0);
    spec.vhost = bytes_text("/");
    expect_refusal(&w.refusal, broker_visit(w.broker, &spec, &v, &w.refusal), REFUSE_NOT_ALLOWED,
                   "access to vhost '/' refused for user 'ann'");
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_each_operation_needs_its_permissions_and_no_others),
        LEAK_CHECKED(test_a_passive_declaration_needs_any_of_the_three),
        LEAK_CHECKED(test_topic_permissions_hold_for_publishing_and_binding),
        LEAK_CHECKED(test_a_virtual_host_must_be_there_and_be_his),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
