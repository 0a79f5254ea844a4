/* Tests of auth/auth: users, and who logs in. */
#include "auth/auth.h"

#include "tests/lib/leaks.h"

static void put(struct auth *a, const char *name, const char *password, const char *tag)
{
    const uint8_t salt[4] = {1, 2, 3, 4};
    char hash[AUTH_HASH_MAX];
    struct bytes tags[1] = {bytes_text(tag)};
    struct user_spec spec = {.name = bytes_text(name), .tags = tags, .tag_count = 1};

    auth_hash_password(AUTH_HASH_SHA256, bytes_text(password), salt, hash);
    spec.password_hash = bytes_text(hash);
    assert_int_equal(auth_put_user(a, &spec, NULL), 0);
}

static int log_in(struct auth *a, const char *name, const char *password, struct user **out)
{
    return auth_check_password(a, bytes_text(name), bytes_text(password), out);
}

static void test_a_user_logs_in_with_his_password_alone(void **state)
{
    struct auth *a = auth_new(1);
    struct user *u = NULL;

    (void)state;
    put(a, "ann", "secret", "administrator");
    assert_int_equal(log_in(a, "ann", "secret", &u), 0);
    assert_ptr_equal(u, auth_find_user(a, bytes_text("ann")));
    assert_true(user_has_tag(u, "administrator"));
    assert_false(user_has_tag(u, "monitoring"));
    u = NULL;
    assert_int_equal(log_in(a, "ann", "Secret", &u), ERR_DENIED);
    assert_int_equal(log_in(a, "ann", "", &u), ERR_DENIED);
    assert_int_equal(log_in(a, "bob", "secret", &u), ERR_DENIED);
    assert_int_equal(log_in(a, "", "", &u), ERR_DENIED);
    assert_null(u);
    auth_free(a);
}

static void test_nobody_logs_in_with_no_hash_or_a_blank_password(void **state)
{
    struct auth *a = auth_new(1);
    struct user_spec spec = {.name = bytes_text("ann")};
    struct user *u = NULL;

    (void)state;
    assert_int_equal(auth_put_user(a, &spec, NULL), 0);
    assert_int_equal(log_in(a, "ann", "", &u), ERR_DENIED);
    assert_int_equal(log_in(a, "ann", "x", &u), ERR_DENIED);
    put(a, "bob", "", "x");
    assert_int_equal(log_in(a, "bob", "", &u), ERR_DENIED);
    auth_free(a);
}

static void test_what_cannot_be_a_user_is_refused_with_a_sentence(void **state)
{
    struct auth *a = auth_new(1);
    struct bytes tags[AUTH_TAGS_MAX + 1];
    struct user_spec rows[] = {
        {.name = bytes_text("")},
        {.name = bytes_text("u"), .password_hash = bytes_text("abc")},
        {.name = bytes_text("u"), .password_hash = bytes_text("AAAA")},
        {.name = bytes_text("u"), .tags = tags, .tag_count = AUTH_TAGS_MAX + 1},
        {.name = bytes_text("u"),
         .password_hash = bytes_text("AAAA"),
         .hashing = (enum auth_hash)9},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(tags); i++)
        tags[i] = bytes_text("t");
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct err_note note = {{0}};
        assert_int_equal(auth_put_user(a, &rows[i], &note), ERR_INVALID);
        assert_true(note.text[0] != '\0');
    }
    assert_null(auth_next_user(a, NULL));
    auth_free(a);
}

static void test_a_user_put_again_has_the_new_hash_and_tags(void **state)
{
    struct auth *a = auth_new(1);
    struct user *u = NULL;
    uint64_t version = auth_version(a);
    struct user_spec spec;

    (void)state;
    put(a, "ann", "old", "one");
    assert_true(auth_version(a) > version);
    put(a, "ann", "new", "two");
    assert_int_equal(log_in(a, "ann", "old", &u), ERR_DENIED);
    assert_int_equal(log_in(a, "ann", "new", &u), 0);
    assert_false(user_has_tag(u, "one"));
    assert_true(user_has_tag(u, "two"));
    spec = user_spec(u);
    assert_int_equal(auth_put_user(a, &spec, NULL), 0); /* of his own bytes */
    assert_true(user_has_tag(u, "two"));
    assert_int_equal(log_in(a, "ann", "new", &u), 0);
    auth_free(a);
}

static void test_users_are_walked_and_deleted(void **state)
{
    struct auth *a = auth_new(1);
    struct user *u = NULL;

    (void)state;
    put(a, "ann", "x", "t");
    put(a, "bob", "x", "t");
    u = auth_next_user(a, NULL);
    assert_true(bytes_equal(user_name(u), bytes_text("ann")));
    u = auth_next_user(a, u);
    assert_true(bytes_equal(user_name(u), bytes_text("bob")));
    assert_null(auth_next_user(a, u));
    assert_int_equal(auth_delete_user(a, bytes_text("ann")), 0);
    assert_int_equal(auth_delete_user(a, bytes_text("ann")), ERR_NOT_FOUND);
    assert_null(auth_find_user(a, bytes_text("ann")));
    auth_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_a_user_logs_in_with_his_password_alone),
        LEAK_CHECKED(test_nobody_logs_in_with_no_hash_or_a_blank_password),
        LEAK_CHECKED(test_what_cannot_be_a_user_is_refused_with_a_sentence),
        LEAK_CHECKED(test_a_user_put_again_has_the_new_hash_and_tags),
        LEAK_CHECKED(test_users_are_walked_and_deleted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
