/* A growing area of bytes to encode into, with a limit.
 *
 * What would go beyond the limit, or what memory is refused for, is not added at all; from
 * then on the buffer has failed and takes nothing more until buf_clear(). So an encoder
 * adds everything and asks buf_error() once. Owner: one thread. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/check.h"

struct buf {
    uint8_t *data;
    size_t size;
    size_t capacity;
    size_t limit;
    int error;
};

/* An empty buffer that never holds more than `limit` bytes. It gets memory when it is first
 * needed. */
void buf_init(struct buf *b, size_t limit);
void buf_release(struct buf *b);

/* Forgets the bytes and the failure; keeps the memory. */
void buf_clear(struct buf *b);

/* 0, or why it failed: ERR_FULL or ERR_NO_MEMORY. */
int buf_error(const struct buf *b);

/* The bytes so far, borrowed until the buffer next changes. */
struct bytes buf_view(const struct buf *b);

/* The place for `size` more bytes, which the caller fills at once; NULL when the buffer
 * failed. */
MUST_USE uint8_t *buf_extend(struct buf *b, size_t size);

void buf_bytes(struct buf *b, struct bytes bytes);
void buf_u8(struct buf *b, uint8_t v);
void buf_le16(struct buf *b, uint16_t v);
void buf_le32(struct buf *b, uint32_t v);
void buf_le64(struct buf *b, uint64_t v);
void buf_be16(struct buf *b, uint16_t v);
void buf_be32(struct buf *b, uint32_t v);
void buf_be64(struct buf *b, uint64_t v);

/* Adds the text, without a zero byte at its end. */
void buf_text(struct buf *b, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
