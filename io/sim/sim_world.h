/* The inside of a simulated world. Private to io/sim; sim.h is the manual.
 *
 *     sim_world.c    events, clock, running, trace
 *     sim_node.c     nodes: clocks, pauses, deaths
 *     sim_shard.c    struct io: turns, timers, tasks
 *     sim_jobs.c     worker threads of a node
 *     sim_net_parts.h and its files: the network
 *
 * Invariants:
 *   V1  the clock never goes back, and no event is planned in the past;
 *   V2  events of one time run in the order in which they were planned;
 *   V3  a shard's turn is planned whenever there is something for it to do. */
#ifndef IO_SIM_SIM_WORLD_H
#define IO_SIM_SIM_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/heap.h"
#include "base/list.h"
#include "base/rand.h"
#include "io/job_queue.h"
#include "io/sim/sim.h"
#include "io/sim/sim_net.h"

enum { SIM_HOST_SIZE = 24 };

/* Something that will happen. Lies in its owner's struct; zeroed before its first use. */
struct sim_event {
    struct heap_node node;
    void (*fn)(struct sim_event *e);
};

struct sim {
    struct sim_options options;
    uint64_t now_ns;
    uint64_t planned; /* events so far, the running number of V2 */
    uint64_t happened;
    struct heap events;
    bool is_inside; /* an event is running */
    struct rand rand;
    struct rand test_rand;
    struct list nodes;
    uint32_t node_count;
    uint32_t shard_count; /* so far */
    uint64_t job_count;   /* so far */
    struct list connections;
    uint64_t connection_count; /* so far */
    struct list routes;
    struct sim_way default_way;
    uint64_t trace;
    sim_tell_fn *tell;
    void *tell_owner;
};

struct sim_node {
    struct list_link link;
    struct sim *sim;
    char *name;
    uint32_t number;
    char host[SIM_HOST_SIZE]; /* "10.0.0." and its number */
    struct sim_disk *disk;
    struct list shards;
    int64_t wall_offset_ms;
    bool is_paused;
    bool is_halted;
    enum sim_death death;
    struct job_queue jobs; /* that no worker has */
    struct list taken;     /* jobs that workers have */
    uint32_t busy_workers;
    struct list held; /* work that cannot go on: the node is paused or its disk stalled */
    struct list listeners;
    uint32_t socket_count;
    uint32_t socket_limit;
    uint16_t next_port;
};

struct sim_shard {
    struct io base;
    struct list_link link;
    struct sim_node *node;
    uint32_t number;
    struct rand rand;
    struct sim_event turn;
    uint64_t free_ns; /* no turn starts before */
    bool is_turning;
    struct heap timers;
    uint64_t timers_started;
    struct list tasks;
    struct list finished; /* jobs */
    bool is_woken;
    struct list active;     /* sockets that may be ready */
    struct list acceptable; /* listeners that may have somebody waiting */
    uint32_t jobs;          /* submitted, not done */
    uint32_t sockets;       /* with listeners */
};

/* Plans the event `delay_ns` from now; a planned one is planned anew. */
void sim_event_plan(struct sim *s, struct sim_event *e, uint64_t delay_ns,
                    void (*fn)(struct sim_event *e));
void sim_event_cancel(struct sim *s, struct sim_event *e);
bool sim_event_is_planned(const struct sim_event *e);

/* Up to `limit` by chance, itself too; no number is drawn for 0. */
uint64_t sim_chance_up_to(struct sim *s, uint64_t limit);
/* True one time out of so many; never for 0. */
bool sim_chance_one_in(struct sim *s, uint32_t one_in);

/* Writes down that something happens: to whom, what, and with what. */
void sim_world_trace(struct sim *s, const char *who, const char *what, uint64_t with);

struct sim_shard *sim_shard_of(struct io *io);
/* The shard has something to do. */
void sim_shard_plan_turn(struct sim_shard *sh);
/* A node goes on: turns that were missed. */
void sim_shard_resume(struct sim_shard *sh);

void sim_jobs_submit(struct sim_shard *sh, struct io_job *j);
void sim_jobs_follow(struct sim_shard *sh, struct io_job *j, struct io_job *first);
bool sim_jobs_recall(struct io_job *j, struct io_job *first);
/* No job is submitted and not done. */
bool sim_jobs_idle(const struct sim_node *n);
/* Held work goes on, if nothing else holds it. */
void sim_jobs_resume(struct sim_node *n);

/* The network's part of a turn; whether it has more to do. */
void sim_net_turn(struct sim_shard *sh);
bool sim_net_has_work(struct sim_shard *sh);
void sim_net_node_halted(struct sim_node *n);
void sim_net_node_restarted(struct sim_node *n);
void sim_net_release(struct sim *s);
extern const struct net_ops sim_net_ops;

#endif
