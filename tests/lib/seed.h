/* The seed of a random test: printed, and repeatable; and how much of it is run. */
#ifndef TESTS_LIB_SEED_H
#define TESTS_LIB_SEED_H

#include <stdint.h>

/* The number in the environment variable MILLRACE_SEED, else a fresh one. The first call
 * prints it; later calls of the same program give the same number. */
uint64_t test_seed(void);

/* How many of `count` runs a random test makes: all, with MILLRACE_SIZE=short a tenth of them, with
 * tiny a hundredth, but one at least. */
unsigned test_share(unsigned count);

#endif
