/* A buffer that doubles. Behind its capacity lies one more byte, for the zero that printf
 * writes. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/err.h"
#include "base/mem.h"

enum { BUF_CAPACITY_MIN = 64 };

static void buf_check(const struct buf *b)
{
    ASSERT(b->size <= b->capacity);
    ASSERT(b->size <= b->limit);
    ASSERT(b->error <= 0);
}

void buf_init(struct buf *b, size_t limit)
{
    ASSERT(limit < SIZE_MAX / 2);
    *b = (struct buf){.limit = limit};
}

void buf_release(struct buf *b)
{
    buf_check(b);
    mem_free(b->data);
    *b = (struct buf){0};
}

void buf_clear(struct buf *b)
{
    buf_check(b);
    b->size = 0;
    b->error = 0;
}

int buf_error(const struct buf *b)
{
    return b->error;
}

struct bytes buf_view(const struct buf *b)
{
    return bytes_of(b->data, b->size);
}

/* Twice what there is, or more when more is needed, but not beyond the limit. */
static size_t next_capacity(const struct buf *b, size_t needed)
{
    size_t capacity = 2 * b->capacity;

    if (capacity < BUF_CAPACITY_MIN)
        capacity = BUF_CAPACITY_MIN;
    if (capacity < needed)
        capacity = needed;
    return capacity < b->limit ? capacity : b->limit;
}

/* Makes room for `size` more bytes, or fails for good. */
static int make_room(struct buf *b, size_t size)
{
    if (b->error != 0)
        return b->error;
    if (size > b->limit - b->size)
        return b->error = ERR_FULL;
    if (size <= b->capacity - b->size)
        return 0;

    size_t capacity = next_capacity(b, b->size + size);
    uint8_t *data = mem_try(capacity + 1);
    if (data == NULL)
        return b->error = ERR_NO_MEMORY;
    if (b->size > 0)
        memcpy(data, b->data, b->size);
    mem_free(b->data);
    b->data = data;
    b->capacity = capacity;
    return 0;
}

uint8_t *buf_extend(struct buf *b, size_t size)
{
    buf_check(b);
    ASSERT(size > 0);
    if (make_room(b, size) != 0)
        return NULL;

    uint8_t *at = b->data + b->size;
    b->size += size;
    return at;
}

void buf_bytes(struct buf *b, struct bytes bytes)
{
    uint8_t *at = bytes.size == 0 ? NULL : buf_extend(b, bytes.size);

    if (at != NULL)
        memcpy(at, bytes.data, bytes.size);
}

void buf_u8(struct buf *b, uint8_t v)
{
    uint8_t *at = buf_extend(b, sizeof(v));

    if (at != NULL)
        *at = v;
}

void buf_le16(struct buf *b, uint16_t v)
{
    uint8_t *at = buf_extend(b, sizeof(v));

    if (at != NULL)
        put_le16(at, v);
}

void buf_le32(struct buf *b, uint32_t v)
{
    uint8_t *at = buf_extend(b, sizeof(v));

    if (at != NULL)
        put_le32(at, v);
}

void buf_le64(struct buf *b, uint64_t v)
{
    uint8_t *at = buf_extend(b, sizeof(v));

    if (at != NULL)
        put_le64(at, v);
}

void buf_be16(struct buf *b, uint16_t v)
{
    uint8_t *at = buf_extend(b, sizeof(v));

    if (at != NULL)
        put_be16(at, v);
}

void buf_be32(struct buf *b, uint32_t v)
{
    uint8_t *at = buf_extend(b, sizeof(v));

    if (at != NULL)
        put_be32(at, v);
}

void buf_be64(struct buf *b, uint64_t v)
{
    uint8_t *at = buf_extend(b, sizeof(v));

    if (at != NULL)
        put_be64(at, v);
}

void buf_text(struct buf *b, const char *format, ...)
{
    va_list values;
    va_list again;

    va_start(values, format);
    va_copy(again, values);
    int length = vsnprintf(NULL, 0, format, values);
    va_end(values);
    ASSERT(length >= 0);

    uint8_t *at = length == 0 ? NULL : buf_extend(b, (size_t)length);
    if (at != NULL) {
        int written = vsnprintf((char *)at, (size_t)length + 1, format, again);
        ASSERT(written == length);
    }
    va_end(again);
}
