/* The functions that the routes lead to, by file. Each answers its call, now or later. */
#ifndef HTTP_API_PAGES_H
#define HTTP_API_PAGES_H

#include <stdbool.h>

#include "base/bytes.h"

struct api_call;

/* page_admin.c */
void vhost_put(struct api_call *c);
void vhost_delete_one(struct api_call *c);
void vhost_protect(struct api_call *c);
void vhost_unprotect(struct api_call *c);
void vhost_start(struct api_call *c);
void user_put(struct api_call *c);
void user_delete_one(struct api_call *c);
void users_bulk_delete(struct api_call *c);
void permission_put(struct api_call *c);
void permission_delete(struct api_call *c);
void topic_permission_put(struct api_call *c);
void topic_permission_delete(struct api_call *c);
void vhost_limit_put(struct api_call *c);
void user_limit_put(struct api_call *c);
void vhost_limits_get(struct api_call *c);
void user_limits_get(struct api_call *c);

/* page_clients.c */
void connection_get_one(struct api_call *c);
void connection_get_channels(struct api_call *c);
void connection_get_sessions(struct api_call *c);
void connection_delete(struct api_call *c);
void connections_delete_of_user(struct api_call *c);
void channel_get_one(struct api_call *c);

/* page_define.c */
void queue_put(struct api_call *c);
void queue_delete_one(struct api_call *c);
void queue_purge_one(struct api_call *c);
void queue_post_actions(struct api_call *c);
void exchange_put(struct api_call *c);
void exchange_delete_one(struct api_call *c);
void bindings_get_queue(struct api_call *c);
void bindings_post_queue(struct api_call *c);
void bindings_get_exchange(struct api_call *c);
void bindings_post_exchange(struct api_call *c);
void binding_get_queue(struct api_call *c);
void binding_delete_queue(struct api_call *c);
void binding_get_exchange(struct api_call *c);
void binding_delete_exchange(struct api_call *c);

/* page_definitions.c */
void definitions_get(struct api_call *c);
void definitions_post(struct api_call *c);
void globals_get(struct api_call *c);
void global_get_one(struct api_call *c);
void global_put(struct api_call *c);
void global_delete(struct api_call *c);
void cluster_name_get(struct api_call *c);
void cluster_name_put(struct api_call *c);
void replays_get(struct api_call *c);
void replay_delete(struct api_call *c);
void parameters_get(struct api_call *c);
void parameter_get_one(struct api_call *c);
void parameter_put(struct api_call *c);
void parameter_delete(struct api_call *c);

/* page_absent.c */
void absent_list(struct api_call *c);
void absent_one(struct api_call *c);
void login_post(struct api_call *c);
void stream_tracking_get(struct api_call *c);
void quorum_status_get(struct api_call *c);
void quorum_replica_add(struct api_call *c);
void quorum_replica_delete(struct api_call *c);
void quorum_grow(struct api_call *c);
void quorum_shrink(struct api_call *c);
void config_effective_get(struct api_call *c);
void config_effective_put(struct api_call *c);

/* page_browse.c */
void queue_get_messages(struct api_call *c);

/* page_delayed.c */
void delayed_get(struct api_call *c);
void delayed_delete(struct api_call *c);
void delayed_delete_number(struct api_call *c);

/* page_get.c */
void queue_post_get(struct api_call *c);

/* page_groups.c */
void groups_get(struct api_call *c);
void group_get_one(struct api_call *c);
void group_delete_one(struct api_call *c);
void group_post_reset(struct api_call *c);

/* page_health.c */
void health_alarms(struct api_call *c);
void health_port(struct api_call *c);
void health_protocol(struct api_call *c);
void health_certificates(struct api_call *c);
void health_vhosts(struct api_call *c);
void health_single_node(struct api_call *c);
void health_cluster_size(struct api_call *c);
void health_in_service(struct api_call *c);
void health_connections(struct api_call *c);
void health_leaders(struct api_call *c);
void health_aliveness(struct api_call *c);

/* page_lists.c */
void queues_get(struct api_call *c);
void queue_get_one(struct api_call *c);
void queue_get_bindings(struct api_call *c);
void consumers_get(struct api_call *c);
void exchanges_get(struct api_call *c);
void exchange_get_one(struct api_call *c);
void exchange_get_source(struct api_call *c);
void exchange_get_destination(struct api_call *c);
void bindings_get(struct api_call *c);
void vhosts_get(struct api_call *c);
void vhost_get_one(struct api_call *c);
void users_get(struct api_call *c);
void users_get_without_permissions(struct api_call *c);
void user_get_one(struct api_call *c);
void permissions_get(struct api_call *c);
void user_get_permissions(struct api_call *c);
void permission_get_one(struct api_call *c);
void topic_permissions_get(struct api_call *c);
void user_get_topic_permissions(struct api_call *c);
void connections_get(struct api_call *c);
void connections_get_of_user(struct api_call *c);
void channels_get(struct api_call *c);

/* page_log.c */
void logs_get(struct api_call *c);
void log_get_one(struct api_call *c);
void log_streams_get(struct api_call *c);

/* page_nodes.c */
void nodes_get(struct api_call *c);
void node_get_one(struct api_call *c);
void node_get_memory(struct api_call *c);
void node_get_memory_relative(struct api_call *c);
void feature_flags_get(struct api_call *c);
void feature_flag_enable(struct api_call *c);
void deprecated_features_get(struct api_call *c);
void rebalance_queues(struct api_call *c);
void reset_samples(struct api_call *c);
void auth_attempts_get(struct api_call *c);
void auth_hash_password_get(struct api_call *c);

/* page_overview.c */
void page_whoami(struct api_call *c);
void page_auth(struct api_call *c);
void page_version(struct api_call *c);
void page_extensions(struct api_call *c);
void page_overview(struct api_call *c);

/* page_policies.c */
void policies_get(struct api_call *c);
void policy_get_one(struct api_call *c);
void policy_put(struct api_call *c);
void policy_delete(struct api_call *c);
void operator_policies_get(struct api_call *c);
void operator_policy_get_one(struct api_call *c);
void operator_policy_put(struct api_call *c);
void operator_policy_delete(struct api_call *c);

/* page_publish.c */
void exchange_post_publish(struct api_call *c);

/* ---- shared by pages ---- */

/* The default exchange has no name, and is called amq.default in paths. */
struct bytes api_exchange_name(struct bytes arg);
/* The list of bindings from the exchange args[0] to args[1]. */
void api_list_bindings_between(struct api_call *c, bool is_to_exchange);
/* The last segment of the path, as it came. */
struct bytes api_raw_segment(const struct api_call *c);

#endif
