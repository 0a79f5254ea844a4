/* A heap of what is held, and an alarm for the first of it. */
#include "queue/holdback.h"

#include "base/mem.h"
#include "queue/queues_parts.h"

#define NS_PER_MS UINT64_C(1000000)

struct held {
    struct heap_node node; /* order: when it is due; tie: seq */
};

static struct held *held_at(struct heap_node *n)
{
    return n == NULL ? NULL : CONTAINER_OF(n, struct held, node);
}

uint64_t holdback_delay_ms(const struct queue *q, uint32_t failures, bool is_failure)
{
    const struct queue_args *a = &q->args;
    uint64_t delay_ms = a->retry_min_ms * (uint64_t)(failures > 1 && is_failure ? failures : 1);

    if (LIKELY(a->retry == RETRY_DISABLED) || (a->retry == RETRY_FAILED && !is_failure) ||
        (a->retry == RETRY_RETURNED && is_failure))
        return 0;
    return delay_ms < a->retry_max_ms ? delay_ms : a->retry_max_ms;
}

void holdback_is_due(struct alarm *a)
{
    queue_activate(CONTAINER_OF(a, struct queue_waits, due)->queue);
}

static void set_alarm(struct queue_waits *h, uint64_t now_ns)
{
    struct heap_node *first = heap_first(&h->held);

    if (first != NULL)
        alarm_set_after(&h->queue->home->alarms, &h->due,
                        first->order > now_ns ? first->order - now_ns : 0);
}

void holdback_add(struct queue *q, uint64_t seq, const struct ledger_entry *e, uint64_t delay_ms)
{
    struct queue_waits *h = queue_waits(q);
    struct held *held = MEM_NEW(struct held);
    uint64_t now_ns = io_now_ns(q->home->io);

    held->node.order = now_ns + delay_ms * NS_PER_MS;
    held->node.tie = seq;
    ready_withdraw(&q->ready, seq);
    q->withdrawn_count++;
    q->withdrawn_bytes += e->size;
    heap_push(&h->held, &held->node);
    if (heap_first(&h->held) == &held->node)
        set_alarm(h, now_ns);
}

/* One that is too old by now is found at once by the time index, or when it is about to be
 * delivered. */
static void release(struct queue *q, struct held *held)
{
    uint64_t seq = held->node.tie;
    struct ledger_entry e;
    bool is_live = ledger_find(&q->ledger, seq, &e);

    ASSERT(is_live);
    heap_remove(&q->waits->held, &held->node);
    mem_free(held);
    ready_end_withdrawn(&q->ready, seq);
    q->withdrawn_count--;
    q->withdrawn_bytes -= e.size;
    ready_return(&q->ready, seq, e.priority);
    if (e.expires_ms != 0)
        expiry_return(&q->expiry, &q->ledger, seq, e.expires_ms);
}

unsigned holdback_release(struct queue *q, unsigned max)
{
    struct queue_waits *h = q->waits;
    unsigned done = 0;

    if (LIKELY(h == NULL || heap_first(&h->held) == NULL))
        return 0;
    uint64_t now_ns = io_now_ns(q->home->io);
    for (struct held *first = held_at(heap_first(&h->held));
         done < max && first != NULL && first->node.order <= now_ns; done++) {
        release(q, first);
        first = held_at(heap_first(&h->held));
    }
    set_alarm(h, now_ns);
    return done;
}

void holdback_release_all(struct queue *q)
{
    struct heap_node *first;

    while (q->waits != NULL && (first = heap_first(&q->waits->held)) != NULL)
        release(q, held_at(first));
}

uint64_t holdback_count(const struct queue *q)
{
    return q->waits == NULL ? 0 : q->waits->held.count;
}

void holdback_forget(struct queue *q)
{
    struct heap_node *first;

    while (q->waits != NULL && (first = heap_first(&q->waits->held)) != NULL) {
        heap_remove(&q->waits->held, first);
        mem_free(held_at(first));
    }
}

void holdback_check(const struct queue *q)
{
    if (q->waits == NULL)
        return;
    heap_check(&q->waits->held);
    for (size_t i = 0; i < q->waits->held.count; i++)
        ASSERT(ready_is_withdrawn(&q->ready, q->waits->held.nodes[i]->tie));
}
