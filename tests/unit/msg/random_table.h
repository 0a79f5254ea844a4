/* Tables of any shape, for random tests of this room. They are put together byte by byte, without
 * the code that is under test. */
#ifndef TESTS_UNIT_MSG_RANDOM_TABLE_H
#define TESTS_UNIT_MSG_RANDOM_TABLE_H

#include <stddef.h>

#include "base/buf.h"
#include "base/rand.h"

/* Adds up to `entries` entries of random names and values. Values lie up to `depth` tables and
 * arrays deep in one another; 0 makes only plain ones. */
void random_table(struct rand *r, struct buf *out, size_t entries, unsigned depth);

/* Adds one random value with its tag. */
void random_field(struct rand *r, struct buf *out, unsigned depth);

#endif
