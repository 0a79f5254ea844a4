/* Fuzz target: what comes over a new HTTP connection: a head, its target, a body in chunks, in
 * pieces of any size.
 *
 *     | seed of the pieces u8 | the bytes that a client sends ... |
 *
 * However the bytes are cut, what is read of them must be the same. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/err.h"
#include "base/rand.h"
#include "base/utf8.h"
#include "http/accept.h"
#include "http/chunks.h"
#include "http/head.h"
#include "http/target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* How the looking for a head ended. */
struct found {
    int rv;
    size_t size;
    int status;
};

static struct found find_at_once(struct bytes in)
{
    struct http_scan scan = {0};
    struct found f = {0};

    f.rv = http_head_scan(&scan, in, &f.size, &f.status);
    return f;
}

static struct found find_in_pieces(struct bytes in, struct rand *r)
{
    struct http_scan scan = {0};
    struct found f = {.rv = ERR_AGAIN};
    size_t come = 0;

    while (f.rv == ERR_AGAIN && come < in.size) {
        come += 1 + rand_below(r, 16);
        come = come < in.size ? come : in.size;
        f.rv = http_head_scan(&scan, bytes_of(in.data, come), &f.size, &f.status);
    }
    return f;
}

static void look_into_target(struct bytes target)
{
    static struct http_target t;
    int status = http_target_read(target, &t);

    ASSERT(status == 0 || status == 400 || status == 404);
    for (size_t i = 0; status == 0 && i < t.segment_count; i++)
        ASSERT(utf8_valid(t.segments[i]));
    for (size_t i = 0; status == 0 && i < t.parameter_count; i++)
        ASSERT(utf8_valid(t.parameters[i].name) && utf8_valid(t.parameters[i].value));
}

/* Who takes nothing of one type and nothing of another has named a third. */
static void look_into_accept(const struct http_head *h)
{
    enum http_accept one = http_accept(h, "application/json");
    enum http_accept other = http_accept(h, "text/plain");
    struct bytes value = {0};

    ASSERT((one == HTTP_GARBLED) == (other == HTTP_GARBLED));
    if (!http_head_find(h, "accept", &value))
        ASSERT(one == HTTP_ACCEPTED && other == HTTP_ACCEPTED);
}

static void look_into_head(struct bytes in)
{
    static struct http_head h;
    int status = http_head_read(in, &h);

    ASSERT(status == 0 || (status >= 400 && status < 600));
    ASSERT(status != 0 || !(h.is_chunked && h.has_length));
    if (status != 0)
        return;
    look_into_target(h.target);
    look_into_accept(&h);
}

/* Where the chunks stop, and how much body there was. */
struct chunked {
    int rv;
    size_t at;
    uint64_t body;
    uint64_t sum;
};

static struct chunked read_chunks(struct bytes in, struct rand *r)
{
    struct http_chunks c;
    struct chunked out = {0};

    http_chunks_init(&c);
    while (out.rv == 0 && out.at < in.size && !http_chunks_are_done(&c)) {
        size_t size = r == NULL ? in.size - out.at : 1 + rand_below(r, 16);
        struct bytes piece = {0};
        size_t taken = 0;

        size = size < in.size - out.at ? size : in.size - out.at;
        out.rv = http_chunks_take(&c, bytes_of(in.data + out.at, size), &taken, &piece);
        if (out.rv != 0)
            break;
        ASSERT(taken > 0 && taken <= size && piece.size <= taken);
        for (size_t i = 0; i < piece.size; i++)
            out.sum = out.sum * 31 + piece.data[i];
        out.body += piece.size;
        out.at += taken;
    }
    return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rand r;
    struct found once;
    struct found pieces;

    if (size < 1)
        return 0;
    struct bytes in = bytes_of(data + 1, size - 1);
    rand_init(&r, data[0]);
    once = find_at_once(in);
    pieces = find_in_pieces(in, &r);
    ASSERT(in.size == 0 || once.rv == pieces.rv || once.rv == ERR_INVALID);
    if (once.rv == 0) {
        ASSERT(pieces.rv == 0 && pieces.size == once.size && once.size <= in.size);
        look_into_head(bytes_of(in.data, once.size));
        in = bytes_of(in.data + once.size, in.size - once.size);
    }
    struct chunked whole = read_chunks(in, NULL);
    struct chunked parts = read_chunks(in, &r);
    ASSERT(whole.rv == parts.rv && whole.body == parts.body && whole.sum == parts.sum);
    ASSERT(whole.rv != 0 || whole.at == parts.at);
    return 0;
}
