/* Offsets of groups are set: where to is found first, for all streams, then all are set in one
 * turn. A time is found by reading, with bookmarks made for that. */
#include "base/err.h"
#include "base/mem.h"
#include "queue/group_parts.h"
#include "queue/queues_parts.h"
#include "queue/stream.h"

/* One stream of a reset by time. */
struct seek {
    struct bookmark_watch watch;
    struct group_reset_run *run;
    struct bookmark *bookmark; /* NULL: it has found it */
};

struct group_reset_run {
    struct list_link link;     /* group->resets */
    struct list_link awaiting; /* queues->streams.claims.resets: to be committed */
    struct group *group;
    struct group_reset what;
    struct group_calls calls;
    struct io_task task;
    struct group_step *steps;
    struct seek *seeks;
    bool is_set;
    uint64_t position; /* what is set lies below; 0: it is not written */
};

/* ---- where to ---- */

static uint64_t between(uint64_t seq, uint64_t first, uint64_t next)
{
    if (seq < first)
        return first;
    return seq < next ? seq : next;
}

/* From a seq by so many, not below 1. */
static uint64_t shifted(uint64_t seq, int64_t by)
{
    uint64_t back = by < 0 ? -(uint64_t)by : 0;

    if (by < 0)
        return back < seq ? seq - back : 1;
    return (uint64_t)by < UINT64_MAX - seq ? seq + (uint64_t)by : UINT64_MAX;
}

/* As a seq, for all goals but a time. */
static uint64_t goal_of(const struct group_reset *r, const struct claim *c)
{
    uint64_t first = stream_first(c->stream), next = c->stream->ledger.next;

    switch (r->goal) {
    case GROUP_EARLIEST:
        return first;
    case GROUP_LATEST:
        return next;
    case GROUP_SHIFT:
        return between(shifted(c->next != 0 ? c->next : first, r->value), first, next);
    default:
        return between(shifted(1, r->value), first, next);
    }
}

static void on_found(struct bookmark_watch *w, struct bookmark *p)
{
    struct seek *s = CONTAINER_OF(w, struct seek, watch);

    (void)p;
    io_later(s->run->group->queue->home->io, &s->run->task);
}

static void seek_open(struct seek *s, struct group_reset_run *run, struct queue *stream)
{
    const struct stream_start start = {.kind = STREAM_TIME, .value = run->what.value};

    s->run = run;
    s->watch.changed = on_found;
    s->bookmark = bookmark_new(stream, &start, &s->watch);
}

static void seek_close(struct seek *s)
{
    if (s->bookmark != NULL)
        bookmark_free(s->bookmark);
    s->bookmark = NULL;
}

/* False: one of the streams is still asked. */
static bool find_times(struct group_reset_run *run)
{
    bool is_done = true;

    for (uint32_t i = 0; i < run->group->count; i++) {
        struct seek *s = &run->seeks[i];

        if (s->bookmark == NULL)
            continue;
        if (bookmark_find_time(s->bookmark) != 0) {
            is_done = false;
            continue;
        }
        run->steps[i].to = s->bookmark->next - 1;
        seek_close(s);
    }
    return is_done;
}

/* ---- done ---- */

static void run_free(struct group_reset_run *run)
{
    for (uint32_t i = 0; i < run->group->count && run->seeks != NULL; i++)
        seek_close(&run->seeks[i]);
    list_remove(&run->link);
    if (list_linked(&run->awaiting))
        list_remove(&run->awaiting);
    io_task_cancel(&run->task);
    mem_free(run->seeks);
    mem_free(run->steps);
    mem_free(run);
}

static void finish(struct group_reset_run *run, int err)
{
    run->calls.done(run->calls.owner, err, run->steps, err == 0 ? run->group->count : 0);
    run_free(run);
}

void group_end_resets(struct group *g, int err)
{
    struct list_link *link;

    while ((link = list_first(&g->resets)) != NULL)
        finish(CONTAINER_OF(link, struct group_reset_run, link), err);
}

void groups_stop(struct queue *q)
{
    if (q->stream == NULL)
        return;
    LIST_FOREACH (link, &q->stream->claims) {
        struct claim *c = CONTAINER_OF(link, struct claim, of_stream);

        if (c->group != NULL)
            group_end_resets(c->group, ERR_FAILED);
    }
}

static void set(struct claim *c, uint64_t seq)
{
    if (c->bookmark != NULL)
        bookmark_seek(c->bookmark, seq);
    claim_move(c, seq, true);
    claim_hand_over(c); /* nothing of it is unsettled any more */
}

/* Finishes when the offsets are committed. */
static void await(struct group_reset_run *run)
{
    struct queues *qs = run->group->queue->home;
    int rv = run->position == 0 ? claims_write(qs) : 0;

    if (rv == 0 && run->position == 0)
        run->position = partition_next(qs->partition);
    if (rv != 0 && rv != ERR_FULL)
        finish(run, ERR_FAILED);
    else if (rv == 0 && partition_committed(qs->partition) >= run->position)
        finish(run, 0);
    else if (!list_linked(&run->awaiting))
        list_push(&qs->streams.claims.resets, &run->awaiting);
}

void groups_committed(struct queues *qs)
{
    LIST_FOREACH (link, &qs->streams.claims.resets)
        io_later(qs->io, &CONTAINER_OF(link, struct group_reset_run, awaiting)->task);
}

static void go_on(struct io_task *t)
{
    struct group_reset_run *run = CONTAINER_OF(t, struct group_reset_run, task);
    struct group *g = run->group;

    if (run->is_set) {
        await(run);
        return;
    }
    if (group_member_count(g) > 0 && !run->what.is_forced) {
        finish(run, ERR_BUSY);
        return;
    }
    if (run->seeks != NULL && !find_times(run))
        return; /* on_found() comes */
    for (uint32_t i = 0; i < g->count; i++) {
        struct claim *c = g->claims[i];
        struct group_step *s = &run->steps[i];

        s->had_offset = c->next != 0;
        s->from = c->next != 0 ? c->next - 1 : 0;
        if (run->seeks == NULL)
            s->to = goal_of(&run->what, c) - 1;
        if (!run->what.is_dry)
            set(c, s->to + 1);
    }
    if (run->what.is_dry) {
        finish(run, 0);
        return;
    }
    run->is_set = true;
    await(run);
}

struct group_reset_run *group_reset(struct group *g, const struct group_reset *r,
                                    const struct group_calls *calls)
{
    struct group_reset_run *run = MEM_NEW(struct group_reset_run);

    run->group = g;
    run->what = *r;
    run->calls = *calls;
    run->steps = MEM_NEW_ARRAY(struct group_step, g->count);
    io_task_init(&run->task, go_on);
    if (r->goal == GROUP_TIME)
        run->seeks = MEM_NEW_ARRAY(struct seek, g->count);
    for (uint32_t i = 0; i < g->count; i++) {
        run->steps[i].stream = queue_stream_at(g->queue, i);
        if (run->seeks != NULL)
            seek_open(&run->seeks[i], run, run->steps[i].stream);
    }
    list_push(&g->resets, &run->link);
    io_later(g->queue->home->io, &run->task);
    return run;
}

void group_reset_stop(struct group_reset_run *run)
{
    run_free(run);
}
