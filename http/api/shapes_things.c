/* The objects of lists: queues, exchanges, virtual hosts, users, clients. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "auth/auth.h"
#include "base/parse.h"
#include "broker/admin.h"
#include "http/api/shapes.h"

/* ---- queues ---- */

static const char *type_of(const struct look_queue *q)
{
    switch (q->args->type) {
    case QUEUE_CLASSIC:
        return "classic";
    case QUEUE_QUORUM:
        return "quorum";
    case QUEUE_STREAM:
        return "stream";
    }
    return "classic";
}

/* There is one, here. */
static void tell_replicas(const struct api *a, struct tell *t)
{
    tell_string(t, "leader", a->node);
    tell_array(t, "members");
    tell_string(t, NULL, a->node);
    tell_end(t);
    tell_array(t, "online");
    tell_string(t, NULL, a->node);
    tell_end(t);
}

/* "10.0.0.1:4711" of "10.0.0.1:4711 -> 10.0.0.2:5672". */
static struct bytes peer_of(struct bytes connection)
{
    size_t size = 0;

    while (size < connection.size && connection.data[size] != ' ')
        size++;
    return bytes_of(connection.data, size);
}

static void tell_owner(struct tell *t, struct bytes connection)
{
    tell_object(t, "owner_pid_details");
    tell_text(t, "name", connection);
    tell_address(t, peer_of(connection), "peer_host", "peer_port");
    tell_end(t);
}

static void tell_queue_terms(const struct api *a, struct tell *t, const struct look_queue *q)
{
    tell_table(t, "arguments", q->arguments);
    tell_bool(t, "auto_delete", q->is_auto_delete);
    tell_bool(t, "durable", q->is_durable);
    tell_bool(t, "exclusive", q->is_exclusive);
    tell_text(t, "name", q->name);
    tell_string(t, "node", a->node);
    tell_string(t, "state", "running");
    tell_string(t, "type", type_of(q));
    tell_text(t, "vhost", q->vhost);
    if (q->args->type != QUEUE_CLASSIC)
        tell_replicas(a, t);
    if (q->owner != NULL)
        tell_owner(t, bytes_text(q->owner));
}

static void tell_queue_messages(struct tell *t, const struct queue_stats *st, struct sample *s)
{
    tell_queue_length(t, "messages", st->ready + st->unacked, s, SAMPLE_MESSAGES);
    tell_queue_length(t, "messages_ready", st->ready, s, SAMPLE_READY);
    tell_queue_length(t, "messages_unacknowledged", st->unacked, s, SAMPLE_UNACKED);
}

static void tell_queue_stats(struct tell *t, const struct look_queue *q, struct sample *s)
{
    const struct queue_stats *st = &q->stats;

    tell_object(t, "message_stats");
    tell_counted(t, "ack", st->acked, s, SAMPLE_ACK);
    tell_counted(t, "deliver", st->delivered, s, SAMPLE_DELIVER);
    tell_counted(t, "deliver_get", st->delivered + st->delivered_no_ack + st->got, s,
                 SAMPLE_DELIVER_GET);
    tell_counted(t, "deliver_no_ack", st->delivered_no_ack, s, SAMPLE_DELIVER_NO_ACK);
    tell_counted(t, "get", st->got - st->got_no_ack, s, SAMPLE_GET);
    tell_counted(t, "get_empty", queue_get_tally(q->queue)->got_nothing, s, SAMPLE_QUEUE_GET_EMPTY);
    tell_counted(t, "get_no_ack", st->got_no_ack, s, SAMPLE_GET_NO_ACK);
    tell_counted(t, "publish", st->published, s, SAMPLE_PUBLISH);
    tell_counted(t, "redeliver", st->redelivered, s, SAMPLE_REDELIVER);
    tell_end(t);
}

static void tell_policies(struct tell *t, const struct look_policies *p)
{
    tell_table(t, "effective_policy_definition", p->definition);
    tell_text_or_null(t, "operator_policy", p->operator_name);
    tell_text_or_null(t, "policy", p->name);
}

/* What a walk over the consumers tells: whether all could take more, and who is the only one. */
static void tell_queue_readers(struct tell *t, const struct look_queue *q)
{
    struct look_consumer c;
    struct consumer *at = NULL;
    bool is_exclusive = false;
    size_t count = 0;
    size_t free_count = 0;
    struct bytes exclusive = {0};
    struct bytes active = {0};

    while ((at = look_consumer(q, at, &c)) != NULL) {
        count++;
        free_count += !c.view.is_waiting;
        if (c.view.is_exclusive) {
            is_exclusive = true;
            exclusive = c.view.person.tag;
        }
        if (c.view.is_active)
            active = c.view.person.tag;
    }
    tell_real(t, "consumer_capacity", count == 0 ? 0 : (double)free_count / (double)count);
    tell_real(t, "consumer_utilisation", count == 0 ? 0 : (double)free_count / (double)count);
    tell_text_or_null(t, "exclusive_consumer_tag", is_exclusive ? exclusive : bytes_of(NULL, 0));
    tell_text_or_null(t, "single_active_consumer_tag",
                      q->args->is_single_active ? active : bytes_of(NULL, 0));
}

void tell_queue_briefly(struct api *a, struct tell *t, const struct look_queue *q, bool has_totals)
{
    tell_queue_terms(a, t, q);
    tell_text_or_null(t, "policy", q->policies.name);
    if (has_totals)
        tell_queue_messages(t, &q->stats, samples_queue(a->samples, q->id));
}

void tell_queue(struct api *a, struct tell *t, const struct look_queue *q)
{
    const struct queue_stats *st = &q->stats;
    struct sample *s = samples_queue(a->samples, q->id);

    if (a->options->disables_stats) {
        tell_queue_briefly(a, t, q, a->options->has_queue_totals);
        return;
    }
    tell_queue_terms(a, t, q);
    tell_queue_messages(t, st, s);
    tell_idle(t, s);
    tell_uint(t, "consumers", st->consumers);
    tell_queue_readers(t, q);
    tell_policies(t, &q->policies);
    if (st->head_time_ms > 0)
        tell_int(t, "head_message_timestamp", st->head_time_ms / 1000);
    else
        tell_null(t, "head_message_timestamp");
    tell_uint(t, "memory", st->memory);
    tell_uint(t, "message_bytes", st->ready_bytes + st->unacked_bytes);
    tell_uint(t, "message_bytes_ready", st->ready_bytes);
    tell_uint(t, "message_bytes_unacknowledged", st->unacked_bytes);
    tell_queue_stats(t, q, s);
    tell_uint(t, "partition", q->partition);
}

void tell_channel_of(struct api *a, struct tell *t, const struct consumer_person *p)
{
    char channel[300];

    (void)snprintf(channel, sizeof(channel), "%.*s (%" PRIu32 ")", API_SHOW(p->connection),
                   p->channel);
    tell_object(t, "channel_details");
    tell_text(t, "connection_name", p->connection);
    tell_string(t, "name", channel);
    tell_string(t, "node", a->node);
    tell_uint(t, "number", p->channel);
    tell_address(t, peer_of(p->connection), "peer_host", "peer_port");
    tell_text(t, "user", p->user);
    tell_end(t);
}

static const char *activity_of(const struct look_consumer *c)
{
    if (!c->view.is_active)
        return "waiting";
    return c->is_single ? "single_active" : "up";
}

void tell_consumer(struct api *a, struct tell *t, const struct look_consumer *c)
{
    const struct consumer_view *v = &c->view;

    tell_object(t, NULL);
    tell_table(t, "arguments", v->person.arguments);
    tell_bool(t, "ack_required", !v->is_no_ack);
    tell_bool(t, "active", v->is_active);
    tell_string(t, "activity_status", activity_of(c));
    tell_channel_of(a, t, &v->person);
    tell_text(t, "consumer_tag", v->person.tag);
    tell_uint(t, "consumer_timeout", v->timeout_ms);
    tell_bool(t, "exclusive", v->is_exclusive);
    tell_uint(t, "prefetch_count", v->prefetch);
    tell_object(t, "queue");
    tell_text(t, "name", c->queue);
    tell_text(t, "vhost", c->vhost);
    tell_end(t);
    tell_end(t);
}

/* ---- exchanges ---- */

void tell_exchange(struct api *a, struct tell *t, const struct look_exchange *x)
{
    struct sample *s = samples_exchange(a->samples, x->vhost, x->name);

    tell_table(t, "arguments", x->arguments);
    tell_bool(t, "auto_delete", x->is_auto_delete);
    tell_bool(t, "durable", x->is_durable);
    tell_bool(t, "internal", x->is_internal);
    if (x->is_delayed)
        tell_uint(t, "messages_delayed", x->waiting);
    tell_text(t, "name", x->name);
    tell_text(t, "type", x->type);
    tell_string(t, "user_who_performed_action", "rmq-internal");
    tell_text(t, "vhost", x->vhost);
    tell_text_or_null(t, "policy", x->policies.name);
    if (a->options->disables_stats || x->published_in + x->published_out == 0)
        return;
    tell_object(t, "message_stats");
    tell_counted(t, "publish_in", x->published_in, s, SAMPLE_IN);
    tell_counted(t, "publish_out", x->published_out, s, SAMPLE_OUT);
    tell_end(t);
}

/* ---- messages of channels and virtual hosts ---- */

static void tell_channel_stats(struct tell *t, const struct doors_messages *m, struct sample *s)
{
    tell_object(t, "message_stats");
    tell_counted(t, "ack", m->ack, s, SAMPLE_ACK);
    tell_counted(t, "confirm", m->confirm, s, SAMPLE_CONFIRM);
    tell_counted(t, "deliver", m->deliver, s, SAMPLE_DELIVER);
    tell_counted(t, "deliver_get", m->deliver + m->deliver_no_ack + m->get + m->get_no_ack, s,
                 SAMPLE_DELIVER_GET);
    tell_counted(t, "deliver_no_ack", m->deliver_no_ack, s, SAMPLE_DELIVER_NO_ACK);
    tell_counted(t, "drop_unroutable", m->drop_unroutable, s, SAMPLE_DROP);
    tell_counted(t, "get", m->get, s, SAMPLE_GET);
    tell_counted(t, "get_empty", m->get_empty, s, SAMPLE_GET_EMPTY);
    tell_counted(t, "get_no_ack", m->get_no_ack, s, SAMPLE_GET_NO_ACK);
    tell_counted(t, "publish", m->publish, s, SAMPLE_PUBLISH);
    tell_counted(t, "redeliver", m->redeliver, s, SAMPLE_REDELIVER);
    tell_counted(t, "return_unroutable", m->return_unroutable, s, SAMPLE_RETURN);
    tell_end(t);
}

/* ---- virtual hosts and users ---- */

static void tell_vhost_metadata(struct tell *t, const struct look_vhost *v)
{
    struct bytes type =
        v->default_queue_type.size == 0 ? bytes_text("undefined") : v->default_queue_type;

    tell_text(t, "name", v->name);
    tell_text(t, "description", v->description);
    tell_words(t, "tags", v->tags);
    tell_text(t, "default_queue_type", type);
    tell_bool(t, "protected_from_deletion", v->is_protected);
    tell_object(t, "metadata");
    tell_text(t, "description", v->description);
    tell_words(t, "tags", v->tags);
    tell_text(t, "default_queue_type", type);
    tell_end(t);
    tell_bool(t, "tracing", v->is_tracing);
}

static void tell_vhost_stats(struct tell *t, const struct look_vhost *v, struct sample *s)
{
    const struct vhost_counts *n = &v->counts;
    const struct queues_tally *q = &v->tally;
    const struct doors_messages m = {
        .publish = n->received,
        .confirm = n->confirmed,
        .return_unroutable = n->unroutable_returned,
        .drop_unroutable = n->unroutable_dropped,
        .deliver = q->delivered,
        .deliver_no_ack = q->delivered_no_ack,
        .get = q->got - q->got_no_ack,
        .get_no_ack = q->got_no_ack,
        .get_empty = q->got_nothing,
        .ack = q->acked,
        .redeliver = q->redelivered,
    };

    tell_channel_stats(t, &m, s);
}

void tell_vhost(struct api *a, struct tell *t, const struct look_vhost *v)
{
    struct sample *s = samples_vhost(a->samples, v->name);

    tell_vhost_metadata(t, v);
    tell_object(t, "cluster_state");
    tell_string(t, a->node, "running");
    tell_end(t);
    if (a->options->disables_stats && !a->options->has_queue_totals)
        return;
    tell_length(t, "messages", v->ready + v->unacked, s, SAMPLE_VHOST_MESSAGES);
    tell_length(t, "messages_ready", v->ready, s, SAMPLE_VHOST_READY);
    tell_length(t, "messages_unacknowledged", v->unacked, s, SAMPLE_VHOST_UNACKED);
    if (a->options->disables_stats)
        return;
    tell_bytes(t, "recv_oct", v->counts.received_bytes, s, SAMPLE_VHOST_RECEIVED);
    tell_bytes(t, "send_oct", v->counts.sent_bytes, s, SAMPLE_VHOST_SENT);
    tell_vhost_stats(t, v, s);
}

void tell_user(struct tell *t, const struct look_user *u)
{
    tell_text(t, "name", u->spec.name);
    tell_text(t, "password_hash", u->spec.password_hash);
    tell_string(t, "hashing_algorithm", admin_hashing_name(u->spec.hashing));
    tell_array(t, "tags");
    for (size_t i = 0; i < u->spec.tag_count; i++)
        tell_text(t, NULL, u->spec.tags[i]);
    tell_end(t);
    tell_object(t, "limits");
    if (u->connections_max != LOOK_UNSET)
        tell_int(t, "max-connections", u->connections_max);
    if (u->channels_max != LOOK_UNSET)
        tell_int(t, "max-channels", u->channels_max);
    tell_end(t);
}

void tell_permission(struct tell *t, const struct look_permission *p)
{
    tell_text(t, "user", p->user);
    tell_text(t, "vhost", p->vhost);
    tell_text(t, "configure", p->permission.configure);
    tell_text(t, "write", p->permission.write);
    tell_text(t, "read", p->permission.read);
}

void tell_topic_permission(struct tell *t, const struct look_topic_permission *p)
{
    tell_text(t, "user", p->user);
    tell_text(t, "vhost", p->permission.vhost);
    tell_text(t, "exchange", p->permission.exchange);
    tell_text(t, "write", p->permission.write);
    tell_text(t, "read", p->permission.read);
}

/* ---- connections and channels ---- */

void tell_address(struct tell *t, struct bytes address, const char *host_name,
                  const char *port_name)
{
    size_t size = address.size;
    uint64_t port = 0;

    while (size > 0 && address.data[size - 1] != ':')
        size--;
    struct bytes digits = bytes_of(address.data + size, address.size - size);
    struct bytes host = bytes_of(address.data, size > 0 ? size - 1 : 0);
    if (host.size > 1 && host.data[0] == '[')
        host = bytes_of(host.data + 1, host.size - 2);
    if (parse_u64(digits, 0, UINT16_MAX, &port) != 0)
        port = 0;
    tell_text(t, host_name, host);
    tell_uint(t, port_name, port);
}

static void tell_tls(struct tell *t, const struct doors_tls *tls)
{
    tell_text_or_null(t, "ssl_protocol", tls->protocol);
    tell_text_or_null(t, "ssl_key_exchange", tls->key_exchange);
    tell_text_or_null(t, "ssl_cipher", tls->cipher);
    tell_text_or_null(t, "ssl_hash", tls->hash);
    tell_text_or_null(t, "peer_cert_subject", tls->subject);
    tell_text_or_null(t, "peer_cert_issuer", tls->issuer);
    tell_text_or_null(t, "peer_cert_validity", tls->validity);
}

void tell_connection(struct api *a, struct tell *t, const struct doors_connection *c)
{
    struct doors_tls tls = {0};
    struct sample *s = samples_connection(a->samples, c->id);
    struct field name;
    struct bytes given = {0};

    if (table_find(c->client_properties, bytes_text("connection_name"), &name))
        (void)field_as_text(&name, &given);
    if (c->is_secure && !a->doors.tls(a->doors.owner, c->id, &tls))
        tls = (struct doors_tls){0};
    tell_string(t, "auth_mechanism", c->mechanism);
    tell_uint(t, "channel_max", c->channel_max);
    tell_uint(t, "channels", c->channels);
    tell_table(t, "client_properties", c->client_properties);
    tell_int(t, "connected_at", c->connected_ms);
    tell_uint(t, "frame_max", c->frame_max);
    tell_text(t, "name", c->name);
    tell_string(t, "node", a->node);
    tell_address(t, c->peer, "peer_host", "peer_port");
    tell_address(t, c->local, "host", "port");
    tell_string(t, "protocol", "AMQP 0-9-1");
    tell_uint(t, "recv_cnt", c->received_count);
    tell_bytes(t, "recv_oct", c->received_bytes, s, SAMPLE_RECEIVED);
    tell_uint(t, "send_cnt", c->sent_count);
    tell_bytes(t, "send_oct", c->sent_bytes, s, SAMPLE_SENT);
    tell_uint(t, "send_pend", c->waiting_bytes);
    tell_bool(t, "ssl", c->is_secure);
    tell_tls(t, &tls);
    tell_string(t, "state", c->state);
    tell_uint(t, "timeout", c->heartbeat_s);
    tell_string(t, "type", "network");
    tell_text(t, "user", c->user);
    if (given.size > 0)
        tell_text(t, "user_provided_name", given);
    tell_text(t, "user_who_performed_action", c->user);
    tell_text(t, "vhost", c->vhost);
}

void tell_channel(struct api *a, struct tell *t, const struct doors_connection *c,
                  const struct doors_channel *ch)
{
    struct sample *s = samples_channel(a->samples, c->id, ch->number);
    char name[300];

    (void)snprintf(name, sizeof(name), "%.*s (%u)", API_SHOW(c->name), ch->number);
    tell_uint(t, "acks_uncommitted", ch->acks_uncommitted);
    tell_bool(t, "confirm", ch->confirms);
    tell_object(t, "connection_details");
    tell_text(t, "name", c->name);
    tell_address(t, c->peer, "peer_host", "peer_port");
    tell_end(t);
    tell_uint(t, "consumer_count", ch->consumers);
    tell_uint(t, "global_prefetch_count", ch->global_prefetch);
    tell_uint(t, "messages_unacknowledged", ch->unacked);
    tell_uint(t, "messages_uncommitted", ch->uncommitted);
    tell_uint(t, "messages_unconfirmed", ch->unconfirmed);
    tell_string(t, "name", name);
    tell_string(t, "node", a->node);
    tell_uint(t, "number", ch->number);
    tell_uint(t, "prefetch_count", ch->prefetch);
    tell_string(t, "state", ch->is_held ? "flow" : "running");
    tell_bool(t, "transactional", ch->is_transactional);
    tell_text(t, "user", c->user);
    tell_text(t, "user_who_performed_action", c->user);
    tell_text(t, "vhost", c->vhost);
    tell_idle(t, s);
    tell_channel_stats(t, &ch->messages, s);
}
