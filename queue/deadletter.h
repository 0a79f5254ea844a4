/* One dead message on its way, as deadletter.c and elsewhere.c see it. Private to the room. */
#ifndef QUEUE_DEADLETTER_H
#define QUEUE_DEADLETTER_H

#include <stddef.h>
#include <stdint.h>

#include "queue/queue_parts.h"

/* One message on its way. */
struct funeral {
    struct queue *queue;
    struct inflight *dead;
    struct stored stored;
    struct store_pin pin;
    struct message message; /* as it will be published */
    uint64_t expiration_ms; /* of the message, where it goes */
    struct queue **targets;
    size_t count;
};

/* It is no longer among the dying of its queue. */
void funeral_end_dying(struct queue *q, struct inflight *dead);
/* It has been published, or has no place to go: it leaves its queue. Takes `dead`. */
void funeral_settle(struct queue *q, struct inflight *dead);

/* Asks the owner for the targets; more room is made until all fit. */
void funeral_ask_targets(struct funeral *f);
/* Publishing the message to some of its targets. */
struct queues_publish funeral_publish(const struct funeral *f, struct queue **targets,
                                      size_t count);
/* The place whose parts are its body; 0: it is in one piece. */
uint64_t funeral_parts(const struct funeral *f);

/* elsewhere.c: publishes to targets of which some are of other partitions, and settles the message
 * when it is committed there. Errors: ERR_AGAIN: its body is under way; ERR_FULL: later;
 * ERR_CORRUPT: its body cannot be read. */
MUST_USE int funeral_move_away(struct funeral *f);

#endif
