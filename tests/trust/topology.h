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
    const char *front;     /* the stream that it is a partition of; NULL: of none */
    uint64_t ttl;          /* 0: none; so the others */
    uint64_t priorities;
    uint64_t keep;       /* bytes that a stream keeps at least */
    uint64_t age_ms;     /* and how long */
    uint64_t partitions; /* of a front */
    bool is_bounded;
    bool counts;
    bool is_single;
    bool is_stream;
    bool is_compacted;
    bool is_made;   /* with something else, and nobody publishes to it by its name */
    bool is_fed;    /* by the fanout */
    bool is_shared; /* groups read it */
};

/* The queue at `index` that the plan has; NULL behind the last. */
const struct queue_row *topology_queue(const struct run *r, unsigned index);
unsigned topology_count(const struct run *r);

/* Declares all of it, waiting for each answer, and writes down that it is there. False, with
 * r->trouble, when an answer is missing or wrong. */
bool topology_declare(struct run *r);
/* Looks for all that was declared. Queues that belong to clients are gone with them. */
void topology_look(struct run *r);
/* How many messages the queue has that nobody has; -1: no answer. */
int64_t topology_ready(struct run *r, const char *queue);
/* One queue more is declared, or one is deleted; the answer is not certain. */
void topology_churn(struct run *r);
/* The queue of FEATURE_RECREATE is purged, or deleted and declared again, whoever uses it. */
void topology_recreate(struct run *r);
/* Somebody declares a queue that goes with him, or with its last consumer, and goes. */
void topology_own(struct run *r);
/* The policy of the bounded queue changes. */
void topology_policy(struct run *r);

/* ---- routes.c ---- */

/* Where a publish goes, drawn by chance. */
struct target {
    const char *exchange;
    const char *key;
    const char *queue;         /* the only one; NULL: those of the exchange */
    const char *partition_key; /* NULL: the key */
    bool is_delayed;
    bool is_nowhere; /* no queue takes it, and it is mandatory */
};
struct target topology_target(struct run *r);
/* To one queue, through the default exchange. */
struct target topology_target_of(struct run *r, const struct queue_row *row);
/* The queues of that target, as facts of the publish. */
void topology_route(struct run *r, const struct target *t, struct event *e);
/* The partition of a front that a key belongs to. */
unsigned topology_partition(const struct queue_row *front, struct bytes key);

#endif
