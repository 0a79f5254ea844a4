/* Where dead messages go: asked by the queues.
 *
 * Owner: the shard of the broker. */
#ifndef BROKER_DEAD_H
#define BROKER_DEAD_H

#include <stddef.h>
#include <stdint.h>

struct broker;
struct message;
struct queue;

/* The routing key of a message that is stored, and those of CC and BCC, into scratch.keys. */
void dead_collect_keys(struct broker *b, const struct message *m);

/* As route_dead and on_moved of struct queues_calls. */
size_t dead_route(void *owner, struct queue *q, const struct message *m, struct queue **targets,
                  size_t max);
void dead_moved(void *owner, struct queue *q, const struct message *m, uint64_t ttl_ms);

#endif
