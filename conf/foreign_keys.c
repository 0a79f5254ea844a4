/* The keys of rabbitmq.conf that are accepted here without being followed.
 *
 * Patterns are as narrow as they can be, so that a slip of the fingers in a key of ours is still
 * found and not taken for one of theirs. */
#include "conf/foreign_keys.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/check.h"

const struct foreign_key foreign_keys[] = {
    /* Doors. */
    {"ssl_options", FOREIGN_LATER},
    {"ssl_options.cacerts.*", FOREIGN_LATER},
    {"ssl_options.cert", FOREIGN_LATER},
    {"ssl_options.key.*", FOREIGN_LATER},
    {"ssl_options.psk_identity", FOREIGN_LATER},
    {"ssl_options.bypass_pem_cache", FOREIGN_NO_MEANING},
    {"ssl_options.client_renegotiation", FOREIGN_NO_MEANING},
    {"ssl_options.dh", FOREIGN_NO_MEANING},
    {"ssl_options.dhfile", FOREIGN_NO_MEANING},
    {"ssl_options.honor_ecc_order", FOREIGN_NO_MEANING},
    {"ssl_options.log_alert", FOREIGN_NO_MEANING},
    {"ssl_options.log_level", FOREIGN_NO_MEANING},
    {"ssl_options.reuse_sessions", FOREIGN_NO_MEANING},
    {"ssl_options.secure_renegotiate", FOREIGN_NO_MEANING},
    {"tcp_listen_options", FOREIGN_LATER},
    {"tcp_listen_options.*", FOREIGN_LATER},
    {"reverse_dns_lookups", FOREIGN_LATER},
    {"max_channels_per_connection", FOREIGN_LATER},
    {"session_max_per_connection", FOREIGN_LATER},
    {"link_max_per_session", FOREIGN_LATER},
    {"num_acceptors.*", FOREIGN_NO_MEANING},

    /* Who may enter, and what is there at the first start. */
    {"default_user_tags.*", FOREIGN_LATER},
    {"default_users.*", FOREIGN_LATER},
    {"default_limits.*", FOREIGN_LATER},
    {"default_policies.*", FOREIGN_LATER},
    {"loopback_users.*", FOREIGN_LATER},
    {"definitions.*", FOREIGN_LATER},
    {"auth_backends.*", FOREIGN_LATER},
    {"auth_mechanisms.*", FOREIGN_LATER},
    {"auth_oauth2.*", FOREIGN_LATER},
    {"auth_ldap.*", FOREIGN_LATER},
    {"auth_http.*", FOREIGN_LATER},
    {"auth_cache.*", FOREIGN_LATER},
    {"auth_attempts.*", FOREIGN_LATER},
    {"track_auth_attempt_source", FOREIGN_LATER},
    {"password_hashing_module", FOREIGN_LATER},
    {"credential_validator.*", FOREIGN_LATER},

    /* Limits of the machine. */
    {"vm_memory_high_watermark_paging_ratio", FOREIGN_NO_MEANING},
    {"vm_memory_calculation_strategy", FOREIGN_NO_MEANING},
    {"memory_monitor_interval", FOREIGN_NO_MEANING},

    /* More than one node. */
    {"cluster_tags.*", FOREIGN_LATER},
    {"node_tags.*", FOREIGN_LATER},
    {"cluster_formation.*", FOREIGN_LATER},
    {"queue_leader_locator", FOREIGN_LATER},
    {"cluster_partition_handling", FOREIGN_NO_MEANING},
    {"cluster_partition_handling.*", FOREIGN_NO_MEANING},
    {"cluster_keepalive_interval", FOREIGN_NO_MEANING},
    {"queue_master_locator", FOREIGN_NO_MEANING},
    {"mirroring_sync_batch_size", FOREIGN_NO_MEANING},
    {"mirroring_sync_max_throughput", FOREIGN_NO_MEANING},
    {"net_ticktime", FOREIGN_NO_MEANING},
    {"distribution.*", FOREIGN_NO_MEANING},
    {"raft.*", FOREIGN_NO_MEANING},
    {"metadata_store.*", FOREIGN_NO_MEANING},
    {"quorum_queue.*", FOREIGN_NO_MEANING},
    {"quorum_commands_soft_limit", FOREIGN_NO_MEANING},
    {"quorum_cluster_size", FOREIGN_NO_MEANING},

    /* How RabbitMQ stores and collects. */
    {"classic_queue.*", FOREIGN_NO_MEANING},
    {"queue_index_embed_msgs_below", FOREIGN_NO_MEANING},
    {"queue_index_max_journal_entries", FOREIGN_NO_MEANING},
    {"msg_store_file_size_limit", FOREIGN_NO_MEANING},
    {"msg_store_credit_disc_bound.*", FOREIGN_NO_MEANING},
    {"lazy_queue_explicit_gc_run_operation_threshold", FOREIGN_NO_MEANING},
    {"background_gc_enabled", FOREIGN_NO_MEANING},
    {"background_gc_target_interval", FOREIGN_NO_MEANING},
    {"hipe_compile", FOREIGN_NO_MEANING},
    {"erlang.*", FOREIGN_NO_MEANING},
    {"delegate_count", FOREIGN_NO_MEANING},
    {"channel_operation_timeout", FOREIGN_NO_MEANING},
    {"channel_tick_interval", FOREIGN_NO_MEANING},
    {"collect_statistics", FOREIGN_NO_MEANING},
    {"deprecated_features.permit.*", FOREIGN_NO_MEANING},
    {"message_interceptors.*", FOREIGN_LATER},
    {"trace_vhosts.*", FOREIGN_LATER},
    {"product.name", FOREIGN_NO_MEANING},
    {"product.version", FOREIGN_NO_MEANING},
    {"motd_file", FOREIGN_NO_MEANING},

    /* Diagnostics. */
    {"log.console.formatter.*", FOREIGN_LATER},
    {"log.file.formatter.*", FOREIGN_LATER},
    {"log.exchange.formatter.*", FOREIGN_LATER},
    {"log.syslog", FOREIGN_LATER},
    {"log.syslog.*", FOREIGN_LATER},
    {"log.federation.level", FOREIGN_LATER},
    {"log.upgrade.level", FOREIGN_LATER},
    {"log.ra.level", FOREIGN_NO_MEANING},
    {"log.mirroring.level", FOREIGN_NO_MEANING},
    {"log.prelaunch.level", FOREIGN_NO_MEANING},

    /* The HTTP door. */
    {"management.tcp.compress", FOREIGN_LATER},
    {"management.ssl.cacerts.*", FOREIGN_LATER},
    {"management.ssl.cert", FOREIGN_LATER},
    {"management.ssl.key.*", FOREIGN_LATER},
    {"management.ssl.psk_identity", FOREIGN_LATER},
    {"management.ssl.backlog", FOREIGN_NO_MEANING},
    {"management.ssl.client_renegotiation", FOREIGN_NO_MEANING},
    {"management.ssl.compress", FOREIGN_NO_MEANING},
    {"management.ssl.dh", FOREIGN_NO_MEANING},
    {"management.ssl.dhfile", FOREIGN_NO_MEANING},
    {"management.ssl.honor_ecc_order", FOREIGN_NO_MEANING},
    {"management.ssl.idle_timeout", FOREIGN_LATER},
    {"management.ssl.inactivity_timeout", FOREIGN_LATER},
    {"management.ssl.log_alert", FOREIGN_NO_MEANING},
    {"management.ssl.log_level", FOREIGN_NO_MEANING},
    {"management.ssl.max_keepalive", FOREIGN_NO_MEANING},
    {"management.ssl.request_timeout", FOREIGN_LATER},
    {"management.ssl.reuse_sessions", FOREIGN_NO_MEANING},
    {"management.ssl.secure_renegotiate", FOREIGN_NO_MEANING},
    {"management.listener.*", FOREIGN_LATER},
    {"management.http_log_dir", FOREIGN_LATER},
    {"management.rates_mode", FOREIGN_LATER},
    {"management.sample_retention_policies.*", FOREIGN_LATER},
    {"management.require_auth_for_api_desc_page", FOREIGN_LATER},
    {"management.login_session_timeout", FOREIGN_LATER},
    {"management.restrictions.*", FOREIGN_LATER},
    {"management.cors.*", FOREIGN_LATER},
    {"management.csp.*", FOREIGN_LATER},
    {"management.hsts.*", FOREIGN_LATER},
    {"management.headers.*", FOREIGN_LATER},
    {"management.oauth_enabled", FOREIGN_LATER},
    {"management.oauth_client_id", FOREIGN_LATER},
    {"management.oauth_provider_url", FOREIGN_LATER},
    {"management.oauth_scopes", FOREIGN_LATER},
    {"management_agent.*", FOREIGN_NO_MEANING},
    {"prometheus.tcp.idle_timeout", FOREIGN_LATER},
    {"prometheus.tcp.inactivity_timeout", FOREIGN_LATER},
    {"prometheus.tcp.request_timeout", FOREIGN_LATER},
    {"prometheus.ssl.*", FOREIGN_LATER},
    {"prometheus.path", FOREIGN_LATER},

    /* Other protocols and plugins. */
    {"mqtt.*", FOREIGN_LATER},
    {"web_mqtt.*", FOREIGN_LATER},
    {"stomp.*", FOREIGN_LATER},
    {"web_stomp.*", FOREIGN_LATER},
    {"stream.*", FOREIGN_LATER},
    {"shovel.*", FOREIGN_LATER},
    {"federation.*", FOREIGN_LATER},
    {"sharding.*", FOREIGN_LATER},
    {NULL, FOREIGN_UNKNOWN},
};

/* The size of the first word; a dot behind a backslash belongs to it. */
static size_t word_size(const char *text)
{
    size_t size = 0;

    while (text[size] != '\0' && text[size] != '.')
        size += text[size] == '\\' && text[size + 1] != '\0' ? 2 : 1;
    return size;
}

static bool word_fits(const char *pattern, size_t pattern_size, const char *word, size_t size)
{
    if (pattern_size == 1 && pattern[0] == '*')
        return size > 0;
    if (pattern_size == 1 && pattern[0] == 'N')
        return size > 0 && strspn(word, "0123456789") >= size;
    return pattern_size == size && memcmp(pattern, word, size) == 0;
}

static bool pattern_fits(const char *pattern, const char *key)
{
    for (;;) {
        size_t pattern_size = word_size(pattern);
        size_t size = word_size(key);

        if (!word_fits(pattern, pattern_size, key, size))
            return false;
        if (pattern[pattern_size] == '\0')
            return key[size] == '\0' || pattern[0] == '*';
        if (key[size] == '\0')
            return false;
        pattern += pattern_size + 1;
        key += size + 1;
    }
}

enum foreign_fate foreign_key_fate(const char *key)
{
    for (const struct foreign_key *f = foreign_keys; f->pattern != NULL; f++) {
        ASSERT(f->fate != FOREIGN_UNKNOWN);
        if (pattern_fits(f->pattern, key))
            return f->fate;
    }
    return FOREIGN_UNKNOWN;
}
