/* What the broker remembers of a message beyond what its client sent; it travels with the message
 * and is shown to nobody. Most messages have none.
 *
 *     flags u8 | deaths u8 | with ORIGIN: replay u64, part u16, offset u64 | ( size u32 | key )*
 *
 *     flags    1 ORIGIN, 2 it goes ahead
 *     deaths   how many entries at the front of x-death the broker wrote itself: those behind came
 *              with the message, from a client that had it before
 *     origin   it is a copy that a replay made: of which message of which stream (broker/replay.h);
 *              in its queue it may go ahead of what is no such copy, though that came before
 *     keys     of BCC, which is not in the headers any more: the message dies with all its keys
 *
 * Numbers are little-endian. Plain values that borrow; any thread. */
#ifndef MSG_SLIP_H
#define MSG_SLIP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/bytes.h"

enum { SLIP_MAX = UINT16_MAX };

struct slip_origin {
    uint64_t replay;
    uint16_t part;
    uint64_t offset;
    bool goes_ahead;
};

struct slip {
    uint8_t deaths;
    bool has_origin;
    struct slip_origin origin;
    struct bytes keys;
};

/* Of no bytes, or of those that are no slip: an empty one. */
struct slip slip_read(struct bytes b);
/* The first of the keys, which is taken off; false when there is none (or not all of it). */
bool slip_next_key(struct bytes *keys, struct bytes *key);

/* An empty one has no bytes. */
void slip_write(const struct slip *s, struct buf *out);
/* All but keys, which slip_write_key() adds: also when there is nothing else. */
void slip_begin(const struct slip *s, struct buf *out);
void slip_write_key(struct bytes key, struct buf *out);

#endif
