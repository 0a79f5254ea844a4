/* Which queues does this message go to?
 *
 * An exchange and what can be reached from it is a graph that may have cycles; a walk visits
 * each exchange once and gives each queue once:
 *
 *     work <- the exchange published to
 *     take one off work: its kind says which destinations match
 *         none matches: its alternate exchange is added to work
 *         a queue:      into the set, unless it is there
 *         an exchange:  to work, unless it was ever there
 *
 * Routes that depend on the routing key alone are remembered, so that the walk is made once per
 * key: by exchange and key in a cache of bounded size, and where no key was even looked at, in
 * the exchange itself. What was remembered leads to an interned set of queues, which a record
 * in the log can name by its id.
 *
 * Owner: as exchange/exchange.h. In the steady state nothing here allocates. */
#ifndef EXCHANGE_ROUTE_H
#define EXCHANGE_ROUTE_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/check.h"
#include "exchange/exchange.h"
#include "msg/props.h"

/* What routing may look at; all borrowed. */
struct route_view {
    const struct bytes *keys;  /* the routing key, then those of CC and BCC */
    size_t key_count;          /* at least 1 */
    const struct props *props; /* NULL: none */
    bool is_delayed;           /* exchanges that are delayed hold it back */
    bool is_keyed;             /* it may have duplicates */
};

/* Queues in a table of all sets that are in use; the same queues are the same set, with the same
 * id as long as anyone holds a reference. Read-only. */
struct queue_set {
    uint64_t id; /* from 1 on, never used twice */
    uint32_t count;
    uint32_t references;
    uint64_t hash;
    struct queue_set *same_hash;
    uint32_t cached; /* of the references, those of the cache */
    uint64_t queues[];
};

/* Where a message goes. Borrowed until the next call that routes or changes the table. */
struct route {
    const uint64_t *queues; /* rising */
    size_t count;
    struct queue_set *set; /* the same, or NULL when it is not interned */
    /* Exchanges that want to keep the message; see exchange_keep(). */
    struct exchange *const *keepers;
    size_t keeper_count;
};

/* Finds all queues for a message published to `x`. That an exchange is internal is for the
 * caller to know. Costs at worst as much as all bindings that can be reached. */
void route_message(struct exchange_table *t, struct exchange *x, const struct route_view *m,
                   struct route *out);

/* Counts messages that went the way of the one before them, and did not ask for it: stats.hits. */
void route_count_again(struct exchange_table *t, uint64_t count);

/* The route's queues as a set of which the caller owns a reference. */
struct queue_set *route_take_set(struct exchange_table *t, const struct route *route);

/* The same for queues from elsewhere: they must rise. */
struct queue_set *queue_set_take(struct exchange_table *t, const uint64_t *queues, size_t count);

struct queue_set *queue_set_ref(struct queue_set *set);
/* Gives a reference back; the last one frees the set. */
void queue_set_unref(struct exchange_table *t, struct queue_set *set);

/* The set of that id, borrowed, or NULL. */
struct queue_set *queue_set_find(const struct exchange_table *t, uint64_t id);

/* Counts a message that was published to `x` and went that way. Queues that exchange_add_queue()
 * does not know are not counted. */
void exchange_count_route(struct exchange *x, const struct route *route);
/* The same for so many that went to the queues of a set. */
void exchange_count_set(struct exchange *x, struct queue_set *set, uint64_t count);
/* The same for messages that took no route to their one queue. */
void exchange_count_queue(struct exchange *x, uint64_t queue, uint64_t count);
/* How many of them the queue got. */
uint64_t exchange_count_of(struct exchange *x, uint64_t queue);
/* All queues that got some, in no order, at most `max`; returns how many. */
struct exchange_flow {
    uint64_t queue;
    uint64_t count;
};
size_t exchange_flows(struct exchange *x, struct exchange_flow *out, size_t max);

/* What remembering costs and brings; for metrics. */
struct route_stats {
    uint64_t hits;
    uint64_t misses; /* remembered afterwards */
    uint64_t walks;  /* could not be remembered */
    size_t entries;  /* the cache has room for */
    size_t sets;
    size_t cached_bytes; /* of sets that the cache holds */
};
struct route_stats route_stats(const struct exchange_table *t);

#endif
