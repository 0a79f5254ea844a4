/* What ends a delivery: ack, reject, requeue; and how a message leaves its queue for good. */
#include <string.h>

#include "base/mem.h"
#include "base/zoo.h"
#include "queue/bookmark.h"
#include "queue/queues_parts.h"

/* ---- in flight ---- */

struct inflight *inflight_new(struct queue *q, uint64_t seq, const struct ledger_entry *e)
{
    struct inflight *f = (struct inflight *)pool_take(&q->home->inflights);

    if (UNLIKELY(f == NULL))
        return NULL;
    memset(f, 0, sizeof(*f));
    f->d.queue = q;
    f->home = q->home;
    f->seq = seq;
    f->entry = *e;
    return f;
}

void inflight_free(struct inflight *f)
{
    ASSERT(!list_linked(&f->link));
    pool_give(&f->home->inflights, f);
}

void inflight_detach(struct inflight *f)
{
    struct consumer *c = f->d.consumer;
    struct queue *q = f->d.queue;

    bookmark_settled(f, false);
    list_remove(&f->link);
    if (q != NULL) {
        q->inflight_count--;
        q->inflight_bytes -= f->entry.size;
    }
    if (f->shared != NULL)
        credit_give_back(f->shared);
    f->shared = NULL;
    f->d.consumer = NULL;
    if (c != NULL)
        consumer_gave_back(c);
}

/* ---- settled ---- */

static bool is_in_log(const struct queue *q, const struct ledger_entry *e)
{
    return q->is.is_durable && (e->place & STORE_TRANSIENT) == 0;
}

static void end_entry(struct queue *q, uint64_t seq)
{
    bool was_live = ledger_settle(&q->ledger, seq);

    ASSERT(was_live);
    if (UNLIKELY(q->dedup != NULL))
        dedup_settle(q->dedup, seq);
    if (UNLIKELY(map_count(&q->counts) > 0))
        map_remove(&q->counts, seq);
}

void queue_settle(struct queue *q, uint64_t seq, const struct ledger_entry *e)
{
    struct queues *qs = q->home;

    end_entry(q, seq);
    if (is_in_log(q, e) && !ZOO(ACK_NOT_LOGGED)) {
        settles_add(&qs->settles, q->identity->id, seq, seq + 1 + ZOO(ACK_TOO_WIDE));
        queues_need_pass(qs);
        if (UNLIKELY(qs->is_grouped)) {
            queues_part(qs, q, seq, e->place);
            return;
        }
    }
    if (q->is.is_durable)
        store_settle(qs->store, e->place, q->identity->id, seq);
    else
        store_unref(qs->store, e->place);
}

/* ---- places that wait for a commit ---- */

/* Of one message alone while seqs are below 2^44 and queue ids below 2^20. Beyond that two may meet
 * within one commit, and one record might be sorted out a moment early. */
static uint64_t parting_key(uint64_t queue, uint64_t seq)
{
    return queue << 44 ^ seq;
}

bool queues_is_parting(const struct queues *qs, const struct store_target *t)
{
    return map_find(&qs->partings.messages, parting_key(t->queue, t->seq)) != NULL;
}

void queues_part(struct queues *qs, const struct queue *q, uint64_t seq, uint64_t place)
{
    struct queues_partings *p = &qs->partings;

    if (p->first + p->count == p->capacity && p->first > 0) {
        memmove(p->items, p->items + p->first, p->count * sizeof(*p->items));
        p->first = 0;
    } else if (p->count == p->capacity) {
        p->capacity = p->capacity > 0 ? p->capacity * 2 : 64;
        p->items = (struct parting_place *)mem_grow(p->items, p->capacity, sizeof(*p->items));
    }
    p->items[p->first + p->count++] = (struct parting_place){
        .position = UINT64_MAX, .place = place, .queue = q->identity->id, .seq = seq};
    map_put(&p->messages, parting_key(q->identity->id, seq), qs);
}

void queues_part_at(struct queues *qs, uint64_t position)
{
    struct queues_partings *p = &qs->partings;

    for (size_t i = p->first + p->count; i > p->first; i--) {
        if (p->items[i - 1].position != UINT64_MAX)
            return;
        p->items[i - 1].position = position;
    }
}

void queues_partings_committed(struct queues *qs, uint64_t position)
{
    struct queues_partings *p = &qs->partings;

    while (p->count > 0 && p->items[p->first].position < position) {
        struct parting_place *first = &p->items[p->first++];

        p->count--;
        map_remove(&p->messages, parting_key(first->queue, first->seq));
        store_settle(qs->store, first->place, first->queue, first->seq);
    }
    if (p->count == 0)
        p->first = 0;
}

/* ---- counts ---- */

STATIC_ASSERT(sizeof(void *) == sizeof(struct counts), "counts are the value of a map");

struct counts queue_find_counts(const struct queue *q, uint64_t seq)
{
    struct counts c = {0, 0};
    void *value = map_count(&q->counts) > 0 ? map_find(&q->counts, seq) : NULL;

    if (value != NULL)
        memcpy(&c, &value, sizeof(c));
    return c;
}

void queue_set_counts(struct queue *q, uint64_t seq, struct counts c)
{
    void *value = NULL;

    memcpy(&value, &c, sizeof(c));
    if (value != NULL)
        map_put(&q->counts, seq, value);
}

/* ---- dead ---- */

bool queue_can_kill(const struct queue *q)
{
    return !q->args.has_dead_letter_exchange || q->dying_count < DYING_MAX;
}

/* A message that is neither ready nor in flight is dead: it waits for its turn to move on. */
static void begin_dying(struct queue *q, struct inflight *f, enum death reason)
{
    ready_withdraw(&q->ready, f->seq);
    q->withdrawn_count++;
    q->withdrawn_bytes += f->entry.size;
    q->dying_count++;
    f->reason = reason;
    list_push(&q->dead.dying, &f->link);
    queue_activate(q);
}

void queue_kill_new(struct queue *q, uint64_t seq, const struct ledger_entry *e, enum death reason)
{
    struct inflight *f = q->args.has_dead_letter_exchange ? inflight_new(q, seq, e) : NULL;

    QUEUE_TALLY(q, dead[reason], 1);
    if (f != NULL)
        begin_dying(q, f, reason);
    else
        queue_settle(q, seq, e);
}

bool queue_kill_ready(struct queue *q, uint64_t seq, const struct ledger_entry *e,
                      enum death reason)
{
    struct inflight *f = NULL;

    if (!queue_can_kill(q))
        return false;
    if (q->args.has_dead_letter_exchange && !(ZOO(DROP_HEAD_SILENT) && reason == DEATH_MAXLEN) &&
        (f = inflight_new(q, seq, e)) == NULL)
        return false;
    if (f != NULL)
        f->d.is_redelivered = ready_was_seen(&q->ready, seq);
    ready_remove(&q->ready, seq, e->priority);
    if (q->delayed == NULL) /* what is due is not dead */
        QUEUE_TALLY(q, dead[reason], 1);
    if (f != NULL)
        begin_dying(q, f, reason);
    else
        queue_settle(q, seq, e);
    return true;
}

/* A detached delivery's message dies. Takes the struct. */
static void kill_detached(struct queue *q, struct inflight *f, enum death reason)
{
    QUEUE_TALLY(q, dead[reason], 1);
    if (q->args.has_dead_letter_exchange && !ZOO(REJECTED_FORGOTTEN)) {
        f->d.is_redelivered = true; /* it would be */
        begin_dying(q, f, reason);
        return;
    }
    queue_settle(q, f->seq, &f->entry);
    inflight_free(f);
}

/* ---- what holders do ---- */

/* Takes the delivery back from its holder; NULL when its queue is gone: nothing is left to do. */
static struct inflight *take_back(struct delivery *d)
{
    struct inflight *f = inflight_of(d);

    if (d->queue != NULL) {
        inflight_detach(f);
        return f;
    }
    list_remove(&f->link);
    inflight_free(f);
    return NULL;
}

void queue_ack(struct delivery *d)
{
    struct queue *q = d->queue;

    bookmark_settled(inflight_of(d), true);
    if (q != NULL && d->consumer != NULL)
        d->consumer->counts.acked++;
    struct inflight *f = take_back(d);
    if (f == NULL)
        return;
    QUEUE_TALLY(q, acked, 1);
    if (UNLIKELY(q->stream != NULL)) {
        inflight_free(f); /* the message stays where it is */
        return;
    }
    queue_settle(q, f->seq, &f->entry);
    inflight_free(f);
}

void queue_reject(struct delivery *d)
{
    struct queue *q = d->queue;

    bookmark_settled(inflight_of(d), true);
    struct inflight *f = take_back(d);
    if (f != NULL && UNLIKELY(q->stream != NULL))
        inflight_free(f);
    else if (f != NULL)
        kill_detached(q, f, DEATH_REJECTED);
}

/* Counts what happened to the message. False: it had its last chance. */
static bool count(struct queue *q, struct inflight *f, bool is_failure)
{
    struct counts c = {f->d.delivery_count, f->d.acquired_count};

    if (!queue_counts(q))
        return true;
    c.acquired += c.acquired < UINT32_MAX;
    c.failures += is_failure && c.failures < UINT32_MAX;
    if (q->args.delivery_limit >= 0 && c.failures > (uint64_t)q->args.delivery_limit)
        return false;
    queue_set_counts(q, f->seq, c);
    if (is_failure && is_in_log(q, &f->entry) && !ZOO(COUNTS_NOT_LOGGED))
        queues_add_return(q->home, q->identity->id, f->seq, c);
    return true;
}

void queue_requeue(struct delivery *d, bool is_failure)
{
    struct queue *q = d->queue;
    struct inflight *f = take_back(d);

    if (f == NULL)
        return;
    if (UNLIKELY(q->stream != NULL)) {
        inflight_free(f);
        return;
    }
    if (!count(q, f, is_failure) || ZOO(REQUEUE_SETTLES)) {
        kill_detached(q, f, DEATH_DELIVERY_LIMIT);
        return;
    }
    if (f->entry.expires_ms != 0 && f->entry.expires_ms <= queue_now_ms(q)) {
        kill_detached(q, f, DEATH_EXPIRED); /* the time index has passed it already */
        return;
    }
    uint64_t delay_ms = holdback_delay_ms(q, queue_find_counts(q, f->seq).failures, is_failure);
    if (UNLIKELY(delay_ms > 0)) {
        holdback_add(q, f->seq, &f->entry, delay_ms);
    } else {
        ready_return(&q->ready, f->seq, f->entry.priority);
        if (f->entry.expires_ms != 0)
            expiry_return(&q->expiry, &q->ledger, f->seq, f->entry.expires_ms);
    }
    inflight_free(f);
    queue_activate(q);
}
