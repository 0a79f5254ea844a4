/* Reads single records of the hot log or of one lane by number, most often in rising order.
 * Private to the room.
 *
 *     lane_read(7): seek 7 ... next -> 7        found
 *     lane_read(8):            next -> 9        not there: 9 is kept in hand
 *     lane_read(9):            in hand          found
 *     lane_read(500): too far to step: seek
 *
 * Owner: one shard. */
#ifndef STORE_LANE_READER_H
#define STORE_LANE_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/check.h"
#include "log/cursor.h"

struct lane_reader {
    struct log *log;
    struct cursor *cursor; /* NULL: not opened yet */
    enum cursor_lane lane;
    uint64_t destination;
    uint64_t next;   /* records below are behind the cursor */
    uint64_t from;   /* with `has_record`: there is nothing in [from, record.number) */
    bool has_record; /* `record` is the one the cursor gave last */
    bool is_seeking; /* by time */
    bool is_hurt;    /* what is missing in front of it was once there */
    struct record record;
    cursor_ready_fn *ready;
    void *owner;
};

/* Opens nothing yet. */
void lane_reader_init(struct lane_reader *l, struct log *log, enum cursor_lane lane,
                      uint64_t destination);
void lane_reader_set_ready(struct lane_reader *l, cursor_ready_fn *ready, void *owner);
void lane_reader_release(struct lane_reader *l);

/* Whether the number is where the reader stands or a step or two on: then it is better to go on
 * with it, which reads ahead, than to look into memory first. */
bool lane_is_near(const struct lane_reader *l, uint64_t number);

/* The record with that number; *pin is the caller's. Errors: ERR_AGAIN (`ready` will come),
 * ERR_NOT_FOUND, ERR_CORRUPT: it was damaged. */
MUST_USE int lane_read(struct lane_reader *l, uint64_t number, struct record *out,
                       struct block **pin);

/* The first record at or above the number. Errors: ERR_AGAIN, ERR_NOT_FOUND: there is none;
 * ERR_CORRUPT: some in front of it were damaged: the next call goes on behind them. */
MUST_USE int lane_read_from(struct lane_reader *l, uint64_t number, struct record *out,
                            struct block **pin);

/* The number of the first record that is not older. Errors: ERR_AGAIN; ERR_NOT_FOUND: all are. */
MUST_USE int lane_find_time(struct lane_reader *l, int64_t time_ms, uint64_t *number);

#endif
