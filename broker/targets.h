/* Queues that a message goes to, grouped by the home they are on.
 *
 * What a set of ids leads to is remembered per virtual host, so that the usual message costs one
 * comparison. Owner: the virtual host. */
#ifndef BROKER_TARGETS_H
#define BROKER_TARGETS_H

#include <stddef.h>
#include <stdint.h>

#include "broker/home.h"
#include "exchange/route.h"
#include "msg/shortstr.h"

struct message;
struct named_queue;
struct queue;
struct vhost;

struct target_group {
    struct home *home;
    size_t first; /* into targets->queues */
    size_t count;
};

struct targets {
    uint64_t set;     /* id of the set; 0: none */
    uint64_t version; /* of the virtual host, when it was looked up */
    struct queue **queues;
    size_t count;
    size_t capacity;
    bool has_front;   /* one of them is a front: targets_choose() */
    size_t log_count; /* of them, those that are logs of exchanges: no places */
    size_t group_count;
    struct target_group groups[HOMES_MAX];
    uint64_t used;     /* found by name: so many messages were not counted yet */
    uint64_t queue;    /* its id; 0: there is none */
    uint8_t name_size; /* of the name that this was found by */
    uint8_t name[SHORTSTR_MAX];
};

struct targets *targets_new(void);
/* NULL is allowed. */
void targets_free(struct targets *t);

/* What a route leads to, borrowed until the virtual host changes or the next call. */
const struct targets *targets_find(struct vhost *v, const struct route *route);
/* One queue. */
const struct targets *targets_of_one(struct vhost *v, const struct named_queue *q);
/* The queue of that name, if there is one; the last name is remembered. */
const struct targets *targets_of_name(struct vhost *v, struct bytes name);

/* Counts the messages that the last name was used for with the default exchange. */
void targets_count_name(struct vhost *v);

/* The same with a partition for each front, as the message's key says; borrowed as the others. */
const struct targets *targets_choose(struct vhost *v, const struct targets *t,
                                     const struct message *m);

#endif
