/* Private to the real world: what its files need of each other and nobody else does. */
#ifndef IO_REAL_PARTS_H
#define IO_REAL_PARTS_H

#include "base/check.h"

struct real;
struct workers;

/* The threads that all loops share. */
struct workers *real_workers(struct real *r);

/* Opens /dev/null for each of the descriptors 0, 1 and 2 that is closed, or else the next file
 * opened would get that number, and with it whatever is said to standard error. */
MUST_USE int real_keep_standard_files(void);

#endif
