/* The events of things with more than texts in them (broker/announce.h). Private to the room.
 *
 * Owner: the shard of the broker. */
#ifndef BROKER_EVENTS_H
#define BROKER_EVENTS_H

struct binding;
struct consumer;
struct exchange;
struct named_queue;
struct vhost;
struct visit;

/* The virtual host is there, and gets its exchange of events if it is the one that has it; it
 * goes. */
void event_of_new_vhost(struct vhost *v);
void event_of_old_vhost(const struct vhost *v);

/* ".created", ".deleted", and for visits and channels ".closed" behind the name of the thing. */
void event_of_queue(const struct named_queue *q, const char *key);
void event_of_exchange(const struct vhost *v, const struct exchange *x, const char *key);
void event_of_binding(const struct vhost *v, const struct binding *b, const char *key);
void event_of_visit(const struct visit *v, const char *key);
void event_of_consumer(const struct named_queue *q, const struct consumer *c, const char *key);

#endif
