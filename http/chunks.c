/* Bodies in chunks. */
#include "http/chunks.h"

#include <string.h>

#include "base/err.h"
#include "http/http.h"

enum { DIGITS_MAX = 15 };

void http_chunks_init(struct http_chunks *c)
{
    memset(c, 0, sizeof(*c));
    c->state = CHUNK_SIZE;
}

static int digit_of(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

static int on_size(struct http_chunks *c, uint8_t b)
{
    int digit = digit_of(b);

    if (digit >= 0 && c->digits < DIGITS_MAX) {
        c->left = c->left * 16 + (uint64_t)digit;
        c->digits++;
        return 0;
    }
    if (digit >= 0 || c->digits == 0)
        return ERR_INVALID;
    if (b == '\r')
        c->state = CHUNK_SIZE_END;
    else if (b == ';')
        c->state = CHUNK_EXTENSION;
    else
        return ERR_INVALID;
    return 0;
}

static int on_extension(struct http_chunks *c, uint8_t b)
{
    if (b == '\r')
        c->state = CHUNK_SIZE_END;
    else if (b == '\n')
        return ERR_INVALID;
    return 0;
}

/* The end of a line that must come now. */
static int on_end(struct http_chunks *c, uint8_t b, uint8_t expected, enum http_chunk_state next)
{
    if (b != expected)
        return ERR_INVALID;
    c->state = next;
    return 0;
}

static int on_trailer(struct http_chunks *c, uint8_t b)
{
    if (b == '\r')
        c->state = CHUNK_TRAILER_END;
    else if (b == '\n')
        return ERR_INVALID;
    else
        c->line_size++;
    return 0;
}

static int on_trailer_end(struct http_chunks *c, uint8_t b)
{
    enum http_chunk_state next = c->line_size == 0 ? CHUNK_DONE : CHUNK_TRAILER;

    c->line_size = 0;
    return on_end(c, b, '\n', next);
}

static int on_size_end(struct http_chunks *c, uint8_t b)
{
    enum http_chunk_state next = c->left == 0 ? CHUNK_TRAILER : CHUNK_DATA;

    c->head_size = 0;
    c->digits = 0;
    return on_end(c, b, '\n', next);
}

static int step(struct http_chunks *c, uint8_t b)
{
    if (c->state != CHUNK_DATA_CR && c->state != CHUNK_DATA_END &&
        ++c->head_size > HTTP_CHUNK_HEAD_MAX)
        return ERR_INVALID;
    switch (c->state) {
    case CHUNK_SIZE:
        return on_size(c, b);
    case CHUNK_EXTENSION:
        return on_extension(c, b);
    case CHUNK_SIZE_END:
        return on_size_end(c, b);
    case CHUNK_DATA_CR:
        return on_end(c, b, '\r', CHUNK_DATA_END);
    case CHUNK_DATA_END:
        return on_end(c, b, '\n', CHUNK_SIZE);
    case CHUNK_TRAILER:
        return on_trailer(c, b);
    case CHUNK_TRAILER_END:
        return on_trailer_end(c, b);
    case CHUNK_DATA:
    case CHUNK_DONE:
        break;
    }
    ASSERT(false);
    return ERR_INVALID;
}

int http_chunks_take(struct http_chunks *c, struct bytes in, size_t *taken, struct bytes *data)
{
    size_t at = 0;
    int rv = 0;

    *data = bytes_of(NULL, 0);
    while (rv == 0 && at < in.size && c->state != CHUNK_DATA && c->state != CHUNK_DONE)
        rv = step(c, in.data[at++]);
    if (rv == 0 && at < in.size && c->state == CHUNK_DATA) {
        size_t size = in.size - at < c->left ? in.size - at : (size_t)c->left;

        *data = bytes_of(in.data + at, size);
        at += size;
        c->left -= size;
        if (c->left == 0)
            c->state = CHUNK_DATA_CR;
    }
    *taken = at;
    return rv;
}
