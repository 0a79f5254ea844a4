/* The generator is xoshiro256**; its state is filled by splitmix64, as its authors advise. */
#include "base/rand.h"

#include <string.h>

#include "base/check.h"

static uint64_t splitmix_next(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static uint64_t rotated_left(uint64_t v, int by)
{
    return v << by | v >> (64 - by);
}

void rand_init(struct rand *r, uint64_t seed)
{
    for (size_t i = 0; i < ARRAY_SIZE(r->state); i++)
        r->state[i] = splitmix_next(&seed);
}

uint64_t rand_next(struct rand *r)
{
    uint64_t *s = r->state;
    uint64_t result = rotated_left(s[1] * 5, 7) * 9;
    uint64_t carried = s[1] << 17;

    ASSERT((s[0] | s[1] | s[2] | s[3]) !=
           0); /* all zeros would stay so: rand_init() was forgotten */
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= carried;
    s[3] = rotated_left(s[3], 45);
    return result;
}

uint64_t rand_below(struct rand *r, uint64_t limit)
{
    ASSERT(limit > 0);

    /* The first 2^64 modulo `limit` numbers are thrown away: the rest is a whole multiple
     * of it. */
    uint64_t surplus = (0 - limit) % limit;
    uint64_t n = rand_next(r);

    while (n < surplus)
        n = rand_next(r);
    return n % limit;
}

bool rand_chance(struct rand *r, uint32_t num, uint32_t den)
{
    ASSERT(den > 0 && num <= den);
    return rand_below(r, den) < num;
}

void rand_fill(struct rand *r, void *at, size_t size)
{
    uint8_t *to = (uint8_t *)at;

    while (size > 0) {
        uint64_t n = rand_next(r);
        uint8_t b[sizeof(n)];
        size_t part = size < sizeof(n) ? size : sizeof(n);
        for (size_t i = 0; i < sizeof(n); i++)
            b[i] = (uint8_t)(n >> 8 * i); /* the same on machines of the other byte order */
        memcpy(to, b, part);
        to += part;
        size -= part;
    }
}
