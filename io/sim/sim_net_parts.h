/* The inside of a simulated network. Private to io/sim; sim_net.h is the manual.
 *
 *     sim_net.c         ways, cuts, lost connections, deaths of nodes
 *     sim_connection.c  two ends and two pipes: what arrives, what breaks
 *     sim_pipe.c        one direction: bytes in flight and arrived
 *     sim_socket.c      the sockets of io/net.h, and their part of a turn
 *     sim_listener.c    listeners and connecting
 *
 *       end 0 (who connected)                        end 1 (who accepted)
 *      sim_socket --------- pipes[0] ------------->  sim_socket
 *          <--------------- pipes[1] ----------------
 *
 * Invariants:
 *   N1  a connection lives while an end holds it or it waits in a listener's backlog;
 *   N2  arrived <= stored, and stored + owed <= capacity, in each pipe;
 *   N3  the segments of a pipe arrive in their order;
 *   N4  a socket that is ready for what it watches is on its shard's active list. */
#ifndef IO_SIM_SIM_NET_PARTS_H
#define IO_SIM_SIM_NET_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "io/sim/sim_world.h"

struct sim_connection;
struct sim_pipe;

/* One way between two nodes. */
struct sim_route {
    struct list_link link; /* in sim->routes */
    struct sim_node *from;
    struct sim_node *to;
    struct sim_way way;
    bool is_cut;
};

enum segment_kind {
    SEGMENT_CONNECT,
    SEGMENT_ACCEPT,
    SEGMENT_REFUSE,
    SEGMENT_BYTES,
    SEGMENT_END,   /* of the stream */
    SEGMENT_RESET, /* of the connection */
};

/* What became of a segment that arrived: it was taken, it must come again, or the connection is
 * gone with its pipes. */
enum arrival { ARRIVAL_TAKEN, ARRIVAL_AGAIN, ARRIVAL_GONE };

/* How an end leaves: with the end of the stream, unless it left bytes unread; with a reset;
 * without a word. */
enum leave { LEAVE_END, LEAVE_RESET, LEAVE_SILENT };

/* Something on its way. Its event is planned while it travels; a held one has none. */
struct sim_segment {
    struct list_link link; /* in pipe->segments */
    struct sim_event event;
    struct sim_pipe *pipe;
    enum segment_kind kind;
    size_t size;
    uint32_t crc; /* of its bytes, for the trace */
};

struct sim_pipe {
    struct sim_connection *connection;
    unsigned from; /* the end that writes */
    struct sim_route *route;
    struct sim_route *way_back;
    struct list segments;
    bool is_held; /* the first segment arrived where nobody takes it */
    struct sim_event give_up;

    uint8_t *ring;
    size_t ring_size; /* grows up to capacity */
    size_t start;
    size_t stored;  /* arrived or in flight */
    size_t arrived; /* of these: may be read */
    size_t owed;    /* read, but the writer does not know yet */
    size_t capacity;
    struct sim_event room; /* the writer hears of `room_coming` bytes */
    size_t room_coming;
    bool is_room_held;

    bool is_ended; /* the writer said that it sends no more */
    bool is_reset; /* the writer said that the connection is broken */
    bool has_end;  /* the reader has come to know of the end */
};

struct sim_connection {
    struct list_link link; /* in sim->connections */
    struct sim *sim;
    uint64_t number;
    struct sim_node *nodes[2];
    struct sim_socket *ends[2]; /* NULL: gone, or not accepted yet */
    struct sim_pipe pipes[2];
    uint16_t ports[2];
    bool is_loopback; /* by 127.0.0.1 or ::1 */
    bool is_forgotten;
    struct sim_listener *waiting; /* in whose backlog it is */
    struct list_link waiting_link;
    struct sim_event connect_limit;
};

struct sim_socket {
    struct socket base;
    struct list_link active_link;      /* in shard->active */
    struct sim_connection *connection; /* NULL: the node died */
    unsigned end;
    struct net_address peer;
    struct net_address local;
    socket_event_fn *fn;
    void *owner;
    unsigned watched;
    bool is_open; /* connected */
    bool is_broken;
    int read_error; /* what a broken one says once; 0: said */
    int write_error;
};

struct sim_listener {
    struct listener base;
    struct list_link link;            /* in node->listeners; not when the node died */
    struct list_link acceptable_link; /* in shard->acceptable */
    bool is_any;
    bool is_loopback;
    uint16_t port;
    listener_accept_fn *fn;
    void *owner;
    bool is_paused;
    struct sim_event rest;
    struct list backlog; /* of connection.waiting_link */
    size_t backlog_count;
};

struct sim_socket *sim_socket_of(struct socket *s);

/* ---- sim_net.c ---- */

struct sim_route *sim_route_find(struct sim *s, struct sim_node *from, struct sim_node *to);
uint64_t sim_route_delay_ns(const struct sim_route *r);
size_t sim_route_buffer_bytes(const struct sim_route *r);
uint64_t sim_route_give_up_ns(const struct sim_route *r, uint64_t fallback_ns);

/* ---- sim_pipe.c ---- */

void sim_pipe_init(struct sim_pipe *p, struct sim_connection *c, unsigned from);
void sim_pipe_release(struct sim_pipe *p);
size_t sim_pipe_room(const struct sim_pipe *p);
/* Sends `size` bytes, for which there is room, in pieces. */
void sim_pipe_send_bytes(struct sim_pipe *p, const struct iovec *parts, size_t size);
void sim_pipe_send(struct sim_pipe *p, enum segment_kind kind);
/* Takes `size` arrived bytes out. */
void sim_pipe_take(struct sim_pipe *p, void *buf, size_t size);
/* Nothing of what is in flight will arrive. */
void sim_pipe_drop_flight(struct sim_pipe *p);
/* Nobody will read what has arrived or will arrive. */
void sim_pipe_drop_arrived(struct sim_pipe *p);
/* What was held goes on, if nothing blocks the way any more. */
void sim_pipe_resume(struct sim_pipe *p);

/* ---- sim_connection.c ---- */

struct sim_connection *sim_connection_new(struct sim_node *from, struct sim_node *to);
/* Takes note of what arrived at the end of its pipe. */
enum arrival sim_connection_arrive(struct sim_connection *c, const struct sim_segment *seg);
/* The end lets go of it. True when the connection is gone with that. */
bool sim_connection_leave(struct sim_connection *c, unsigned end, enum leave how);
/* Both ends see a reset. True when the connection is gone with that. */
bool sim_connection_break(struct sim_connection *c);
/* Frees it when nobody holds it (N1). True when it did. */
bool sim_connection_gone(struct sim_connection *c);

/* ---- sim_socket.c ---- */

struct sim_socket *sim_socket_new(struct io *io, struct sim_connection *c, unsigned end);
void sim_socket_break(struct sim_socket *s, int read_error, int write_error);
/* N4 */
void sim_socket_activate(struct sim_socket *s);

/* ---- sim_listener.c ---- */

/* A connect arrived at end 1. False when the backlog is full. */
bool sim_listener_arrive(struct sim_connection *c);
/* The waiting connection will not be accepted. */
void sim_listener_forget(struct sim_connection *c);
void sim_listener_turn(struct sim_shard *sh);
/* The node dies. */
void sim_listener_kill(struct sim_listener *l, enum sim_death how);

int sim_listen(struct io *io, const char *host, uint16_t port, listener_accept_fn *fn, void *owner,
               struct listener **out, struct err_note *note);
uint16_t sim_listener_port(const struct listener *l);
void sim_listener_pause(struct listener *l, bool is_paused);
void sim_listener_close(struct listener *l);
int sim_connect(struct io *io, const char *host, uint16_t port, struct socket **out,
                struct err_note *note);

#endif
