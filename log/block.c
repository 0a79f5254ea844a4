/* Blocks: noting and finding records; see block.h. Life and eviction are in cache.c. */
#include "log/block.h"

#include <string.h>

#include "base/bytes.h"
#include "base/err.h"
#include "base/mem.h"
#include "log/compress.h"

enum { NUMBER_AT = 8, TIME_AT = 16 };

void block_add_record(struct block *b, uint32_t offset)
{
    ASSERT(b->batch_count > 0);
    if (b->count == b->offset_capacity) {
        b->offset_capacity = b->offset_capacity > 0 ? b->offset_capacity * 2 : 64;
        b->offsets = mem_grow(b->offsets, b->offset_capacity, sizeof(*b->offsets));
    }
    b->offsets[b->count++] = offset;
}

struct block_batch *block_add_batch(struct block *b)
{
    struct block_batch *batch;

    if (b->batch_count == b->batch_capacity) {
        b->batch_capacity = b->batch_capacity > 0 ? b->batch_capacity * 2 : 8;
        b->batches = mem_grow(b->batches, b->batch_capacity, sizeof(*b->batches));
    }
    batch = &b->batches[b->batch_count++];
    memset(batch, 0, sizeof(*batch));
    batch->record = b->count;
    return batch;
}

int block_make_room(struct block *b, size_t size)
{
    size_t capacity = b->capacity;
    uint8_t *data;

    if (b->capacity - b->size >= size)
        return 0;
    while (capacity - b->size < size)
        capacity *= 2;
    data = mem_try(capacity);
    if (data == NULL)
        return ERR_NO_MEMORY;
    memcpy(data, b->data, b->size);
    mem_free(b->data);
    b->data = data;
    b->capacity = capacity;
    return 0;
}

/* Notes the records of a payload that lies at the end of the data. Numbers must rise. */
static int note_records(struct block *b, const struct batch_head *head, size_t from)
{
    struct bytes payload = bytes_of(b->data + from, head->raw_size);
    struct record r;
    uint64_t next = head->base;
    size_t at = 0;

    for (uint32_t i = 0; i < head->count; i++) {
        uint32_t offset = (uint32_t)(from + at);
        if (record_read(head, payload, &at, i, &r) != 0 || r.number < next)
            return ERR_CORRUPT;
        next = r.number + 1;
        block_add_record(b, offset);
    }
    return at == payload.size ? 0 : ERR_CORRUPT;
}

static bool lies_in(const struct block *b, const uint8_t *bytes)
{
    uintptr_t data = (uintptr_t)b->data, at = (uintptr_t)bytes;

    return at >= data && at < data + b->size;
}

/* Puts the payload, decompressed, behind the data. */
static int add_payload(struct block *b, const struct batch_head *head, const uint8_t *bytes)
{
    size_t stored = head->length - BATCH_HEADER_SIZE;
    bool is_inside = lies_in(b, bytes);
    size_t offset = is_inside ? (size_t)(bytes - b->data) : 0;
    const uint8_t *payload;
    int rv = block_make_room(b, head->raw_size);

    if (rv != 0)
        return rv;
    payload = (is_inside ? b->data + offset : bytes) + BATCH_HEADER_SIZE;
    if ((head->attributes & BATCH_ZSTD) != 0)
        return decompress_payload(payload, stored, b->data + b->size, head->raw_size);
    memcpy(b->data + b->size, payload, head->raw_size);
    return 0;
}

int block_take_batch(struct block *b, const struct batch_head *head, const uint8_t *bytes)
{
    bool is_in_place = (head->attributes & BATCH_ZSTD) == 0 && lies_in(b, bytes);
    size_t from = is_in_place ? (size_t)(bytes - b->data) + BATCH_HEADER_SIZE : b->size;
    uint32_t count = b->count;
    int rv = is_in_place ? 0 : add_payload(b, head, bytes);

    if (rv != 0)
        return rv;
    block_add_batch(b)->head = *head;
    rv = note_records(b, head, from);
    if (rv != 0) {
        b->batch_count--;
        b->count = count;
        return rv;
    }
    b->size += is_in_place ? 0 : head->raw_size;
    return 0;
}

/* The last batch whose first record is at or before `place`. */
static const struct block_batch *batch_of(const struct block *b, uint32_t place)
{
    uint32_t low = 0, high = b->batch_count;

    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (b->batches[middle].record <= place)
            low = middle;
        else
            high = middle;
    }
    return &b->batches[low];
}

static uint64_t number_at(const struct block *b, uint32_t place)
{
    const struct block_batch *batch = batch_of(b, place);

    if ((batch->head.attributes & BATCH_NUMBERED) != 0)
        return get_le64(b->data + b->offsets[place] + NUMBER_AT);
    return batch->head.base + (place - batch->record);
}

static int64_t time_at(const struct block *b, uint32_t place)
{
    const struct block_batch *batch = batch_of(b, place);

    if ((batch->head.attributes & BATCH_NUMBERED) != 0)
        return (int64_t)get_le64(b->data + b->offsets[place] + TIME_AT);
    return batch->head.time_ms;
}

/* True when the place of a number can be told without looking: positions without a gap. */
static bool is_dense(const struct block *b)
{
    return b->count > 0 && b->end - b->first == b->count &&
           (b->batches[0].head.attributes & BATCH_NUMBERED) == 0 &&
           b->batches[0].head.base == b->first;
}

uint32_t block_seek(const struct block *b, uint64_t number)
{
    uint32_t low = 0, high = b->count;

    if (is_dense(b)) {
        if (number <= b->first)
            return 0;
        return number < b->end ? (uint32_t)(number - b->first) : b->count;
    }
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (number_at(b, middle) < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

uint32_t block_seek_time(const struct block *b, int64_t time_ms)
{
    uint32_t low = 0, high = b->count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (time_at(b, middle) < time_ms)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void block_record(const struct block *b, uint32_t place, struct record *out)
{
    const struct block_batch *batch = batch_of(b, place);
    bool is_numbered = (batch->head.attributes & BATCH_NUMBERED) != 0;
    const uint8_t *p = b->data + b->offsets[place];
    size_t fixed = is_numbered ? RECORD_NUMBERED_SIZE : RECORD_HEADER_SIZE;
    size_t size = get_le32(p);
    size_t key_size = get_le16(p + 6);

    ASSERT(place < b->count);
    ASSERT(size >= fixed + key_size);
    out->kind = p[4];
    out->number =
        is_numbered ? get_le64(p + NUMBER_AT) : batch->head.base + (place - batch->record);
    out->time_ms = is_numbered ? (int64_t)get_le64(p + TIME_AT) : batch->head.time_ms;
    out->key = bytes_of(p + fixed, key_size);
    out->body = bytes_of(p + fixed + key_size, size - fixed - key_size);
}
