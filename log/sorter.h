/* The sorter: moves what is still needed out of old segments, so that no old record pins a
 * file full of dead ones. It reads sealed segments once, asks the log's owner about each
 * record, and writes what is kept to new files: the shared lane, or the lane of a stream or
 * a deep queue.
 *
 *     IDLE --choose--> READ --records--> rules (on the shard) --buffer full--> WRITE --> READ ...
 *                        \--no more--> FINISH --> publish --> IDLE
 *                     any error: the new files are thrown away, the old ones stay, a pause, IDLE
 *
 * What a run can be about:
 *     SORT     hot segments, in their order, once a checkpoint covers them
 *     REWRITE  a cold segment of which at least half is dead
 *     SURVEY   a shared segment whose number of live records is not known since the start:
 *              it is only counted
 *     MERGE    many small neighbours in one lane
 *     MAP      the keys of a lane are noted, newest number each; then
 *     COMPACT  the segments of that lane are written again without what was superseded
 *
 * Invariants:
 *   R1  inputs are untouched until the outputs are synced and the manifest names them
 *       (keeper.h).
 *   R2  one run at a time; during a job the outputs belong to the job.
 *
 * Owner: the shard of the log. */
#ifndef LOG_SORTER_H
#define LOG_SORTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/map.h"
#include "io/io.h"
#include "log/keeper.h"
#include "log/keymap.h"
#include "log/log.h"
#include "log/sort_out.h"

enum { SORTER_INPUTS_MAX = 16 };

enum sorter_run {
    RUN_NONE,
    RUN_SORT,
    RUN_REWRITE,
    RUN_SURVEY,
    RUN_MERGE,
    RUN_MAP,
    RUN_COMPACT,
};

/* A lane that was asked to be compacted. */
struct sorter_request {
    uint64_t destination;
    uint64_t tombstone_age_ms;
};

/* The compaction in progress, and those asked for. */
struct sorter_compaction {
    bool is_on;
    bool is_mapped; /* the keys are known; now the segments are written again */
    struct sorter_request now;
    struct keymap keys;
    uint64_t from; /* numbers of the lane that the map knows: [from, to) */
    uint64_t to;
    uint64_t next;                  /* the first number not yet mapped, or not yet rewritten */
    int64_t began_ms;               /* wall clock */
    struct sorter_request *waiting; /* first in, first out */
    size_t waiting_count;
    size_t waiting_capacity;
};

/* The files of a run in the making, by destination. */
struct sorter_outs {
    struct sort_out **items;
    size_t count;
    size_t capacity;
    uint64_t buffered_bytes;
};

/* The place at which reading failed last. Kept from run to run: it is given up only when it
 * has failed for a while, so that a disk in trouble for a moment loses nothing. */
struct sorter_failing {
    uint8_t kind; /* of the segment; 0: none */
    uint64_t id;
    uint64_t number;
    uint32_t times; /* one run after the other */
};

/* What is being read of the present input. */
struct sorter_read {
    const struct index *known; /* the input's, as the shard saw it when the job began, or NULL */
    uint64_t number;           /* from which on it is still to be read */
    struct block *block;       /* what the job fills */
    size_t room;               /* the block's capacity at the start */
    struct index *index;       /* loaded by the job for an input without one */
};

struct sorter {
    const struct site *site;
    struct hot *hot;
    struct cold *cold;
    struct keeper *keeper;
    const struct log_owner *owner;
    uint64_t limit; /* hot segments that end at or below may be sorted: a checkpoint covers them */
    bool is_closed;
    bool is_out_of_space; /* for the last run: the next one tries to free some elsewhere */
    struct io_task task;  /* looks for work */

    enum sorter_run run;
    struct segment *inputs[SORTER_INPUTS_MAX]; /* pinned */
    size_t input_count;
    size_t input; /* the one being read */
    struct sorter_read read;
    struct sorter_failing failing;
    uint64_t survey_live;
    uint64_t released; /* records of the inputs released after they were looked at */

    struct sorter_outs outs;
    int classify_err;

    struct sorter_compaction compaction;
    struct map limits; /* of the files of a lane, in bytes, by destination */

    struct io_job job;
    int job_err;
    struct io_timer pause;
    struct io_timer calm; /* runs while sorting waits for publishers to be less fast */
    uint64_t calm_ns;     /* when they are, unless another segment fills before */
    uint64_t runs;
    uint64_t failures;
    void (*on_change)(void *owner); /* a run has ended, or segments have gone */
    void *change_owner;
};

/* Where classify() puts what it decides. */
struct log_sorting {
    struct sorter *sorter;
    const struct record *record;
};

void sorter_init(struct sorter *s, const struct site *site, struct hot *hot, struct cold *cold,
                 struct keeper *keeper);
void sorter_release(struct sorter *s);

/* Looks at the end of the turn whether there is work, and starts it. */
void sorter_kick(struct sorter *s);

/* A segment is full. While they fill fast nothing is sorted, up to options.burst_bytes_max. */
void sorter_on_roll(struct sorter *s);

/* Asks for a compaction of a lane by key. */
void sorter_compact(struct sorter *s, uint64_t destination, uint64_t tombstone_age_ms);

/* Limits the files of a lane; 0: not any more. */
void sorter_limit_files(struct sorter *s, uint64_t destination, uint64_t max_bytes);

/* A record of a segment is no longer needed: what a run under way has counted may be wrong now. */
void sorter_on_release(struct sorter *s, const struct segment *g, uint64_t number);

/* Bytes of sealed hot segments: what there is to sort. */
uint64_t sorter_debt(const struct sorter *s);

/* No new run; the one in flight is thrown away when its job ends. */
void sorter_close(struct sorter *s);
bool sorter_is_busy(const struct sorter *s);

#endif
