/* Encoding and decoding the states of folds; see fold_states.h for the drawing. */
#include "cluster/fold_states.h"

#include <string.h>

#include "base/err.h"

static const uint8_t magic[8] = {'M', 'R', 'F', 'O', 'L', 'D', 'S', '1'};

enum {
    VERSION = 1,
    FLAG_CLEAN = 1,
    COUNT_AT = 10,
    PART_SIZE_AT = 8,
    PART_HEADER_SIZE = 16,
};

void fold_states_begin(struct buf *out, uint64_t position, bool is_clean)
{
    ASSERT(out->size == 0);
    buf_bytes(out, bytes_of(magic, sizeof(magic)));
    buf_u8(out, VERSION);
    buf_u8(out, is_clean ? FLAG_CLEAN : 0);
    buf_le16(out, 0);
    buf_le32(out, 0);
    buf_le64(out, position);
}

size_t fold_states_begin_part(struct buf *out, uint8_t id)
{
    size_t part = out->size;

    buf_u8(out, id);
    for (int i = 1; i < PART_SIZE_AT; i++)
        buf_u8(out, 0);
    buf_le64(out, 0);
    return part;
}

void fold_states_end_part(struct buf *out, size_t part)
{
    if (buf_error(out) != 0)
        return;
    ASSERT(out->size >= part + PART_HEADER_SIZE);
    put_le64(out->data + part + PART_SIZE_AT, out->size - part - PART_HEADER_SIZE);
    put_le16(out->data + COUNT_AT, (uint16_t)(get_le16(out->data + COUNT_AT) + 1));
}

static void read_part(struct reader *r, struct fold_state *out)
{
    out->id = reader_u8(r);
    (void)reader_bytes(r, PART_SIZE_AT - 1);
    out->bytes = reader_bytes(r, reader_le64(r));
}

int fold_states_decode(struct bytes b, struct fold_states *out)
{
    struct reader r = reader_of(b);
    struct bytes start = reader_bytes(&r, sizeof(magic));
    struct fold_states s = {0};
    uint8_t version, flags;

    if (!bytes_equal(start, bytes_of(magic, sizeof(magic))))
        return ERR_INVALID;
    version = reader_u8(&r);
    if (!r.is_failed && version != VERSION)
        return ERR_VERSION;
    flags = reader_u8(&r);
    s.is_clean = (flags & FLAG_CLEAN) != 0;
    s.count = reader_le16(&r);
    (void)reader_le32(&r);
    s.position = reader_le64(&r);
    if (r.is_failed || s.count > FOLD_STATES_MAX || (flags & ~FLAG_CLEAN) != 0)
        return ERR_INVALID;
    for (size_t i = 0; i < s.count; i++)
        read_part(&r, &s.parts[i]);
    if (!reader_is_done(&r))
        return ERR_INVALID;
    *out = s;
    return 0;
}

bool fold_states_find(const struct fold_states *s, uint8_t id, struct bytes *out)
{
    for (size_t i = 0; i < s->count; i++) {
        if (s->parts[i].id != id)
            continue;
        *out = s->parts[i].bytes;
        return true;
    }
    return false;
}
