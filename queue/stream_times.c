/* Marks in time; see stream_times.h. */
#include "queue/stream_times.h"

#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "store/varint.h"

enum { MARKS_MAX = 1024, MARKS_FIRST = 8, STEP_MS = 1000 };

void stream_times_init(struct stream_times *t)
{
    *t = (struct stream_times){.last_ms = INT64_MIN};
}

void stream_times_release(struct stream_times *t)
{
    mem_free(t->marks);
    stream_times_init(t);
}

static void thin_out(struct stream_times *t)
{
    size_t kept = 0;

    for (size_t i = 0; i < t->count; i += 2)
        t->marks[kept++] = t->marks[i];
    t->count = kept;
}

static void add_mark(struct stream_times *t, uint64_t seq, int64_t time_ms)
{
    if (t->count == MARKS_MAX)
        thin_out(t);
    if (t->count == t->capacity) {
        t->capacity = t->capacity > 0 ? t->capacity * 2 : MARKS_FIRST;
        t->marks = (struct stream_mark *)mem_grow(t->marks, t->capacity, sizeof(*t->marks));
    }
    t->marks[t->count++] = (struct stream_mark){seq, time_ms};
}

void stream_times_add(struct stream_times *t, uint64_t seq, int64_t time_ms)
{
    if (time_ms > t->last_ms)
        t->last_ms = time_ms;
    if (LIKELY(t->count > 0 && time_ms < t->marks[t->count - 1].time_ms + STEP_MS))
        return;
    ASSERT(t->count == 0 || seq > t->marks[t->count - 1].seq);
    add_mark(t, seq, time_ms);
}

void stream_times_trim(struct stream_times *t, uint64_t seq)
{
    size_t gone = 0;

    while (gone + 1 < t->count && t->marks[gone + 1].seq <= seq)
        gone++; /* the last mark at or below stays: what is behind it came later */
    if (gone == 0)
        return;
    t->count -= gone;
    memmove(t->marks, t->marks + gone, t->count * sizeof(*t->marks));
}

uint64_t stream_times_before(const struct stream_times *t, int64_t time_ms, uint64_t next)
{
    size_t low = 0, high = t->count;

    if (t->count == 0)
        return 0;
    if (t->last_ms < time_ms)
        return next;
    while (low < high) { /* the first mark that is not older */
        size_t middle = low + (high - low) / 2;

        if (t->marks[middle].time_ms < time_ms)
            low = middle + 1;
        else
            high = middle;
    }
    return low == 0 ? 0 : t->marks[low - 1].seq;
}

void stream_times_save(const struct stream_times *t, struct buf *out)
{
    uint64_t seq = 0;
    int64_t time_ms = 0;

    buf_varint(out, t->count);
    for (size_t i = 0; i < t->count; i++) {
        buf_varint(out, t->marks[i].seq - seq);
        buf_varint(out, (uint64_t)(t->marks[i].time_ms - time_ms)); /* wraps, and back again */
        seq = t->marks[i].seq;
        time_ms = t->marks[i].time_ms;
    }
    if (t->count > 0)
        buf_varint(out, (uint64_t)(t->last_ms - time_ms));
}

void stream_times_restore(struct stream_times *t, struct reader *r)
{
    uint64_t count = reader_varint(r), seq = 0, time_ms = 0;

    if (count > MARKS_MAX)
        r->is_failed = true;
    for (; count > 0 && !r->is_failed; count--) {
        uint64_t step = reader_varint(r);

        if (step == 0 && t->count > 0)
            r->is_failed = true;
        seq += step;
        time_ms += reader_varint(r);
        if (!r->is_failed)
            add_mark(t, seq, (int64_t)time_ms);
    }
    if (t->count > 0)
        t->last_ms = (int64_t)(time_ms + reader_varint(r));
}
