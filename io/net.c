/* The thin front of every network: what holds in all worlds is asserted here, then the world
 * does it. */
#include "io/net.h"

#include <string.h>

#include "io/io.h"

static const unsigned all_socket_events = SOCKET_READ | SOCKET_WRITE;

int listener_open(struct io *io, const char *host, uint16_t port, listener_accept_fn *fn,
                  void *owner, struct listener **out, struct err_note *note)
{
    struct listener *l = NULL;
    int rv = 0;

    ASSERT(host != NULL && fn != NULL && out != NULL);
    rv = io->net->listen(io, host, port, fn, owner, &l, note);
    ASSERT(rv <= 0);
    if (rv != 0)
        return rv;
    ASSERT(l != NULL && l->io == io);
    *out = l;
    return 0;
}

uint16_t listener_port(const struct listener *l)
{
    uint16_t port = l->io->net->listener_port(l);

    ASSERT(port != 0);
    return port;
}

void listener_pause(struct listener *l, bool is_paused)
{
    l->io->net->listener_pause(l, is_paused);
}

void listener_close(struct listener *l)
{
    ASSERT(l != NULL);
    l->io->net->listener_close(l);
}

int socket_connect(struct io *io, const char *host, uint16_t port, struct socket **out,
                   struct err_note *note)
{
    struct socket *s = NULL;
    int rv = 0;

    ASSERT(host != NULL && host[0] != '\0' && out != NULL);
    rv = io->net->connect(io, host, port, &s, note);
    ASSERT(rv <= 0);
    if (rv != 0)
        return rv;
    ASSERT(s != NULL && s->io == io && s->ops != NULL);
    *out = s;
    return 0;
}

void socket_set_owner(struct socket *s, socket_event_fn *fn, void *owner)
{
    ASSERT(fn != NULL);
    s->ops->set_owner(s, fn, owner);
}

void socket_watch(struct socket *s, unsigned events)
{
    ASSERT((events & ~all_socket_events) == 0);
    s->ops->watch(s, events);
}

int socket_read(struct socket *s, void *buf, size_t size, size_t *done)
{
    size_t n = 0;
    int rv = 0;

    ASSERT(buf != NULL && size > 0 && done != NULL);
    rv = s->ops->read(s, buf, size, &n);
    ASSERT(rv <= 0);
    if (rv != 0)
        return rv;
    ASSERT(n >= 1 && n <= size);
    *done = n;
    return 0;
}

int socket_write(struct socket *s, const struct iovec *parts, int count, size_t *done)
{
    size_t size = 0;
    size_t n = 0;
    int rv = 0;

    ASSERT(parts != NULL && count > 0 && done != NULL);
    for (int i = 0; i < count; i++)
        size += parts[i].iov_len;
    ASSERT(size > 0);

    rv = s->ops->write(s, parts, count, &n);
    ASSERT(rv <= 0);
    if (rv != 0)
        return rv;
    ASSERT(n >= 1 && n <= size);
    *done = n;
    return 0;
}

void socket_peer(const struct socket *s, struct net_address *out)
{
    s->ops->peer(s, out);
    ASSERT(memchr(out->text, '\0', sizeof(out->text)) != NULL);
}

void socket_local(const struct socket *s, struct net_address *out)
{
    s->ops->local(s, out);
    ASSERT(memchr(out->text, '\0', sizeof(out->text)) != NULL);
}

void socket_set_peer(struct socket *s, const struct net_address *peer)
{
    ASSERT(memchr(peer->text, '\0', sizeof(peer->text)) != NULL);
    s->ops->set_peer(s, peer);
}

void socket_close(struct socket *s)
{
    ASSERT(s != NULL);
    s->ops->close(s);
}
