/* What came from a socket and was not taken yet.
 *
 *     nothing left over    the shard's one scratch area is read into      (idle: no memory at all)
 *     a little left over   it is copied to the front of the scratch area; reading goes on there
 *     much left over       it stays in memory of its own, which grows as bytes come
 *
 * So a frame that comes a byte at a time is not copied once a byte, and ten thousand idle
 * connections hold nothing. No size from the peer is ever allocated ahead: memory of its own at
 * most doubles what has come.
 *
 * Owner: one session; the scratch area is lent for one reading. */
#ifndef AMQP_INPUT_H
#define AMQP_INPUT_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

enum {
    INPUT_SCRATCH_SIZE = 128 * 1024, /* read in one turn, at most */
    INPUT_SMALL_SIZE = 4 * 1024,     /* so much is copied to the scratch area */
};

struct input {
    uint8_t *data; /* own memory, or NULL */
    size_t start;  /* of what was not taken */
    size_t size;   /* filled */
    size_t capacity;
};

/* Where to read to: `data` has `size` bytes already, `room` more go behind them. */
struct input_window {
    uint8_t *data;
    size_t size;
    size_t room;
};

void input_release(struct input *in);

/* What was not taken, in its own memory. */
struct bytes input_left(const struct input *in);

/* A place to read to. `scratch` has INPUT_SCRATCH_SIZE bytes. */
struct input_window input_window(struct input *in, uint8_t *scratch);

/* Of `window`, which is that window with what was read, or input_left(), so many bytes were taken;
 * the rest is kept. */
void input_keep(struct input *in, struct bytes window, size_t taken);

#endif
