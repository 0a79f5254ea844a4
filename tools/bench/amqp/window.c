/* A ring of times by tag. */
#include "tools/bench/amqp/window.h"

#include "base/err.h"
#include "base/mem.h"
#include "tools/bench/measure/histogram.h"

enum { RING_FACTOR = 4, RING_MIN = 64 };

void window_init(struct window *w, uint64_t limit)
{
    uint64_t size = RING_MIN;

    *w = (struct window){.limit = limit};
    if (limit == 0)
        return;
    while (size < RING_FACTOR * limit)
        size *= 2;
    w->mask = size - 1;
    w->due_ns = MEM_NEW_ARRAY(uint64_t, size);
}

void window_release(struct window *w)
{
    mem_free(w->due_ns);
    *w = (struct window){0};
}

uint64_t window_room(const struct window *w)
{
    uint64_t waiting = w->published - w->confirmed;
    uint64_t spread = w->published - w->low;
    uint64_t room, ring;

    if (w->limit == 0)
        return UINT64_MAX;
    ASSERT(waiting <= w->limit && spread <= w->mask + 1);
    room = w->limit - waiting;
    ring = w->mask + 1 - spread;
    return room < ring ? room : ring;
}

void window_publish(struct window *w, uint64_t count, uint64_t now_ns)
{
    ASSERT(now_ns > 0 && count <= window_room(w));
    for (uint64_t i = 1; w->limit > 0 && i <= count; i++)
        w->due_ns[(w->published + i) & w->mask] = now_ns;
    w->published += count;
}

/* Confirms one that waits; false when it does not. */
static bool confirm_one(struct window *w, uint64_t tag, uint64_t now_ns, struct histogram *latency)
{
    uint64_t *due_ns = &w->due_ns[tag & w->mask];

    if (*due_ns == 0)
        return false;
    histogram_add(latency, now_ns > *due_ns ? now_ns - *due_ns : 0, 1);
    *due_ns = 0;
    w->confirmed++;
    return true;
}

static void raise_low(struct window *w)
{
    while (w->low < w->published && w->due_ns[(w->low + 1) & w->mask] == 0)
        w->low++;
}

int64_t window_confirm(struct window *w, uint64_t tag, bool is_multiple, uint64_t now_ns,
                       struct histogram *latency)
{
    uint64_t before = w->confirmed;
    uint64_t last = is_multiple && tag == 0 ? w->published : tag;

    if (w->limit == 0 || last <= w->low || last > w->published)
        return ERR_INVALID;
    if (!is_multiple && !confirm_one(w, last, now_ns, latency))
        return ERR_INVALID;
    for (uint64_t i = w->low + 1; is_multiple && i <= last; i++)
        confirm_one(w, i, now_ns, latency);
    if (w->confirmed == before)
        return ERR_INVALID;
    raise_low(w);
    return (int64_t)(w->confirmed - before);
}
