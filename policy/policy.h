/* Policies: what operators say about queues and exchanges by the pattern of their names.
 *
 *     policies of a virtual host --match: kind and name--> one policy, one operator policy
 *                                                            '--- policy_value(): what both say
 *
 * Of those that match, the one with the highest priority counts, and of equals the one whose name
 * comes first. Operator policies only limit: where both give a number the smaller one counts, and
 * where an operator policy gives a word, that. What the rules mean for a queue whose arguments say
 * something too is decided by whoever applies them.
 *
 * Texts of errors are RabbitMQ's. Pure: no clock, no disk, no queue. Owner: one shard. */
#ifndef POLICY_POLICY_H
#define POLICY_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "base/check.h"
#include "base/err.h"
#include "msg/table.h"

struct policies;
struct policy;

/* What a policy may apply to, as bits. */
enum policy_target {
    POLICY_CLASSIC = 1,
    POLICY_QUORUM = 2,
    POLICY_STREAM = 4,
    POLICY_QUEUES = 7,
    POLICY_EXCHANGES = 8,
    POLICY_ALL = 15,
};

enum policy_rank { POLICY_OF_USERS, POLICY_OF_OPERATORS };

/* "queues", "classic_queues", "quorum_queues", "streams", "exchanges", "all". ERR_INVALID with a
 * note. */
MUST_USE int policy_target_read(struct bytes text, uint8_t *out, struct err_note *note);
/* NULL for bits that have no such word. */
const char *policy_target_name(uint8_t target);

struct policy_spec {
    struct bytes name;
    struct bytes pattern;
    uint8_t apply_to; /* bits of enum policy_target that have a word */
    int64_t priority;
    struct table definition; /* with at least one key */
};

struct policies *policies_new(void);
/* NULL is allowed. */
void policies_free(struct policies *ps);

/* Makes or replaces. Pointers to the one that is replaced are void. ERR_INVALID with a note. */
MUST_USE int policies_put(struct policies *ps, enum policy_rank rank,
                          const struct policy_spec *spec, struct err_note *note);
/* ERR_NOT_FOUND. */
MUST_USE int policies_delete(struct policies *ps, enum policy_rank rank, struct bytes name);

/* What would be wrong with it, before anything changes. */
MUST_USE int policy_check(enum policy_rank rank, const struct policy_spec *spec,
                          struct err_note *note);

/* ---- use ---- */

/* Those that apply; each NULL: none. */
struct policy_match {
    const struct policy *policy;
    const struct policy *operator_policy;
};
/* `target`: one bit. */
struct policy_match policies_match(const struct policies *ps, uint8_t target, struct bytes name);

/* What the two say about a key. False: nothing. */
bool policy_value(const struct policy_match *m, struct bytes key, struct field *out);
/* A number of that key; a negative one is no limit and gives false. */
bool policy_number(const struct policy_match *m, const char *key, uint64_t *out);
bool policy_text(const struct policy_match *m, const char *key, struct bytes *out);
bool policy_bool(const struct policy_match *m, const char *key, bool *out);

/* All that the two say, added to the buffer; the table borrows from it. */
struct table policy_merge(const struct policy_match *m, struct buf *out);

/* ---- look ---- */

/* Borrowed until the policy is replaced or deleted. */
struct policy_spec policy_spec(const struct policy *p);
const struct policy *policies_find(const struct policies *ps, enum policy_rank rank,
                                   struct bytes name);
/* In the order in which they count; starts and ends with NULL. */
const struct policy *policies_next(const struct policies *ps, enum policy_rank rank,
                                   const struct policy *at);

void policies_check(const struct policies *ps);

#endif
