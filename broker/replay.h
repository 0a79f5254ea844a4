/* Replays: what the log of an exchange holds is published again, to one queue, and the queue's
 * binding goes live. It is asked for by queue.bind with x-replay-from.
 *
 *     log of the exchange   | 0 1 2 3 ... 998 999 | 1000 1001 ...     live publishes append here
 *                             ^ copied, if they match   ^ the seam: the binding is live from here
 *
 * A replay reads each stream of the log with a consumer of its own, which also sees what is not
 * committed yet: it lies in front of the copy in the same log, so the copy never survives without
 * it. There are two kinds:
 *
 *   BOUND     the binding is made at once, and what it brings waits in the queue until the history
 *             is in, which goes ahead of it (queue/ready.h). The seam is known from the begin on,
 *             so a replay may be as slow as it must: it takes what publishers leave over.
 *   FOLLOWING for a queue that cannot be held (queue_can_be_held()), or that has other bindings.
 *             When all streams are read to their ends, in the middle of a turn in which nobody else
 *             publishes, the binding is made. It has to be faster than they are.
 *
 * A copy says in its record which message it is a copy of (msg/slip.h), so how far a replay into a
 * durable queue is survives with the copies themselves.
 *
 * A one-off copy (x-replay-until) ends where it was told to and makes no binding; nothing waits.
 *
 * Owner: the shard of the broker. */
#ifndef BROKER_REPLAY_H
#define BROKER_REPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/check.h"
#include "broker/broker.h"

struct replay;

/* ---- look, cancel ---- */

struct replay_view {
    uint64_t id;
    struct bytes vhost;
    struct bytes exchange;
    struct bytes queue;
    struct bytes routing_key;
    bool is_one_off;
    bool is_waiting;    /* for room in the queue, or until publishing goes on */
    uint64_t looked_at; /* messages, since the start of the broker */
    uint64_t copied;
    uint64_t left; /* to look at, as far as is known now */
};

/* A walk over all replays that are on their way; starts and ends with NULL. */
const struct replay *replay_next(const struct broker *b, const struct replay *r);
struct replay_view replay_view(const struct replay *r);

/* Ends the replay of that id; what was copied stays, so does a live binding. ERR_NOT_FOUND. */
MUST_USE int replay_cancel(struct broker *b, uint64_t id);

#endif
