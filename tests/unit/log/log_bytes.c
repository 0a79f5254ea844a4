/* See log_bytes.h. */
#include "tests/unit/log/log_bytes.h"

#include <string.h>

#include "base/mem.h"
#include "log/compress.h"
#include "tests/lib/test.h"

enum { FIRST_TIME_MS = 1000000, TIME_STEP_MS = 1000, LEVEL = 3 };

static uint8_t body_byte(uint64_t number, size_t i)
{
    uint64_t x = (number + 1) * 0x9e3779b97f4a7c15u + i / 16; /* runs, so that it compresses */

    return (uint8_t)(x >> 32 ^ x);
}

void body_fill(uint8_t *at, size_t size, uint64_t number)
{
    for (size_t i = 0; i < size; i++)
        at[i] = body_byte(number, i);
}

bool body_is(struct bytes body, size_t size, uint64_t number)
{
    if (body.size != size)
        return false;
    for (size_t i = 0; i < size; i++) {
        if (body.data[i] != body_byte(number, i))
            return false;
    }
    return true;
}

void batch_builder_init(struct batch_builder *b, uint32_t mark, uint64_t first)
{
    *b = (struct batch_builder){
        .next = first, .step = 1, .mark = mark, .epoch = 1, .time_ms = FIRST_TIME_MS};
}

void batch_builder_release(struct batch_builder *b)
{
    mem_free(b->bytes);
    b->bytes = NULL;
}

/* Writes the payload; returns its size. */
static size_t write_records(struct batch_builder *b, uint32_t count, size_t body_size, uint8_t *at)
{
    bool is_numbered = (b->attributes & BATCH_NUMBERED) != 0;
    uint8_t *from = at;

    for (uint32_t i = 0; i < count; i++) {
        struct record r = {
            .number = b->next, .time_ms = b->time_ms, .kind = 1, .key = b->key, .body = {NULL, 0}};
        r.body.size = body_size;
        at = record_write(at, is_numbered, &r);
        body_fill(at, body_size, b->next);
        at += body_size;
        b->next += is_numbered ? b->step : 1;
    }
    return (size_t)(at - from);
}

void batch_builder_add(struct batch_builder *b, uint32_t count, size_t body_size)
{
    size_t most = BATCH_HEADER_SIZE + count * record_size(true, b->key.size, body_size);
    uint8_t *payload = mem_alloc(most), *at;
    struct batch_head h = {.attributes = b->attributes,
                           .base = b->next,
                           .count = count,
                           .chain = b->chain,
                           .epoch = b->epoch,
                           .time_ms = b->time_ms,
                           .durable = b->durable,
                           .mark = b->mark};
    size_t raw = write_records(b, count, body_size, payload), stored = raw;

    b->bytes = mem_grow(b->bytes, b->size + batch_padded(most), 1);
    at = b->bytes + b->size;
    if ((h.attributes & BATCH_ZSTD) != 0) {
        stored = compress_payload(LEVEL, payload, raw, at + BATCH_HEADER_SIZE, raw - 1);
        assert_true(stored > 0);
    } else {
        memcpy(at + BATCH_HEADER_SIZE, payload, raw);
    }
    mem_free(payload);
    h.raw_size = (uint32_t)raw;
    h.length = (uint32_t)(BATCH_HEADER_SIZE + stored);
    batch_seal(at, &h);
    memset(at + h.length, 0, batch_padded(h.length) - h.length);
    b->last_at = b->size;
    b->last = h;
    b->size += batch_padded(h.length);
    b->chain = h.crc;
    b->time_ms += TIME_STEP_MS;
}
