/* A stage for tests of the simulated network: two nodes, a listener, and sides that read and keep
 * what they hear. */
#ifndef TESTS_UNIT_IO_SIM_NET_STAGE_H
#define TESTS_UNIT_IO_SIM_NET_STAGE_H

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "io/sim/sim_net.h"
#include "tests/lib/test.h"

enum { MS = 1000 * 1000, US = 1000, PORT = 5672, SIDES_MAX = 300, TEXT_SIZE = 4000 };

static const uint64_t second_ns = 1000 * (uint64_t)MS;

/* One side of a connection. It reads all it can, unless told not to, and keeps the text. */
struct side {
    struct socket *socket;
    char text[TEXT_SIZE];
    size_t size;
    unsigned events; /* all that were told */
    int error;       /* of the last read: ERR_CLOSED at the end */
    uint64_t heard_ns;
};

/* Two nodes "a" and "b", a shard each; "b" listens. */
struct stage {
    struct sim *sim;
    struct sim_node *a;
    struct sim_node *b;
    struct io *io_a;
    struct io *io_b;
    struct listener *listener;
    struct side client;
    struct side servers[SIDES_MAX]; /* in the order accepted */
    size_t server_count;
};

/* ---- sides ---- */

static inline void side_read(struct side *s)
{
    size_t done = 0;

    for (;;) {
        s->error = socket_read(s->socket, s->text + s->size, sizeof(s->text) - s->size - 1, &done);
        if (s->error != 0)
            break;
        s->size += done;
        s->heard_ns = io_now_ns(s->socket->io);
    }
    if (s->error != ERR_AGAIN)
        socket_watch(s->socket, 0);
}

static inline void on_socket(void *owner, struct socket *socket, unsigned events)
{
    struct side *s = (struct side *)owner;

    assert_ptr_equal(socket, s->socket);
    s->events |= events;
    if ((events & SOCKET_WRITE) != 0)
        socket_watch(socket, SOCKET_READ); /* once is enough */
    if ((events & SOCKET_READ) != 0)
        side_read(s);
}

static inline void side_open(struct side *s, struct socket *socket, unsigned events)
{
    *s = (struct side){.socket = socket};
    socket_set_owner(socket, on_socket, s);
    socket_watch(socket, events);
}

static inline void side_close(struct side *s)
{
    if (s->socket != NULL)
        socket_close(s->socket);
    s->socket = NULL;
}

static inline int side_send(struct side *s, const void *bytes, size_t size, size_t *done)
{
    struct iovec part = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = size};

    return socket_write(s->socket, &part, 1, done);
}

static inline void side_say(struct side *s, const char *text)
{
    size_t done = 0;

    assert_int_equal(0, side_send(s, text, strlen(text), &done));
    assert_int_equal(strlen(text), done);
}

/* ---- stages ---- */

static inline void on_accept(void *owner, struct socket *socket)
{
    struct stage *g = (struct stage *)owner;

    assert_true(g->server_count < SIDES_MAX);
    side_open(&g->servers[g->server_count++], socket, SOCKET_READ);
}

static inline void stage_listen(struct stage *g)
{
    struct err_note note = {{0}};

    assert_int_equal(0, listener_open(g->io_b, "", PORT, on_accept, g, &g->listener, &note));
}

static inline struct stage *stage_new(uint64_t seed, const struct sim_way *way)
{
    struct sim_options o = {.seed = seed};
    struct stage *g = MEM_NEW(struct stage);

    g->sim = sim_new(&o);
    if (way != NULL)
        sim_net_set_ways(g->sim, way);
    g->a = sim_node_new(g->sim, "a", NULL);
    g->b = sim_node_new(g->sim, "b", NULL);
    g->io_a = sim_io_new(g->a);
    g->io_b = sim_io_new(g->b);
    stage_listen(g);
    return g;
}

static inline void stage_free(struct stage *g)
{
    side_close(&g->client);
    for (size_t i = 0; i < g->server_count; i++)
        side_close(&g->servers[i]);
    if (g->listener != NULL)
        listener_close(g->listener);
    sim_io_free(g->io_a);
    sim_io_free(g->io_b);
    assert_int_equal(0, sim_net_connections(g->sim));
    sim_free(g->sim);
    mem_free(g);
}

static inline struct socket *stage_dial(struct stage *g, const char *host, uint16_t port)
{
    struct err_note note = {{0}};
    struct socket *s = NULL;

    assert_int_equal(0, socket_connect(g->io_a, host, port, &s, &note));
    return s;
}

static inline void stage_connect(struct stage *g)
{
    struct socket *s = stage_dial(g, sim_node_host(g->b), PORT);

    side_open(&g->client, s, SOCKET_READ | SOCKET_WRITE);
    sim_run_for(g->sim, 10 * MS);
    assert_int_equal(1, g->server_count);
    assert_true((g->client.events & SOCKET_WRITE) != 0);
}

static inline struct side *server(struct stage *g)
{
    assert_true(g->server_count > 0);
    return &g->servers[g->server_count - 1];
}

#endif
