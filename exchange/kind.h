/* What makes a type of exchange: how its bindings are checked, kept and matched. Private to the
 * room; kinds.c has the list of all.
 *
 * A kind keeps what it routes by in `state` of the exchange and remembers in `place` and `slot`
 * of a binding where it put it, so that it can take it out again without a search. Every
 * function may be NULL where a kind has nothing to do or to say against. */
#ifndef EXCHANGE_KIND_H
#define EXCHANGE_KIND_H

#include "exchange/exchange.h"

struct walk;

/* What a route through an exchange depends on, beside its bindings. */
enum looks_at {
    LOOKS_AT_NOTHING,
    LOOKS_AT_KEY,
    LOOKS_AT_MESSAGE, /* or at chance, or at a list that changes as queues come and go */
};

struct exchange_kind {
    const char *name;
    enum looks_at looks_at; /* the least; open() may ask for more */

    /* Of a declaration and of a binding; ERR_INVALID with a note, ERR_FULL. */
    int (*check_arguments)(const struct exchange_options *o, struct table arguments,
                           struct err_note *note);
    int (*check_binding)(const struct exchange_options *o, const struct binding_spec *spec,
                         struct err_note *note);

    void (*open)(struct exchange *x);
    void (*close)(struct exchange *x); /* no binding is left */
    void (*bind)(struct exchange *x, struct binding *b);
    void (*unbind)(struct exchange *x, struct binding *b);

    /* Tells the walk each destination that the message goes to; see walk_hit(). */
    void (*route)(struct exchange *x, struct walk *w);

    /* How many bindings the state holds, asserting what holds of it. */
    size_t (*check)(const struct exchange *x);
};

/* The kind of that type, or NULL. */
const struct exchange_kind *kind_find(struct bytes type);

/* Routes by the names of all queues; not declared, there once in every table. */
extern const struct exchange_kind default_kind;

extern const struct exchange_kind direct_kind;
extern const struct exchange_kind fanout_kind;
extern const struct exchange_kind topic_kind;
extern const struct exchange_kind headers_kind;
extern const struct exchange_kind consistent_hash_kind;
extern const struct exchange_kind modulus_hash_kind;
extern const struct exchange_kind random_kind;
extern const struct exchange_kind local_random_kind;
extern const struct exchange_kind recent_history_kind;

#endif
