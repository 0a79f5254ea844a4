/* What clients are refused for who they are: logins from afar, virtual hosts, names, topics. Users
 * with rights of their own are made by an administrator's calls. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "broker/admin.h"
#include "tests/lib/leaks.h"
#include "tests/lib/test.h"
#include "tests/sim/client.h"

static void make_user(struct world *w, const char *name)
{
    struct admin_user u = {
        .name = bytes_text(name), .has_password = true, .password = bytes_text(name)};
    int rv = admin_put_user(w->broker, &u, NULL);

    assert_int_equal(rv, 0);
}

static void make_vhost(struct world *w, const char *name)
{
    int rv = admin_put_vhost(w->broker, &(struct admin_vhost){.name = bytes_text(name)}, NULL);

    assert_int_equal(rv, 0);
}

/* The same pattern for all three rights in "/". */
static int permit(struct world *w, const char *user, const char *pattern, struct err_note *note)
{
    struct permission p = {bytes_text(pattern), bytes_text(pattern), bytes_text(pattern)};

    return admin_put_permission(w->broker, bytes_text(user), bytes_text("/"), &p, note);
}

static int permit_topics(struct world *w, const char *user, const char *write, const char *read)
{
    struct topic_permission p = {
        .vhost = bytes_text("/"),
        .exchange = bytes_text("amq.topic"),
        .write = bytes_text(write),
        .read = bytes_text(read),
    };

    return admin_put_topic_permission(w->broker, bytes_text(user), &p, NULL);
}

static struct client *client_as(struct world *w, const char *user, const char *vhost)
{
    struct client *c = client_new(w);

    c->user = user;
    c->vhost = vhost;
    return c;
}

/* ---- A14: the usual user is known only on this machine ---- */

static void test_the_usual_user_may_not_log_in_from_another_machine(void **state)
{
    struct client *told, *left;
    struct world w;

    (void)state;
    world_init(&w);
    mem_free(w.broker_options.loopback_users); /* as it usually is */
    w.broker_options.loopback_users = mem_text("guest");
    w.broker_options.guest_is_loopback_user = true;
    world_open(&w);
    told = client_new(&w);
    client_log_in(told);
    client_expect_connection_close(
        told, 403,
        "ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN. For details see "
        "the broker logfile.");
    left = client_new(&w);
    left->takes_all = false;
    client_log_in(left);
    client_expect_end(left);
    client_free(told);
    client_free(left);
    world_release(&w);
}

/* ---- A21: a virtual host without a right to it ---- */

static void expect_refused(struct client *c, const char *text)
{
    client_log_in(c);
    client_ask_in(c);
    client_expect_connection_close(c, 530, text);
    client_free(c);
}

static void test_a_virtual_host_is_closed_to_who_has_no_permission_in_it(void **state)
{
    struct client *c;
    struct world w;

    (void)state;
    world_init(&w);
    world_open(&w);
    make_user(&w, "anna");
    make_vhost(&w, "other");
    expect_refused(client_as(&w, "anna", "/"),
                   "NOT_ALLOWED - access to vhost '/' refused for user 'anna'");
    expect_refused(client_as(&w, "anna", "none"), "NOT_ALLOWED - vhost none not found");
    assert_int_equal(permit(&w, "anna", "", NULL), 0); /* no name at all, and yet a permission */
    expect_refused(client_as(&w, "anna", "other"),
                   "NOT_ALLOWED - access to vhost 'other' refused for user 'anna'");
    c = client_as(&w, "anna", "/");
    client_enter(c, 1);
    client_free(c);
    world_release(&w);
}

/* ---- D118: patterns that could take for ever ---- */

static void ask_for_queue(struct client *c, const char *name)
{
    struct method m = {.id = METHOD_QUEUE_DECLARE};

    memset(&m.queue_declare, 0, sizeof(m.queue_declare));
    m.queue_declare.queue = bytes_text(name);
    client_method(c, 1, &m);
}

static void test_a_pattern_that_would_take_for_ever_permits_nothing(void **state)
{
    char name[200];
    char text[300];
    struct client *c;
    struct world w;

    (void)state;
    memset(name, 'a', sizeof(name) - 2);
    memcpy(name + sizeof(name) - 2, "b", 2);
    world_init(&w);
    world_open(&w);
    make_user(&w, "anna");
    assert_int_equal(permit(&w, "anna", "^(a+)+$", NULL), 0);
    c = client_as(&w, "anna", "/");
    client_enter(c, 1);
    ask_for_queue(c, name);
    snprintf(text, sizeof(text),
             "ACCESS_REFUSED - configure access to queue '%s' in vhost '/' refused for user 'anna'",
             name);
    text[255] = '\0';
    client_expect_channel_close(c, 1, 403, text);
    client_free(c);
    world_release(&w);
}

static void test_a_pattern_that_is_too_large_is_refused_when_it_is_set(void **state)
{
    struct err_note note = {{0}};
    struct client *c;
    struct world w;

    (void)state;
    world_init(&w);
    world_open(&w);
    make_user(&w, "anna");
    assert_int_equal(permit(&w, "anna", "^a", NULL), 0);
    assert_int_equal(permit(&w, "anna", "((a{100}){100}){100}", &note), ERR_INVALID);
    assert_int_equal(permit(&w, "anna", "(", &note), ERR_INVALID);
    assert_true(strlen(note.text) > 0);
    c = client_as(&w, "anna", "/");
    client_enter(c, 1);
    client_declare(c, "a"); /* the old permission holds */
    client_free(c);
    world_release(&w);
}

/* ---- topics ---- */

static void bind(struct client *c, const char *queue, const char *key)
{
    struct method m = {.id = METHOD_QUEUE_BIND};

    memset(&m.queue_bind, 0, sizeof(m.queue_bind));
    m.queue_bind.queue = bytes_text(queue);
    m.queue_bind.exchange = bytes_text("amq.topic");
    m.queue_bind.routing_key = bytes_text(key);
    client_method(c, 1, &m);
}

static void open_again(struct client *c)
{
    struct method m = {.id = METHOD_CHANNEL_OPEN};

    memset(&m.channel_open, 0, sizeof(m.channel_open));
    client_method(c, 1, &m);
    client_expect(c, 1, METHOD_CHANNEL_OPEN_OK);
}

static void test_topics_are_permitted_by_their_routing_keys(void **state)
{
    struct client *c;
    struct world w;

    (void)state;
    world_init(&w);
    world_open(&w);
    make_user(&w, "anna");
    assert_int_equal(permit(&w, "anna", ".*", NULL), 0);
    assert_int_equal(permit_topics(&w, "anna", "^w\\.", "^r\\."), 0);
    c = client_as(&w, "anna", "/");
    client_enter(c, 1);
    client_declare(c, "q");
    bind(c, "q", "r.#");
    client_expect(c, 1, METHOD_QUEUE_BIND_OK);
    client_confirm(c);
    client_publish(c, "amq.topic", "w.1", "no binding has this key");
    client_expect_confirmed(c, 1);
    client_publish(c, "amq.topic", "r.1", "may be read, not written");
    client_expect_channel_close(c, 1, 403,
                                "ACCESS_REFUSED - write access to topic 'r.1' in exchange "
                                "'amq.topic' in vhost '/' refused for user 'anna'");
    open_again(c);
    bind(c, "q", "w.#");
    client_expect_channel_close(c, 1, 403,
                                "ACCESS_REFUSED - read access to topic 'w.#' in exchange "
                                "'amq.topic' in vhost '/' refused for user 'anna'");
    open_again(c);
    client_confirm(c);
    client_publish(c, "amq.direct", "r.1", "no topic");
    client_expect_confirmed(c, 1);
    client_free(c);
    world_release(&w);
}

/* ---- D119: {username} stands for the name to the letter ---- */

static void test_signs_in_the_name_of_a_user_are_no_pattern(void **state)
{
    struct client *c;
    struct world w;

    (void)state;
    world_init(&w);
    world_open(&w);
    make_user(&w, "a.*b|c");
    assert_int_equal(permit(&w, "a.*b|c", ".*", NULL), 0);
    assert_int_equal(permit_topics(&w, "a.*b|c", "^of-{username}$", ".*"), 0);
    c = client_as(&w, "a.*b|c", "/");
    client_enter(c, 1);
    client_confirm(c);
    client_publish(c, "amq.topic", "of-a.*b|c", "his own");
    client_expect_confirmed(c, 1);
    client_publish(c, "amq.topic", "of-axxb", "as a pattern would have it");
    client_expect_channel_close(c, 1, 403,
                                "ACCESS_REFUSED - write access to topic 'of-axxb' in exchange "
                                "'amq.topic' in vhost '/' refused for user 'a.*b|c'");
    client_free(c);
    world_release(&w);
}

/* ---- what an administrator ends ---- */

static void test_who_is_deleted_or_whose_virtual_host_is_hears_of_it(void **state)
{
    struct client *anna, *bert;
    struct world w;

    (void)state;
    world_init(&w);
    world_open(&w);
    make_user(&w, "anna");
    make_user(&w, "bert");
    make_vhost(&w, "other");
    assert_int_equal(permit(&w, "anna", ".*", NULL), 0);
    struct permission all = {bytes_text(".*"), bytes_text(".*"), bytes_text(".*")};
    assert_int_equal(
        admin_put_permission(w.broker, bytes_text("bert"), bytes_text("other"), &all, NULL), 0);
    anna = client_as(&w, "anna", "/");
    client_enter(anna, 1);
    bert = client_as(&w, "bert", "other");
    client_enter(bert, 1);
    assert_int_equal(admin_delete_user(w.broker, bytes_text("anna"), NULL), 0);
    client_expect_connection_close(anna, 320, "CONNECTION_FORCED - user 'anna' is deleted");
    assert_int_equal(admin_delete_vhost(w.broker, bytes_text("other"), NULL), 0);
    client_expect_connection_close(bert, 320, "CONNECTION_FORCED - vhost 'other' is deleted");
    client_free(anna);
    client_free(bert);
    world_release(&w);
}

static void test_a_connection_above_the_limit_of_a_user_or_a_virtual_host_is_refused(void **state)
{
    struct client *c;
    struct world w;

    (void)state;
    world_init(&w);
    world_open(&w);
    make_user(&w, "anna");
    assert_int_equal(permit(&w, "anna", ".*", NULL), 0);
    assert_int_equal(
        admin_set_user_limit(w.broker, bytes_text("anna"), bytes_text("max-connections"), 1, NULL),
        0);
    c = client_as(&w, "anna", "/");
    client_enter(c, 1);
    expect_refused(client_as(&w, "anna", "/"),
                   "NOT_ALLOWED - connection refused for user 'anna': user connection limit (1) is "
                   "reached");
    assert_int_equal(
        admin_set_vhost_limit(w.broker, bytes_text("/"), bytes_text("max-connections"), 1, NULL),
        0);
    expect_refused(client_as(&w, "guest", "/"),
                   "NOT_ALLOWED - access to vhost '/' refused for user 'guest': connection limit "
                   "(1) is reached");
    client_free(c);
    world_release(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_the_usual_user_may_not_log_in_from_another_machine),
        LEAK_CHECKED(test_a_virtual_host_is_closed_to_who_has_no_permission_in_it),
        LEAK_CHECKED(test_a_pattern_that_would_take_for_ever_permits_nothing),
        LEAK_CHECKED(test_a_pattern_that_is_too_large_is_refused_when_it_is_set),
        LEAK_CHECKED(test_topics_are_permitted_by_their_routing_keys),
        LEAK_CHECKED(test_signs_in_the_name_of_a_user_are_no_pattern),
        LEAK_CHECKED(test_who_is_deleted_or_whose_virtual_host_is_hears_of_it),
        LEAK_CHECKED(test_a_connection_above_the_limit_of_a_user_or_a_virtual_host_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
