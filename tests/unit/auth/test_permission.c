/* Tests of auth/permission: may he? */
#include "auth/auth.h"

#include <stdio.h>

#include "tests/lib/leaks.h"

struct bench {
    struct auth *auth;
    struct user *ann;
};

static void begin(struct bench *b)
{
    struct user_spec spec = {.name = bytes_text("ann")};

    b->auth = auth_new(7);
    assert_int_equal(auth_put_user(b->auth, &spec, NULL), 0);
    b->ann = auth_find_user(b->auth, bytes_text("ann"));
}

static int put(struct bench *b, const char *configure, const char *write, const char *read)
{
    struct permission p = {bytes_text(configure), bytes_text(write), bytes_text(read)};

    return auth_put_permission(b->auth, b->ann, bytes_text("/"), &p, NULL);
}

static bool may(struct bench *b, const char *name, enum auth_action action)
{
    return auth_may(b->auth, b->ann, bytes_text("/"), bytes_text(name), action);
}

static bool may_topic(struct bench *b, const char *exchange, const char *key,
                      enum auth_action action)
{
    struct topic_question q = {bytes_text("/"), bytes_text(exchange), bytes_text(key), action};

    return auth_may_topic(b->auth, b->ann, &q);
}

static void test_each_action_has_its_pattern(void **state)
{
    struct bench b;

    (void)state;
    begin(&b);
    assert_false(may(&b, "c", AUTH_CONFIGURE));
    assert_false(auth_may_enter(b.auth, b.ann, bytes_text("/")));
    assert_int_equal(put(&b, "^c", "^w", "^r"), 0);
    assert_true(auth_may_enter(b.auth, b.ann, bytes_text("/")));
    assert_false(auth_may_enter(b.auth, b.ann, bytes_text("other")));
    for (int i = 0; i < 2; i++) { /* the second answer is a remembered one */
        assert_true(may(&b, "c", AUTH_CONFIGURE));
        assert_false(may(&b, "c", AUTH_WRITE));
        assert_false(may(&b, "c", AUTH_READ));
        assert_true(may(&b, "w", AUTH_WRITE));
        assert_false(may(&b, "w", AUTH_CONFIGURE));
        assert_true(may(&b, "r", AUTH_READ));
    }
    auth_free(b.auth);
}

static void test_a_changed_permission_counts_at_once(void **state)
{
    struct bench b;
    struct permission p;
    uint64_t version = 0;

    (void)state;
    begin(&b);
    assert_int_equal(put(&b, "", "", ""), 0);
    assert_false(may(&b, "q", AUTH_READ));
    version = auth_version(b.auth);
    assert_int_equal(put(&b, "a", "b", ".*"), 0);
    assert_true(auth_version(b.auth) > version);
    assert_true(may(&b, "q", AUTH_READ));
    assert_true(auth_find_permission(b.auth, b.ann, bytes_text("/"), &p));
    assert_true(bytes_equal(p.configure, bytes_text("a")));
    assert_true(bytes_equal(p.write, bytes_text("b")));
    assert_true(bytes_equal(p.read, bytes_text(".*")));
    assert_int_equal(put(&b, "a", "(", "c"), ERR_INVALID);
    assert_true(may(&b, "q", AUTH_READ)); /* as before */
    assert_int_equal(auth_delete_permission(b.auth, b.ann, bytes_text("/")), 0);
    assert_int_equal(auth_delete_permission(b.auth, b.ann, bytes_text("/")), ERR_NOT_FOUND);
    assert_false(auth_find_permission(b.auth, b.ann, bytes_text("/"), &p));
    assert_false(may(&b, "q", AUTH_READ));
    auth_free(b.auth);
}

static void test_more_names_than_are_remembered_get_right_answers(void **state)
{
    struct bench b;

    (void)state;
    begin(&b);
    assert_int_equal(put(&b, "", "", "[02468]$"), 0);
    for (int i = 0; i < 10000; i++) {
        char name[16];

        assert_true(snprintf(name, sizeof(name), "q%d", i % 5000) > 0);
        assert_int_equal(may(&b, name, AUTH_READ), i % 2 == 0);
    }
    auth_free(b.auth);
}

static void test_topic_permissions_hold_for_their_exchange(void **state)
{
    struct bench b;
    struct topic_permission p = {.vhost = bytes_text("/"),
                                 .exchange = bytes_text("amq.topic"),
                                 .write = bytes_text("^{username}\\."),
                                 .read = bytes_text("^a")};

    (void)state;
    begin(&b);
    assert_true(may_topic(&b, "amq.topic", "x", AUTH_WRITE)); /* there is none */
    assert_int_equal(auth_put_topic_permission(b.auth, b.ann, &p, NULL), 0);
    assert_false(auth_may_enter(b.auth, b.ann, bytes_text("/"))); /* that is another matter */
    assert_true(may_topic(&b, "amq.topic", "ann.x", AUTH_WRITE));
    assert_false(may_topic(&b, "amq.topic", "bob.x", AUTH_WRITE));
    assert_true(may_topic(&b, "amq.topic", "abc", AUTH_READ));
    assert_false(may_topic(&b, "amq.topic", "bcd", AUTH_READ));
    assert_true(may_topic(&b, "other", "bob.x", AUTH_WRITE));
    p.read = bytes_text("(");
    assert_int_equal(auth_put_topic_permission(b.auth, b.ann, &p, NULL), ERR_INVALID);
    assert_int_equal(auth_delete_topic_permission(b.auth, b.ann, p.vhost, p.exchange), 0);
    assert_int_equal(auth_delete_topic_permission(b.auth, b.ann, p.vhost, p.exchange),
                     ERR_NOT_FOUND);
    assert_true(may_topic(&b, "amq.topic", "bob.x", AUTH_WRITE));
    auth_free(b.auth);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_each_action_has_its_pattern),
        LEAK_CHECKED(test_a_changed_permission_counts_at_once),
        LEAK_CHECKED(test_more_names_than_are_remembered_get_right_answers),
        LEAK_CHECKED(test_topic_permissions_hold_for_their_exchange),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
