/* Which keys of rabbitmq.conf are accepted without being followed. */
#include "conf/foreign_keys.h"

#include <string.h>

#include "base/check.h"
#include "tests/lib/test.h"

static void test_keys_of_rabbitmq_are_known(void **state)
{
    static const char *const later[] = {
        "default_policies.operator.a",
        "ssl_options.psk_identity",
        "ssl_options.key.RSAPrivateKey",
        "loopback_users.other",
        "loopback_users.a\\.b",
        "log.exchange.formatter.time_format",
        "cluster_formation.classic_config.nodes.1",
        "auth_backends.1",
        "mqtt.listeners.tcp.default",
        "definitions.https.url",
        "management.http_log_dir",
        "log.syslog",
    };
    static const char *const without_meaning[] = {
        "net_ticktime",
        "cluster_partition_handling.pause_if_all_down.recover",
        "raft.wal_max_size_bytes",
        "num_acceptors.tcp",
        "ssl_options.client_renegotiation",
        "hipe_compile",
        "deprecated_features.permit.global_qos",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(later); i++)
        assert_int_equal(foreign_key_fate(later[i]), FOREIGN_LATER);
    for (size_t i = 0; i < ARRAY_SIZE(without_meaning); i++)
        assert_int_equal(foreign_key_fate(without_meaning[i]), FOREIGN_NO_MEANING);
}

static void test_slips_of_the_fingers_are_not(void **state)
{
    static const char *const unknown[] = {
        "",
        "defualt_user",
        "default_user",
        "default_user.x",
        "listeners",
        "listeners.tcp.defualt",
        "listeners.tcp.12",
        "ssl_option.certfile",
        "ssl_options.certfiel",
        "log.console.levle",
        "log.default.levle",
        "management.tcp.prot",
        "prometheus.tcp.prot",
        "loopback_user.guest",
        "mqtt",
        "millrace.data_dir",
        "loopback_users\\.guest",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(unknown); i++)
        assert_int_equal(foreign_key_fate(unknown[i]), FOREIGN_UNKNOWN);
}

static void test_no_pattern_stands_twice(void **state)
{
    (void)state;
    for (const struct foreign_key *a = foreign_keys; a->pattern != NULL; a++)
        for (const struct foreign_key *b = a + 1; b->pattern != NULL; b++)
            assert_string_not_equal(a->pattern, b->pattern);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys_of_rabbitmq_are_known),
        cmocka_unit_test(test_slips_of_the_fingers_are_not),
        cmocka_unit_test(test_no_pattern_stands_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
