/* Where the messages of a queue or an exchange come from and where they go: counts, no rates. */
#include <stdio.h>

#include "base/mem.h"
#include "http/api/shapes.h"

static void tell_published(struct tell *t, uint64_t count)
{
    tell_object(t, "stats");
    tell_uint(t, "publish", count);
    tell_end(t);
}

/* {"stats": ..., "queue": {"name": ..., "vhost": ...}} */
static void tell_flow(struct tell *t, const char *end, struct bytes name, struct bytes vhost,
                      uint64_t count)
{
    tell_object(t, NULL);
    tell_published(t, count);
    tell_object(t, end);
    tell_text(t, "name", name);
    tell_text(t, "vhost", vhost);
    tell_end(t);
    tell_end(t);
}

/* ---- queues ---- */

static void tell_delivery(struct api *a, struct tell *t, const struct consumer_view *v)
{
    const struct consumer_counts *n = &v->counts;

    tell_object(t, NULL);
    tell_object(t, "stats");
    tell_uint(t, "ack", n->acked);
    tell_uint(t, "deliver", v->is_no_ack ? 0 : n->delivered);
    tell_uint(t, "deliver_get", n->delivered);
    tell_uint(t, "deliver_no_ack", v->is_no_ack ? n->delivered : 0);
    tell_uint(t, "redeliver", n->redelivered);
    tell_end(t);
    tell_text(t, "consumer_tag", v->person.tag);
    tell_channel_of(a, t, &v->person);
    tell_end(t);
}

void tell_queue_flows(struct api *a, struct tell *t, const struct look_queue *q)
{
    struct look_flow *flows = NULL;
    size_t count = look_queue_flows(a->broker, q->vhost, q->name, &flows);
    const struct consumer *at = NULL;
    struct look_consumer c;

    tell_array(t, "deliveries");
    while ((at = look_consumer(q, at, &c)) != NULL)
        tell_delivery(a, t, &c.view);
    tell_end(t);
    tell_array(t, "incoming");
    for (size_t i = 0; i < count; i++)
        tell_flow(t, "exchange", flows[i].exchange, q->vhost, flows[i].count);
    tell_end(t);
    mem_free(flows);
}

/* ---- exchanges ---- */

static void tell_publisher(struct tell *t, const struct doors_connection *c, unsigned channel,
                           uint64_t count)
{
    char name[300];

    (void)snprintf(name, sizeof(name), "%.*s (%u)", API_SHOW(c->name), channel);
    tell_object(t, NULL);
    tell_published(t, count);
    tell_object(t, "channel_details");
    tell_text(t, "connection_name", c->name);
    tell_string(t, "name", name);
    tell_uint(t, "number", channel);
    tell_address(t, c->peer, "peer_host", "peer_port");
    tell_text(t, "user", c->user);
    tell_end(t);
    tell_end(t);
}

/* The channels of a connection that publish to the exchange. */
static void tell_publishers(struct api *a, struct tell *t, uint64_t id,
                            const struct look_exchange *x)
{
    const struct doors *d = &a->doors;
    struct doors_connection c;
    struct doors_channel ch = {0};

    if (!d->connection(d->owner, id, &c) || !bytes_equal(c.vhost, x->vhost))
        return;
    while (d->channel(d->owner, id, ch.number, &ch)) {
        uint64_t count = d->published(d->owner, id, ch.number, x->name);

        if (count > 0)
            tell_publisher(t, &c, ch.number, count);
    }
}

void tell_exchange_flows(struct api *a, struct tell *t, const struct look_exchange *x)
{
    const struct doors *d = &a->doors;
    struct look_flow *flows = NULL;
    size_t count = look_exchange_flows(a->broker, x->vhost, x->name, &flows);
    uint64_t *ids = NULL;
    size_t connections = d->connections == NULL ? 0 : d->connections(d->owner, &ids);

    tell_array(t, "incoming");
    for (size_t i = 0; ids != NULL && i < connections; i++)
        tell_publishers(a, t, ids[i], x);
    tell_end(t);
    tell_array(t, "outgoing");
    for (size_t i = 0; i < count; i++)
        tell_flow(t, "queue", flows[i].queue, x->vhost, flows[i].count);
    tell_end(t);
    mem_free(ids);
    mem_free(flows);
}
