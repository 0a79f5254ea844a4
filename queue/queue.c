/* One queue: made, deleted, purged, and what can be seen of it. */
#include "queue/queue.h"

#include <string.h>

#include "base/mem.h"
#include "base/zoo.h"
#include "msg/shortstr.h"
#include "queue/queues_parts.h"
#include "queue/stream.h"

#define NS_PER_MS UINT64_C(1000000)

/* ---- identity and arguments ---- */

static struct bytes put(uint8_t **at, struct bytes b)
{
    struct bytes copy = bytes_of(*at, b.size);

    if (b.size > 0)
        memcpy(*at, b.data, b.size);
    *at += b.size;
    return copy;
}

static struct queue_identity *identity_new(const struct queue_spec *spec, struct queue_args *args)
{
    size_t size = spec->name.size + spec->vhost.size + spec->arguments.bytes.size;
    struct queue_identity *i =
        (struct queue_identity *)mem_zero(1, sizeof(struct queue_identity) + size);
    uint8_t *at = i->bytes;

    i->id = spec->id;
    i->owner = spec->owner;
    i->name = put(&at, spec->name);
    i->vhost = put(&at, spec->vhost);
    i->arguments.bytes = put(&at, spec->arguments.bytes);
    int rv = queue_args_read(i->arguments, i->name, i->vhost, args, NULL);
    ASSERT(rv == 0); /* whoever declares has checked them */
    return i;
}

void queue_apply_args(struct queue *q)
{
    struct queue_args *a = &q->args;

    if (a->delivery_limit == QUEUE_LIMIT_UNSAID)
        a->delivery_limit =
            a->type == QUEUE_QUORUM ? q->home->options->default_delivery_limit : QUEUE_LIMIT_NONE;
    queue_use(q);
    if (q->stream != NULL)
        stream_apply_args(q);
    if (q->home->partition != NULL)
        queue_activate(q);
}

void queue_set_args(struct queue *q, const struct queue_args *effective)
{
    struct queue_identity *i = q->identity;
    size_t exchange_size = effective->dead_letter_exchange.size;
    uint8_t *texts = (uint8_t *)mem_alloc(exchange_size + effective->dead_letter_key.size + 1);
    uint8_t *at = texts;
    uint8_t max_priority = q->args.max_priority;

    ASSERT(exchange_size <= SHORTSTR_MAX && effective->dead_letter_key.size <= SHORTSTR_MAX);

    q->args = *effective;
    q->args.dead_letter_exchange = put(&at, effective->dead_letter_exchange);
    q->args.dead_letter_key = put(&at, effective->dead_letter_key);
    q->args.max_priority = max_priority; /* lanes and the one consumer are for life */
    q->args.is_single_active = q->is.is_single_active;
    mem_free(i->texts);
    i->texts = texts;
    alarm_stop_span(&q->home->alarms, &q->unused); /* it may be due earlier now */
    queue_apply_args(q);
}

/* ---- x-expires ---- */

void queue_use(struct queue *q)
{
    struct alarms *as = &q->home->alarms;

    if (q->home->partition == NULL)
        return;
    q->marks.used_ns = io_now_ns(q->home->io);
    if (q->args.expires_ms == QUEUE_NO_LIMIT || q->consumer_count > 0)
        alarm_stop_span(as, &q->unused);
    else if (!alarm_waits(&q->unused)) /* one that waits looks again when it is due */
        alarm_set_after(as, &q->unused, q->args.expires_ms * NS_PER_MS);
}

static void unused_is_due(struct alarm *a)
{
    struct queue *q = CONTAINER_OF(a, struct queue, unused);
    uint64_t due_ns = q->marks.used_ns + q->args.expires_ms * NS_PER_MS;
    uint64_t now_ns = io_now_ns(q->home->io);

    if (q->args.expires_ms == QUEUE_NO_LIMIT || q->consumer_count > 0)
        return;
    if (due_ns > now_ns) {
        alarm_set_after(&q->home->alarms, a, due_ns - now_ns);
        return;
    }
    q->is.is_unused = true;
    queue_activate(q);
}

void queue_touch(struct queue *q)
{
    queue_use(q);
}

static void expire_is_due(struct alarm *a)
{
    queue_activate(CONTAINER_OF(a, struct queue, expire));
}

/* ---- what few queues wait for ---- */

struct queue_waits *queue_waits(struct queue *q)
{
    if (q->waits == NULL) {
        q->waits = MEM_NEW(struct queue_waits);
        q->waits->queue = q;
        heap_init(&q->waits->held);
        alarm_init(&q->waits->due, holdback_is_due);
        alarm_init(&q->waits->overdue, queue_overdue_is_due);
        alarm_init(&q->waits->retry, queue_retry_is_due);
    }
    return q->waits;
}

static void free_waits(struct queue *q)
{
    struct alarms *as = &q->home->alarms;

    if (q->waits == NULL)
        return;
    holdback_forget(q);
    heap_release(&q->waits->held);
    alarm_stop_span(as, &q->waits->due);
    alarm_stop_span(as, &q->waits->overdue);
    alarm_stop_span(as, &q->waits->retry);
    mem_free(q->waits);
}

/* ---- made and deleted ---- */

struct queue *queue_new(struct queues *qs, const struct queue_spec *spec)
{
    struct queue *q = MEM_NEW(struct queue);

    q->home = qs;
    q->identity = identity_new(spec, &q->args);
    q->is.is_durable = spec->is_durable;
    q->is.is_auto_delete = spec->is_auto_delete;
    q->is.is_single_active = q->args.is_single_active;
    ledger_init(&q->ledger);
    ready_init(&q->ready, q->args.max_priority);
    expiry_init(&q->expiry);
    map_init(&q->counts);
    list_init(&q->levels);
    list_init(&q->gets);
    list_init(&q->loose);
    list_init(&q->dead.dying);
    list_init(&q->dead.parting);
    alarm_init(&q->expire, expire_is_due);
    alarm_init(&q->unused, unused_is_due);
    if (spec->is_delayed) {
        q->delayed = delayed_new(q);
        q->args.has_dead_letter_exchange = true; /* what is due leaves on that way */
    }
    if (spec->cache_max > 0)
        q->dedup = dedup_new(qs->memory.sequels.entries.seed, spec->cache_max, spec->cache_ttl_ms);
    else if (q->args.is_deduplicating)
        q->dedup = dedup_new(qs->memory.sequels.entries.seed, 0, UINT64_MAX);
    queues_insert(qs, q);
    if (q->args.type == QUEUE_STREAM)
        stream_init(q);
    queue_apply_args(q);
    queues_keep_streams(qs);
    return q;
}

static void detach_all(struct queues *qs, struct list *l)
{
    struct list_link *link;

    while ((link = list_first(l)) != NULL) {
        struct inflight *f = inflight_at(link);

        inflight_detach(f);
        f->d.queue = NULL;
        list_push(&qs->detached, &f->link);
    }
}

static void free_all(struct list *l)
{
    struct list_link *link;

    while ((link = list_take(l)) != NULL)
        inflight_free(inflight_at(link));
}

/* Holders keep their deliveries, which mean nothing any more. */
static void detach_deliveries(struct queue *q)
{
    LIST_FOREACH (level, &q->levels) {
        LIST_FOREACH (link, &CONTAINER_OF(level, struct level, link)->consumers)
            detach_all(q->home, &CONTAINER_OF(link, struct consumer, link)->held);
    }
    detach_all(q->home, &q->loose);
    queue_forget_parting(q);
    free_all(&q->dead.dying);
}

static void return_all(struct queue *q, struct list *l)
{
    if (q->stream != NULL) { /* it has never left the stream */
        detach_all(q->home, l);
        return;
    }
    LIST_FOREACH (link, l) {
        struct inflight *f = inflight_at(link);

        ready_return(&q->ready, f->seq, f->entry.priority);
    }
    detach_all(q->home, l);
}

/* The dead that did not get away are ready when the queue is opened again; those that somebody was
 * given are marked. */
static void mark_dead(struct queue *q, const struct list *l)
{
    LIST_FOREACH (link, l) {
        struct inflight *f = inflight_at(link);

        if (!f->d.is_redelivered)
            continue;
        ready_end_withdrawn(&q->ready, f->seq);
        q->withdrawn_count--;
        q->withdrawn_bytes -= f->entry.size;
        if (!ready_has(&q->ready, f->seq, f->entry.priority))
            ready_return(&q->ready, f->seq, f->entry.priority);
    }
}

void queue_end_deliveries(struct queue *q)
{
    return_all(q, &q->loose);
    mark_dead(q, &q->dead.dying);
    mark_dead(q, &q->dead.parting);
    holdback_release_all(q);
    detach_deliveries(q);
    queue_close_reader(&q->reading);
    queue_close_reader(&q->dead.reading);
}

void queue_free(struct queue *q)
{
    struct queues *qs = q->home;

    queue_free_consumers(q);
    detach_deliveries(q);
    queue_close_reader(&q->reading);
    queue_close_reader(&q->dead.reading);
    queue_end_browses(q);
    queues_remove(qs, q);
    if (list_linked(&q->active))
        list_remove(&q->active);
    if (q->is.is_blocked)
        qs->blocked_count--;
    alarm_stop_span(&qs->alarms, &q->expire);
    alarm_stop_span(&qs->alarms, &q->unused);
    free_waits(q);
    if (q->stream != NULL)
        stream_release(q);
    ledger_release(&q->ledger);
    ready_release(&q->ready);
    expiry_release(&q->expiry);
    delayed_free(q->delayed);
    dedup_free(q->dedup);
    map_release(&q->counts);
    mem_free(q->identity->texts);
    mem_free(q->identity);
    mem_free(q);
}

/* Moves the ledger to a grave and leaves an empty one that goes on with the next seq. */
static struct grave *dig_grave(struct queue *q)
{
    struct grave *g = MEM_NEW(struct grave);

    g->ledger = q->ledger;
    g->queue = q->identity->id;
    g->is_durable = q->is.is_durable;
    ledger_init(&q->ledger);
    ledger_skip_to(&q->ledger, g->ledger.next);
    return g;
}

void queue_delete(struct queue *q)
{
    struct queues *qs = q->home;
    uint64_t id = q->identity->id;

    queue_end_consumers(q, CANCEL_QUEUE_DELETED);
    queue_answer_gets(q);
    queue_close_reader(&q->reading);
    queue_close_reader(&q->dead.reading);
    detach_deliveries(q);
    if (q->stream == NULL)
        queues_bury(qs, dig_grave(q));
    else
        stream_end(q);
    if (qs->partition != NULL)
        log_drop(partition_log(qs->partition), id);
    queue_free(q);
}

/* ---- purge ---- */

struct purge {
    struct queue *queue;
    struct ledger *from;
};

/* A message that is not ready stays: it moves from the old ledger to the new one. */
static void keep(struct purge *p, uint64_t seq)
{
    struct ledger_entry e;
    bool was_live = ledger_find(p->from, seq, &e) && ledger_settle(p->from, seq);

    ASSERT(was_live);
    ledger_add_at(&p->queue->ledger, seq, &e);
}

static void collect(struct spans *kept, const struct list *l)
{
    LIST_FOREACH (link, l)
        spans_add(kept, inflight_at(link)->seq);
}

/* The messages that are in flight or withdrawn. */
static void collect_kept(struct queue *q, struct spans *kept)
{
    struct span span;

    LIST_FOREACH (level, &q->levels) {
        LIST_FOREACH (link, &CONTAINER_OF(level, struct level, link)->consumers)
            collect(kept, &CONTAINER_OF(link, struct consumer, link)->held);
    }
    collect(kept, &q->loose);
    for (uint64_t at = 0; spans_next(&q->ready.withdrawn, at, &span); at = span.to)
        spans_add_range(kept, span.from, span.to);
}

/* Settles all below `next` that is not in `kept`, in the log's eyes. */
static void settle_ranges(struct queue *q, const struct spans *kept, uint64_t from, uint64_t next)
{
    struct span span;
    uint64_t at = from;

    if (!q->is.is_durable || ZOO(PURGE_NOT_LOGGED))
        return;
    while (spans_next(kept, at, &span) && span.from < next) {
        if (span.from > at)
            settles_add(&q->home->settles, q->identity->id, at, span.from);
        at = span.to;
    }
    if (at < next)
        settles_add(&q->home->settles, q->identity->id, at, next);
}

uint64_t queue_purge(struct queue *q)
{
    uint64_t count = queue_ready_count(q);
    struct spans kept;
    struct span span;

    ASSERT(q->stream == NULL);
    if (count == 0)
        return 0;
    spans_init(&kept);
    collect_kept(q, &kept);
    settle_ranges(q, &kept, ledger_low(&q->ledger), q->ledger.next);

    uint64_t next = q->ledger.next;
    struct grave *g = MEM_NEW(struct grave);
    *g = (struct grave){
        .ledger = q->ledger, .queue = q->identity->id, .is_durable = q->is.is_durable};
    ledger_init(&q->ledger);
    struct purge p = {q, &g->ledger};
    for (uint64_t at = 0; spans_next(&kept, at, &span); at = span.to) {
        for (uint64_t seq = span.from; seq < span.to; seq++)
            keep(&p, seq);
    }
    ledger_skip_to(&q->ledger, next);
    spans_release(&kept);
    ready_clear(&q->ready, next);
    expiry_clear(&q->expiry);
    if (q->delayed != NULL)
        delayed_clear(q->delayed);
    if (q->dedup != NULL)
        dedup_sweep(q->dedup, &q->ledger);
    queues_bury(q->home, g);
    queues_need_pass(q->home);
    ASSERT(queue_ready_count(q) == 0);
    return count;
}

/* ---- held ---- */

bool queue_can_be_held(const struct queue *q)
{
    const struct queue_args *a = &q->args;
    bool is_plain = q->stream == NULL && q->delayed == NULL && q->dedup == NULL;
    bool has_limits = a->max_length != QUEUE_NO_LIMIT || a->max_length_bytes != QUEUE_NO_LIMIT ||
                      a->message_ttl_ms != QUEUE_NO_LIMIT;

    return is_plain && !has_limits && q->ready.lanes == NULL &&
           (ready_has_hold(&q->ready) || q->ledger.live == 0);
}

void queue_hold(struct queue *q)
{
    ASSERT(q->stream == NULL);
    ready_hold(&q->ready);
}

void queue_release_hold(struct queue *q)
{
    ready_release_hold(&q->ready);
    queue_activate(q);
}

/* ---- look ---- */

uint64_t queue_ready_count(const struct queue *q)
{
    if (UNLIKELY(q->stream != NULL))
        return stream_count(q);
    return q->ledger.live - q->inflight_count - q->withdrawn_count;
}

uint64_t queue_unacked_count(const struct queue *q)
{
    return q->inflight_count;
}

uint64_t queue_ready_bytes(const struct queue *q)
{
    if (UNLIKELY(q->stream != NULL))
        return stream_bytes(q);
    return q->ledger.live_bytes - q->inflight_bytes - q->withdrawn_bytes;
}

bool queue_is_cache(const struct queue *q)
{
    return q->dedup != NULL && dedup_is_cache(q->dedup);
}

bool queue_knows(const struct queue *q, const struct props *props)
{
    struct dedup_key key;

    if (!queue_is_cache(q))
        return false;
    dedup_key_of(props, &key);
    return dedup_has(q->dedup, &key, steady_now_ms(&q->home->steady, q->home->io));
}

uint64_t queue_id(const struct queue *q)
{
    return q->identity->id;
}

struct bytes queue_name(const struct queue *q)
{
    return q->identity->name;
}

void *queue_owner(const struct queue *q)
{
    return q->identity->owner;
}

struct queues *queue_home(const struct queue *q)
{
    return q->home;
}

const struct queue_args *queue_args(const struct queue *q)
{
    return &q->args;
}

struct table queue_arguments(const struct queue *q)
{
    return q->identity->arguments;
}

bool queue_is_durable(const struct queue *q)
{
    return q->is.is_durable;
}

bool queue_is_auto_delete(const struct queue *q)
{
    return q->is.is_auto_delete;
}

uint64_t queue_consumer_count(const struct queue *q)
{
    return q->consumer_count;
}

bool queue_counts(const struct queue *q)
{
    return q->args.delivery_limit >= 0 || q->args.type == QUEUE_QUORUM ||
           q->args.retry != RETRY_DISABLED;
}

/* When the first ready message came, if it is in memory; else 0. */
static int64_t head_time_ms(struct queue *q)
{
    struct ledger_entry e;
    struct store_pin pin;
    struct stored stored;
    uint64_t seq;

    if (q->home->partition == NULL || q->stream != NULL ||
        !ready_first(&q->ready, &q->ledger, &seq, &e) ||
        store_peek(q->home->store, e.place, &stored, &pin) != 0)
        return 0;
    store_pin_release(pin);
    return stored.time_ms;
}

const struct queues_tally *queue_get_tally(const struct queue *q)
{
    return &q->tally;
}

void queue_get_stats(struct queue *q, struct queue_stats *out)
{
    *out = (struct queue_stats){
        .ready = queue_ready_count(q),
        .unacked = q->inflight_count,
        .held_back = holdback_count(q),
        .ready_bytes = queue_ready_bytes(q),
        .unacked_bytes = q->inflight_bytes,
        .consumers = q->consumer_count,
        .published = q->tally.published,
        .delivered = q->tally.delivered,
        .delivered_no_ack = q->tally.delivered_no_ack,
        .got = q->tally.got,
        .got_no_ack = q->tally.got_no_ack,
        .redelivered = q->tally.redelivered,
        .acked = q->tally.acked,
        .unreadable = q->aside_count,
        .head_time_ms = head_time_ms(q),
        .memory = sizeof(*q) + ledger_memory(&q->ledger) +
                  q->inflight_count * sizeof(struct inflight) +
                  q->expiry.capacity * sizeof(struct expiry_item) +
                  q->counts.capacity * sizeof(struct map_slot),
    };
    memcpy(out->dead, q->tally.dead, sizeof(out->dead));
}
