/* A client of a load: one connection with one channel, which publishes or consumes.
 *
 *     away --actor_join--> here --actor_leave--> going --channel.close-ok--> away
 *                           '------ actor_drop, the connection breaks ------^
 *
 * Owner: a load. */
#ifndef TESTS_TRUST_LOAD_ACTOR_H
#define TESTS_TRUST_LOAD_ACTOR_H

#include "tests/trust/load/places.h"

enum { OUTSTANDING_MAX = 1024 };

enum actor_kind { ACTOR_PUBLISHER, ACTOR_CONSUMER };

/* How a channel makes sure. */
enum actor_mode { MODE_CONFIRM, MODE_TX, MODE_PLAIN };

struct outstanding {
    uint64_t message;
    uint64_t tag;    /* of a delivery */
    uint64_t source; /* where it died, and one; 0: nowhere */
    bool is_over;
};

struct actor {
    struct load *load;
    enum actor_kind kind;
    enum actor_mode mode;
    struct caller *caller; /* NULL: away */
    bool is_going;

    uint64_t channel;     /* publisher */
    uint64_t transaction; /* in the making; 0: none */
    unsigned in_transaction;
    bool is_committing;

    const struct place_row *place; /* consumer */
    uint64_t session;
    bool is_greedy; /* takes whatever comes, at once */
    bool is_getter;
    bool is_getting;

    struct outstanding row[OUTSTANDING_MAX]; /* published, or held; oldest first */
    unsigned row_count;

    bool is_gathering; /* a delivery whose content has not come yet */
    bool has_head;
    bool is_redelivered;
    uint64_t tag;
    uint64_t where;
    uint64_t body_size;
    struct buf props;
    struct buf body;
    uint64_t last_ms; /* when the last message came */
};

struct actor *actor_new(struct load *l, enum actor_kind kind);
void actor_free(struct actor *a);

/* The broker died: nothing more is written down, the history knows. */
void actor_abandon(struct actor *a);
/* The connection broke, or was closed by the broker. */
void actor_drop(struct actor *a);
/* Ends the channel in order, and goes when that is answered. */
void actor_leave(struct actor *a);
/* Looks at what has come. */
void actor_hear(struct actor *a);
/* Does something, by chance; who is away may come. */
void actor_act(struct actor *a);

/* ---- sender.c ---- */

/* False: nobody listens. */
bool sender_join(struct actor *a, enum actor_mode mode);
void sender_act(struct actor *a);
void sender_publish(struct actor *a, const struct target *t);
void sender_hear(struct actor *a, const struct method *m);
unsigned sender_waiting(const struct actor *a);

/* ---- taker.c ---- */

bool taker_join(struct actor *a, const struct place_row *place);
void taker_act(struct actor *a);
void taker_hear(struct actor *a, const struct method *m);
void taker_take(struct actor *a);

#endif
