/* Messages on their way to a client: basic.deliver, get-ok and return, with their content.
 *
 *     small body     copied behind its frames into a block of the output
 *     large body     pinned where it lies, and sent from there
 *     in parts       read part by part, as the socket takes them; the channel waits meanwhile
 *
 * Frames are cut to what the client agreed to. */
#ifndef AMQP_DELIVER_H
#define AMQP_DELIVER_H

#include <stdint.h>

#include "base/bytes.h"
#include "queue/queue.h"

struct channel;
struct connection;
struct message;
struct method;
struct subscriber;

/* basic.deliver. The channel is not held. */
void deliver_stored(struct subscriber *s, uint64_t tag, const struct delivery *d,
                    const struct stored *m, struct store_pin pin);

/* The method frame of it, as it is for one that was never delivered before. */
size_t deliver_method_size(const struct subscriber *s, const struct stored *m);
void deliver_put_method(uint8_t *at, const struct subscriber *s, uint64_t tag,
                        const struct stored *m);

/* `head` (basic.get-ok) with the content of what was got. */
void deliver_got(struct channel *ch, const struct method *head, const struct delivery *d,
                 const struct stored *m, struct store_pin pin);

/* `head` (basic.return, or basic.deliver of a reply) with a copy of the message. */
void deliver_copy(struct channel *ch, const struct method *head, const struct message *m);

/* ---- large bodies ---- */

/* There is room: those on their way go on. */
void bodies_continue(struct connection *c);

/* Stops what the channel sends. */
void body_stop(struct channel *ch);

#endif
