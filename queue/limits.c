/* What is too old, and what is too much. */
#include "queue/queues_parts.h"

/* ---- dates ---- */

bool queue_expire(struct queue *q)
{
    unsigned steps = STEPS_MAX;
    struct ledger_entry e;
    uint64_t seq;

    if (UNLIKELY(q->delayed != NULL))
        return delayed_release(q);
    if (LIKELY(expiry_next(&q->expiry) == EXPIRY_NEVER))
        return false;

    int64_t now_ms = io_wall_ms(q->home->io);
    while (queue_can_kill(q) && expiry_take(&q->expiry, &q->ledger, now_ms, &steps, &seq)) {
        bool is_live = ledger_find(&q->ledger, seq, &e);

        ASSERT(is_live);
        if (ready_has(&q->ready, seq, e.priority) && !queue_kill_ready(q, seq, &e, DEATH_EXPIRED))
            break; /* cannot be: there was room */
    }
    return steps == 0;
}

void queue_set_expire_alarm(struct queue *q)
{
    int64_t next_ms = expiry_next(&q->expiry);

    if (UNLIKELY(q->delayed != NULL)) {
        delayed_set_alarms(q);
        return;
    }
    /* While too many are dying the queue is visited anyway when some are done. */
    if (next_ms == EXPIRY_NEVER || !queue_can_kill(q))
        alarm_stop_date(&q->home->alarms, &q->expire);
    else
        alarm_set_date(&q->home->alarms, &q->expire, next_ms);
}

/* ---- limits ---- */

static bool is_too_long(const struct queue *q)
{
    return queue_ready_count(q) > q->args.max_length ||
           queue_ready_bytes(q) > q->args.max_length_bytes;
}

bool queue_shorten(struct queue *q)
{
    struct ledger_entry e;
    uint64_t seq;

    if (LIKELY(q->args.overflow != OVERFLOW_DROP_HEAD || !is_too_long(q)))
        return false;
    for (unsigned i = 0; i < STEPS_MAX; i++) {
        if (!is_too_long(q) || !ready_first(&q->ready, &q->ledger, &seq, &e) ||
            !queue_kill_ready(q, seq, &e, DEATH_MAXLEN))
            return false;
    }
    return true;
}

bool queue_refuses(const struct queue *q, uint64_t body_size)
{
    const struct queue_args *a = &q->args;
    uint64_t count = queue_ready_count(q) + 1;
    uint64_t bytes = queue_ready_bytes(q) + body_size;

    if (LIKELY(a->overflow == OVERFLOW_DROP_HEAD ||
               (count <= a->max_length && bytes <= a->max_length_bytes)))
        return false;
    /* What consumers will take at the end of this turn does not count. */
    uint64_t spare = queue_spare_credit(q, count);
    if (spare == count)
        return false;
    return count - spare > a->max_length || bytes > a->max_length_bytes;
}
