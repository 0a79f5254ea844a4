/* One cold file in the making: records are gathered in memory, then written batch by batch
 * by a job.
 *
 *     sort_out_add (shard) ... -> sort_out_write (job) ... -> sort_out_finish (job)
 *                                                          -> sort_out_take (shard)
 *
 * The file counts only once a manifest names it; before that it can be thrown away at any
 * point.
 *
 * Owner: the shard, and the job while one runs; never both. */
#ifndef LOG_SORT_OUT_H
#define LOG_SORT_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "log/batch.h"
#include "log/segment.h"
#include "log/site.h"

/* Records of one batch to be, not yet sealed. */
struct sort_raw {
    uint8_t *data; /* room for the batch's header, then the records */
    size_t size;   /* of the records */
    size_t capacity;
    uint64_t base;
    int64_t time_ms;
    uint32_t count;
};

struct sort_out {
    uint64_t destination;
    struct segment *segment; /* being made */
    uint64_t next;           /* numbers must not be below */
    uint32_t chain;
    uint64_t at;           /* in the file; 0 before it exists */
    uint64_t sent_to;      /* bytes of the file up to here are on their way to the disk */
    struct sort_raw *raws; /* the last one is being filled */
    size_t raw_count;
    size_t raw_capacity;
    uint64_t buffered_bytes;
    uint64_t leave_bytes; /* so much must stay free on the disk: half a segment, unless changed */
};

struct sort_out *sort_out_new(const struct site *s, uint64_t destination, uint64_t id);
/* Frees everything but the file. NULL is allowed. */
void sort_out_free(struct sort_out *o);

/* Adds a copy of the record under r->number. Errors: ERR_RANGE when the number is not above
 * the last. */
MUST_USE int sort_out_add(const struct site *s, struct sort_out *o, const struct record *r);

/* Writes all that is gathered; makes the file first. Blocks. Does not leave it all to the sync at
 * the end: commits would wait behind that. */
MUST_USE int sort_out_write(const struct site *s, struct sort_out *o, uint64_t epoch);

/* Writes the rest and the index, and syncs the file. Blocks. At least one record was added. */
MUST_USE int sort_out_finish(const struct site *s, struct sort_out *o, uint64_t epoch);

/* The finished segment is the caller's; frees the rest. */
struct segment *sort_out_take(struct sort_out *o);

#endif
