/* Simulated sockets as io/net.h has them: level-triggered, told of in their shard's turns. */
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "io/sim/sim_net_parts.h"

struct sim_socket *sim_socket_of(struct socket *s)
{
    return CONTAINER_OF(s, struct sim_socket, base);
}

static struct sim_pipe *pipe_in(const struct sim_socket *s)
{
    return &s->connection->pipes[1 - s->end];
}

static struct sim_pipe *pipe_out(const struct sim_socket *s)
{
    return &s->connection->pipes[s->end];
}

/* ---- readiness ---- */

static bool can_read(const struct sim_socket *s)
{
    if (s->is_broken)
        return true;
    return pipe_in(s)->arrived > 0 || pipe_in(s)->has_end;
}

static bool can_write(const struct sim_socket *s)
{
    if (s->is_broken)
        return true;
    return s->is_open && sim_pipe_room(pipe_out(s)) > 0;
}

static unsigned ready_events(const struct sim_socket *s)
{
    unsigned ready = 0;

    if ((s->watched & SOCKET_READ) != 0 && can_read(s))
        ready |= SOCKET_READ;
    if ((s->watched & SOCKET_WRITE) != 0 && can_write(s))
        ready |= SOCKET_WRITE;
    return ready;
}

void sim_socket_activate(struct sim_socket *s)
{
    struct sim_shard *sh = sim_shard_of(s->base.io);

    if (ready_events(s) == 0)
        return;
    if (!list_linked(&s->active_link))
        list_push(&sh->active, &s->active_link);
    sim_shard_plan_turn(sh);
}

void sim_socket_break(struct sim_socket *s, int read_error, int write_error)
{
    if (s->is_broken)
        return;
    s->is_broken = true;
    s->read_error = read_error;
    s->write_error = write_error;
    sim_socket_activate(s);
}

/* Both events in one call, or only one of them: then the other one comes in the next turn. */
static unsigned told_events(struct sim_shard *sh, unsigned ready)
{
    if (ready != (SOCKET_READ | SOCKET_WRITE) || rand_chance(&sh->node->sim->rand, 1, 2))
        return ready;
    return rand_chance(&sh->node->sim->rand, 1, 2) ? SOCKET_READ : SOCKET_WRITE;
}

static void move_all(struct list *from, struct list *to)
{
    struct list_link *link = NULL;

    while ((link = list_take(from)) != NULL)
        list_push(to, link);
}

static void socket_turn(struct sim_shard *sh)
{
    struct list now;
    struct list_link *link = NULL;

    list_init(&now);
    move_all(&sh->active, &now);
    while ((link = list_take(&now)) != NULL) {
        struct sim_socket *s = CONTAINER_OF(link, struct sim_socket, active_link);
        unsigned ready = ready_events(s);
        if (ready == 0)
            continue;
        list_push(&sh->active, link); /* until it is found not to be ready (N4) */
        s->fn(s->owner, &s->base, told_events(sh, ready));
    }
}

/* Sockets that are ready still; the others leave the list. */
static bool has_active(struct sim_shard *sh)
{
    LIST_FOREACH_SAFE (link, &sh->active)
        if (ready_events(CONTAINER_OF(link, struct sim_socket, active_link)) == 0)
            list_remove(link);
    return !list_empty(&sh->active);
}

void sim_net_turn(struct sim_shard *sh)
{
    socket_turn(sh);
    sim_listener_turn(sh);
}

bool sim_net_has_work(struct sim_shard *sh)
{
    return has_active(sh) || !list_empty(&sh->acceptable);
}

/* ---- sockets ---- */

static void sim_socket_set_owner(struct socket *base, socket_event_fn *fn, void *owner)
{
    struct sim_socket *s = sim_socket_of(base);

    s->fn = fn;
    s->owner = owner;
}

static void sim_socket_watch(struct socket *base, unsigned events)
{
    struct sim_socket *s = sim_socket_of(base);

    ASSERT(events == 0 || s->fn != NULL);
    s->watched = events;
    sim_socket_activate(s);
}

/* A broken socket says its error once; then it is at its end. */
static int say_error(int *error)
{
    int rv = *error;

    *error = 0;
    return rv != 0 ? rv : ERR_CLOSED;
}

/* Sometimes less than could be done. */
static size_t perhaps_less(const struct sim_socket *s, const struct sim_route *r, size_t size)
{
    struct sim *sim = s->connection->sim;

    if (!sim_chance_one_in(sim, r->way.short_one_in))
        return size;
    return 1 + (size_t)sim_chance_up_to(sim, size - 1);
}

static int sim_socket_read(struct socket *base, void *buf, size_t size, size_t *done)
{
    struct sim_socket *s = sim_socket_of(base);
    struct sim_pipe *in = s->connection == NULL ? NULL : pipe_in(s);
    size_t n = 0;

    if (in != NULL && in->arrived > 0) {
        n = perhaps_less(s, in->route, size < in->arrived ? size : in->arrived);
        sim_pipe_take(in, buf, n);
        *done = n;
        return 0;
    }
    if (s->is_broken)
        return say_error(&s->read_error);
    return in->has_end ? ERR_CLOSED : ERR_AGAIN;
}

static int sim_socket_write(struct socket *base, const struct iovec *parts, int count, size_t *done)
{
    struct sim_socket *s = sim_socket_of(base);
    size_t size = 0;
    size_t room = 0;

    for (int i = 0; i < count; i++)
        size += parts[i].iov_len;
    if (s->is_broken)
        return say_error(&s->write_error);
    room = s->is_open ? sim_pipe_room(pipe_out(s)) : 0;
    if (room == 0)
        return ERR_AGAIN;
    size = perhaps_less(s, pipe_out(s)->route, size < room ? size : room);
    sim_pipe_send_bytes(pipe_out(s), parts, size);
    *done = size;
    return 0;
}

static void sim_socket_peer(const struct socket *base, struct net_address *out)
{
    *out = ((const struct sim_socket *)base)->peer;
}

static void sim_socket_local(const struct socket *base, struct net_address *out)
{
    *out = ((const struct sim_socket *)base)->local;
}

static void sim_socket_set_peer(struct socket *base, const struct net_address *peer)
{
    sim_socket_of(base)->peer = *peer;
}

static void sim_socket_close(struct socket *base)
{
    struct sim_socket *s = sim_socket_of(base);
    struct sim_shard *sh = sim_shard_of(base->io);

    if (list_linked(&s->active_link))
        list_remove(&s->active_link);
    if (s->connection != NULL)
        sim_connection_leave(s->connection, s->end, s->is_broken ? LEAVE_SILENT : LEAVE_END);
    ASSERT(sh->sockets > 0 && sh->node->socket_count > 0);
    sh->sockets--;
    sh->node->socket_count--;
    mem_free(s);
}

static const struct socket_ops sim_socket_ops = {
    .set_owner = sim_socket_set_owner,
    .watch = sim_socket_watch,
    .read = sim_socket_read,
    .write = sim_socket_write,
    .peer = sim_socket_peer,
    .local = sim_socket_local,
    .set_peer = sim_socket_set_peer,
    .close = sim_socket_close,
};

struct sim_socket *sim_socket_new(struct io *io, struct sim_connection *c, unsigned end)
{
    struct sim_shard *sh = sim_shard_of(io);
    struct sim_socket *s = MEM_NEW(struct sim_socket);

    ASSERT(c->ends[end] == NULL);
    s->base.io = io;
    s->base.ops = &sim_socket_ops;
    s->connection = c;
    s->end = end;
    c->ends[end] = s;
    sh->sockets++;
    sh->node->socket_count++;
    return s;
}

const struct net_ops sim_net_ops = {
    .listen = sim_listen,
    .listener_port = sim_listener_port,
    .listener_pause = sim_listener_pause,
    .listener_close = sim_listener_close,
    .connect = sim_connect,
};
