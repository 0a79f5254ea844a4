/* A client's socket with its buffers: bytes in, bytes out, in turns.
 *
 *     readable -> read once -> connection_take() -> what is left over is kept
 *     output grows -> one flush at the end of the turn -> one write
 *                         '- the socket is full: wait until it has room
 *
 *     open --session_finish--> the last bytes go out --> closed --> freed at the end of the turn
 *       '------ lost, session_close ---------------------^
 *
 * Nothing is freed inside a call: a session that is closed stays until the end of the turn, so that
 * whoever called still finds it. Owner: one shard. */
#ifndef AMQP_SESSION_H
#define AMQP_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "amqp/input.h"
#include "amqp/look.h"
#include "amqp/output.h"
#include "base/list.h"
#include "io/io.h"
#include "io/net.h"

struct amqp;

struct session {
    struct list_link link; /* of the door */
    struct amqp *door;
    struct socket *socket; /* NULL: closed */
    struct input input;
    struct output output;
    struct io_task flush_task;
    struct io_task work_task;
    struct io_timer output_timer;
    struct net_address peer;
    struct session_look look;
    uint64_t read_ns;  /* when something came last */
    uint64_t wrote_ns; /* when something went last */
    unsigned watched;
    bool is_full;      /* the socket took not all */
    bool is_flush_due; /* the flush was put off once in this turn */
    bool is_finishing;
};

void session_init(struct session *s, struct amqp *door, struct socket *socket);

/* There is something in the output: it goes out at the end of the turn. */
void session_flush(struct session *s);

/* Goes on with what was left over, and reads again, at the end of the turn; also the time for what
 * the connection put off (connection_work()). */
void session_work(struct session *s);

/* Sets what is watched anew. */
void session_rewatch(struct session *s);

/* Closes when all output is gone. Nothing is read any more. */
void session_finish(struct session *s);

/* Closes at once; what waits is lost. */
void session_close(struct session *s);

static inline bool session_is_closed(const struct session *s)
{
    return s->socket == NULL;
}

#endif
