/* The structs behind exchange.h, shared by the files of this room and by nobody else.
 *
 *     exchange --bindings--> binding, binding ...      each is in two lists:
 *     target   --bindings--> binding, binding ...      from its source, to its destination
 *
 * A target is what a binding leads to: a queue, or the exchange that it is the first part of. */
#ifndef EXCHANGE_PARTS_H
#define EXCHANGE_PARTS_H

#include "base/list.h"
#include "base/map.h"
#include "base/names.h"
#include "exchange/cache.h"
#include "exchange/kind.h"
#include "exchange/walk.h"

struct flows;

struct target {
    uint64_t stamp;            /* of the last walk that met it */
    uint64_t id;               /* the owner's id of a queue; 0 for an exchange */
    struct exchange *exchange; /* NULL: a queue */
    bool is_local;
    uint32_t binding_count;
    struct list bindings;
    struct bytes name;       /* its own copy */
    uint64_t stable_hash;    /* of kind and name; the same in every process */
    struct exchange *logged; /* of a queue: the exchange whose log it is; NULL: none */
};

struct binding {
    struct list_link from_link;
    struct list_link to_link;
    struct exchange *source;
    struct target *target;
    void *place; /* for the kind */
    uint32_t slot;
    uint64_t identity; /* a hash of all that makes it different from others */
    struct binding *same_identity;
    struct bytes key;       /* both lie behind the struct */
    struct table arguments; /* sorted */
};

/* A name that exchanges give as their alternate. */
struct alternate {
    struct exchange *exchange; /* NULL: there is none of that name */
    struct list users;
    struct bytes name; /* lies behind the struct */
};

struct exchange {
    struct target target;
    const struct exchange_kind *kind;
    const char *type; /* as declared: the kind's name, or what wraps it */
    enum looks_at looks_at;
    bool is_durable;
    bool is_auto_delete;
    bool is_internal;
    bool is_doomed;   /* it is being deleted or soon will be */
    bool is_delayed;  /* it holds messages with a delay back */
    bool is_observed; /* a remembered route went through it; see route_forget() */
    struct exchange_table *table;
    void *state;             /* the kind's */
    uint64_t id;             /* never used twice */
    uint64_t version;        /* never used twice, not by another exchange either */
    struct target *log;      /* a queue that gets everything, or NULL */
    struct queue_set *fixed; /* where every message goes, when no key is looked at; or NULL */
    struct exchange_counts counts;
    struct flows *flows;  /* by queue; NULL: nothing was counted */
    size_t binding_count; /* it is the source of */
    struct list bindings;
    struct bytes arguments;
    struct bytes declared_alternate; /* borrowed from arguments; no data: none */
    struct alternate *alternate;     /* NULL: none */
    struct list_link alternate_link;
    struct list_link doomed_link;
    struct list_link order_link;
    uint64_t holder;      /* the queue where delayed messages wait; 0: none */
    uint64_t cache_queue; /* the one that knows what came; 0: none */
    struct exchange_cache cache_bounds;
};

struct exchange_table {
    struct exchange_options options;
    uint64_t seed;
    struct names exchanges;
    struct list order; /* exchanges as they were declared */
    struct exchange *default_exchange;
    struct names queues_by_name; /* targets */
    struct map queues_by_id;     /* targets */
    struct map bindings;         /* by identity; others of the same hang on it */
    size_t binding_count;
    struct names alternates;
    struct list doomed;
    uint64_t last_id;
    uint64_t last_version;
    struct walk walk;
    struct route_cache cache;
    struct queue_sets sets;
    struct route_stats stats;
};

/* Ends a binding and all traces of it; dooms its source if that goes with it. */
void binding_remove(struct binding *b);

/* Removes what is doomed, and what becomes so by that. */
void exchange_bury(struct exchange_table *t);

/* The binding's end, for those outside. */
struct binding_end target_end(const struct target *target);

/* Points the exchange to the alternate of that name, or to none (no data). */
void alternate_set(struct exchange *x, struct bytes name);
/* An exchange came or goes whose name may be an alternate's. */
void alternate_arrived(struct exchange *x);
void alternate_gone(struct exchange *x);
/* Who gives that name as his alternate, or NULL. */
struct alternate *alternate_find(const struct exchange_table *t, struct bytes name);

/* Something about the exchange changed that routes may depend on: forgets every remembered route
 * that went through it. */
void route_forget(struct exchange *x);

#endif
