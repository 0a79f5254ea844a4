/* A connection to a broker.
 *
 *     CONNECTING -> GREETED -> SECURING -> TUNED -> OPENING -> READY -> CLOSING -> GONE
 *        TCP       header    start-ok   tune-ok+open  channels     close    close-ok, or the end
 *
 * Frames are read where they lie in the load's inbox, which all clients share; what is not whole
 * at its end is kept for the next read. What happens is told through `ops`, from the loop. A
 * broker that breaks the protocol, or closes a channel or the connection, fails the load.
 *
 * Owner: the load's thread. The owner of the struct puts it first into its own. */
#ifndef TOOLS_BENCH_AMQP_CLIENT_H
#define TOOLS_BENCH_AMQP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "amqp/wire/content.h"
#include "amqp/wire/method.h"
#include "base/buf.h"

struct client;
struct load;
struct socket;

/* What a client tells its owner; any may be NULL. Views are gone after the call. */
struct client_ops {
    /* Whole frames at the front of what was read, in a form that the owner knows: returns how
     * many bytes it took, 0 to leave the next frame to the client. */
    size_t (*on_bytes)(struct client *c, struct bytes window);
    void (*on_method)(struct client *c, uint16_t channel, const struct method *m);
    void (*on_header)(struct client *c, uint16_t channel, const struct content *content);
    void (*on_body)(struct client *c, uint16_t channel, struct bytes part);
    void (*on_answered)(struct client *c); /* ready, or all calls have been answered */
    void (*on_room)(struct client *c);     /* there was none; now the socket takes bytes again */
    void (*on_gone)(struct client *c);     /* the goodbye is through; it may be opened again */
};

enum client_state {
    CLIENT_CONNECTING,
    CLIENT_GREETED,
    CLIENT_SECURING,
    CLIENT_TUNED,
    CLIENT_OPENING,
    CLIENT_READY,
    CLIENT_CLOSING,
    CLIENT_GONE,
};

struct client {
    struct load *load;
    const struct client_ops *ops;
    struct socket *socket; /* NULL when it is gone */
    enum client_state state;
    bool is_full;           /* on_room() will come: the socket was full, or the owner asked */
    bool is_in_room;        /* on_room() is on the stack */
    uint16_t channels;      /* 1 to this are opened */
    uint32_t frame_max;     /* as negotiated */
    uint64_t calls_due;     /* calls that were not answered yet */
    uint64_t blocked;       /* how often the broker held publishers back, and said so */
    uint32_t message_count; /* of the last queue.declare-ok, purge-ok or delete-ok */
    struct buf out;         /* frames to write; out_done of them are written */
    size_t out_done;
    struct buf rest; /* of what was read: a frame that is not whole */
};

/* Starts to connect, and to open that many channels. on_answered() says when it is ready. Errors:
 * those of socket_connect(), which fail the load too; the client is then gone. */
MUST_USE int client_open(struct client *c, struct load *load, const struct client_ops *ops,
                         uint16_t channels);

/* Adds a method, to be written by client_flush(). */
void client_send(struct client *c, uint16_t channel, const struct method *m);

/* The same for one that will be answered. */
void client_call(struct client *c, uint16_t channel, const struct method *m);

/* Writes what was added, as far as the socket takes it. */
void client_flush(struct client *c);

/* Writes bytes of the owner behind what was added: how many the socket took. Less than all means
 * that on_room() will come. */
MUST_USE size_t client_write(struct client *c, const struct bytes *parts, int count);

/* on_room() comes in the next turn in which the socket takes bytes. Until then nothing is
 * written. */
void client_ask_for_room(struct client *c);

/* Whether it is ready and every call has been answered. For load_wait(). */
bool client_is_idle(void *client);

/* Says goodbye when it is ready, else hangs up. */
void client_close(struct client *c);
bool client_is_gone(void *client);

/* Hangs up and frees what it holds. May be called on a zeroed struct. */
void client_release(struct client *c);

#endif
