/* Walks over objects. A step tells OBJECTS_PER_STEP of them. */
#include "http/metrics/objects.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "http/metrics/expose.h"
#include "http/metrics/figures.h"
#include "queue/group.h"
#include "queue/streams.h"

enum { OBJECTS_PER_STEP = 100 };

enum family_group {
    GROUP_QUEUE_COARSE = 1,
    GROUP_QUEUE = 2,
    GROUP_QUEUE_CONSUMERS = 4,
    GROUP_CONNECTION_COARSE = 8,
    GROUP_CONNECTION = 16,
    GROUP_CHANNEL = 32,
    GROUP_CHANNEL_MESSAGES = 64,
    GROUP_EXCHANGE = 128,
    GROUP_CONSUMER_GROUP = 256,
};

static const struct {
    const char *name;
    enum family_group group;
} groups[] = {
    {"queue_coarse_metrics", GROUP_QUEUE_COARSE},
    {"queue_metrics", GROUP_QUEUE},
    {"queue_delivery_metrics", GROUP_QUEUE},
    {"queue_consumer_count", GROUP_QUEUE_CONSUMERS},
    {"connection_coarse_metrics", GROUP_CONNECTION_COARSE},
    {"connection_metrics", GROUP_CONNECTION},
    {"channel_metrics", GROUP_CHANNEL},
    {"channel_exchange_metrics", GROUP_CHANNEL_MESSAGES},
    {"channel_process_metrics", GROUP_CHANNEL_MESSAGES},
    {"exchange_metrics", GROUP_EXCHANGE},
    {"consumer_group_metrics", GROUP_CONSUMER_GROUP},
};

unsigned objects_group(struct bytes name)
{
    for (size_t i = 0; i < ARRAY_SIZE(groups); i++)
        if (bytes_equal(name, bytes_text(groups[i].name)))
            return groups[i].group;
    return 0;
}

/* ---- families ---- */

enum object { OBJECT_QUEUE, OBJECT_GROUP, OBJECT_EXCHANGE, OBJECT_CONNECTION, OBJECT_CHANNEL };

/* A group of consumers, all its partitions together. */
struct group_sums {
    uint64_t members;
    uint64_t lag;
    uint64_t unacked;
};

struct family {
    const char *name;
    enum object object;
    enum family_group group;
    bool is_counter;
    bool is_short; /* the field is a uint32_t */
    size_t offset; /* of a uint64_t in what was looked at */
    size_t more;   /* of another one to be added; 0: none */
    const char *help;
};

#define QUEUE(field)      offsetof(struct look_queue, stats.field)
#define SUMS(field)       offsetof(struct group_sums, field)
#define EXCHANGE(field)   offsetof(struct look_exchange, field)
#define CONNECTION(field) offsetof(struct doors_connection, field)
#define CHANNEL(field)    offsetof(struct doors_channel, field)
#define MESSAGES(field)   offsetof(struct doors_channel, messages.field)

STATIC_ASSERT(sizeof(size_t) == sizeof(uint64_t), "memory of a queue is read as a number");

static const struct family families[] = {
    {"queue_messages_ready", OBJECT_QUEUE, GROUP_QUEUE_COARSE, false, false, QUEUE(ready), 0,
     "Messages ready to be delivered to consumers"},
    {"queue_messages_unacked", OBJECT_QUEUE, GROUP_QUEUE_COARSE, false, false, QUEUE(unacked), 0,
     "Messages delivered to consumers but not yet acknowledged"},
    {"queue_messages", OBJECT_QUEUE, GROUP_QUEUE_COARSE, false, false, QUEUE(ready), QUEUE(unacked),
     "Sum of ready and unacknowledged messages - total queue depth"},
    {"queue_consumers", OBJECT_QUEUE, GROUP_QUEUE_CONSUMERS, false, false, QUEUE(consumers), 0,
     "Consumers on a queue"},
    {"queue_messages_bytes", OBJECT_QUEUE, GROUP_QUEUE, false, false, QUEUE(ready_bytes),
     QUEUE(unacked_bytes), "Size in bytes of ready and unacknowledged messages"},
    {"queue_messages_ready_bytes", OBJECT_QUEUE, GROUP_QUEUE, false, false, QUEUE(ready_bytes), 0,
     "Size in bytes of ready messages"},
    {"queue_messages_unacked_bytes", OBJECT_QUEUE, GROUP_QUEUE, false, false, QUEUE(unacked_bytes),
     0, "Size in bytes of all unacknowledged messages"},
    {"queue_process_memory_bytes", OBJECT_QUEUE, GROUP_QUEUE, false, false, QUEUE(memory), 0,
     "Memory in bytes used by the queue"},
    {"queue_messages_published_total", OBJECT_QUEUE, GROUP_QUEUE, true, false, QUEUE(published), 0,
     "Total number of messages published to this queue"},
    {"queue_messages_delivered_ack_total", OBJECT_QUEUE, GROUP_QUEUE, true, false, QUEUE(delivered),
     0, "Total number of messages delivered to consumers in manual acks mode"},
    {"queue_messages_delivered_total", OBJECT_QUEUE, GROUP_QUEUE, true, false,
     QUEUE(delivered_no_ack), 0,
     "Total number of messages delivered to consumers in automatic acks mode"},
    {"queue_messages_redelivered_total", OBJECT_QUEUE, GROUP_QUEUE, true, false, QUEUE(redelivered),
     0, "Total number of messages redelivered to consumers"},
    {"queue_messages_acked_total", OBJECT_QUEUE, GROUP_QUEUE, true, false, QUEUE(acked), 0,
     "Total number of messages acknowledged by consumers"},
    {"group_members", OBJECT_GROUP, GROUP_CONSUMER_GROUP, false, false, SUMS(members), 0,
     "Consumers of a group"},
    {"group_lag", OBJECT_GROUP, GROUP_CONSUMER_GROUP, false, false, SUMS(lag), 0,
     "Messages of the stream that the group is not done with"},
    {"group_messages_unacked", OBJECT_GROUP, GROUP_CONSUMER_GROUP, false, false, SUMS(unacked), 0,
     "Of these, messages that are with its members"},
    {"exchange_messages_published_in_total", OBJECT_EXCHANGE, GROUP_EXCHANGE, true, false,
     EXCHANGE(published_in), 0, "Total number of messages that came to the exchange"},
    {"exchange_messages_published_out_total", OBJECT_EXCHANGE, GROUP_EXCHANGE, true, false,
     EXCHANGE(published_out), 0, "Total number of queues that got a message of the exchange"},
    {"connection_incoming_bytes_total", OBJECT_CONNECTION, GROUP_CONNECTION_COARSE, true, false,
     CONNECTION(received_bytes), 0, "Total number of bytes received on a connection"},
    {"connection_outgoing_bytes_total", OBJECT_CONNECTION, GROUP_CONNECTION_COARSE, true, false,
     CONNECTION(sent_bytes), 0, "Total number of bytes sent on a connection"},
    {"connection_incoming_packets_total", OBJECT_CONNECTION, GROUP_CONNECTION, true, false,
     CONNECTION(received_count), 0, "Total number of packets received on a connection"},
    {"connection_outgoing_packets_total", OBJECT_CONNECTION, GROUP_CONNECTION, true, false,
     CONNECTION(sent_count), 0, "Total number of packets sent on a connection"},
    {"connection_pending_bytes", OBJECT_CONNECTION, GROUP_CONNECTION, false, false,
     CONNECTION(waiting_bytes), 0, "Number of bytes waiting to be sent on a connection"},
    {"connection_channels", OBJECT_CONNECTION, GROUP_CONNECTION, false, true, CONNECTION(channels),
     0, "Channels on a connection"},
    {"channel_consumers", OBJECT_CHANNEL, GROUP_CHANNEL, false, true, CHANNEL(consumers), 0,
     "Consumers on a channel"},
    {"channel_messages_unacked", OBJECT_CHANNEL, GROUP_CHANNEL, false, false, CHANNEL(unacked), 0,
     "Delivered but not yet acknowledged messages"},
    {"channel_messages_unconfirmed", OBJECT_CHANNEL, GROUP_CHANNEL, false, false,
     CHANNEL(unconfirmed), 0, "Published but not yet confirmed messages"},
    {"channel_prefetch", OBJECT_CHANNEL, GROUP_CHANNEL, false, true, CHANNEL(prefetch), 0,
     "Limit of unacknowledged messages per consumer"},
    {"channel_messages_published_total", OBJECT_CHANNEL, GROUP_CHANNEL_MESSAGES, true, false,
     MESSAGES(publish), 0, "Total number of messages published into exchanges on a channel"},
    {"channel_messages_confirmed_total", OBJECT_CHANNEL, GROUP_CHANNEL_MESSAGES, true, false,
     MESSAGES(confirm), 0,
     "Total number of messages published into exchanges and confirmed on the channel"},
    {"channel_messages_delivered_ack_total", OBJECT_CHANNEL, GROUP_CHANNEL_MESSAGES, true, false,
     MESSAGES(deliver), 0, "Total number of messages delivered to consumers in manual acks mode"},
    {"channel_messages_acked_total", OBJECT_CHANNEL, GROUP_CHANNEL_MESSAGES, true, false,
     MESSAGES(ack), 0, "Total number of messages acknowledged by consumers"},
};

/* ---- walking ---- */

void objects_begin(struct objects *o, struct broker *b, const struct doors *doors)
{
    *o = (struct objects){
        .broker = b, .doors = doors, .own_prefix = "millrace_", .groups = OBJECTS_ALL};
}

static void end_walk(struct objects *o)
{
    look_close(&o->look);
    mem_free(o->connections);
    o->connections = NULL;
    o->connection_count = 0;
    o->connection = 0;
    o->is_begun = false;
}

void objects_end(struct objects *o)
{
    end_walk(o);
}

static void begin_walk(struct objects *o, enum object object)
{
    struct look_vhost vhost;

    o->is_begun = true;
    o->is_vhost_gone =
        o->vhost.size > 0 && !look_find_vhost(o->broker, o->vhost, &vhost); /* or never was */
    if (o->is_vhost_gone && object <= OBJECT_EXCHANGE)
        return;
    if (object == OBJECT_QUEUE || object == OBJECT_GROUP)
        look_open(&o->look, o->broker, LOOK_QUEUES, o->vhost);
    else if (object == OBJECT_EXCHANGE)
        look_open(&o->look, o->broker, LOOK_EXCHANGES, o->vhost);
    else if (o->doors->connections != NULL)
        o->connection_count = o->doors->connections(o->doors->owner, &o->connections);
}

/* The next connection that is still there. */
static bool next_connection(struct objects *o, struct doors_connection *out)
{
    while (o->connection < o->connection_count)
        if (o->doors->connection(o->doors->owner, o->connections[o->connection++], out))
            return true;
    return false;
}

/* ---- telling ---- */

static uint64_t value_of(const struct family *f, const void *object)
{
    uint64_t value = 0;
    uint64_t more = 0;
    uint32_t narrow = 0;

    if (f->is_short) {
        memcpy(&narrow, (const char *)object + f->offset, sizeof(narrow));
        return narrow;
    }
    memcpy(&value, (const char *)object + f->offset, sizeof(value));
    if (f->more > 0)
        memcpy(&more, (const char *)object + f->more, sizeof(more));
    return value + more;
}

static bool tell_queue(struct objects *o, const struct family *f, struct expose *e)
{
    struct look_queue q;

    if (o->is_vhost_gone || !look_queue(&o->look, &q))
        return false;
    expose_begin(e, f->name, NULL);
    expose_label(e, "vhost", q.vhost);
    expose_label(e, "queue", q.name);
    expose_end(e, value_of(f, &q));
    return true;
}

static void add_up(const struct group *g, struct group_sums *out)
{
    *out = (struct group_sums){.members = group_member_count(g)};
    for (size_t i = 0; i < group_share_count(g); i++) {
        struct group_share s;

        group_get_share(g, i, &s);
        out->lag += s.lag;
        out->unacked += s.unacked;
    }
}

static bool tell_groups(struct objects *o, const struct family *f, struct expose *e)
{
    struct look_queue q;
    struct group *g = NULL;
    struct group_sums sums;

    if (o->is_vhost_gone || !look_queue(&o->look, &q))
        return false;
    while (queue_is_stream(q.queue) && (g = queue_groups_next(q.queue, g)) != NULL) {
        add_up(g, &sums);
        expose_begin(e, f->name, NULL);
        expose_label(e, "vhost", q.vhost);
        expose_label(e, "stream", q.name);
        expose_label(e, "group", group_name(g));
        expose_end(e, value_of(f, &sums));
    }
    return true;
}

static bool tell_exchange(struct objects *o, const struct family *f, struct expose *e)
{
    struct look_exchange x;

    if (o->is_vhost_gone || !look_exchange(&o->look, &x))
        return false;
    expose_begin(e, f->name, NULL);
    expose_label(e, "vhost", x.vhost);
    expose_label(e, "exchange", x.name);
    expose_end(e, value_of(f, &x));
    return true;
}

static bool tell_connection(struct objects *o, const struct family *f, struct expose *e)
{
    struct doors_connection c;

    if (!next_connection(o, &c))
        return false;
    expose_begin(e, f->name, NULL);
    expose_label(e, "connection", c.name);
    expose_end(e, value_of(f, &c));
    return true;
}

static bool tell_channels(struct objects *o, const struct family *f, struct expose *e)
{
    struct doors_connection c;
    struct doors_channel ch;
    char name[16];

    if (!next_connection(o, &c))
        return false;
    for (unsigned n = 0; o->doors->channel(o->doors->owner, c.id, n, &ch); n = ch.number) {
        (void)snprintf(name, sizeof(name), "%u", (unsigned)ch.number);
        expose_begin(e, f->name, NULL);
        expose_label(e, "connection", c.name);
        expose_label(e, "channel", bytes_text(name));
        expose_end(e, value_of(f, &ch));
    }
    return true;
}

/* False: the family has no more. */
static bool tell_one(struct objects *o, const struct family *f, struct expose *e)
{
    switch (f->object) {
    case OBJECT_QUEUE:
        return tell_queue(o, f, e);
    case OBJECT_GROUP:
        return tell_groups(o, f, e);
    case OBJECT_EXCHANGE:
        return tell_exchange(o, f, e);
    case OBJECT_CONNECTION:
        return tell_connection(o, f, e);
    case OBJECT_CHANNEL:
        return tell_channels(o, f, e);
    }
    return false;
}

bool objects_tell(struct objects *o, struct expose *e)
{
    const struct family *f = &families[o->family];

    if (o->family == ARRAY_SIZE(families))
        return false;
    if (f->object == OBJECT_GROUP)
        e->prefix = o->own_prefix;
    if ((f->group & o->groups) == 0) {
        o->family++;
        return true;
    }
    if (!o->is_begun) {
        begin_walk(o, f->object);
        expose_family(e, f->name, f->is_counter ? "counter" : "gauge", f->help);
    }
    for (int i = 0; i < OBJECTS_PER_STEP; i++) {
        if (!tell_one(o, f, e)) {
            end_walk(o);
            o->family++;
            break;
        }
    }
    return true;
}

/* ---- adding up ---- */

static bool add_queue(struct objects *o, struct figures *f)
{
    struct look_queue q;

    if (!look_queue(&o->look, &q))
        return false;
    f->ready += q.stats.ready;
    f->unacked += q.stats.unacked;
    f->ready_bytes += q.stats.ready_bytes;
    f->unacked_bytes += q.stats.unacked_bytes;
    f->index_bytes[q.args->type] += q.stats.memory;
    return true;
}

static bool add_channels(struct objects *o, struct figures *f)
{
    struct doors_connection c;
    struct doors_channel ch;

    if (!next_connection(o, &c))
        return false;
    f->output_bytes += c.waiting_bytes;
    for (unsigned n = 0; o->doors->channel(o->doors->owner, c.id, n, &ch); n = ch.number)
        f->publishers += ch.messages.publish > 0;
    return true;
}

bool objects_sum(struct objects *o, struct figures *f)
{
    bool is_of_queues = o->family == 0; /* a walk over queues, then one over connections */

    if (!o->is_begun)
        begin_walk(o, is_of_queues ? OBJECT_QUEUE : OBJECT_CONNECTION);
    for (int i = 0; i < OBJECTS_PER_STEP; i++) {
        if (is_of_queues ? add_queue(o, f) : add_channels(o, f))
            continue;
        end_walk(o);
        o->family++;
        break;
    }
    return o->family < 2;
}
