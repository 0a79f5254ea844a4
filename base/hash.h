/* Hashes that are fast and spread well, by XXH3. Not for secrets, not for checksums on disk
 * (crc32c.h).
 *
 * The same bytes and seed give the same value on every machine and in every version, so
 * values may be stored. Where a peer chooses the bytes, the seed must be one that he cannot
 * know. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stdint.h>

#include "base/bytes.h"

struct hash128 {
    uint64_t low;
    uint64_t high;
};

uint64_t hash64(struct bytes data, uint64_t seed);

/* So wide that two different inputs with one value will not be met. */
struct hash128 hash128(struct bytes data, uint64_t seed);

#endif
