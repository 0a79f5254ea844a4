/* Marks in time; see stream_times.h. */
#include "queue/stream_times.h"

#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "store/varint.h"

enum { MARKS_MAX = 1024, MARKS_FIRST = 8, STEP_MS = 1000 };

void stream_times_init(struct stream_times *t)
{
    *t = (struct stream_times){.step_ms = STEP_MS};
}

void stream_times_release(struct stream_times *t)
{
    mem_free(t->marks);
    stream_times_init(t);
}

/* Every other mark takes the next one's messages too. */
static void thin_out(struct stream_times *t)
{
    size_t kept = 0;

    for (size_t i = 0; i < t->count; i += 2) {
        struct stream_mark m = t->marks[i];

        if (i + 1 < t->count)
            m.to_ms = t->marks[i + 1].to_ms;
        t->marks[kept++] = m;
    }
    t->count = kept;
    int64_t apart_ms = (t->marks[kept - 1].from_ms - t->marks[0].from_ms) / (int64_t)kept;
    t->step_ms = apart_ms > STEP_MS ? apart_ms : STEP_MS;
}

static void add_mark(struct stream_times *t, const struct stream_mark *m)
{
    if (t->count == MARKS_MAX)
        thin_out(t);
    if (t->count == t->capacity) {
        t->capacity = t->capacity > 0 ? t->capacity * 2 : MARKS_FIRST;
        t->marks = (struct stream_mark *)mem_grow(t->marks, t->capacity, sizeof(*t->marks));
    }
    t->marks[t->count++] = *m;
}

void stream_times_add(struct stream_times *t, uint64_t seq, int64_t time_ms)
{
    struct stream_mark *last = t->count > 0 ? &t->marks[t->count - 1] : NULL;

    ASSERT(last == NULL || seq > last->seq);
    if (LIKELY(last != NULL && time_ms < last->from_ms + t->step_ms)) {
        if (time_ms > last->to_ms)
            last->to_ms = time_ms;
        return;
    }
    add_mark(t, &(struct stream_mark){seq, time_ms, time_ms});
}

void stream_times_trim(struct stream_times *t, uint64_t seq)
{
    size_t gone = 0;

    while (gone + 1 < t->count && t->marks[gone + 1].seq <= seq)
        gone++; /* the last mark at or below stays */
    if (gone == 0)
        return;
    t->count -= gone;
    memmove(t->marks, t->marks + gone, t->count * sizeof(*t->marks));
}

uint64_t stream_times_before(const struct stream_times *t, int64_t time_ms, uint64_t next)
{
    size_t low = 0, high = t->count;

    while (low < high) { /* the first mark that has one that is not older */
        size_t middle = low + (high - low) / 2;

        if (t->marks[middle].to_ms < time_ms)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0)
        return 0;
    return low == t->count ? next : t->marks[low].seq;
}

void stream_times_save(const struct stream_times *t, struct buf *out)
{
    uint64_t seq = 0;
    int64_t time_ms = 0;

    buf_varint(out, t->count);
    for (size_t i = 0; i < t->count; i++) {
        const struct stream_mark *m = &t->marks[i];

        buf_varint(out, m->seq - seq);
        buf_varint(out, (uint64_t)(m->from_ms - time_ms)); /* wraps, and back again */
        buf_varint(out, (uint64_t)(m->to_ms - m->from_ms));
        seq = m->seq;
        time_ms = m->from_ms;
    }
}

void stream_times_restore(struct stream_times *t, struct reader *r)
{
    struct stream_mark m = {.seq = 0};
    uint64_t count = reader_varint(r);

    if (count > MARKS_MAX)
        r->is_failed = true;
    for (; count > 0 && !r->is_failed; count--) {
        uint64_t step = reader_varint(r);

        if (step == 0)
            r->is_failed = true;
        m.seq += step;
        m.from_ms = (int64_t)((uint64_t)m.from_ms + reader_varint(r));
        m.to_ms = (int64_t)((uint64_t)m.from_ms + reader_varint(r));
        if (!r->is_failed)
            add_mark(t, &m);
    }
}
