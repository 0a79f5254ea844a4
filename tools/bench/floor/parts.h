/* What the files of this room share: the floor, its peers, and the consumers among them. Private.
 *
 * Owner: the loop's thread. */
#ifndef TOOLS_BENCH_FLOOR_PARTS_H
#define TOOLS_BENCH_FLOOR_PARTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/list.h"
#include "io/io.h"
#include "tools/bench/floor/keep.h"

enum {
    FLOOR_READ_SIZE = 256 << 10, /* of one read */
    FLOOR_MESSAGE_MAX = 2 << 20, /* all frames of one message */
    FLOOR_OUT_LIMIT = 4 << 20,   /* a consumer that is so far behind holds the publishers */
    FLOOR_OUT_MAX = 256 << 20,
    FLOOR_FRAME_MAX = 128 << 10,
    FLOOR_CHANNEL_MAX = 2047,
    FLOOR_OPENING_MAX = 272, /* ids and the longest consumer tag */
};

struct socket;

struct floor {
    struct io *io;
    struct keep keep;
    struct list peers;
    struct list sinks;
    uint8_t *inbox;     /* where every peer reads */
    uint64_t published; /* since the last queue was declared */
    bool is_held;       /* publishers are not read */
};

/* A connection. */
struct peer {
    struct list_link link;
    struct floor *floor;
    struct socket *socket;
    bool is_greeted;
    bool is_full; /* the socket took less than it was given */
    bool is_publisher;
    bool has_confirms;
    uint64_t published; /* delivery tags */
    uint64_t confirmed;
    uint64_t kept; /* the last tag in the batch that is being written */
    struct buf rest;
    struct buf held;      /* answers to durable declarations that are in the batch that fills */
    struct buf committed; /* the same for the batch that is on its way */
    struct buf out;
    size_t out_done;
    struct io_task flush; /* at the end of the turn */
    struct io_task again; /* what was left lying while publishers were held */
};

/* A consumer. */
struct sink {
    struct list_link link;
    struct peer *peer;
    uint16_t channel;
    uint8_t opening[FLOOR_OPENING_MAX]; /* ids of basic.deliver and the consumer tag */
    size_t opening_size;
    uint64_t tag;
    bool is_stream;
    struct replay replay; /* of a stream */
};

/* A new connection; takes the socket. */
void peer_new(void *floor, struct socket *s);
/* Frees it and its sinks. */
void peer_free(struct peer *p);

/* Something was added to p->out. */
void peer_write_later(struct peer *p);

/* Takes the message whose basic.publish is at the front of the window: how many bytes it has; 0
 * when it is not whole yet, or SIZE_MAX when it is too large or makes no sense. */
size_t relay_take(struct peer *p, struct bytes window);

/* A published message where it lies. */
struct relay_message {
    struct bytes frames; /* all of them */
    size_t publish;      /* the size of the first */
};

/* Finds the ends of the message at the front of the window: how many bytes it has; as
 * relay_take(). */
size_t relay_read(struct bytes window, struct relay_message *out);

/* Copies a message behind a basic.deliver to a consumer. */
void relay_deliver(struct sink *s, const struct relay_message *m);

/* The batch is on its way: what is told after it is safe is set aside. */
void relay_begin(struct floor *f);

/* It is safe: confirms and answers go out. */
void relay_confirm(struct floor *f);

/* Hands the kept messages to a stream's consumer, from the first. */
void relay_replay(struct sink *s);

#endif
