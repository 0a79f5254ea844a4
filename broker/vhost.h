/* Virtual hosts and the queues in them, by name.
 *
 *     vhost --name--> named_queue --> struct queue, on its home
 *           '--exchange table--> ids of queues --> named_queue
 *
 * A pointer to an exchange or queue of a virtual host may be remembered together with
 * vhost->version: while that is the same, it is good.
 *
 * Owner: the shard of the broker. */
#ifndef BROKER_VHOST_H
#define BROKER_VHOST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/list.h"
#include "base/map.h"
#include "base/names.h"
#include "msg/shortstr.h"
#include "msg/table.h"

struct broker;
struct exchange;
struct exchange_table;
struct names_entry;
struct policies;
struct policy;
struct history;
struct home;
struct queue;
struct targets;
struct vhost_counts;
struct visit;

enum { TARGET_SLOTS = 64 };

/* Nobody set that limit. */
#define VHOST_UNLIMITED INT64_MIN

struct vhost {
    struct broker *broker;
    uint64_t id;
    struct bytes name;         /* its own */
    struct names_entry *entry; /* in broker->vhosts; NULL: it is deleted */
    size_t visit_count;        /* a deleted one is there until the last has ended */
    size_t connection_count;   /* of those, that are no brief ones */
    bool is_tracing;
    const char *default_type; /* of queues; NULL: what the node says */
    int64_t connections_max;  /* VHOST_UNLIMITED, or negative: no limit */
    int64_t queues_max;
    struct policies *policies;
    struct exchange_table *table;
    struct names queues;     /* struct named_queue */
    struct map queues_by_id; /* the same, and those that are hidden */
    size_t hidden_count;
    struct names exchange_ids; /* uint64_t; of those that were declared durable */
    uint64_t version;
    bool is_unbinding; /* somebody asked for it; else it goes with one of its ends */
    struct targets *slots[TARGET_SLOTS]; /* sets of queues that were looked up, by id of the set */
    struct targets *other;               /* for what is no set */
    struct targets *by_name;             /* of the default exchange: the last name */
    struct targets *chosen;              /* with partitions instead of fronts */
    struct history *history;
    struct vhost_counts *counts;
};

struct named_queue {
    struct queue *queue;
    struct vhost *vhost;
    struct home *home;
    struct names_entry *entry;
    const struct policy *policy; /* that applies to it; NULL: none */
    const struct policy *operator_policy;
    uint64_t id;
    struct visit *owner;    /* of an exclusive queue; else NULL */
    struct list_link owned; /* in the owner's list */
    struct list_link doomed;
    bool is_log;                     /* of an exchange */
    bool is_hidden;                  /* it has no name: an exchange keeps messages in it */
    struct exchange *keeps;          /* of a hidden one: for whom */
    struct named_queue *front;       /* of a partition of a stream; else NULL */
    struct named_queue **partitions; /* of a front: all of them */
    uint32_t partition_count;
};

/* Makes the virtual host with its predeclared exchanges. Never NULL. */
struct vhost *vhost_new(struct broker *b, struct bytes name, uint64_t id);
/* Frees it; its queues must be freed with their homes. */
void vhost_free(struct vhost *v);
/* Deletes all that is in it, and its name; it is freed when nobody visits it any more. */
void vhost_delete(struct vhost *v);
static inline bool vhost_is_deleted(const struct vhost *v)
{
    return v->entry == NULL;
}
/* "", "classic", "quorum", "stream": of queues that ask for none. False: there is no such. */
bool vhost_set_default_type(struct vhost *v, struct bytes type);
/* A visit has ended. */
void vhost_leave(struct vhost *v);

struct vhost *vhost_find(const struct broker *b, struct bytes name);
struct vhost *vhost_find_id(const struct broker *b, uint64_t id);

struct vhost_queue {
    uint64_t id;
    struct bytes name;
    struct home *home;
    struct visit *owner;
    bool is_durable;
    bool is_auto_delete;
    bool is_hidden;     /* nobody finds it by its name: in it messages wait until they are due */
    uint64_t cache_max; /* of a hidden one: instead it knows so many keys; 0: it does not */
    uint64_t cache_ttl_ms;
    struct table arguments;
    uint32_t homes; /* over so many the partitions of a front are spread */
};
/* The name of a partition of a front; false when it is longer than a name may be. */
bool vhost_partition_name(struct bytes front, uint32_t number, uint8_t area[SHORTSTR_MAX],
                          struct bytes *out);

/* Makes a queue of a name that is free. One with x-partitions N is a front: its partitions are made
 * with it, under the N ids behind its own and names that are free. Never NULL. */
struct named_queue *vhost_add_queue(struct vhost *v, const struct vhost_queue *q);
/* The two halves of it: a queue alone, and the partitions of a front. */
struct named_queue *vhost_add_one_queue(struct vhost *v, const struct vhost_queue *q);
void vhost_add_partitions(struct vhost *v, const struct vhost_queue *q, struct named_queue *front);
struct named_queue *vhost_find_queue(const struct vhost *v, struct bytes name);
struct named_queue *vhost_find_queue_id(const struct vhost *v, uint64_t id);

/* Deletes the queue (not a partition alone) with its bindings and partitions, and what auto-delete
 * exchanges go by that; consumers hear of it inside the call. */
void named_queue_delete(struct named_queue *q);
/* While opening: takes its name away; named_queue_bury() deletes it later. */
void named_queue_doom(struct named_queue *q);
void named_queue_bury(struct named_queue *q);

/* The id that a durable exchange was declared with; 0: it is predeclared, or not durable. */
uint64_t vhost_exchange_id(const struct vhost *v, struct bytes name);
void vhost_set_exchange_id(struct vhost *v, struct bytes name, uint64_t id);

#endif
