/* Private to the real world: making sockets, for listeners and connects. */
#ifndef IO_REAL_SOCKET_H
#define IO_REAL_SOCKET_H

#include "base/check.h"
#include "io/net.h"
#include "io/real_address.h"
#include "io/real_loop.h"

/* Takes the open, non-blocking descriptor. Never NULL. */
struct socket *real_socket_new(struct real_io *r, int fd, const struct real_address *peer);

MUST_USE int real_socket_connect(struct io *io, const char *host, uint16_t port,
                                 struct socket **out, struct err_note *note);

/* The rest of struct net_ops for sockets; see there. */
void real_socket_set_owner(struct socket *base, socket_event_fn *fn, void *owner);
void real_socket_watch(struct socket *base, unsigned events);
MUST_USE int real_socket_read(struct socket *base, void *buf, size_t size, size_t *done);
MUST_USE int real_socket_write(struct socket *base, const struct iovec *parts, int count,
                               size_t *done);
void real_socket_peer(const struct socket *base, struct net_address *out);
void real_socket_close(struct socket *base);

#endif
