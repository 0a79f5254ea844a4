/* What the messages of a run carry, so that each says which it is and whether it is whole.
 *
 *     at size
 *      0    4   run: other runs' messages are told apart
 *      4    4   producer
 *      8    8   sequence: 0, 1, 2, ... of that producer
 *     16    8   check: hash of the payload, mixed with the three above; from 24 bytes on
 *     24    -   payload: one of a few patterns of random bytes, chosen by the sequence
 *
 * The hashes of the patterns are known beforehand, so a body costs its producer two stores, and
 * its consumer a comparison with the pattern, which is stricter than a checksum and cheaper. A
 * consumer that knows the run's id alone could go by the check. Numbers are little-endian.
 *
 * Owner: one thread. */
#ifndef TOOLS_BENCH_AMQP_CARGO_H
#define TOOLS_BENCH_AMQP_CARGO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/check.h"

enum {
    CARGO_SIZE_MIN = 16,
    CARGO_HEAD_SIZE = 24,
    CARGO_PATTERNS = 8,
    CARGO_SIZE_MAX = 512 << 20,
};

struct cargo {
    uint32_t run;
    uint32_t patterns; /* how many; large bodies have one */
    size_t size;       /* of each body */
    uint8_t *bytes;    /* pattern i begins at byte 8 * i */
    uint64_t hashes[CARGO_PATTERNS];
};

/* What a body says of itself. */
struct cargo_label {
    uint32_t run;
    uint32_t producer;
    uint64_t sequence;
};

/* Bodies of `size` bytes, CARGO_SIZE_MIN to CARGO_SIZE_MAX, for the run of that id. */
void cargo_init(struct cargo *c, uint32_t run, size_t size);
void cargo_release(struct cargo *c);

/* Writes all of a body but its sequence and check, for sequences with this pattern:
 * sequence % c->patterns. */
void cargo_fill(const struct cargo *c, uint8_t *at, uint32_t producer, uint32_t pattern);

/* Writes the sequence and the check into a body that cargo_fill() wrote. `at` needs only
 * the body's first CARGO_HEAD_SIZE bytes, or all when it is smaller. */
void cargo_stamp(const struct cargo *c, uint8_t *at, uint32_t producer, uint64_t sequence);

/* Reads the label and checks what stands beside it: `head` is the body's first CARGO_HEAD_SIZE
 * bytes, or all when it is smaller. False when the check or the run is wrong. */
MUST_USE bool cargo_read(const struct cargo *c, struct bytes head, struct cargo_label *out);

/* Whether this part of a body, which begins `at` bytes in, not before CARGO_HEAD_SIZE, is what a
 * message of this sequence carries. */
MUST_USE bool cargo_is_same(const struct cargo *c, uint64_t sequence, size_t at, struct bytes part);

#endif
