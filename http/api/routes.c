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
