/* Listeners, and connections on their way to a door. */
#include "gate/gate.h"

#include "base/list.h"
#include "base/mem.h"
#include "base/voices.h"
#include "gate/proxy.h"
#include "gate/tls.h"
#include "io/io.h"

enum { ARRIVALS_MAX = 1024 };

#define MS_NS UINT64_C(1000000)

struct gate {
    struct io *io;
    struct listener *listener;
    struct gate_options options;
    struct gate_door door;
    struct list arrivals; /* the one that waits longest is the first */
    size_t arrival_count;
    struct voices voices;
};

/* A connection on its way. */
struct arrival {
    struct list_link link;
    struct gate *gate;
    struct socket *socket;
    struct io_timer timer;
    uint8_t *head; /* of the PROXY protocol, PROXY_HEADER_MAX bytes; NULL: not awaited */
    size_t head_size;
};

/* ---- arrivals ---- */

static void arrival_free(struct arrival *v)
{
    io_timer_stop(v->gate->io, &v->timer);
    list_remove(&v->link);
    v->gate->arrival_count--;
    mem_free(v->head);
    mem_free(v);
}

/* It ends here. */
static void turn_away(struct arrival *v, const char *why)
{
    struct gate *g = v->gate;
    struct net_address peer;

    socket_peer(v->socket, &peer);
    voices_say(&g->voices, &(struct voices_line){io_now_ns(g->io), DIAG_WARNING, peer.text},
               "a connection is refused to=%s peer=%s: %s", g->options.what, peer.text, why);
    socket_close(v->socket);
    arrival_free(v);
}

static void on_timer(struct io_timer *t)
{
    struct arrival *v = CONTAINER_OF(t, struct arrival, timer);

    turn_away(v, v->head != NULL ? "the PROXY header takes too long"
                                 : "the TLS handshake takes too long");
}

/* It is through. */
static void let_in(struct arrival *v)
{
    struct gate *g = v->gate;
    struct socket *s = v->socket;

    socket_watch(s, 0);
    arrival_free(v);
    g->door.accept(g->door.owner, s);
}

static void on_shaken(void *owner, struct socket *s, unsigned events)
{
    struct arrival *v = owner;

    (void)events;
    if (tls_socket_state(s) == TLS_OPEN)
        let_in(v);
    else if (tls_socket_state(s) == TLS_ENDED)
        turn_away(v, tls_socket_why(s));
}

static void begin_tls(struct arrival *v)
{
    struct gate *g = v->gate;

    v->socket = tls_accept(g->options.tls, v->socket);
    socket_set_owner(v->socket, on_shaken, v);
    socket_watch(v->socket, SOCKET_WRITE);
    io_timer_start(g->io, &v->timer, g->options.settings->tls_timeout_ms * MS_NS);
}

/* ---- the PROXY header ---- */

/* It is known whom he brings; what comes from here on is the client's own. */
static void take_header(struct arrival *v, const struct proxy_header *header)
{
    mem_free(v->head);
    v->head = NULL;
    if (header->has_peer)
        socket_set_peer(v->socket, &header->peer);
    if (v->gate->options.tls != NULL)
        begin_tls(v);
    else
        let_in(v);
}

/* Reads no byte beyond the header. */
static void on_header(void *owner, struct socket *s, unsigned events)
{
    struct arrival *v = owner;
    struct proxy_header header;
    struct proxy_look look;
    size_t done = 0;
    int rv = 0;

    (void)events;
    while ((rv = proxy_read(bytes_of(v->head, v->head_size), &header, &look)) == ERR_AGAIN) {
        ASSERT(look.missing <= PROXY_HEADER_MAX - v->head_size);
        rv = socket_read(s, v->head + v->head_size, look.missing, &done);
        if (rv == ERR_AGAIN)
            return;
        if (rv != 0) {
            turn_away(v, "the client left before its PROXY header");
            return;
        }
        v->head_size += done;
    }
    if (rv == 0)
        take_header(v, &header);
    else
        turn_away(v, look.why);
}

static void begin_header(struct arrival *v)
{
    struct gate *g = v->gate;

    v->head = mem_alloc(PROXY_HEADER_MAX);
    socket_set_owner(v->socket, on_header, v);
    socket_watch(v->socket, SOCKET_READ);
    io_timer_start(g->io, &v->timer, g->options.settings->proxy_timeout_ms * MS_NS);
}

/* ---- the gate ---- */

static void on_accept(void *owner, struct socket *s)
{
    struct gate *g = owner;
    struct arrival *v = NULL;

    if (g->options.tls == NULL && !g->options.settings->takes_proxy) {
        g->door.accept(g->door.owner, s);
        return;
    }
    if (g->arrival_count == ARRIVALS_MAX)
        turn_away(CONTAINER_OF(list_first(&g->arrivals), struct arrival, link),
                  "too many others are waiting");
    v = MEM_NEW(struct arrival);
    v->gate = g;
    v->socket = s;
    io_timer_init(&v->timer, on_timer);
    list_push(&g->arrivals, &v->link);
    g->arrival_count++;
    if (g->options.settings->takes_proxy)
        begin_header(v);
    else
        begin_tls(v);
}

int gate_open(struct io *io, const struct gate_options *o, struct gate_door door, struct gate **out,
              struct err_note *note)
{
    struct gate *g = MEM_NEW(struct gate);
    int rv = 0;

    ASSERT(o->settings != NULL && door.accept != NULL && o->what != NULL && out != NULL);
    g->io = io;
    g->options = *o;
    g->door = door;
    g->voices.room = "gate";
    list_init(&g->arrivals);
    rv = listener_open(io, o->host, o->port, on_accept, g, &g->listener, note);
    if (rv != 0) {
        mem_free(g);
        return rv;
    }
    *out = g;
    return 0;
}

void gate_close(struct gate *g)
{
    listener_close(g->listener);
    while (g->arrival_count > 0) {
        struct arrival *v = CONTAINER_OF(list_first(&g->arrivals), struct arrival, link);
        socket_close(v->socket);
        arrival_free(v);
    }
    mem_free(g);
}

uint16_t gate_port(const struct gate *g)
{
    return listener_port(g->listener);
}

size_t gate_arrivals(const struct gate *g)
{
    return g->arrival_count;
}
