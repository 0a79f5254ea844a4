/* A sparse index over one segment: where in the file a batch with a number or a time is to
 * be found. Derived: it can always be rebuilt by reading the segment.
 *
 * Behind the last batch of a sealed segment lies the index as a footer:
 *
 *     OFFSET SIZE
 *      0      8   magic "MRINDEX1"
 *      8      4   CRC32C of bytes [12, 64 + 24 * count)
 *     12      4   count of entries, at least 1
 *     16     16   id of the log
 *     32      8   first number of the segment
 *     40      8   end: one more than its last number
 *     48      8   where the footer starts: the end of the batches
 *     56      8   count of records
 *     64     24   per entry: number, place in the file, time in ms
 *
 * The first entry is the first batch; numbers and places rise strictly, times never fall. An
 * entry is made for the first batch that starts a step or more behind the last entry.
 *
 * Owner: the shard of the log; a job builds or reads one before anybody else sees it. */
#ifndef LOG_INDEX_H
#define LOG_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "log/site.h"

struct index_entry {
    uint64_t number;
    uint64_t at;
    int64_t time_ms;
};

struct index {
    struct index_entry *entries;
    size_t count;
    size_t capacity;
    uint64_t step;
};

/* What a footer must agree with. */
struct index_span {
    uint64_t first;
    uint64_t end;
    uint64_t at; /* of the footer */
    uint64_t records;
};

struct index *index_new(uint64_t step_bytes);
/* NULL is allowed. */
void index_free(struct index *x);

/* Notes that a batch starts here; makes an entry when it is the first or a step behind the last. */
void index_add(struct index *x, uint64_t number, uint64_t at, int64_t time_ms);

/* The place of the last entry whose number is <= `number`; count must not be 0 and the
 * number not lie before the first entry. */
size_t index_find(const struct index *x, uint64_t number);

/* The place of the last entry whose time is < time_ms, or 0: the record looked for is not
 * before it. */
size_t index_find_time(const struct index *x, int64_t time_ms);

/* Where the run of batches of entry `i` ends: the next entry, or `end`. */
uint64_t index_run_end(const struct index *x, size_t i, uint64_t end);

/* The footer as new memory. */
uint8_t *index_encode(const struct index *x, const struct site *s, const struct index_span *span,
                      size_t *size);

/* Reads the footer of an open segment file; blocks. Errors: ERR_CORRUPT when it is missing
 * or disagrees with `span` (span->records 0: not known), those of the disk. */
MUST_USE int index_read(struct disk_file *f, const struct site *s, const struct index_span *span,
                        struct index **out);

#endif
