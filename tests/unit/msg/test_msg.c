/* Tests of msg/msg. */
#include "msg/msg.h"

#include "tests/lib/death.h"
#include "tests/lib/hex.h"
#include "tests/lib/leaks.h"
#include "tests/lib/test.h"

static bool is_persistent(const char *props)
{
    struct bytes b = hex_new(props);
    struct message m = {.exchange = bytes_text("e")};

    assert_int_equal(props_decode(b, &m.props), 0);
    bool is = message_is_persistent(&m);
    hex_free(b);
    return is;
}

static void test_only_delivery_mode_2_survives_a_restart(void **state)
{
    (void)state;
    assert_true(is_persistent("1000 02"));
    assert_false(is_persistent("1000 01"));
    assert_false(is_persistent("1000 00"));
    assert_false(is_persistent("1000 03"));
    assert_false(is_persistent("0000"));
    assert_false(is_persistent("0800 02")); /* a priority */
}

static void check(void *owner)
{
    message_check(owner);
}

static void test_a_message_is_the_sum_of_its_pieces(void **state)
{
    const struct bytes pieces[] = {bytes_of("abc", 3), bytes_of(NULL, 0), bytes_of("de", 2)};
    static const char name[256];
    struct message m = {
        .exchange = bytes_of(name, 255),
        .routing_key = bytes_of(name, 255),
        .props = props_none(),
        .body = pieces,
        .body_count = 3,
        .body_size = 5,
    };

    (void)state;
    message_check(&m);
    m.body_size = 6;
    expect_death(check, &m, "size == m->body_size");
    m.body_size = 5;
    m.routing_key = bytes_of(name, 256);
    expect_death(check, &m, "routing_key");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_only_delivery_mode_2_survives_a_restart),
        LEAK_CHECKED(test_a_message_is_the_sum_of_its_pieces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
