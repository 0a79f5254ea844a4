/* Looking at what waits in the holder of a delayed exchange (queue_spec.is_delayed), and taking
 * some of it out before it is due.
 *
 *     waiting_walk_start --> seen(), seen() ...      in the order of publishing, over many turns
 *                        --> done(0, next)           `max` were seen, or all (next is 0 then)
 *                        '-> done(ERR_NOT_FOUND, 0)  the queue is gone
 *     waiting_page_start --> the same for a page in the order in which messages are due
 *     waiting_ids_start  --> the same for those that may have a message-id
 *
 * Messages are read from wherever they lie, so a walk over a million of them takes a while; it
 * lets the loop go on between its steps. What is on its way out is not seen any more. Owner: one
 * shard. */
#ifndef QUEUE_WAITING_H
#define QUEUE_WAITING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "msg/msg.h"

struct queue;
struct waiting_walk;

/* Borrowed for the call. The message is as it will be published, without its body. */
struct waiting {
    uint64_t seq;   /* of the queue: what waiting_walk_start() may begin with */
    int64_t due_ms; /* by the wall clock, if that does not jump until then */
    struct message message;
};

struct waiting_calls {
    void *owner;
    /* True: the message is taken out; it will not come. Must not stop the walk. */
    bool (*seen)(void *owner, const struct waiting *w);
    /* The walk is freed after this. */
    void (*done)(void *owner, int err, uint64_t next);
};

/* Calls come from the loop, not inside this. */
struct waiting_walk *waiting_walk_start(struct queue *q, uint64_t from, size_t max,
                                        const struct waiting_calls *calls);
/* Shows `max` messages behind the first `skip` ones that are due: what comes next first, of equal
 * ones what was published first. Only what comes before the end of the page is looked at, in
 * memory; if much of what was to come next was taken out, all that wait are. Only the page is read.
 * skip + max is at most WAITING_PAGE_END_MAX. done() says 0, or 1: there are more. */
enum { WAITING_PAGE_END_MAX = 100000 };
struct waiting_walk *waiting_page_start(struct queue *q, size_t skip, size_t max,
                                        const struct waiting_calls *calls);
/* Shows the messages that may have that message-id, and few others; all only if their ids are not
 * known (message_ids_is_whole()). What comes after the start is not among them. They are looked for
 * some in a turn, so any number may have one and the same. */
struct waiting_walk *waiting_ids_start(struct queue *q, struct bytes id,
                                       const struct waiting_calls *calls);
/* No call comes after this; not allowed when done() was called, nor inside a call. */
void waiting_walk_stop(struct waiting_walk *w);

#endif
