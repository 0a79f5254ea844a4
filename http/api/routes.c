/* The table of routes. */
#include "http/api/routes.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "http/api/pages.h"

#define U ROUTE_USER
#define P ROUTE_POLICIES
#define M ROUTE_MONITOR
#define A ROUTE_ADMIN
#define N ROUTE_NO_VHOST
#define V ROUTE_IN_VHOST
#define S ROUTE_SEES

const struct route routes[] = {
    {.path = "overview", .read = U, .get = page_overview},
    {.path = "whoami", .read = U, .get = page_whoami},
    {.path = "auth", .read = ROUTE_OPEN, .get = page_auth},
    {.path = "version", .read = U, .get = page_version},
    {.path = "extensions", .read = U, .get = page_extensions},
    {.path = "health/checks/alarms", .read = U, .get = health_alarms},
    {.path = "health/checks/local-alarms", .read = U, .get = health_alarms},
    {.path = "health/checks/certificate-expiration/*/*", .read = U, .get = health_certificates},
    {.path = "health/checks/port-listener/*", .read = U, .get = health_port},
    {.path = "health/checks/protocol-listener/*", .read = U, .get = health_protocol},
    {.path = "health/checks/virtual-hosts", .read = U, .get = health_vhosts},
    {.path = "health/checks/node-is-quorum-critical", .read = U, .get = health_single_node},
    {.path = "health/checks/node-is-mirror-sync-critical", .read = U, .get = health_single_node},
    {.path = "health/checks/reached-target-cluster-size", .read = U, .get = health_cluster_size},
    {.path = "health/checks/is-in-service", .read = U, .get = health_in_service},
    {.path = "health/checks/ready-to-serve-clients", .read = U, .get = health_in_service},
    {.path = "health/checks/below-node-connection-limit", .read = U, .get = health_connections},
    {.path = "health/checks/metadata-store/initialized", .read = U, .get = health_in_service},
    {.path = "health/checks/metadata-store/initialized/with-data",
     .read = U,
     .get = health_in_service},
    {.path = "health/checks/quorum-queues-without-elected-leaders/all-vhosts",
     .read = U,
     .get = health_leaders},
    {.path = "health/checks/quorum-queues-without-elected-leaders/vhost/@",
     .read = U,
     .vhost = S,
     .get = health_leaders},
    {.path = "healthchecks/node", .read = U, .get = health_alarms},
    {.path = "healthchecks/node/*", .read = U, .get = health_alarms},

    {.path = "nodes", .read = M, .get = nodes_get},
    {.path = "nodes/*", .read = M, .get = node_get_one},
    {.path = "nodes/*/memory", .read = M, .get = node_get_memory},
    {.path = "nodes/*/memory/relative", .read = M, .get = node_get_memory_relative},
    {.path = "cluster-name",
     .read = U,
     .write = A,
     .get = cluster_name_get,
     .put = cluster_name_put},
    {.path = "feature-flags", .read = A, .get = feature_flags_get},
    {.path = "feature-flags/*/enable",
     .tells_nothing = true,
     .write = A,
     .put = feature_flag_enable},
    {.path = "deprecated-features", .read = A, .get = deprecated_features_get},
    {.path = "deprecated-features/used", .read = A, .get = deprecated_features_get},
    {.path = "rebalance/queues", .tells_nothing = true, .write = A, .post = rebalance_queues},
    {.path = "reset", .tells_nothing = true, .write = A, .remove = reset_samples},
    {.path = "reset/*", .tells_nothing = true, .write = A, .remove = reset_samples},
    {.path = "auth/attempts/*", .read = M, .get = auth_attempts_get},
    {.path = "auth/attempts/*/source", .read = M, .get = absent_list},
    {.path = "auth/hash_password/*", .read = A, .get = auth_hash_password_get},

    {.path = "definitions",
     .read = A,
     .write = A,
     .has_large_body = true,
     .get = definitions_get,
     .put = definitions_post,
     .post = definitions_post},
    {.path = "definitions/@",
     .read = A,
     .write = A,
     .vhost = S,
     .has_large_body = true,
     .get = definitions_get,
     .put = definitions_post,
     .post = definitions_post},
    {.path = "global-parameters", .read = P, .get = globals_get},
    {.path = "global-parameters/*",
     .read = P,
     .write = P,
     .get = global_get_one,
     .put = global_put,
     .remove = global_delete},
    {.path = "parameters", .read = P, .get = parameters_get},
    {.path = "parameters/*", .read = P, .get = parameters_get},
    {.path = "parameters/*/@", .read = P, .vhost = S, .get = parameters_get},
    {.path = "parameters/*/@/*",
     .read = P,
     .write = P,
     .vhost = S,
     .get = parameter_get_one,
     .put = parameter_put,
     .remove = parameter_delete},

    {.path = "vhosts", .read = U, .get = vhosts_get},
    {.path = "vhosts/@",
     .read = A,
     .write = A,
     .get = vhost_get_one,
     .put = vhost_put,
     .remove = vhost_delete_one},
    {.path = "vhosts/@/permissions", .read = A, .vhost = S, .get = permissions_get},
    {.path = "vhosts/@/topic-permissions", .read = A, .vhost = S, .get = topic_permissions_get},
    {.path = "vhosts/@/connections", .read = U, .vhost = V, .get = connections_get},
    {.path = "vhosts/@/channels", .read = U, .vhost = V, .get = channels_get},
    {.path = "vhosts/@/start/*", .tells_nothing = true, .write = A, .post = vhost_start},
    {.path = "vhosts/@/deletion/protection",
     .write = A,
     .post = vhost_protect,
     .remove = vhost_unprotect},
    {.path = "users", .read = A, .get = users_get},
    {.path = "users/bulk-delete", .write = A, .post = users_bulk_delete},
    {.path = "users/without-permissions", .read = A, .get = users_get_without_permissions},
    {.path = "users/*",
     .read = A,
     .write = A,
     .get = user_get_one,
     .put = user_put,
     .remove = user_delete_one},
    {.path = "users/*/permissions", .read = A, .get = user_get_permissions},
    {.path = "users/*/topic-permissions", .read = A, .get = user_get_topic_permissions},
    {.path = "permissions", .read = A, .get = permissions_get},
    {.path = "permissions/@/*",
     .read = A,
     .write = A,
     .get = permission_get_one,
     .put = permission_put,
     .remove = permission_delete},
    {.path = "topic-permissions", .read = A, .get = topic_permissions_get},
    {.path = "topic-permissions/@/*",
     .read = A,
     .write = A,
     .get = user_get_topic_permissions,
     .put = topic_permission_put,
     .remove = topic_permission_delete},
    {.path = "topic-permissions/@/*/*", .write = A, .remove = topic_permission_delete},
    {.path = "vhost-limits", .read = U, .get = vhost_limits_get},
    {.path = "vhost-limits/@", .read = U, .vhost = S, .get = vhost_limits_get},
    {.path = "vhost-limits/@/*",
     .tells_nothing = true,
     .write = A,
     .vhost = S,
     .put = vhost_limit_put,
     .remove = vhost_limit_put},
    {.path = "user-limits", .read = A, .get = user_limits_get},
    {.path = "user-limits/*", .read = A, .get = user_limits_get},
    {.path = "user-limits/*/*",
     .tells_nothing = true,
     .write = A,
     .put = user_limit_put,
     .remove = user_limit_put},

    {.path = "policies", .read = U, .get = policies_get},
    {.path = "policies/@", .read = U, .vhost = V, .get = policies_get},
    {.path = "policies/@/*",
     .read = P,
     .write = P,
     .vhost = S,
     .get = policy_get_one,
     .put = policy_put,
     .remove = policy_delete},
    {.path = "operator-policies", .read = U, .get = operator_policies_get},
    {.path = "operator-policies/@", .read = U, .vhost = V, .get = operator_policies_get},
    {.path = "operator-policies/@/*",
     .read = A,
     .write = A,
     .vhost = S,
     .get = operator_policy_get_one,
     .put = operator_policy_put,
     .remove = operator_policy_delete},

    {.path = "connections", .read = U, .get = connections_get},
    {.path = "connections/*",
     .read = U,
     .write = U,
     .get = connection_get_one,
     .remove = connection_delete},
    {.path = "connections/*/channels", .read = U, .get = connection_get_channels},
    {.path = "connections/*/sessions", .read = U, .get = connection_get_sessions},
    {.path = "connections/username/*",
     .read = U,
     .write = U,
     .get = connections_get_of_user,
     .remove = connections_delete_of_user},
    {.path = "channels", .read = U, .get = channels_get},
    {.path = "channels/*", .read = U, .get = channel_get_one},
    {.path = "consumers", .read = U, .get = consumers_get},
    {.path = "consumers/@", .read = U, .vhost = V, .get = consumers_get},

    {.path = "exchanges", .read = U, .get = exchanges_get},
    {.path = "exchanges/@", .read = U, .vhost = V, .get = exchanges_get},
    {.path = "exchanges/@/*",
     .read = U,
     .write = U,
     .vhost = V,
     .get = exchange_get_one,
     .put = exchange_put,
     .remove = exchange_delete_one},
    {.path = "exchanges/@/*/publish",
     .write = U,
     .vhost = V,
     .has_large_body = true,
     .post = exchange_post_publish},
    {.path = "exchanges/@/*/bindings/source", .read = U, .vhost = V, .get = exchange_get_source},
    {.path = "exchanges/@/*/bindings/destination",
     .read = U,
     .vhost = V,
     .get = exchange_get_destination},
    {.path = "queues", .read = U, .get = queues_get},
    {.path = "queues/detailed", .read = U, .get = queues_get},
    {.path = "queues/@", .read = U, .vhost = V, .get = queues_get},
    {.path = "queues/@/*",
     .read = U,
     .write = U,
     .vhost = V,
     .get = queue_get_one,
     .put = queue_put,
     .remove = queue_delete_one},
    {.path = "queues/@/*/bindings", .read = U, .vhost = V, .get = queue_get_bindings},
    {.path = "queues/@/*/contents",
     .tells_nothing = true,
     .write = U,
     .vhost = V,
     .remove = queue_purge_one},
    {.path = "queues/@/*/get", .write = U, .vhost = V, .post = queue_post_get},
    {.path = "queues/@/*/messages", .read = U, .vhost = V, .get = queue_get_messages},
    {.path = "queues/@/*/actions",
     .tells_nothing = true,
     .write = A,
     .vhost = V,
     .post = queue_post_actions},
    {.path = "bindings", .read = U, .get = bindings_get},
    {.path = "bindings/@", .read = U, .vhost = V, .get = bindings_get},
    {.path = "bindings/@/e/*/q/*",
     .read = U,
     .write = U,
     .vhost = V,
     .get = bindings_get_queue,
     .post = bindings_post_queue},
    {.path = "bindings/@/e/*/e/*",
     .read = U,
     .write = U,
     .vhost = V,
     .get = bindings_get_exchange,
     .post = bindings_post_exchange},
    {.path = "bindings/@/e/*/q/*/*",
     .read = U,
     .write = U,
     .vhost = V,
     .get = binding_get_queue,
     .remove = binding_delete_queue},
    {.path = "bindings/@/e/*/e/*/*",
     .read = U,
     .write = U,
     .vhost = V,
     .get = binding_get_exchange,
     .remove = binding_delete_exchange},
    {.path = "groups", .read = U, .get = groups_get},
    {.path = "groups/@", .read = U, .vhost = V, .get = groups_get},
    {.path = "groups/@/*", .read = U, .vhost = V, .get = groups_get},
    {.path = "groups/@/*/*",
     .read = U,
     .write = U,
     .vhost = V,
     .get = group_get_one,
     .remove = group_delete_one},
    {.path = "groups/@/*/*/reset", .write = U, .vhost = V, .post = group_post_reset},
    {.path = "replays", .read = U, .get = replays_get},
    {.path = "replays/@", .read = U, .vhost = V, .get = replays_get},
    {.path = "replays/@/*", .write = P, .vhost = S, .remove = replay_delete},
    {.path = "log", .read = M, .get = logs_get},
    {.path = "log/streams", .read = M, .get = log_streams_get},
    {.path = "log/streams/@", .read = M, .vhost = S, .get = log_streams_get},
    {.path = "log/partitions/*", .read = M, .get = log_get_one},
    {.path = "delayed/@/*", .read = U, .vhost = V, .get = delayed_get},
    {.path = "delayed/@/*/*", .write = U, .vhost = V, .remove = delayed_delete},
    {.path = "delayed/@/*/number/*", .write = U, .vhost = V, .remove = delayed_delete_number},
    {.path = "login", .write = ROUTE_OPEN, .takes_any_body = true, .post = login_post},
    {.path = "config/effective", .read = A, .get = config_effective_get},
    {.path = "config/effective/*", .write = A, .put = config_effective_put},
    {.path = "shovels", .read = M, .get = absent_list},
    {.path = "shovels/@", .read = M, .vhost = S, .get = absent_list},
    {.path = "shovels/vhost/@/*",
     .read = M,
     .write = P,
     .vhost = S,
     .get = absent_one,
     .remove = absent_one},
    {.path = "shovels/vhost/@/*/restart", .write = P, .vhost = S, .remove = absent_one},
    {.path = "federation-links", .read = M, .get = absent_list},
    {.path = "federation-links/@", .read = M, .vhost = S, .get = absent_list},
    {.path = "federation-links/state/down", .read = M, .get = absent_list},
    {.path = "federation-links/@/state/down", .read = M, .vhost = S, .get = absent_list},
    {.path = "traces", .read = A, .get = absent_list},
    {.path = "traces/@", .read = A, .vhost = S, .get = absent_list},
    {.path = "traces/@/*",
     .read = A,
     .write = A,
     .vhost = S,
     .get = absent_one,
     .remove = absent_one},
    {.path = "trace-files", .read = A, .get = absent_list},
    {.path = "trace-files/*", .read = A, .write = A, .get = absent_one, .remove = absent_one},
    {.path = "stream/connections", .read = U, .get = absent_list},
    {.path = "stream/connections/@", .read = U, .vhost = V, .get = absent_list},
    {.path = "stream/connections/@/*",
     .read = U,
     .write = U,
     .vhost = V,
     .get = absent_one,
     .remove = absent_one},
    {.path = "stream/consumers", .read = U, .get = absent_list},
    {.path = "stream/consumers/@", .read = U, .vhost = V, .get = absent_list},
    {.path = "stream/publishers", .read = U, .get = absent_list},
    {.path = "stream/publishers/@", .read = U, .vhost = V, .get = absent_list},
    {.path = "stream/publishers/@/*", .read = U, .vhost = V, .get = absent_list},
    {.path = "stream/@/*/tracking", .read = U, .vhost = V, .get = stream_tracking_get},
    {.path = "queues/quorum/@/*/status", .read = U, .vhost = V, .get = quorum_status_get},
    {.path = "queues/quorum/@/*/replicas/add", .write = A, .vhost = V, .post = quorum_replica_add},
    {.path = "queues/quorum/@/*/replicas/delete",
     .write = A,
     .vhost = V,
     .remove = quorum_replica_delete},
    {.path = "queues/quorum/replicas/on/*/grow", .write = A, .post = quorum_grow},
    {.path = "queues/quorum/replicas/on/*/shrink", .write = A, .remove = quorum_shrink},
    {.path = "aliveness-test/@", .read = U, .vhost = V, .get = health_aliveness},
    {0},
};

/* Takes the next part of a path of the table. */
static struct bytes next_part(const char **path)
{
    size_t size = strcspn(*path, "/");
    struct bytes part = bytes_of(*path, size);

    *path += size + ((*path)[size] == '/');
    return part;
}

static bool fits(const struct route *r, const struct bytes *segments, size_t count)
{
    const char *path = r->path;

    for (size_t i = 0; i < count; i++) {
        if (*path == '\0')
            return false;
        struct bytes part = next_part(&path);
        bool is_argument = part.size == 1 && (part.data[0] == '*' || part.data[0] == '@');

        if (!is_argument && !bytes_equal(part, segments[i]))
            return false;
    }
    return *path == '\0';
}

const struct route *route_find(const struct bytes *segments, size_t count, struct bytes args[],
                               size_t *arg_count, struct bytes *vhost)
{
    const struct route *r = routes;

    while (r->path != NULL && !fits(r, segments, count))
        r++;
    if (r->path == NULL)
        return NULL;
    const char *path = r->path;
    *arg_count = 0;
    *vhost = bytes_of(NULL, 0);
    for (size_t i = 0; i < count; i++) {
        struct bytes part = next_part(&path);

        if (part.size != 1 || (part.data[0] != '*' && part.data[0] != '@'))
            continue;
        if (part.data[0] == '@')
            *vhost = segments[i];
        else
            args[(*arg_count)++] = segments[i];
    }
    return r;
}

route_fn *route_function(const struct route *r, enum http_method m)
{
    switch (m) {
    case HTTP_GET:
    case HTTP_HEAD:
        return r->get;
    case HTTP_PUT:
        return r->put;
    case HTTP_POST:
        return r->post;
    case HTTP_DELETE:
        return r->remove;
    case HTTP_OPTIONS:
    case HTTP_OTHER:
        break;
    }
    return NULL;
}

void route_allow(const struct route *r, char *out, size_t size)
{
    (void)snprintf(out, size, "%s%s%s%sOPTIONS", r->get != NULL ? "HEAD, GET, " : "",
                   r->put != NULL ? "PUT, " : "", r->post != NULL ? "POST, " : "",
                   r->remove != NULL ? "DELETE, " : "");
}
