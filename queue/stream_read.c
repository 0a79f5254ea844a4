/* The next message of a stream for a bookmark, wherever it lies; see bookmark.h.
 *
 *     below the end of the lane --> lane, by seq, gaps are passed over
 *     else                      --> hot log, by the ledger; what is not committed is not there yet
 * */
#include <inttypes.h>

#include "base/diag.h"
#include "base/err.h"
#include "queue/queues_parts.h"
#include "queue/stream.h"

static void reader_is_ready(void *owner)
{
    struct bookmark *p = (struct bookmark *)owner;

    p->reading.is_waiting = false;
    if (p->state == BOOKMARK_READING)
        bookmark_wake(p);
    else if (p->consumer == NULL && p->watch != NULL)
        p->watch->changed(p->watch, p);
}

static struct store_reader *open_reader(struct bookmark *p)
{
    struct queues *qs = p->queue->home;

    if (p->reading.reader == NULL) {
        p->reading.reader =
            store_reader_open(qs->store, p->queue->identity->id, reader_is_ready, p);
        list_push(&qs->reading.open, &p->reading.link);
        queues_watch_readers(qs);
    }
    p->reading.was_used = true;
    return p->reading.reader;
}

static void tell_lost(const struct bookmark *p, uint64_t seq)
{
    const struct queue_identity *i = p->queue->identity;

    diag(DIAG_ERROR, "queue",
         "messages of stream '%.*s' in vhost '%.*s' cannot be read from offset %" PRIu64
         " on; they are passed over",
         (int)i->name.size, (const char *)i->name.data, (int)i->vhost.size,
         (const char *)i->vhost.data, seq - 1);
}

/* From the lane. ERR_NOT_FOUND: it has no more. */
static int read_lane(struct bookmark *p, uint64_t at, struct stream_message *out)
{
    struct store_reader *r = open_reader(p);
    int rv;

    while ((rv = store_read_lane(r, at, &out->seq, &out->stored, &out->pin)) == ERR_CORRUPT)
        tell_lost(p, at);
    p->reading.is_waiting = rv == ERR_AGAIN;
    return rv;
}

/* What is not committed, too. */
static bool sees_all(const struct bookmark *p)
{
    return p->consumer != NULL && p->consumer->is_inside;
}

/* From the hot log, by the ledger. */
static int read_hot(struct bookmark *p, uint64_t *at, struct stream_message *out)
{
    struct queue *q = p->queue;
    struct ledger_entry e;
    int rv = ERR_NOT_FOUND;

    while (ledger_next_live(&q->ledger, *at, &out->seq, &e)) {
        if (e.place >= partition_committed(q->home->partition) && !sees_all(p))
            return ERR_NOT_FOUND;
        rv = p->reading.reader == NULL
                 ? store_peek(q->home->store, e.place, &out->stored, &out->pin)
                 : ERR_AGAIN;
        if (rv == ERR_AGAIN) {
            rv = store_read(open_reader(p), out->seq, e.place, &out->stored, &out->pin);
            p->reading.is_waiting = rv == ERR_AGAIN;
        }
        if (LIKELY(rv != ERR_CORRUPT && rv != ERR_TRIMMED))
            return rv == ERR_FAILED ? ERR_NOT_FOUND : rv;
        tell_lost(p, out->seq);
        *at = out->seq + 1;
    }
    return ERR_NOT_FOUND;
}

/* Finds where the wanted time begins: in the lane exactly, in the hot log by the marks, behind
 * which older messages are passed over. */
static int seek_time(struct bookmark *p)
{
    struct queue *q = p->queue;
    uint64_t first, end, seq = 0;
    int rv = ERR_NOT_FOUND;

    if (log_lane(partition_log(q->home->partition), q->identity->id, &first, &end)) {
        rv = store_find_time(open_reader(p), p->from_ms, &seq);
        p->reading.is_waiting = rv == ERR_AGAIN;
        if (rv == ERR_AGAIN)
            return rv;
        if (rv != 0)
            seq = end;
    }
    if (rv != 0) {
        uint64_t before = stream_times_before(&q->stream->times, p->from_ms, q->ledger.next);

        seq = before > seq ? before : seq;
    }
    if (seq > p->next)
        p->next = seq;
    p->is_seeking = false;
    return 0;
}

/* The first at or above *at, which rises to where it is known that there is none below. */
static int read_from(struct bookmark *p, uint64_t *at, struct stream_message *out)
{
    struct queue *q = p->queue;
    uint64_t first, end;

    if (log_lane(partition_log(q->home->partition), q->identity->id, &first, &end) && *at < end) {
        *at = *at < first ? first : *at;
        int rv = read_lane(p, *at, out);

        if (rv != ERR_NOT_FOUND)
            return rv;
        *at = end;
    }
    return read_hot(p, at, out);
}

/* The first of those that were given back. What is not there any more is passed over. */
static int read_again(struct bookmark *p, struct stream_message *out)
{
    uint64_t lowest = stream_first(p->queue);
    struct span span;

    if (lowest > 0)
        spans_remove_range(&p->again, 0, lowest);
    while (spans_next(&p->again, 0, &span)) {
        uint64_t at = span.from;
        int rv = read_from(p, &at, out);

        if (rv == 0 && out->seq == span.from) {
            out->is_again = true;
            return 0;
        }
        if (rv != 0 && (rv != ERR_NOT_FOUND || partition_failed(p->queue->home->partition) != 0))
            return rv;
        if (rv == 0)
            store_pin_release(out->pin);
        spans_remove_range(&p->again, span.from, rv == 0 ? out->seq : p->next);
    }
    return ERR_NOT_FOUND;
}

/* Retention has overtaken it. */
static void skip_to(struct bookmark *p, uint64_t lowest)
{
    if (p->next < lowest)
        p->next = lowest;
}

static int read_next(struct bookmark *p, struct stream_message *out)
{
    skip_to(p, p->queue->stream->lows.low);
    out->is_again = false;
    int rv = read_from(p, &p->next, out);
    if (rv == ERR_NOT_FOUND)
        skip_to(p, stream_first(p->queue)); /* which takes a look at the ledger */
    return rv;
}

int bookmark_read(struct bookmark *p, struct stream_message *out)
{
    int rv = ERR_NOT_FOUND;

    if (p->queue->home->partition == NULL)
        return ERR_NOT_FOUND;
    if (UNLIKELY(p->is_seeking)) {
        rv = seek_time(p);
        if (rv != 0)
            return rv;
    }
    rv = spans_span_count(&p->again) > 0 ? read_again(p, out) : ERR_NOT_FOUND;
    return rv == ERR_NOT_FOUND ? read_next(p, out) : rv;
}

int bookmark_find_time(struct bookmark *p)
{
    struct stream_message m;
    int rv = 0;

    ASSERT(p->consumer == NULL && p->watch != NULL);
    while ((rv = bookmark_read(p, &m)) == 0) {
        bool is_older = m.stored.time_ms < p->from_ms;

        store_pin_release(m.pin);
        p->next = is_older ? m.seq + 1 : m.seq;
        if (!is_older)
            break;
    }
    return rv == ERR_AGAIN ? rv : 0;
}
