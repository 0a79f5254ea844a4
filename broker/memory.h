/* What the memory of the node is used for, as far as it is known without a look at each queue.
 *
 * Owner: one shard. */
#ifndef BROKER_MEMORY_H
#define BROKER_MEMORY_H

#include <stdint.h>

struct broker;

struct broker_memory {
    uint64_t allocated;   /* in all */
    uint64_t log_cache;   /* blocks of logs */
    uint64_t log_pending; /* what waits for the disk */
    uint64_t transient;   /* messages that are in no log */
    uint64_t routes;      /* that are remembered */
};
void broker_get_memory(struct broker *b, struct broker_memory *out);

#endif
