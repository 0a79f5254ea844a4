/* The patterns are drawn once, from a fixed seed. */
#include "tools/bench/body.h"

#include <string.h>

#include "base/crc32c.h"
#include "base/mem.h"
#include "base/rand.h"

enum { CRC_AT = 8, PATTERN_AT = 12, SEED = 2 };

void body_maker_init(struct body_maker *m, size_t size)
{
    size_t pattern_size = size - PATTERN_AT;
    struct rand r;

    ASSERT(size >= BODY_SIZE_MIN);
    *m = (struct body_maker){.size = size, .patterns = mem_alloc(BODY_PATTERNS * pattern_size)};
    rand_init(&r, SEED);
    rand_fill(&r, m->patterns, BODY_PATTERNS * pattern_size);
    for (size_t i = 0; i < BODY_PATTERNS; i++)
        m->crcs[i] = crc32c(m->patterns + i * pattern_size, pattern_size);
}

void body_maker_release(struct body_maker *m)
{
    mem_free(m->patterns);
    m->patterns = NULL;
}

void body_make(struct body_maker *m, uint8_t *at)
{
    size_t pattern = (size_t)(m->sequence % BODY_PATTERNS);
    size_t pattern_size = m->size - PATTERN_AT;

    put_le64(at, m->sequence);
    put_le32(at + CRC_AT, crc32c_extend(m->crcs[pattern], at, CRC_AT));
    memcpy(at + PATTERN_AT, m->patterns + pattern * pattern_size, pattern_size);
    m->sequence++;
}

bool body_is_numbered(struct bytes body, uint64_t sequence)
{
    return body.size >= BODY_SIZE_MIN && get_le64(body.data) == sequence;
}

bool body_is(struct bytes body, uint64_t sequence)
{
    uint32_t crc;

    if (body.size < BODY_SIZE_MIN || get_le64(body.data) != sequence)
        return false;
    crc = crc32c(body.data + PATTERN_AT, body.size - PATTERN_AT);
    return crc32c_extend(crc, body.data, CRC_AT) == get_le32(body.data + CRC_AT);
}
