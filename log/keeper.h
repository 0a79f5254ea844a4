/* The keeper writes the manifest when the set of files has changed, and lets go of retired
 * files when it is safe: both copies of the manifest no longer name them, and nobody pins
 * them.
 *
 *     off its row or lane --keeper_retire--> waiting --manifest durable--> doomed
 *                                                      --no pins--> the file goes
 *
 * A hot segment's file becomes a spare when one is welcome and the disk is not full; other
 * files are removed. A
 * damaged one is neither: it moves to wounded/ for a person to look at, once the manifest
 * says that it has to, so that the next opening knows when a crash comes before.
 *
 * Owner: the shard of the log. */
#ifndef LOG_KEEPER_H
#define LOG_KEEPER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "io/io.h"
#include "log/cold.h"
#include "log/hot.h"
#include "log/manifest.h"
#include "log/spares.h"

struct keeper {
    const struct site *site;
    struct hot *hot;
    struct cold *cold;
    struct cache *cache;
    struct spares *spares;
    uint64_t generation;
    uint64_t written; /* generation of the last durable manifest */
    uint64_t left;    /* where the hot log begins in that */

    struct list waiting; /* retired, maybe still named by the durable manifest */
    struct list covered; /* retired, not named by the manifest being written */
    struct list doomed;  /* named by no manifest, or only as a wound */
    struct list stuck;   /* damaged, and would not move: named as wounds until the next opening */
    bool is_dirty;
    bool is_writing;
    bool is_removing;
    bool is_closed;
    int failed;
    struct manifest flying;
    struct io_job write_job;
    int write_err;
    struct io_timer retry;
    struct io_task task;

    struct io_job remove_job;
    struct segment *removing;
    struct site_path from;
    struct site_path to; /* empty: remove; else the name it gets as a spare */
    uint64_t spare;
    int remove_err;
    void (*on_idle)(void *owner); /* nothing is in flight any more */
    void *owner;
};

void keeper_init(struct keeper *k, const struct site *site, struct hot *hot, struct cold *cold,
                 struct spares *spares);
/* Nothing may be in flight. Files that could not go yet are found at the next opening. */
void keeper_release(struct keeper *k);

/* Takes a segment that was taken off its row or lane. */
void keeper_retire(struct keeper *k, struct segment *g);

/* Goes on from the manifest that is on the disk, with the hot log that it names. */
void keeper_resume(struct keeper *k, uint64_t generation, uint64_t hot_first);

/* Takes a segment whose file the manifest on the disk calls a wound: it moves to wounded/. */
void keeper_adopt(struct keeper *k, struct segment *g);

/* The set of files has changed: writes the manifest at the end of the turn, not before. Rows
 * and lanes are changed step by step, and a manifest of a state in between, which names
 * neither the old files nor the new ones, would lose what is in them. */
void keeper_changed(struct keeper *k);

/* An unpinned retired segment: see whether it can go. */
void keeper_sweep(struct keeper *k);

bool keeper_is_busy(const struct keeper *k);
void keeper_close(struct keeper *k);

/* Builds the manifest that describes rows and lanes as they are. */
void keeper_describe(const struct hot *hot, const struct cold *cold, struct manifest *out);

#endif
