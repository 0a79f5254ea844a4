/* CRC32C by the instruction of SSE4.2, in three lanes.
 *
 * The crc32 instruction takes three cycles but a new one may start in each, so one chain of
 * them leaves two thirds of the unit idle. The data is cut into three lanes of equal
 * length, summed side by side, and the sums put together:
 *
 *     |---- lane a ----|---- lane b ----|---- lane c ----| 0..31 bytes that are left
 *
 *     sum = a * x^(2n) + b * x^n + c,   n = bits in a lane, all modulo the polynomial
 *
 * The multiplication is a carry-less one (PCLMULQDQ). Its product of 64 bits is brought
 * back to 32 by one more crc32 instruction, which multiplies by x^32 on the way; the
 * reflected product lacks one more x. The factors in `shift` are therefore x^(64 w - 33)
 * for a shift by w words. */
#include "base/crc32c_hardware.h"

#if defined(__x86_64__)

#include <nmmintrin.h>
#include <wmmintrin.h>

#include "base/bytes.h"
#include "base/check.h"

enum {
    WORD = 8,
    LANES = 3,
    STEP = LANES * WORD,  /* one word of each lane */
    LANE_WORDS_MIN = 6,   /* shorter lanes do not pay for the two multiplications */
    LANE_WORDS_MAX = 128, /* longer ones would only need more factors */
    LANES_SIZE_MIN = LANE_WORDS_MIN * STEP,
};

#define WITH_CRC32  __attribute__((target("sse4.2")))
#define WITH_PCLMUL __attribute__((target("sse4.2,pclmul")))

static uint32_t shift[2 * LANE_WORDS_MAX + 1]; /* [w]: x^(64 w - 33); [0] is not used */

static void shift_init(void)
{
    uint32_t power = 1; /* x^31, reflected: the first factor */

    for (size_t w = 1; w < ARRAY_SIZE(shift); w++) {
        shift[w] = power;
        for (int bit = 0; bit < 64; bit++)
            power = power >> 1 ^ ((power & 1) != 0 ? CRC32C_POLYNOMIAL : 0);
    }
}

WITH_CRC32 static uint64_t add_word(uint64_t crc, const uint8_t *at)
{
    return _mm_crc32_u64(crc, get_le64(at));
}

/* The sum as it is after `words` words of zeros. */
WITH_PCLMUL static uint64_t shifted(uint64_t crc, size_t words)
{
    __m128i sum = _mm_cvtsi64_si128((long long)crc);
    __m128i factor = _mm_cvtsi64_si128((long long)shift[words]);
    __m128i made = _mm_clmulepi64_si128(sum, factor, 0);

    return _mm_crc32_u64(0, (uint64_t)_mm_cvtsi128_si64(made));
}

WITH_PCLMUL static uint64_t add_lanes(uint64_t crc, const uint8_t *at, size_t words)
{
    const uint8_t *lane_b = at + words * WORD;
    const uint8_t *lane_c = lane_b + words * WORD;
    uint64_t a = crc;
    uint64_t b = 0;
    uint64_t c = 0;

    ASSERT(words <= LANE_WORDS_MAX);
    for (size_t i = 0; i < words * WORD; i += WORD) {
        a = add_word(a, at + i);
        b = add_word(b, lane_b + i);
        c = add_word(c, lane_c + i);
    }
    return shifted(a, 2 * words) ^ shifted(b, words) ^ c;
}

WITH_PCLMUL static uint32_t extend(uint32_t crc, const void *data, size_t size)
{
    const uint8_t *at = (const uint8_t *)data;
    uint64_t sum = ~crc;

    while (size >= LANES_SIZE_MIN) {
        size_t words = size / STEP;
        if (words > LANE_WORDS_MAX)
            words = LANE_WORDS_MAX;
        sum = add_lanes(sum, at, words);
        size_t done = words * STEP;
        at += done;
        size -= done;
    }
    for (; size >= WORD; at += WORD, size -= WORD)
        sum = add_word(sum, at);
    for (; size > 0; at++, size--)
        sum = _mm_crc32_u8((uint32_t)sum, *at);
    return ~(uint32_t)sum;
}

crc32c_fn *crc32c_hardware(void)
{
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("sse4.2") || !__builtin_cpu_supports("pclmul"))
        return NULL;
    shift_init();
    return extend;
}

#endif
