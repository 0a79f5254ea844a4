/* A reader: the records of one lane or of the hot log, in order, read ahead from the disk.
 *
 *     cursor_next -> 0: a record, its bytes good until the next call
 *                 -> ERR_AGAIN: being read; on_ready() will say when to go on
 *                 -> ERR_NOT_FOUND: nothing more for now (hot log, lane: at the end)
 *                 -> ERR_CORRUPT: records are missing here that were once there; the next call
 *                    goes on behind them
 *                 -> ERR_TRIMMED: retention has overtaken the reader; the next call goes on with
 *                    what is there
 *
 * What a cursor stands on is pinned: it stays readable whatever the sorter and retention do.
 * Records not yet durable are shown too when they are read from the hot log, unless it has failed.
 *
 * Owner: the shard of the log. */
#ifndef LOG_CURSOR_H
#define LOG_CURSOR_H

#include <stdint.h>

#include "base/check.h"
#include "log/record.h"

struct log;
struct block;
struct cursor;

enum cursor_lane {
    CURSOR_HOT,  /* positions in the hot log */
    CURSOR_COLD, /* numbers in a lane */
};

/* Called from the loop after an ERR_AGAIN. */
typedef void cursor_ready_fn(void *owner);

/* Starts at the first record with a number >= `number`. `destination` is the lane for
 * CURSOR_COLD. */
struct cursor *cursor_open(struct log *l, enum cursor_lane lane, uint64_t destination,
                           uint64_t number);

/* NULL is allowed; no callback comes after this. */
void cursor_close(struct cursor *c);

/* Who is told. */
void cursor_set_ready(struct cursor *c, cursor_ready_fn *fn, void *owner);

/* The next record; see above. */
MUST_USE int cursor_next(struct cursor *c, struct record *out);

/* Goes to the first record not older than time_ms; takes effect in the next cursor_next(). */
void cursor_seek_time(struct cursor *c, int64_t time_ms);

/* Goes to the first record with a number >= `number`. */
void cursor_seek(struct cursor *c, uint64_t number);

/* The block that holds the record cursor_next() gave last, referenced for the caller, who
 * gives it back with log_unpin(); so the record's bytes outlive the next call. */
struct block *cursor_pin(struct cursor *c);
/* One more reference to a pinned block. */
void log_pin_again(struct block *b);
void log_unpin(struct block *b);

/* The record at a position of the hot log if it is in memory: no disk is touched. The block
 * is pinned for the caller. Errors: ERR_AGAIN when it is not in memory, ERR_NOT_FOUND when
 * the position lies outside the hot log, ERR_CORRUPT when it was damaged. */
MUST_USE int log_peek(struct log *l, uint64_t position, struct record *out, struct block **pin);

#endif
