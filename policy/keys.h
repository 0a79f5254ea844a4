/* The keys of policies: what their values must be. Private to the room. */
#ifndef POLICY_KEYS_H
#define POLICY_KEYS_H

#include <stdbool.h>

#include "base/check.h"
#include "base/err.h"
#include "msg/table.h"
#include "policy/policy.h"

/* How a policy and an operator policy that both have a key come together. */
enum key_merge { KEY_SMALLER, KEY_OF_OPERATOR };

/* Errors: ERR_INVALID with a note in RabbitMQ's words. */
MUST_USE int keys_check(enum policy_rank rank, struct table definition, struct err_note *note);

/* Of a key that operator policies may have. */
enum key_merge keys_merge(struct bytes key);

#endif
