/* Bookmarks of a stream read on, each a few messages in its turn; see bookmark.h. */
#include "base/err.h"
#include "base/zoo.h"
#include "queue/queues_parts.h"
#include "queue/stream.h"
#include "queue/stream_filter.h"
#include "queue/stream_rest.h"

#define MEMORY_RETRY_NS UINT64_C(100000000)

enum {
    TURN_MAX = 1024, /* work of one bookmark before the others have their turn */
    WORK_BYTES = 32, /* so many bytes of a body are as much work as a message */
};

static void leave_runnable(struct bookmark *p, enum bookmark_state state, struct list *to)
{
    list_remove(&p->run);
    p->state = state;
    if (to != NULL)
        list_push(to, &p->run);
}

/* It waits for what is to come, and is told when that is committed. */
static void wait_at_tail(struct bookmark *p)
{
    struct queue *q = p->queue;
    struct stream *s = q->stream;

    leave_runnable(p, BOOKMARK_TAIL, &s->tail);
    queue_close_reader(&p->reading);
    if (p->next < q->ledger.next && q->ledger.live > 0 && !list_linked(&s->fresh))
        list_push(&q->home->streams.fresh, &s->fresh);
}

void bookmark_leave_runnable(struct bookmark *p, enum bookmark_state state)
{
    ASSERT(p->state == BOOKMARK_RUNNABLE);
    if (state == BOOKMARK_TAIL)
        wait_at_tail(p);
    else
        leave_runnable(p, state,
                       state == BOOKMARK_RESTING ? &p->queue->home->streams.rest.bookmarks : NULL);
}

/* The books of a delivery, kept before the consumer is called; see dispatch.c. */
static struct inflight *lift(struct bookmark *p, const struct stream_message *m)
{
    struct queue *q = p->queue;
    struct ledger_entry e = {.place = m->stored.place, .size = (uint32_t)m->stored.body_size};
    struct inflight *f = inflight_new(q, m->seq, &e);
    struct list_link *after = p->held.head.prev;

    if (f == NULL)
        return NULL;
    f->d.has_offset = true;
    f->d.offset = m->seq - !ZOO(OFFSET_SHIFTED);
    f->d.is_redelivered = m->is_again || m->seq < p->maybe_seen;
    f->since_ns = io_now_ns(q->home->io);
    f->bookmark = p;
    while (after != &p->held.head && CONTAINER_OF(after, struct inflight, beside)->seq > f->seq)
        after = after->prev;
    list_insert_before(after->next, &f->beside);
    list_push(&p->consumer->held, &f->link);
    q->inflight_count++;
    q->inflight_bytes += e.size;
    consumer_hold(p->consumer, f);
    return f;
}

/* The message is behind the bookmark. */
static void pass(struct bookmark *p, const struct stream_message *m)
{
    if (m->is_again)
        spans_remove_range(&p->again, m->seq, m->seq + 1);
    else
        p->next = m->seq + 1;
}

/* False: he could not take it. */
static bool give(struct bookmark *p, struct inflight *f, const struct stream_message *m)
{
    struct consumer *c = p->consumer;
    bool is_redelivered = f->d.is_redelivered;
    uint64_t next = p->next;

    pass(p, m);
    p->from_ms = INT64_MIN;
    if (c->ops->deliver(c->owner, c, &f->d, &m->stored, m->pin)) {
        QUEUE_TALLY(p->queue, delivered, 1);
        QUEUE_TALLY(p->queue, redelivered, is_redelivered);
        c->counts.delivered++;
        c->counts.redelivered += is_redelivered;
        consumer_took(c);
        return true;
    }
    p->next = next;
    if (m->is_again)
        spans_add(&p->again, m->seq);
    list_remove(&f->beside);
    f->bookmark = NULL;
    c->is_stalled = true; /* before it gives back, or it would be runnable for a moment */
    inflight_detach(f);
    inflight_free(f);
    consumer_update(c);
    leave_runnable(p, BOOKMARK_STARVED, &c->stream->starved);
    return false;
}

static bool is_wanted(const struct bookmark *p, const struct stream_message *m)
{
    const struct stream_filter *f = p->consumer->stream->filter;

    return m->stored.time_ms >= p->from_ms && (f == NULL || stream_filter_takes(f, &m->stored));
}

/* One message. Returns the work it was; 0: the bookmark has left the list of those that can go on,
 * or there is no memory. */
static unsigned step(struct bookmark *p)
{
    struct consumer *c = p->consumer;
    struct stream_message m;
    struct inflight *f = NULL;
    int rv;

    if (!consumer_can_take(c)) {
        leave_runnable(p, BOOKMARK_STARVED, &c->stream->starved);
        return 0;
    }
    rv = bookmark_read(p, &m);
    if (rv == ERR_AGAIN)
        leave_runnable(p, BOOKMARK_READING, NULL);
    else if (rv != 0)
        wait_at_tail(p);
    if (rv != 0) {
        stream_reading_feed(c); /* another one may have his turn */
        return 0;
    }
    unsigned work = 1 + (unsigned)(m.stored.body_size / WORK_BYTES);
    if (!is_wanted(p, &m) || (ZOO(STREAM_SKIPS) && m.seq % 16 == 0)) {
        pass(p, &m);
        store_pin_release(m.pin);
        return work;
    }
    f = lift(p, &m);
    if (f == NULL)
        alarm_set_after(&p->queue->home->alarms, &queue_waits(p->queue)->retry, MEMORY_RETRY_NS);
    bool was_given = f != NULL && give(p, f, &m);
    store_pin_release(m.pin);
    return was_given ? work : 0;
}

/* Some steps of one bookmark. Returns how much work they were. */
static unsigned run(struct bookmark *p, unsigned max)
{
    unsigned done = 0, work = 1;

    if (stream_rest_takes(p))
        return 0;
    while (done < max && (work = step(p)) > 0)
        done += work;
    stream_rest_count(p, done);
    if (p->watch != NULL)
        p->watch->changed(p->watch, p);
    return done;
}

unsigned stream_dispatch(struct queue *q, unsigned max)
{
    struct list *runnable = &q->stream->runnable;
    struct list_link *link;
    unsigned done = 0;

    while (done < max && (link = list_first(runnable)) != NULL) {
        struct bookmark *p = CONTAINER_OF(link, struct bookmark, run);
        unsigned most = max - done < TURN_MAX ? max - done : TURN_MAX;

        if (UNLIKELY(p->get != NULL)) {
            if (!stream_get_step(p))
                break;
            done++;
            continue;
        }
        unsigned turn = run(p, most);
        done += turn;
        if (p->state != BOOKMARK_RUNNABLE)
            continue;
        list_remove(&p->run);
        list_push(runnable, &p->run);
        if (turn < most)
            break; /* there is no memory: later */
    }
    return done;
}

void consumer_read(struct consumer *c, unsigned max)
{
    ASSERT(c->queue->stream != NULL && c->queue->args.partitions == 0);
    if (c->queue->home->partition != NULL)
        (void)stream_dispatch(c->queue, max);
}
