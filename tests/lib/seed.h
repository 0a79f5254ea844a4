/* The seed of a random test: printed, and repeatable. */
#ifndef TESTS_LIB_SEED_H
#define TESTS_LIB_SEED_H

#include <stdint.h>

/* The number in the environment variable MILLRACE_SEED, else a fresh one. The first call
 * prints it; later calls of the same program give the same number. */
uint64_t test_seed(void);

#endif
