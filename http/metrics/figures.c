/* The numbers of the node under RabbitMQ's names. */
#include "http/metrics/figures.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "http/metrics/expose.h"
#include "queue/queue.h"

void figures_finish(struct figures *f)
{
    f->messages = f->ready + f->unacked;
    f->memory_alarm = f->stats.is_memory_short;
    f->disk_alarm = f->stats.is_disk_short;
    for (size_t i = 0; i < QUEUE_TYPES; i++) {
        const struct queues_tally *t = &f->counters.by_type[i];

        f->types[i] = (struct figures_of_type){
            .tally = *t,
            .delivered = t->delivered + t->delivered_no_ack + t->got,
            .got_with_ack = t->got - t->got_no_ack,
        };
    }
}

enum row_kind { ROW_GAUGE, ROW_COUNTER, ROW_QUEUES /* a gauge that is a sum over queues */ };

struct row {
    const char *name;
    size_t offset; /* of a uint64_t in struct figures */
    enum row_kind kind;
    const char *labels;
    const char *help;
};

#define AT(field)      offsetof(struct figures, field)
#define COUNTED(field) offsetof(struct figures, counters.field)
#define AMQP           "protocol=\"amqp091\""
#define OF_DEAD_SAFELY "queue_type=\"rabbit_quorum_queue\",dead_letter_strategy=\"at_least_once\""

static const struct row rows[] = {
    {"connections", AT(doors.connections), ROW_GAUGE, NULL, "Connections currently open"},
    {"channels", AT(doors.channels), ROW_GAUGE, NULL, "Channels currently open"},
    {"queues", AT(stats.queues), ROW_GAUGE, NULL, "Queues available"},
    {"consumers", AT(stats.consumers), ROW_GAUGE, NULL, "Consumers currently connected"},
    {"connections_opened_total", COUNTED(visits_begun), ROW_COUNTER, NULL,
     "Total number of connections opened"},
    {"connections_closed_total", COUNTED(visits_ended), ROW_COUNTER, NULL,
     "Total number of connections closed or terminated"},
    {"channels_opened_total", COUNTED(channels_opened), ROW_COUNTER, NULL,
     "Total number of channels opened"},
    {"channels_closed_total", COUNTED(channels_closed), ROW_COUNTER, NULL,
     "Total number of channels closed"},
    {"queues_declared_total", COUNTED(queues_declared), ROW_COUNTER, NULL,
     "Total number of queues declared"},
    {"queues_created_total", COUNTED(queues_created), ROW_COUNTER, NULL,
     "Total number of queues created"},
    {"queues_deleted_total", COUNTED(queues_deleted), ROW_COUNTER, NULL,
     "Total number of queues deleted"},
    {"queue_messages_ready", AT(ready), ROW_QUEUES, NULL,
     "Messages ready to be delivered to consumers"},
    {"queue_messages_unacked", AT(unacked), ROW_QUEUES, NULL,
     "Messages delivered to consumers but not yet acknowledged"},
    {"queue_messages", AT(messages), ROW_QUEUES, NULL,
     "Sum of ready and unacknowledged messages - total queue depth"},
    {"queue_messages_ready_bytes", AT(ready_bytes), ROW_QUEUES, NULL,
     "Size in bytes of ready messages"},
    {"queue_messages_unacked_bytes", AT(unacked_bytes), ROW_QUEUES, NULL,
     "Size in bytes of all unacknowledged messages"},
    {"process_open_fds", AT(process.open_fds), ROW_GAUGE, NULL, "Open file descriptors"},
    {"process_max_fds", AT(process.fds_max), ROW_GAUGE, NULL, "Open file descriptors limit"},
    {"process_resident_memory_bytes", AT(process.resident_bytes), ROW_GAUGE, NULL,
     "Memory used in bytes"},
    {"resident_memory_limit_bytes", AT(memory_max_bytes), ROW_GAUGE, NULL,
     "Memory high watermark in bytes"},
    {"disk_space_available_bytes", AT(stats.disk_free_bytes), ROW_GAUGE, NULL,
     "Disk space available in bytes"},
    {"disk_space_available_limit_bytes", AT(disk_min_bytes), ROW_GAUGE, NULL,
     "Free disk space low watermark in bytes"},
    {"erlang_uptime_seconds", AT(uptime_s), ROW_GAUGE, NULL, "Node uptime"},
    {"alarms_memory_used_watermark", AT(memory_alarm), ROW_GAUGE, NULL,
     "is 1 if VM memory watermark alarm is in effect"},
    {"alarms_free_disk_space_watermark", AT(disk_alarm), ROW_GAUGE, NULL,
     "is 1 if free disk space watermark alarm is in effect"},
    {"alarms_file_descriptor_limit", AT(none), ROW_GAUGE, NULL,
     "is 1 if file descriptor limit alarm is in effect"},
    {"auth_attempts_succeeded_total", COUNTED(logins_succeeded), ROW_COUNTER, AMQP,
     "Total number of successful authentication attempts"},
    {"auth_attempts_failed_total", COUNTED(logins_failed), ROW_COUNTER, AMQP,
     "Total number of failed authentication attempts"},
    {"global_publishers", AT(publishers), ROW_GAUGE, AMQP, "Publishers currently connected"},
    {"global_consumers", AT(stats.consumers), ROW_GAUGE, AMQP, "Consumers currently connected"},
    {"global_messages_received_total", COUNTED(received), ROW_COUNTER, AMQP,
     "Total number of messages received from publishers"},
    {"global_messages_received_confirm_total", COUNTED(received_confirm), ROW_COUNTER, AMQP,
     "Total number of messages received from publishers expecting confirmations"},
    {"global_messages_routed_total", COUNTED(routed), ROW_COUNTER, AMQP,
     "Total number of messages routed to queues or streams"},
    {"global_messages_confirmed_total", COUNTED(confirmed), ROW_COUNTER, AMQP,
     "Total number of messages confirmed to publishers"},
    {"global_messages_unroutable_dropped_total", COUNTED(unroutable_dropped), ROW_COUNTER, AMQP,
     "Total number of messages published as non-mandatory into an exchange and dropped as "
     "unroutable"},
    {"global_messages_unroutable_returned_total", COUNTED(unroutable_returned), ROW_COUNTER, AMQP,
     "Total number of messages published as mandatory into an exchange and returned to the "
     "publisher as unroutable"},
    {"global_messages_dead_lettered_confirmed_total", AT(none), ROW_COUNTER, OF_DEAD_SAFELY,
     "Total number of messages dead-lettered and confirmed by target queues"},
};

static void tell_row(const struct figures *f, struct expose *e, const struct row *r)
{
    uint64_t value = 0;

    memcpy(&value, (const char *)f + r->offset, sizeof(value));
    expose_family(e, r->name, r->kind == ROW_COUNTER ? "counter" : "gauge", r->help);
    expose_begin(e, r->name, r->labels);
    expose_end(e, value);
}

/* ---- by type of queue ---- */

struct typed_row {
    const char *name;
    size_t offset; /* of a uint64_t in struct figures_of_type */
    const char *help;
};

#define TYPED(field) offsetof(struct figures_of_type, field)
#define DEAD(death)  TYPED(tally.dead) + (death) * sizeof(uint64_t)

static const struct typed_row typed_rows[] = {
    {"global_messages_delivered_total", TYPED(delivered),
     "Total number of messages delivered to consumers"},
    {"global_messages_delivered_consume_auto_ack_total", TYPED(tally.delivered_no_ack),
     "Total number of messages delivered to consumers using basic.consume with automatic "
     "acknowledgment"},
    {"global_messages_delivered_consume_manual_ack_total", TYPED(tally.delivered),
     "Total number of messages delivered to consumers using basic.consume with manual "
     "acknowledgment"},
    {"global_messages_delivered_get_auto_ack_total", TYPED(tally.got_no_ack),
     "Total number of messages delivered to consumers using basic.get with automatic "
     "acknowledgment"},
    {"global_messages_delivered_get_manual_ack_total", TYPED(got_with_ack),
     "Total number of messages delivered to consumers using basic.get with manual "
     "acknowledgment"},
    {"global_messages_get_empty_total", TYPED(tally.got_nothing),
     "Total number of times basic.get operations fetched no message"},
    {"global_messages_redelivered_total", TYPED(tally.redelivered),
     "Total number of messages redelivered to consumers"},
    {"global_messages_acknowledged_total", TYPED(tally.acked),
     "Total number of message acknowledgements received from consumers"},
};

/* Nothing in a stream dies so. */
static const struct typed_row dead_rows[] = {
    {"global_messages_dead_lettered_expired_total", DEAD(DEATH_EXPIRED),
     "Total number of messages dead-lettered due to message TTL exceeded"},
    {"global_messages_dead_lettered_maxlen_total", DEAD(DEATH_MAXLEN),
     "Total number of messages dead-lettered due to overflow drop-head or reject-publish-dlx"},
    {"global_messages_dead_lettered_rejected_total", DEAD(DEATH_REJECTED),
     "Total number of messages dead-lettered due to basic.reject or basic.nack"},
    {"global_messages_dead_lettered_delivery_limit_total", DEAD(DEATH_DELIVERY_LIMIT),
     "Total number of messages dead-lettered due to delivery-limit exceeded"},
};

static void tell_typed(const struct figures *f, struct expose *e, const struct typed_row *r,
                       bool is_dead)
{
    char labels[96];
    uint64_t value = 0;

    expose_family(e, r->name, "counter", r->help);
    for (size_t i = 0; i < QUEUE_TYPES; i++) {
        const char *module = queue_type_module((enum queue_type)i);

        if (is_dead && i == QUEUE_STREAM)
            continue;
        (void)snprintf(labels, sizeof(labels),
                       is_dead ? "queue_type=\"%s\",dead_letter_strategy=\"at_most_once\""
                               : "protocol=\"amqp091\",queue_type=\"%s\"",
                       module);
        memcpy(&value, (const char *)&f->types[i] + r->offset, sizeof(value));
        expose_begin(e, r->name, labels);
        expose_end(e, value);
    }
}

static void tell_sizes(const struct broker_counters *c, struct expose *e)
{
    uint64_t count = 0;

    expose_family(e, "message_size_bytes", "histogram",
                  "Size of messages received from publishers");
    for (size_t i = 0; i < COUNTERS_SIZES; i++) {
        char bound[32] = "+Inf";

        if (i < COUNTERS_SIZES - 1)
            (void)snprintf(bound, sizeof(bound), "%" PRIu64, counters_size_bounds[i]);
        count += c->size_counts[i];
        expose_begin(e, "message_size_bytes_bucket", AMQP);
        expose_label(e, "le", bytes_text(bound));
        expose_end(e, count);
    }
    expose_begin(e, "message_size_bytes_sum", AMQP);
    expose_end(e, c->size_sum);
    expose_begin(e, "message_size_bytes_count", AMQP);
    expose_end(e, count);
}

void figures_tell(const struct figures *f, struct expose *e, bool has_queue_sums)
{
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        if (rows[i].kind != ROW_QUEUES || has_queue_sums)
            tell_row(f, e, &rows[i]);
    for (size_t i = 0; i < ARRAY_SIZE(typed_rows); i++)
        tell_typed(f, e, &typed_rows[i], false);
    for (size_t i = 0; i < ARRAY_SIZE(dead_rows); i++)
        tell_typed(f, e, &dead_rows[i], true);
    tell_sizes(&f->counters, e);
}
