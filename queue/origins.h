/* How far replays are: of each the offset behind the last copy that was published, by stream.
 *
 * A copy says in its slip (msg/slip.h) which message it is a copy of; so what is noted here, while
 * the copies are published and again while records are replayed, survives exactly with the copies.
 * Who made the replay forgets it when it is over.
 *
 * Private to the room; streams.h has queues_find_origin() and queues_drop_origins(). Owner: one
 * shard. */
#ifndef QUEUE_ORIGINS_H
#define QUEUE_ORIGINS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/bytes.h"

struct origins;

struct origins *origins_new(void);
void origins_free(struct origins *o);
/* A message with this slip was published: notes where it comes from, if it says so. */
void origins_note(struct origins *o, struct bytes slip);
bool origins_find(const struct origins *o, uint64_t replay, uint16_t part, uint64_t *next);
void origins_drop(struct origins *o, uint64_t replay, uint16_t part);

void origins_save(const struct origins *o, struct buf *out);
/* The reader fails when the bytes are not what was written. */
void origins_restore(struct origins *o, struct reader *r);

#endif
