/* A client's connection: the machine above its socket.
 *
 *     greeting --AMQP 0 0 9 1--> starting --start-ok--> tuning --tune-ok--> opening --open--+
 *        |                           '--------- an error, or our close --------'            v
 *        |                                          v                  '--------------- running
 *        '--not ours------------------> closed <-- closing (until close-ok, or a time)      |
 *                                         ^------------- his close; close-ok goes out ------'
 *
 * Frames are taken where they lie, one after the other. A STALL holds the next one back: while an
 * answer is not safe yet, while publishing is held back, while the client does not take what he
 * asked for. It stops reading too; deliveries and heartbeats go on.
 *
 * What a call from below (queue, broker) ends, ends in connection_work(), never inside that call.
 *
 * Invariants, checked by connection_check():
 *   N1  there are channels, a visit, a transaction or a consumer only while it is running;
 *   N2  nothing is taken while there is a stall, and nothing is read;
 *   N3  who waits in `waiting` could not be given a message, and is when there is room again.
 *
 * Owner: one shard. */
#ifndef AMQP_CONNECTION_H
#define AMQP_CONNECTION_H

#include "amqp/reply.h"
#include "amqp/session.h"
#include "amqp/wire/method.h"
#include "base/map.h"
#include "broker/broker.h"

struct channel;
struct user;

enum connection_state {
    CONNECTION_GREETING,
    CONNECTION_STARTING,
    CONNECTION_TUNING,
    CONNECTION_OPENING,
    CONNECTION_RUNNING,
    CONNECTION_CLOSING,
    CONNECTION_CLOSED,
};

/* Why no frame is taken. */
enum connection_stall {
    STALL_WAIT = 1,     /* an answer waits until what was defined is safe */
    STALL_GET = 2,      /* basic.get has no answer yet */
    STALL_COMMIT = 4,   /* tx.commit neither */
    STALL_PUBLISH = 8,  /* a publish was answered "again" */
    STALL_BLOCKED = 16, /* publishers are blocked, and this one publishes */
    STALL_OUTPUT = 32,  /* the client does not read what he asked for */
    STALL_BODY = 64,    /* the channel is inside a large message */
    STALL_REST = 128,   /* it has had its share of this turn */
};

/* Part of a body frame that has not come whole. */
struct body_part {
    uint16_t channel;
    bool is_open;
    size_t left; /* of its payload; then comes the end octet */
};

/* What the client says that he can hear, and what he means. */
struct client {
    bool wants_blocked;
    bool wants_login_failure;
    bool wants_cancel;
    bool has_channel_qos; /* every basic.qos is the channel's */
};

struct heartbeat {
    uint16_t period_s; /* agreed; 0: none */
    uint64_t tick_ns;  /* when ours was due last */
    uint64_t second;   /* in which those of the client are counted */
    uint32_t count;
};

/* After its share of a turn a connection rests. */
struct rest {
    struct list_link link; /* on the door's list, with STALL_REST */
    size_t worked;         /* messages times queues, since it last rested */
};

struct connection {
    struct session session;
    enum connection_state state;
    unsigned stalls;
    uint32_t frame_max;
    size_t output_max;
    uint16_t channel_max;
    struct client client;
    bool is_delayed; /* only waits for the end of a failed login */
    bool is_deaf;    /* what comes is no frames any more */
    bool is_blocked; /* publishers are held back */
    bool said_blocked;
    bool is_resumed; /* connection_on_resumed() came */
    bool has_room;   /* who waits for room may be served again */
    bool is_stopping;
    struct body_part part;
    struct visit *visit;
    struct user *user;
    struct map channels;
    struct channel *last; /* the channel of the last frame, or NULL */
    struct rest rest;
    struct list waiting;     /* subscribers that had no room */
    struct list bodies;      /* large bodies on their way */
    struct list ending;      /* channels that end in connection_work() */
    struct list gone;        /* channels whose memory waits for it */
    struct channel *stalled; /* who waits with STALL_WAIT, _GET, _COMMIT, _PUBLISH */
    struct broker_waiter waiter;
    struct buf answer;      /* what it waits with */
    struct reply *farewell; /* it ends in connection_work(), and why; or NULL */
    struct io_timer timer;  /* handshake, heartbeats, the end */
    struct heartbeat heartbeat;
};

/* A new client. Takes the socket. */
void connection_open(struct amqp *door, struct socket *socket);
void connection_free(struct connection *c);

/* The broker stops. */
void connection_stop(struct connection *c);

/* ---- for its session ---- */

/* Takes frames off the front of the window; returns how many bytes. */
size_t connection_take(struct connection *c, struct bytes window);
bool connection_reads(const struct connection *c);
/* Does what was put off. */
void connection_work(struct connection *c);
void connection_on_sent(struct connection *c);
void connection_on_close(struct connection *c);

/* ---- for its channels and methods ---- */

/* Writes a method. */
void connection_write(struct connection *c, uint16_t channel, const struct method *m);

/* Ends it: connection.close with this reply. `method` is the id of the one at fault, or 0. */
void connection_fail(struct connection *c, uint32_t method, const struct reply *r);
void connection_fail_text(struct connection *c, uint32_t method, enum reply_code code,
                          const char *format, ...) PRINTF_LIKE(4, 5);
/* Whether the limits of its user allow one more channel, which is counted; else it ends. */
bool connection_count_channel(struct connection *c);
/* The end for a peer that would not understand a word: after a delay, without one. */
void connection_fail_silently(struct connection *c);

/* The client closed it; the answer goes out and then the socket is closed. */
void connection_close(struct connection *c);
/* All is said; what is written goes out and then the socket is closed. */
void connection_finish(struct connection *c);

void connection_stall(struct connection *c, enum connection_stall why, struct channel *ch);
void connection_resume(struct connection *c, enum connection_stall why);
/* A message went to so many queues: after much of that the others have their turn first. */
void connection_count_work(struct connection *c, size_t places);

/* Gives the memory of the held answer back. */
void connection_forget_answer(struct connection *c);

/* The channel of that number, or NULL. */
struct channel *connection_find(struct connection *c, uint16_t id);

/* True when so much waits for the socket that no more messages should be added. */
static inline bool connection_is_full(const struct connection *c)
{
    return c->session.output.bytes >= c->output_max;
}

/* Something is about to be published. True when publishers are blocked: then nothing more is read,
 * its content included, until they may go on, and the client is told. */
bool connection_holds_publish(struct connection *c);
/* What was answered "again" may be tried again (visit_calls.resumed). */
void connection_on_resumed(void *owner);

/* The timer becomes that of a connection that is open. */
void connection_start_heartbeat(struct connection *c);

/* A method on channel 0; amqp/class_connection.c. */
void connection_method(struct connection *c, const struct method *m);

/* After the greeting. */
void connection_start(struct connection *c);

/* Ends what hangs on it: channels, the visit. */
void connection_release(struct connection *c);

struct broker *connection_broker(const struct connection *c);
struct io *connection_io(const struct connection *c);

void connection_check(struct connection *c);

#endif
