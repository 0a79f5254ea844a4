/* A simulated connection: two ends, two pipes, and what happens when an end leaves or something
 * arrives. */
#include "base/err.h"
#include "base/mem.h"
#include "io/sim/sim_net_parts.h"

static const uint64_t connect_limit_ns = 127 * (uint64_t)1000 * 1000 * 1000;

static void on_connect_limit(struct sim_event *e)
{
    struct sim_connection *c = CONTAINER_OF(e, struct sim_connection, connect_limit);

    sim_world_trace(c->sim, c->nodes[0]->name, "gives up connect", c->number);
    if (c->ends[0] != NULL)
        sim_socket_break(c->ends[0], ERR_IO, ERR_IO);
}

struct sim_connection *sim_connection_new(struct sim_node *from, struct sim_node *to)
{
    struct sim_connection *c = MEM_NEW(struct sim_connection);

    c->sim = from->sim;
    c->number = ++c->sim->connection_count;
    c->nodes[0] = from;
    c->nodes[1] = to;
    sim_pipe_init(&c->pipes[0], c, 0);
    sim_pipe_init(&c->pipes[1], c, 1);
    list_push(&c->sim->connections, &c->link);
    sim_event_plan(c->sim, &c->connect_limit,
                   sim_route_give_up_ns(c->pipes[0].route, connect_limit_ns), on_connect_limit);
    return c;
}

bool sim_connection_gone(struct sim_connection *c)
{
    if (c->ends[0] != NULL || c->ends[1] != NULL || c->waiting != NULL)
        return false;
    sim_event_cancel(c->sim, &c->connect_limit);
    sim_pipe_release(&c->pipes[0]);
    sim_pipe_release(&c->pipes[1]);
    list_remove(&c->link);
    mem_free(c);
    return true;
}

/* ---- leaving ---- */

static void say_reset(struct sim_connection *c, unsigned end)
{
    if (c->pipes[end].is_reset)
        return; /* it is on its way */
    sim_pipe_drop_flight(&c->pipes[end]);
    sim_pipe_send(&c->pipes[end], SEGMENT_RESET);
}

bool sim_connection_leave(struct sim_connection *c, unsigned end, enum leave how)
{
    struct sim_pipe *out = &c->pipes[end];
    struct sim_pipe *in = &c->pipes[1 - end];

    c->ends[end] = NULL;
    if (how == LEAVE_RESET || (how == LEAVE_END && in->arrived > 0))
        say_reset(c, end);
    else if (how == LEAVE_END && !out->is_ended)
        sim_pipe_send(out, SEGMENT_END);
    else if (how == LEAVE_SILENT)
        sim_pipe_drop_flight(out);
    sim_pipe_drop_arrived(in);
    return sim_connection_gone(c);
}

bool sim_connection_break(struct sim_connection *c)
{
    sim_world_trace(c->sim, c->nodes[0]->name, "loses connection", c->number);
    sim_event_cancel(c->sim, &c->connect_limit);
    for (unsigned end = 0; end < 2; end++) {
        sim_pipe_drop_flight(&c->pipes[end]);
        if (c->ends[end] != NULL)
            sim_socket_break(c->ends[end], ERR_IO, ERR_CLOSED);
    }
    if (c->waiting != NULL)
        sim_listener_forget(c);
    return sim_connection_gone(c);
}

/* ---- arriving ---- */

static enum arrival bytes_arrive(struct sim_connection *c, struct sim_pipe *in, size_t size)
{
    unsigned end = 1 - in->from;

    in->arrived += size;
    if (sim_chance_one_in(c->sim, in->route->way.reset_one_in))
        return sim_connection_break(c) ? ARRIVAL_GONE : ARRIVAL_TAKEN;
    if (c->ends[end] != NULL) {
        sim_socket_activate(c->ends[end]);
    } else if (end == 0 || c->waiting == NULL) { /* nobody is there any more */
        sim_pipe_drop_arrived(in);
        say_reset(c, end);
    }
    return ARRIVAL_TAKEN;
}

static enum arrival reset_arrives(struct sim_connection *c, unsigned end)
{
    sim_pipe_drop_flight(&c->pipes[end]);
    if (c->ends[end] != NULL)
        sim_socket_break(c->ends[end], ERR_IO, ERR_CLOSED);
    if (end == 1 && c->waiting != NULL)
        sim_listener_forget(c);
    return sim_connection_gone(c) ? ARRIVAL_GONE : ARRIVAL_TAKEN;
}

/* The answer to a connect reaches end 0. */
static void answer_arrives(struct sim_connection *c, bool is_accepted)
{
    struct sim_socket *s = c->ends[0];

    sim_event_cancel(c->sim, &c->connect_limit);
    if (s == NULL)
        return;
    s->is_open = is_accepted;
    if (is_accepted)
        sim_socket_activate(s);
    else
        sim_socket_break(s, ERR_IO, ERR_IO);
}

enum arrival sim_connection_arrive(struct sim_connection *c, const struct sim_segment *seg)
{
    struct sim_pipe *in = seg->pipe;
    unsigned end = 1 - in->from;

    switch (seg->kind) {
    case SEGMENT_CONNECT:
        return sim_listener_arrive(c) ? ARRIVAL_TAKEN : ARRIVAL_AGAIN;
    case SEGMENT_ACCEPT:
    case SEGMENT_REFUSE:
        answer_arrives(c, seg->kind == SEGMENT_ACCEPT);
        return ARRIVAL_TAKEN;
    case SEGMENT_BYTES:
        return bytes_arrive(c, in, seg->size);
    case SEGMENT_END:
        in->has_end = true;
        if (c->ends[end] != NULL)
            sim_socket_activate(c->ends[end]);
        return ARRIVAL_TAKEN;
    default:
        ASSERT(seg->kind == SEGMENT_RESET);
        return reset_arrives(c, end);
    }
}
