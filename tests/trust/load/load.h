/* Clients that keep a real broker busy, and the history of what they see of it, over many lives.
 *
 * Whoever starts and ends the broker tells when it serves and when it has ended. Between the two
 * publishers and consumers work, queues are declared and deleted; in the end all is drained.
 *
 * Owner: one thread. */
#ifndef TESTS_TRUST_LOAD_LOAD_H
#define TESTS_TRUST_LOAD_LOAD_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/rand.h"
#include "tests/trust/history.h"
#include "tests/trust/load/caller.h"

enum { LOAD_ACTORS_MAX = 40, LOAD_TROUBLE_SIZE = 300, LOAD_PATIENCE_MS = 30000 };

struct actor;

struct load {
    struct history history; /* what is not in the file yet */
    FILE *out;              /* NULL: there is none */
    struct rand rand;
    uint32_t features; /* a set of 1 << enum feature of places.h */
    uint16_t port;
    bool is_serving;
    bool is_declared;  /* in this life */
    bool is_frozen;    /* nobody sees or does anything any more; the end of the broker is near */
    bool is_resting;   /* nobody does anything by himself for the rest of this life */
    bool is_replaying; /* the replay was asked for */
    struct actor *actors[LOAD_ACTORS_MAX];
    unsigned actor_count;
    struct caller *admin;  /* who asks and waits; NULL: nobody */
    uint64_t last_message; /* numbers that were given */
    uint64_t last_session;
    uint64_t last_channel;
    uint64_t last_transaction;
    uint64_t last_churn;
    uint64_t stream_next; /* behind the highest offset that was seen */
    uint64_t confirmed;
    uint64_t deliveries;
    char trouble[LOAD_TROUBLE_SIZE]; /* what did not work that must; "": nothing */
};

/* A new history begins, with topics and clients of this seed. False: the file cannot be written. */
bool load_open(struct load *l, const char *path, uint64_t seed);
void load_close(struct load *l);

/* The broker listens there, and has ended. */
void load_serve(struct load *l, uint16_t port);
void load_end(struct load *l, enum verb how);

/* From now on nothing is seen or done until the broker has ended: what it does meanwhile happens to
 * a disk that nobody will see again. */
void load_freeze(struct load *l);

/* A moment passes: some clients do something. */
void load_step(struct load *l);
/* All clients end their channels in order. */
void load_leave(struct load *l);
/* Everything is looked for, a publish to each queue confirmed, all queues emptied. */
void load_settle(struct load *l);

/* ---- for its files ---- */

uint64_t load_now_ms(void);
struct event *load_event(struct load *l, enum verb verb);
uint64_t load_word(struct load *l, const char *word);
bool load_chance(struct load *l, uint32_t num, uint32_t den);
uint64_t load_below(struct load *l, uint64_t limit);
/* Waits so long for anything to come, takes it, and lets everybody look at it. */
void load_turn(struct load *l, int ms);
/* The first trouble stays. */
void load_trouble(struct load *l, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
