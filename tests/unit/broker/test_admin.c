/* Tests of broker/admin: users, virtual hosts and limits come and go, and survive. */
#include "broker/admin.h"

#include <string.h>

#include "broker/look.h"
#include "broker/parameters.h"
#include "broker/policies.h"
#include "tests/lib/broker_world.h"
#include "tests/lib/leaks.h"
#include "tests/unit/broker/refused.h"

static const struct permission everything = {
    {(const uint8_t *)".*", 2}, {(const uint8_t *)".*", 2}, {(const uint8_t *)".*", 2}};

/* A visit that hears when it must go. */
struct guest {
    struct visit *visit;
    struct refusal why;
    unsigned expelled;
};

static void on_expelled(void *owner, const struct refusal *why)
{
    struct guest *g = owner;

    g->expelled++;
    g->why = *why;
}

static int enter(struct broker_world *w, struct guest *g, const char *user, const char *vhost)
{
    const struct visit_spec spec = {
        .user = auth_find_user(broker_auth(w->broker), bytes_text(user)),
        .vhost = bytes_text(vhost),
        .calls = {.owner = g, .expelled = on_expelled},
    };

    memset(g, 0, sizeof(*g));
    assert_non_null(spec.user);
    return broker_visit(w->broker, &spec, &g->visit, &w->refusal);
}

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

static void make_user(struct broker_world *w, const char *name)
{
    const struct bytes tags[] = {bytes_text("monitoring"), bytes_text("own")};
    const struct admin_user u = {.name = bytes_text(name),
                                 .has_password = true,
                                 .password = bytes_text("secret"),
                                 .tags = tags,
                                 .tag_count = 2};

    assert_int_equal(admin_put_user(w->broker, &u, &w->note), 0);
}

static void make_vhost(struct broker_world *w, const char *name)
{
    const struct admin_vhost v = {.name = bytes_text(name)};

    assert_int_equal(admin_put_vhost(w->broker, &v, &w->note), 0);
}

static int log_in(struct broker_world *w, const char *name, const char *password)
{
    struct user *u = NULL;

    return broker_log_in(w->broker, bytes_text(name), bytes_text(password), true, &u);
}

static void test_users_log_in_until_they_are_deleted(void **state)
{
    const struct bytes ann = bytes_text("ann");
    struct broker_world w;
    struct look_user u;

    (void)state;
    begin(&w);
    make_user(&w, "ann");
    assert_int_equal(log_in(&w, "ann", "secret"), 0);
    assert_int_equal(admin_set_password(w.broker, ann, bytes_text("other"), &w.note), 0);
    assert_int_equal(log_in(&w, "ann", "secret"), ERR_DENIED);
    assert_int_equal(log_in(&w, "ann", "other"), 0);
    assert_int_equal(admin_set_tags(w.broker, ann, NULL, 0, &w.note), 0);
    assert_true(look_find_user(w.broker, ann, &u));
    assert_int_equal(u.spec.tag_count, 0);
    assert_int_equal(log_in(&w, "ann", "other"), 0);
    assert_int_equal(admin_clear_password(w.broker, ann, &w.note), 0);
    assert_int_equal(log_in(&w, "ann", "other"), ERR_DENIED);
    assert_int_equal(admin_delete_user(w.broker, ann, &w.note), 0);
    assert_int_equal(admin_delete_user(w.broker, ann, &w.note), ERR_NOT_FOUND);
    assert_string_equal(w.note.text, "user 'ann' does not exist");
    assert_false(look_find_user(w.broker, ann, &u));
    end(&w);
}

static void test_a_deleted_user_is_expelled_and_may_do_nothing(void **state)
{
    struct broker_world w;
    struct guest ann;

    (void)state;
    begin(&w);
    make_user(&w, "ann");
    assert_int_equal(
        admin_put_permission(w.broker, bytes_text("ann"), bytes_text("/"), &everything, &w.note),
        0);
    assert_int_equal(enter(&w, &ann, "ann", "/"), 0);
    assert_int_equal(world_queue_as(&w, ann.visit, "q", "durable", ""), 0);
    assert_int_equal(admin_delete_user(w.broker, bytes_text("ann"), &w.note), 0);
    assert_int_equal(ann.expelled, 0); /* not inside of the call */
    expect_refusal(&w.refusal, world_queue_as(&w, ann.visit, "r", "durable", ""), REFUSE_ACCESS,
                   "configure access to queue 'r' in vhost '/' refused for user 'ann'");
    world_settle(&w);
    assert_int_equal(ann.expelled, 1);
    assert_int_equal(ann.why.code, REFUSE_FORCED);
    assert_string_equal(ann.why.text, "user 'ann' is deleted");
    visit_end(ann.visit);
    end(&w);
}

static void test_a_deleted_virtual_host_takes_all_with_it(void **state)
{
    static struct world_consumer c;
    struct broker_world w;
    struct guest g;
    struct look_vhost v;
    struct look_permission p;
    const struct policy_spec policy = {
        .name = bytes_text("p"), .pattern = bytes_text("q"), .apply_to = POLICY_ALL};
    struct policy_spec spec = policy;

    (void)state;
    begin(&w);
    make_vhost(&w, "v");
    assert_int_equal(
        admin_put_permission(w.broker, bytes_text("guest"), bytes_text("v"), &everything, &w.note),
        0);
    assert_int_equal(
        admin_set_vhost_limit(w.broker, bytes_text("v"), bytes_text("max-queues"), 5, &w.note), 0);
    spec.definition = world_table(&w, "max-length=5");
    assert_int_equal(broker_put_policy(w.broker, bytes_text("v"), POLICY_OF_USERS, &spec, &w.note),
                     0);
    assert_int_equal(enter(&w, &g, "guest", "v"), 0);
    assert_int_equal(world_queue_as(&w, g.visit, "q", "durable", ""), 0);
    assert_int_equal(world_queue_as(&w, g.visit, "own", "exclusive", ""), 0);
    assert_int_equal(world_exchange_as(&w, g.visit, "x", "fanout durable", ""), 0);
    assert_int_equal(world_bind_as(&w, g.visit, "x q", "", ""), 0);
    assert_int_equal(world_bind_as(&w, g.visit, "amq.topic @amq.fanout", "", ""), 0);
    assert_int_equal(world_consume_as(&w, g.visit, &c, "q", false), 0);
    assert_int_equal(admin_delete_vhost(w.broker, bytes_text("v"), &w.note), 0);
    assert_true(c.is_cancelled);
    make_vhost(&w, "v"); /* another of the same name, at once */
    assert_int_equal(
        admin_put_permission(w.broker, bytes_text("guest"), bytes_text("v"), &everything, &w.note),
        0);
    assert_int_not_equal(world_queue_as(&w, g.visit, "late", "durable", ""), 0);
    world_settle(&w);
    assert_int_equal(g.expelled, 1);
    assert_string_equal(g.why.text, "vhost 'v' is deleted");
    visit_end(g.visit);
    for (int round = 0; round < 3; round++) {
        assert_true(look_find_vhost(w.broker, bytes_text("v"), &v));
        assert_int_equal(v.queues, 0);
        assert_int_equal(v.exchanges, 7);
        assert_int_equal(v.bindings, 0);
        assert_int_equal(v.queues_max, LOOK_UNSET);
        assert_null(
            policies_next(broker_policies(w.broker, bytes_text("v")), POLICY_OF_USERS, NULL));
        assert_true(look_find_permission(w.broker, bytes_text("guest"), bytes_text("v"), &p));
        if (round == 0)
            broker_world_crash(&w);
        else
            broker_world_close(&w);
        broker_world_open(&w);
    }
    assert_int_equal(admin_delete_vhost(w.broker, bytes_text("v"), &w.note), 0);
    assert_int_equal(admin_delete_vhost(w.broker, bytes_text("v"), &w.note), ERR_NOT_FOUND);
    assert_int_equal(world_wait(&w), 0);
    broker_world_crash(&w);
    broker_world_open(&w);
    assert_false(look_find_vhost(w.broker, bytes_text("v"), &v));
    assert_false(look_find_permission(w.broker, bytes_text("guest"), bytes_text("v"), &p));
    end(&w);
}

static void test_what_is_known_about_a_virtual_host_survives(void **state)
{
    struct broker_world w;
    struct look_vhost v;
    struct admin_vhost spec = {.name = bytes_text("v"),
                               .description = bytes_text("a place"),
                               .tags = bytes_text("one,two"),
                               .default_queue_type = bytes_text("quorum"),
                               .is_tracing = true,
                               .is_protected = true};

    (void)state;
    begin(&w);
    assert_int_equal(admin_put_vhost(w.broker, &spec, &w.note), 0);
    assert_int_equal(world_wait(&w), 0);
    broker_world_crash(&w);
    broker_world_open(&w);
    assert_true(look_find_vhost(w.broker, bytes_text("v"), &v));
    assert_true(bytes_equal(v.description, bytes_text("a place")));
    assert_true(bytes_equal(v.tags, bytes_text("one,two")));
    assert_true(bytes_equal(v.default_queue_type, bytes_text("quorum")));
    assert_true(v.is_tracing && v.is_protected);
    assert_int_equal(admin_delete_vhost(w.broker, bytes_text("v"), &w.note), ERR_DENIED);
    spec.is_protected = false;
    assert_int_equal(admin_put_vhost(w.broker, &spec, &w.note), 0);
    assert_int_equal(admin_delete_vhost(w.broker, bytes_text("v"), &w.note), 0);
    spec.default_queue_type = bytes_text("heap");
    assert_int_equal(admin_put_vhost(w.broker, &spec, &w.note), ERR_INVALID);
    spec.name = bytes_of(NULL, 0);
    assert_int_equal(admin_put_vhost(w.broker, &spec, &w.note), ERR_INVALID);
    end(&w);
}

static int set_vhost_limit(struct broker_world *w, const char *limit, int64_t value)
{
    return admin_set_vhost_limit(w->broker, bytes_text("/"), bytes_text(limit), value, &w->note);
}

static int set_user_limit(struct broker_world *w, const char *limit, int64_t value)
{
    return admin_set_user_limit(w->broker, bytes_text("guest"), bytes_text(limit), value, &w->note);
}

static void test_limits_refuse_in_rabbitmqs_words(void **state)
{
    struct visit_spec brief = {.vhost = bytes_text("/"), .is_brief = true};
    struct visit *v = NULL;
    struct broker_world w;
    struct guest g;

    (void)state;
    begin(&w);
    assert_int_equal(set_vhost_limit(&w, "max-connections", 1), 0);
    expect_refusal(&w.refusal, enter(&w, &g, "guest", "/"), REFUSE_NOT_ALLOWED,
                   "access to vhost '/' refused for user 'guest': connection limit (1) is reached");
    brief.user = auth_find_user(broker_auth(w.broker), bytes_text("guest"));
    assert_int_equal(broker_visit(w.broker, &brief, &v, &w.refusal), 0);
    assert_int_equal(set_vhost_limit(&w, "max-connections", 2), 0);
    assert_int_equal(enter(&w, &g, "guest", "/"), 0); /* the brief one does not count */
    visit_end(v);
    visit_end(g.visit);
    assert_int_equal(set_vhost_limit(&w, "max-connections", -1), 0);
    assert_int_equal(set_user_limit(&w, "max-connections", 1), 0);
    expect_refusal(&w.refusal, enter(&w, &g, "guest", "/"), REFUSE_NOT_ALLOWED,
                   "connection refused for user 'guest': user connection limit (1) is reached");
    assert_int_equal(set_user_limit(&w, "max-connections", ADMIN_UNSET), 0);
    assert_int_equal(enter(&w, &g, "guest", "/"), 0);
    assert_int_equal(set_user_limit(&w, "max-channels", 2), 0);
    assert_int_equal(visit_open_channel(g.visit, &w.refusal), 0);
    assert_int_equal(visit_open_channel(w.visit, &w.refusal), 0);
    expect_refusal(&w.refusal, visit_open_channel(g.visit, &w.refusal), REFUSE_NOT_ALLOWED,
                   "number of channels opened for user 'guest' has reached the maximum allowed "
                   "user limit of (2)");
    visit_close_channel(w.visit);
    assert_int_equal(visit_open_channel(g.visit, &w.refusal), 0);
    visit_close_channel(g.visit);
    visit_close_channel(g.visit);
    visit_end(g.visit);
    assert_int_equal(set_vhost_limit(&w, "max-queues", 1), 0);
    assert_int_equal(world_queue(&w, "a", "durable", ""), 0);
    expect_refusal(&w.refusal, world_queue(&w, "b", "durable", ""), REFUSE_PRECONDITION,
                   "cannot declare queue 'b': queue limit in vhost '/' (1) is reached");
    assert_int_equal(set_vhost_limit(&w, "max-toys", 1), ERR_INVALID);
    assert_int_equal(set_user_limit(&w, "max-queues", 1), ERR_INVALID);
    end(&w);
}

static void test_limits_survive(void **state)
{
    struct broker_world w;
    struct look_vhost v;
    struct look_user u;

    (void)state;
    begin(&w);
    assert_int_equal(set_vhost_limit(&w, "max-queues", 7), 0);
    assert_int_equal(set_user_limit(&w, "max-channels", 9), 0);
    assert_int_equal(world_wait(&w), 0);
    broker_world_crash(&w);
    broker_world_open(&w);
    assert_true(look_find_vhost(w.broker, bytes_text("/"), &v));
    assert_int_equal(v.queues_max, 7);
    assert_int_equal(v.connections_max, LOOK_UNSET);
    assert_true(look_find_user(w.broker, bytes_text("guest"), &u));
    assert_int_equal(u.channels_max, 9);
    end(&w);
}

static void test_who_may_not_read_any_more_loses_his_consumers(void **state)
{
    static struct world_consumer hers;
    static struct world_consumer theirs;
    const struct permission less = {bytes_text(".*"), bytes_text(".*"), bytes_text("^other$")};
    struct broker_world w;
    struct guest ann;

    (void)state;
    begin(&w);
    make_user(&w, "ann");
    assert_int_equal(
        admin_put_permission(w.broker, bytes_text("ann"), bytes_text("/"), &everything, &w.note),
        0);
    assert_int_equal(enter(&w, &ann, "ann", "/"), 0);
    assert_int_equal(world_queue(&w, "q", "durable", ""), 0);
    assert_int_equal(world_consume_as(&w, ann.visit, &hers, "q", false), 0);
    assert_int_equal(world_consume_as(&w, w.visit, &theirs, "q", false), 0);
    assert_int_equal(
        admin_put_permission(w.broker, bytes_text("ann"), bytes_text("/"), &less, &w.note), 0);
    assert_true(hers.is_cancelled);
    assert_false(theirs.is_cancelled);
    world_consumer_close(&theirs);
    visit_end(ann.visit);
    end(&w);
}

static const char *type_of(struct broker_world *w, const char *queue)
{
    struct look_queue q;
    struct field f;
    struct bytes text;

    assert_true(look_find_queue(w->broker, bytes_text("/"), bytes_text(queue), &q));
    if (!table_find(q.arguments, bytes_text("x-queue-type"), &f))
        return "none";
    assert_true(field_as_text(&f, &text));
    return bytes_equal(text, bytes_text("quorum")) ? "quorum" : "other";
}

static void test_queues_that_name_no_type_get_that_of_their_virtual_host(void **state)
{
    const struct admin_vhost spec = {.name = bytes_text("/"),
                                     .default_queue_type = bytes_text("quorum")};
    struct broker_world w;

    (void)state;
    begin(&w);
    assert_int_equal(world_queue(&w, "old", "durable", ""), 0);
    assert_int_equal(admin_put_vhost(w.broker, &spec, &w.note), 0);
    assert_int_equal(world_queue(&w, "new", "durable", "x-max-length=5"), 0);
    assert_int_equal(world_queue(&w, "new", "durable", "x-max-length=5"), 0);
    assert_int_equal(world_queue(&w, "classic", "durable", "x-queue-type=classic"), 0);
    assert_int_equal(world_queue(&w, "own", "exclusive", ""), 0);
    assert_int_equal(world_queue(&w, "brief", "durable auto-delete", ""), 0);
    assert_int_equal(world_queue(&w, "old", "durable", ""), 0);
    assert_string_equal(type_of(&w, "old"), "none");
    assert_string_equal(type_of(&w, "new"), "quorum");
    assert_string_equal(type_of(&w, "classic"), "other");
    assert_string_equal(type_of(&w, "own"), "none");
    assert_string_equal(type_of(&w, "brief"), "none");
    assert_int_equal(world_wait(&w), 0);
    broker_world_crash(&w);
    broker_world_open(&w);
    assert_int_equal(world_queue(&w, "newer", "durable", ""), 0);
    assert_string_equal(type_of(&w, "newer"), "quorum");
    end(&w);
}

static void test_global_parameters_survive(void **state)
{
    const struct global_parameter name = {bytes_text("cluster_name"), bytes_text("\"a\"")};
    const struct global_parameter other = {bytes_text("other"), bytes_text("{}")};
    struct broker_world w;
    struct global_parameter p;

    (void)state;
    begin(&w);
    assert_int_equal(broker_put_global(w.broker, &name, &w.note), 0);
    assert_int_equal(broker_put_global(w.broker, &other, &w.note), 0);
    assert_int_equal(broker_delete_global(w.broker, other.name, &w.note), 0);
    assert_int_equal(broker_delete_global(w.broker, other.name, &w.note), ERR_NOT_FOUND);
    assert_int_equal(world_wait(&w), 0);
    broker_world_crash(&w);
    broker_world_open(&w);
    assert_true(broker_get_global(w.broker, 0, &p));
    assert_true(bytes_equal(p.value, name.value));
    assert_false(broker_get_global(w.broker, 1, &p));
    assert_true(broker_find_global(w.broker, name.name, &p));
    assert_false(broker_find_global(w.broker, other.name, &p));
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_users_log_in_until_they_are_deleted),
        LEAK_CHECKED(test_a_deleted_user_is_expelled_and_may_do_nothing),
        LEAK_CHECKED(test_a_deleted_virtual_host_takes_all_with_it),
        LEAK_CHECKED(test_what_is_known_about_a_virtual_host_survives),
        LEAK_CHECKED(test_limits_refuse_in_rabbitmqs_words),
        LEAK_CHECKED(test_limits_survive),
        LEAK_CHECKED(test_queues_that_name_no_type_get_that_of_their_virtual_host),
        LEAK_CHECKED(test_global_parameters_survive),
        LEAK_CHECKED(test_who_may_not_read_any_more_loses_his_consumers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
