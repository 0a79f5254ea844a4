/* A scrape: its way from the request to the last sample. */
#include "http/metrics/metrics.h"

#include <string.h>

#include "base/mem.h"
#include "http/accept.h"
#include "http/metrics/expose.h"
#include "http/metrics/figures.h"
#include "http/metrics/objects.h"
#include "http/metrics/ours.h"
#include "http/metrics/partitions.h"
#include "http/server.h"
#include "io/io.h"

static const char text_type[] = "text/plain; version=0.0.4; charset=utf-8";

struct metrics {
    struct metrics_open open;
    struct http_server *server;
    int64_t started_ms;
    unsigned job_count; /* in flight */
    bool is_served_out;
    void (*stopped)(void *owner);
    void *stopped_owner;
};

enum { CONNECTIONS_MAX = 64 };

enum step { STEP_SUM, STEP_SELF, STEP_OBJECTS };

struct scrape {
    struct metrics *metrics;
    struct http_call *call; /* NULL: the client is gone, and the job is still running */
    struct io_job job;
    struct figures figures;
    struct objects objects;
    const char *endpoint; /* "aggregated", "per-object", "detailed" */
    char *vhost;          /* the only one that is told of; NULL: all */
    enum step step;
    bool has_objects;
    bool is_detailed;
    bool is_of_memory; /* and of nothing else */
    bool is_looking;   /* its job is running */
};

static void scrape_free(struct scrape *s)
{
    objects_end(&s->objects);
    mem_free(s->vhost);
    mem_free(s);
}

/* ---- telling ---- */

static void tell_identity(const struct scrape *s, struct expose *e)
{
    const struct metrics_open *o = &s->metrics->open;

    expose_family(e, "build_info", "gauge", "RabbitMQ & Erlang/OTP version info");
    expose_begin(e, "build_info", NULL);
    expose_label(e, "rabbitmq_version", bytes_text(BROKER_RABBITMQ_VERSION));
    expose_label(e, "prometheus_plugin_version", bytes_text(BROKER_RABBITMQ_VERSION));
    expose_label(e, "prometheus_client_version", bytes_text(o->version));
    expose_label(e, "erlang_version", bytes_text("none"));
    expose_label(e, "product_name", bytes_text("Millrace"));
    expose_label(e, "product_version", bytes_text(o->version));
    expose_end(e, 1);
    expose_family(e, "identity_info", "gauge", "RabbitMQ node & cluster identity info");
    expose_begin(e, "identity_info", NULL);
    expose_label(e, "rabbitmq_node", bytes_text(o->node));
    expose_label(e, "rabbitmq_cluster", bytes_text(o->cluster_name));
    expose_label(e, "rabbitmq_cluster_permanent_id", bytes_text(o->cluster_name));
    expose_label(e, "rabbitmq_endpoint", bytes_text(s->endpoint));
    expose_end(e, 1);
}

static void tell_self(struct scrape *s, struct buf *out)
{
    struct expose e = {.out = out, .prefix = "rabbitmq_"};

    tell_identity(s, &e);
    if (s->is_detailed)
        return;
    if (s->is_of_memory) {
        e.prefix = "millrace_";
        ours_tell_memory(s->metrics->open.broker, &s->figures, &e);
        return;
    }
    figures_tell(&s->figures, &e, !s->has_objects);
    e.prefix = "millrace_";
    partitions_tell(s->metrics->open.broker, &e);
    ours_tell(s->metrics->open.broker, &s->figures, &e);
}

/* An http_more_fn: adds up in the first steps, and tells in the later ones. */
static enum http_more tell_more(void *owner, struct http_call *c, struct buf *out)
{
    struct scrape *s = owner;
    struct expose e = {.out = out, .prefix = s->is_detailed ? "rabbitmq_detailed_" : "rabbitmq_"};
    enum http_more more = HTTP_MORE_PART;

    (void)c;
    switch (s->step) {
    case STEP_SUM:
        if (objects_sum(&s->objects, &s->figures))
            return HTTP_MORE_LATER;
        figures_finish(&s->figures);
        s->objects.family = 0;
        s->step = STEP_SELF;
        return HTTP_MORE_LATER;
    case STEP_SELF:
        tell_self(s, out);
        s->step = STEP_OBJECTS;
        more = s->has_objects ? HTTP_MORE_PART : HTTP_MORE_LAST;
        break;
    case STEP_OBJECTS:
        if (!objects_tell(&s->objects, &e))
            more = HTTP_MORE_LAST;
        else if (buf_view(out).size == 0)
            more = HTTP_MORE_LATER; /* a family that nobody asked for */
        break;
    }
    if (more == HTTP_MORE_LAST)
        scrape_free(s);
    return more;
}

/* ---- requests ---- */

static void end_if_over(struct metrics *m)
{
    if (m->is_served_out && m->job_count == 0)
        m->stopped(m->stopped_owner);
}

static void look_at_process(struct io_job *j)
{
    struct scrape *s = CONTAINER_OF(j, struct scrape, job);

    system_look_at_process(j->io->disk, &s->figures.process);
}

static void process_looked_at(struct io_job *j)
{
    struct scrape *s = CONTAINER_OF(j, struct scrape, job);
    const struct metrics_open *o = &s->metrics->open;
    struct figures *f = &s->figures;

    s->is_looking = false;
    s->metrics->job_count--;
    if (s->call == NULL) {
        struct metrics *m = s->metrics;
        scrape_free(s);
        end_if_over(m);
        return;
    }
    broker_get_counters(o->broker, &f->counters);
    broker_get_stats(o->broker, &f->stats);
    if (o->doors.totals != NULL)
        o->doors.totals(o->doors.owner, &f->doors);
    f->memory_max_bytes = o->limits->memory_max_bytes;
    f->disk_min_bytes = o->limits->disk_min_bytes;
    f->uptime_s = (uint64_t)(io_wall_ms(o->io) - s->metrics->started_ms) / 1000;
    s->objects.vhost = s->vhost != NULL ? bytes_text(s->vhost) : bytes_of(NULL, 0);
    http_answer_parts(s->call, 200, text_type, tell_more, s);
}

/* Which families, and of which virtual host; false when a family is unknown. */
static bool read_query(struct scrape *s, const struct http_target *t)
{
    struct bytes vhost = {0};

    s->objects.groups = 0;
    for (size_t i = 0; i < t->parameter_count; i++) {
        unsigned group = 0;
        if (!bytes_equal(t->parameters[i].name, bytes_text("family")))
            continue;
        group = objects_group(t->parameters[i].value);
        if (group == 0)
            return false;
        s->objects.groups |= group;
    }
    if (http_target_find(t, "vhost", &vhost))
        s->vhost = mem_format("%.*s", (int)vhost.size, (const char *)vhost.data);
    return true;
}

static bool read_path(struct scrape *s, const struct http_target *t)
{
    const struct bytes *path = t->segments;

    if (t->segment_count == 0 || t->segment_count > 2 ||
        !bytes_equal(path[0], bytes_text("metrics")))
        return false;
    s->has_objects = s->metrics->open.options->is_per_object;
    if (t->segment_count == 1)
        return true;
    s->is_of_memory = bytes_equal(path[1], bytes_text("memory-breakdown"));
    s->has_objects = !s->is_of_memory;
    if (s->is_of_memory)
        return true;
    s->is_detailed = bytes_equal(path[1], bytes_text("detailed"));
    return s->is_detailed || bytes_equal(path[1], bytes_text("per-object"));
}

static void refuse_call(struct http_call *c, int status, const char *text)
{
    http_answer(c, status, "text/plain", bytes_text(text));
}

static uint64_t begin(void *owner, struct http_call *c)
{
    const struct http_head *head = &http_call_request(c)->head;
    enum http_method method = head->method;
    enum http_accept accept = http_accept(head, "text/plain");

    (void)owner;
    if (method != HTTP_GET && method != HTTP_HEAD) {
        http_answer_field(c, "allow", "GET, HEAD");
        refuse_call(c, 405, "only GET is served here\n");
    } else if (accept == HTTP_UNACCEPTED) {
        refuse_call(c, 406, "metrics are text/plain\n");
    } else if (accept == HTTP_GARBLED) {
        refuse_call(c, 400, "the field 'accept' is no list of types, as \"text/plain\" is\n");
    }
    return 0;
}

static const char *endpoint_of(const struct scrape *s)
{
    if (s->is_of_memory)
        return "memory-breakdown";
    if (s->is_detailed)
        return "detailed";
    return s->has_objects ? "per-object" : "aggregated";
}

static void serve(void *owner, struct http_call *c)
{
    struct metrics *m = owner;
    const struct http_target *t = &http_call_request(c)->target;
    struct scrape *s = MEM_NEW(struct scrape);

    s->metrics = m;
    s->call = c;
    objects_begin(&s->objects, m->open.broker, &m->open.doors);
    if (!read_path(s, t)) {
        refuse_call(c, 404,
                    "there are /metrics, /metrics/per-object, /metrics/detailed and "
                    "/metrics/memory-breakdown\n");
        scrape_free(s);
        return;
    }
    if (s->is_detailed && !read_query(s, t)) {
        refuse_call(c, 400, "there is no such family\n");
        scrape_free(s);
        return;
    }
    s->endpoint = endpoint_of(s);
    if (s->is_detailed) {
        s->objects.own_prefix = "millrace_detailed_";
        s->step = STEP_SELF;
    }
    http_call_set_data(c, s);
    s->job = (struct io_job){.work = look_at_process, .done = process_looked_at};
    s->is_looking = true;
    m->job_count++;
    io_submit(m->open.io, &s->job);
}

static void dropped(void *owner, struct http_call *c)
{
    struct scrape *s = http_call_data(c);

    (void)owner;
    if (s != NULL && s->is_looking)
        s->call = NULL; /* the job lets go of it */
    else if (s != NULL)
        scrape_free(s);
}

/* ---- open, close ---- */

struct metrics *metrics_new(const struct metrics_open *o)
{
    struct metrics *m = MEM_NEW(struct metrics);
    struct http_options options = http_options_default();
    const struct http_service service = {
        .owner = m, .begin = begin, .serve = serve, .dropped = dropped};

    m->open = *o;
    m->started_ms = io_wall_ms(o->io);
    options.connections_max = CONNECTIONS_MAX;
    options.name = "Millrace";
    m->server = http_server_new(o->io, &options, &service);
    return m;
}

static const char *host_of(const struct metrics *m)
{
    const struct metrics_options *o = m->open.options;

    return o->endpoint.host[0] != '\0' ? o->endpoint.host : o->ip;
}

int metrics_listen(struct metrics *m, struct err_note *note)
{
    const struct setting_endpoint *e = &m->open.options->endpoint;

    return e->is_on ? http_server_listen(m->server, host_of(m), e->port, note) : 0;
}

char *metrics_where(const struct metrics *m)
{
    const char *host = host_of(m);

    if (!m->open.options->endpoint.is_on)
        return mem_text("none");
    return mem_format("%s:%u", host[0] == '\0' ? "*" : host, http_server_port(m->server));
}

static void served_out(void *owner)
{
    struct metrics *m = owner;

    m->is_served_out = true;
    end_if_over(m);
}

void metrics_stop(struct metrics *m, void (*stopped)(void *owner), void *owner)
{
    m->stopped = stopped;
    m->stopped_owner = owner;
    http_server_stop(m->server, served_out, m);
}

void metrics_free(struct metrics *m)
{
    if (m == NULL)
        return;
    http_server_free(m->server);
    mem_free(m);
}
