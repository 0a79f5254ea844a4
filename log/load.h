/* Reading one run of batches from a segment file into a block, as a job. Part of the cache.
 *
 * Owner: the shard of the log. */
#ifndef LOG_LOAD_H
#define LOG_LOAD_H

#include "log/cache.h"

/* Fills an empty block with the good batches of [from, to) of an open segment file. Damage
 * is stepped over and marks the block as wounded. Blocks the caller. Errors: those of the
 * disk, ERR_NO_MEMORY. */
MUST_USE int load_run(struct block *b, struct disk_file *f, uint64_t from, uint64_t to);

/* Frees the loads in flight, whose jobs will never end: the world has. */
void load_abandon(struct cache *c);

#endif
