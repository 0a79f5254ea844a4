/* A partition of tiny sizes in a simulated world; the folds are the test's.
 *
 *     struct partition_world w;
 *     partition_world_init(&w);
 *     w.folds[w.fold_count++] = ...;
 *     partition_world_open(&w);
 *     partition_world_settle(&w);       all that goes on has ended
 *     partition_world_crash(&w, ...);   the power fails
 *     partition_world_open(&w);
 *     partition_world_close(&w);
 *     partition_world_release(&w);
 *
 * Owner: a test. */
#ifndef TESTS_LIB_PARTITION_WORLD_H
#define TESTS_LIB_PARTITION_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "cluster/partition.h"
#include "io/sim/sim.h"

#define PARTITION_WORLD_MS UINT64_C(1000000)

struct partition_world {
    struct sim_disk *disk;
    struct sim *sim;
    struct sim_node *node;
    struct io *io;
    struct partition_options options;
    struct log_options log_options;
    struct fold folds[PARTITION_FOLDS_MAX];
    size_t fold_count;
    struct partition *partition; /* NULL: closed */
    struct err_note note;
    bool is_closed;
    char said[1024]; /* the last warning or error */
};

/* An empty disk, one node, one shard, the directory "log". */
void partition_world_init(struct partition_world *w);
/* The same on a disk that has a life behind it; takes it. */
void partition_world_init_on(struct partition_world *w, struct sim_disk *disk);
/* The partition must be closed, and with it every file. */
void partition_world_release(struct partition_world *w);

/* Opens; it must work. */
void partition_world_open(struct partition_world *w);
/* What partition_open() returned. */
MUST_USE int partition_world_try_open(struct partition_world *w);
/* Closes in peace. */
void partition_world_close(struct partition_world *w);

/* The power fails; what the test had in the partition it lets go in on_halted (NULL: nothing); the
 * power comes back. The partition is closed. */
void partition_world_crash(struct partition_world *w, const struct sim_crash *crash,
                           void (*on_halted)(void *owner), void *owner);

/* Runs until nothing goes on any more. */
void partition_world_settle(struct partition_world *w);
void partition_world_run_ms(struct partition_world *w, uint64_t ms);

/* Appends a record with this body; it must work. Returns its position. */
uint64_t partition_world_append(struct partition_world *w, uint8_t kind, const void *body,
                                size_t size);

/* How many files have a name that starts like that. */
size_t partition_world_count_files(const struct partition_world *w, const char *prefix);

#endif
