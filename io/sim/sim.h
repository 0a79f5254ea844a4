/* A whole world in one thread: a clock that a test turns, nodes with shards and disks, a
 * network.
 *
 *     struct sim                         one seed, one clock, one row of events
 *       |-- node "a" -- disk             a process on a machine of its own (host 10.0.0.1)
 *       |     |-- struct io (shard)      what the rooms see (io/io.h)
 *       |     '-- struct io (shard)
 *       '-- node "b" ...                 the network between them: sim_net.h
 *
 * Everything that happens is an event at a virtual time; events run by time, then in the order
 * in which they were planned. Between two events nothing happens, so a quiet hour costs nothing.
 * A shard's events are its turns: sockets, timers, finished jobs, the wake call, then tasks, as
 * drawn in io.h.
 *
 * Jobs: each node has worker threads. A job's work() runs at once when a worker takes it, its
 * disk operations take effect then; done() is called when the latency they had has passed
 * (sim_disk.h, sim_disk_set_latency).
 *
 * The same seed and the same calls give the same run; sim_trace() proves it. No choice depends
 * on an address, on the real clock, or on anything else outside.
 *
 * Death of a node: sim_node_halt(), then the test closes what it had there (nothing of that has
 * an effect any more) and frees the shards, builds the disk's image when the power failed, and
 * restarts.
 *
 * Owner: one thread for a world and its disks. */
#ifndef IO_SIM_SIM_H
#define IO_SIM_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "base/rand.h"
#include "io/io.h"
#include "io/sim/sim_disk.h"

struct sim;
struct sim_node;

struct sim_options {
    uint64_t seed;
    int64_t wall_ms;       /* the wall clock at the start; 0: 2026-01-01 00:00 UTC */
    uint32_t worker_count; /* of each node; 0: 2 */
    uint64_t turn_ns;      /* how long a turn keeps a shard busy; 0: 1,000 */
    uint64_t turn_late_ns; /* a turn may start so much late, by chance */
    uint64_t job_late_ns;  /* a job may start so much late, by chance */
};

/* A world without nodes; NULL options are all zero. Goes back through sim_free(). */
struct sim *sim_new(const struct sim_options *options);

/* All shards must be freed. Disks are the caller's. NULL is allowed. */
void sim_free(struct sim *s);

/* ---- time ---- */

/* Runs the next event. False when nothing is planned. */
bool sim_step(struct sim *s);

/* Runs all that happens in the next `ns`; the clock then stands exactly there. */
void sim_run_for(struct sim *s, uint64_t ns);

/* Runs until the question is answered with true, which is the result; false when `limit_ns` have
 * passed or nothing is planned any more. It is asked before the first event and after each. */
typedef bool sim_question_fn(void *owner);
MUST_USE bool sim_run_until(struct sim *s, sim_question_fn *question, void *owner,
                            uint64_t limit_ns);

/* Runs until nothing is planned. False when `limit_ns` pass before that. */
MUST_USE bool sim_run_idle(struct sim *s, uint64_t limit_ns);

/* Virtual time since the world began: what io_now_ns() says on every node. */
uint64_t sim_now_ns(const struct sim *s);

/* ---- nodes ---- */

/* A node; the name is copied, the disk borrowed for as long as the world lives (NULL: it has
 * none). It belongs to the world. At most 200. */
struct sim_node *sim_node_new(struct sim *s, const char *name, struct sim_disk *disk);

const char *sim_node_name(const struct sim_node *n);
struct sim_disk *sim_node_disk(const struct sim_node *n);

/* Its address for others: "10.0.0.1". It listens on "", "0.0.0.0", "::", its address, and on
 * 127.0.0.1 or ::1 for itself alone. */
const char *sim_node_host(const struct sim_node *n);

/* One more shard of this node; goes back through sim_io_free(). */
struct io *sim_io_new(struct sim_node *n);

/* Its timers are stopped, its jobs done, its sockets and listeners closed, no task waits:
 * anything left is an assertion. */
void sim_io_free(struct io *io);

/* Moves the node's wall clock by so much, in either direction. */
void sim_node_jump_wall(struct sim_node *n, int64_t ms);

/* A paused node runs nothing (SIGSTOP, a paused machine), but its kernel still takes bytes in.
 * What came due meanwhile runs when it goes on. */
void sim_node_set_paused(struct sim_node *n, bool is_paused);

/* Its sockets and listeners are limited to so many together; 0: no limit. */
void sim_node_set_socket_limit(struct sim_node *n, uint32_t limit);

enum sim_death {
    SIM_DEATH_PROCESS, /* the process is gone: its connections break, the disk keeps its cache */
    SIM_DEATH_POWER,   /* the machine is gone: peers hear nothing, the cache is lost */
};

/* From now on nothing that the node's remaining code does has an effect: disk operations fail with
 * ERR_IO, its sockets are broken, its listeners hear of nobody. */
void sim_node_halt(struct sim_node *n, enum sim_death how);
bool sim_node_is_halted(const struct sim_node *n);

/* The node may have shards again. All old ones must be freed; after SIM_DEATH_POWER
 * sim_disk_crash() must have built what the disk holds now. */
void sim_node_restart(struct sim_node *n);

/* ---- chance and trace ---- */

/* For choices of the test itself: they are part of the run. */
struct rand *sim_rand(struct sim *s);

/* A hash over all events so far and over the traces of all disks. */
uint64_t sim_trace(const struct sim *s);

/* Adds something of the test's own to the trace. */
void sim_trace_add(struct sim *s, uint64_t value);

/* Events so far. */
uint64_t sim_event_count(const struct sim *s);

/* One line for each event, without a newline, for whoever looks for a bug: "1.000250000 a timer
 * 17". NULL ends it. */
typedef void sim_tell_fn(void *owner, const char *line);
void sim_tell(struct sim *s, sim_tell_fn *fn, void *owner);

#endif
