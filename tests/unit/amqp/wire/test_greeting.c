/* Tests of amqp/wire/greeting. */
#include "amqp/wire/greeting.h"

#include "tests/lib/hex.h"
#include "tests/lib/leaks.h"
#include "tests/lib/test.h"

static void test_protocols_are_told_apart(void **state)
{
    static const struct {
        const char *bytes;
        enum greeting greeting;
    } rows[] = {
        {"'AMQP' 00000901", GREETING_AMQP_0_9_1},
        {"'AMQP' 01010009", GREETING_AMQP_0_9},
        {"'AMQP' 00000900", GREETING_WRONG_VERSION},
        {"'AMQP' 00000902", GREETING_WRONG_VERSION},
        {"'AMQP' 00000a00", GREETING_WRONG_VERSION},
        {"'AMQP' 00000800", GREETING_WRONG_VERSION},
        {"'AMQP' 01010800", GREETING_WRONG_VERSION}, /* 0-8 */
        {"'AMQP' 01010901", GREETING_WRONG_VERSION},
        {"'AMQP' ffffffff", GREETING_WRONG_VERSION},
        {"'AMQP' 00010000", GREETING_AMQP_1_0},
        {"'AMQP' 02010000", GREETING_AMQP_1_0_TLS},
        {"'AMQP' 03010000", GREETING_AMQP_1_0_SASL},
        {"'AMQP' 03010001", GREETING_WRONG_VERSION},
        {"'GET / HT'", GREETING_HTTP},
        {"'GET /api/overview HTTP/1.1' 0d0a", GREETING_HTTP},
        {"'GETX/ HT'", GREETING_OTHER},
        {"16030100f7010000f3 0303", GREETING_TLS},
        {"1603030200010001fc", GREETING_TLS},
        {"1603030200020001fc", GREETING_OTHER}, /* no ClientHello */
        {"1602030200010001fc", GREETING_OTHER},
        {"1603010005 02 0000", GREETING_OTHER}, /* another handshake than a client's first */
        {"1703030200010001fc", GREETING_OTHER},
        {"0000000000000000", GREETING_OTHER},
        {"ffffffffffffffff", GREETING_OTHER},
        {"'amqp' 00000901", GREETING_OTHER},
        {"'AMQ' 0000000901", GREETING_OTHER},
        {"'POST / HT'", GREETING_OTHER},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct bytes window = hex_new(rows[i].bytes);
        assert_int_equal(greeting_of(window), rows[i].greeting);
        hex_free(window);
    }
}

static void test_fewer_than_eight_bytes_are_waited_for(void **state)
{
    static const char *const rows[] = {"'AMQP' 00000901", "'GET / HT'", "16030100f7010000",
                                       "ffffffffffffffff"};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct bytes window = hex_new(rows[i]);
        for (size_t size = 0; size < GREETING_SIZE; size++) {
            struct bytes cut = hex_copy(bytes_of(window.data, size));
            assert_int_equal(greeting_of(cut), GREETING_MORE);
            hex_free(cut);
        }
        assert_int_not_equal(greeting_of(window), GREETING_MORE);
        hex_free(window);
    }
}

static void test_what_follows_the_greeting_is_not_looked_at(void **state)
{
    struct bytes window = hex_new("'AMQP' 00000901 ffff");

    (void)state;
    assert_int_equal(greeting_of(window), GREETING_AMQP_0_9_1);
    hex_free(window);
}

static void test_the_answer_is_the_version_that_is_spoken(void **state)
{
    (void)state;
    hex_expect(greeting_answer(), "'AMQP' 00 00 09 01");
    assert_int_equal(greeting_of(greeting_answer()), GREETING_AMQP_0_9_1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_protocols_are_told_apart),
        LEAK_CHECKED(test_fewer_than_eight_bytes_are_waited_for),
        LEAK_CHECKED(test_what_follows_the_greeting_is_not_looked_at),
        LEAK_CHECKED(test_the_answer_is_the_version_that_is_spoken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
