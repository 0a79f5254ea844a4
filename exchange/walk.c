/* The parts of a routing that the kinds use. */
#include "base/mem.h"
#include "exchange/parts.h"

enum { WALK_CAPACITY_MIN = 16 };

void walk_release(struct walk *w)
{
    mem_free(w->queues);
    mem_free(w->work);
    mem_free(w->keepers);
    headers_release(&w->headers);
    *w = (struct walk){0};
}

void *walk_fit(void *items, size_t count, size_t *capacity, size_t size)
{
    ASSERT(count <= *capacity);
    if (LIKELY(count < *capacity))
        return items;
    *capacity = *capacity == 0 ? WALK_CAPACITY_MIN : 2 * *capacity;
    return mem_grow(items, *capacity, size);
}

void walk_visit(struct walk *w, struct exchange *x)
{
    ASSERT(!x->is_doomed);
    if (x->target.stamp == w->stamp)
        return;
    x->target.stamp = w->stamp;
    w->work =
        (struct exchange **)walk_fit(w->work, w->work_count, &w->work_capacity, sizeof(*w->work));
    w->work[w->work_count++] = x;
}

void walk_add_queue(struct walk *w, struct target *queue)
{
    if (queue->stamp == w->stamp)
        return;
    queue->stamp = w->stamp;
    w->queues =
        (uint64_t *)walk_fit(w->queues, w->queue_count, &w->queue_capacity, sizeof(*w->queues));
    w->queues[w->queue_count++] = queue->id;
}

void walk_hit(struct walk *w, struct target *target)
{
    w->hits++;
    if (target->exchange != NULL)
        walk_visit(w, target->exchange);
    else
        walk_add_queue(w, target);
}

void walk_hold(struct walk *w, uint64_t queue)
{
    w->queues =
        (uint64_t *)walk_fit(w->queues, w->queue_count, &w->queue_capacity, sizeof(*w->queues));
    w->queues[w->queue_count++] = queue;
}

void walk_keep(struct walk *w, struct exchange *x)
{
    w->keepers = (struct exchange **)walk_fit(w->keepers, w->keeper_count, &w->keeper_capacity,
                                              sizeof(*w->keepers));
    w->keepers[w->keeper_count++] = x;
}

const struct headers_read *walk_headers(struct walk *w)
{
    struct table t = {.bytes = bytes_of(NULL, 0)};

    if (w->has_headers)
        return &w->headers;
    if (w->view->props != NULL)
        (void)props_find_headers(w->view->props, &t);
    headers_fill(&w->headers, t, w->headers.seed);
    w->has_headers = true;
    return &w->headers;
}
