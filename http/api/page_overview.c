/* /api/overview, /api/whoami, and what is fixed. */
#include <inttypes.h>

#include "base/mem.h"
#include "broker/counters.h"
#include "broker/look.h"
#include "http/api/call.h"
#include "http/api/pages.h"
#include "http/api/shapes.h"

void api_start(struct api_call *c, struct tell *t)
{
    buf_clear(&c->api->reply);
    tell_init(t, &c->api->reply, &c->columns);
    t->ranges = &c->ranges;
}

void page_whoami(struct api_call *c)
{
    struct user_spec spec = user_spec(c->user);
    struct tell t;

    api_start(c, &t);
    tell_object(&t, NULL);
    tell_text(&t, "name", spec.name);
    tell_array(&t, "tags");
    for (size_t i = 0; i < spec.tag_count; i++)
        tell_text(&t, NULL, spec.tags[i]);
    tell_end(&t);
    tell_bool(&t, "is_internal_user", true);
    tell_end(&t);
    api_answer(c, 200, &c->api->reply);
}

void page_auth(struct api_call *c)
{
    struct tell t;

    api_start(c, &t);
    tell_object(&t, NULL);
    tell_bool(&t, "oauth_enabled", false);
    tell_end(&t);
    api_answer(c, 200, &c->api->reply);
}

void page_version(struct api_call *c)
{
    struct tell t;

    api_start(c, &t);
    tell_string(&t, NULL, BROKER_RABBITMQ_VERSION);
    api_answer(c, 200, &c->api->reply);
}

void page_extensions(struct api_call *c)
{
    struct tell t;

    api_start(c, &t);
    tell_array(&t, NULL);
    tell_end(&t);
    api_answer(c, 200, &c->api->reply);
}

/* ---- overview ---- */

void tell_exchange_types(struct tell *t)
{
    static const char *const types[][2] = {
        {"direct", "the routing key is the binding's"},
        {"fanout", "all that are bound"},
        {"headers", "headers fit the binding's arguments"},
        {"topic", "words of the routing key fit a pattern"},
        {"x-consistent-hash", "spreads routing keys over what is bound"},
        {"x-modulus-hash", "spreads routing keys by a remainder"},
        {"x-random", "one of those that are bound, by chance"},
        {"x-local-random", "one of those on this node, by chance"},
        {"x-recent-history", "a fanout that keeps its last messages"},
    };

    tell_array(t, "exchange_types");
    for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
        if (!exchange_type_is_known(bytes_text(types[i][0])))
            continue;
        tell_object(t, NULL);
        tell_string(t, "name", types[i][0]);
        tell_string(t, "description", types[i][1]);
        tell_bool(t, "enabled", true);
        tell_end(t);
    }
    tell_end(t);
}

static void tell_listeners(const struct api *a, struct tell *t)
{
    struct doors_listener listeners[DOORS_LISTENERS_MAX];
    size_t count = api_listeners(a, listeners);

    tell_array(t, "listeners");
    for (size_t i = 0; i < count; i++) {
        const struct doors_listener *l = &listeners[i];

        tell_object(t, NULL);
        tell_string(t, "node", a->node);
        tell_string(t, "protocol", l->protocol);
        tell_string(t, "ip_address", l->host[0] == '\0' ? "::" : l->host);
        tell_uint(t, "port", l->port);
        tell_object(t, "socket_opts");
        tell_end(t);
        tell_end(t);
    }
    tell_end(t);
}

void tell_contexts(const struct api *a, struct tell *t)
{
    char *port = mem_format("%u", api_port(a));

    tell_array(t, "contexts");
    tell_object(t, NULL);
    tell_array(t, "ssl_opts");
    tell_end(t);
    tell_string(t, "node", a->node);
    tell_string(t, "description", "Millrace Management");
    tell_string(t, "path", a->options->path_prefix[0] == '\0' ? "/" : a->options->path_prefix);
    tell_string(t, "cowboy_opts", "[]");
    tell_string(t, "port", port);
    tell_end(t);
    tell_end(t);
    mem_free(port);
}

/* What does not change while it runs. */
static void tell_product(const struct api *a, struct tell *t)
{
    tell_string(t, "management_version", BROKER_RABBITMQ_VERSION);
    tell_string(t, "rates_mode", "basic");
    tell_object(t, "sample_retention_policies");
    static const struct {
        const char *name;
        uint64_t seconds[4];
    } policies[] = {
        {"global", {600, 3600, 28800, 86400}}, {"basic", {600, 3600}}, {"detailed", {600, 3600}}};
    for (size_t i = 0; i < ARRAY_SIZE(policies); i++) {
        tell_array(t, policies[i].name);
        for (size_t j = 0; j < 4 && policies[i].seconds[j] > 0; j++)
            tell_uint(t, NULL, policies[i].seconds[j]);
        tell_end(t);
    }
    tell_end(t);
    tell_exchange_types(t);
    tell_string(t, "product_name", "Millrace");
    tell_string(t, "product_version", MILLRACE_VERSION);
    tell_string(t, "rabbitmq_version", BROKER_RABBITMQ_VERSION);
    tell_cluster_name(a, t, "cluster_name");
    tell_object(t, "cluster_tags");
    tell_end(t);
    tell_object(t, "node_tags");
    tell_end(t);
    tell_string(t, "erlang_version", "none");
    tell_string(t, "erlang_full_version", "none: Millrace is written in C");
    tell_string(t, "release_series_support_status", "supported");
    tell_bool(t, "disable_stats", a->options->disables_stats);
    tell_bool(t, "enable_queue_totals", a->options->has_queue_totals);
    tell_string(t, "default_queue_type", "classic");
}

static void tell_objects(const struct api *a, struct tell *t, const struct broker_stats *stats)
{
    struct doors_totals totals = {0};

    if (a->doors.totals != NULL)
        a->doors.totals(a->doors.owner, &totals);
    tell_object(t, "object_totals");
    tell_uint(t, "channels", totals.channels);
    tell_uint(t, "connections", totals.connections);
    tell_uint(t, "consumers", stats->consumers);
    tell_uint(t, "exchanges", stats->exchanges);
    tell_uint(t, "queues", stats->queues);
    tell_end(t);
}

static void tell_message_stats(const struct api *a, struct tell *t, const struct broker_counters *n)
{
    struct sample *s = samples_all(a->samples);
    const struct queues_tally *q = &n->queues;

    tell_object(t, "message_stats");
    tell_counted(t, "ack", q->acked, s, SAMPLE_ACK);
    tell_counted(t, "confirm", n->confirmed, s, SAMPLE_CONFIRM);
    tell_counted(t, "deliver", q->delivered, s, SAMPLE_DELIVER);
    tell_counted(t, "deliver_get", q->delivered + q->delivered_no_ack + q->got, s,
                 SAMPLE_DELIVER_GET);
    tell_counted(t, "deliver_no_ack", q->delivered_no_ack, s, SAMPLE_DELIVER_NO_ACK);
    tell_counted(t, "drop_unroutable", n->unroutable_dropped, s, SAMPLE_DROP);
    tell_counted(t, "get", q->got - q->got_no_ack, s, SAMPLE_GET);
    tell_counted(t, "get_empty", q->got_nothing, s, SAMPLE_GET_EMPTY);
    tell_counted(t, "get_no_ack", q->got_no_ack, s, SAMPLE_GET_NO_ACK);
    tell_counted(t, "publish", n->received, s, SAMPLE_PUBLISH);
    tell_counted(t, "redeliver", q->redelivered, s, SAMPLE_REDELIVER);
    tell_counted(t, "return_unroutable", n->unroutable_returned, s, SAMPLE_RETURN);
    tell_end(t);
}

void tell_churn(const struct api *a, struct tell *t)
{
    struct sample *s = samples_churn(a->samples);
    struct broker_counters counters;
    const struct broker_counters *n = &counters;

    broker_get_counters(a->broker, &counters);
    tell_counted(t, "channel_closed", n->channels_closed, s, CHURN_CHANNEL_CLOSED);
    tell_counted(t, "channel_created", n->channels_opened, s, CHURN_CHANNEL_CREATED);
    tell_counted(t, "connection_closed", n->visits_ended, s, CHURN_CONNECTION_CLOSED);
    tell_counted(t, "connection_created", n->visits_begun, s, CHURN_CONNECTION_CREATED);
    tell_counted(t, "queue_created", n->queues_created, s, CHURN_QUEUE_CREATED);
    tell_counted(t, "queue_declared", n->queues_declared, s, CHURN_QUEUE_DECLARED);
    tell_counted(t, "queue_deleted", n->queues_deleted, s, CHURN_QUEUE_DELETED);
}

/* As the last round of samples found them: to count them now would take a walk over all queues. */
static void tell_queue_totals(const struct api *a, struct tell *t)
{
    struct sample *s = samples_totals(a->samples);

    tell_object(t, "queue_totals");
    tell_length(t, "messages", s->values[1][SAMPLE_MESSAGES], s, SAMPLE_MESSAGES);
    tell_length(t, "messages_ready", s->values[1][SAMPLE_READY], s, SAMPLE_READY);
    tell_length(t, "messages_unacknowledged", s->values[1][SAMPLE_UNACKED], s, SAMPLE_UNACKED);
    tell_end(t);
}

void page_overview(struct api_call *c)
{
    struct api *a = c->api;
    struct broker_counters counters;
    struct broker_stats stats;
    struct tell t;

    broker_get_stats(a->broker, &stats);
    broker_get_counters(a->broker, &counters);
    api_start(c, &t);
    tell_object(&t, NULL);
    tell_product(a, &t);
    tell_message_stats(a, &t, &counters);
    tell_object(&t, "churn_rates");
    tell_churn(a, &t);
    tell_end(&t);
    tell_queue_totals(a, &t);
    tell_objects(a, &t, &stats);
    tell_uint(&t, "statistics_db_event_queue", 0);
    tell_string(&t, "node", a->node);
    if (api_may_monitor(c)) {
        tell_listeners(a, &t);
        tell_contexts(a, &t);
    }
    tell_end(&t);
    api_answer(c, 200, &a->reply);
}
