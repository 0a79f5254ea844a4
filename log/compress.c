/* zstd behind compress.h. */
#include "log/compress.h"

#include <zstd.h>

#include "base/err.h"

size_t compress_payload(int level, const uint8_t *from, size_t size, uint8_t *to, size_t capacity)
{
    size_t n;

    ASSERT(level > 0);
    n = ZSTD_compress(to, capacity, from, size, level);
    return ZSTD_isError(n) || n >= size ? 0 : n;
}

int decompress_payload(const uint8_t *from, size_t size, uint8_t *to, size_t raw_size)
{
    unsigned long long claimed = ZSTD_getFrameContentSize(from, size);
    size_t n;

    if (claimed != raw_size || ZSTD_findFrameCompressedSize(from, size) != size)
        return ERR_CORRUPT;
    n = ZSTD_decompress(to, raw_size, from, size);
    return ZSTD_isError(n) || n != raw_size ? ERR_CORRUPT : 0;
}
