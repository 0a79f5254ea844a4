/* Whoever had groups forgotten hears when that is safe. */
#include "base/err.h"
#include "base/mem.h"
#include "cluster/partition.h"
#include "queue/group_parts.h"
#include "queue/queues_parts.h"

struct group_wait {
    struct list_link link; /* queues->streams.claims.waits */
    struct queues *home;
    struct group_wait_calls calls;
    struct io_task task;
    uint64_t position; /* what is waited for lies below */
};

void group_wait_stop(struct group_wait *w)
{
    list_remove(&w->link);
    io_task_cancel(&w->task);
    mem_free(w);
}

static void finish(struct group_wait *w, int err)
{
    struct group_wait_calls calls = w->calls;

    group_wait_stop(w);
    calls.done(calls.owner, err);
}

static void look(struct io_task *t)
{
    struct group_wait *w = CONTAINER_OF(t, struct group_wait, task);

    if (partition_committed(w->home->partition) >= w->position)
        finish(w, 0);
}

struct group_wait *group_wait_start(struct queue *q, const struct group_wait_calls *calls)
{
    struct group_wait *w = MEM_NEW(struct group_wait);

    w->home = q->home;
    w->calls = *calls;
    w->position = partition_next(q->home->partition);
    io_task_init(&w->task, look);
    list_push(&q->home->streams.claims.waits, &w->link);
    io_later(q->home->io, &w->task);
    return w;
}

void groups_look_at_waits(struct queues *qs)
{
    LIST_FOREACH (link, &qs->streams.claims.waits)
        io_later(qs->io, &CONTAINER_OF(link, struct group_wait, link)->task);
}

void groups_end_waits(struct queues *qs)
{
    struct list_link *link;

    while ((link = list_first(&qs->streams.claims.waits)) != NULL)
        finish(CONTAINER_OF(link, struct group_wait, link), ERR_FAILED);
}
