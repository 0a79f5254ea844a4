/* The struct behind publish.h, shared by the files of this room that publish. */
#ifndef BROKER_PUBLISHER_H
#define BROKER_PUBLISHER_H

#include <stdbool.h>
#include <stdint.h>

#include "broker/confirms.h"
#include "broker/home.h"
#include "broker/publish.h"
#include "msg/once.h"
#include "msg/shortstr.h"

struct exchange;
struct queue_set;
struct queues_publish;
struct route;
struct targets;

/* The exchange that was published to last, and that this is allowed; good while nothing changed. */
struct publish_memo {
    struct exchange *exchange; /* NULL: nothing is remembered */
    uint64_t vhost_version;
    uint64_t auth_version;
    uint64_t count; /* of messages since it is remembered */
    bool is_topic;
    bool is_default;
    bool is_delayed;
    uint8_t name_size;
    uint8_t name[SHORTSTR_MAX];
};

/* Which homes have taken a message, and what must be committed before it is safe. */
struct sent {
    uint32_t done;               /* a bit for each home that has it */
    size_t at;                   /* of the home that comes next: so many queues have it */
    struct store_upload *upload; /* the body on its way there, when it is a large one */
    uint64_t uploaded;           /* bytes of it */
    bool came_before;            /* the body came by publisher_upload(); the message has none */
    bool has_failed;
    bool is_straight; /* and so may those behind it (queue/train.h); of the last home */
    uint32_t rejected;
    size_t count;
    struct {
        struct home *home;
        uint64_t position;
    } logged[HOMES_MAX];
};
STATIC_ASSERT(HOMES_MAX <= 32, "a bit for each home");

/* How many messages went to other exchanges than the remembered one: of the last PUBLISHED_PLACES,
 * in the order they came to be so. */
enum { PUBLISHED_PLACES = 32 };
struct publisher_other {
    uint64_t exchange; /* the hash of its name; what collides is counted together */
    uint64_t count;
};

/* The way of the last message, for a train behind it (queue/train.h). */
struct train_way {
    struct exchange *exchange;
    const struct targets *targets;
    struct queue_set *set; /* NULL: they were found by name, or the route is not remembered */
    size_t places;
    bool is_for_train; /* it depends on nothing but the front of the message */
    bool is_straight;
};

struct publisher {
    struct visit *visit;
    const struct publisher_ops *ops;
    void *owner;
    struct confirms confirms;
    struct publish_memo memo;
    struct sent sent; /* of a message that not all homes could take yet */
    struct train_way way;
    unsigned channel;               /* of the client, as the firehose says it */
    struct publisher_other *others; /* NULL: none yet */
    size_t other_next;              /* the place that is taken next */
    uint64_t reply_slot;            /* 0: it does not take replies */
};

/* A message that passed all checks, as it goes out. */
struct outgoing {
    struct message message;
    struct exchange *exchange;
    uint64_t expiration_ms;
    const struct bytes *keys; /* the routing key, then those of CC and BCC */
    size_t key_count;
    unsigned channel;  /* of the client */
    bool may_be_reply; /* to a consumer of amq.rabbitmq.reply-to */
    bool is_delayed;   /* exchanges that are delayed hold it back */
    struct once once;
    bool is_keyed; /* it has a x-deduplication-header */
};

/* Checks and changes the message; what it changes lies in the broker's buffers until the next
 * call. ERR_DENIED. */
MUST_USE int outgoing_make(struct publisher *p, const struct message *m, struct outgoing *out,
                           struct refusal *refusal);

/* So many messages went to the exchange of that name. */
void publisher_count(struct publisher *p, struct bytes exchange, uint64_t count);
/* The remembered exchange will be another one. */
void publisher_count_memo(struct publisher *p);
/* A message went nowhere. */
void publisher_count_unroutable(struct publisher *p, bool is_mandatory);

/* Whether its headers say that it is not due yet. */
bool outgoing_is_delayed(struct broker *b, const struct props *props);

/* Whether the message goes to queues alone, of whom none needs its body in one piece. */
bool outgoing_is_for_queues(struct visit *v, const struct outgoing *o);
/* Adds bytes to a large body that goes to this home before its message. ERR_FULL, ERR_FAILED. */
MUST_USE int outgoing_upload(struct home *home, const struct message *head, struct bytes part,
                             struct sent *sent, size_t *taken);

/* Hands the message to the queues it goes to; out->places as in struct published. What was sent
 * before an ERR_AGAIN is in *sent, which must be empty at first. */
MUST_USE int outgoing_send(struct visit *v, const struct outgoing *o, struct sent *sent,
                           struct train_way *out);
/* Counts so many bodies as published that way. */
void outgoing_count_train(struct visit *v, const struct train_way *way, const struct bytes *bodies,
                          size_t count_of);
void sent_clear(struct sent *s); /* allowed for one that is all zero */
/* Adds the positions of another message; the newest of each home counts. */
void sent_merge(struct sent *s, const struct sent *other);

/* Hands a message to these queues; all but which they are is in *publish. ERR_AGAIN. */
MUST_USE int targets_send(const struct targets *t, struct queues_publish *publish,
                          struct sent *sent);

/* Gives the message to the exchanges on its way that keep some for later bindings. */
void targets_keep(struct vhost *v, const struct route *route, const struct message *m,
                  uint64_t ttl_ms);

/* Tells the publisher what there is to tell; he may be freed by that. */
void publisher_tell(struct publisher *p);

#endif
