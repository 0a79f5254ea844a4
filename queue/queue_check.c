/* Asserts the invariants of a queue. */
#include "queue/queues_parts.h"
#include "queue/stream.h"

/* Deliveries in a list: each is of this queue, live, and not ready. */
static uint64_t check_inflights(struct queue *q, const struct list *l, const struct consumer *c)
{
    uint64_t count = 0;

    LIST_FOREACH (link, l) {
        struct inflight *f = inflight_at(link);

        ASSERT(f->d.queue == q && f->d.consumer == c);
        ASSERT(ledger_is_live(&q->ledger, f->seq));
        ASSERT(!ready_has(&q->ready, f->seq, f->entry.priority)); /* Q1 */
        count++;
    }
    return count;
}

static uint64_t check_consumers(struct queue *q)
{
    uint64_t held = 0;
    uint64_t consumers = 0;
    int64_t priority = INT64_MAX;

    LIST_FOREACH (level_link, &q->levels) {
        struct level *level = CONTAINER_OF(level_link, struct level, link);

        ASSERT(consumers == 0 || level->priority < priority);
        priority = level->priority;
        ASSERT(!list_empty(&level->consumers));
        LIST_FOREACH (link, &level->consumers) {
            struct consumer *c = CONTAINER_OF(link, struct consumer, link);
            uint64_t count = check_inflights(q, &c->held, c);

            ASSERT(c->queue == q && c->level == level);
            ASSERT(count == c->held_count && c->held_count <= c->held_max); /* Q3 */
            ASSERT(!c->is_runnable || list_linked(&c->run));
            ASSERT(!c->is_runnable || !q->is.is_single_active || c == q->single); /* Q4 */
            held += count;
            consumers++;
        }
    }
    ASSERT(consumers == q->consumer_count);
    return held;
}

void queue_check(struct queue *q)
{
    if (q->stream != NULL) {
        stream_check(q);
        return;
    }
    uint64_t held = check_consumers(q);
    uint64_t dying = 0;

    held += check_inflights(q, &q->loose, NULL);
    ASSERT(held == q->inflight_count);
    LIST_FOREACH (link, &q->dead.dying) {
        ASSERT(ready_is_withdrawn(&q->ready, inflight_at(link)->seq));
        dying++;
    }
    ASSERT(dying == q->dying_count);
    ASSERT(spans_count(&q->ready.withdrawn) == q->withdrawn_count);
    ASSERT(q->ledger.live >= q->inflight_count + q->withdrawn_count);
    ASSERT(q->ledger.live_bytes >= q->inflight_bytes + q->withdrawn_bytes);
    ledger_check(&q->ledger);
    ready_check(&q->ready);
    expiry_check(&q->expiry);
    if (q->delayed != NULL)
        delayed_check(q->delayed);
    if (q->dedup != NULL)
        dedup_check(q->dedup);
    holdback_check(q);
}
