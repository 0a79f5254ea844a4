/* The world as one shard sees it: clock, chance, timers, work on other threads, sockets.
 *
 * Everything that could differ between two runs of the same code comes through here, so that
 * tests can be the world. Two worlds exist: the real one (io/real.h) and the simulated one
 * (io/sim/sim.h), which is a single thread with a virtual clock and gives the same trace for
 * the same seed.
 *
 *     one turn of the loop:   sockets and timers that are due -> callbacks
 *                             jobs that other threads finished -> their done()
 *                             tasks asked for by io_later()    -> run, until there are none
 *                             wait
 *
 * Invariants:
 *   W1  a callback never runs inside the call that caused it, only later, from the loop;
 *   W2  all callbacks of one struct io run on its one thread;
 *   W3  the clock stands still within a callback's turn: io_now_ns() is the turn's time; only to
 *       read from a socket moves it on, so that nothing that came is later than the clock.
 *
 * Owner: one shard each; only io_wake() may be called from other threads. */
#ifndef IO_IO_H
#define IO_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "base/heap.h"
#include "base/list.h"

struct io;
struct disk;

/* A call at a later time. Lies in its owner's struct; init once, start and stop at will. */
struct io_timer {
    struct heap_node node;
    void (*fn)(struct io_timer *t);
};

/* A call at the end of this turn. Lies in its owner's struct. */
struct io_task {
    struct list_link link;
    void (*fn)(struct io_task *t);
};

/* Who waits for a job. A more urgent one is taken first, and does not wait for threads that others
 * have: job_queue.h. */
enum io_urgency {
    IO_URGENT,     /* commits: every publisher waits for each */
    IO_WANTED,     /* reads: somebody wants what they bring, and there may be many at a time */
    IO_BACKGROUND, /* preparing, sorting, housekeeping */
    IO_URGENCY_COUNT,
};

/* Work that may block: `work` runs on a worker thread and may use only what the job owns and
 * a disk; `done` runs on the shard afterwards. Between io_submit() and done the job belongs
 * to the world. */
struct io_job {
    struct list_link link;
    void (*work)(struct io_job *j);
    void (*done)(struct io_job *j);
    struct io *io; /* set by io_submit() */
    enum io_urgency urgency;
    struct io_job *then; /* the world's: begins when this one's work is over */
    bool is_over;        /* the world's: its work is */
};

/* A world implements these; net.h has the part for sockets. */
struct io_ops {
    uint64_t (*now_ns)(struct io *io);
    int64_t (*wall_ms)(struct io *io);
    uint64_t (*random)(struct io *io);
    void (*timer_start)(struct io *io, struct io_timer *t, uint64_t delay_ns);
    void (*timer_stop)(struct io *io, struct io_timer *t);
    void (*later)(struct io *io, struct io_task *t);
    void (*submit)(struct io *io, struct io_job *j);
    void (*follow)(struct io *io, struct io_job *j, struct io_job *first);
    bool (*recall)(struct io *io, struct io_job *j, struct io_job *first);
    void (*wake)(struct io *io);
};

struct net_ops;

/* The first field of a world's own struct. */
struct io {
    const struct io_ops *ops;
    const struct net_ops *net;
    struct disk *disk;
    void (*on_wake)(void *owner); /* see io_set_wake() */
    void *on_wake_owner;
};

/* Monotonic time of this turn; never goes back, says nothing about the date. */
uint64_t io_now_ns(struct io *io);

/* Wall clock of this turn, milliseconds since 1970. It may jump in both directions. */
int64_t io_wall_ms(struct io *io);

/* 64 random bits; in the real world good enough for names that must not be guessed. */
uint64_t io_random(struct io *io);

/* Prepares a timer that is not running. */
void io_timer_init(struct io_timer *t, void (*fn)(struct io_timer *t));

/* Calls t->fn once, `delay_ns` from now; a running timer is set anew. */
void io_timer_start(struct io *io, struct io_timer *t, uint64_t delay_ns);

/* After this, t->fn will not be called. A timer that is not running is allowed. */
void io_timer_stop(struct io *io, struct io_timer *t);
bool io_timer_is_running(const struct io_timer *t);

void io_task_init(struct io_task *t, void (*fn)(struct io_task *t));

/* Calls t->fn at the end of this turn, in the order asked. Asking again before that changes
 * nothing. */
void io_later(struct io *io, struct io_task *t);
/* Takes the request back. */
void io_task_cancel(struct io_task *t);

/* Hands the job to a worker. Jobs of one shard may run side by side and end in any order. */
void io_submit(struct io *io, struct io_job *j);

/* Hands over a job that begins when the work of `first` has ended, at once and on the same worker,
 * without a turn of the loop between them; it is done after `first` is. One job may follow
 * another, which is submitted, not done yet, and urgent, as this one. */
void io_follow(struct io *io, struct io_job *j, struct io_job *first);

/* Takes back a job that follows `first`, which is not done yet. False when it is too late: then the
 * work of `first` has ended. */
MUST_USE bool io_recall(struct io *io, struct io_job *j, struct io_job *first);

/* What runs on the shard after some other thread called io_wake(): it empties the mailbox. */
void io_set_wake(struct io *io, void (*fn)(void *owner), void *owner);

/* From any thread: run the wake callback soon. Many calls before that are one. */
void io_wake(struct io *io);

#endif
