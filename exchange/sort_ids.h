/* Sorting of queue ids without memory. Private. */
#ifndef EXCHANGE_SORT_IDS_H
#define EXCHANGE_SORT_IDS_H

#include <stddef.h>
#include <stdint.h>

/* Puts the numbers into rising order. Linear when they are so already, as they mostly are:
 * bindings are often made in the order in which queues were. */
void sort_ids(uint64_t *ids, size_t count);

#endif
