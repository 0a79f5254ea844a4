/* Simulated listeners, and the way of a connect to them.
 *
 *     connect: CONNECT -> a listener's backlog, ACCEPT back -> the client may write
 *                      -> nobody listens: REFUSE back
 *                      -> the backlog is full: CONNECT comes again later
 *
 * The owner gets at most one new socket in a turn. When the node has no descriptor left,
 * accepting rests for a moment. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "io/sim/sim_net_parts.h"

enum {
    BACKLOG_MAX = 128,
    REST_NS = 100 * 1000 * 1000,
    PORT_MAX = 65535,
    PORT_CHOSEN_MIN = 32768,
};

static struct sim_listener *listener_of(struct listener *l)
{
    return CONTAINER_OF(l, struct sim_listener, base);
}

static struct sim_node *node_of(const struct sim_listener *l)
{
    return sim_shard_of(l->base.io)->node;
}

/* ---- addresses ---- */

static bool is_one_of(const char *text, const char *a, const char *b)
{
    return strcmp(text, a) == 0 || strcmp(text, b) == 0;
}

static bool is_loopback(const char *host)
{
    return is_one_of(host, "127.0.0.1", "::1");
}

static bool is_any(const char *host)
{
    return host[0] == '\0' || is_one_of(host, "0.0.0.0", "::");
}

static bool is_numeric(const char *host)
{
    unsigned char address[sizeof(struct in6_addr)];

    return inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1;
}

static void show_address(const char *host, uint16_t port, struct net_address *out)
{
    bool is_v6 = strchr(host, ':') != NULL;

    (void)snprintf(out->text, sizeof(out->text), is_v6 ? "[%s]:%u" : "%s:%u", host, port);
}

static struct sim_node *node_with_host(struct sim *s, const char *host)
{
    LIST_FOREACH (link, &s->nodes) {
        struct sim_node *n = CONTAINER_OF(link, struct sim_node, link);
        if (strcmp(n->host, host) == 0)
            return n;
    }
    return NULL;
}

/* ---- listening ---- */

/* Whether the listener hears connects of this sort. */
static bool hears(const struct sim_listener *l, uint16_t port, bool from_loopback)
{
    return l->port == port && (l->is_any || l->is_loopback == from_loopback);
}

static struct sim_listener *find_listener(struct sim_node *n, uint16_t port, bool from_loopback)
{
    LIST_FOREACH (link, &n->listeners) {
        struct sim_listener *l = CONTAINER_OF(link, struct sim_listener, link);
        if (hears(l, port, from_loopback))
            return l;
    }
    return NULL;
}

static bool port_is_taken(struct sim_node *n, uint16_t port, const char *host)
{
    bool any = is_any(host);

    return ((any || is_loopback(host)) && find_listener(n, port, true) != NULL) ||
           ((any || !is_loopback(host)) && find_listener(n, port, false) != NULL);
}

static uint16_t choose_port(struct sim_node *n)
{
    uint16_t port = 0;

    do {
        port = n->next_port;
        n->next_port = port == PORT_MAX ? PORT_CHOSEN_MIN : (uint16_t)(port + 1);
    } while (port_is_taken(n, port, ""));
    return port;
}

/* Whether the node can listen there; the note says why not. */
static int check_listen(struct sim_node *n, const char *host, uint16_t port, struct err_note *note)
{
    struct net_address at;

    show_address(host, port, &at);
    if (host[0] != '\0' && !is_numeric(host))
        return err_note(note, ERR_INVALID, "'%s' is not a numeric IPv4 or IPv6 address", host);
    if (!is_any(host) && !is_loopback(host) && strcmp(host, n->host) != 0)
        return err_note(note, ERR_INVALID, "cannot listen on %s: it is not our address", at.text);
    if (n->is_halted || (n->socket_limit != 0 && n->socket_count >= n->socket_limit))
        return err_note(note, ERR_IO, "cannot listen on %s: no descriptor is left", at.text);
    if (port != 0 && port_is_taken(n, port, host))
        return err_note(note, ERR_BUSY, "cannot listen on %s: it is in use", at.text);
    return 0;
}

int sim_listen(struct io *io, const char *host, uint16_t port, listener_accept_fn *fn, void *owner,
               struct listener **out, struct err_note *note)
{
    struct sim_shard *sh = sim_shard_of(io);
    struct sim_listener *l = NULL;
    int rv = check_listen(sh->node, host, port, note);

    if (rv != 0)
        return rv;
    l = MEM_NEW(struct sim_listener);
    l->base.io = io;
    l->is_any = is_any(host);
    l->is_loopback = is_loopback(host);
    l->port = port != 0 ? port : choose_port(sh->node);
    l->fn = fn;
    l->owner = owner;
    list_init(&l->backlog);
    list_push(&sh->node->listeners, &l->link);
    sh->sockets++;
    sh->node->socket_count++;
    *out = &l->base;
    return 0;
}

uint16_t sim_listener_port(const struct listener *l)
{
    return ((const struct sim_listener *)l)->port;
}

/* ---- accepting ---- */

static void activate(struct sim_listener *l)
{
    struct sim_shard *sh = sim_shard_of(l->base.io);

    if (l->is_paused || list_empty(&l->backlog) || sim_event_is_planned(&l->rest))
        return;
    if (!list_linked(&l->acceptable_link))
        list_push(&sh->acceptable, &l->acceptable_link);
    sim_shard_plan_turn(sh);
}

static void on_rest_over(struct sim_event *e)
{
    activate(CONTAINER_OF(e, struct sim_listener, rest));
}

bool sim_listener_arrive(struct sim_connection *c)
{
    struct sim_listener *l = find_listener(c->nodes[1], c->ports[1], c->is_loopback);

    if (l == NULL) {
        sim_pipe_send(&c->pipes[1], SEGMENT_REFUSE);
        return true;
    }
    if (l->backlog_count >= BACKLOG_MAX)
        return false;
    c->waiting = l;
    list_push(&l->backlog, &c->waiting_link);
    l->backlog_count++;
    sim_pipe_send(&c->pipes[1], SEGMENT_ACCEPT);
    activate(l);
    return true;
}

void sim_listener_forget(struct sim_connection *c)
{
    ASSERT(c->waiting->backlog_count > 0);
    c->waiting->backlog_count--;
    c->waiting = NULL;
    list_remove(&c->waiting_link);
}

/* The first of the backlog becomes a socket. */
static struct sim_socket *accept_first(struct sim_listener *l)
{
    struct sim_connection *c =
        CONTAINER_OF(list_first(&l->backlog), struct sim_connection, waiting_link);
    struct sim_socket *s = NULL;

    sim_listener_forget(c);
    s = sim_socket_new(l->base.io, c, 1);
    s->is_open = true;
    show_address(c->is_loopback ? "127.0.0.1" : c->nodes[0]->host, c->ports[0], &s->peer);
    show_address(c->is_loopback ? "127.0.0.1" : c->nodes[1]->host, c->ports[1], &s->local);
    sim_world_trace(c->sim, c->nodes[1]->name, "accepts", c->number);
    return s;
}

static void accept_one(struct sim_shard *sh, struct sim_listener *l)
{
    struct sim_node *n = sh->node;

    if (l->is_paused || list_empty(&l->backlog))
        return;
    if (n->socket_limit != 0 && n->socket_count >= n->socket_limit) {
        sim_event_plan(n->sim, &l->rest, REST_NS, on_rest_over);
        return;
    }
    if (l->backlog_count > 1)
        list_push(&sh->acceptable, &l->acceptable_link);
    l->fn(l->owner, &accept_first(l)->base);
}

void sim_listener_turn(struct sim_shard *sh)
{
    struct list now;
    struct list_link *link = NULL;

    list_init(&now);
    while ((link = list_take(&sh->acceptable)) != NULL)
        list_push(&now, link);
    while ((link = list_take(&now)) != NULL)
        accept_one(sh, CONTAINER_OF(link, struct sim_listener, acceptable_link));
}

void sim_listener_pause(struct listener *base, bool is_paused)
{
    struct sim_listener *l = listener_of(base);

    l->is_paused = is_paused;
    activate(l);
}

void sim_listener_kill(struct sim_listener *l, enum sim_death how)
{
    struct list_link *link = NULL;

    list_remove(&l->link);
    while ((link = list_first(&l->backlog)) != NULL) {
        struct sim_connection *c = CONTAINER_OF(link, struct sim_connection, waiting_link);
        sim_listener_forget(c);
        sim_connection_leave(c, 1, how == SIM_DEATH_POWER ? LEAVE_SILENT : LEAVE_RESET);
    }
    sim_event_cancel(node_of(l)->sim, &l->rest);
    if (list_linked(&l->acceptable_link))
        list_remove(&l->acceptable_link);
}

void sim_listener_close(struct listener *base)
{
    struct sim_listener *l = listener_of(base);
    struct sim_shard *sh = sim_shard_of(base->io);

    if (list_linked(&l->link)) /* else its node died before */
        sim_listener_kill(l, SIM_DEATH_PROCESS);
    ASSERT(sh->sockets > 0 && sh->node->socket_count > 0);
    sh->sockets--;
    sh->node->socket_count--;
    mem_free(l);
}

/* ---- connecting ---- */

int sim_connect(struct io *io, const char *host, uint16_t port, struct socket **out,
                struct err_note *note)
{
    struct sim_node *from = sim_shard_of(io)->node;
    bool to_self = is_any(host) || is_loopback(host);
    struct sim_node *to = to_self ? from : node_with_host(from->sim, host);
    struct sim_connection *c = NULL;
    struct sim_socket *s = NULL;
    struct net_address at;

    show_address(host, port, &at);
    if (!is_numeric(host))
        return err_note(note, ERR_INVALID, "'%s' is not a numeric IPv4 or IPv6 address", host);
    if (from->socket_limit != 0 && from->socket_count >= from->socket_limit)
        return err_note(note, ERR_NO_FILES, "cannot connect to %s: no descriptor is left", at.text);
    if (to == NULL || from->is_halted)
        return err_note(note, ERR_IO, "cannot connect to %s: there is no way to it", at.text);
    c = sim_connection_new(from, to);
    c->is_loopback = to_self;
    c->ports[0] = choose_port(from);
    c->ports[1] = port;
    s = sim_socket_new(io, c, 0);
    s->peer = at;
    show_address(to_self ? "127.0.0.1" : from->host, c->ports[0], &s->local);
    sim_pipe_send(&c->pipes[0], SEGMENT_CONNECT);
    *out = &s->base;
    return 0;
}
