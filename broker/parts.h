/* The structs behind broker.h, shared by the files of this room and by nobody else.
 *
 *     broker -- homes (partition, queues)
 *            |-- vhosts -- exchange table, named queues
 *            |-- definitions
 *            |-- visits -- exclusive queues; publishers
 *            '-- what happens at the end of a turn: confirms, replies, resumes, commits */
#ifndef BROKER_PARTS_H
#define BROKER_PARTS_H

#include "base/rand.h"
#include "broker/counters.h"
#include "broker/definitions.h"
#include "broker/home.h"
#include "broker/terms.h"
#include "broker/vhost.h"
#include "io/io.h"

struct announcements;
struct shortage;
struct replies;

/* By enum broker_queue_type; ended by NULL. */
extern const char *const broker_queue_types[];

#define TRANSIENT_ID (UINT64_C(1) << 62)
enum { RETRY_MS = 10 };

/* For "%.*s". */
#define SHOW(b) (int)(b).size, (b).size == 0 ? "" : (const char *)(b).data

/* Somebody who waits until publishing goes on. */
struct held {
    struct list_link link;
    void (*resume)(struct held *h);
};

/* Those who wait. */
struct holding {
    struct list held;      /* struct held */
    bool may_resume;       /* what held them is over */
    struct io_timer retry; /* when nothing presses, nothing else says when to try again */
};

/* Of logs of exchanges. */
struct broker_logs {
    struct list doomed;  /* named queues whose exchange went in this turn */
    struct list replays; /* those on their way, and those that are over in this turn */
    size_t replay_count;
    struct io_task ride; /* replays write beside what is published in this turn */
};

/* Buffers for what lives as long as one call. */
struct scratch {
    struct buf props;     /* properties that had to be changed */
    struct buf headers;   /* the same for their headers */
    struct buf keys;      /* struct bytes: the routing keys of a message */
    struct buf slip;      /* msg/slip.h */
    struct buf arguments; /* of a binding, sorted */
    struct buf stripped;  /* the same without those of a replay */
    struct buf policy;    /* what is told of policies */
    bool is_kept;         /* the last message that dead_route() was asked about is to be kept */
};

struct closing {
    bool is_on;
    unsigned left; /* parts that are not closed yet */
    void (*closed)(void *owner);
    void *owner;
};

struct broker {
    struct io *io;
    const struct broker_options *options;
    struct auth *auth;
    struct rand rand;
    uint64_t seed;

    struct home homes[HOMES_MAX];
    unsigned home_count;
    struct definitions definitions;
    struct term_buffers terms; /* for whoever writes a definition just now */
    struct names vhosts;
    struct map vhosts_by_id;
    struct list doomed; /* named queues that went while opening */
    struct broker_logs logs;

    struct list visits;
    bool has_expelled; /* some of them are to be told so */
    struct list looks; /* struct look, those that are open */
    struct broker_counters counters;
    struct list waiters; /* by position */
    struct list untold;  /* confirms with something to tell, or waiting for a commit */
    struct list commits; /* transactions that wait for a commit */
    struct holding holding;
    struct io_task turn;
    uint64_t turn_number;
    void *telling; /* whose callback runs; NULL when he was freed in it */

    struct shortage *shortage;
    struct replies *replies;
    struct announcements *announcements;
    struct scratch scratch;
    uint64_t next_transient_id; /* of queues that no record names; TRANSIENT_ID is set in them */
    struct closing closing;
};

struct visit {
    struct list_link link;
    struct held held;
    struct broker *broker;
    struct vhost *vhost;
    struct user *user;
    struct visit_calls calls;
    struct list owned; /* exclusive queues */
    size_t publisher_count;
    size_t channel_count;
    bool is_brief;
    char *name;               /* of the connection, or NULL */
    struct refusal *farewell; /* it must end, and why; NULL: it was told, or need not */
};

/* Something happened that the end of the turn looks at. */
static inline void broker_stir(struct broker *b)
{
    io_later(b->io, &b->turn);
}

/* Puts somebody on the list of those who wait; once is enough. */
void broker_hold(struct broker *b, struct held *h);
/* The log or the queues of a home take publishes again. */
void broker_release_held(struct broker *b);
/* The visit must end: it is told at the end of the turn. */
void visit_expel(struct visit *v, const char *kind, struct bytes name);
/* Tells those who must go. */
void visits_tell_expelled(struct broker *b);
/* A home failed, or has committed more. */
void broker_on_progress(struct broker *b, struct home *p);

#endif
