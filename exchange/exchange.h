/* The exchanges and bindings of one virtual host: who is bound to what, and who may be declared.
 * Which queues a message goes to is asked in exchange/route.h.
 *
 *     exchange --binding (key, arguments)--> queue
 *              --binding (key, arguments)--> exchange --binding--> ...
 *              --alternate, when nothing of it matches--> exchange
 *
 * Queues are known here by an id that their owner gives them and by their name, which the
 * default exchange routes by; nothing else about them is. Nothing here reads a clock, a disk
 * or a socket, and the only chance is the struct rand in the options: the same calls give the
 * same answers on every shard that makes them in the same order.
 *
 * Invariants, checked by exchange_table_check():
 *   E1  two bindings differ in source, destination, key or arguments.
 *   E2  every binding is in the list of its source, in the list of its destination, and in what
 *       the kind of its source routes by.
 *   E3  an alternate exchange is known by its name whether it exists or not, and by its struct
 *       exactly as long as it exists.
 *   E4  a cached route is used only while nothing that it depends on has changed.
 *   E5  an exchange has at most one log, and a queue is the log of at most one exchange.
 *
 * Owner: one shard; each shard has a table of its own. Callbacks are made inside the call that
 * causes them and may only note down what they are told. */
#ifndef EXCHANGE_EXCHANGE_H
#define EXCHANGE_EXCHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/check.h"
#include "base/err.h"
#include "base/rand.h"
#include "msg/table.h"

struct exchange_table;
struct exchange;
struct binding;

/* What the owner wants to be told. Each may be NULL. */
struct exchange_calls {
    void *owner;
    /* The binding goes away, by whatever cause; it is still whole. */
    void (*on_unbound)(void *owner, const struct binding *b);
    /* The exchange goes away, by whatever cause; it has no binding any more. */
    void (*on_deleted)(void *owner, const struct exchange *x);
    /* A message that exchange_keep() was given is kept no longer. */
    void (*on_let_go)(void *owner, uint64_t message);
};

struct exchange_options {
    uint32_t exchanges_max;            /* 0: no limit */
    uint32_t bindings_max;             /* of the table; 0: no limit */
    uint32_t destination_bindings_max; /* of one destination; 0: no limit */
    uint32_t arguments_max_bytes;      /* of one exchange or binding */
    uint32_t topic_words_max;          /* in a binding key */
    uint32_t topic_hashes_max;         /* words '#' in a binding key */
    uint32_t hash_weight_max;          /* of a binding of x-consistent-hash */
    uint32_t history_max;              /* messages that one x-recent-history may keep */
    uint32_t cache_entries_max;        /* routing keys whose route is remembered; 0: none */
    size_t cache_max_bytes;            /* of the sets that these routes lead to */
    struct rand *rand;                 /* borrowed; must not be NULL */
    struct exchange_calls calls;
};

/* The defaults, as the room's README lists them. The caller sets `rand` and `calls`. */
struct exchange_options exchange_options_default(void);

/* What an exchange.declare asks for. */
struct exchange_spec {
    struct bytes name;
    struct bytes type;
    bool is_durable;
    bool is_auto_delete;
    bool is_internal;
    struct table arguments;
};

/* What a redeclaration asks for and does not get. */
struct exchange_difference {
    const char *argument; /* "type", "durable", "auto_delete", "internal", "alternate-exchange" */
    /* Of the first four: a type, "true" or "false". Of an alternate exchange: its name; without
     * data there is none. */
    struct bytes received;
    struct bytes current;
};

/* One end of a binding; the other is an exchange. */
struct binding_end {
    struct exchange *exchange; /* NULL: it is the queue */
    uint64_t queue;
};

struct binding_spec {
    struct exchange *source;
    struct binding_end destination;
    struct bytes key;
    struct table arguments;
};

/* A table with the default exchange and those that AMQP and RabbitMQ predeclare: amq.direct,
 * amq.fanout, amq.topic, amq.headers, amq.match, amq.rabbitmq.trace. Never NULL. */
struct exchange_table *exchange_table_new(const struct exchange_options *options);

/* Lets all kept messages go and frees everything; other callbacks are not made. NULL is
 * allowed. References to queue sets must have been given back. */
void exchange_table_free(struct exchange_table *t);

/* Makes a queue known, so that the default exchange routes to it. `is_local` says whether it
 * is on this node, for x-local-random. Returns ERR_EXISTS when the name or the id is in use. */
MUST_USE int exchange_add_queue(struct exchange_table *t, uint64_t queue, struct bytes name,
                                bool is_local);

/* Forgets the queue and all its bindings, and deletes each auto-delete exchange that loses its
 * last binding by that. Costs as much as the queue has bindings. Unknown ids are allowed. */
void exchange_remove_queue(struct exchange_table *t, uint64_t queue);

/* The queue is now on this node, or no longer. */
void exchange_set_local(struct exchange_table *t, uint64_t queue, bool is_local);

/* Declares the exchange, or finds the one of that name if it is equivalent. Errors:
 *   ERR_INVALID  the type is not known or an argument not valid; the note says what, in
 *                RabbitMQ's words where it has some.
 *   ERR_EXISTS   there is another one; *difference says what it differs in, borrowed from both.
 *   ERR_FULL     a limit was reached. */
MUST_USE int exchange_declare(struct exchange_table *t, const struct exchange_spec *spec,
                              struct exchange **out, struct exchange_difference *difference,
                              struct err_note *note);

/* Deletes it with all bindings from it and to it, and what auto-delete exchanges go by that.
 * Returns ERR_BUSY when it must be unused and something is bound to it as a source. Must not be
 * the default exchange. */
MUST_USE int exchange_delete(struct exchange_table *t, struct exchange *x, bool if_unused);

/* Whether it holds messages back that have a delay: it was declared with the type x-delayed-message
 * or with x-delayed-exchange. Its owner gives it a queue for them. */
bool exchange_is_delayed(const struct exchange *x);
/* Messages with a delay (route_view.is_delayed) that come to the exchange go to that queue alone;
 * the id is of a queue that has no name here. 0: there is none, and nothing is held back. */
void exchange_set_holder(struct exchange *x, uint64_t queue);
uint64_t exchange_holder(const struct exchange *x);

/* Whether it takes no duplicates: the type is x-message-deduplication, or an argument says so. Its
 * owner gives it a queue that knows the keys. */
struct exchange_cache {
    uint64_t count_max; /* 0: it takes duplicates */
    uint64_t ttl_ms;    /* UINT64_MAX: for ever */
};
struct exchange_cache exchange_cache(const struct exchange *x);
/* Messages with a key (route_view.is_keyed) go to that queue too, which does not count as a
 * match. 0: there is none. */
void exchange_set_cache_queue(struct exchange *x, uint64_t queue);
uint64_t exchange_cache_queue(const struct exchange *x);

/* What a policy says where the arguments name no alternate exchange. No data: nothing. */
void exchange_set_alternate(struct exchange_table *t, struct exchange *x, struct bytes name);

/* The queue that gets every message which comes through the exchange, whether a binding matches
 * or not; 0: none. It is no binding: it neither keeps the exchange nor counts as a match, so that
 * alternate exchanges go on as before. It is forgotten with the queue, which must be known and not
 * be the log of another exchange. */
void exchange_set_log(struct exchange_table *t, struct exchange *x, uint64_t queue);
/* That queue, or 0. */
uint64_t exchange_log(const struct exchange *x);

/* Adds the binding unless it is there; *is_new says which. Errors:
 *   ERR_DENIED     the source or the destination is the default exchange.
 *   ERR_NOT_FOUND  there is no such queue.
 *   ERR_INVALID    the key or an argument is not valid for that kind; the note says why.
 *   ERR_FULL       a limit was reached. */
MUST_USE int exchange_bind(struct exchange_table *t, const struct binding_spec *spec, bool *is_new,
                           struct err_note *note);

/* Whether there is such a binding. */
bool exchange_is_bound(const struct exchange_table *t, const struct binding_spec *spec);

/* Takes the binding away; the source may go by that. Returns ERR_NOT_FOUND when there is none,
 * ERR_DENIED as above. */
MUST_USE int exchange_unbind(struct exchange_table *t, const struct binding_spec *spec);

/* Keeps a message that route_message() said the exchange wants to keep; the oldest one goes when
 * there are too many. The number means something to the owner only. */
void exchange_keep(struct exchange_table *t, struct exchange *x, uint64_t message);

/* The messages it keeps, oldest first: what a new binding's destination is to get. Returns
 * false from the end on, and for other kinds at once. */
bool exchange_kept(const struct exchange *x, size_t index, uint64_t *message);

/* The exchange of that name, or NULL; "" is the default exchange. */
struct exchange *exchange_find(const struct exchange_table *t, struct bytes name);

/* A walk over all exchanges in the order of their declaration; starts and ends with NULL. */
struct exchange *exchange_next(const struct exchange_table *t, const struct exchange *x);

/* Messages that came to it as the exchange they were published to, and the queues that got them;
 * whoever publishes counts. */
struct exchange_counts {
    uint64_t in;
    uint64_t out;
};
struct exchange_counts *exchange_counts(struct exchange *x);

/* What it was declared with. */
struct exchange_spec exchange_spec(const struct exchange *x);
/* The alternate exchange's name that counts, by argument or policy; no data when there is none. */
struct bytes exchange_alternate(const struct exchange *x);
bool exchange_is_default(const struct exchange *x);
/* Whether something is bound to it as a source. */
bool exchange_is_used(const struct exchange *x);

/* Whether exchange_declare() knows the type. */
bool exchange_type_is_known(struct bytes type);

/* Walks over bindings; start with NULL, end with NULL. The second one takes an exchange or a
 * queue as destination. The table must not change meanwhile. Oldest first. */
const struct binding *binding_next_from(const struct exchange *source, const struct binding *b);
const struct binding *binding_next_to(const struct exchange_table *t, struct binding_end end,
                                      const struct binding *b);
/* The newest of these, or NULL. */
const struct binding *binding_newest_to(const struct exchange_table *t, struct binding_end end);

/* What it was made with; arguments are sorted by name, each name once. */
struct binding_spec binding_spec(const struct binding *b);
/* The name of its destination. */
struct bytes binding_destination_name(const struct binding *b);

size_t exchange_count(const struct exchange_table *t);
size_t binding_count(const struct exchange_table *t);

void exchange_table_check(const struct exchange_table *t);

#endif
