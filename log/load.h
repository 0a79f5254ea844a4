/* Runs on their way into the cache: each is read by a job; see cache.h and run.h.
 *
 * Owner: the shard of the log. */
#ifndef LOG_LOAD_H
#define LOG_LOAD_H

#include "log/cache.h"

/* Frees the loads in flight, whose jobs will never end: the world has. */
void load_abandon(struct cache *c);

#endif
