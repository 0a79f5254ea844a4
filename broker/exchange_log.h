/* Logs of exchanges: all that comes through an exchange declared with x-log is kept in a stream.
 *
 *     exchange "orders" (x-log: true, x-partitions: 6)
 *         |-- bindings --> queues, as always
 *         '-- log -------> stream "amq.log.orders", whoever is bound or not
 *
 * The stream is a durable queue of type stream like any other to those who consume it. It comes and
 * goes with its exchange; clients can neither declare nor delete nor bind it, nor publish to it by
 * its name.
 *
 * Owner: the shard of the broker. */
#ifndef BROKER_EXCHANGE_LOG_H
#define BROKER_EXCHANGE_LOG_H

#include <stdbool.h>

#include "base/bytes.h"
#include "base/check.h"
#include "broker/broker.h"
#include "msg/table.h"

struct define_exchange;
struct broker;
struct exchange;
struct named_queue;

#define EXCHANGE_LOG_PREFIX "amq.log."

/* Whether the arguments ask for a log. Refused with 406: x-log is not a bool, the exchange is not
 * durable, its name is too long, or an argument of the stream is wrong. */
MUST_USE int exchange_log_check(struct visit *v, const struct define_exchange *d, bool *has_log,
                                struct refusal *refusal);
/* Whether the exchange that is there was declared with the same log: else 406. */
MUST_USE int exchange_log_compare(struct visit *v, const struct define_exchange *d,
                                  const struct exchange *x, struct refusal *refusal);

/* Gives the exchange the log that its arguments or a policy ask for, if they do; takes it away when
 * the policy that asked is gone. `is_new`: it was declared just now, so that it gets a new stream;
 * else the one that is there. */
void exchange_log_attach(struct vhost *v, struct exchange *x, bool is_new);
/* The exchange goes: its replays end now, its stream is deleted at the end of the turn. */
void exchange_log_doom(struct vhost *v, const struct exchange *x);
void exchange_log_bury(struct broker *b);
/* The queue goes, and with it the replays into it. */
void exchange_log_forget(struct vhost *v, const struct named_queue *q);

/* For what clients may not do with the stream itself: 403. */
MUST_USE int exchange_log_refuse(const struct visit *v, const struct named_queue *q,
                                 struct refusal *refusal);

#endif
