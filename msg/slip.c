/* Reading and writing slips. */
#include "msg/slip.h"

enum { HAS_ORIGIN = 1, GOES_AHEAD = 2 };

struct slip slip_read(struct bytes b)
{
    struct slip s = {.keys = {NULL, 0}};
    struct reader r = reader_of(b);
    uint8_t flags = reader_u8(&r);

    s.deaths = reader_u8(&r);
    s.has_origin = (flags & HAS_ORIGIN) != 0;
    if (s.has_origin) {
        s.origin.replay = reader_le64(&r);
        s.origin.part = reader_le16(&r);
        s.origin.offset = reader_le64(&r);
        s.origin.goes_ahead = (flags & GOES_AHEAD) != 0;
    }
    if (r.is_failed)
        return (struct slip){.keys = {NULL, 0}};
    s.keys = bytes_of(r.at, r.left);
    return s;
}

bool slip_next_key(struct bytes *keys, struct bytes *key)
{
    struct reader r = reader_of(*keys);
    struct bytes next = reader_bytes(&r, reader_le32(&r));

    if (r.is_failed || keys->size == 0)
        return false;
    *key = next;
    *keys = bytes_of(r.at, r.left);
    return true;
}

void slip_begin(const struct slip *s, struct buf *out)
{
    int ahead = s->origin.goes_ahead ? GOES_AHEAD : 0;

    buf_u8(out, (uint8_t)(s->has_origin ? HAS_ORIGIN | ahead : 0));
    buf_u8(out, s->deaths);
    if (!s->has_origin)
        return;
    buf_le64(out, s->origin.replay);
    buf_le16(out, s->origin.part);
    buf_le64(out, s->origin.offset);
}

void slip_write(const struct slip *s, struct buf *out)
{
    if (s->deaths == 0 && !s->has_origin && s->keys.size == 0)
        return;
    slip_begin(s, out);
    buf_bytes(out, s->keys);
}

void slip_write_key(struct bytes key, struct buf *out)
{
    buf_le32(out, (uint32_t)key.size);
    buf_bytes(out, key);
}
