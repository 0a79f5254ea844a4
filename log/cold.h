/* The cold logs: for each destination a lane of sealed segments with rising numbers. Lane 0
 * is the shared one, whose numbers are the old positions.
 *
 * Invariants:
 *   C1  the segments of a lane do not overlap and are in the order of their numbers.
 *   C2  what is in a lane is named by the next manifest; what left it waits with the keeper.
 *
 * Owner: the shard of the log. */
#ifndef LOG_COLD_H
#define LOG_COLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "log/segment.h"

enum { COLD_SHARED = 0 };

struct cold_lane {
    uint64_t destination;
    struct segment **segments;
    size_t count;
    size_t capacity;
    uint64_t bytes;        /* of all files */
    uint64_t compacted_to; /* numbers below were in the last compaction */
};

struct cold {
    struct cold_lane **lanes; /* by destination */
    size_t count;
    size_t capacity;
    size_t segment_count;
    uint64_t bytes;
    uint64_t next_id; /* for the next cold file */
};

void cold_init(struct cold *c);
/* The segments must be unpinned and without blocks; they are freed. */
void cold_release(struct cold *c);

/* The lane, or NULL. */
struct cold_lane *cold_find(const struct cold *c, uint64_t destination);

/* Puts a sealed segment into its lane. Takes it. Errors: ERR_EXISTS when it would overlap (C1). */
MUST_USE int cold_add(struct cold *c, struct segment *g);

/* Takes a segment off its lane; an empty lane is forgotten. */
void cold_remove(struct cold *c, struct segment *g);

/* The first segment of a lane that ends above `number`, or NULL. */
struct segment *cold_segment(const struct cold_lane *lane, uint64_t number);

/* The first segment whose last record is not older than time_ms, or NULL. */
struct segment *cold_segment_by_time(const struct cold_lane *lane, int64_t time_ms);

#endif
