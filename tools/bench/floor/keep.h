/* What the floor keeps of durable messages: one file, all of whose blocks were written before, and
 * two batches: one fills while the other is written and synced.
 *
 *     | message | message | ...      back to back, as their frames came; wraps at the file's end
 *
 * Owner: the loop's thread; while a job runs its batch belongs to the worker. */
#ifndef TOOLS_BENCH_FLOOR_KEEP_H
#define TOOLS_BENCH_FLOOR_KEEP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/check.h"
#include "base/err.h"
#include "io/io.h"

struct disk_file;

enum { KEEP_BATCH_MAX = 8 << 20, KEEP_CHUNK = 1 << 20 };

#define KEEP_FILE_SIZE (UINT64_C(3) << 29)

struct keep {
    struct io *io;
    struct disk_file *file; /* NULL: nothing is kept, and all of it is safe at once */
    char *path;
    uint64_t at; /* where the next batch goes */
    uint8_t *batches[2];
    size_t size; /* of the one that fills, batches[filling] */
    int filling;
    struct io_job commit;
    size_t committing; /* bytes on their way; 0: none */
    int result;
    int replays;                       /* jobs that read */
    void (*on_begin)(struct keep *k);  /* the batch is on its way */
    void (*on_commit)(struct keep *k); /* it is safe, or k->result says why not */
};

/* Makes the file in `dir` and writes all of it once; with NULL nothing is kept. Errors: those of
 * the disk, with a note. */
MUST_USE int keep_open(struct keep *k, struct io *io, const char *dir, struct err_note *note);

/* Waits for nothing: no commit may be on its way. Removes the file. */
void keep_close(struct keep *k);

/* Whether a message of that size fits into the batch now. */
bool keep_has_room(const struct keep *k, size_t size);
void keep_add(struct keep *k, struct bytes message);

/* Sends the batch on its way, when there is one and no other is on its way. */
void keep_commit(struct keep *k);

/* Starts at the file's beginning again: a new stream. */
void keep_restart(struct keep *k);

/* Reading again from the beginning. */
struct replay {
    struct keep *keep;
    uint64_t at;
    uint8_t *chunk;
    size_t size; /* bytes read into it */
    struct io_job job;
    int result;
    bool is_running;
    bool is_orphan; /* nobody waits for it any more */
    void (*on_chunk)(struct replay *r);
};

/* Reads the next chunk, when there is more than was read; on_chunk() follows. False when all was
 * read. */
bool replay_next(struct replay *r);

#endif
