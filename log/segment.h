/* One segment: a file of batches. The hot log is a row of segments; the sorter writes cold
 * ones.
 *
 *     hot:  OPEN --the next one begins--> SEALED --sorted--> RETIRED --unpinned--> spare
 *     cold:            written whole --> SEALED --trimmed, rewritten--> RETIRED --> removed
 *
 *     the file's first 4096 bytes (the sector at 0 is all that counts)
 *     OFFSET SIZE
 *      0      8   magic "MRSEGM01"
 *      8      4   CRC32C of bytes [12, 512)
 *     12      2   version, 1
 *     14      1   kind: 1 hot, 2 cold
 *     15      1   zero
 *     16     16   id of the log
 *     32      8   id of the file (cold), the same as first (hot)
 *     40      8   destination (cold; 0 is the shared one), 0 (hot)
 *     48      8   first: number of the first record (hot: also when there is none yet)
 *     56      8   epoch in which it was made
 *     64      8   hot: where the batches of the segment before this one end, 0 when there was none
 *     72      4   chain, as the first batch has it. Hot: the CRC of the last batch before this
 *                 segment; cold: the lower half of the id, for no two first batches may be alike
 *     76      -   zeros
 *     4096    -   batches (batch.h), then the index as a footer (index.h)
 *
 * Invariants:
 *   S1  the bytes of a SEALED segment never change.
 *   S2  a RETIRED segment keeps its bytes as long as somebody pins it.
 *   S3  hot segments follow one another without gap: end of one == first of the next.
 *
 * Owner: the shard of the log. */
#ifndef LOG_SEGMENT_H
#define LOG_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "log/index.h"
#include "log/site.h"

enum {
    SEGMENT_HEADER_SIZE = 4096, /* where batches start */
    SEGMENT_SECTOR_SIZE = 512,  /* what of it is written and read */
    SEGMENT_VERSION = 1,
    SEGMENT_HOT = 1,
    SEGMENT_COLD = 2,
};

struct block;

struct segment {
    struct list_link link; /* among the retired ones */
    uint8_t kind;
    bool is_sealed;
    bool is_retired;
    bool is_counted;     /* `live` is the truth, not a guess */
    bool needs_survey;   /* not counted, and worth counting */
    bool is_wounded;     /* a read found damage */
    bool is_header_lost; /* the header sector was not this segment's */
    uint64_t noted;      /* retired and wounded: the generation of the manifest that says so */
    uint64_t id;
    uint64_t destination;
    uint64_t first;
    uint64_t end;
    uint64_t records;
    uint64_t live;       /* records not yet released */
    uint64_t bytes;      /* where the batches end in the file, as far as they are written */
    uint64_t written;    /* number behind `bytes`: from here on records are in memory only */
    uint64_t file_bytes; /* size of the file */
    int64_t first_time_ms;
    int64_t last_time_ms;
    uint64_t bytes_before; /* hot: where the batches of the segment before end */
    uint32_t chain_before; /* what the first batch says of the one before it */
    uint32_t chain_end;    /* CRC of the last batch below `bytes` */
    uint32_t pins;         /* readers and blocks */
    struct index *index;   /* NULL until somebody needed it */
    struct block **blocks; /* in memory, by first number */
    size_t block_count;
    size_t block_capacity;
};

/* The chain of the first batch of a cold file. */
static inline uint32_t segment_cold_chain(uint64_t id)
{
    return (uint32_t)id;
}

/* Whether chain_before is the truth: by the segment's own header, or by the segment before. */
static inline bool segment_knows_chain(const struct segment *g)
{
    return g->kind == SEGMENT_COLD || !g->is_header_lost || g->bytes_before > 0;
}

struct segment *segment_new(uint8_t kind, uint64_t id, uint64_t first);
/* There must be no pins and no blocks. */
void segment_free(struct segment *g);

/* The path of the segment's file. */
struct site_path segment_path(const struct site *s, const struct segment *g);

/* Opens the segment's file for reading; blocks. Errors: those of the disk, and ERR_CORRUPT when
 * what has the name is no file. */
MUST_USE int segment_open(const struct site *s, const struct segment *g, struct disk_file **out);

/* The header sector of a segment. `epoch` is the present one. */
void segment_header_encode(const struct site *s, const struct segment *g, uint64_t epoch,
                           uint8_t sector[SEGMENT_SECTOR_SIZE]);

/* Reads a header sector into kind, id, destination, first, chain_before and bytes_before of
 * a zeroed segment. Errors: ERR_CORRUPT, ERR_VERSION. */
MUST_USE int segment_header_decode(const struct site *s, const uint8_t sector[SEGMENT_SECTOR_SIZE],
                                   struct segment *out, uint64_t *epoch);

/* Damage was found between two bytes of the file: marks the segment and tells it, once. */
void segment_wound(const struct site *s, struct segment *g, uint64_t from, uint64_t to);

/* What the segment's footer must say. */
struct index_span segment_span(const struct segment *g);

/* Loads or rebuilds the index of a sealed segment; blocks. *out is new. Damaged stretches have no
 * entries of their own: they belong to the one before. Errors: ERR_CORRUPT when nothing is
 * readable, or the file is another segment's; those of the disk. */
MUST_USE int segment_load_index(const struct site *s, const struct segment *g, struct index **out);

#endif
