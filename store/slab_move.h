/* Moving the last few live items out of a slab, so that a message that stays does not keep a slab
 * full of dead ones. Private to the room.
 *
 *     slab 7  [ . . . X . . ]   --X is copied-->   attic  [ .. X .. ]
 *     place of X (slab 7)       --map of moves-->  place in the attic
 *
 * A place never changes for those who have it, so slab 7 keeps its slot, without memory, until X is
 * gone. What was moved may move again: then the map leads on.
 *
 * Owner: one shard. */
#ifndef STORE_SLAB_MOVE_H
#define STORE_SLAB_MOVE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/check.h"
#include "store/hold.h"
#include "store/slab.h"

/* True when so little of a sealed slab is live that its items should move. */
bool slab_is_sparse(const struct slab *b);

/* Moves all live items and gives the memory back. Nobody may have pinned it, and it must not be
 * frozen. False when memory was refused: then nothing has changed. */
bool slab_move(struct slabs *s, struct holds *h, struct slab *b);

/* Where an item in memory is now. */
static inline uint64_t slab_resolve(const struct slabs *s, uint64_t place)
{
    while (UNLIKELY(slab_of(s, place)->state == SLAB_MOVED))
        place = (uint64_t)(uintptr_t)map_find(&s->moved, place);
    return place;
}

/* The item that a moved place led to is gone: so is the way. */
void slab_forget_moves(struct slabs *s, uint64_t place, uint64_t last);

#endif
