/* Seeded randomness: the same seed gives the same numbers on every machine. Not for secrets. */
#ifndef BASE_RAND_H
#define BASE_RAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rand {
    uint64_t state[4];
};

/* Starts a sequence. Every seed is good, 0 too. */
void rand_init(struct rand *r, uint64_t seed);

/* The next 64 bits. */
uint64_t rand_next(struct rand *r);

/* A number in [0, limit), each equally likely. limit > 0. */
uint64_t rand_below(struct rand *r, uint64_t limit);

/* True `num` times out of `den`. */
bool rand_chance(struct rand *r, uint32_t num, uint32_t den);

/* Fills `size` bytes. */
void rand_fill(struct rand *r, void *at, size_t size);

#endif
