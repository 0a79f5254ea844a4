/* Tests of auth/password: hashes as RabbitMQ makes them. */
#include "auth/password.h"

#include "tests/lib/leaks.h"

static const struct {
    enum auth_hash hashing;
    const char
        *hash; /* of "test12" with the salt 90 8d c6 0a; the first one is RabbitMQ's example */
} rows[] = {
    {AUTH_HASH_SHA256, "kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2POR"},
    {AUTH_HASH_SHA512,
     "kI3GChuNuIYf8lRbCCxZjgjKwsY19ns6+uFO0zcXRBGA/XGJPYD8OWMy7EB8TaOmAzjP2azv84Gb"
     "INYwX2cDWb4DHnc="},
    {AUTH_HASH_MD5, "kI3GChNpte2FApYFXScl+0dIluk="},
};

static void test_hashes_are_rabbitmqs(void **state)
{
    const uint8_t salt[4] = {0x90, 0x8d, 0xc6, 0x0a};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char hash[AUTH_HASH_MAX];

        auth_hash_password(rows[i].hashing, bytes_text("test12"), salt, hash);
        assert_string_equal(hash, rows[i].hash);
        assert_int_equal(password_hash_check(bytes_text(hash), rows[i].hashing, NULL), 0);
        assert_true(password_matches(bytes_text(hash), rows[i].hashing, bytes_text("test12")));
        assert_false(password_matches(bytes_text(hash), rows[i].hashing, bytes_text("test1")));
    }
}

static void test_a_hash_of_another_kind_fits_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        enum auth_hash other = rows[(i + 1) % ARRAY_SIZE(rows)].hashing;

        assert_int_equal(password_hash_check(bytes_text(rows[i].hash), other, NULL), ERR_INVALID);
        assert_false(password_matches(bytes_text(rows[i].hash), other, bytes_text("test12")));
    }
}

static void test_malformed_hashes_are_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "=",
        "AAAA",
        "kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2PO",      /* cut */
        "kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2PO*",     /* no such letter */
        "kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2PO=",     /* a byte short */
        "kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV=PO=",     /* padding inside */
        " I3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2POR",     /* a space */
        "kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2PORAAAA", /* too long */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        assert_int_equal(password_hash_check(bytes_text(bad[i]), AUTH_HASH_SHA256, NULL),
                         ERR_INVALID);
        assert_false(password_matches(bytes_text(bad[i]), AUTH_HASH_SHA256, bytes_text("test12")));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_hashes_are_rabbitmqs),
        LEAK_CHECKED(test_a_hash_of_another_kind_fits_nothing),
        LEAK_CHECKED(test_malformed_hashes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
