/* Looking at the messages of a queue or a stream from a position on, without any effect: nobody
 * gets them, none is marked, nothing is counted.
 *
 *     browse_open --> browse_next() == 0           a message; the caller gives the pin back
 *                     ERR_AGAIN                    `ready` comes, then ask again
 *                     ERR_NOT_FOUND                there is none behind
 *                     ERR_CLOSED                   the queue is gone
 *
 * A position is the number of a message in its queue, which rises in the order of publishing; of a
 * stream it is the offset. What comes and goes meanwhile is seen or not, as it happens. What cannot
 * be read is passed over. Owner: one shard. */
#ifndef QUEUE_BROWSE_H
#define QUEUE_BROWSE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/check.h"
#include "store/store.h"

struct browse;
struct queue;

enum browse_state {
    BROWSE_READY,
    BROWSE_UNACKED, /* in somebody's hands, or held back */
    BROWSE_LEAVING, /* it is dead, and on its way elsewhere */
};

struct browsed {
    uint64_t position;
    enum browse_state state;
    bool is_redelivered; /* it would be, if it were delivered next */
    struct stored stored;
    struct store_pin pin;
};

/* `ready` is called from the loop. The queue is no front. */
struct browse *browse_open(struct queue *q, uint64_t from, store_ready_fn *ready, void *owner);
void browse_close(struct browse *b);
MUST_USE int browse_next(struct browse *b, struct browsed *out);
/* Where it would go on. */
uint64_t browse_position(const struct browse *b);
/* For bodies in parts; NULL: the queue is gone. */
struct store *browse_store(const struct browse *b);

#endif
