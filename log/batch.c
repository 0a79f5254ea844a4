/* Encoding and checking of batches and records; see batch.h for the drawing. */
#include "log/batch.h"

#include <string.h>

#include "base/crc32c.h"
#include "base/err.h"
#include "base/zoo.h"

static const uint8_t batch_magic[4] = {'M', 'R', 'B', '1'};

enum {
    CRC_FROM = 8, /* the checksum covers everything from here on */
};

static void write_head(uint8_t *at, const struct batch_head *h)
{
    ASSERT(h->length > BATCH_HEADER_SIZE && h->length <= BATCH_SIZE_MAX);
    ASSERT(h->count > 0);

    memcpy(at, batch_magic, sizeof(batch_magic));
    put_le32(at + 8, h->length);
    put_le16(at + 12, BATCH_VERSION);
    put_le16(at + 14, h->attributes);
    put_le64(at + 16, h->base);
    put_le32(at + 24, h->count);
    put_le32(at + 28, h->chain);
    put_le64(at + 32, h->epoch);
    put_le64(at + 40, (uint64_t)h->time_ms);
    put_le64(at + 48, h->durable);
    put_le32(at + 56, h->raw_size);
    put_le32(at + 60, h->mark);
}

void batch_seal(uint8_t *at, struct batch_head *h)
{
    write_head(at, h);
    h->crc = crc32c(at + CRC_FROM, h->length - CRC_FROM);
    put_le32(at + 4, h->crc);
}

void batch_seal_summed(uint8_t *at, struct batch_head *h, uint32_t payload_crc)
{
    write_head(at, h);
    h->crc = crc32c_join(crc32c(at + CRC_FROM, BATCH_HEADER_SIZE - CRC_FROM), payload_crc,
                         h->length - BATCH_HEADER_SIZE);
    put_le32(at + 4, h->crc);
}

uint32_t batch_claimed_length(const uint8_t *at, size_t size)
{
    uint32_t length;

    if (size < BATCH_HEADER_SIZE || memcmp(at, batch_magic, sizeof(batch_magic)) != 0)
        return 0;
    length = get_le32(at + 8);
    return length > BATCH_HEADER_SIZE && length <= BATCH_SIZE_MAX ? length : 0;
}

bool batch_claimed_chain(const uint8_t *at, size_t size, uint32_t mark, uint32_t *chain)
{
    if (batch_claimed_length(at, size) == 0 || get_le32(at + 60) != mark)
        return false;
    *chain = get_le32(at + 28);
    return true;
}

/* What must hold between the fields of a header that was written by us. */
static bool head_is_sane(const struct batch_head *h)
{
    uint32_t payload = h->length - BATCH_HEADER_SIZE;

    if (h->count == 0 || h->raw_size == 0 || h->raw_size > BATCH_SIZE_MAX)
        return false;
    if ((h->attributes & ~(BATCH_NUMBERED | BATCH_ZSTD)) != 0)
        return false;
    if ((h->attributes & BATCH_ZSTD) == 0 && h->raw_size != payload)
        return false;
    return h->count <= h->raw_size / RECORD_HEADER_SIZE;
}

int batch_read(const uint8_t *at, size_t size, uint32_t mark, struct batch_head *out)
{
    struct batch_head h;
    uint32_t length = batch_claimed_length(at, size);

    if (length == 0 || length > size)
        return ERR_CORRUPT;
    h.crc = get_le32(at + 4);
    if (crc32c(at + CRC_FROM, length - CRC_FROM) != h.crc && !ZOO(CHECKSUM_IGNORED))
        return ERR_CORRUPT;
    h.length = length;
    h.attributes = get_le16(at + 14);
    h.base = get_le64(at + 16);
    h.count = get_le32(at + 24);
    h.chain = get_le32(at + 28);
    h.epoch = get_le64(at + 32);
    h.time_ms = (int64_t)get_le64(at + 40);
    h.durable = get_le64(at + 48);
    h.raw_size = get_le32(at + 56);
    h.mark = get_le32(at + 60);
    if (h.mark != mark)
        return ERR_CORRUPT;
    if (get_le16(at + 12) != BATCH_VERSION)
        return ERR_VERSION;
    if (!head_is_sane(&h))
        return ERR_CORRUPT;
    *out = h;
    return 0;
}

uint8_t *record_write(uint8_t *at, bool is_numbered, const struct record *r)
{
    size_t size = record_size(is_numbered, r->key.size, r->body.size);

    ASSERT(record_size(false, r->key.size, r->body.size) <= RECORD_SIZE_MAX);
    ASSERT(r->key.size <= RECORD_KEY_MAX);
    put_le32(at, (uint32_t)size);
    at[4] = r->kind;
    at[5] = 0;
    put_le16(at + 6, (uint16_t)r->key.size);
    at += RECORD_HEADER_SIZE;
    if (is_numbered) {
        put_le64(at, r->number);
        put_le64(at + 8, (uint64_t)r->time_ms);
        at += RECORD_NUMBERED_SIZE - RECORD_HEADER_SIZE;
    }
    if (r->key.size > 0)
        memcpy(at, r->key.data, r->key.size);
    return at + r->key.size;
}

int record_read(const struct batch_head *head, struct bytes payload, size_t *at, uint32_t index,
                struct record *out)
{
    bool is_numbered = (head->attributes & BATCH_NUMBERED) != 0;
    size_t fixed = is_numbered ? RECORD_NUMBERED_SIZE : RECORD_HEADER_SIZE;
    const uint8_t *p = payload.data + *at;
    size_t left = payload.size - *at;
    size_t size, key_size;

    ASSERT(*at <= payload.size);
    if (left < fixed)
        return ERR_CORRUPT;
    size = get_le32(p);
    key_size = get_le16(p + 6);
    if (size > left || size < fixed + key_size)
        return ERR_CORRUPT;

    out->kind = p[4];
    out->number = is_numbered ? get_le64(p + 8) : head->base + index;
    out->time_ms = is_numbered ? (int64_t)get_le64(p + 16) : head->time_ms;
    out->key = bytes_of(p + fixed, key_size);
    out->body = bytes_of(p + fixed + key_size, size - fixed - key_size);
    *at += size;
    return 0;
}
