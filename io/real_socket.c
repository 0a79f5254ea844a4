/* Stream sockets of the real world: a descriptor and two libevent events, one for each direction,
 * so that turning one of them on or off is one system call. A socket that the kernel does not
 * watch is ended. */
#include "io/real_socket.h"

#include <errno.h>
#include <event2/event.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/real_errno.h"

struct real_socket {
    struct socket base;
    int fd;
    unsigned watched;
    socket_event_fn *fn;
    void *owner;
    struct event read_event;
    struct event write_event;
    struct io_timer end_timer; /* tells the owner that the connection has ended */
    struct net_address peer;
};

static struct real_socket *real_socket_of(struct socket *s)
{
    return CONTAINER_OF(s, struct real_socket, base);
}

static void on_readable(evutil_socket_t fd, short events, void *arg)
{
    struct real_socket *s = arg;

    (void)fd, (void)events;
    ASSERT((s->watched & SOCKET_READ) != 0);
    s->fn(s->owner, &s->base, SOCKET_READ);
}

static void on_writable(evutil_socket_t fd, short events, void *arg)
{
    struct real_socket *s = arg;

    (void)fd, (void)events;
    ASSERT((s->watched & SOCKET_WRITE) != 0);
    s->fn(s->owner, &s->base, SOCKET_WRITE);
}

static void real_socket_set_owner(struct socket *base, socket_event_fn *fn, void *owner)
{
    struct real_socket *s = real_socket_of(base);

    s->fn = fn;
    s->owner = owner;
}

/* The kernel would not watch the descriptor, so the owner hears of its end from here. He may free
 * the socket then. */
static void on_ended(struct io_timer *t)
{
    struct real_socket *s = CONTAINER_OF(t, struct real_socket, end_timer);

    if (s->watched != 0)
        s->fn(s->owner, &s->base, s->watched & SOCKET_READ ? SOCKET_READ : SOCKET_WRITE);
}

/* Turns one direction on or off when it is not so already. False: epoll_ctl has failed, for want of
 * kernel memory or because the user watches too much already. */
static bool watch_direction(struct event *event, bool is_on, bool should_be_on)
{
    if (is_on == should_be_on)
        return true;
    return (should_be_on ? event_add(event, NULL) : event_del(event)) == 0;
}

static void real_socket_watch(struct socket *base, unsigned events)
{
    struct real_socket *s = real_socket_of(base);
    bool is_good = true;

    ASSERT((events & ~(unsigned)(SOCKET_READ | SOCKET_WRITE)) == 0);
    ASSERT(events == 0 || s->fn != NULL);
    is_good &= watch_direction(&s->read_event, s->watched & SOCKET_READ, events & SOCKET_READ);
    is_good &= watch_direction(&s->write_event, s->watched & SOCKET_WRITE, events & SOCKET_WRITE);
    s->watched = events;
    if (is_good)
        return;
    (void)!shutdown(s->fd, SHUT_RDWR); /* fails when it is ended already */
    io_timer_start(base->io, &s->end_timer, 0);
}

static int real_socket_read(struct socket *base, void *buf, size_t size, size_t *done)
{
    struct real_socket *s = real_socket_of(base);
    ssize_t n = 0;

    ASSERT(size > 0);
    do {
        n = recv(s->fd, buf, size, 0);
    } while (n == -1 && errno == EINTR);
    if (n == 0)
        return ERR_CLOSED;
    if (n == -1)
        return errno == EAGAIN ? ERR_AGAIN : ERR_IO;
    *done = (size_t)n;
    real_io_of(base->io)->is_time_known = false; /* what came is no older than the clock says */
    return 0;
}

static int real_socket_write(struct socket *base, const struct iovec *parts, int count,
                             size_t *done)
{
    struct real_socket *s = real_socket_of(base);
    struct msghdr message = {0};
    ssize_t n = 0;

    ASSERT(count > 0);
    message.msg_iov = (struct iovec *)(uintptr_t)parts; /* sendmsg only reads it */
    message.msg_iovlen = count < IOV_MAX ? (size_t)count : IOV_MAX;
    do {
        n = sendmsg(s->fd, &message, MSG_NOSIGNAL);
    } while (n == -1 && errno == EINTR);
    if (n == -1 && errno == EAGAIN)
        return ERR_AGAIN;
    if (n == -1)
        return errno == EPIPE || errno == ECONNRESET ? ERR_CLOSED : ERR_IO;
    *done = (size_t)n;
    return 0;
}

static void real_socket_peer(const struct socket *base, struct net_address *out)
{
    *out = ((const struct real_socket *)base)->peer;
}

/* Asked for seldom, so it is not kept. */
static void real_socket_local(const struct socket *base, struct net_address *out)
{
    const struct real_socket *s = (const struct real_socket *)base;
    struct real_address at = {.size = sizeof(at.storage)};

    if (getsockname(s->fd, (struct sockaddr *)&at.storage, &at.size) != 0)
        at.storage.ss_family = AF_UNSPEC; /* it is gone */
    real_address_show(&at, out);
}

static void real_socket_set_peer(struct socket *base, const struct net_address *peer)
{
    real_socket_of(base)->peer = *peer;
}

static void real_socket_close(struct socket *base)
{
    struct real_socket *s = real_socket_of(base);
    struct real_io *r = real_io_of(base->io);

    real_socket_watch(base, 0);
    io_timer_stop(base->io, &s->end_timer);
    close(s->fd);
    ASSERT(r->socket_count > 0);
    r->socket_count--;
    mem_free(s);
}

static const struct socket_ops real_socket_ops = {
    .set_owner = real_socket_set_owner,
    .watch = real_socket_watch,
    .read = real_socket_read,
    .write = real_socket_write,
    .peer = real_socket_peer,
    .local = real_socket_local,
    .set_peer = real_socket_set_peer,
    .close = real_socket_close,
};

struct socket *real_socket_new(struct real_io *r, int fd, const struct real_address *peer)
{
    struct real_socket *s = MEM_NEW(struct real_socket);
    int on = 1;
    int rv = 0;

    ASSERT(fd >= 0);
    s->base.io = &r->base;
    s->base.ops = &real_socket_ops;
    s->fd = fd;
    real_address_show(peer, &s->peer);
    io_timer_init(&s->end_timer, on_ended);
    /* Only a connection that is already gone refuses this, and the first read will tell. */
    (void)!setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    rv = event_assign(&s->read_event, r->events, fd, EV_READ | EV_PERSIST, on_readable, s);
    ASSERT(rv == 0);
    rv = event_assign(&s->write_event, r->events, fd, EV_WRITE | EV_PERSIST, on_writable, s);
    ASSERT(rv == 0);
    r->socket_count++;
    return &s->base;
}

int real_socket_connect(struct io *io, const char *host, uint16_t port, struct socket **out,
                        struct err_note *note)
{
    struct real_address to;
    struct net_address text;
    int rv = real_address_parse(host, port, &to, note);
    int fd = -1;

    if (rv != 0)
        return rv;
    real_address_show(&to, &text);
    fd = socket(to.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd == -1) {
        rv = real_errno(errno);
        return err_note(note, rv, "cannot connect to %s: %s", text.text, strerror(errno));
    }
    /* EINTR too means: it goes on by itself. */
    if (connect(fd, (const struct sockaddr *)&to.storage, to.size) == -1 && errno != EINPROGRESS &&
        errno != EINTR) {
        rv = real_errno(errno);
        err_note(note, rv, "cannot connect to %s: %s", text.text, strerror(errno));
        close(fd);
        return rv;
    }
    *out = real_socket_new(real_io_of(io), fd, &to);
    return 0;
}
