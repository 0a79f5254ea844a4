/* The table of verbs, by what they are about. */
#include "tools/ctl/verbs.h"

#include <string.h>

#define MANY    OPTIONS_WORDS_MAX
#define COLUMNS "[COLUMN]..."

const struct verb verbs[] = {
    /* the node */
    {"status", "", 0, 0, "asks for the state of the node", verb_show, "GET", "/api/overview", NULL},
    {"cluster_status", "", 0, 0, "asks for the nodes", verb_show, "GET", "/api/nodes", NULL},
    {"ping", "", 0, 0, "asks whether the node answers", verb_ping, NULL, NULL, NULL},
    {"await_startup", "", 0, 0, "waits until the node answers", verb_await, NULL, NULL, NULL},
    {"version", "", 0, 0, "asks for the version", verb_show, "GET", "/api/version", NULL},
    {"environment", "", 0, 0, "asks for the settings in effect", verb_show, "GET",
     "/api/config/effective", NULL},
    {"check_alarms", "", 0, 0, "checks that no alarm is on", verb_show, "GET",
     "/api/health/checks/alarms", NULL},
    {"check_local_alarms", "", 0, 0, "checks that no alarm is on here", verb_show, "GET",
     "/api/health/checks/local-alarms", NULL},
    {"check_port_listener", "PORT", 1, 1, "checks that somebody listens on the port", verb_show,
     "GET", "/api/health/checks/port-listener/{1}", NULL},
    {"check_protocol_listener", "PROTOCOL", 1, 1, "checks that the protocol is served", verb_show,
     "GET", "/api/health/checks/protocol-listener/{1}", NULL},
    {"check_virtual_hosts", "", 0, 0, "checks that all virtual hosts run", verb_show, "GET",
     "/api/health/checks/virtual-hosts", NULL},
    {"check_certificate_expiration", "WITHIN UNIT", 2, 2, "checks that no certificate ends soon",
     verb_show, "GET", "/api/health/checks/certificate-expiration/{1}/{2}", NULL},
    {"log_status", COLUMNS, 0, MANY, "asks for the state of the commit logs", verb_list, "GET",
     "/api/log",
     "partition state first=first_position durable=durable_position next=next_position "
     "hot_segments=log.hot_segments cold_segments=log.cold_segments "
     "sorter_debt=sorter.debt_bytes"},
    {"stream_log_status", COLUMNS, 0, MANY, "lists where streams of the virtual host lie",
     verb_list, "GET", "/api/log/streams/{v}",
     "name partition first_offset next_offset sorted_end_offset sorted_bytes"},
    {"list_feature_flags", COLUMNS, 0, MANY, "lists feature flags", verb_list, "GET",
     "/api/feature-flags", "name state"},
    {"set_cluster_name", "NAME", 1, 1, "sets the name of the cluster", verb_request, "PUT",
     "/api/cluster-name", "name=s1"},

    /* users */
    {"list_users", COLUMNS, 0, MANY, "lists users", verb_list, "GET", "/api/users",
     "user=name tags"},
    {"add_user", "NAME PASSWORD [TAG]...", 2, MANY, "adds a user", verb_request, "PUT",
     "/api/users/{1}", "password=s2 tags=l3"},
    {"delete_user", "NAME", 1, 1, "deletes a user", verb_request, "DELETE", "/api/users/{1}", NULL},
    {"change_password", "NAME PASSWORD", 2, 2, "changes the password of a user",
     verb_change_password, "PUT", "/api/users/{1}", "password=s2"},
    {"clear_password", "NAME", 1, 1, "takes the password of a user away", verb_change_password,
     "PUT", "/api/users/{1}", "password_hash=:\"\""},
    {"set_user_tags", "NAME [TAG]...", 1, MANY, "sets the tags of a user", verb_set_user_tags,
     "PUT", "/api/users/{1}", NULL},
    {"authenticate_user", "NAME PASSWORD", 2, 2, "tries a password", verb_authenticate, "GET",
     "/api/whoami", NULL},
    {"hash_password", "PASSWORD", 1, 1, "hashes a password", verb_hash_password, "GET",
     "/api/auth/hash_password/{1}", NULL},
    {"set_user_limits", "NAME JSON", 2, 2, "sets limits of a user", verb_set_limits, "PUT",
     "/api/user-limits/{1}/", "2"},
    {"clear_user_limits", "NAME LIMIT", 2, 2, "clears a limit of a user", verb_clear_limits,
     "DELETE", "/api/user-limits/{1}/", NULL},
    {"list_user_limits", COLUMNS, 0, MANY, "lists the limits of users", verb_list, "GET",
     "/api/user-limits", "user value"},

    /* permissions */
    {"list_permissions", COLUMNS, 0, MANY, "lists permissions in the virtual host", verb_list,
     "GET", "/api/vhosts/{v}/permissions", "user configure write read"},
    {"list_user_permissions", "NAME", 1, 1, "lists permissions of a user", verb_list, "GET",
     "/api/users/{1}/permissions", "vhost configure write read"},
    {"set_permissions", "NAME CONFIGURE WRITE READ", 4, 4, "sets permissions of a user",
     verb_request, "PUT", "/api/permissions/{v}/{1}", "configure=s2 write=s3 read=s4"},
    {"clear_permissions", "NAME", 1, 1, "clears permissions of a user", verb_request, "DELETE",
     "/api/permissions/{v}/{1}", NULL},
    {"list_topic_permissions", COLUMNS, 0, MANY, "lists topic permissions in the virtual host",
     verb_list, "GET", "/api/vhosts/{v}/topic-permissions", "user exchange write read"},
    {"list_user_topic_permissions", "NAME", 1, 1, "lists topic permissions of a user", verb_list,
     "GET", "/api/users/{1}/topic-permissions", "vhost exchange write read"},
    {"set_topic_permissions", "NAME EXCHANGE WRITE READ", 4, 4, "sets topic permissions of a user",
     verb_request, "PUT", "/api/topic-permissions/{v}/{1}", "exchange=s2 write=s3 read=s4"},
    {"clear_topic_permissions", "NAME [EXCHANGE]", 1, 2, "clears topic permissions of a user",
     verb_delete, "DELETE", "/api/topic-permissions/{v}/{1}/{2}", NULL},

    /* virtual hosts */
    {"list_vhosts", COLUMNS, 0, MANY, "lists virtual hosts", verb_list, "GET", "/api/vhosts",
     "name"},
    {"add_vhost", "NAME [DESCRIPTION [TAG]...]", 1, MANY, "adds a virtual host", verb_request,
     "PUT", "/api/vhosts/{1}", "description=s2 tags=l3"},
    {"delete_vhost", "NAME", 1, 1, "deletes a virtual host with all that is in it", verb_request,
     "DELETE", "/api/vhosts/{1}", NULL},
    {"set_vhost_limits", "JSON", 1, 1, "sets limits of the virtual host", verb_set_limits, "PUT",
     "/api/vhost-limits/{v}/", "1"},
    {"clear_vhost_limits", "LIMIT", 1, 1, "clears a limit of the virtual host", verb_clear_limits,
     "DELETE", "/api/vhost-limits/{v}/", NULL},
    {"list_vhost_limits", COLUMNS, 0, MANY, "lists the limits of virtual hosts", verb_list, "GET",
     "/api/vhost-limits", "vhost value"},
    {"trace_on", "", 0, 0, "starts tracing in the virtual host", verb_request, "PUT",
     "/api/vhosts/{v}", "tracing=:true"},
    {"trace_off", "", 0, 0, "stops tracing in the virtual host", verb_request, "PUT",
     "/api/vhosts/{v}", "tracing=:false"},

    /* policies and parameters */
    {"list_policies", COLUMNS, 0, MANY, "lists policies", verb_list, "GET", "/api/policies/{v}",
     "vhost name pattern apply-to definition priority"},
    {"set_policy", "NAME PATTERN DEFINITION", 3, 3, "sets a policy", verb_set_policy, "PUT",
     "/api/policies/{v}/{1}", "pattern=s2 definition=j3"},
    {"clear_policy", "NAME", 1, 1, "clears a policy", verb_request, "DELETE",
     "/api/policies/{v}/{1}", NULL},
    {"list_operator_policies", COLUMNS, 0, MANY, "lists operator policies", verb_list, "GET",
     "/api/operator-policies/{v}", "vhost name pattern apply-to definition priority"},
    {"set_operator_policy", "NAME PATTERN DEFINITION", 3, 3, "sets an operator policy",
     verb_set_policy, "PUT", "/api/operator-policies/{v}/{1}", "pattern=s2 definition=j3"},
    {"clear_operator_policy", "NAME", 1, 1, "clears an operator policy", verb_request, "DELETE",
     "/api/operator-policies/{v}/{1}", NULL},
    {"list_parameters", COLUMNS, 0, MANY, "lists parameters", verb_list, "GET", "/api/parameters",
     "component name value"},
    {"set_parameter", "COMPONENT NAME VALUE", 3, 3, "sets a parameter", verb_request, "PUT",
     "/api/parameters/{1}/{v}/{2}", "value=j3"},
    {"clear_parameter", "COMPONENT NAME", 2, 2, "clears a parameter", verb_request, "DELETE",
     "/api/parameters/{1}/{v}/{2}", NULL},
    {"list_global_parameters", COLUMNS, 0, MANY, "lists global parameters", verb_list, "GET",
     "/api/global-parameters", "name value"},
    {"set_global_parameter", "NAME VALUE", 2, 2, "sets a global parameter", verb_request, "PUT",
     "/api/global-parameters/{1}", "value=j2"},
    {"clear_global_parameter", "NAME", 1, 1, "clears a global parameter", verb_request, "DELETE",
     "/api/global-parameters/{1}", NULL},

    /* exchanges, queues, bindings, messages */
    {"list_queues", COLUMNS, 0, MANY, "lists queues", verb_list, "GET", "/api/queues/{v}",
     "name messages"},
    {"declare_queue", "NAME [ARGUMENTS]", 1, 2, "declares a durable queue", verb_request, "PUT",
     "/api/queues/{v}/{1}", "durable=:true arguments=j2"},
    {"delete_queue", "NAME", 1, 1, "deletes a queue", verb_delete, "DELETE", "/api/queues/{v}/{1}",
     NULL},
    {"purge_queue", "NAME", 1, 1, "drops all ready messages of a queue", verb_request, "DELETE",
     "/api/queues/{v}/{1}/contents", NULL},
    {"list_exchanges", COLUMNS, 0, MANY, "lists exchanges", verb_list, "GET", "/api/exchanges/{v}",
     "name type"},
    {"declare_exchange", "NAME TYPE [ARGUMENTS]", 2, 3, "declares a durable exchange", verb_request,
     "PUT", "/api/exchanges/{v}/{1}", "type=s2 durable=:true arguments=j3"},
    {"delete_exchange", "NAME", 1, 1, "deletes an exchange", verb_delete, "DELETE",
     "/api/exchanges/{v}/{1}", NULL},
    {"list_bindings", COLUMNS, 0, MANY, "lists bindings", verb_list, "GET", "/api/bindings/{v}",
     "source_name=source source_kind destination_name=destination "
     "destination_kind=destination_type routing_key arguments"},
    {"bind_queue", "EXCHANGE QUEUE KEY [ARGUMENTS]", 3, 4, "binds a queue to an exchange",
     verb_request, "POST", "/api/bindings/{v}/e/{1}/q/{2}", "routing_key=s3 arguments=j4"},
    {"publish", "EXCHANGE KEY PAYLOAD [PROPERTIES]", 3, 4, "publishes a message", verb_publish,
     "POST", "/api/exchanges/{v}/{1}/publish", NULL},
    {"get", "QUEUE [COUNT]", 1, 2, "looks at the first messages and puts them back", verb_get,
     "POST", "/api/queues/{v}/{1}/get", NULL},

    {"browse", "QUEUE [COUNT [POSITION]]", 1, 3,
     "looks at messages of a queue or a stream, without any effect", verb_browse, "GET",
     "/api/queues/{v}/{1}/messages", NULL},

    {"list_delayed", "EXCHANGE " COLUMNS, 1, MANY,
     "lists what waits in a delayed exchange, by when it is due", verb_list, "GET",
     "/api/delayed/{v}/{1}",
     "number due message_id=properties.message_id routing_key payload_bytes"},
    {"cancel_delayed", "EXCHANGE MESSAGE_ID", 2, 2,
     "takes messages with that message-id out of a delayed exchange", verb_show, "DELETE",
     "/api/delayed/{v}/{1}/{2}", NULL},
    {"list_groups", COLUMNS, 0, MANY, "lists groups of consumers of streams", verb_list, "GET",
     "/api/groups/{v}", "stream name members partitions lag unacked"},
    {"group_offsets", "STREAM GROUP", 2, 2, "lists how far a group is in each partition",
     verb_group_offsets, "GET", "/api/groups/{v}/{1}/{2}", NULL},
    {"reset_group", "STREAM GROUP earliest|latest|offset|time|shift [VALUE]", 3, 4,
     "sets the offsets of a group without members; a time in ms since 1970", verb_reset_group,
     "POST", "/api/groups/{v}/{1}/{2}/reset", "to=s3 value=i4"},
    {"delete_group", "STREAM GROUP", 2, 2, "forgets a group without members", verb_request,
     "DELETE", "/api/groups/{v}/{1}/{2}", NULL},
    {"list_replays", COLUMNS, 0, MANY, "lists replays that are on their way", verb_list, "GET",
     "/api/replays/{v}", "id exchange queue routing_key copied left"},
    {"cancel_replay", "ID", 1, 1, "ends a replay; what was copied stays", verb_request, "DELETE",
     "/api/replays/{v}/{1}", NULL},

    /* clients */
    {"list_connections", COLUMNS, 0, MANY, "lists connections", verb_list, "GET",
     "/api/connections", "user peer_host peer_port state"},
    {"list_channels", COLUMNS, 0, MANY, "lists channels", verb_list, "GET", "/api/channels",
     "name user consumer_count messages_unacknowledged"},
    {"list_consumers", COLUMNS, 0, MANY, "lists consumers", verb_list, "GET", "/api/consumers/{v}",
     "queue_name=queue.name channel=channel_details.name consumer_tag ack_required prefetch_count "
     "active arguments"},
    {"close_connection", "NAME [REASON]", 1, 2, "closes a connection", verb_close_connection,
     "DELETE", "/api/connections/{1}", NULL},
    {"close_all_connections", "[REASON]", 0, 1, "closes all connections", verb_close_all, "GET",
     "/api/connections", NULL},
    {"close_all_user_connections", "NAME [REASON]", 1, 2, "closes the connections of a user",
     verb_close_all, "GET", "/api/connections/username/{1}", NULL},

    /* definitions */
    {"export_definitions", "FILE", 1, 1,
     "writes all definitions to a file, or - for standard output", verb_export, "GET",
     "/api/definitions", NULL},
    {"import_definitions", "FILE", 1, 1, "reads definitions from a file, or - for standard input",
     verb_import, "POST", "/api/definitions", NULL},

    /* this program */
    {"help", "[VERB]", 0, 1, "explains", verb_help, NULL, NULL, NULL},
    {"completion", "bash|zsh|fish", 1, 1, "prints what a shell completes verbs with",
     verb_completion, NULL, NULL, NULL},
    {"manual", "", 0, 0, "prints the manual page", verb_manual, NULL, NULL, NULL},
};

const size_t verb_count = ARRAY_SIZE(verbs);

const struct verb *verb_find(const char *name)
{
    for (size_t i = 0; i < verb_count; i++) {
        if (strcmp(verbs[i].name, name) == 0)
            return &verbs[i];
    }
    return NULL;
}
