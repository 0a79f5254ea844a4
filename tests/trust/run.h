/* One run of the simulation: a broker in its world, clients that keep it busy, and the history of
 * what they see.
 *
 *     trust_run(&options, &result)
 *         safety     clients work, faults happen
 *         liveness   faults end; everything must work again and come out
 *         stop       an ordered stop and start: nothing comes a second time
 *
 * Owner: one thread. */
#ifndef TESTS_TRUST_RUN_H
#define TESTS_TRUST_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/rand.h"
#include "tests/sim/client.h"
#include "tests/sim/world.h"
#include "tests/trust/history.h"
#include "tests/trust/plan.h"

enum { PARTIES_MAX = 48, TROUBLE_SIZE = 300, ROT_PATH_SIZE = 256, RUN_HANGS_MS = 100000 };

struct party;

/* A bit that turned in a file of the broker. */
struct rot {
    char path[ROT_PATH_SIZE]; /* "": none */
    uint64_t at;
    unsigned bit;
    bool is_told; /* the broker has named the file since */
};

struct run {
    struct plan plan;
    struct world world;
    struct rand rand;
    struct history history;
    struct party *parties[PARTIES_MAX];
    unsigned party_count;
    uint64_t last_message; /* numbers that were given */
    uint64_t last_session;
    uint64_t last_channel;
    uint64_t last_transaction;
    uint64_t last_churn;
    uint64_t last_own;
    uint64_t last_publisher;
    bool is_replaying;       /* the replay was asked for */
    bool is_full;            /* the disk, for now */
    bool is_stalled;         /* the same */
    bool are_consumers_away; /* they do not come back, for now */
    unsigned crashes;
    struct rot rot;
    bool speaks;                /* as in run_options */
    char trouble[TROUBLE_SIZE]; /* what did not work that must; "": nothing */
};

struct run_result {
    uint64_t trace;
    size_t events;
    size_t messages;
    size_t confirmed;
    size_t deliveries;
    size_t redeliveries;
    unsigned crashes;
    uint64_t virtual_ms;
    bool is_good;
    char *report; /* what is wrong, and the plan; the caller's */
};

struct run_options {
    uint64_t seed;
    const char *history_path; /* where the history goes; NULL: nowhere */
    bool speaks;              /* the broker's diagnostics come too */
};

void trust_run(const struct run_options *o, struct run_result *out);

/* ---- for the files of a run ---- */

uint64_t run_now_ms(const struct run *r);
struct event *run_event(struct run *r, enum verb verb);
uint64_t run_word(struct run *r, const char *word);
bool run_chance(struct run *r, uint32_t num, uint32_t den);
uint64_t run_below(struct run *r, uint64_t limit);
/* Whether the disk may keep the broker waiting. Who waits for it, as for a commit, is not listened
 * to meanwhile, so that a client's going may be noticed late. */
bool run_may_hang(const struct run *r);
/* Time passes; clients see what comes, and do nothing. */
void run_wait(struct run *r, uint64_t ms);
/* A moment passes, and some clients do something. */
void run_step(struct run *r);
/* The first trouble stays. */
void run_trouble(struct run *r, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
