/* May he? The questions of define.h, publish.h and consume.h, with their refusals.
 *
 * All return 0, or ERR_DENIED with the refusal filled. */
#ifndef BROKER_ACCESS_H
#define BROKER_ACCESS_H

#include "auth/auth.h"
#include "base/bytes.h"
#include "base/check.h"
#include "broker/refusal.h"

struct named_queue;
struct visit;

/* The default exchange is asked for, and named, as "amq.default". */
MUST_USE int access_exchange(const struct visit *v, struct bytes name, enum auth_action action,
                             struct refusal *refusal);
MUST_USE int access_queue(const struct visit *v, struct bytes name, enum auth_action action,
                          struct refusal *refusal);
/* Any of the three, so that nobody learns what exists without any right to it. */
MUST_USE int access_exchange_at_all(const struct visit *v, struct bytes name,
                                    struct refusal *refusal);
MUST_USE int access_queue_at_all(const struct visit *v, struct bytes name, struct refusal *refusal);

/* The routing key of a topic exchange. */
MUST_USE int access_topic(const struct visit *v, struct bytes exchange, struct bytes key,
                          enum auth_action action, struct refusal *refusal);

/* The queue is not somebody else's exclusive one. */
MUST_USE int access_exclusive(const struct visit *v, const struct named_queue *q,
                              struct refusal *refusal);

/* The same refusals, everywhere. */
int refuse_no_exchange(const struct visit *v, struct bytes name, struct refusal *refusal);
int refuse_no_queue(const struct visit *v, struct bytes name, struct refusal *refusal);
int refuse_locked(const struct visit *v, struct bytes name, struct refusal *refusal);

/* The queue of that name, if he may use it. */
MUST_USE int access_find_queue(const struct visit *v, struct bytes name, struct named_queue **out,
                               struct refusal *refusal);

#endif
