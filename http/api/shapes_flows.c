/* Where the messages of a queue or an exchange come from and where they go. Rates are those since
 * the same was told before. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "http/api/shapes.h"

enum { FLOW_NAMES = 4 };

/* What has gone between two ends. */
struct flow {
    struct bytes names[FLOW_NAMES]; /* it is known by */
    uint64_t count;
};

/* "stats": {"publish": 5, "publish_details": {"rate": 0.5}} */
static void tell_published(struct api *a, struct tell *t, const struct flow *f)
{
    const uint64_t values[SAMPLE_VALUES] = {[SAMPLE_PUBLISH] = f->count};
    struct sample *s = samples_flow(a->samples, f->names, FLOW_NAMES, values);

    tell_object(t, "stats");
    tell_counted(t, "publish", f->count, s, SAMPLE_PUBLISH);
    tell_end(t);
}

/* "queue": {"name": ..., "vhost": ...} */
static void tell_thing(struct tell *t, const char *kind, struct bytes vhost, struct bytes name)
{
    tell_object(t, kind);
    tell_text(t, "name", name);
    tell_text(t, "vhost", vhost);
    tell_end(t);
}

/* {"stats": ..., "queue": {"name": ..., "vhost": ...}} of a flow from an exchange to a queue, where
 * `end` is the one of them that is not known from the page. */
static void tell_flow(struct api *a, struct tell *t, const char *end, const struct flow *f)
{
    tell_object(t, NULL);
    tell_published(a, t, f);
    tell_thing(t, end, f->names[0], f->names[strcmp(end, "queue") == 0 ? 2 : 1]);
    tell_end(t);
}

/* ---- queues ---- */

/* Where a consumer is told of, its end that is not known from the page comes last. */
enum delivery_end { DELIVERY_TO_CHANNEL, DELIVERY_FROM_QUEUE };

static void tell_delivery(struct api *a, struct tell *t, const struct look_consumer *c,
                          enum delivery_end end)
{
    const struct consumer_view *v = &c->view;
    const struct consumer_counts *n = &v->counts;
    const uint64_t values[SAMPLE_VALUES] = {
        [SAMPLE_ACK] = n->acked,
        [SAMPLE_DELIVER] = v->is_no_ack ? 0 : n->delivered,
        [SAMPLE_DELIVER_GET] = n->delivered,
        [SAMPLE_DELIVER_NO_ACK] = v->is_no_ack ? n->delivered : 0,
        [SAMPLE_REDELIVER] = n->redelivered,
    };
    char channel[16];
    struct bytes names[FLOW_NAMES] = {bytes_text("delivery"), v->person.connection,
                                      bytes_of(channel, 0), v->person.tag};

    names[2].size = (size_t)snprintf(channel, sizeof(channel), "%u", (unsigned)v->person.channel);
    struct sample *s = samples_flow(a->samples, names, FLOW_NAMES, values);
    tell_object(t, NULL);
    tell_object(t, "stats");
    tell_counted(t, "ack", values[SAMPLE_ACK], s, SAMPLE_ACK);
    tell_counted(t, "deliver", values[SAMPLE_DELIVER], s, SAMPLE_DELIVER);
    tell_counted(t, "deliver_get", values[SAMPLE_DELIVER_GET], s, SAMPLE_DELIVER_GET);
    tell_counted(t, "deliver_no_ack", values[SAMPLE_DELIVER_NO_ACK], s, SAMPLE_DELIVER_NO_ACK);
    tell_counted(t, "redeliver", values[SAMPLE_REDELIVER], s, SAMPLE_REDELIVER);
    tell_end(t);
    tell_text(t, "consumer_tag", v->person.tag);
    if (end == DELIVERY_TO_CHANNEL)
        tell_channel_of(a, t, &v->person);
    else
        tell_thing(t, "queue", c->vhost, c->queue);
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
        tell_delivery(a, t, &c, DELIVERY_TO_CHANNEL);
    tell_end(t);
    tell_array(t, "incoming");
    for (size_t i = 0; i < count; i++) {
        const struct flow f = {{q->vhost, flows[i].exchange, q->name}, flows[i].count};

        tell_flow(a, t, "exchange", &f);
    }
    tell_end(t);
    mem_free(flows);
}

/* ---- exchanges ---- */

static void tell_publisher(struct api *a, struct tell *t, const struct doors_connection *c,
                           unsigned channel, struct flow *f)
{
    char name[300];

    (void)snprintf(name, sizeof(name), "%.*s (%u)", API_SHOW(c->name), channel);
    f->names[3] = bytes_text(name);
    tell_object(t, NULL);
    tell_published(a, t, f);
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
        struct flow f = {{x->vhost, x->name, bytes_text("publisher")},
                         d->published(d->owner, id, ch.number, x->name)};

        if (f.count > 0)
            tell_publisher(a, t, &c, ch.number, &f);
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
    for (size_t i = 0; i < count; i++) {
        const struct flow f = {{x->vhost, x->name, flows[i].queue}, flows[i].count};

        tell_flow(a, t, "queue", &f);
    }
    tell_end(t);
    mem_free(ids);
    mem_free(flows);
}

/* ---- channels ---- */

static void tell_publishes(struct api *a, struct tell *t, const struct doors_connection *c,
                           const struct doors_channel *ch)
{
    struct doors_flow *flows = NULL;
    size_t count = a->doors.publishes(a->doors.owner, c->id, ch->number, &flows);
    char name[300];

    (void)snprintf(name, sizeof(name), "%.*s (%u)", API_SHOW(c->name), ch->number);
    tell_array(t, "publishes");
    for (size_t i = 0; flows != NULL && i < count; i++) {
        const struct flow f = {
            {c->vhost, flows[i].exchange, bytes_text("publisher"), bytes_text(name)},
            flows[i].count};

        tell_flow(a, t, "exchange", &f);
    }
    tell_end(t);
    mem_free(flows);
}

void tell_channel_flows(struct api *a, struct tell *t, const struct doors_connection *c,
                        const struct doors_channel *ch)
{
    const struct consumer **consumers = NULL;
    size_t count = a->doors.consumers(a->doors.owner, c->id, ch->number, &consumers);
    struct look_consumer one;

    tell_array(t, "consumer_details");
    for (size_t i = 0; consumers != NULL && i < count; i++) {
        look_consumer_of(consumers[i], c->vhost, &one);
        tell_consumer(a, t, &one);
    }
    tell_end(t);
    tell_array(t, "deliveries");
    for (size_t i = 0; consumers != NULL && i < count; i++) {
        look_consumer_of(consumers[i], c->vhost, &one);
        tell_delivery(a, t, &one, DELIVERY_FROM_QUEUE);
    }
    tell_end(t);
    tell_publishes(a, t, c, ch);
    mem_free(consumers);
}
