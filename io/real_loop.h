/* Private to the real world: the insides of one loop, for the files that hang on to it.
 *
 * Owner: the shard that runs the loop; but any thread may touch `mail` under its lock. */
#ifndef IO_REAL_LOOP_H
#define IO_REAL_LOOP_H

#include <event2/event_struct.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/heap.h"
#include "base/list.h"
#include "io/io.h"
#include "io/net.h"

struct event_base;
struct workers;

enum { LOOP_CHANCE_COUNT = 32 }; /* random numbers fetched at a time */

/* What other threads leave for the loop.
 *
 *   M1  is_told is true from the first arrival until the loop empties the mail; who makes it true
 *       writes to the eventfd, so that many arrivals cost one write.
 *   M2  that write is the last thing its maker does with the loop, and the loop hears of it before
 *       it empties the mail: it may close as soon as it has.
 *   M3  a job that ends and the one that follows it (io_follow()) meet under the lock: either the
 *       worker finds it there and takes it along, or the loop finds the first one at home. So it
 *       comes home behind the first one, whichever worker has it. */
struct loop_mail {
    pthread_mutex_t lock;
    struct list finished; /* jobs whose work is over */
    bool is_told;
    bool is_woken;
    bool is_stopping;
};

struct real_io {
    struct io base;
    struct workers *workers;
    struct event_base *events;
    bool is_running;

    bool is_time_known; /* the clocks of this turn were read */
    uint64_t now_ns;
    int64_t wall_ms;

    struct heap timers; /* of io_timer.node, by time and number */
    uint64_t timer_number;
    int timer_fd;
    uint64_t armed_ns; /* when timer_fd will fire; UINT64_MAX: not */
    struct event timer_event;

    struct list tasks; /* of io_task.link */

    struct loop_mail mail;
    int mail_fd;
    bool has_mail; /* the eventfd fired in this turn */
    bool is_stopped;
    struct event mail_event;

    size_t job_count;    /* submitted, done() not called yet */
    size_t socket_count; /* sockets and listeners open */
    struct list signals; /* of struct real_signal, real_signal.c */

    uint64_t chance[LOOP_CHANCE_COUNT];
    size_t chance_left;
};

static inline struct real_io *real_io_of(struct io *io)
{
    return CONTAINER_OF(io, struct real_io, base);
}

extern const struct net_ops real_net_ops;

/* Brings a finished job home; for worker threads. Returns the one that follows it, or NULL. */
struct io_job *loop_finish_job(struct io_job *j);

/* Frees what real_on_signal() made. */
void loop_release_signals(struct real_io *r);

#endif
