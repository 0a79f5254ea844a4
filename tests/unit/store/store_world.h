/* A store on a partition in a simulated world, with the simplest queues that can use it: ledgers.
 *
 *     struct store_world w;
 *     store_world_init(&w);
 *     store_world_open(&w);
 *     store_world_publish(&w, &(struct store_world_message){.number = 7, .queues = 3});
 *     store_world_expect_all(&w);           every live message is read, wherever it lies
 *     store_world_crash(&w, ...);           and opened again
 *     store_world_close(&w);
 *     store_world_release(&w);
 *
 * There are STORE_WORLD_QUEUES queues; all but the last are durable. A message is made from its
 * number: texts, properties and body follow from it. The world remembers what was published and
 * settled, and at which position, so it knows what must be there after a crash.
 *
 * The fold is what the store expects of one: see classify() for who keeps a record where.
 *
 * Owner: a test. */
#ifndef TESTS_UNIT_STORE_STORE_WORLD_H
#define TESTS_UNIT_STORE_STORE_WORLD_H

#include "store/ledger.h"
#include "store/store.h"
#include "tests/lib/partition_world.h"

enum { STORE_WORLD_QUEUES = 4, STORE_WORLD_FLEETING = STORE_WORLD_QUEUES - 1 };

/* What the world remembers of a message in a queue. */
struct store_world_entry {
    uint64_t number;
    uint64_t body_size;
    uint64_t published; /* position; UINT64_MAX: not in the log */
    uint64_t settled;   /* position of the settle; UINT64_MAX: it was not */
};

struct store_world_queue {
    uint64_t id;
    bool is_durable;
    struct ledger ledger;
    bool is_laned;                     /* its records go to its own lane */
    bool is_deep;                      /* they are to */
    struct store_world_entry *entries; /* by seq */
    size_t capacity;
    struct store_reader *reader;
};

/* A message in a lane, while every checkpoint is lost. */
struct store_world_survivor {
    int queue;
    uint64_t seq;
    struct ledger_entry entry;
};

struct store_world {
    struct partition_world p;
    struct store_options options;
    struct store *store;
    struct store_world_queue queues[STORE_WORLD_QUEUES];
    struct partition_watcher watcher;
    struct store_world_survivor *survivors;
    size_t survivor_count;
    bool has_survivors; /* what was settled may come back */
    uint64_t committed;
    uint32_t pressures;
    bool is_pressed; /* as last told */
};

struct store_world_message {
    uint64_t number;
    bool is_transient;
    unsigned queues; /* a set of bits; at least one */
    uint64_t body_size;
    uint64_t shares_parts;       /* as in store.h */
    struct store_upload *upload; /* the same */
};

void store_world_init(struct store_world *w);
void store_world_release(struct store_world *w);
void store_world_open(struct store_world *w);
void store_world_close(struct store_world *w);
/* Opens again too. */
void store_world_crash(struct store_world *w, const struct sim_crash *crash);
/* The same, and every checkpoint is lost. */
void store_world_crash_badly(struct store_world *w);

/* What store_put() returned; on success the queues have it. */
MUST_USE int store_world_try_publish(struct store_world *w, const struct store_world_message *m);
/* It must work; the world turns while it is held back. Returns the place. */
uint64_t store_world_publish(struct store_world *w, const struct store_world_message *m);
/* Ends a live message of a queue, with a record when it is durable. */
void store_world_settle(struct store_world *w, int queue, uint64_t seq);
uint64_t store_world_place(struct store_world *w, int queue, uint64_t seq);

/* Bytes of the body of a message. */
void store_world_fill(uint64_t number, uint64_t from, uint8_t *at, size_t size);

/* What store_read() or store_body_next() said in the end, the world turning while it said
 * ERR_AGAIN. The content must be right. */
MUST_USE int store_world_read(struct store_world *w, int queue, uint64_t seq);
/* Every live message can be read, queue by queue. */
void store_world_expect_all(struct store_world *w);
/* Two checkpoints, and the sorter has done what it can. */
void store_world_sort(struct store_world *w);
void store_world_check(struct store_world *w);

#endif
