/* A client of a run: one connection with one channel, which publishes or consumes. What it sends
 * and sees becomes events of the history.
 *
 *     away --party_join--> here --party_leave--> going --channel.close-ok--> away
 *                           '---- party_drop, the connection breaks ----------^
 *
 * Owner: a run. */
#ifndef TESTS_TRUST_PARTY_H
#define TESTS_TRUST_PARTY_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/trust/mail.h"
#include "tests/trust/run.h"
#include "tests/trust/topology.h"

enum { OUTSTANDING_MAX = 2048 };

enum party_kind { PARTY_PUBLISHER, PARTY_CONSUMER };

/* How a channel makes sure. */
enum party_mode { MODE_PLAIN, MODE_CONFIRM, MODE_TX };

struct outstanding {
    uint64_t message;
    uint64_t tag;    /* of a delivery */
    uint64_t source; /* where it died, and one; 0: nowhere */
    bool is_over;
};

/* One message of a publisher that numbers, for sending it again. */
struct numbered {
    struct mail_spec spec;
    struct target target;
};

/* What a consumer of a stream, or of a queue, wants. */
struct wish {
    const char *group;   /* NULL: none; so the others */
    const char *label;   /* what it must have */
    const char *pattern; /* what its key must fit */
    bool takes_unlabelled;
    int priority;
};

/* A message whose content has not come whole yet. */
struct parcel {
    bool is_open;
    bool has_head;
    bool is_redelivered;
    uint64_t tag;
    uint64_t where;
    char key[32]; /* the routing key */
    struct buf props;
    struct buf body;
    uint64_t body_size;
};

struct party {
    struct run *run;
    enum party_kind kind;
    enum party_mode mode;
    struct client *client; /* NULL: away */
    bool is_going;
    bool is_deaf; /* reads nothing for a while */
    uint64_t heartbeat_ms;

    uint64_t channel;     /* publisher */
    uint64_t transaction; /* in the making; 0: none */
    unsigned in_transaction;
    bool is_committing;
    struct numbered *numbered; /* of each in `row`; NULL: it does not number */
    unsigned again;            /* so many of them have to be sent again */
    uint64_t seq;              /* the last number */
    char id[16];

    const struct queue_row *queue; /* consumer */
    struct wish wish;
    unsigned credit;
    uint64_t session;
    bool is_greedy;    /* acks whatever comes, at once */
    bool is_getter;    /* asks for each message */
    bool is_getting;   /* has asked */
    bool is_cancelled; /* it takes nothing any more */

    struct outstanding row[OUTSTANDING_MAX]; /* published, or held; oldest first */
    unsigned row_count;

    struct parcel in;
    uint64_t last_ms; /* when the last message came */
};

struct party *party_new(struct run *r, enum party_kind kind);
void party_free(struct party *p);

/* The broker died: nothing more is written down, the history knows. */
void party_abandon(struct party *p);
/* The connection breaks from this side. */
void party_drop(struct party *p);
/* The same, and the broker may notice so much later. */
void party_vanish(struct party *p, uint64_t noticed_ms);
/* Ends the channel in order, and goes when that is answered. */
void party_leave(struct party *p);
void party_deafen(struct party *p, bool is_deaf);

/* First sees whether connections have broken, then what has come. */
void party_look(struct party *p);
void party_poll(struct party *p);

/* ---- publisher.c ---- */

void publisher_join(struct party *p);
void publisher_join_with(struct party *p, enum party_mode mode);
void publisher_act(struct party *p);
void publisher_publish(struct party *p, const struct target *t);
/* Handles basic.ack, basic.nack, tx.commit-ok and tx.rollback-ok. */
void publisher_hear(struct party *p, const struct method *m);
/* A message has come back. */
void publisher_take(struct party *p);
/* What it has no answer for must be sent again, if it numbers. */
void publisher_abandon(struct party *p);
/* How many publishes have no answer yet. */
unsigned publisher_waiting(const struct party *p);

/* ---- consumer.c ---- */

void consumer_join(struct party *p, const struct queue_row *queue);
/* The same, as somebody who wants that. */
void consumer_join_with(struct party *p, const struct queue_row *queue, const struct wish *wish);
void consumer_act(struct party *p);
void consumer_hear(struct party *p, const struct method *m);
/* A whole message has come. */
void consumer_take(struct party *p);

#endif
