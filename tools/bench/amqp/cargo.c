/* Patterns, their hashes, and labels. */
#include "tools/bench/amqp/cargo.h"

#include "base/hash.h"
#include "base/mem.h"
#include "base/rand.h"

enum {
    PATTERN_STEP = 8,
    RUN_AT = 0,
    PRODUCER_AT = 4,
    SEQUENCE_AT = 8,
    CHECK_AT = 16,
    LARGE_SIZE = 256 << 10, /* bodies from here on share one pattern: memory is not free */
};

#define MIX_A UINT64_C(0x9e3779b97f4a7c15)
#define MIX_B UINT64_C(0xc2b2ae3d27d4eb4f)

static size_t payload_size(const struct cargo *c)
{
    return c->size > CARGO_HEAD_SIZE ? c->size - CARGO_HEAD_SIZE : 0;
}

static const uint8_t *pattern_at(const struct cargo *c, uint64_t sequence)
{
    return c->bytes + (sequence % c->patterns) * PATTERN_STEP;
}

static uint64_t check_of(const struct cargo *c, uint32_t producer, uint64_t sequence)
{
    uint64_t who = (uint64_t)c->run << 32 | producer;

    return c->hashes[sequence % c->patterns] ^ ((sequence + 1) * MIX_A) ^ (who * MIX_B);
}

void cargo_init(struct cargo *c, uint32_t run, size_t size)
{
    size_t area = size + (size_t)CARGO_PATTERNS * PATTERN_STEP;
    struct rand r;

    ASSERT(size >= CARGO_SIZE_MIN && size <= CARGO_SIZE_MAX);
    *c = (struct cargo){
        .run = run,
        .size = size,
        .patterns = size < LARGE_SIZE ? CARGO_PATTERNS : 1,
        .bytes = mem_alloc(area),
    };
    rand_init(&r, run);
    rand_fill(&r, c->bytes, area);
    for (uint32_t i = 0; i < c->patterns; i++)
        c->hashes[i] = hash64(bytes_of(pattern_at(c, i), payload_size(c)), 0);
}

void cargo_release(struct cargo *c)
{
    mem_free(c->bytes);
    *c = (struct cargo){0};
}

void cargo_fill(const struct cargo *c, uint8_t *at, uint32_t producer, uint32_t pattern)
{
    put_le32(at + RUN_AT, c->run);
    put_le32(at + PRODUCER_AT, producer);
    for (size_t i = CHECK_AT; i < c->size && i < CARGO_HEAD_SIZE; i++)
        at[i] = 0;
    if (payload_size(c) > 0)
        memcpy(at + CARGO_HEAD_SIZE, pattern_at(c, pattern), payload_size(c));
}

void cargo_stamp(const struct cargo *c, uint8_t *at, uint32_t producer, uint64_t sequence)
{
    put_le64(at + SEQUENCE_AT, sequence);
    if (c->size >= CARGO_HEAD_SIZE)
        put_le64(at + CHECK_AT, check_of(c, producer, sequence));
}

bool cargo_read(const struct cargo *c, struct bytes head, struct cargo_label *out)
{
    ASSERT(head.size >= CARGO_SIZE_MIN);
    *out = (struct cargo_label){
        .run = get_le32(head.data + RUN_AT),
        .producer = get_le32(head.data + PRODUCER_AT),
        .sequence = get_le64(head.data + SEQUENCE_AT),
    };
    if (UNLIKELY(out->run != c->run))
        return false;
    if (c->size >= CARGO_HEAD_SIZE)
        return get_le64(head.data + CHECK_AT) == check_of(c, out->producer, out->sequence);
    for (size_t i = CHECK_AT; i < c->size; i++) {
        if (head.data[i] != 0)
            return false;
    }
    return true;
}

bool cargo_is_same(const struct cargo *c, uint64_t sequence, size_t at, struct bytes part)
{
    ASSERT(at >= CARGO_HEAD_SIZE);
    if (UNLIKELY(at + part.size > c->size))
        return false;
    return part.size == 0 ||
           memcmp(part.data, pattern_at(c, sequence) + (at - CARGO_HEAD_SIZE), part.size) == 0;
}
