/* The memory of logs, stores and routes. */
#include "broker/memory.h"

#include "base/mem.h"
#include "broker/counters.h"
#include "broker/look_partition.h"

void broker_get_memory(struct broker *b, struct broker_memory *out)
{
    struct broker_counters n;
    struct look_partition p;

    broker_get_counters(b, &n);
    *out = (struct broker_memory){.allocated = mem_used_bytes(), .routes = n.routes.cached_bytes};
    for (unsigned i = 0; look_partition(b, i, &p); i++) {
        out->log_cache += p.log.cache_bytes;
        out->log_pending += p.log.pending_bytes;
        out->transient += p.store.transient_bytes;
    }
}
