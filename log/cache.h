/* The blocks of one log that are in memory, and the loading of those that are not.
 *
 * A block that nobody references stays until the budget is spent, least recently used goes
 * first. Data areas of the usual size are recycled: first-touch memory is dear.
 *
 * Owner: the shard of the log. */
#ifndef LOG_CACHE_H
#define LOG_CACHE_H

#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "log/block.h"
#include "log/site.h"

/* Somebody who waits for a record's block. Lies in its owner's struct. */
struct fetch {
    struct list_link link;
    struct segment *segment; /* pinned while waiting */
    uint64_t number;
    uint64_t run_at; /* the run being loaded for it; 0 when the index is loaded first */
    int err;
    struct block *block; /* referenced between being served and done */
    /* The block is borrowed: reference it to keep it. NULL with ERR_CORRUPT, ERR_IO and so
     * on. Called from the loop. */
    void (*done)(struct fetch *f, int err, struct block *b);
};

struct cache {
    const struct site *site;
    struct list blocks; /* unreferenced and cached, least recently used first */
    struct list spare;  /* block structs with a data area of the usual size */
    uint32_t spare_count;
    uint64_t bytes;      /* of all blocks that exist, spares too */
    struct list loads;   /* struct load in flight */
    struct list fetches; /* waiting */
    struct list refused; /* answered, not yet told */
    struct io_task refuse_task;
    uint64_t hits;
    uint64_t misses;
    /* Called when an unpinned retired segment may go. */
    void (*on_unpinned)(void *owner, struct segment *g);
    void *owner;
};

void cache_init(struct cache *c, const struct site *s);
/* Frees all blocks; none may be referenced and no load in flight. */
void cache_release(struct cache *c);

/* A new empty block for a segment, referenced once, not yet found by anybody; NULL when there is no
 * memory. */
struct block *cache_new_block(struct cache *c, struct segment *g, size_t capacity);

/* From now on cache_find() finds the block for [b->first, b->end). */
void cache_add(struct cache *c, struct block *b);

/* The block that covers `number`, referenced for the caller, or NULL. */
struct block *cache_find(struct cache *c, struct segment *g, uint64_t number);

/* Gets the block that covers `number` of a sealed segment, or the one with the next higher
 * number, into memory; answers through f->done. */
void cache_fetch(struct cache *c, struct fetch *f, struct segment *g, uint64_t number);

/* Takes a waiting fetch back; f->done will not be called. */
void cache_cancel(struct cache *c, struct fetch *f);

/* Forgets the unreferenced blocks of a segment. */
void cache_drop_segment(struct cache *c, struct segment *g);

/* A reason less to keep a segment's bytes. */
void cache_unpin(struct cache *c, struct segment *g);

#endif
