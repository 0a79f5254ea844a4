/* The body of a SETTLE record:
 *
 *     ( queue, less the one before | count | ( from, less the end before | length )* count )*
 *
 * The end before the first range of a queue is 0. */
#include "queue/settles.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/varint.h"

enum { CAPACITY_MIN = 64, CAPACITY_KEPT = 65536 };

void settles_init(struct settles *s)
{
    *s = (struct settles){0};
}

void settles_release(struct settles *s)
{
    mem_free(s->ranges);
    settles_init(s);
}

void settles_add(struct settles *s, uint64_t queue, uint64_t from, uint64_t to)
{
    struct settle_range *last = s->count > 0 ? &s->ranges[s->count - 1] : NULL;

    ASSERT(from < to);
    if (last != NULL && last->queue == queue && last->to == from) {
        last->to = to;
        return;
    }
    if (s->count == s->capacity) {
        s->capacity = s->capacity > 0 ? s->capacity * 2 : CAPACITY_MIN;
        s->ranges = (struct settle_range *)mem_grow(s->ranges, s->capacity, sizeof(*s->ranges));
    }
    s->ranges[s->count++] = (struct settle_range){queue, from, to};
}

static int compare(const void *a, const void *b)
{
    const struct settle_range *x = (const struct settle_range *)a;
    const struct settle_range *y = (const struct settle_range *)b;

    if (x->queue != y->queue)
        return x->queue < y->queue ? -1 : 1;
    return x->from < y->from ? -1 : x->from > y->from;
}

void settles_sort(struct settles *s)
{
    size_t kept = 0;
    size_t rising = 1;

    while (rising < s->count && compare(&s->ranges[rising - 1], &s->ranges[rising]) < 0)
        rising++;
    if (rising < s->count)
        qsort(s->ranges, s->count, sizeof(*s->ranges), compare);
    for (size_t i = 1; i < s->count; i++) {
        struct settle_range *last = &s->ranges[kept];
        const struct settle_range *r = &s->ranges[i];

        if (r->queue != last->queue || r->from > last->to)
            s->ranges[++kept] = *r;
        else if (r->to > last->to)
            last->to = r->to;
    }
    s->count = s->count > 0 ? kept + 1 : 0;
}

/* How many ranges from `i` on are of one queue. */
static size_t count_same(const struct settles *s, size_t i)
{
    size_t end = i + 1;

    while (end < s->count && s->ranges[end].queue == s->ranges[i].queue)
        end++;
    return end - i;
}

size_t settles_encode(const struct settles *s, size_t size_max, struct buf *out)
{
    const size_t range_size_max = 2 * (size_t)VARINT_MAX;
    uint64_t queue = 0;
    size_t i = 0;

    ASSERT(size_max >= 2 * range_size_max);
    while (i < s->count && out->size + 2 * range_size_max <= size_max) {
        size_t count = count_same(s, i);
        size_t fits = (size_max - out->size) / range_size_max - 1;
        uint64_t end = 0;

        count = count < fits ? count : fits;
        buf_varint(out, s->ranges[i].queue - queue);
        buf_varint(out, count);
        queue = s->ranges[i].queue;
        for (; count > 0; count--, i++) {
            buf_varint(out, s->ranges[i].from - end);
            buf_varint(out, s->ranges[i].to - s->ranges[i].from);
            end = s->ranges[i].to;
        }
    }
    return i;
}

void settles_forget(struct settles *s, size_t count)
{
    ASSERT(count <= s->count);
    s->count -= count;
    if (s->count > 0)
        memmove(s->ranges, s->ranges + count, s->count * sizeof(*s->ranges));
    else if (s->capacity > CAPACITY_KEPT)
        settles_release(s);
}

struct settle_walk settle_walk(struct bytes body)
{
    return (struct settle_walk){.rest = reader_of(body)};
}

bool settle_next(struct settle_walk *w, struct settle_range *out)
{
    if (w->left == 0) {
        if (reader_is_done(&w->rest))
            return false;
        w->queue += reader_varint(&w->rest);
        w->left = reader_varint(&w->rest);
        w->at = 0;
    }

    uint64_t gap = reader_varint(&w->rest);
    uint64_t length = reader_varint(&w->rest);

    w->is_bad = w->is_bad || w->rest.is_failed || w->left == 0 || length == 0 ||
                gap > UINT64_MAX - w->at || length > UINT64_MAX - w->at - gap;
    if (w->is_bad)
        return false;
    w->left--;
    *out = (struct settle_range){w->queue, w->at + gap, w->at + gap + length};
    w->at = out->to;
    return true;
}
