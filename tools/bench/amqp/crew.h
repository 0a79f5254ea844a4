/* All who work on one run: producers, consumers, what they send and how it is judged.
 *
 *     producers --publish--> broker --deliver--> desks (connections of consumers)
 *         '------------------ crew: meter, checker, who must wait ----------------'
 *
 * crew_init, open what the run needs, crew_start, turn the loop, crew_stop, crew_drain, crew_judge,
 * crew_release. Owner: the load's thread. */
#ifndef TOOLS_BENCH_AMQP_CREW_H
#define TOOLS_BENCH_AMQP_CREW_H

#include <stdint.h>

#include "tools/bench/amqp/cargo.h"
#include "tools/bench/amqp/checker.h"
#include "tools/bench/amqp/load.h"
#include "tools/bench/amqp/meter.h"
#include "tools/bench/amqp/topology.h"

struct producer;
struct desk;

struct crew {
    struct load *load;
    const struct workload *work;
    struct topology topology;
    struct cargo cargo;
    struct checker checker;
    struct meter meter;
    struct producer *producers; /* work->producers of them, once opened */
    struct desk *desks;
    uint32_t desk_count;
    uint64_t fan;       /* deliveries that a message causes; 0 while nobody consumes */
    uint64_t ahead_max; /* publishers wait when so many deliveries are due */
    double interval_ns; /* of one producer's messages; 0: no rate */
    uint64_t start_ns;  /* when the first message is due */
    bool is_publishing;
    struct io_task resume;                    /* tells producers that waited */
    struct topology_name keys[TOPOLOGY_KEYS]; /* of a topic exchange */
};

/* For one run on the broker that the load goes to. Both are borrowed. */
void crew_init(struct crew *c, struct load *load, const struct workload *work, uint32_t run);
void crew_release(struct crew *c);

/* Opens all producers' connections, or all consumers', and waits until they are ready; consumers
 * then get messages. Errors: those of the load. */
MUST_USE int crew_open_producers(struct crew *c);
MUST_USE int crew_open_consumers(struct crew *c);

/* Producers publish from now on, until crew_stop() or until the work's count is reached; after
 * crew_stop() they go on. */
void crew_start(struct crew *c);
void crew_stop(struct crew *c);

/* Whether all producers have published what the work's count asks for, and had it confirmed. */
bool crew_is_published(void *crew);

/* Waits until all that was published is confirmed, and delivered if somebody consumes. When nothing
 * came for the work's patience, what is due is lost. Errors: those of the load. */
MUST_USE int crew_drain(struct crew *c);

/* Looks at the lanes and at what the broker refused. Errors: ERR_CORRUPT, with a sentence. */
MUST_USE int crew_judge(struct crew *c, struct err_note *note);

/* Closes all connections politely. Errors: those of the load. */
MUST_USE int crew_close(struct crew *c);

/* Drops all connections without a word; what was published and delivered is still known. */
void crew_hang_up(struct crew *c);

/* When message `sequence` of a producer is due; there must be a rate. */
static inline uint64_t crew_due_ns(const struct crew *c, uint32_t producer, uint64_t sequence)
{
    double share = c->interval_ns * producer / (double)c->work->producers;

    return c->start_ns + (uint64_t)(c->interval_ns * (double)sequence + share);
}

/* How many more messages may be published before consumers are too far behind. */
uint64_t crew_room(const struct crew *c);

/* Messages were delivered: wakes producers that waited. */
void crew_on_delivered(struct crew *c);

#endif
