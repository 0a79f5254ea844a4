/* The commits of the hot log: one job at a time writes what is sealed and syncs it. Part of hot.
 *
 * Owner: the shard of the log. */
#ifndef LOG_COMMIT_H
#define LOG_COMMIT_H

#include "log/hot.h"

void commit_init(struct hot *h);

/* Frees what waits to be written and closes the file. Nothing may be in flight. */
void commit_release(struct hot *h);

/* Queues a write; takes the block reference or the footer, pins the segment. */
void commit_push(struct hot *h, struct hot_write w);

/* The last commit had so many bytes: sets how many start one before the end of a turn. Half of it
 * is best: then those who were told of one half append while the other half is being written. */
void commit_tune(struct hot *h, uint64_t bytes);

/* Puts what was appended into line behind the commit in flight, unless commits are slow. */
void commit_line_up(struct hot *h);

/* Whether it is worth waiting for more, after slow commits. */
bool commit_gathers(const struct hot *h);
/* Something was appended and no commit is in flight: whether it waits for more. */
bool commit_waits(struct hot *h);

/* In hot.c: seals the open batch and queues what the open block has sealed. */
void commit_collect(struct hot *h);

#endif
