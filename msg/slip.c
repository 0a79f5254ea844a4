/* Reading and writing slips. */
#include "msg/slip.h"

struct slip slip_read(struct bytes b)
{
    struct slip s = {0, {NULL, 0}};

    if (b.size > 0) {
        s.deaths = b.data[0];
        s.keys = bytes_of(b.data + 1, b.size - 1);
    }
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

void slip_write(const struct slip *s, struct buf *out)
{
    if (s->deaths == 0 && s->keys.size == 0)
        return;
    buf_u8(out, s->deaths);
    buf_bytes(out, s->keys);
}

void slip_write_key(struct bytes key, struct buf *out)
{
    buf_le32(out, (uint32_t)key.size);
    buf_bytes(out, key);
}
