/* The node, and what has no thing behind it: feature flags, deprecated features, sample resets. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "broker/broker.h"
#include "broker/counters.h"
#include "broker/memory.h"
#include "http/api/pages.h"
#include "http/api/shapes.h"
#include "io/system.h"

/* ---- nodes ---- */

/* What the system tells of the process. RabbitMQ's clients cannot do without some of these: an
 * Erlang process is a thread here, and nothing waits for a scheduler of Erlang's. */
static void tell_process(const struct api *a, struct tell *t)
{
    const struct system_process *p = samples_process(a->samples);
    struct doors_totals totals = {0};
    char id[24];

    if (a->doors.totals != NULL)
        a->doors.totals(a->doors.owner, &totals);
    (void)snprintf(id, sizeof(id), "%" PRIu64, p->id);
    tell_string(t, "os_pid", id);
    tell_uint(t, "processors", p->processors);
    tell_uint(t, "proc_used", p->threads);
    tell_uint(t, "proc_total", p->threads_max);
    tell_uint(t, "run_queue", 0);
    tell_uint(t, "fd_total", p->fds_max);
    tell_uint(t, "sockets_total",
              totals.limit > 0 && totals.limit < p->fds_max ? totals.limit : p->fds_max);
    tell_string(t, "mem_calculation_strategy", "allocated");
}

static void tell_place(void *to, const char *name, const char *value)
{
    struct tell *t = to;

    if (value == NULL)
        return;
    if (strcmp(name, "millrace.data_dir") == 0)
        tell_string(t, "db_dir", value);
    if (strcmp(name, "log.file") != 0)
        return;
    tell_array(t, "log_files");
    tell_string(t, NULL, strcmp(value, "false") == 0 ? "<stderr>" : value);
    tell_end(t);
}

/* Where it writes, out of the settings. */
static void tell_places(const struct api *a, struct tell *t)
{
    if (a->settings.each != NULL)
        a->settings.each(a->settings.owner, tell_place, t);
}

static void tell_node(struct api *a, struct tell *t)
{
    struct sample *s = samples_node(a->samples);
    struct broker_stats stats;

    broker_get_stats(a->broker, &stats);
    tell_object(t, NULL);
    tell_array(t, "partitions");
    tell_end(t);
    tell_string(t, "name", a->node);
    tell_string(t, "type", "disc");
    tell_bool(t, "running", true);
    tell_node_figure(t, "mem_used", stats.memory_bytes, s, SAMPLE_MEMORY);
    tell_uint(t, "mem_limit", a->limits->memory_max_bytes);
    tell_bool(t, "mem_alarm", stats.is_memory_short);
    tell_node_figure(t, "disk_free", stats.disk_free_bytes, s, SAMPLE_DISK);
    tell_uint(t, "disk_free_limit", a->limits->disk_min_bytes);
    tell_bool(t, "disk_free_alarm", stats.is_disk_short);
    tell_node_figure(t, "sockets_used", s->values[1][SAMPLE_SOCKETS], s, SAMPLE_SOCKETS);
    tell_node_figure(t, "fd_used", s->values[1][SAMPLE_FDS], s, SAMPLE_FDS);
    tell_process(a, t);
    tell_string(t, "rates_mode", "basic");
    tell_int(t, "uptime", io_wall_ms(a->io) - a->started_ms);
    tell_bool(t, "being_drained", false);
    tell_churn(a, t);
    tell_contexts(a, t);
    tell_array(t, "cluster_links");
    tell_end(t);
    tell_places(a, t);
    tell_exchange_types(t);
    tell_array(t, "applications");
    tell_object(t, NULL);
    tell_string(t, "name", "millrace");
    tell_string(t, "description", "Millrace");
    tell_string(t, "version", MILLRACE_VERSION);
    tell_end(t);
    tell_end(t);
    tell_array(t, "enabled_plugins");
    tell_string(t, NULL, "rabbitmq_management");
    tell_end(t);
    tell_end(t);
}

void nodes_get(struct api_call *c)
{
    struct tell t;

    api_start(c, &t);
    tell_array(&t, NULL);
    tell_node(c->api, &t);
    tell_end(&t);
    api_answer(c, 200, &c->api->reply);
}

static bool is_our_node(struct api_call *c)
{
    if (bytes_equal(c->args[0], bytes_text(c->api->node)))
        return true;
    api_not_found(c);
    return false;
}

void node_get_one(struct api_call *c)
{
    struct tell t;

    if (!is_our_node(c))
        return;
    api_start(c, &t);
    tell_node(c->api, &t);
    api_answer(c, 200, &c->api->reply);
}

/* RabbitMQ's names for what is not here, or not counted by itself and so part of what is last; its
 * clients cannot do without them. */
static const char *const memory_names[] = {
    "allocated_unused",
    "atom",
    "code",
    "connection_channels",
    "connection_other",
    "connection_readers",
    "connection_writers",
    "metadata_store",
    "metadata_store_ets",
    "metrics",
    "mnesia",
    "msg_index",
    "other_ets",
    "other_proc",
    "plugins",
    "quorum_ets",
    "quorum_queue_dlx_procs",
    "reserved_unallocated",
    "stream_queue_coordinator_procs",
    "stream_queue_replica_reader_procs",
};

/* What is known to be used for something, under RabbitMQ's names where it has one; the rest is
 * last. */
struct memory_part {
    const char *name;
    uint64_t bytes;
};
enum { MEMORY_PARTS = 9 };

static uint64_t memory_parts(struct api *a, struct memory_part parts[MEMORY_PARTS])
{
    struct broker_memory m;
    uint64_t known = 0;

    broker_get_memory(a->broker, &m);
    const struct memory_part all[MEMORY_PARTS] = {
        {"queue_procs", samples_index_bytes(a->samples, QUEUE_CLASSIC)},
        {"quorum_queue_procs", samples_index_bytes(a->samples, QUEUE_QUORUM)},
        {"stream_queue_procs", samples_index_bytes(a->samples, QUEUE_STREAM)},
        {"binary", m.transient},
        {"log_cache", m.log_cache},
        {"log_pending", m.log_pending},
        {"routes", m.routes},
        {"mgmt_db", a->kept_bytes + samples_past_bytes(a->samples)},
        {"other_system", 0},
    };

    memcpy(parts, all, sizeof(all));
    for (size_t i = 0; i < MEMORY_PARTS; i++)
        known += parts[i].bytes;
    parts[MEMORY_PARTS - 1].bytes = m.allocated > known ? m.allocated - known : 0;
    return m.allocated;
}

static void tell_memory_names(struct tell *t)
{
    for (size_t i = 0; i < ARRAY_SIZE(memory_names); i++)
        tell_uint(t, memory_names[i], 0);
}

void node_get_memory(struct api_call *c)
{
    struct memory_part parts[MEMORY_PARTS];
    struct tell t;

    if (!is_our_node(c))
        return;
    uint64_t allocated = memory_parts(c->api, parts);
    api_start(c, &t);
    tell_object(&t, NULL);
    tell_object(&t, "memory");
    tell_string(&t, "strategy", "allocated");
    for (size_t i = 0; i < MEMORY_PARTS; i++)
        tell_uint(&t, parts[i].name, parts[i].bytes);
    tell_memory_names(&t);
    tell_object(&t, "total");
    tell_uint(&t, "allocated", allocated);
    tell_uint(&t, "erlang", allocated);
    tell_uint(&t, "rss", samples_process(c->api->samples)->resident_bytes);
    tell_end(&t);
    tell_end(&t);
    tell_end(&t);
    api_answer(c, 200, &c->api->reply);
}

void node_get_memory_relative(struct api_call *c)
{
    struct memory_part parts[MEMORY_PARTS];
    struct tell t;

    if (!is_our_node(c))
        return;
    uint64_t allocated = memory_parts(c->api, parts);
    api_start(c, &t);
    tell_object(&t, NULL);
    tell_object(&t, "memory");
    for (size_t i = 0; i < MEMORY_PARTS; i++)
        tell_uint(&t, parts[i].name, allocated == 0 ? 0 : parts[i].bytes * 100 / allocated);
    tell_memory_names(&t);
    tell_uint(&t, "total", 100);
    tell_end(&t);
    tell_end(&t);
    api_answer(c, 200, &c->api->reply);
}

/* ---- what is always on ---- */

static const char *const flags[] = {
    "classic_queue_type_delivery_support",
    "direct_exchange_routing_v2",
    "feature_flags_v2",
    "quorum_queue",
    "stream_queue",
    "user_limits",
    "virtual_host_metadata",
};

void feature_flags_get(struct api_call *c)
{
    struct tell t;

    api_start(c, &t);
    tell_array(&t, NULL);
    for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
        tell_object(&t, NULL);
        tell_string(&t, "name", flags[i]);
        tell_string(&t, "desc", "part of this broker; cannot be turned off");
        tell_string(&t, "doc_url", "");
        tell_string(&t, "state", "enabled");
        tell_string(&t, "stability", "required");
        tell_string(&t, "provided_by", "millrace");
        tell_end(&t);
    }
    tell_end(&t);
    api_answer(c, 200, &c->api->reply);
}

/* All that there are, are on already. */
void feature_flag_enable(struct api_call *c)
{
    for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
        if (!bytes_equal(c->args[0], bytes_text(flags[i])) &&
            !bytes_equal(c->args[0], bytes_text("all")))
            continue;
        api_answer_empty(c, 204);
        return;
    }
    api_bad_request(c, "unsupported: there is no feature flag '%.*s'", API_SHOW(c->args[0]));
}

/* Nothing is deprecated here: what RabbitMQ gave up still works. */
void deprecated_features_get(struct api_call *c)
{
    struct tell t;

    api_start(c, &t);
    tell_array(&t, NULL);
    tell_end(&t);
    api_answer(c, 200, &c->api->reply);
}

/* One node has nothing to move. */
void rebalance_queues(struct api_call *c)
{
    http_answer_field(c->http, "x-note", "there is one node: nothing was moved");
    api_answer_empty(c, 204);
}

void reset_samples(struct api_call *c)
{
    if (c->arg_count > 0 && !is_our_node(c))
        return;
    samples_forget(c->api->samples);
    api_answer_empty(c, 204);
}

/* ---- logging in ---- */

static void tell_attempts(struct tell *t, const char *protocol, uint64_t failed, uint64_t succeeded)
{
    tell_object(t, NULL);
    tell_string(t, "protocol", protocol);
    tell_uint(t, "auth_attempts", failed + succeeded);
    tell_uint(t, "auth_attempts_failed", failed);
    tell_uint(t, "auth_attempts_succeeded", succeeded);
    tell_end(t);
}

void auth_attempts_get(struct api_call *c)
{
    const struct api *a = c->api;
    struct broker_counters n;
    struct tell t;

    if (!is_our_node(c))
        return;
    broker_get_counters(a->broker, &n);
    api_start(c, &t);
    tell_array(&t, NULL);
    tell_attempts(&t, "http", a->logins_failed, a->logins_succeeded);
    tell_attempts(&t, "amqp091", n.logins_failed - a->logins_failed,
                  n.logins_succeeded - a->logins_succeeded);
    tell_end(&t);
    api_answer(c, 200, &c->api->reply);
}

void auth_hash_password_get(struct api_call *c)
{
    char hash[AUTH_HASH_MAX];
    uint8_t salt[4];
    struct tell t;

    put_le32(salt, (uint32_t)io_random(c->api->io));
    auth_hash_password(AUTH_HASH_SHA256, c->args[0], salt, hash);
    api_start(c, &t);
    tell_object(&t, NULL);
    tell_string(&t, "ok", hash);
    tell_end(&t);
    api_answer(c, 200, &c->api->reply);
}
