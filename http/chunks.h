/* A body in chunks (RFC 9112, 7.1): a machine that is fed what comes.
 *
 *     size in hex [; extension] CR LF, so many bytes, CR LF, ... 0 CR LF, trailers, CR LF
 *
 * Extensions and trailers are passed over, and bounded. */
#ifndef HTTP_CHUNKS_H
#define HTTP_CHUNKS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/check.h"

enum http_chunk_state {
    CHUNK_SIZE,
    CHUNK_EXTENSION,
    CHUNK_SIZE_END, /* CR came */
    CHUNK_DATA,
    CHUNK_DATA_CR,
    CHUNK_DATA_END,
    CHUNK_TRAILER,
    CHUNK_TRAILER_END,
    CHUNK_DONE,
};

struct http_chunks {
    enum http_chunk_state state;
    uint64_t left;      /* of the chunk */
    uint32_t digits;    /* of its size */
    uint32_t head_size; /* bytes of its first line, or of the trailers */
    uint32_t line_size; /* of the trailer's line */
};

void http_chunks_init(struct http_chunks *c);

/* Takes from the front of `in`: *taken bytes, of which the last `data->size` are of the body.
 * Returns 0 while there may be more in `in` (call it again behind what was taken, until nothing is
 * left or it is done), ERR_INVALID when these are no chunks. */
MUST_USE int http_chunks_take(struct http_chunks *c, struct bytes in, size_t *taken,
                              struct bytes *data);

static inline bool http_chunks_are_done(const struct http_chunks *c)
{
    return c->state == CHUNK_DONE;
}

#endif
