/* What one run of the simulation has in it: a random subset of features and of faults, and how the
 * world behaves; all of it drawn from the seed, because some bugs need that something is absent. */
#ifndef TESTS_TRUST_PLAN_H
#define TESTS_TRUST_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "io/sim/sim_net.h"

/* X(constant, name) */
#define FEATURE_LIST(X)                                                                            \
    X(FEATURE_FANOUT, "fanout")                                                                    \
    X(FEATURE_QUORUM, "quorum") /* a queue that counts how often a message came back */            \
    X(FEATURE_PRIORITY, "priority")                                                                \
    X(FEATURE_TTL, "ttl")               /* of a queue, its dead go on */                           \
    X(FEATURE_EXPIRATION, "expiration") /* of messages */                                          \
    X(FEATURE_BOUNDED, "bounded")       /* a maximal length, its dead go on */                     \
    X(FEATURE_SINGLE, "single")         /* a single active consumer */                             \
    X(FEATURE_REJECT, "reject")         /* rejected messages go on */                              \
    X(FEATURE_STREAM, "stream")                                                                    \
    X(FEATURE_REPLAY, "replay") /* a log-backed exchange, replayed into a queue */                 \
    X(FEATURE_DELAY, "delay")                                                                      \
    X(FEATURE_TRANSIENT, "transient") /* some messages are */                                      \
    X(FEATURE_TX, "tx")               /* publishers and consumers with transactions */             \
    X(FEATURE_REQUEUE, "requeue")                                                                  \
    X(FEATURE_GET, "get")                                                                          \
    X(FEATURE_LARGE, "large")           /* some bodies are */                                      \
    X(FEATURE_CHURN, "churn")           /* queues are declared and deleted meanwhile */            \
    X(FEATURE_PARTITIONS, "partitions") /* a stream that has some */                               \
    X(FEATURE_GROUP, "group")           /* consumers of streams share them */                      \
    X(FEATURE_FILTER, "filter")         /* consumers of streams see less of them */                \
    X(FEATURE_RETENTION, "retention")   /* streams that keep so much, or so long */                \
    X(FEATURE_COMPACT, "compact")       /* a log-backed exchange that is compacted */              \
    X(FEATURE_ONCE, "once")             /* publishers number, and send again */                    \
    X(FEATURE_MANDATORY, "mandatory")   /* some of it goes nowhere */                              \
    X(FEATURE_ROUTES, "routes")         /* exchanges behind exchanges */                           \
    X(FEATURE_RECREATE, "recreate")     /* a queue is purged, and deleted while it is used */      \
    X(FEATURE_OWN, "own")               /* queues that go with their clients */                    \
    X(FEATURE_RANK, "rank")             /* priorities of consumers */                              \
    X(FEATURE_POLICY, "policy")         /* policies change meanwhile */

#define FAULT_LIST(X)                                                                              \
    X(FAULT_POWER, "power")         /* cuts, the last write lost, torn, reordered */               \
    X(FAULT_KILL, "kill")           /* the process alone dies */                                   \
    X(FAULT_TWICE, "twice")         /* power fails again while it recovers */                      \
    X(FAULT_STOP, "stop")           /* ordered stops between */                                    \
    X(FAULT_SYNC, "sync")           /* a sync fails */                                             \
    X(FAULT_WRITE, "write")         /* a write fails */                                            \
    X(FAULT_FULL, "full")           /* the disk is full for a while */                             \
    X(FAULT_SLOW, "slow")           /* the disk is slow */                                         \
    X(FAULT_STALL, "stall")         /* the disk stands still for a while */                        \
    X(FAULT_CLOCK, "clock")         /* the wall clock jumps */                                     \
    X(FAULT_RESET, "reset")         /* connections break */                                        \
    X(FAULT_HALF_OPEN, "half_open") /* connections die without a word */                           \
    X(FAULT_SLOW_READER, "slow_reader")                                                            \
    X(FAULT_ROT, "rot") /* a bit turns on the disk while the broker is stopped */

enum feature {
#define X(constant, name) constant,
    FEATURE_LIST(X)
#undef X
        FEATURE_COUNT
};

enum fault {
#define X(constant, name) constant,
    FAULT_LIST(X)
#undef X
        FAULT_COUNT
};

struct plan {
    uint64_t seed;
    uint64_t features; /* a set of 1 << enum feature */
    uint64_t faults;   /* a set of 1 << enum fault */
    unsigned steps;
    unsigned publishers;
    unsigned consumers;
    unsigned fault_one_in; /* steps */
    struct sim_options sim;
    struct sim_disk_options disk;
    struct sim_way way;
    uint64_t segment_bytes;
    uint64_t block_bytes;
    uint64_t cold_segment_bytes;
    uint64_t burst_bytes_max;
    uint64_t sorter_buffer_bytes;
    uint64_t checkpoint_ms;
};

void plan_draw(struct plan *p, uint64_t seed);

static inline bool plan_has(const struct plan *p, enum feature feature)
{
    return (p->features & UINT64_C(1) << feature) != 0;
}

static inline bool plan_fails(const struct plan *p, enum fault fault)
{
    return (p->faults & UINT64_C(1) << fault) != 0;
}

/* The names of what is in it: "fanout ttl | power slow". */
void plan_write(const struct plan *p, struct buf *out);

#endif
