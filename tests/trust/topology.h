/* The queues and exchanges of a run, and whoever declares them. */
#ifndef TESTS_TRUST_TOPOLOGY_H
#define TESTS_TRUST_TOPOLOGY_H

#include <stdbool.h>

#include "tests/trust/run.h"

/* Of one queue. */
struct queue_row {
    const char *name;
    const char *arguments; /* tests/lib/table_text.h */
    int needs;             /* an enum feature, or -1 */
    const char *dead;      /* where its dead go; NULL: nowhere */
    uint64_t ttl;          /* 0: none; so the others */
    uint64_t priorities;
    bool is_bounded;
    bool counts;
    bool is_single;
    bool is_stream;
    bool is_fed; /* by the fanout */
};

/* The queue at `index` that the plan has; NULL behind the last. */
const struct queue_row *topology_queue(const struct run *r, unsigned index);
unsigned topology_count(const struct run *r);
/* The stream behind the log-backed exchange; NULL: there is none. */
const struct queue_row *topology_log(const struct run *r);

/* Declares all of it, waiting for each answer, and writes down that it is there. False, with
 * r->trouble, when an answer is missing or wrong. */
bool topology_declare(struct run *r);
/* Looks for all that was declared. */
void topology_look(struct run *r);
/* How many messages the queue has that nobody has; -1: no answer. */
int64_t topology_ready(struct run *r, const char *queue);
/* One queue more is declared, or one is deleted; the answer is not certain. */
void topology_churn(struct run *r);

/* Where a publish goes, drawn by chance. */
struct target {
    const char *exchange;
    const char *key;
    const char *queue; /* the only one; NULL: those of the exchange */
    bool is_delayed;
};
struct target topology_target(struct run *r);
/* The queues of that target, as facts of the publish. */
void topology_route(struct run *r, const struct target *t, struct event *e);

#endif
