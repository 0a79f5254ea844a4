/* When the messages of a stream came that are still in the hot log, roughly: a mark now and then.
 * Private to the room.
 *
 *     mark (seq, from, to): this message and those up to the next mark came between these times
 *
 * Bounded: when there are too many, every other one goes, and those to come are as far apart as
 * those that are left. Owner: one stream. */
#ifndef QUEUE_STREAM_TIMES_H
#define QUEUE_STREAM_TIMES_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/bytes.h"

struct stream_mark {
    uint64_t seq;
    int64_t from_ms;
    int64_t to_ms;
};

struct stream_times {
    struct stream_mark *marks;
    size_t count;
    size_t capacity;
    int64_t step_ms; /* between two marks, at least */
};

void stream_times_init(struct stream_times *t);
void stream_times_release(struct stream_times *t);
/* A message came; seqs and times rise. */
void stream_times_add(struct stream_times *t, uint64_t seq, int64_t time_ms);
/* Nothing below is asked for any more. */
void stream_times_trim(struct stream_times *t, uint64_t seq);
/* Every message below the result came before time_ms, as far as the marks tell; `next` is behind
 * the newest one. 0: they tell of none. */
uint64_t stream_times_before(const struct stream_times *t, int64_t time_ms, uint64_t next);

void stream_times_save(const struct stream_times *t, struct buf *out);
/* The reader fails when the bytes are not what was written. */
void stream_times_restore(struct stream_times *t, struct reader *r);

#endif
