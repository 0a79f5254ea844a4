/* Compression of a batch's payload. One codec: zstd. */
#ifndef LOG_COMPRESS_H
#define LOG_COMPRESS_H

#include <stddef.h>
#include <stdint.h>

#include "base/check.h"

/* Compresses into `to`; returns the size, or 0 when it would not become smaller than `capacity`, or
 * there is no memory to do it. */
size_t compress_payload(int level, const uint8_t *from, size_t size, uint8_t *to, size_t capacity);

/* Decompresses exactly `raw_size` bytes. Errors: ERR_CORRUPT when the stream says anything
 * else: its size is checked before it is believed, and nothing is written beyond;
 * ERR_NO_MEMORY. */
MUST_USE int decompress_payload(const uint8_t *from, size_t size, uint8_t *to, size_t raw_size);

#endif
