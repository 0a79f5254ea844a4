/* Wiring of the metrics. */
#include "server/exposition.h"

#include "amqp/amqp.h"
#include "base/mem.h"
#include "http/metrics/metrics.h"
#include "io/real.h"
#include "server/machine.h"
#include "server/options.h"
#include "server/version.h"

struct exposition {
    struct metrics *metrics;
    char *node;
};

int exposition_open(const struct management_open *o, struct exposition **out, struct err_note *note)
{
    struct exposition *x = MEM_NEW(struct exposition);

    x->node = machine_node_name(real_disk());
    x->metrics = metrics_new(&(struct metrics_open){
        .io = o->io,
        .broker = o->broker,
        .options = &o->options->metrics,
        .limits = &o->options->broker,
        .node = x->node,
        .cluster_name = o->options->amqp.cluster_name,
        .version = MILLRACE_VERSION,
        .doors = amqp_doors(o->amqp),
    });
    *out = x; /* also when it does not listen: it must be stopped like any other */
    return metrics_listen(x->metrics, note);
}

char *exposition_where(const struct exposition *x)
{
    return metrics_where(x->metrics);
}

void exposition_stop(struct exposition *x, void (*stopped)(void *owner), void *owner)
{
    metrics_stop(x->metrics, stopped, owner);
}

void exposition_free(struct exposition *x)
{
    if (x == NULL)
        return;
    metrics_free(x->metrics);
    mem_free(x->node);
    mem_free(x);
}
