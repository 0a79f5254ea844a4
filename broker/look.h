/* Looking: all that is there, as a person who asks for it is shown it.
 *
 *     struct look at;
 *     struct look_queue q;
 *     look_open(&at, b, LOOK_QUEUES, vhost);     vhost without data: all of them
 *     while (look_queue(&at, &q))
 *         ...                                    q is borrowed until the loop goes on
 *     look_close(&at);
 *
 * A look may stay open over turns, so a long list can be told in pieces: what goes meanwhile is not
 * told any more, what comes new is told if its place is still ahead. A look that is open keeps
 * nothing alive. All looks are closed before broker_close().
 *
 * What one thing is like is asked by name: look_find_queue() ...; false when it is not there.
 *
 * Owner: one shard. */
#ifndef BROKER_LOOK_H
#define BROKER_LOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auth/auth.h"
#include "base/bytes.h"
#include "base/list.h"
#include "broker/counters.h"
#include "exchange/exchange.h"
#include "queue/queue_args.h"

struct broker;
struct names_entry;
struct vhost;

enum look_kind {
    LOOK_VHOSTS,
    LOOK_QUEUES,
    LOOK_EXCHANGES,
    LOOK_BINDINGS,
    LOOK_USERS,
    LOOK_PERMISSIONS,
    LOOK_TOPIC_PERMISSIONS,
};

/* Lies in its owner's struct. */
struct look {
    struct list_link link;
    struct broker *broker;
    enum look_kind kind;
    struct vhost *only; /* of this virtual host alone; NULL: of all */
    bool is_over;
    const void *outer; /* the next one to be told: its virtual host, exchange or user */
    const void *at;    /* it itself */
    const struct names_entry *between; /* of a topic permission: the virtual host of the user */
};

/* `vhost` without data: all. One that is not there has nothing. */
void look_open(struct look *l, struct broker *b, enum look_kind kind, struct bytes vhost);
/* Allowed twice, and for one that is all zero. */
void look_close(struct look *l);

/* ---- virtual hosts ---- */

#define LOOK_UNSET INT64_MIN

struct look_vhost {
    struct bytes name;
    struct bytes description;
    struct bytes tags;               /* with commas between them */
    struct bytes default_queue_type; /* "": that of the node */
    bool is_tracing;
    bool is_protected;       /* from deletion */
    int64_t connections_max; /* LOOK_UNSET: nobody set one; other negative ones are no limit */
    int64_t queues_max;
    uint64_t connections;
    uint64_t queues;
    uint64_t exchanges;
    uint64_t bindings; /* without those of the default exchange */
    uint64_t ready;
    uint64_t unacked;
    struct vhost_counts counts;
    struct queues_tally tally; /* of all its queues, those that are gone included */
};
bool look_vhost(struct look *l, struct look_vhost *out);
/* It must exist. */
const struct vhost_counts *look_vhost_counts(const struct broker *b, struct bytes name);
bool look_find_vhost(struct broker *b, struct bytes name, struct look_vhost *out);

/* ---- queues ---- */

/* The policies that apply, by name ("": none), and what they say together; that is borrowed until
 * the next look at a queue or an exchange. */
struct look_policies {
    struct bytes name;
    struct bytes operator_name;
    struct table definition;
};

struct look_queue {
    struct bytes vhost;
    struct bytes name;
    bool is_durable;
    bool is_auto_delete;
    bool is_exclusive;
    bool is_partition; /* of a stream with x-partitions, which makes it and is told of too */
    bool is_log;       /* of an exchange, which makes it */
    const char *owner; /* of an exclusive one: the name of its connection; NULL: none */
    uint64_t id;
    unsigned partition;
    struct table arguments;        /* as declared */
    const struct queue_args *args; /* in effect */
    struct look_policies policies;
    struct queue_stats stats;
    struct queue *queue; /* for what queue.h tells beyond that */
};
bool look_queue(struct look *l, struct look_queue *out);
bool look_find_queue(struct broker *b, struct bytes vhost, struct bytes name,
                     struct look_queue *out);

/* A consumer of a queue; starts and ends with NULL. In one turn. */
struct look_consumer {
    struct bytes vhost;
    struct bytes queue;
    bool is_single; /* the queue serves one at a time */
    struct consumer_view view;
};
struct consumer *look_consumer(const struct look_queue *q, const struct consumer *at,
                               struct look_consumer *out);
/* One that is known, of a queue of that virtual host. */
void look_consumer_of(const struct consumer *c, struct bytes vhost, struct look_consumer *out);

/* ---- exchanges and bindings ---- */

struct look_exchange {
    struct bytes vhost;
    struct bytes name;
    struct bytes type;
    bool is_durable;
    bool is_auto_delete;
    bool is_internal;
    struct table arguments;
    struct bytes alternate; /* in effect; no data: none */
    bool is_delayed;
    uint64_t waiting; /* messages that wait in a delayed one until they are due */
    struct look_policies policies;
    uint64_t published_in;  /* messages that came, since the start */
    uint64_t published_out; /* how many queues got them */
};
bool look_exchange(struct look *l, struct look_exchange *out);
bool look_find_exchange(struct broker *b, struct bytes vhost, struct bytes name,
                        struct look_exchange *out);

struct look_binding {
    struct bytes vhost;
    struct bytes source;
    struct bytes destination;
    bool is_to_exchange;
    struct bytes key;
    struct table arguments;
};
/* Those that were made; that each queue is bound to the default exchange is not told. */
bool look_binding(struct look *l, struct look_binding *out);

/* The bindings of an exchange, or to an exchange or a queue; `at` starts and ends with NULL. In one
 * turn. */
struct look_end {
    struct bytes vhost;
    struct bytes name;
    enum { LOOK_FROM_EXCHANGE, LOOK_TO_EXCHANGE, LOOK_TO_QUEUE } side;
};
const struct binding *look_binding_of(struct broker *b, const struct look_end *end,
                                      const struct binding *at, struct look_binding *out);

/* How many of the messages published to an exchange a queue got, since the later of the two is
 * there or the node has started. */
struct look_flow {
    struct bytes exchange;
    struct bytes queue;
    uint64_t count;
};
/* All of an exchange, in no order, and all of a queue, by age of the exchange: at most
 * LOOK_FLOWS_MAX, as new memory. Returns how many. */
enum { LOOK_FLOWS_MAX = 10000 };
size_t look_exchange_flows(struct broker *b, struct bytes vhost, struct bytes exchange,
                           struct look_flow **out);
size_t look_queue_flows(struct broker *b, struct bytes vhost, struct bytes queue,
                        struct look_flow **out);

/* ---- users ---- */

struct look_user {
    struct user_spec spec;
    int64_t connections_max;
    int64_t channels_max;
    uint64_t connections;
    uint64_t channels;
};
bool look_user(struct look *l, struct look_user *out);
bool look_find_user(struct broker *b, struct bytes name, struct look_user *out);

struct look_permission {
    struct bytes user;
    struct bytes vhost;
    struct permission permission;
};
bool look_permission(struct look *l, struct look_permission *out);
bool look_find_permission(struct broker *b, struct bytes user, struct bytes vhost,
                          struct look_permission *out);

struct look_topic_permission {
    struct bytes user;
    struct topic_permission permission;
};
bool look_topic_permission(struct look *l, struct look_topic_permission *out);

#endif
