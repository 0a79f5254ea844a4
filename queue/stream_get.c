/* basic.get on a stream: one message at or behind a place, by a bookmark that has no consumer.
 *
 * What was published before it and is not committed yet is waited for; behind that there is
 * nothing. */
#include "base/err.h"
#include "queue/queues_parts.h"
#include "queue/stream.h"

#define MEMORY_RETRY_NS UINT64_C(100000000)

void queue_get_at(struct queue *q, struct queue_get *g, const struct stream_start *start)
{
    ASSERT(g->got != NULL && q->stream != NULL);
    g->link = (struct list_link){NULL, NULL};
    list_push(&q->gets, &g->link);
    g->bookmark = bookmark_new_for(g, q, start);
    queue_use(q);
}

/* He is answered, whatever comes of it. */
static struct queue_get *leave(struct bookmark *p)
{
    struct queue_get *g = p->get;

    list_remove(&g->link);
    g->bookmark = NULL;
    return g;
}

static void answer_empty(struct bookmark *p)
{
    struct queue *q = p->queue;
    struct queue_get *g = leave(p);

    bookmark_free(p);
    QUEUE_TALLY(q, got_nothing, 1);
    g->got(g, NULL, NULL, (struct store_pin){NULL, NULL}, 0);
}

/* Whether something lies before it that will be committed. */
static bool has_coming(struct bookmark *p)
{
    struct queue *q = p->queue;
    struct ledger_entry e;
    uint64_t seq = 0;

    return partition_failed(q->home->partition) == 0 &&
           ledger_next_live(&q->ledger, p->next, &seq, &e) &&
           e.place >= partition_committed(q->home->partition);
}

/* Holds the message for him who gets it; NULL: there is no memory. */
static struct inflight *lift(struct queue *q, const struct stream_message *m)
{
    struct ledger_entry e = {.place = m->stored.place, .size = (uint32_t)m->stored.body_size};
    struct inflight *f = inflight_new(q, m->seq, &e);

    if (f == NULL)
        return NULL;
    f->since_ns = io_now_ns(q->home->io);
    f->timeout_ms = queue_timeout_ms(q);
    q->inflight_count++;
    q->inflight_bytes += e.size;
    queue_add_loose(q, f);
    return f;
}

/* False: there is no memory, he is answered later. */
static bool answer(struct bookmark *p, const struct stream_message *m)
{
    struct queue *q = p->queue;
    struct delivery settled = {.queue = q};
    struct delivery *d = &settled;

    if (!p->get->is_no_ack) {
        struct inflight *f = lift(q, m);

        if (f == NULL) {
            alarm_set_after(&q->home->alarms, &queue_waits(q)->retry, MEMORY_RETRY_NS);
            return false;
        }
        d = &f->d;
    }
    struct queue_get *g = leave(p);
    d->has_offset = true;
    d->offset = m->seq - 1;
    bookmark_free(p);
    QUEUE_TALLY(q, got, 1);
    QUEUE_TALLY(q, got_no_ack, g->is_no_ack);
    g->got(g, d, &m->stored, m->pin, q->ledger.next - m->seq - 1);
    return true;
}

bool stream_get_step(struct bookmark *p)
{
    struct stream_message m;
    bool is_done = true;
    int rv = bookmark_read(p, &m);

    if (rv == ERR_AGAIN) {
        bookmark_leave_runnable(p, BOOKMARK_READING);
    } else if (rv != 0 && p->queue->home->partition != NULL && has_coming(p)) {
        bookmark_leave_runnable(p, BOOKMARK_TAIL);
    } else if (rv != 0) {
        answer_empty(p);
    } else {
        if (m.stored.time_ms < p->from_ms)
            p->next = m.seq + 1;
        else
            is_done = answer(p, &m);
        store_pin_release(m.pin);
    }
    return is_done;
}
