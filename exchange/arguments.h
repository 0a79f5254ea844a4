/* Arguments of bindings and exchanges in a form that can be compared. Private. */
#ifndef EXCHANGE_ARGUMENTS_H
#define EXCHANGE_ARGUMENTS_H

#include <stdint.h>

#include "base/buf.h"
#include "base/check.h"
#include "msg/table.h"

/* Adds the table's entries to the buffer, sorted by name, of equal names only the last. So two
 * tables that mean the same become equal entry by entry. Returns ERR_FULL beyond the buffer's
 * limit. */
MUST_USE int arguments_sort(struct table t, struct buf *out);

/* Values that field_equal() takes for equal have equal hashes. */
uint64_t field_hash(const struct field *f, uint64_t seed);

/* The same for sorted tables and table_equal(). */
uint64_t arguments_hash(struct table sorted, uint64_t seed);

#endif
