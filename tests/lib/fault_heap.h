/* A heap that refuses on demand.
 *
 * A test of every place where memory can be refused:
 *
 *     struct fault_heap f;
 *     uint64_t k = 0;
 *     do {
 *         fault_heap_start(&f, ++k, false);
 *         ... do the work; it either succeeds or fails cleanly ...
 *     } while (fault_heap_stop(&f));
 *
 * Only mem_try() and its kin can be refused. Owner: a test with one thread. */
#ifndef TESTS_LIB_FAULT_HEAP_H
#define TESTS_LIB_FAULT_HEAP_H

#include <stdbool.h>
#include <stdint.h>

struct fault_heap {
    uint64_t calls;   /* of mem_try() since the start */
    uint64_t refused; /* of these */
    uint64_t refuse_at;
    bool is_for_ever;
};

/* From now on the call number `refuse_at` (from 1) is refused; with `is_for_ever` all later
 * ones too. */
void fault_heap_start(struct fault_heap *f, uint64_t refuse_at, bool is_for_ever);

/* Ends it. Returns whether anything was refused. */
bool fault_heap_stop(struct fault_heap *f);

#endif
