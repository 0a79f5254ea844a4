/* What the broker tells by messages of its own, to those who bind queues to these exchanges:
 *
 *     amq.rabbitmq.event   in the default virtual host: what comes, goes and changes   (a setting)
 *     amq.rabbitmq.trace   in each that is traced: copies of what is published and delivered
 *     amq.rabbitmq.log     in the default virtual host: diagnostics   (broker/diag_exchange.h)
 *
 *     something happens --> noted here --end of turn--> routed like any other message
 *
 * What finds no room is lost: nobody waits for these. Keys, headers and bodies are RabbitMQ's.
 *
 * Owner: the shard of the broker. */
#ifndef BROKER_ANNOUNCE_H
#define BROKER_ANNOUNCE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "msg/table_writer.h"

struct announcements;
struct broker;
struct exchange;
struct message;
struct outgoing;
struct targets;
struct vhost;
struct visit;

struct announcements *announcements_new(void);
void announcements_free(struct announcements *a);
/* Everything is restored: from here on there is news. */
void announcements_start(struct broker *b);
/* There will be no more. */
void announcements_stop(struct announcements *a);
/* Sends what was noted. */
void announcements_send(struct broker *b);

/* The virtual host is new: it gets the exchanges of this if it is the one that has them. */
void announcements_declare(struct vhost *v);
/* Sends a message of the broker's own through that exchange; what finds no room is lost. */
void announcement_route(struct vhost *v, struct exchange *x, const struct message *m);

/* ---- events ---- */

/* Begins an event, whose attributes are written with what is returned; NULL: nobody wants it, and
 * nothing has begun. */
struct table_writer *event_begin(struct broker *b, const char *key);
void event_end(struct broker *b);

/* The usual one: attributes that are texts. */
struct event_text {
    const char *name;
    struct bytes value;
};
void event_tell(struct broker *b, const char *key, const struct event_text *texts, size_t count);

/* ---- the firehose ---- */

static inline bool trace_is_wanted(bool is_tracing, struct bytes exchange)
{
    static const struct bytes own = {(const uint8_t *)"amq.rabbitmq.trace", 18};

    return is_tracing && !bytes_equal(exchange, own);
}

/* A message went out to these queues. */
void trace_published(struct visit *v, const struct outgoing *o, const struct targets *targets);

#endif
