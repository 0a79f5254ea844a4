/* Wiring of the management interface. */
#include "server/management.h"

#include "amqp/amqp.h"
#include "base/mem.h"
#include "http/api/api.h"
#include "io/real.h"
#include "server/machine.h"
#include "server/options.h"

struct management {
    struct api *api;
    const struct options *options;
    char *node;
};

/* ---- open, close ---- */

int management_open(const struct management_open *o, struct management **out, struct err_note *note)
{
    struct management *m = MEM_NEW(struct management);
    int rv = 0;

    m->options = o->options;
    m->node = machine_node_name(real_disk());
    const struct api_open open = {
        .io = o->io,
        .broker = o->broker,
        .options = &o->options->api,
        .node = m->node,
        .cluster_name = o->options->amqp.cluster_name,
        .memory_max_bytes = o->options->broker.memory_max_bytes,
        .disk_low_bytes = o->options->broker.disk_low_bytes,
        .doors = amqp_doors(o->amqp),
    };
    m->api = api_new(&open);
    rv = api_listen(m->api, note);
    *out = m; /* also when it does not listen: it must be stopped like any other */
    return rv;
}

char *management_where(const struct management *m)
{
    const struct setting_endpoint *e = &m->options->api.endpoint;
    const char *host = e->host[0] == '\0' ? m->options->api.ip : e->host;

    if (!e->is_on)
        return mem_text("none");
    return mem_format("%s:%u", host[0] == '\0' ? "*" : host, api_port(m->api));
}

void management_stop(struct management *m, void (*stopped)(void *owner), void *owner)
{
    api_stop(m->api, stopped, owner);
}

void management_free(struct management *m)
{
    if (m == NULL)
        return;
    api_free(m->api);
    mem_free(m->node);
    mem_free(m);
}
