/* Numbers in as few bytes as they need: seven bits a byte, lowest first, the top bit says that
 * another byte follows. At most ten bytes. Private to the room. */
#ifndef STORE_VARINT_H
#define STORE_VARINT_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "base/check.h"

enum { VARINT_MAX = 10 };

/* The bytes a number takes. */
static inline size_t varint_size(uint64_t v)
{
    return (size_t)(70 - __builtin_clzll(v | 1)) / 7;
}

/* Writes the number; returns the place behind it. */
static inline uint8_t *varint_put(uint8_t *at, uint64_t v)
{
    while (v >= 0x80) {
        *at++ = (uint8_t)(v | 0x80);
        v >>= 7;
    }
    *at++ = (uint8_t)v;
    return at;
}

static inline void buf_varint(struct buf *b, uint64_t v)
{
    uint8_t *at = buf_extend(b, varint_size(v));

    if (at != NULL)
        (void)varint_put(at, v);
}

/* Reads a number. One that has more bits than there is room for, or is cut off, makes the reader
 * fail. */
static inline uint64_t reader_varint(struct reader *r)
{
    uint64_t v = 0;

    if (LIKELY(r->left > 0 && !r->is_failed && r->at[0] < 0x80))
        return reader_u8(r);
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t byte = reader_u8(r);

        v |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80 && (shift < 63 || byte <= 1))
            return r->is_failed ? 0 : v;
    }
    r->is_failed = true;
    r->left = 0;
    return 0;
}

#endif
