/* The data directory of a node: whose it is, which format it has, and where its partitions
 * lie.
 *
 *     <data>/LOCK               held while a node uses the directory
 *     <data>/format             state file, magic "MRFORMAT", version 1, no content; its id is the
 *                               node's
 *     <data>/partition-<n>/     one log each (log.h), n in decimal
 *
 * A directory with a newer format is refused: an older program would not understand what it
 * finds.
 *
 * All calls block; they run before the shards start. */
#ifndef LOG_DATADIR_H
#define LOG_DATADIR_H

#include <stdint.h>

#include "base/check.h"
#include "base/err.h"

struct disk;
struct io;
struct datadir;

enum { DATADIR_FORMAT = 1, DATADIR_ID_SIZE = 16, DATADIR_PATH_SIZE = 4096 };

/* A path inside a data directory. */
struct datadir_path {
    char text[DATADIR_PATH_SIZE];
};

/* Makes the directory when it is missing (its parent must exist), takes the lock, and checks
 * or writes the format. Errors, with a note that names the directory: ERR_BUSY when another
 * node uses it, ERR_VERSION, ERR_CORRUPT, ERR_DENIED, ERR_NOT_FOUND, ERR_NO_SPACE, ERR_IO. */
MUST_USE int datadir_open(struct io *io, const char *path, struct datadir **out,
                          struct err_note *note);

/* Gives the lock back. NULL is allowed. */
void datadir_close(struct datadir *d);

/* The directory of partition `n`, made when it is missing. */
MUST_USE int datadir_partition(struct datadir *d, unsigned n, struct datadir_path *out,
                               struct err_note *note);

/* How many partitions there are, from number 0 on. ERR_CORRUPT when one of them is not there: it
 * was once, for they are made in their order. */
MUST_USE int datadir_count_partitions(struct datadir *d, unsigned *count, struct err_note *note);

/* The node's own id, drawn when the directory was made. */
const uint8_t *datadir_id(const struct datadir *d);

#endif
