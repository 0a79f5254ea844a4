/* Borrowed bytes, and readers and writers with bounds over them.
 *
 * Two byte orders live here: files are little-endian (the machines we run on read them as
 * they are), the AMQP wire is big-endian. Names say which: get_le32, get_be32. */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/check.h"

/* A view of bytes that someone else owns. */
struct bytes {
    const uint8_t *data;
    size_t size;
};

static inline struct bytes bytes_of(const void *data, size_t size)
{
    return (struct bytes){.data = (const uint8_t *)data, .size = size};
}

static inline struct bytes bytes_text(const char *text)
{
    return bytes_of(text, strlen(text));
}

static inline bool bytes_equal(struct bytes a, struct bytes b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static inline void put_le16(void *at, uint16_t v)
{
    uint8_t b[2] = {(uint8_t)v, (uint8_t)(v >> 8)};
    memcpy(at, b, sizeof(b));
}

static inline void put_le32(void *at, uint32_t v)
{
    uint8_t b[4] = {(uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16), (uint8_t)(v >> 24)};
    memcpy(at, b, sizeof(b));
}

static inline void put_le64(void *at, uint64_t v)
{
    put_le32(at, (uint32_t)v);
    put_le32((uint8_t *)at + 4, (uint32_t)(v >> 32));
}

static inline uint16_t get_le16(const void *at)
{
    const uint8_t *b = (const uint8_t *)at;
    return (uint16_t)(b[0] | b[1] << 8);
}

static inline uint32_t get_le32(const void *at)
{
    const uint8_t *b = (const uint8_t *)at;
    return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

static inline uint64_t get_le64(const void *at)
{
    return get_le32(at) | (uint64_t)get_le32((const uint8_t *)at + 4) << 32;
}

static inline void put_be16(void *at, uint16_t v)
{
    uint8_t b[2] = {(uint8_t)(v >> 8), (uint8_t)v};
    memcpy(at, b, sizeof(b));
}

static inline void put_be32(void *at, uint32_t v)
{
    uint8_t b[4] = {(uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v};
    memcpy(at, b, sizeof(b));
}

static inline void put_be64(void *at, uint64_t v)
{
    put_be32(at, (uint32_t)(v >> 32));
    put_be32((uint8_t *)at + 4, (uint32_t)v);
}

static inline uint16_t get_be16(const void *at)
{
    const uint8_t *b = (const uint8_t *)at;
    return (uint16_t)(b[0] << 8 | b[1]);
}

static inline uint32_t get_be32(const void *at)
{
    const uint8_t *b = (const uint8_t *)at;
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | (uint32_t)b[3];
}

static inline uint64_t get_be64(const void *at)
{
    return (uint64_t)get_be32(at) << 32 | get_be32((const uint8_t *)at + 4);
}

/* Reads values off the front of borrowed bytes.
 *
 *     | already read | left ... |
 *                    ^ at
 *
 * A read beyond the end gives zeros or no bytes, and from then on the reader has failed:
 * every further read does the same. So a decoder reads all it wants and asks once, before
 * it believes any of it. */
struct reader {
    const uint8_t *at;
    size_t left;
    bool is_failed;
};

static inline struct reader reader_of(struct bytes b)
{
    return (struct reader){.at = b.data, .left = b.size};
}

/* The next `size` bytes, borrowed from where the reader got them; NULL and failure when
 * there are fewer. The plain reads below are built on it. */
static inline const uint8_t *reader_skip(struct reader *r, size_t size)
{
    const uint8_t *at = r->at;

    if (UNLIKELY(r->is_failed || size > r->left)) {
        r->is_failed = true;
        r->left = 0;
        return NULL;
    }
    if (size > 0)
        r->at += size;
    r->left -= size;
    return at;
}

static inline struct bytes reader_bytes(struct reader *r, size_t size)
{
    const uint8_t *at = reader_skip(r, size);
    return bytes_of(at, at == NULL ? 0 : size);
}

/* A reader over the next `size` bytes, which this one skips. It has failed from the start
 * when this one has fewer. */
static inline struct reader reader_sub(struct reader *r, size_t size)
{
    struct reader sub = reader_of(reader_bytes(r, size));
    sub.is_failed = r->is_failed;
    return sub;
}

/* True when everything was read and nothing was missing. */
static inline bool reader_is_done(const struct reader *r)
{
    return !r->is_failed && r->left == 0;
}

static inline uint8_t reader_u8(struct reader *r)
{
    const uint8_t *at = reader_skip(r, 1);
    return at == NULL ? 0 : *at;
}

static inline uint16_t reader_le16(struct reader *r)
{
    const uint8_t *at = reader_skip(r, 2);
    return at == NULL ? 0 : get_le16(at);
}

static inline uint32_t reader_le32(struct reader *r)
{
    const uint8_t *at = reader_skip(r, 4);
    return at == NULL ? 0 : get_le32(at);
}

static inline uint64_t reader_le64(struct reader *r)
{
    const uint8_t *at = reader_skip(r, 8);
    return at == NULL ? 0 : get_le64(at);
}

static inline uint16_t reader_be16(struct reader *r)
{
    const uint8_t *at = reader_skip(r, 2);
    return at == NULL ? 0 : get_be16(at);
}

static inline uint32_t reader_be32(struct reader *r)
{
    const uint8_t *at = reader_skip(r, 4);
    return at == NULL ? 0 : get_be32(at);
}

static inline uint64_t reader_be64(struct reader *r)
{
    const uint8_t *at = reader_skip(r, 8);
    return at == NULL ? 0 : get_be64(at);
}

/* Writes values into a fixed area that the caller owns.
 *
 *     | size written | room ... | capacity
 *
 * A value that does not fit is not written at all, and from then on the writer has failed
 * and takes nothing more. So an encoder writes everything and asks once. */
struct writer {
    uint8_t *data;
    size_t size;
    size_t capacity;
    bool is_failed;
};

static inline struct writer writer_of(void *area, size_t capacity)
{
    return (struct writer){.data = (uint8_t *)area, .capacity = capacity};
}

/* The place for the next `size` bytes, which the caller fills; NULL and failure when they
 * do not fit. The plain writes below are built on it. */
static inline uint8_t *writer_skip(struct writer *w, size_t size)
{
    if (UNLIKELY(w->is_failed || size > w->capacity - w->size)) {
        w->is_failed = true;
        return NULL;
    }
    uint8_t *at = w->data + w->size;
    w->size += size;
    return at;
}

/* What was written so far, borrowed. */
static inline struct bytes writer_view(const struct writer *w)
{
    return bytes_of(w->data, w->size);
}

static inline void writer_bytes(struct writer *w, struct bytes b)
{
    uint8_t *at = writer_skip(w, b.size);
    if (at != NULL && b.size > 0)
        memcpy(at, b.data, b.size);
}

static inline void writer_u8(struct writer *w, uint8_t v)
{
    uint8_t *at = writer_skip(w, 1);
    if (at != NULL)
        *at = v;
}

static inline void writer_le16(struct writer *w, uint16_t v)
{
    uint8_t *at = writer_skip(w, 2);
    if (at != NULL)
        put_le16(at, v);
}

static inline void writer_le32(struct writer *w, uint32_t v)
{
    uint8_t *at = writer_skip(w, 4);
    if (at != NULL)
        put_le32(at, v);
}

static inline void writer_le64(struct writer *w, uint64_t v)
{
    uint8_t *at = writer_skip(w, 8);
    if (at != NULL)
        put_le64(at, v);
}

static inline void writer_be16(struct writer *w, uint16_t v)
{
    uint8_t *at = writer_skip(w, 2);
    if (at != NULL)
        put_be16(at, v);
}

static inline void writer_be32(struct writer *w, uint32_t v)
{
    uint8_t *at = writer_skip(w, 4);
    if (at != NULL)
        put_be32(at, v);
}

static inline void writer_be64(struct writer *w, uint64_t v)
{
    uint8_t *at = writer_skip(w, 8);
    if (at != NULL)
        put_be64(at, v);
}

#endif
