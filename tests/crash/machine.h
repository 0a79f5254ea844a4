/* A node with one log on it, and the log's owner: the fold that the log is for.
 *
 *     machine_start -> log_open -> restore, replay -> running -> machine_stop (in peace)
 *                                                            \-> machine_kill (power is gone)
 *
 * The owner applies a record to its fold when it is durable, and lets go of what is not needed
 * then. All that the log tells is checked against the model at once. */
#ifndef TESTS_CRASH_MACHINE_H
#define TESTS_CRASH_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "io/io.h"
#include "io/sim/sim.h"
#include "log/cursor.h"
#include "log/log.h"
#include "tests/crash/fold.h"
#include "tests/crash/model.h"

#define MACHINE_DIR "p"

enum { NS_PER_MS = 1000 * 1000 };

struct machine_options {
    uint64_t seed;
    int64_t wall_ms;
    bool is_jittery;  /* turns, jobs and disk take their time, by chance */
    bool may_survive; /* losing every checkpoint is part of the test */
    struct log_options log;
};

struct machine {
    struct machine_options options;
    struct sim *sim;
    struct sim_node *node;
    struct sim_disk *disk; /* borrowed */
    struct io *io;
    struct log *log;     /* NULL: not open */
    struct model *model; /* borrowed */
    struct fold fold;    /* over all durable records */
    struct err_note note;
    bool is_restored;
    uint64_t restored_from;
    uint64_t replayed; /* records */
    uint64_t survived; /* records */
    bool is_closed;
    int failed; /* what on_failed() said */
    bool is_pressed;
    uint64_t sorted; /* what on_sorted() said last */
    uint64_t classified;
};

/* Small sizes that make much happen, drawn from the seed. */
struct log_options machine_log_options(uint64_t seed);

/* Makes the world and the directory. The disk is borrowed. */
void machine_init(struct machine *m, const struct machine_options *options, struct sim_disk *disk);
/* The log must be closed. */
void machine_release(struct machine *m);

/* Opens the log; the model, borrowed, must hold what it may find. What log_open() returned. */
MUST_USE int machine_start(struct machine *m, struct model *model);
/* After a start that succeeded: lets go of what the fold does not need, as a broker would. */
void machine_settle_in(struct machine *m);

/* Closes the log; it must end within the limits of patience. */
void machine_stop(struct machine *m);
/* Nothing that the log does has an effect any more; then as machine_stop(). */
void machine_kill(struct machine *m);

/* Turns the world. */
void machine_run_ms(struct machine *m, uint64_t ms);

/* Appends a record and tells the model. What log_append() returned. */
MUST_USE int machine_append(struct machine *m, const struct log_entry *e, const uint8_t *body);

/* Keeps the fold as it is now. What log_checkpoint() returned. */
MUST_USE int machine_checkpoint(struct machine *m);

/* Asks a cursor until it has an answer other than "later"; turns the world meanwhile. */
int machine_read(struct machine *m, struct cursor *c, struct record *out);

#endif
