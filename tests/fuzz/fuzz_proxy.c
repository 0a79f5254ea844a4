/* Any bytes as what a proxy sends first: a header or a reason, however they are cut, and the same
 * one each time; never more is asked for than a header may have. */
#include <stdint.h>
#include <string.h>

#include "base/check.h"
#include "base/err.h"
#include "gate/proxy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Reads as a gate does, at most `piece` bytes at a time. */
static int read_in_pieces(struct bytes stream, size_t piece, struct proxy_header *out)
{
    static uint8_t head[PROXY_HEADER_MAX];
    struct proxy_look look;
    size_t at = 0;
    int rv = 0;

    while ((rv = proxy_read(bytes_of(head, at), out, &look)) == ERR_AGAIN && at < stream.size) {
        size_t n = look.missing < stream.size - at ? look.missing : stream.size - at;

        ASSERT(look.missing > 0 && look.missing <= PROXY_HEADER_MAX - at);
        n = n < piece ? n : piece;
        memcpy(head + at, stream.data + at, n);
        at += n;
    }
    ASSERT(rv != ERR_INVALID || look.why != NULL);
    ASSERT(rv != 0 || !out->has_peer || memchr(out->peer.text, '\0', NET_ADDRESS_SIZE) != NULL);
    return rv;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct proxy_header whole = {.has_peer = false};
    struct proxy_header cut = {.has_peer = false};
    int rv = read_in_pieces(bytes_of(data, size), PROXY_HEADER_MAX, &whole);

    ASSERT(read_in_pieces(bytes_of(data, size), 1, &cut) == rv);
    ASSERT(rv != 0 || whole.has_peer == cut.has_peer);
    ASSERT(rv != 0 || !whole.has_peer || strcmp(whole.peer.text, cut.peer.text) == 0);
    return 0;
}
