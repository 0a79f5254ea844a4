/* A transaction of a channel: publishes and settles that are staged, and happen at the commit: in
 * one batch of the log when all queues are of one partition. Across partitions the messages come
 * first, and when all of them are committed the settles: at least once.
 *
 *     tx_publish, tx_settle ... tx_commit --> done(0): all of it is committed
 *                           '-- tx_rollback: nothing happened
 *
 * What a publish is refused for is refused when it is staged, as in RabbitMQ; mandatory messages
 * that go nowhere are returned at the commit. Owner: one shard. */
#ifndef BROKER_TX_H
#define BROKER_TX_H

#include <stdbool.h>
#include <stddef.h>

#include "base/check.h"
#include "broker/publish.h"
#include "queue/queue.h"

struct tx;

enum tx_settle_kind { TX_ACK, TX_REJECT, TX_REQUEUE };

struct tx_ops {
    /* A mandatory message goes nowhere; called before done(), inside tx_commit() or from the
     * loop. Borrowed. */
    void (*returned)(void *owner, const struct message *m);
    /* The commit is safe (0), or a queue was full and refuses (ERR_FULL: 406 "partial tx
     * completion"), or ERR_FAILED. From the loop. After an error the caller rolls back, which gives
     * back the deliveries that were not settled. */
    void (*done)(void *owner, int err);
};

struct tx *tx_new(struct publisher *p, const struct tx_ops *ops, void *owner);
/* Rolls back what is staged: its settles are forgotten (the deliveries are still the caller's). */
void tx_free(struct tx *t);

/* Checks as broker_publish(), and keeps a copy. Refused with 406 when the transaction gets too
 * large. */
MUST_USE int tx_publish(struct tx *t, const struct publish *m, struct refusal *refusal);
/* The delivery is settled at the commit. It stays the caller's until then. */
MUST_USE int tx_settle(struct tx *t, struct delivery *d, enum tx_settle_kind kind,
                       struct refusal *refusal);

/* How many of each are staged. */
size_t tx_messages(const struct tx *t);
size_t tx_settles(const struct tx *t);

/* Starts the commit; done() follows. Nothing may be staged until then. Calls `settled` for each
 * staged delivery just before it is settled, so that the caller forgets it. */
void tx_commit(struct tx *t, void (*settled)(void *owner, struct delivery *d));
/* Forgets everything staged; calls `kept` for each staged delivery, which is in the caller's hands
 * as before. A commit that waits ends without done(): what has happened of it stays, which is all
 * or nothing of what is for one partition, and only what has not is given to `kept`. */
void tx_rollback(struct tx *t, void (*kept)(void *owner, struct delivery *d));

#endif
