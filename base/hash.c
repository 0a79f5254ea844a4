/* The only file that knows which hash library is used. */
#include "base/hash.h"

#include <xxhash.h>

#include "base/check.h"

uint64_t hash64(struct bytes data, uint64_t seed)
{
    ASSERT(data.data != NULL || data.size == 0);
    return XXH3_64bits_withSeed(data.data, data.size, seed);
}

struct hash128 hash128(struct bytes data, uint64_t seed)
{
    ASSERT(data.data != NULL || data.size == 0);

    XXH128_hash_t h = XXH3_128bits_withSeed(data.data, data.size, seed);

    return (struct hash128){.low = h.low64, .high = h.high64};
}
