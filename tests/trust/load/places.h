/* The queues and exchanges that a load has, and whoever declares, looks for and deletes them. */
#ifndef TESTS_TRUST_LOAD_PLACES_H
#define TESTS_TRUST_LOAD_PLACES_H

#include "tests/trust/load/load.h"

enum feature {
    FEATURE_ALWAYS,
    FEATURE_FANOUT,
    FEATURE_QUORUM,
    FEATURE_PRIORITY,
    FEATURE_TTL,
    FEATURE_SINGLE,
    FEATURE_REJECT,
    FEATURE_STREAM,
    FEATURE_GROUP,
    FEATURE_REPLAY,
    FEATURE_DELAY,
    FEATURE_TX,
    FEATURE_COUNT,
};

struct place_row {
    const char *name;
    const char *arguments; /* tests/lib/table_text.h */
    enum feature needs;
    const char *dead; /* where its dead go; NULL: nowhere */
    uint64_t ttl;
    uint64_t priorities;
    const char *group; /* whoever reads it is of this one; NULL: none */
    bool counts;
    bool is_single;
    bool is_stream;
    bool is_fed; /* by the fanout */
};

static inline bool load_has(const struct load *l, enum feature feature)
{
    return feature == FEATURE_ALWAYS || (l->features & 1u << feature) != 0;
}

/* The place at `index` that the load has; NULL behind the last. The log of the log-backed exchange
 * is one of them. */
const struct place_row *places_row(const struct load *l, unsigned index);
unsigned places_count(const struct load *l);

/* Declares all, waiting for each answer, and writes down that it is there. False: the broker did
 * not answer, or refused. */
bool places_declare(struct load *l);
/* Looks for all, and for the last `churned` that were declared or deleted meanwhile. */
void places_look(struct load *l, uint64_t churned);
/* How many messages the queue has that nobody has; -1: no answer. */
int64_t places_ready(struct load *l, const char *queue);
/* One queue more is declared, or one is deleted. */
void places_churn(struct load *l);

/* Where a publish goes, drawn by chance. */
struct target {
    const char *exchange;
    const char *key;
    const char *queue; /* the only one; NULL: those of the exchange */
    bool is_delayed;
};
struct target places_target(struct load *l);
/* The queues of that target, as facts of the publish. */
void places_route(struct load *l, const struct target *t, struct event *e);

#endif
