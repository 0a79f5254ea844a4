/* A log to measure: the real world, a folder, and the log in it, with an owner that passes
 * on what it hears.
 *
 *     stage_open -> stage_open_log -> stage_run ... stage_stop -> stage_close_log -> stage_close
 *                        ^                                            |
 *                        '--------------- opened again <--------------'
 *
 * The calling thread is the shard: while stage_run() turns the loop, callbacks come;
 * between runs nothing but worker threads does anything.
 *
 * Owner: the thread that opened it. */
#ifndef TOOLS_BENCH_STAGE_H
#define TOOLS_BENCH_STAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "io/io.h"
#include "log/log.h"

struct real;

/* Who is told; any of them may be NULL. `owner` is given to all. */
struct stage_listener {
    void *owner;
    void (*on_durable)(void *owner, uint64_t position);
    void (*on_pressure)(void *owner, bool is_pressed);
    void (*classify)(void *owner, uint64_t lane, const struct record *r, struct log_sorting *s);
    int (*replay)(void *owner, const struct record *r);
};

struct stage {
    struct real *real;
    struct io *io;
    char *dir; /* of the log */
    struct log *log;
    uint64_t spare_segments; /* as many as the log was told to keep */
    struct stage_listener listener;
    struct err_note *note;
    int failed;     /* the error that ended the log, or 0 */
    bool is_closed; /* the log has said so */

    struct io_timer wait; /* stage_wait() looks now and then */
    bool (*is_over)(void *owner);
    void *is_over_owner;
    uint64_t wait_end_ns;
};

/* Makes the world, and a folder of its own in `dir` for the log. The note is kept for later
 * errors; stage_close() is due after an error too. */
MUST_USE int stage_open(struct stage *s, const char *dir, struct err_note *note);

/* Closes the log if it is open, ends the world, and removes the folder. */
MUST_USE int stage_close(struct stage *s);

/* Opens the log; the listener is copied. The sorter works only for a listener with
 * classify. */
MUST_USE int stage_open_log(struct stage *s, const struct log_options *options,
                            const struct stage_listener *l);

/* Turns the loop until the log is closed. */
MUST_USE int stage_close_log(struct stage *s);

/* Leaves the log as a crash would. It must be quiet (stage_wait_quiet). */
void stage_crash_log(struct stage *s);

/* Turns the loop until stage_stop(). Errors: ERR_FAILED when the log failed meanwhile. */
MUST_USE int stage_run(struct stage *s);
void stage_stop(struct stage *s);

/* Turns the loop until is_over() says so, looking each millisecond. Errors: ERR_FAILED;
 * ERR_AGAIN when a minute did not bring it about. */
MUST_USE int stage_wait(struct stage *s, bool (*is_over)(void *owner), void *owner);

/* Turns the loop until nothing is written any more: all is durable, the spares are there,
 * nothing is being sorted. */
MUST_USE int stage_wait_quiet(struct stage *s);

/* Keeps a checkpoint at `position` and turns the loop until that is done. */
MUST_USE int stage_checkpoint(struct stage *s, uint64_t position);

#endif
