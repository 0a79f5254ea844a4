/* What the bench appends: bodies that say which they are and whether they are whole.
 *
 *     at size
 *      0    8   sequence: 0, 1, 2, ... in the order of the appends
 *      8    4   CRC32C of the bytes from 12 on, then of those from 0 to 8
 *     12    -   random bytes, the same for every BODY_PATTERNS-th body
 *
 * The checksum of each pattern is known beforehand, so a body costs its writer little more
 * than a copy. Its reader takes the checksum over everything. Numbers are little-endian. */
#ifndef TOOLS_BENCH_BODY_H
#define TOOLS_BENCH_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/check.h"

enum { BODY_PATTERNS = 16, BODY_SIZE_MIN = 16 };

struct body_maker {
    size_t size;       /* of each body */
    uint64_t sequence; /* of the next body */
    uint8_t *patterns;
    uint32_t crcs[BODY_PATTERNS];
};

/* Bodies of `size` bytes, at least BODY_SIZE_MIN. */
void body_maker_init(struct body_maker *m, size_t size);
void body_maker_release(struct body_maker *m);

/* Writes the next body to `at`, where m->size bytes are. */
void body_make(struct body_maker *m, uint8_t *at);

/* True when the body says that it is number `sequence`; it need not be whole. */
MUST_USE bool body_is_numbered(struct bytes body, uint64_t sequence);

/* True when the body is whole and is number `sequence`. */
MUST_USE bool body_is(struct bytes body, uint64_t sequence);

#endif
