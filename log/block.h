/* A block: a run of whole batches of one segment in memory, with every record's place known.
 * The unit of reading, of caching and of pinning. The log appends into blocks too, so what
 * was just written can be read without the disk.
 *
 * Invariants:
 *   B1  records never move or change once they are in a block: a view stays good while the
 *       block is referenced.
 *   B2  a block pins its segment.
 *   B3  records are in the order of their numbers; numbers may have gaps.
 *
 * Owner: the shard of the log; a job fills one before anybody else sees it. */
#ifndef LOG_BLOCK_H
#define LOG_BLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "log/batch.h"
#include "log/segment.h"

struct cache;

/* One batch of a block. */
struct block_batch {
    struct batch_head head;
    uint32_t record; /* place of its first record in the block */
};

struct block {
    struct list_link link; /* in the cache, least recently used first */
    struct cache *cache;
    struct segment *segment;
    uint32_t refs;
    bool is_cached;  /* the cache finds it; it holds no reference for that */
    bool is_wounded; /* damage was stepped over: numbers are missing that were once there */
    uint8_t *data;
    size_t size;
    size_t capacity;
    uint64_t at;       /* the place in the file that data[0] has (blocks that are written) */
    uint64_t first;    /* numbers below are not here */
    uint64_t end;      /* nor from here on */
    uint32_t *offsets; /* of the records in data */
    uint32_t count;
    uint32_t offset_capacity;
    struct block_batch *batches;
    uint32_t batch_count;
    uint32_t batch_capacity;
};

/* Notes a record that lies at `offset`; the batch it belongs to must have been begun. */
void block_add_record(struct block *b, uint32_t offset);

/* Begins a batch; its head may be completed later through the returned place. */
struct block_batch *block_add_batch(struct block *b);

/* Makes room for `size` more bytes of data, which may move: only for a job that fills a block
 * before anybody else sees it (B1). Errors: ERR_NO_MEMORY. */
MUST_USE int block_make_room(struct block *b, size_t size);

/* Takes a checked batch in and notes its records. One that lies in the data already stays where it
 * is; otherwise, or when it is compressed, its payload is put at the end of the data, which may
 * move. Errors: ERR_CORRUPT when the payload is not what the header says,
 * ERR_NO_MEMORY. */
MUST_USE int block_take_batch(struct block *b, const struct batch_head *head, const uint8_t *bytes);

/* Place of the first record with a number >= `number`; b->count when there is none. */
uint32_t block_seek(const struct block *b, uint64_t number);

/* Place of the first record with a time >= time_ms; b->count when there is none. */
uint32_t block_seek_time(const struct block *b, int64_t time_ms);

/* The record at a place below b->count. */
void block_record(const struct block *b, uint32_t place, struct record *out);

/* One more holder. */
static inline void block_ref(struct block *b)
{
    b->refs++;
}

/* One holder less; an unused block stays in the cache while there is room. */
void block_unref(struct block *b);

#endif
