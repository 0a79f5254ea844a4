/* What a partition is made of. Private to the room. */
#ifndef CLUSTER_PARTITION_PARTS_H
#define CLUSTER_PARTITION_PARTS_H

#include "cluster/partition.h"
#include "io/io.h"

/* On the way to the next checkpoint:
 *
 *     bytes, interval, partition_checkpoint(), partition_close()
 *        --> taking: at the end of the turn all folds write their state, of position `position`
 *        --> has_state: until all below `position` is committed, and the log takes it */
struct partition_checkpoint {
    struct buf state;
    bool has_state;
    bool is_last;             /* the state was taken by partition_close() */
    bool is_marked;           /* nothing came since a mark was appended */
    uint64_t position;        /* of the state */
    uint64_t appended;        /* bytes since a state was taken */
    uint64_t threshold;       /* bytes after which the next one is taken */
    struct io_task task;      /* takes a state */
    struct io_timer interval; /* looks whether one is due */
    struct io_timer retry;    /* offers the state again */
};

/* What the log had to say while it was opened. */
struct partition_opening {
    bool is_on;
    bool was_clean;       /* the newest checkpoint was the last of its time */
    uint64_t replayed;    /* records */
    struct err_note note; /* why it was refused; empty: ask the log */
};

struct partition_closing {
    bool is_on;
    bool is_log_closing;
    void (*closed)(void *owner); /* NULL: nobody waits */
    void *owner;
};

struct partition {
    struct io *io;
    struct log *log;
    unsigned number;
    struct partition_options options;
    struct fold folds[PARTITION_FOLDS_MAX];
    size_t fold_count;
    uint8_t fold_of[PARTITION_KINDS_MAX]; /* by kind: one more than its place; 0: nobody's */
    struct list watchers;
    int failed;
    struct partition_checkpoint checkpoint;
    struct partition_opening opening;
    struct partition_closing closing;
};

/* checkpoints.c */

void partition_init_checkpoints(struct partition *p);
/* Bytes were appended. */
void partition_count_append(struct partition *p, size_t bytes);
/* More is committed: a waiting state may go. */
void partition_offer_state(struct partition *p);
/* No checkpoint any more. */
void partition_end_checkpoints(struct partition *p);

/* The fold of a kind; NULL: nobody's. */
static inline const struct fold *partition_fold(const struct partition *p, uint8_t kind)
{
    return p->fold_of[kind] != 0 ? &p->folds[p->fold_of[kind] - 1] : NULL;
}

/* partition.c: no checkpoint is under way any more; closing goes on. */
void partition_close_log(struct partition *p);

#endif
