/* Verbs of RabbitMQ's tools that cannot be here, and what to do instead. */
#include <string.h>

#include "tools/ctl/verbs.h"

static const char one_node[] = "there is one node, and no cluster to join, to leave or to change";
static const char no_erlang[] =
    "there is no Erlang in this broker; see status, report and environment";
static const char no_mirrors[] = "there are no mirrored queues: a queue lies on this node";
static const char one_copy[] =
    "there is one node, and each queue has one replica, which is its leader";
static const char plugins[] =
    "there are no plugins: what this broker can do is always on; see its documentation";
static const char stop[] = "send SIGTERM to the broker, or systemctl stop millrace";
static const char reset[] = "stop the broker and start it with an empty --data-dir";
static const char secrets[] =
    "values in millrace.conf are not encrypted; let only the broker read the file";
static const char tls_tools[] =
    "ask the listener: openssl s_client -connect HOST:5671; ssl_options are in environment";
static const char sources[] =
    "attempts are counted for all sources together: list_node_auth_attempt_stats";
static const char log_tail[] =
    "follow the file that log_location names, or journalctl -u millrace -f";
static const char events[] =
    "bind a queue to the exchange amq.rabbitmq.event; millrace.broker.events turns it on";
static const char listeners[] =
    "close the port before the broker (firewall, load balancer), or stop the broker";
static const char groups[] =
    "consumers share a stream as groups: list_groups, group_offsets, reset_group";
static const char super[] =
    "a stream with partitions is a queue: declare_queue, with x-queue-type and x-partitions";
static const char nothing[] =
    "nothing is to be done by hand: memory and log are tidied while the broker runs";
static const char links[] =
    "there are no shovels and no federation; run such a link as a program of its own";
static const char machine[] =
    "ask the machine: ip address, getent hosts NAME, /proc/PID/environ, /proc/PID/cmdline";
static const char disk[] =
    "the disk is always watched; set_disk_free_limit says how much must be free";

const struct refused refused[] = {
    {"activate_free_disk_space_monitoring", disk},
    {"activate_stream_consumer", groups},
    {"add_replica", one_copy},
    {"add_super_stream", super},
    {"autocomplete", "load what millracectl completion bash prints (or zsh, fish)"},
    {"cancel_sync_queue", no_mirrors},
    {"certificates", tls_tools},
    {"change_cluster_node_type", one_node},
    {"check_if_cluster_has_classic_queue_mirroring_policy", no_mirrors},
    {"cipher_suites", tls_tools},
    {"command_line_arguments", machine},
    {"consume_event_stream", events},
    {"coordinator_status", one_copy},
    {"deactivate_free_disk_space_monitoring", disk},
    {"decode", secrets},
    {"decrypt_conf_value", secrets},
    {"delete_replica", one_copy},
    {"delete_shovel", links},
    {"delete_super_stream", "delete_queue deletes a stream with all its partitions"},
    {"directories", plugins},
    {"disable", plugins},
    {"disable_auth_attempt_source_tracking", sources},
    {"disable_free_disk_space_monitoring", disk},
    {"discover_peers", one_node},
    {"drain", listeners},
    {"enable", plugins},
    {"enable_auth_attempt_source_tracking", sources},
    {"enable_free_disk_space_monitoring", disk},
    {"encode", secrets},
    {"encrypt_conf_value", secrets},
    {"erlang_cookie_hash", no_erlang},
    {"erlang_cookie_sources", no_erlang},
    {"erlang_version", no_erlang},
    {"eval", no_erlang},
    {"eval_file", no_erlang},
    {"exec", no_erlang},
    {"force_boot", one_node},
    {"force_checkpoint", nothing},
    {"force_gc", nothing},
    {"force_reset", reset},
    {"force_standalone_khepri_boot", one_node},
    {"forget_cluster_node", one_node},
    {"grow_to_count", one_copy},
    {"hipe_compile", no_erlang},
    {"is_enabled", plugins},
    {"join_cluster", one_node},
    {"list", plugins},
    {"list_ciphers", secrets},
    {"list_hashes", secrets},
    {"list_network_interfaces", machine},
    {"list_operator_policies_with_classic_queue_mirroring", no_mirrors},
    {"list_policies_with_classic_queue_mirroring", no_mirrors},
    {"list_stream_consumer_groups", groups},
    {"list_stream_group_consumers", groups},
    {"log_tail", log_tail},
    {"log_tail_stream", log_tail},
    {"maybe_stuck", no_erlang},
    {"member_with_highest_index", one_copy},
    {"message_size_stats", "sizes are the metric rabbitmq_message_size_bytes, on port 15692"},
    {"metadata_store_status", "definitions lie in the commit log: log_status"},
    {"observer", no_erlang},
    {"os_env", machine},
    {"reclaim_quorum_memory", nothing},
    {"reconcile_vhosts", "virtual hosts run as long as the node does: check_virtual_hosts"},
    {"remote_shell", no_erlang},
    {"remove_classic_queue_mirroring_from_policies", no_mirrors},
    {"rename_cluster_node", one_node},
    {"reset", reset},
    {"reset_node_auth_attempt_metrics", "a start of the broker begins the counting anew"},
    {"reset_offset", groups},
    {"resolve_hostname", machine},
    {"resolver_info", machine},
    {"restart_federation_link", links},
    {"restart_shovel", links},
    {"restart_stream", one_copy},
    {"resume_listeners", listeners},
    {"revive", listeners},
    {"rotate_logs", "move the file and send SIGHUP to the broker, which opens it anew"},
    {"runtime_thread_stats", "ask the machine: top -H -p PID"},
    {"schema_info", no_erlang},
    {"set", plugins},
    {"set_stream_retention_policy", "set_policy, with max-age or max-length-bytes"},
    {"shutdown", stop},
    {"stop", stop},
    {"stop_app", stop},
    {"suspend_listeners", listeners},
    {"sync_queue", no_mirrors},
    {"tls_versions", tls_tools},
    {"transfer_leadership", one_copy},
    {"update_cluster_nodes", one_node},
};

const size_t refused_count = ARRAY_SIZE(refused);

const struct refused *refused_find(const char *name)
{
    for (size_t i = 0; i < refused_count; i++) {
        if (strcmp(refused[i].name, name) == 0)
            return &refused[i];
    }
    return NULL;
}
