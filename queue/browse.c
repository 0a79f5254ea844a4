/* Looking at messages, by the ledger and in a stream's lane. */
#include "queue/browse.h"

#include "base/mem.h"
#include "queue/queues_parts.h"
#include "queue/stream.h"

struct browse {
    struct list_link link; /* queues->reading.browses */
    struct io *io;
    struct queue *queue; /* NULL: it is gone */
    struct store_reader *reader;
    struct io_timer timer; /* tells that it is gone */
    store_ready_fn *ready;
    void *owner;
    uint64_t at; /* seq */
};

static void on_timer(struct io_timer *t)
{
    struct browse *b = CONTAINER_OF(t, struct browse, timer);

    b->ready(b->owner);
}

/* Offsets count from 0 on, as seqs of streams from 1. */
static uint64_t shift_of(const struct queue *q)
{
    return q->stream != NULL ? 1 : 0;
}

struct browse *browse_open(struct queue *q, uint64_t from, store_ready_fn *ready, void *owner)
{
    struct browse *b = MEM_NEW(struct browse);

    ASSERT(q->home->partition != NULL);
    b->io = q->home->io;
    b->queue = q;
    b->ready = ready;
    b->owner = owner;
    b->at = from < UINT64_MAX ? from + shift_of(q) : from;
    io_timer_init(&b->timer, on_timer);
    list_push(&q->home->reading.browses, &b->link);
    return b;
}

static void let_go(struct browse *b)
{
    store_reader_close(b->reader);
    b->reader = NULL;
    if (list_linked(&b->link))
        list_remove(&b->link);
    b->queue = NULL;
}

void browse_close(struct browse *b)
{
    io_timer_stop(b->io, &b->timer);
    let_go(b);
    mem_free(b);
}

void queue_end_browses(struct queue *q)
{
    LIST_FOREACH_SAFE (link, &q->home->reading.browses) {
        struct browse *b = CONTAINER_OF(link, struct browse, link);

        if (b->queue != q)
            continue;
        let_go(b);
        io_timer_start(b->io, &b->timer, 0);
    }
}

static struct store_reader *open_reader(struct browse *b)
{
    struct queue *q = b->queue;

    if (b->reader == NULL)
        b->reader = store_reader_open(q->home->store, q->identity->id, b->ready, b->owner);
    return b->reader;
}

static void describe(const struct queue *q, uint64_t seq, const struct ledger_entry *e,
                     struct browsed *out)
{
    if (ready_has(&q->ready, seq, e->priority))
        out->state = BROWSE_READY;
    else if (ready_is_withdrawn(&q->ready, seq))
        out->state = BROWSE_LEAVING;
    else
        out->state = BROWSE_UNACKED;
    out->is_redelivered = out->state == BROWSE_UNACKED || ready_was_seen(&q->ready, seq);
}

static int read_place(struct browse *b, uint64_t seq, uint64_t place, struct browsed *out)
{
    int rv = b->reader == NULL ? store_peek(b->queue->home->store, place, &out->stored, &out->pin)
                               : ERR_AGAIN;

    return rv == ERR_AGAIN ? store_read(open_reader(b), seq, place, &out->stored, &out->pin) : rv;
}

/* The next one that the ledger knows. */
static int next_in_ledger(struct browse *b, struct browsed *out)
{
    struct queue *q = b->queue;
    struct ledger_entry e;
    uint64_t seq = 0;

    while (ledger_next_live(&q->ledger, b->at, &seq, &e)) {
        if (q->stream != NULL && e.place >= partition_committed(q->home->partition))
            return ERR_NOT_FOUND;
        int rv = read_place(b, seq, e.place, out);

        if (rv != 0 && rv != ERR_CORRUPT)
            return rv;
        b->at = seq + 1;
        if (rv == ERR_CORRUPT)
            continue;
        *out =
            (struct browsed){.position = seq - shift_of(q), .stored = out->stored, .pin = out->pin};
        if (q->stream == NULL)
            describe(q, seq, &e, out);
        return 0;
    }
    return ERR_NOT_FOUND;
}

static int next_in_stream(struct browse *b, struct browsed *out)
{
    struct queue *q = b->queue;
    uint64_t lowest = stream_first(q);
    uint64_t first, end;
    uint64_t seq = 0;
    int rv = 0;

    if (b->at < lowest)
        b->at = lowest;
    if (!log_lane(partition_log(q->home->partition), q->identity->id, &first, &end) || b->at >= end)
        return next_in_ledger(b, out);
    rv = store_read_lane(open_reader(b), b->at, &seq, &out->stored, &out->pin);
    while (rv == ERR_CORRUPT)
        rv = store_read_lane(open_reader(b), b->at, &seq, &out->stored, &out->pin);
    if (rv == ERR_NOT_FOUND) {
        b->at = end;
        return next_in_ledger(b, out);
    }
    if (rv != 0)
        return rv;
    b->at = seq + 1;
    *out = (struct browsed){.position = seq - 1, .stored = out->stored, .pin = out->pin};
    return 0;
}

int browse_next(struct browse *b, struct browsed *out)
{
    if (b->queue == NULL)
        return ERR_CLOSED;
    return b->queue->stream != NULL ? next_in_stream(b, out) : next_in_ledger(b, out);
}

uint64_t browse_position(const struct browse *b)
{
    uint64_t shift = b->queue == NULL ? 0 : shift_of(b->queue);

    return b->at > shift ? b->at - shift : 0;
}

struct store *browse_store(const struct browse *b)
{
    return b->queue == NULL ? NULL : b->queue->home->store;
}
