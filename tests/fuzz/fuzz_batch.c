/* Any bytes as a batch: its checksum is made right first, so that what lies behind is reached. */
#include <stdint.h>
#include <string.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "base/mem.h"
#include "log/batch.h"
#include "log/compress.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Gives the bytes a magic, a length that fits, and a checksum; half of the time only. */
static void make_right(uint8_t *bytes, size_t size)
{
    if (size <= BATCH_HEADER_SIZE || (bytes[0] & 1) != 0)
        return;
    bytes[0] = 'M';
    bytes[1] = 'R';
    bytes[2] = 'B';
    bytes[3] = '1';
    put_le32(bytes + 8, (uint32_t)size);
    put_le16(bytes + 12, BATCH_VERSION);
    put_le32(bytes + 4, crc32c(bytes + 8, size - 8));
}

static void walk(const struct batch_head *head, struct bytes payload)
{
    struct record r;
    size_t at = 0;

    for (uint32_t i = 0; i < head->count; i++) {
        size_t before = at;
        if (record_read(head, payload, &at, i, &r) != 0)
            return;
        ASSERT(at > before && at <= payload.size);
        ASSERT(r.body.data + r.body.size == payload.data + at);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *bytes = mem_alloc(size > 0 ? size : 1);
    struct batch_head head;
    struct bytes payload;

    if (size > 0)
        memcpy(bytes, data, size);
    make_right(bytes, size);
    if (batch_read(bytes, size, size >= 64 ? get_le32(bytes + 60) : 0, &head) == 0) {
        payload = bytes_of(bytes + BATCH_HEADER_SIZE, head.length - BATCH_HEADER_SIZE);
        if ((head.attributes & BATCH_ZSTD) == 0) {
            walk(&head, payload);
        } else {
            uint8_t *raw = mem_alloc(head.raw_size);
            if (decompress_payload(payload.data, payload.size, raw, head.raw_size) == 0)
                walk(&head, bytes_of(raw, head.raw_size));
            mem_free(raw);
        }
    }
    mem_free(bytes);
    return 0;
}
