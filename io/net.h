/* Stream sockets and listeners, as every room sees them. Nothing here blocks.
 *
 * A socket tells its owner when it could read or write; the owner then calls socket_read()
 * or socket_write() until it has enough or they answer ERR_AGAIN. Watching is
 * level-triggered: as long as SOCKET_READ is watched and bytes are there, the callback comes
 * again each turn. An owner that must hold a peer back stops watching SOCKET_READ.
 *
 *     connecting --SOCKET_WRITE--> open --end of stream--> half closed --socket_close--> gone
 *          \______________an error shows up in the next read or write_______________/
 *
 * Owner: the shard whose struct io made it. */
#ifndef IO_NET_H
#define IO_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/check.h"
#include "base/err.h"

struct io;
struct socket;
struct listener;

enum socket_events {
    SOCKET_READ = 1,  /* bytes, the end of the stream, or an error can be had */
    SOCKET_WRITE = 2, /* there is room to write, or an error can be had */
};

enum { NET_ADDRESS_SIZE = 80 };

/* An address as a person writes it: "127.0.0.1:5672", "[::1]:5672". */
struct net_address {
    char text[NET_ADDRESS_SIZE];
};

typedef void socket_event_fn(void *owner, struct socket *s, unsigned events);

/* A new connection; the callee owns the socket. */
typedef void listener_accept_fn(void *owner, struct socket *s);

/* A world implements these. */
struct net_ops {
    int (*listen)(struct io *io, const char *host, uint16_t port, listener_accept_fn *fn,
                  void *owner, struct listener **out, struct err_note *note);
    uint16_t (*listener_port)(const struct listener *l);
    void (*listener_pause)(struct listener *l, bool is_paused);
    void (*listener_close)(struct listener *l);
    int (*connect)(struct io *io, const char *host, uint16_t port, struct socket **out,
                   struct err_note *note);
};

/* And so does whoever makes sockets: a world, or a layer above its sockets. */
struct socket_ops {
    void (*set_owner)(struct socket *s, socket_event_fn *fn, void *owner);
    void (*watch)(struct socket *s, unsigned events);
    int (*read)(struct socket *s, void *buf, size_t size, size_t *done);
    int (*write)(struct socket *s, const struct iovec *parts, int count, size_t *done);
    void (*peer)(const struct socket *s, struct net_address *out);
    void (*local)(const struct socket *s, struct net_address *out);
    void (*set_peer)(struct socket *s, const struct net_address *peer);
    void (*close)(struct socket *s);
};

/* The first field of its maker's own sockets and listeners. */
struct socket {
    struct io *io;
    const struct socket_ops *ops;
};
struct listener {
    struct io *io;
};

/* Listens on a numeric host ("" is every address) and a port (0 lets the world choose a free
 * one). Accepts until told to pause. When no descriptor is left, accepting rests for a
 * moment and goes on by itself. Errors: ERR_BUSY, ERR_DENIED, ERR_INVALID, ERR_IO with a
 * note that quotes the address. */
MUST_USE int listener_open(struct io *io, const char *host, uint16_t port, listener_accept_fn *fn,
                           void *owner, struct listener **out, struct err_note *note);

/* The port it listens on. */
uint16_t listener_port(const struct listener *l);

/* While paused, new connections wait in the system's queue. */
void listener_pause(struct listener *l, bool is_paused);
void listener_close(struct listener *l);

/* Starts to connect to a numeric host. The first SOCKET_WRITE says it is open, or the next
 * read or write says why not. */
MUST_USE int socket_connect(struct io *io, const char *host, uint16_t port, struct socket **out,
                            struct err_note *note);

/* Who hears of events. At first nobody does and nothing is watched. */
void socket_set_owner(struct socket *s, socket_event_fn *fn, void *owner);

/* Which events to tell of from now on: any of SOCKET_READ and SOCKET_WRITE, or 0. */
void socket_watch(struct socket *s, unsigned events);

/* Reads what is there, at least one byte. Errors: ERR_AGAIN, ERR_CLOSED at the end of the stream,
 * ERR_IO. */
MUST_USE int socket_read(struct socket *s, void *buf, size_t size, size_t *done);

/* Writes as much as fits, at least one byte. What was not written must come again: the next write
 * begins with those bytes, which may lie elsewhere then. Errors: ERR_AGAIN, ERR_CLOSED when the
 * peer is gone, ERR_IO. */
MUST_USE int socket_write(struct socket *s, const struct iovec *parts, int count, size_t *done);

/* The other side's address. */
void socket_peer(const struct socket *s, struct net_address *out);

/* Our side's address: where the other side reached us. */
void socket_local(const struct socket *s, struct net_address *out);

/* From now on that is the other side's address: somebody in between has told it. */
void socket_set_peer(struct socket *s, const struct net_address *peer);

/* Closes at once; no callback comes after this. */
void socket_close(struct socket *s);

#endif
