/* Hashes that grow with what happens: equal runs have equal ones. Private to io/sim. */
#ifndef IO_SIM_SIM_TRACE_H
#define IO_SIM_SIM_TRACE_H

#include <stddef.h>
#include <stdint.h>

#include "base/crc32c.h"

/* The trace with one more number in it; the order counts. */
static inline uint64_t sim_trace_mix(uint64_t trace, uint64_t value)
{
    uint64_t z = (trace ^ value) * 0x9e3779b97f4a7c15u;

    return (z ^ z >> 32) + 0x632be59bd9b4e019u;
}

static inline uint64_t sim_trace_mix_bytes(uint64_t trace, const void *bytes, size_t size)
{
    return sim_trace_mix(sim_trace_mix(trace, size), crc32c(bytes, size));
}

#endif
