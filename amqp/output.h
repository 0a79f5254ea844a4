/* What waits for a socket: one chain of pieces, in the order they will be sent.
 *
 *     [ block: frames, frames ... ] [ a stored body ] [ block: frames ... ] [ a body's memory ]
 *       copied there                  pinned            goes on              owned
 *
 * Small things are copied into blocks of one size, which go round among the connections of a shard;
 * a stored body stays where it lies until it is sent. In the steady state nothing is allocated, and
 * a connection with nothing to send holds no block.
 *
 * Owner: one session. */
#ifndef AMQP_OUTPUT_H
#define AMQP_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/bytes.h"
#include "base/check.h"
#include "store/store.h"

enum {
    OUTPUT_BLOCK_SIZE = 16 * 1024,
    OUTPUT_SPARES_MAX = 512, /* blocks kept for the next burst */
};

struct output_block;
struct output_piece;

/* The blocks of a shard that nobody uses. */
struct output_spares {
    struct output_block *first;
    size_t count;
};
void output_spares_release(struct output_spares *s);

struct output {
    struct output_spares *spares;
    struct output_block *block;  /* open for more, or NULL */
    struct output_piece *pieces; /* a ring */
    uint32_t capacity;           /* a power of two, or 0 */
    uint32_t first;
    uint32_t count;
    bool is_open; /* the last piece ends where the open block does */
    size_t bytes; /* of all pieces */
};

void output_init(struct output *o, struct output_spares *spares);
void output_release(struct output *o);

/* The place for so many bytes, in one piece, which the caller fills at once. At most
 * OUTPUT_BLOCK_SIZE. */
uint8_t *output_extend(struct output *o, size_t size);

/* How much more goes into one piece of memory behind what is there: OUTPUT_BLOCK_SIZE when nothing
 * does. */
size_t output_room(const struct output *o);

/* Adds a copy. */
void output_copy(struct output *o, struct bytes bytes);

/* Adds bytes that the pin keeps in place; takes the pin. */
void output_pinned(struct output *o, struct bytes bytes, struct store_pin pin);

/* Adds bytes at the start of `memory`, which it takes (mem_free()). */
void output_owned(struct output *o, void *memory, size_t size);

/* The first pieces, at most `max` of them and about `bytes_max` bytes. Returns how many. */
int output_gather(const struct output *o, struct iovec *parts, int max, size_t bytes_max);

/* So many bytes from the front are sent. */
void output_sent(struct output *o, size_t size);

void output_check(const struct output *o);

#endif
