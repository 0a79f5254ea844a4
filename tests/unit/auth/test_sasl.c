/* Tests of auth/sasl: PLAIN and AMQPLAIN responses. */
#include "auth/auth.h"
#include "tests/lib/hex.h"
#include "tests/lib/leaks.h"

static void test_plain_responses(void **state)
{
    static const struct {
        const char *response;
        int rv;
        const char *name;
        const char *password;
    } rows[] = {
        {"00 'ann' 00 'secret'", 0, "ann", "secret"},
        {"'ann' 00 'ann' 00 'secret'", 0, "ann", "secret"},
        {"00 00", 0, "", ""},
        {"00 'ann' 00", 0, "ann", ""},
        {"", ERR_INVALID, NULL, NULL},
        {"00", ERR_INVALID, NULL, NULL},
        {"'ann'", ERR_INVALID, NULL, NULL},
        {"00 'ann'", ERR_INVALID, NULL, NULL},
        {"'root' 00 'ann' 00 'secret'", ERR_INVALID, NULL, NULL},
        {"00 'ann' 00 'sec' 00 'ret'", ERR_INVALID, NULL, NULL},
        {"00 'ann' 00 'secret' 00", ERR_INVALID, NULL, NULL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct bytes b = hex_new(rows[i].response);
        struct sasl_login login;

        assert_int_equal(sasl_plain_read(b, &login), rows[i].rv);
        if (rows[i].rv == 0) {
            assert_true(bytes_equal(login.name, bytes_text(rows[i].name)));
            assert_true(bytes_equal(login.password, bytes_text(rows[i].password)));
        }
        hex_free(b);
    }
}

static void test_amqplain_responses(void **state)
{
    static const struct {
        const char *response;
        int rv;
    } rows[] = {
        {"05 'LOGIN' 'S' 00000003 'ann' 08 'PASSWORD' 'S' 00000006 'secret'", 0},
        {"08 'PASSWORD' 'S' 00000006 'secret' 05 'LOGIN' 'S' 00000003 'ann'", 0},
        {"", ERR_INVALID},
        {"05 'LOGIN' 'S' 00000003 'ann'", ERR_INVALID},
        {"05 'LOGIN' 'V' 08 'PASSWORD' 'S' 00000006 'secret'", ERR_INVALID},
        {"05 'LOGIN' 'S' 00000003 'ann' 08 'PASSWORD' 'I' 00000006", ERR_INVALID},
        {"05 'LOGIN' 'S' 000000ff 'ann'", ERR_INVALID},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct bytes b = hex_new(rows[i].response);
        struct sasl_login login;

        assert_int_equal(sasl_amqplain_read(b, &login), rows[i].rv);
        if (rows[i].rv == 0) {
            assert_true(bytes_equal(login.name, bytes_text("ann")));
            assert_true(bytes_equal(login.password, bytes_text("secret")));
        }
        hex_free(b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_plain_responses),
        LEAK_CHECKED(test_amqplain_responses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
