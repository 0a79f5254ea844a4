/* The network of a simulated world as a whole: ways between nodes, cuts, lost connections, and
 * what the death of a node does to them. */
#include "io/sim/sim_net.h"

#include "base/err.h"
#include "base/mem.h"
#include "io/sim/sim_net_parts.h"

enum {
    DEFAULT_DELAY_NS = 100 * 1000,
    DEFAULT_LOOPBACK_DELAY_NS = 5 * 1000,
    DEFAULT_BUFFER_BYTES = 64 * 1024,
};

/* ---- ways ---- */

struct sim_route *sim_route_find(struct sim *s, struct sim_node *from, struct sim_node *to)
{
    struct sim_route *r = NULL;

    LIST_FOREACH (link, &s->routes) {
        r = CONTAINER_OF(link, struct sim_route, link);
        if (r->from == from && r->to == to)
            return r;
    }
    r = MEM_NEW(struct sim_route);
    r->from = from;
    r->to = to;
    r->way = s->default_way;
    list_push(&s->routes, &r->link);
    return r;
}

uint64_t sim_route_delay_ns(const struct sim_route *r)
{
    uint64_t delay = r->from == r->to ? DEFAULT_LOOPBACK_DELAY_NS : DEFAULT_DELAY_NS;

    if (r->way.delay_ns != 0)
        delay = r->way.delay_ns;
    return delay + sim_chance_up_to(r->from->sim, r->way.jitter_ns);
}

size_t sim_route_buffer_bytes(const struct sim_route *r)
{
    return r->way.buffer_bytes != 0 ? r->way.buffer_bytes : DEFAULT_BUFFER_BYTES;
}

uint64_t sim_route_give_up_ns(const struct sim_route *r, uint64_t fallback_ns)
{
    return r->way.give_up_ns != 0 ? r->way.give_up_ns : fallback_ns;
}

void sim_net_set_ways(struct sim *s, const struct sim_way *w)
{
    s->default_way = *w;
    LIST_FOREACH (link, &s->routes)
        CONTAINER_OF(link, struct sim_route, link)->way = *w;
}

void sim_net_set_way(struct sim_node *from, struct sim_node *to, const struct sim_way *w)
{
    sim_route_find(from->sim, from, to)->way = *w;
}

/* ---- cuts ---- */

static void resume_all(struct sim *s)
{
    LIST_FOREACH (link, &s->connections) {
        struct sim_connection *c = CONTAINER_OF(link, struct sim_connection, link);
        sim_pipe_resume(&c->pipes[0]);
        sim_pipe_resume(&c->pipes[1]);
    }
}

void sim_net_cut(struct sim_node *from, struct sim_node *to)
{
    ASSERT(from != to);
    sim_route_find(from->sim, from, to)->is_cut = true;
    sim_world_trace(from->sim, from->name, "is cut from", to->number);
}

void sim_net_partition(struct sim_node *a, struct sim_node *b)
{
    sim_net_cut(a, b);
    sim_net_cut(b, a);
}

void sim_net_isolate(struct sim_node *n)
{
    LIST_FOREACH (link, &n->sim->nodes) {
        struct sim_node *other = CONTAINER_OF(link, struct sim_node, link);
        if (other != n)
            sim_net_partition(n, other);
    }
}

void sim_net_heal(struct sim_node *a, struct sim_node *b)
{
    sim_route_find(a->sim, a, b)->is_cut = false;
    sim_route_find(a->sim, b, a)->is_cut = false;
    sim_world_trace(a->sim, a->name, "is healed with", b->number);
    resume_all(a->sim);
}

void sim_net_heal_all(struct sim *s)
{
    LIST_FOREACH (link, &s->routes)
        CONTAINER_OF(link, struct sim_route, link)->is_cut = false;
    sim_world_trace(s, "network", "is healed", 0);
    resume_all(s);
}

bool sim_net_is_cut(struct sim_node *from, struct sim_node *to)
{
    return sim_route_find(from->sim, from, to)->is_cut;
}

/* ---- lost connections ---- */

static bool is_between(const struct sim_connection *c, const struct sim_node *a,
                       const struct sim_node *b)
{
    return (c->nodes[0] == a && c->nodes[1] == b) || (c->nodes[0] == b && c->nodes[1] == a);
}

size_t sim_net_reset(struct sim_node *a, struct sim_node *b)
{
    size_t count = 0;

    LIST_FOREACH_SAFE (link, &a->sim->connections) {
        struct sim_connection *c = CONTAINER_OF(link, struct sim_connection, link);
        if (!is_between(c, a, b))
            continue;
        sim_connection_break(c);
        count++;
    }
    return count;
}

size_t sim_net_reset_some(struct sim *s, uint32_t num, uint32_t den)
{
    size_t count = 0;

    LIST_FOREACH_SAFE (link, &s->connections) {
        if (!rand_chance(&s->rand, num, den))
            continue;
        sim_connection_break(CONTAINER_OF(link, struct sim_connection, link));
        count++;
    }
    return count;
}

size_t sim_net_forget(struct sim_node *a, struct sim_node *b)
{
    size_t count = 0;

    LIST_FOREACH (link, &a->sim->connections) {
        struct sim_connection *c = CONTAINER_OF(link, struct sim_connection, link);
        if (!is_between(c, a, b) || c->is_forgotten)
            continue;
        c->is_forgotten = true;
        sim_world_trace(c->sim, a->name, "forgets connection", c->number);
        count++;
    }
    return count;
}

size_t sim_net_connections(const struct sim *s)
{
    size_t count = 0;

    LIST_FOREACH (link, &s->connections)
        count++;
    return count;
}

/* ---- deaths ---- */

/* The socket stays with its owner, broken; the connection goes on without it. True when it is
 * gone. */
static bool cut_off(struct sim_connection *c, unsigned end, enum sim_death how)
{
    struct sim_socket *s = c->ends[end];

    s->connection = NULL;
    sim_socket_break(s, ERR_IO, ERR_CLOSED);
    return sim_connection_leave(c, end, how == SIM_DEATH_POWER ? LEAVE_SILENT : LEAVE_END);
}

void sim_net_node_halted(struct sim_node *n)
{
    struct list_link *first = NULL;

    LIST_FOREACH_SAFE (link, &n->sim->connections) {
        struct sim_connection *c = CONTAINER_OF(link, struct sim_connection, link);
        if (c->ends[0] != NULL && c->nodes[0] == n && cut_off(c, 0, n->death))
            continue;
        if (c->ends[1] != NULL && c->nodes[1] == n)
            cut_off(c, 1, n->death);
    }
    while ((first = list_first(&n->listeners)) != NULL)
        sim_listener_kill(CONTAINER_OF(first, struct sim_listener, link), n->death);
}

void sim_net_node_restarted(struct sim_node *n)
{
    resume_all(n->sim);
}

void sim_net_release(struct sim *s)
{
    struct list_link *link = NULL;

    ASSERT(list_empty(&s->connections));
    while ((link = list_take(&s->routes)) != NULL)
        mem_free(CONTAINER_OF(link, struct sim_route, link));
}
