/* Listeners of the real world, and the table that puts sockets and listeners together.
 *
 *     ACCEPTING --pause--> PAUSED --pause off--> ACCEPTING
 *         \--no descriptor or memory left--> RESTING --a moment later--> ACCEPTING
 *
 * The descriptor is watched in ACCEPTING only: a connection that cannot be accepted would make a
 * level-triggered loop spin. */
#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/mem.h"
#include "io/real_errno.h"
#include "io/real_socket.h"

enum {
    ACCEPTS_PER_TURN = 64, /* so that a flood of connects does not starve those who are in */
    REST_NS = 100 * 1000 * 1000,
};

struct real_listener {
    struct listener base;
    int fd;
    uint16_t port;
    listener_accept_fn *fn;
    void *owner;
    bool is_paused;
    bool is_resting;
    bool is_watched;
    bool has_warned; /* since the last connection accepted */
    bool is_calling; /* the owner is being called from accept_some() */
    bool is_closed;  /* closed by the owner in such a call, freed after it */
    struct event event;
    struct io_timer rest_timer;
};

static struct real_listener *real_listener_of(struct listener *l)
{
    return CONTAINER_OF(l, struct real_listener, base);
}

/* The kernel may have no memory for it; it needs none to forget. */
static void watch_listener(struct real_listener *l)
{
    bool should_watch = !l->is_paused && !l->is_resting && !l->is_closed;

    if (should_watch == l->is_watched)
        return;
    if (!should_watch) {
        (void)event_del(&l->event);
    } else if (event_add(&l->event, NULL) != 0) {
        l->is_resting = true;
        io_timer_start(l->base.io, &l->rest_timer, REST_NS);
        return;
    }
    l->is_watched = should_watch;
}

static void on_rest_over(struct io_timer *t)
{
    struct real_listener *l = CONTAINER_OF(t, struct real_listener, rest_timer);

    l->is_resting = false;
    watch_listener(l);
}

static void rest(struct real_listener *l, int number)
{
    if (!l->has_warned)
        diag(DIAG_WARNING, "io", "cannot accept connections on port %u for now: %s", l->port,
             strerror(number));
    l->has_warned = true;
    l->is_resting = true;
    watch_listener(l);
    io_timer_start(l->base.io, &l->rest_timer, REST_NS);
}

/* What accept() says of a connection that broke before we took it, or of the network under it: the
 * next one may be well. */
static bool is_about_one_connection(int number)
{
    return number == EINTR || number == ECONNABORTED || number == EPROTO || number == ENETDOWN ||
           number == ENETUNREACH || number == EHOSTDOWN || number == EHOSTUNREACH ||
           number == ENONET || number == ENOPROTOOPT || number == EOPNOTSUPP || number == EPERM;
}

/* Accepts one connection and hands it over. False when there is none to be had now. */
static bool accept_one(struct real_listener *l)
{
    struct real_address peer = {.size = sizeof(peer.storage)};
    int fd =
        accept4(l->fd, (struct sockaddr *)&peer.storage, &peer.size, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd >= 0) {
        l->has_warned = false;
        l->fn(l->owner, real_socket_new(real_io_of(l->base.io), fd, &peer));
        return true;
    }
    if (is_about_one_connection(errno))
        return true;
    if (errno != EAGAIN)
        rest(l, errno);
    return false;
}

static void on_acceptable(evutil_socket_t fd, short events, void *arg)
{
    struct real_listener *l = arg;

    (void)fd, (void)events;
    ASSERT(l->is_watched && !l->is_calling);
    l->is_calling = true;
    for (int i = 0; i < ACCEPTS_PER_TURN && l->is_watched; i++)
        if (!accept_one(l))
            break;
    l->is_calling = false;
    if (l->is_closed)
        mem_free(l);
}

static int open_listening(struct real_address *at, int *out)
{
    int fd = socket(at->storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int on = 1;
    int off = 0;
    int number = 0;

    if (fd == -1)
        return errno;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == -1 ||
        (at->storage.ss_family == AF_INET6 &&
         setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) == -1) ||
        bind(fd, (const struct sockaddr *)&at->storage, at->size) == -1 ||
        listen(fd, SOMAXCONN) == -1 ||
        getsockname(fd, (struct sockaddr *)&at->storage, &at->size) == -1) {
        number = errno;
        close(fd);
        return number;
    }
    *out = fd;
    return 0;
}

/* Says why not, in the words of listener_open()'s contract. */
static int note_refusal(struct err_note *note, const struct real_address *at, int number)
{
    struct net_address text;
    int rv = real_errno(number);

    if (rv != ERR_BUSY && rv != ERR_DENIED && rv != ERR_INVALID)
        rv = ERR_IO;
    real_address_show(at, &text);
    return err_note(note, rv, "cannot listen on %s: %s", text.text, strerror(number));
}

static int real_listen(struct io *io, const char *host, uint16_t port, listener_accept_fn *fn,
                       void *owner, struct listener **out, struct err_note *note)
{
    struct real_io *r = real_io_of(io);
    struct real_listener *l = NULL;
    struct real_address at;
    int fd = -1;
    int rv = real_address_parse(host, port, &at, note);
    int number = 0;

    ASSERT(fn != NULL);
    if (rv != 0)
        return rv;
    number = open_listening(&at, &fd);
    if (host[0] == '\0' && (number == EAFNOSUPPORT || number == EADDRNOTAVAIL)) {
        real_address_any_v4(port, &at); /* a machine without IPv6 */
        number = open_listening(&at, &fd);
    }
    if (number != 0)
        return note_refusal(note, &at, number);

    l = MEM_NEW(struct real_listener);
    *l = (struct real_listener){.fd = fd, .fn = fn, .owner = owner};
    l->base.io = io;
    l->port = real_address_port(&at);
    io_timer_init(&l->rest_timer, on_rest_over);
    rv = event_assign(&l->event, r->events, fd, EV_READ | EV_PERSIST, on_acceptable, l);
    ASSERT(rv == 0);
    watch_listener(l);
    r->socket_count++;
    *out = &l->base;
    return 0;
}

static uint16_t real_listener_port(const struct listener *base)
{
    return ((const struct real_listener *)base)->port;
}

static void real_listener_pause(struct listener *base, bool is_paused)
{
    struct real_listener *l = real_listener_of(base);

    ASSERT(!l->is_closed);
    l->is_paused = is_paused;
    watch_listener(l);
}

static void real_listener_close(struct listener *base)
{
    struct real_listener *l = real_listener_of(base);
    struct real_io *r = real_io_of(base->io);

    ASSERT(!l->is_closed);
    l->is_closed = true;
    watch_listener(l);
    io_timer_stop(base->io, &l->rest_timer);
    close(l->fd);
    ASSERT(r->socket_count > 0);
    r->socket_count--;
    if (!l->is_calling)
        mem_free(l);
}

const struct net_ops real_net_ops = {
    .listen = real_listen,
    .listener_port = real_listener_port,
    .listener_pause = real_listener_pause,
    .listener_close = real_listener_close,
    .connect = real_socket_connect,
};
