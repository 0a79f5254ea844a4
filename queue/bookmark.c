/* Bookmarks: made, woken, paused, and what is known of their deliveries; see bookmark.h. */
#include "queue/bookmark.h"

#include "base/mem.h"
#include "base/zoo.h"
#include "queue/queues_parts.h"
#include "queue/stream.h"
#include "queue/stream_filter.h"

static struct bookmark *bookmark_at(struct list_link *run)
{
    return run == NULL ? NULL : CONTAINER_OF(run, struct bookmark, run);
}

/* ---- states ---- */

static void leave_list(struct bookmark *p)
{
    if (list_linked(&p->run))
        list_remove(&p->run);
}

void bookmark_wake(struct bookmark *p)
{
    if (p->state == BOOKMARK_PAUSED || p->state == BOOKMARK_RUNNABLE)
        return;
    leave_list(p);
    p->state = BOOKMARK_RUNNABLE;
    list_push(&p->queue->stream->runnable, &p->run);
    queue_activate(p->queue);
}

void bookmark_resume(struct bookmark *p)
{
    if (p->state != BOOKMARK_PAUSED)
        return;
    p->state = BOOKMARK_STARVED; /* of no list: nothing to leave */
    bookmark_wake(p);
}

static void forget_deliveries(struct bookmark *p)
{
    struct list_link *link;

    while ((link = list_take(&p->held)) != NULL)
        CONTAINER_OF(link, struct inflight, beside)->bookmark = NULL;
    spans_release(&p->again);
}

void bookmark_seek(struct bookmark *p, uint64_t seq)
{
    forget_deliveries(p);
    spans_init(&p->again);
    p->next = seq;
    p->from_ms = INT64_MIN;
    p->is_seeking = false;
    queue_close_reader(&p->reading);
    bookmark_wake(p);
}

void stream_reading_feed(struct consumer *c)
{
    struct list *starved = &c->stream->starved;
    uint64_t credit = c->held_count < c->held_max ? c->held_max - c->held_count : 0;

    for (; credit > 0 && !list_empty(starved); credit--)
        bookmark_wake(bookmark_at(list_first(starved)));
}

void bookmark_pause(struct bookmark *p)
{
    leave_list(p);
    queue_close_reader(&p->reading);
    p->state = BOOKMARK_PAUSED;
    if (p->consumer != NULL)
        stream_reading_feed(p->consumer); /* the credit that it was woken for is for another one */
}

/* ---- made and freed ---- */

/* The seq to start from, as far as it is known at once. */
static uint64_t seq_of(struct queue *q, const struct stream_start *start)
{
    uint64_t first = stream_first(q), next = q->ledger.next;
    uint64_t back = start->value < 0 ? -(uint64_t)start->value : 0;

    switch (start->kind) {
    case STREAM_FIRST:
    case STREAM_TIME:
        return first;
    case STREAM_LAST:
        return next > first ? next - 1 : next;
    case STREAM_OFFSET:
        if (start->value < 0)
            return back < next - first ? next - back : first;
        if ((uint64_t)start->value >= next - 1)
            return next;
        return (uint64_t)start->value + 1 > first ? (uint64_t)start->value + 1 : first;
    default:
        return next;
    }
}

struct bookmark *bookmark_new(struct queue *stream, const struct stream_start *start,
                              struct bookmark_watch *watch)
{
    struct bookmark *p = MEM_NEW(struct bookmark);

    ASSERT(stream->stream != NULL && stream->args.partitions == 0);
    p->queue = stream;
    p->watch = watch;
    p->next = seq_of(stream, start);
    p->is_seeking = start->kind == STREAM_TIME;
    p->from_ms = p->is_seeking ? start->value : INT64_MIN;
    list_init(&p->held);
    spans_init(&p->again);
    p->state = BOOKMARK_PAUSED;
    return p;
}

struct bookmark *bookmark_new_for(struct queue_get *g, struct queue *stream,
                                  const struct stream_start *start)
{
    struct bookmark *p = bookmark_new(stream, start, NULL);

    p->get = g;
    list_push(&stream->stream->bookmarks, &p->of_stream);
    bookmark_resume(p);
    return p;
}

void bookmark_attach(struct bookmark *p, struct consumer *c)
{
    struct stream *s = p->queue->stream;

    ASSERT(p->consumer == NULL && c->stream != NULL);
    p->consumer = c;
    list_push(&s->bookmarks, &p->of_stream);
    list_push(&c->stream->bookmarks, &p->of_consumer);
    s->inside_count += c->is_inside;
    bookmark_resume(p);
}

void bookmark_detach(struct bookmark *p)
{
    ASSERT(p->consumer != NULL);
    bookmark_pause(p);
    list_remove(&p->of_stream);
    list_remove(&p->of_consumer);
    p->queue->stream->inside_count -= p->consumer->is_inside;
    p->consumer = NULL;
}

void bookmark_free(struct bookmark *p)
{
    if (p->consumer != NULL)
        bookmark_detach(p);
    leave_list(p);
    if (list_linked(&p->of_stream)) /* of a basic.get */
        list_remove(&p->of_stream);
    forget_deliveries(p);
    queue_close_reader(&p->reading);
    mem_free(p);
}

struct stream_reading *stream_reading_new(const struct stream_want *want)
{
    struct stream_reading *r = MEM_NEW(struct stream_reading);

    list_init(&r->bookmarks);
    list_init(&r->starved);
    r->filter = want != NULL ? stream_filter_new(want) : NULL;
    return r;
}

void stream_reading_free(struct stream_reading *r)
{
    struct list_link *link;

    if (r == NULL)
        return;
    while ((link = list_first(&r->bookmarks)) != NULL)
        bookmark_free(CONTAINER_OF(link, struct bookmark, of_consumer));
    stream_filter_free(r->filter);
    mem_free(r);
}

/* ---- deliveries ---- */

void bookmark_settled(struct inflight *f, bool is_done)
{
    struct bookmark *p = f->bookmark;

    if (p == NULL)
        return;
    list_remove(&f->beside);
    f->bookmark = NULL;
    if (p->watch == NULL)
        return;
    if (!is_done && f->seq < p->next && !ZOO(GIVEN_BACK_FORGOTTEN)) {
        spans_add(&p->again, f->seq);
        bookmark_wake(p);
    }
    p->watch->changed(p->watch, p);
}

uint64_t bookmark_low(const struct bookmark *p)
{
    struct list_link *first = list_first(&p->held);
    uint64_t seq = first != NULL ? CONTAINER_OF(first, struct inflight, beside)->seq : p->next;
    struct span again;

    if (ZOO(OFFSET_AHEAD))
        return p->next;
    if (spans_next(&p->again, 0, &again) && again.from < seq)
        seq = again.from;
    return seq < p->next ? seq : p->next;
}

uint64_t bookmark_held_count(const struct bookmark *p)
{
    uint64_t count = 0;

    LIST_FOREACH (link, &p->held)
        count++;
    return count;
}
