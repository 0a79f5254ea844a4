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

#endif
