/* Wiring of the management interface and of the metrics. */
#include "server/management.h"

#include <stdio.h>

#include "amqp/amqp.h"
#include "base/mem.h"
#include "broker/doors.h"
#include "gate/gate.h"
#include "http/api/api.h"
#include "http/metrics/metrics.h"
#include "http/server.h"
#include "io/real.h"
#include "server/configuration.h"
#include "server/machine.h"
#include "server/options.h"
#include "server/version.h"

struct management {
    struct api *api;
    struct gate_settings gate_settings; /* without the PROXY protocol, which is AMQP's */
    struct gate *gate;                  /* with TLS; NULL: none */
    struct metrics *metrics;
    const struct options *options;
    struct configuration *configuration;
    char *node;
    void (*stopped)(void *owner);
    void *stopped_owner;
};

/* ---- with TLS ---- */

static const char *ssl_host(const struct management *m)
{
    const struct api_options *o = &m->options->api;

    return o->ssl_endpoint.host[0] == '\0' ? o->ssl_ip : o->ssl_endpoint.host;
}

static void on_accept(void *owner, struct socket *socket)
{
    struct management *m = owner;
    struct http_stats stats;

    http_server_get_stats(api_server(m->api), &stats);
    if (stats.connections >= (uint64_t)m->options->api.connections_max)
        socket_close(socket);
    else
        http_server_take(api_server(m->api), socket, true);
}

static int listen_with_tls(struct management *m, struct io *io, struct tls *tls,
                           struct err_note *note)
{
    const struct gate_options gate = {.host = ssl_host(m),
                                      .port = m->options->api.ssl_endpoint.port,
                                      .what = "https",
                                      .tls = tls,
                                      .settings = &m->gate_settings};
    struct doors_listener listed = {.protocol = "https"};
    int rv = 0;

    m->gate_settings = m->options->gate;
    m->gate_settings.takes_proxy = false;
    rv = gate_open(io, &gate, (struct gate_door){on_accept, m}, &m->gate, note);
    if (rv != 0)
        return rv;
    listed.port = gate_port(m->gate);
    (void)snprintf(listed.host, sizeof(listed.host), "%s", ssl_host(m));
    api_also_listens(m->api, &listed);
    return 0;
}

static void each_setting(void *owner, api_setting_fn *fn, void *to)
{
    const struct management *m = owner;

    configuration_each(m->configuration, fn, to);
}

static int change_setting(void *owner, const char *name, const char *value, struct err_note *note)
{
    const struct management *m = owner;

    return configuration_change(m->configuration, name, value, note);
}

/* ---- open, close ---- */

int management_open(const struct management_open *o, struct management **out, struct err_note *note)
{
    struct management *m = MEM_NEW(struct management);
    int rv = 0;

    m->options = o->options;
    m->configuration = o->configuration;
    m->node = machine_node_name(real_disk());
    const struct api_open open = {
        .io = o->io,
        .broker = o->broker,
        .options = &o->options->api,
        .node = m->node,
        .cluster_name = o->options->amqp.cluster_name,
        .limits = &o->options->broker,
        .doors = amqp_doors(o->amqp),
        .settings = {.owner = m, .each = each_setting, .change = change_setting},
    };
    m->api = api_new(&open);
    m->metrics = metrics_new(&(struct metrics_open){
        .io = o->io,
        .broker = o->broker,
        .options = &o->options->metrics,
        .limits = &o->options->broker,
        .node = m->node,
        .cluster_name = o->options->amqp.cluster_name,
        .version = MILLRACE_VERSION,
        .doors = amqp_doors(o->amqp),
    });
    rv = api_listen(m->api, note);
    if (rv == 0 && o->tls != NULL)
        rv = listen_with_tls(m, o->io, o->tls, note);
    if (rv == 0)
        rv = metrics_listen(m->metrics, note);
    *out = m; /* also when it does not listen: it must be stopped like any other */
    return rv;
}

/* A listener as a fact, after those before it. */
static char *add_where(char *before, const char *name, const char *host, uint16_t port)
{
    char *longer = NULL;

    if (port == 0)
        longer = mem_format("%s%s=none", before, name);
    else
        longer = mem_format("%s%s=%s:%u", before, name, host[0] == '\0' ? "*" : host, port);
    mem_free(before);
    return longer;
}

char *management_where(const struct management *m)
{
    const struct setting_endpoint *e = &m->options->api.endpoint;
    const char *host = e->host[0] == '\0' ? m->options->api.ip : e->host;
    uint16_t ssl_port = m->gate == NULL ? 0 : gate_port(m->gate);
    char *where = add_where(mem_text(""), "http", host, api_port(m->api));
    char *metrics = metrics_where(m->metrics);
    char *all = NULL;

    where = add_where(where, " https", ssl_host(m), ssl_port);
    all = mem_format("%s prometheus=%s", where, metrics);
    mem_free(where);
    mem_free(metrics);
    return all;
}

static void on_metrics_stopped(void *owner)
{
    struct management *m = owner;

    m->stopped(m->stopped_owner);
}

static void on_api_stopped(void *owner)
{
    struct management *m = owner;

    metrics_stop(m->metrics, on_metrics_stopped, m);
}

void management_stop(struct management *m, void (*stopped)(void *owner), void *owner)
{
    if (m->gate != NULL)
        gate_close(m->gate);
    m->gate = NULL;
    m->stopped = stopped;
    m->stopped_owner = owner;
    api_stop(m->api, on_api_stopped, m);
}

void management_free(struct management *m)
{
    if (m == NULL)
        return;
    metrics_free(m->metrics);
    api_free(m->api);
    mem_free(m->node);
    mem_free(m);
}
