/* Policies of virtual hosts: made, deleted, and applied at once to what is there and to what comes.
 *
 * What a queue's arguments say beside a policy: of numbers the smaller counts;
 * x-dead-letter-exchange, its routing key and x-overflow win over the policy; for what a stream
 * retains the policy wins. Of an exchange the argument alternate-exchange wins.
 *
 * Owner: one shard. */
#ifndef BROKER_POLICIES_H
#define BROKER_POLICIES_H

#include <stdbool.h>

#include "base/bytes.h"
#include "base/check.h"
#include "base/err.h"
#include "policy/policy.h"

struct broker;
struct vhost;

/* ERR_NOT_FOUND (the virtual host), ERR_INVALID, ERR_FULL, with a note. */
MUST_USE int broker_put_policy(struct broker *b, struct bytes vhost, enum policy_rank rank,
                               const struct policy_spec *spec, struct err_note *note);
/* ERR_NOT_FOUND. */
MUST_USE int broker_delete_policy(struct broker *b, struct bytes vhost, enum policy_rank rank,
                                  struct bytes name, struct err_note *note);

/* Those of a virtual host; NULL: there is no such. Borrowed for the turn. */
const struct policies *broker_policies(struct broker *b, struct bytes vhost);

/* What policies say about an exchange, whether it is there or not: alternate-exchange, log,
 * log-partitions, max-age, max-length-bytes, compact. Borrowed until a policy changes. */
struct policy_match vhost_match_exchange(const struct vhost *v, struct bytes name);

#endif
