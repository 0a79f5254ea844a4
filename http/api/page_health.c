/* /api/health/checks: 200 when it is well, 503 when it is not. */
#include <stdio.h>

#include "base/parse.h"
#include "broker/look.h"
#include "http/api/call.h"
#include "http/api/pages.h"
#include "http/api/shapes.h"

static void start(struct api_call *c, struct tell *t, bool is_well)
{
    api_start(c, t);
    tell_object(t, NULL);
    tell_string(t, "status", is_well ? "ok" : "failed");
}

static void finish(struct api_call *c, struct tell *t, bool is_well)
{
    tell_end(t);
    api_answer(c, is_well ? 200 : 503, &c->api->reply);
}

static void answer_well(struct api_call *c)
{
    struct tell t;

    start(c, &t, true);
    finish(c, &t, true);
}

static void tell_alarm(const struct api *a, struct tell *t, const char *resource)
{
    tell_object(t, NULL);
    tell_string(t, "node", a->node);
    tell_string(t, "resource", resource);
    tell_end(t);
}

void health_alarms(struct api_call *c)
{
    struct broker_stats stats;
    struct tell t;
    bool is_well;

    broker_get_stats(c->api->broker, &stats);
    is_well = !stats.is_memory_short && !stats.is_disk_short;
    start(c, &t, is_well);
    if (!is_well) {
        tell_string(&t, "reason", "There are alarms in effect in the cluster");
        tell_array(&t, "alarms");
        if (stats.is_memory_short)
            tell_alarm(c->api, &t, "memory");
        if (stats.is_disk_short)
            tell_alarm(c->api, &t, "disk");
        tell_end(&t);
    }
    finish(c, &t, is_well);
}

void health_port(struct api_call *c)
{
    struct doors_listener listeners[DOORS_LISTENERS_MAX];
    size_t count = api_listeners(c->api, listeners);
    uint64_t port = 0;
    bool is_well = false;
    struct tell t;

    if (parse_u64(c->args[0], 0, UINT16_MAX, &port) != 0) {
        api_bad_request(c, "Port must be a number from 0 to 65535");
        return;
    }
    for (size_t i = 0; i < count; i++)
        is_well = is_well || listeners[i].port == port;
    start(c, &t, is_well);
    if (is_well) {
        tell_uint(&t, "port", port);
    } else {
        tell_string(&t, "reason", "No active listener");
        tell_uint(&t, "missing", port);
        tell_array(&t, "ports");
        for (size_t i = 0; i < count; i++)
            tell_uint(&t, NULL, listeners[i].port);
        tell_end(&t);
    }
    finish(c, &t, is_well);
}

/* People write "amqp091" or "amqps" for what is listed as "amqp" and "amqp/ssl". */
static struct bytes listed_protocol(struct bytes name)
{
    static const char *const aliases[][2] = {
        {"amqp091", "amqp"}, {"amqp0.9.1", "amqp"}, {"amqp0-9-1", "amqp"}, {"amqps", "amqp/ssl"}};

    for (size_t i = 0; i < ARRAY_SIZE(aliases); i++)
        if (bytes_equal(name, bytes_text(aliases[i][0])))
            return bytes_text(aliases[i][1]);
    return name;
}

void health_protocol(struct api_call *c)
{
    struct doors_listener listeners[DOORS_LISTENERS_MAX];
    size_t count = api_listeners(c->api, listeners);
    bool is_well = false;
    struct tell t;

    for (size_t i = 0; i < count; i++)
        is_well =
            is_well || bytes_equal(bytes_text(listeners[i].protocol), listed_protocol(c->args[0]));
    start(c, &t, is_well);
    if (is_well) {
        tell_text(&t, "protocol", c->args[0]);
    } else {
        tell_string(&t, "reason", "No active listener");
        tell_text(&t, "missing", c->args[0]);
        tell_array(&t, "protocols");
        for (size_t i = 0; i < count; i++)
            tell_string(&t, NULL, listeners[i].protocol);
        tell_end(&t);
    }
    finish(c, &t, is_well);
}

/* No certificate is watched here; the question is checked all the same. */
void health_certificates(struct api_call *c)
{
    static const char *const units[] = {"day",   "days",   "week", "weeks",
                                        "month", "months", "year", "years"};
    uint64_t within = 0;
    bool is_known = false;

    for (size_t i = 0; i < ARRAY_SIZE(units); i++)
        is_known = is_known || bytes_equal(c->args[1], bytes_text(units[i]));
    if (!is_known)
        api_bad_request(c,
                        "Time unit not recognised. Supported units: days, weeks, months, years.");
    else if (parse_u64(c->args[0], 0, UINT32_MAX, &within) != 0)
        api_bad_request(c, "Invalid expiration value.");
    else
        answer_well(c);
}

/* A virtual host here has no process of its own that could be down. */
void health_vhosts(struct api_call *c)
{
    answer_well(c);
}

void health_single_node(struct api_call *c)
{
    struct tell t;

    start(c, &t, true);
    tell_string(&t, "reason", "single node cluster");
    finish(c, &t, true);
}

void health_cluster_size(struct api_call *c)
{
    struct tell t;

    start(c, &t, true);
    tell_uint(&t, "running_nodes", 1);
    tell_uint(&t, "target_cluster_size_hint", 1);
    finish(c, &t, true);
}

/* Whoever gets an answer is served: there is no maintenance mode. */
void health_in_service(struct api_call *c)
{
    answer_well(c);
}

void health_connections(struct api_call *c)
{
    struct doors_totals totals = {0};
    bool is_well;
    struct tell t;

    if (c->api->doors.totals != NULL)
        c->api->doors.totals(c->api->doors.owner, &totals);
    is_well = totals.limit == 0 || totals.connections < totals.limit;
    start(c, &t, is_well);
    tell_uint(&t, "connections", totals.connections);
    if (totals.limit > 0)
        tell_uint(&t, "limit", totals.limit);
    finish(c, &t, is_well);
}

void health_leaders(struct api_call *c)
{
    answer_well(c);
}

/* RabbitMQ declares a queue, publishes and gets. Whether that would work is known here without it.
 * */
void health_aliveness(struct api_call *c)
{
    health_alarms(c);
}
