/* A producer: a connection that publishes as fast as its window, its rate and the socket let it.
 *
 * Its messages are built once, in a ring of slots that lies in one piece, one behind the other as
 * they go to the socket. Publishing is stamping the next slots with their sequences and
 * writing the ring from where the socket stopped:
 *
 *     | slot 0 | slot 1 | slot 2 | ... | slot n-1 |      message s is in slot s % n
 *          ^ written        ^ published
 *
 * The number of slots is a multiple of the producer's routes and of the cargo's patterns, so that
 * only sequence and check change in a slot. Owner: the load's thread. */
#ifndef TOOLS_BENCH_AMQP_PRODUCER_H
#define TOOLS_BENCH_AMQP_PRODUCER_H

#include <stdint.h>

#include "io/io.h"
#include "tools/bench/amqp/client.h"
#include "tools/bench/amqp/window.h"

struct crew;

struct producer_ring {
    uint8_t *bytes;
    size_t size;
    uint32_t slots;
    size_t *slot_at; /* slots + 1 of them */
    size_t *body_at;
    uint64_t published; /* sequences stamped */
    uint64_t cleared;   /* sequences wholly written; those below published - slots always are */
    size_t at;          /* the next byte to write */
    size_t unwritten;   /* how many bytes from there on are stamped */
};

struct producer {
    struct client client;
    struct crew *crew;
    struct producer_ring ring;
    struct window window;
    struct io_timer timer; /* with a rate: the next message is due */
    struct io_task turn;
    uint32_t number;
    uint64_t limit; /* how many messages in all */
    bool is_held;   /* waits for consumers */
};

/* Opens the connection. `limit` is how many it will publish. Errors: those of client_open(). */
MUST_USE int producer_open(struct producer *p, struct crew *crew, uint32_t number, uint64_t limit);

/* May be called on a zeroed struct. */
void producer_release(struct producer *p);

/* Selects confirms, when the work has a window, and builds the messages. The client must be
 * ready. */
void producer_prepare(struct producer *p);

/* Publishes what it may now. */
void producer_work(struct producer *p);

#endif
