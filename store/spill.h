/* Spilling: slabs go to a scratch file when memory is short, and come back when somebody wants
 * them. Private to the room.
 *
 *     too much in memory -> victims, not the youngest -> written, never synced -> memory goes back
 *     spill_want()       -> read, checked, with its neighbours -> whoever waits is told
 *
 * The scratch file has no name once it is open, so a crash leaves nothing. One job at a time has
 * it.
 *
 * Which slabs go: queues are mostly read from the front, so the oldest are wanted soon; what has
 * just come may go through at once. Victims are taken from just before the youngest quarter
 * backwards. One that was read back has its copy still and goes again without being written. One
 * with little in it that is live is not written: its items move together (store/slab_move.h).
 *
 * Owner: one shard. */
#ifndef STORE_SPILL_H
#define STORE_SPILL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/check.h"
#include "base/spans.h"
#include "io/io.h"
#include "store/hold.h"
#include "store/slab.h"

enum { SPILL_BATCH = 16 /* slabs that one job writes or reads */ };

/* So much stays free on the disk, whatever the limit says. */
#define SPILL_DISK_RESERVE (UINT64_C(128) << 20)

struct spill_job;

struct spill {
    struct io *io;
    struct slabs *slabs;
    struct holds *holds;
    char *dir;
    uint64_t memory_max;
    uint64_t disk_max;
    struct spans free;      /* units of the file below `end` without a copy */
    uint64_t end;           /* units */
    uint64_t units;         /* with a copy */
    struct disk_file *file; /* NULL: nothing is spilled; a job's while it runs */
    struct spill_job *job;  /* in flight, or NULL */
    struct list wanted;     /* slabs to be read */
    struct list told;       /* waiters of slabs that have gone */
    struct io_task task;
    struct io_timer retry; /* running: writing failed a moment ago */
    struct io_timer again; /* somebody has what should go: look again soon */
};

/* Removes what a crash may have left in that directory; blocks. */
void spill_init(struct spill *s, struct io *io, struct slabs *slabs, struct holds *holds,
                const char *dir);
/* No slab may be used any more. A job in flight ends by itself. */
void spill_release(struct spill *s);

/* Memory was taken or given back: there may be something to do at the end of the turn. */
void spill_look(struct spill *s);
/* A slab goes: its copy, and those who wait for it. */
void spill_forget(struct spill *s, struct slab *b);
/* Reads a spilled slab, and tells the waiter. */
void spill_want(struct spill *s, struct slab *b, struct slab_waiter *w);
/* Allowed when it does not wait. */
void spill_cancel(struct slab_waiter *w);

/* Bytes of all copies. */
uint64_t spill_bytes(const struct spill *s);
/* Nothing more can be spilled. */
bool spill_is_full(const struct spill *s);

void spill_check(const struct spill *s);

#endif
