/* Ready messages go to those who wait for them: first to basic.get, then to consumers, the highest
 * priority first and within it one message each in turn.
 *
 * All books are kept before a consumer is called, so that he may settle the message at once; when
 * he says that he cannot take it they are set back. */
#include <inttypes.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/zoo.h"
#include "queue/bookmark.h"
#include "queue/queues_parts.h"

#define MEMORY_RETRY_NS UINT64_C(100000000)

/* A message about to be handed over. */
struct handover {
    struct queue *queue;
    uint64_t seq;
    struct ledger_entry entry;
    struct stored stored;
    struct store_pin pin;
    struct inflight *inflight; /* NULL: it is settled as soon as it is handed over */
    bool is_get;               /* it is for a basic.get */
};

/* ---- reading ---- */

static void reader_is_ready(void *owner)
{
    struct queue *q = (struct queue *)owner;

    q->reading.is_waiting = false;
    q->dead.reading.is_waiting = false;
    queue_activate(q);
}

/* The log has let go of a message that was here before: it was settled, and then the power failed,
 * which the settle did not survive. */
static int read_forgotten(const struct queue *q, uint64_t seq)
{
    if (!ready_was_seen(&q->ready, seq))
        return ERR_CORRUPT;
    diag(DIAG_WARNING, "queue",
         "a message of queue '%.*s' in vhost '%.*s' was settled before a crash that forgot it; it "
         "is settled now seq=%" PRIu64,
         (int)q->identity->name.size, (const char *)q->identity->name.data,
         (int)q->identity->vhost.size, (const char *)q->identity->vhost.data, seq);
    return ERR_TRIMMED;
}

int queue_read(struct queue *q, struct queue_reading *reading, const struct queue_message *m,
               struct stored *out, struct store_pin *pin)
{
    struct store *s = q->home->store;
    int rv;

    if (LIKELY(reading->reader == NULL)) {
        rv = store_peek(s, m->place, out, pin);
        if (LIKELY(rv != ERR_AGAIN))
            return rv;
        reading->reader = store_reader_open(s, q->identity->id, reader_is_ready, q);
        list_push(&q->home->reading.open, &reading->link);
        queues_watch_readers(q->home);
    }
    reading->was_used = true;
    rv = store_read(reading->reader, m->seq, m->place, out, pin);
    reading->is_waiting = rv == ERR_AGAIN;
    return rv == ERR_TRIMMED ? read_forgotten(q, m->seq) : rv;
}

void queue_close_reader(struct queue_reading *reading)
{
    if (reading->reader == NULL)
        return;
    store_reader_close(reading->reader);
    reading->reader = NULL;
    reading->is_waiting = false;
    list_remove(&reading->link);
}

void queue_set_aside(struct queue *q, uint64_t seq)
{
    struct ledger_entry e;
    bool is_live = ledger_find(&q->ledger, seq, &e);

    ASSERT(is_live);
    ready_withdraw(&q->ready, seq);
    q->withdrawn_count++;
    q->withdrawn_bytes += e.size;
    queue_tell_aside(q, seq, e.size);
}

void queue_tell_aside(struct queue *q, uint64_t seq, uint32_t size)
{
    q->aside_count++;
    diag(
        DIAG_ERROR, "queue",
        "a message of queue '%.*s' in vhost '%.*s' cannot be read or moved; it is kept, and passed "
        "over "
        "seq=%" PRIu64 " size=%" PRIu32,
        (int)q->identity->name.size, (const char *)q->identity->name.data,
        (int)q->identity->vhost.size, (const char *)q->identity->vhost.data, seq, size);
}

/* ---- handing over ---- */

static void describe(const struct handover *h, struct delivery *d)
{
    const struct queue *q = h->queue;

    d->is_redelivered = ready_was_seen(&q->ready, h->seq) && !ZOO(MARK_FORGOTTEN);
    d->is_redelivered |= ZOO(MARK_ALWAYS);
    d->has_count = queue_counts(q);
    if (d->has_count) {
        struct counts c = queue_find_counts(q, h->seq);

        d->delivery_count = c.failures;
        d->acquired_count = c.acquired > 0 ? c.acquired : d->is_redelivered;
    }
}

/* The message is settled as soon as it is handed over. False: the consumer cannot take it. */
static bool give_for_good(struct handover *h, struct consumer *c)
{
    struct queue *q = h->queue;
    struct delivery d = {.consumer = c, .queue = q};

    describe(h, &d);
    if (!c->ops->deliver(c->owner, c, &d, &h->stored, h->pin))
        return false;
    ready_take_first(&q->ready, h->seq, h->entry.priority);
    QUEUE_TALLY(q, delivered_no_ack, 1);
    QUEUE_TALLY(q, redelivered, d.is_redelivered);
    c->counts.delivered++;
    c->counts.redelivered += d.is_redelivered;
    queue_settle(q, h->seq, &h->entry);
    return true;
}

/* The message is in flight, in the given list (NULL: in none yet). */
static struct inflight *lift(struct handover *h, struct list *holder)
{
    struct queue *q = h->queue;
    struct inflight *f = h->inflight;

    describe(h, &f->d);
    ready_take_first(&q->ready, h->seq, h->entry.priority);
    q->inflight_count++;
    q->inflight_bytes += h->entry.size;
    f->since_ns = io_now_ns(q->home->io);
    if (holder != NULL)
        list_push(holder, &f->link);
    return f;
}

/* The consumer did not take it: as if nothing had happened. */
static void put_back(struct queue *q, struct inflight *f, bool was_seen)
{
    uint64_t seq = f->seq;
    uint8_t level = f->entry.priority;

    inflight_detach(f);
    inflight_free(f);
    ready_untake(&q->ready, seq, level, was_seen);
}

static bool give(struct handover *h, struct consumer *c)
{
    struct queue *q = h->queue;
    struct inflight *f = lift(h, &c->held);
    bool is_redelivered = f->d.is_redelivered;

    consumer_hold(c, f);
    if (!c->ops->deliver(c->owner, c, &f->d, &h->stored, h->pin)) {
        c->is_stalled = true; /* before it gives back, or it would be runnable for a moment */
        put_back(q, f, is_redelivered);
        return false;
    }
    QUEUE_TALLY(q, delivered, 1);
    QUEUE_TALLY(q, redelivered, is_redelivered);
    c->counts.delivered++;
    c->counts.redelivered += is_redelivered;
    return true;
}

static void serve(struct handover *h, struct consumer *c)
{
    bool was_taken = c->is_no_ack ? give_for_good(h, c) : give(h, c);

    if (was_taken) {
        consumer_took(c);
        return;
    }
    c->is_stalled = true;
    consumer_update(c);
}

/* Answers the first basic.get. */
static void answer(struct handover *h)
{
    struct queue *q = h->queue;
    struct queue_get *g = CONTAINER_OF(list_first(&q->gets), struct queue_get, link);
    struct delivery d = {.queue = q};

    list_remove(&g->link);
    QUEUE_TALLY(q, got, 1);
    QUEUE_TALLY(q, got_no_ack, g->is_no_ack);
    if (h->inflight != NULL) {
        struct inflight *f = lift(h, NULL);

        f->timeout_ms = queue_timeout_ms(q);
        queue_add_loose(q, f);
        QUEUE_TALLY(q, redelivered, f->d.is_redelivered);
        g->got(g, &f->d, &h->stored, h->pin, queue_ready_count(q));
        return;
    }
    describe(h, &d);
    ready_take_first(&q->ready, h->seq, h->entry.priority);
    QUEUE_TALLY(q, redelivered, d.is_redelivered);
    g->got(g, &d, &h->stored, h->pin, queue_ready_count(q) - 1);
    queue_settle(q, h->seq, &h->entry);
}

static void forget_bookmark(struct queue_get *g)
{
    if (g->bookmark != NULL)
        bookmark_free(g->bookmark);
    g->bookmark = NULL;
}

void queue_answer_gets(struct queue *q)
{
    struct store_pin none = {NULL, NULL};
    struct list_link *last = list_last(&q->gets); /* he who asks again is answered later */
    struct list_link *link = NULL;

    while (link != last && (link = list_take(&q->gets)) != NULL) {
        struct queue_get *g = CONTAINER_OF(link, struct queue_get, link);

        forget_bookmark(g);
        QUEUE_TALLY(q, got_nothing, 1);
        g->got(g, NULL, NULL, none, 0);
    }
}

/* ---- the loop ---- */

/* Whether its date is over. In the millisecond of the date itself a consumer may still have it,
 * which is what a time to live of 0 is about; basic.get may not. */
static bool is_too_old(const struct handover *h)
{
    int64_t grace_ms = h->is_get ? 1 : 0;

    return h->entry.expires_ms != 0 && h->entry.expires_ms < queue_now_ms(h->queue) + grace_ms;
}

/* The first ready message that is not too old, with its bytes. Errors: ERR_NOT_FOUND: none is
 * ready; ERR_AGAIN: it must wait. */
static int next_message(struct queue *q, struct handover *h)
{
    for (;;) {
        if (!ready_first(&q->ready, &q->ledger, &h->seq, &h->entry))
            return ERR_NOT_FOUND;
        if (UNLIKELY(is_too_old(h))) {
            if (!queue_kill_ready(q, h->seq, &h->entry, DEATH_EXPIRED))
                return ERR_AGAIN;
            continue;
        }
        int rv = queue_read(q, &q->reading, &(struct queue_message){h->seq, h->entry.place},
                            &h->stored, &h->pin);
        if (LIKELY(rv != ERR_CORRUPT && rv != ERR_TRIMMED))
            return rv;
        ready_remove(&q->ready, h->seq, h->entry.priority);
        if (rv == ERR_CORRUPT)
            queue_set_aside(q, h->seq);
        else
            queue_settle(q, h->seq, &h->entry);
    }
}

/* Finds what is next, for one who may settle it or not. Errors: ERR_NOT_FOUND: nothing is ready;
 * ERR_AGAIN: it must wait. */
static int next_handover(struct handover *h, bool is_no_ack)
{
    struct queue *q = h->queue;
    int rv = next_message(q, h);

    if (rv != 0)
        return rv;
    h->inflight = is_no_ack ? NULL : inflight_new(q, h->seq, &h->entry);
    if (is_no_ack || h->inflight != NULL)
        return 0;
    store_pin_release(h->pin); /* no memory: later */
    alarm_set_after(&q->home->alarms, &queue_waits(q)->retry, MEMORY_RETRY_NS);
    return ERR_AGAIN;
}

unsigned queue_dispatch(struct queue *q, unsigned max)
{
    struct handover h = {.queue = q};
    struct consumer *c;
    unsigned done = 0;

    while (done < max && (c = queue_next_consumer(q)) != NULL) {
        unsigned taken = queue_dispatch_train(q, c, max - done);

        done += taken;
        if (taken > 0)
            continue;
        if (next_handover(&h, c->is_no_ack) != 0)
            break;
        serve(&h, c);
        store_pin_release(h.pin);
        done++;
    }
    return done;
}

void consumer_serve(struct consumer *c)
{
    if (c->queue->stream == NULL) /* in a stream all that he has not seen is there for him later */
        (void)queue_dispatch(c->queue, PASS_MAX);
}

/* ---- get ---- */

unsigned queue_serve_gets(struct queue *q, unsigned max)
{
    struct handover h = {.queue = q, .is_get = true};
    unsigned done = 0;

    if (queue_next_consumer(q) != NULL && queue_ready_count(q) > 0 && !ready_is_held(&q->ready))
        return 0; /* what a consumer waits for is his */
    while (done < max && !list_empty(&q->gets)) {
        struct queue_get *g = CONTAINER_OF(list_first(&q->gets), struct queue_get, link);
        int rv = next_handover(&h, g->is_no_ack);

        if (rv == ERR_NOT_FOUND)
            queue_answer_gets(q);
        if (rv != 0)
            break;
        answer(&h);
        store_pin_release(h.pin);
        done++;
    }
    return done;
}

void queue_get(struct queue *q, struct queue_get *g)
{
    ASSERT(g->got != NULL && q->stream == NULL);
    g->link = (struct list_link){NULL, NULL};
    g->bookmark = NULL;
    list_push(&q->gets, &g->link);
    queue_use(q);
    queue_activate(q);
}

void queue_get_cancel(struct queue_get *g)
{
    if (list_linked(&g->link))
        list_remove(&g->link);
    forget_bookmark(g);
}
