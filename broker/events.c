/* Events with RabbitMQ's attributes. */
#include "broker/events.h"

#include "broker/announce.h"
#include "broker/parts.h"
#include "exchange/exchange.h"
#include "queue/look.h"
#include "queue/queue.h"

static void write_arguments(struct table_writer *w, struct table arguments)
{
    const struct field f = {.type = FIELD_TABLE, .bytes = arguments.bytes};

    table_writer_field(w, bytes_text("arguments"), &f);
}

void event_of_new_vhost(struct vhost *v)
{
    announcements_declare(v);
    event_tell(v->broker, "vhost.created", &(struct event_text){"name", v->name}, 1);
}

void event_of_old_vhost(const struct vhost *v)
{
    event_tell(v->broker, "vhost.deleted", &(struct event_text){"name", v->name}, 1);
}

void event_of_queue(const struct named_queue *q, const char *key)
{
    struct table_writer *w = q->is_hidden ? NULL : event_begin(q->vhost->broker, key);

    if (w == NULL)
        return;
    table_writer_text(w, "name", queue_name(q->queue));
    table_writer_text(w, "vhost", q->vhost->name);
    table_writer_text(w, "type", bytes_text(queue_type_module(queue_args(q->queue)->type)));
    table_writer_bool(w, "durable", queue_is_durable(q->queue));
    table_writer_bool(w, "auto_delete", queue_is_auto_delete(q->queue));
    table_writer_bool(w, "exclusive", q->owner != NULL);
    write_arguments(w, queue_arguments(q->queue));
    event_end(q->vhost->broker);
}

void event_of_exchange(const struct vhost *v, const struct exchange *x, const char *key)
{
    const struct exchange_spec spec = exchange_spec(x);
    struct table_writer *w = event_begin(v->broker, key);

    if (w == NULL)
        return;
    table_writer_text(w, "name", spec.name);
    table_writer_text(w, "vhost", v->name);
    table_writer_text(w, "type", spec.type);
    table_writer_bool(w, "durable", spec.is_durable);
    table_writer_bool(w, "auto_delete", spec.is_auto_delete);
    table_writer_bool(w, "internal", spec.is_internal);
    write_arguments(w, spec.arguments);
    event_end(v->broker);
}

void event_of_binding(const struct vhost *v, const struct binding *b, const char *key)
{
    const struct binding_spec spec = binding_spec(b);
    bool is_to_exchange = spec.destination.exchange != NULL;
    struct table_writer *w = event_begin(v->broker, key);

    if (w == NULL)
        return;
    table_writer_text(w, "source_name", exchange_spec(spec.source).name);
    table_writer_text(w, "source_kind", bytes_text("exchange"));
    table_writer_text(w, "destination_name", binding_destination_name(b));
    table_writer_text(w, "destination_kind", bytes_text(is_to_exchange ? "exchange" : "queue"));
    table_writer_text(w, "routing_key", spec.key);
    table_writer_text(w, "vhost", v->name);
    write_arguments(w, spec.arguments);
    event_end(v->broker);
}

void event_of_visit(const struct visit *v, const char *key)
{
    const struct event_text texts[] = {
        {"name", bytes_text(v->name == NULL ? "" : v->name)},
        {"vhost", v->vhost->name},
        {"user", v->user == NULL ? bytes_of(NULL, 0) : user_name(v->user)},
    };

    if (!v->is_brief)
        event_tell(v->broker, key, texts, ARRAY_SIZE(texts));
}

void event_of_consumer(const struct named_queue *q, const struct consumer *c, const char *key)
{
    struct table_writer *w = event_begin(q->vhost->broker, key);
    struct consumer_view view;

    if (w == NULL)
        return;
    consumer_get_view(c, &view);
    table_writer_text(w, "consumer_tag", view.person.tag);
    table_writer_text(w, "queue", queue_name(q->queue));
    table_writer_text(w, "vhost", q->vhost->name);
    table_writer_text(w, "connection", view.person.connection);
    table_writer_integer(w, "channel", FIELD_INT, view.person.channel);
    table_writer_bool(w, "exclusive", view.is_exclusive);
    table_writer_bool(w, "ack_required", !view.is_no_ack);
    table_writer_integer(w, "prefetch_count", FIELD_UNSIGNED_INT, view.prefetch);
    write_arguments(w, view.person.arguments);
    event_end(q->vhost->broker);
}
