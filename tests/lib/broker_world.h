/* A broker in a simulated world, with short ways to use it: everything is a text.
 *
 *     struct broker_world w;
 *     broker_world_init(&w);
 *     broker_world_open(&w);                       guest visits "/"
 *     assert_int_equal(world_queue(&w, "q", "durable", ""), 0);
 *     world_publish(&w, "", "q", "hello");
 *     world_settle(&w);                            turns pass
 *     assert_int_equal(w.told.confirmed, 1);
 *     broker_world_crash(&w);                      power is lost
 *     broker_world_open(&w);
 *     ...
 *     broker_world_close(&w);
 *     broker_world_release(&w);
 *
 * Flags are words: durable, auto-delete, exclusive, internal, passive. Arguments are as in
 * tests/lib/board.h. What a call refused is in w.refusal.
 *
 * Owner: a test. */
#ifndef TESTS_LIB_BROKER_WORLD_H
#define TESTS_LIB_BROKER_WORLD_H

#include "broker/consume.h"
#include "broker/define.h"
#include "broker/publish.h"
#include "cluster/partition.h"
#include "io/sim/sim.h"
#include "tests/lib/board.h"

enum { WORLD_TOLD_MAX = 4096, WORLD_BODY_MAX = 64 };

#define WORLD_MS UINT64_C(1000000)

/* What a publisher was told. */
struct world_told {
    uint64_t confirmed;
    unsigned confirms; /* calls */
    uint64_t rejected[WORLD_TOLD_MAX];
    size_t rejected_count;
    unsigned replies;
    char reply_body[WORLD_BODY_MAX];
    char reply_key[256];
};

/* What visitors were told. */
struct world_heard {
    unsigned blocked; /* calls */
    char reason[64];  /* "": none */
    unsigned resumed;
};

struct world_publisher {
    struct publisher *publisher;
    struct world_told told;
};

/* Takes the messages of a queue. */
struct world_consumer {
    struct consumer *consumer;
    char bodies[WORLD_TOLD_MAX][16];
    bool are_redelivered[WORLD_TOLD_MAX];
    size_t count;
    struct delivery *deliveries[WORLD_TOLD_MAX];
    bool is_cancelled;
};

struct broker_world {
    struct sim_disk *disk;
    struct sim *sim;
    struct sim_node *node;
    struct io *io;
    struct datadir *data;
    struct log_options log;
    struct partition_options partition;
    struct queues_options queues;
    struct broker_options options;
    unsigned partition_count;
    struct broker *broker; /* NULL: closed */
    struct visit *visit;   /* of guest, in "/" */
    struct world_publisher publisher;
    struct world_heard heard;
    struct refusal refusal;
    struct defined_queue defined;
    struct err_note note;
    bool is_closed;
    struct board board; /* for tables out of text */
    struct buf props;
};

void broker_world_init(struct broker_world *w);
/* The same on a disk that has a life behind it, with that wall clock; takes it. */
void broker_world_init_on(struct broker_world *w, struct sim_disk *disk, int64_t wall_ms);
void broker_world_release(struct broker_world *w);
void broker_world_open(struct broker_world *w);
int broker_world_try_open(struct broker_world *w);
void broker_world_close(struct broker_world *w);
/* Power is lost, and what was not synced with it. */
void broker_world_crash(struct broker_world *w);
/* The same, with another image of the disk. */
void broker_world_crash_as(struct broker_world *w, const struct sim_crash *c);
/* Some time passes; checks the broker. */
void world_settle(struct broker_world *w);
void world_run_ms(struct broker_world *w, uint64_t ms);

/* A user with these permissions in "/", and a visit of his. */
struct user *world_user(struct broker_world *w, const char *name, const struct permission *p);
struct visit *world_visit(struct broker_world *w, struct user *u);

struct table world_table(struct broker_world *w, const char *arguments);

/* Each as `v`; the result is that of the call. */
int world_exchange_as(struct broker_world *w, struct visit *v, const char *name, const char *words,
                      const char *arguments);
int world_queue_as(struct broker_world *w, struct visit *v, const char *name, const char *flags,
                   const char *arguments);
int world_bind_as(struct broker_world *w, struct visit *v, const char *ends, const char *key,
                  const char *arguments);
int world_unbind_as(struct broker_world *w, struct visit *v, const char *ends, const char *key,
                    const char *arguments);
int world_delete_as(struct broker_world *w, struct visit *v, const char *name, const char *flags);

/* The same as guest. `words`: the type, then flags. `ends`: "source destination", an exchange with
 * '@' before it. */
int world_exchange(struct broker_world *w, const char *name, const char *words,
                   const char *arguments);
int world_queue(struct broker_world *w, const char *name, const char *flags, const char *arguments);
int world_bind(struct broker_world *w, const char *ends, const char *key, const char *arguments);
int world_unbind(struct broker_world *w, const char *ends, const char *key, const char *arguments);
int world_delete(struct broker_world *w, const char *name, const char *flags);
int world_delete_exchange(struct broker_world *w, const char *name, const char *flags);

/* Publishers. */
void world_publisher_open(struct broker_world *w, struct visit *v, struct world_publisher *p,
                          bool confirms);
void world_publisher_close(struct world_publisher *p);

/* A message in pieces of text; `props` are words: persistent, expiration=..., id=..., user=...,
 * reply=..., priority=..., and headers as in board.h behind "headers:". */
struct world_message {
    const char *exchange;
    const char *key;
    const char *props;
    const char *body;
};
/* Properties of such words, borrowed until the next ones. */
struct props world_props(struct broker_world *w, const char *words);
/* *is_routed says whether it went anywhere. */
int world_publish_as(struct broker_world *w, struct world_publisher *p,
                     const struct world_message *m, bool *is_routed);
/* A persistent one by guest; it must be taken. */
void world_publish(struct broker_world *w, const char *exchange, const char *key, const char *body);

uint64_t world_ready(struct broker_world *w, const char *queue);
/* Adds a consumer; without acks when `is_no_ack`. */
int world_consume_as(struct broker_world *w, struct visit *v, struct world_consumer *c,
                     const char *queue, bool is_no_ack);
void world_consumer_close(struct world_consumer *c);

/* Waits until definitions are committed; 0 or ERR_FAILED. */
int world_wait(struct broker_world *w);

#endif
