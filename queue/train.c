/* Trains that cannot go straight: stored as rows, and out of the ledger as rows again to whoever is
 * alone at his queue.
 *
 *     queues_store_train --> store_put_row, ledger_add_row
 *     queue_dispatch_train <-- ledger_next_row, store_peek_row --> train_ops.deliver
 *
 * Messages of a row come and go in the order and with all that would follow if they came one by
 * one; a queue that asks more of a message than its turn is not open to rows. */
#include "queue/train.h"

#include "base/zoo.h"
#include "queue/queues_parts.h"
#include "queue/stream.h"

enum { ROW_MAX = 128 };

size_t train_share(const struct bytes *bodies, size_t count, size_t left)
{
    size_t n = 0;

    while (n < count && bodies[n].size <= TRAIN_BODY_MAX && bodies[n].size <= left)
        left -= bodies[n++].size;
    return n;
}

/* Whether a message of the queue has neither level nor date of its own, and no key. */
static bool is_plain(const struct queue *q)
{
    return q->dedup == NULL && q->delayed == NULL && q->ready.lanes == NULL;
}

/* ---- in ---- */

/* Whether whoever is next could have it at once, without a place in the ledger. */
static bool may_go_straight(struct queue *q)
{
    const struct consumer *c = queue_ready_count(q) == 0 ? queue_next_consumer(q) : NULL;

    return c != NULL && c->is_no_ack;
}

static bool takes_rows(const struct queue *q)
{
    return is_plain(q) && q->args.overflow == OVERFLOW_DROP_HEAD &&
           q->args.message_ttl_ms == QUEUE_NO_LIMIT;
}

static bool all_take_rows_in_memory(const struct queues_publish *p, bool is_persistent)
{
    for (size_t i = 0; i < p->target_count; i++) {
        struct queue *q = p->targets[i];

        if (!takes_rows(q) || q->stream != NULL || (is_persistent && q->is.is_durable) ||
            may_go_straight(q))
            return false;
    }
    return true;
}

static size_t put_in_memory(struct queues *qs, const struct queues_publish *p,
                            const struct bytes *bodies, size_t count, struct ledger_entry *entries)
{
    const struct store_put put = {.message = p->message, .references = (uint32_t)p->target_count};

    return store_put_row(qs->store, &put, bodies, count, entries);
}

/* Whether it is a row of the log for one queue, or one stream. */
static bool is_for_log(const struct queues_publish *p, bool is_persistent)
{
    const struct queue *q = p->targets[0];

    return p->target_count == 1 && takes_rows(q) && q->is.is_durable &&
           (is_persistent || q->stream != NULL) && !q->args.is_compact &&
           !ZOO(PERSISTENT_IN_MEMORY);
}

static size_t put_in_log(struct queues *qs, const struct queues_publish *p,
                         const struct bytes *bodies, size_t count, struct ledger_entry *entries)
{
    const struct queue *q = p->targets[0];
    const struct store_target target = {q->identity->id, q->ledger.next};
    const struct store_put put = {.message = p->message,
                                  .is_persistent = true,
                                  .targets = &target,
                                  .target_count = 1,
                                  .stream_count = q->stream != NULL,
                                  .references = q->stream == NULL};

    ASSERT(q->args.partitions == 0); /* whoever publishes chooses one */
    queues_see_clock(qs);
    return store_log_row(qs->store, &put, bodies, count, entries);
}

static void arrive(struct queue *q, const struct ledger_entry *entries, size_t count)
{
    uint64_t seq = q->ledger.next;

    ledger_add_row(&q->ledger, entries, count);
    QUEUE_TALLY(q, published, count);
    if (q->stream == NULL)
        queue_activate(q);
    else
        for (size_t i = 0; i < count; i++)
            stream_arrived(q, seq + i, STORE_NO_PARTS);
}

size_t queues_store_train(struct queues *qs, const struct queues_publish *p,
                          const struct bytes *bodies, size_t count, struct queues_published *out)
{
    struct ledger_entry entries[ROW_MAX]; /* not cleared: it is large */
    bool is_persistent = message_is_persistent(p->message);
    bool is_in_log = is_for_log(p, is_persistent);

    ASSERT(p->target_count > 0 && p->expiration_ms == QUEUE_NO_LIMIT && p->upload == NULL);
    ASSERT(p->once.publisher.data == NULL && p->message->slip.size == 0 && !p->is_moved);
    *out = (struct queues_published){.is_in_log = is_in_log};
    if (qs->is_grouped || (!is_in_log && !all_take_rows_in_memory(p, is_persistent)))
        return 0;
    count = (is_in_log ? put_in_log : put_in_memory)(qs, p, bodies,
                                                     count < ROW_MAX ? count : ROW_MAX, entries);
    if (count == 0)
        return 0;
    for (size_t i = 0; i < count; i++) {
        entries[i].priority = 0;
        entries[i].expires_ms = 0;
    }
    for (size_t i = 0; i < p->target_count; i++)
        arrive(p->targets[i], entries, count);
    out->position = entries[count - 1].place;
    return count;
}

/* ---- out ---- */

struct train_row {
    uint64_t seq; /* of the first */
    struct ledger_entry entries[ROW_MAX];
    struct stored head;
    struct bytes bodies[ROW_MAX];
};

/* Whether all that is ready is behind the cursor, and nothing is to be said about it. */
static bool gives_rows(const struct queue *q)
{
    const struct ready *r = &q->ready;

    return is_plain(q) && q->stream == NULL && r->ahead == NULL && r->returned.span_count == 0 &&
           r->seen.span_count == 0 && r->withdrawn.span_count == 0 && map_count(&q->counts) == 0 &&
           !queue_counts(q);
}

/* How many of the entries, from the front, have no date and no level. */
static size_t count_plain(const struct ledger_entry *entries, size_t count)
{
    size_t n = 0;

    while (n < count && entries[n].expires_ms == 0 && entries[n].priority == 0)
        n++;
    return n;
}

static void end_row(struct queue *q, uint64_t seq, const struct ledger_entry *entries, size_t count)
{
    ready_take_row(&q->ready, seq, count);
    ledger_settle_row(&q->ledger, seq, count);
    store_unref_row(q->home->store, entries, count);
}

/* The row at the cursor, if its first message lies in memory: to collect a row takes longer than to
 * deliver one message, of which there may be a million that come from the disk. */
static size_t find_row(struct queue *q, struct train_row *row, size_t max)
{
    if (!ledger_next_live(&q->ledger, q->ready.cursor, &row->seq, row->entries) ||
        row->seq < q->ready.seen_below ||
        store_peek_row(q->home->store, row->entries, 1, &row->head, row->bodies) == 0)
        return 0;
    size_t count = ledger_next_row(&q->ledger, row->seq, &row->seq, row->entries, max);
    count = store_peek_row(q->home->store, row->entries, count_plain(row->entries, count),
                           &row->head, row->bodies);
    return train_share(row->bodies, count, TRAIN_BYTES_MAX);
}

unsigned queue_dispatch_train(struct queue *q, struct consumer *c, unsigned max)
{
    struct train_row row; /* not cleared: it is large */
    size_t count;

    if (!consumer_takes_trains(c) || !gives_rows(q) || !c->ops->trains->has_room(c->owner))
        return 0;
    count = find_row(q, &row, max < ROW_MAX ? max : ROW_MAX);
    if (count == 0)
        return 0;
    c->ops->trains->deliver(c->owner, &row.head, row.bodies, count);
    consumer_took_train(c, count);
    end_row(q, row.seq, row.entries, count);
    QUEUE_TALLY(q, delivered_no_ack, count);
    return (unsigned)count;
}
