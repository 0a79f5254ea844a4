/* What is too old, and what is too much. */
#include "base/zoo.h"
#include "queue/queues_parts.h"

#define NS_PER_MS UINT64_C(1000000)

enum { LOOK_MAX_MS = 3600000 }; /* an alarm is set for at most so long, and then again */

/* ---- dates ---- */

int64_t queue_now_ms(const struct queue *q)
{
    if (ZOO(WALL_CLOCK_EXPIRY))
        return io_wall_ms(q->home->io);
    return steady_now_ms(&q->home->steady, q->home->io) + (ZOO(EXPIRES_EARLY) ? 50 : 0);
}

bool queue_expire(struct queue *q)
{
    unsigned steps = STEPS_MAX;
    struct ledger_entry e;
    uint64_t seq;

    if (UNLIKELY(q->delayed != NULL))
        return delayed_release(q);
    if (LIKELY(expiry_next(&q->expiry) == EXPIRY_NEVER))
        return false;

    int64_t now_ms = queue_now_ms(q);
    while (queue_can_kill(q) && expiry_take(&q->expiry, &q->ledger, now_ms, &steps, &seq)) {
        bool is_live = ledger_find(&q->ledger, seq, &e);

        ASSERT(is_live);
        if (ready_has(&q->ready, seq, e.priority) && !queue_kill_ready(q, seq, &e, DEATH_EXPIRED))
            break; /* cannot be: there was room */
    }
    return steps == 0;
}

void queue_set_span_alarm(struct queue *q, int64_t next_ms)
{
    int64_t now_ms = queue_now_ms(q);
    int64_t left_ms = next_ms > now_ms ? next_ms - now_ms : 0;

    /* While too many are dying the queue is visited anyway when some are done. */
    if (next_ms == EXPIRY_NEVER || !queue_can_kill(q))
        alarm_stop_span(&q->home->alarms, &q->expire);
    else
        alarm_set_after(&q->home->alarms, &q->expire,
                        (uint64_t)(left_ms < LOOK_MAX_MS ? left_ms : LOOK_MAX_MS) * NS_PER_MS);
}

void queue_set_expire_alarm(struct queue *q)
{
    if (UNLIKELY(q->delayed != NULL))
        delayed_set_alarms(q);
    else
        queue_set_span_alarm(q, expiry_next(&q->expiry));
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
    uint64_t count, bytes;

    if (LIKELY(a->overflow == OVERFLOW_DROP_HEAD))
        return false; /* before it is counted: a stream has to look for what it has */
    count = queue_ready_count(q) + 1;
    bytes = queue_ready_bytes(q) + body_size;
    if (LIKELY(count <= a->max_length && bytes <= a->max_length_bytes))
        return false;
    if (ready_has_hold(&q->ready))
        return false; /* what fills it waits for what would not be let in */
    /* What consumers will take at the end of this turn does not count. */
    uint64_t spare = queue_spare_credit(q, count);
    if (spare == count)
        return false;
    return count - spare > a->max_length || bytes > a->max_length_bytes;
}
