/* Consumers: who may be served, and in which order.
 *
 * Those that can take a message stand in the `runnable` list of their priority; the others cost
 * nothing. Who waits for the prefetch of his channel stands in the list of that credit. */
#include "base/mem.h"
#include "base/zoo.h"
#include "queue/bookmark.h"
#include "queue/group_parts.h"
#include "queue/queues_parts.h"
#include "queue/stream.h"
#include "queue/streams.h"

#define NS_PER_MS   UINT64_C(1000000)
#define LOOK_MIN_NS UINT64_C(1000000000)

/* How many consumers are asked for their credit when a queue is full. */
enum { SPARE_ASKED_MAX = 16 };

static struct consumer *consumer_at(struct list_link *run)
{
    return run == NULL ? NULL : CONTAINER_OF(run, struct consumer, run);
}

static struct level *level_at(struct list_link *link)
{
    return CONTAINER_OF(link, struct level, link);
}

/* ---- credit ---- */

void credit_init(struct credit *c, uint32_t limit)
{
    *c = (struct credit){.limit = limit};
    list_init(&c->consumers);
}

static bool credit_is_used_up(const struct credit *c)
{
    return c->limit != 0 && c->used >= c->limit;
}

/* All that wait may try; the first ones use it up again. */
static void credit_wake(struct credit *c)
{
    struct list_link *link;
    struct list waiting;

    list_init(&waiting);
    while ((link = list_take(&c->consumers)) != NULL)
        list_push(&waiting, link);
    while ((link = list_take(&waiting)) != NULL)
        consumer_update(consumer_at(link));
}

/* He who was served longest ago is the first to try, so that they take turns, whatever the order in
 * which their queues are visited. */
static void wait_for_credit(struct consumer *c)
{
    struct list_link *end = &c->shared->consumers.head;
    struct list_link *after = end->prev;

    while (after != end && consumer_at(after)->served > c->served)
        after = after->prev;
    list_insert_before(after->next, &c->run);
}

void credit_set_limit(struct credit *c, uint32_t limit)
{
    c->limit = limit;
    if (!credit_is_used_up(c))
        credit_wake(c);
}

void credit_give_back(struct credit *c)
{
    bool was_used_up = credit_is_used_up(c);

    ASSERT(c->used > 0);
    c->used--;
    if (was_used_up && !credit_is_used_up(c))
        credit_wake(c);
}

/* ---- who can take ---- */

static bool may_be_served(const struct consumer *c)
{
    const struct queue *q = c->queue;

    return !q->is.is_single_active || (q->single == c && !q->is.is_handing_over) ||
           ZOO(SINGLE_IGNORED);
}

/* Whether it could take one if its channel had credit. */
static bool wants(const struct consumer *c)
{
    return !c->is_stalled && may_be_served(c) && (c->is_no_ack || c->held_count < c->held_max);
}

bool consumer_can_take(const struct consumer *c)
{
    return wants(c) && (c->shared == NULL || !credit_is_used_up(c->shared));
}

void consumer_hold(struct consumer *c, struct inflight *f)
{
    f->d.consumer = c;
    f->shared = c->shared;
    if (c->shared != NULL)
        c->shared->used++;
    c->held_count++;
    if (c->timeout_ms != 0 && !alarm_waits(&c->timeout))
        alarm_set_after(&c->queue->home->alarms, &c->timeout, c->timeout_ms * NS_PER_MS);
}

void consumer_update(struct consumer *c)
{
    bool wants_one = wants(c);
    bool waits = wants_one && c->shared != NULL && credit_is_used_up(c->shared);
    bool is_runnable = wants_one && !waits;

    if (is_runnable && c->is_runnable)
        return;
    if (list_linked(&c->run))
        list_remove(&c->run);
    c->is_runnable = is_runnable;
    if (waits)
        wait_for_credit(c);
    if (!is_runnable)
        return;
    list_push(&c->level->runnable, &c->run);
    if (c->stream != NULL)
        stream_reading_feed(c);
    else if (queue_ready_count(c->queue) > 0)
        queue_activate(c->queue);
}

struct consumer *queue_next_consumer(struct queue *q)
{
    LIST_FOREACH (link, &q->levels) {
        struct list *runnable = &level_at(link)->runnable;

        while (!list_empty(runnable)) {
            struct consumer *c = consumer_at(list_first(runnable));

            /* Another queue may have used up the credit of the channel. */
            if (LIKELY(c->shared == NULL || !credit_is_used_up(c->shared)))
                return c;
            consumer_update(c);
        }
    }
    return NULL;
}

void consumer_took(struct consumer *c)
{
    if (c->shared != NULL)
        c->served = ++c->shared->served;
    if (!c->is_no_ack && (c->held_count >= c->held_max || c->shared != NULL))
        consumer_update(c);
    if (c->is_runnable && c->run.next != c->run.prev) { /* he is not alone */
        list_remove(&c->run);
        list_push(&c->level->runnable, &c->run);
    }
}

void consumer_took_train(struct consumer *c, size_t count)
{
    if (c->shared != NULL)
        c->served = c->shared->served += count;
    c->counts.delivered += count;
}

bool consumer_takes_trains(const struct consumer *c)
{
    return c->is_no_ack && !c->is_inside && c->ops->trains != NULL && c->run.next == c->run.prev;
}

uint64_t queue_spare_credit(const struct queue *q, uint64_t max)
{
    uint64_t spare = 0;
    unsigned asked = 0;

    LIST_FOREACH (link, &q->levels) {
        LIST_FOREACH (run, &level_at(link)->runnable) {
            const struct consumer *c = consumer_at(run);

            spare += c->is_no_ack ? max : c->held_max - c->held_count;
            if (spare >= max || ++asked == SPARE_ASKED_MAX)
                return spare < max ? spare : max;
        }
    }
    return spare;
}

/* ---- the one that is served ---- */

/* The first of the highest priority, or NULL. */
static struct consumer *first_consumer(const struct queue *q)
{
    LIST_FOREACH (link, &q->levels) {
        struct list_link *first = list_first(&level_at(link)->consumers);

        if (first != NULL)
            return CONTAINER_OF(first, struct consumer, link);
    }
    return NULL;
}

/* Single active consumer: the first to come is served; one of a higher priority takes over once
 * nothing is in flight. */
static void choose_single(struct queue *q)
{
    struct consumer *best = first_consumer(q);
    struct consumer *now = q->single;

    if (!q->is.is_single_active)
        return;
    q->is.is_handing_over = now != NULL && best != now &&
                            best->level->priority > now->level->priority && now->held_count > 0;
    if (q->is.is_handing_over) {
        consumer_update(now);
        return;
    }
    if (now == NULL || best->level->priority > now->level->priority)
        q->single = best;
    if (now != NULL)
        consumer_update(now);
    if (q->single != NULL)
        consumer_update(q->single);
}

void consumer_gave_back(struct consumer *c)
{
    ASSERT(c->held_count > 0);
    c->held_count--;
    if (UNLIKELY(c->queue->is.is_handing_over) && c->held_count == 0)
        choose_single(c->queue);
    else if (!c->is_runnable)
        consumer_update(c);
    else if (c->stream != NULL)
        stream_reading_feed(c);
}

bool consumer_is_active(const struct consumer *c)
{
    if (c->stream != NULL && c->stream->member != NULL)
        return !list_empty(&c->stream->bookmarks);
    return !c->queue->is.is_single_active || c->queue->single == c;
}

/* ---- come and go ---- */

static struct level *level_of(struct queue *q, int64_t priority)
{
    struct list_link *before = &q->levels.head;

    LIST_FOREACH (link, &q->levels) {
        if (level_at(link)->priority == priority)
            return level_at(link);
        if (level_at(link)->priority < priority) {
            before = link;
            break;
        }
    }
    struct level *l = MEM_NEW(struct level);
    l->priority = priority;
    list_init(&l->consumers);
    list_init(&l->runnable);
    list_insert_before(before, &l->link);
    return l;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

uint64_t queue_timeout_ms(const struct queue *q)
{
    if (q->args.consumer_timeout_ms != QUEUE_NO_LIMIT)
        return q->args.consumer_timeout_ms;
    return q->home->options->consumer_timeout_ms;
}

static uint64_t timeout_of(const struct queue *q, const struct consumer_spec *spec)
{
    if (spec->is_no_ack)
        return 0;
    return spec->timeout_ms != QUEUE_NO_LIMIT ? spec->timeout_ms : queue_timeout_ms(q);
}

static void timeout_is_due(struct alarm *a)
{
    struct consumer *c = CONTAINER_OF(a, struct consumer, timeout);
    struct list_link *first = list_first(&c->held);
    uint64_t now_ns = io_now_ns(c->queue->home->io);

    if (first == NULL)
        return; /* it is set again with the next delivery */
    uint64_t due_ns = inflight_at(first)->since_ns + c->timeout_ms * NS_PER_MS;
    if (due_ns > now_ns)
        alarm_set_after(&c->queue->home->alarms, a, due_ns - now_ns);
    else
        c->ops->timed_out(c->owner, c, c->timeout_ms);
}

/* ---- deliveries without a consumer ---- */

/* When it has been held for too long; UINT64_MAX: never. */
static uint64_t overdue_ns(const struct inflight *f)
{
    return f->timeout_ms == 0 ? UINT64_MAX : f->since_ns + f->timeout_ms * NS_PER_MS;
}

/* They are in no order, so all are looked at, but not too often. */
void queue_overdue_is_due(struct alarm *a)
{
    struct queue *q = CONTAINER_OF(a, struct queue_waits, overdue)->queue;
    uint64_t now_ns = io_now_ns(q->home->io);
    uint64_t next_ns = UINT64_MAX;

    LIST_FOREACH (link, &q->loose) {
        struct inflight *f = inflight_at(link);
        uint64_t due_ns = overdue_ns(f);

        if (due_ns <= now_ns) {
            if (f->d.holder != NULL)
                f->d.holder->overdue(f->d.holder, f->timeout_ms);
            f->timeout_ms = 0; /* he was told */
        } else if (due_ns < next_ns) {
            next_ns = due_ns;
        }
    }
    if (next_ns != UINT64_MAX)
        alarm_set_after(&q->home->alarms, a,
                        next_ns - now_ns > LOOK_MIN_NS ? next_ns - now_ns : LOOK_MIN_NS);
}

static void watch_loose(struct queue *q, uint64_t due_ns)
{
    uint64_t now_ns = io_now_ns(q->home->io);
    struct alarm *a = &queue_waits(q)->overdue;

    if (!alarm_waits(a) || due_ns < a->node.order)
        alarm_set_after(&q->home->alarms, a, due_ns > now_ns ? due_ns - now_ns : 0);
}

void queue_add_loose(struct queue *q, struct inflight *f)
{
    uint64_t due_ns = overdue_ns(f);

    list_push(&q->loose, &f->link);
    if (due_ns != UINT64_MAX)
        watch_loose(q, due_ns);
}

/* One in each partition, or in the one stream. */
static void add_bookmarks(struct consumer *c, const struct stream_want *want)
{
    const struct stream *s = c->queue->stream;
    const struct stream_start next = {.kind = STREAM_NEXT};
    const struct stream_start *start = want != NULL ? &want->start : &next;

    for (uint32_t i = 0; i < s->partition_count; i++)
        bookmark_attach(bookmark_new(s->partitions[i], start, NULL), c);
    if (c->queue->args.partitions == 0)
        bookmark_attach(bookmark_new(c->queue, start, NULL), c);
}

static void begin_to_read(struct consumer *c, const struct consumer_spec *spec)
{
    if (spec->group.size > 0)
        group_join(c, spec->group, &spec->stream->start);
    else
        add_bookmarks(c, spec->stream);
}

int queue_consume(struct queue *q, const struct consumer_spec *spec, struct consumer **out)
{
    bool is_shared = !spec->is_exclusive && (q->is.is_single_active || q->single == NULL);

    ASSERT(spec->ops != NULL && spec->ops->deliver != NULL);
    if (!is_shared && (q->consumer_count > 0 || q->is.is_single_active))
        return ERR_BUSY;
    if (spec->group.size > 0 && !queue_has_room_for_group(q, spec->group))
        return ERR_FULL;

    struct consumer *c = MEM_NEW(struct consumer);
    c->queue = q;
    c->ops = spec->ops;
    c->owner = spec->owner;
    c->visitor = spec->visitor;
    c->prefetch = spec->prefetch;
    c->shared = spec->shared;
    c->is_no_ack = spec->is_no_ack;
    c->is_exclusive = spec->is_exclusive;
    c->is_inside = spec->is_inside;
    c->held_max =
        spec->prefetch > 0
            ? spec->prefetch
            : (uint32_t)smaller((uint64_t)q->home->options->consumer_unsettled_max, UINT32_MAX);
    c->timeout_ms = timeout_of(q, spec);
    c->level = level_of(q, ZOO(PRIORITY_IGNORED) ? 0 : spec->priority);
    c->stream = q->stream != NULL ? stream_reading_new(spec->stream) : NULL;
    list_init(&c->held);
    alarm_init(&c->timeout, timeout_is_due);
    list_push(&c->level->consumers, &c->link);
    q->consumer_count++;
    if (spec->is_exclusive)
        q->single = c;
    queue_use(q);
    choose_single(q);
    consumer_update(c);
    if (q->stream != NULL)
        begin_to_read(c, spec);
    *out = c;
    return 0;
}

/* Takes the consumer out of its queue and frees it. */
static void consumer_free(struct consumer *c)
{
    struct queue *q = c->queue;
    struct level *l = c->level;

    if (c->stream != NULL && c->stream->member != NULL)
        group_leave(c->stream->member);
    stream_reading_free(c->stream);
    if (list_linked(&c->run))
        list_remove(&c->run);
    list_remove(&c->link);
    if (list_empty(&l->consumers)) {
        list_remove(&l->link);
        mem_free(l);
    }
    alarm_stop_span(&q->home->alarms, &c->timeout);
    q->consumer_count--;
    if (q->single == c)
        q->single = NULL;
    mem_free(c);
}

/* The deliveries stay with their holder, but nobody's credit waits for them, except that of the
 * channel. */
static void leave_deliveries(struct consumer *c)
{
    struct list_link *link;

    while ((link = list_take(&c->held)) != NULL) {
        inflight_at(link)->d.consumer = NULL;
        inflight_at(link)->timeout_ms = c->timeout_ms;
        queue_add_loose(inflight_at(link)->d.queue, inflight_at(link));
    }
    c->held_count = 0;
}

static void end_one(struct consumer *c)
{
    struct queue *q = c->queue;

    consumer_free(c);
    choose_single(q);
    queue_use(q);
    if (q->consumer_count == 0 && q->is.is_auto_delete) {
        q->is.is_unused = true;
        queue_activate(q);
    }
}

static void tell_gone(const struct consumer *c)
{
    const struct queues_calls *calls = &c->queue->home->calls;

    if (calls->on_consumer_gone != NULL)
        calls->on_consumer_gone(calls->owner, c);
}

void consumer_cancel(struct consumer *c)
{
    tell_gone(c);
    leave_deliveries(c);
    end_one(c);
}

void consumer_expel(struct consumer *c, enum cancel_reason reason)
{
    tell_gone(c);
    leave_deliveries(c);
    c->ops->cancelled(c->owner, c, reason);
    end_one(c);
}

void consumer_resume(struct consumer *c)
{
    c->is_stalled = false;
    consumer_update(c);
}

/* One of its own, or one of the front that it is a partition of. */
static struct consumer *any_consumer(const struct queue *q)
{
    if (q->stream == NULL)
        return first_consumer(q);
    LIST_FOREACH (link, &q->stream->bookmarks) {
        struct bookmark *p = CONTAINER_OF(link, struct bookmark, of_stream);

        if (p->consumer != NULL) /* else it is of a basic.get */
            return p->consumer;
    }
    return first_consumer(q);
}

static void end_consumers(struct queue *q, bool is_told, enum cancel_reason reason)
{
    struct consumer *c;

    while ((c = any_consumer(q)) != NULL) {
        if (is_told)
            tell_gone(c);
        leave_deliveries(c);
        if (is_told)
            c->ops->cancelled(c->owner, c, reason);
        consumer_free(c);
    }
    q->is.is_handing_over = false;
}

void queue_end_consumers(struct queue *q, enum cancel_reason reason)
{
    end_consumers(q, true, reason);
}

void queue_free_consumers(struct queue *q)
{
    end_consumers(q, false, CANCEL_QUEUE_DELETED);
}

/* ---- look ---- */

struct queue *consumer_queue(const struct consumer *c)
{
    return c->queue;
}

uint64_t consumer_next_offset(const struct consumer *c)
{
    const struct bookmark *p = NULL;

    ASSERT(c->stream != NULL && !list_empty(&c->stream->bookmarks));
    p = CONTAINER_OF(list_first(&c->stream->bookmarks), struct bookmark, of_consumer);
    return p->is_seeking ? 0 : p->next - 1;
}

void *consumer_owner(const struct consumer *c)
{
    return c->owner;
}

void *consumer_visitor(const struct consumer *c)
{
    return c->visitor;
}

struct consumer *queue_consumers_next(const struct queue *q, const struct consumer *c)
{
    const struct list_link *next = c == NULL ? NULL : c->link.next;

    if (c == NULL)
        return first_consumer(q);
    if (next != &c->level->consumers.head)
        return CONTAINER_OF(next, struct consumer, link);
    next = c->level->link.next; /* no level is without a consumer */
    if (next == &q->levels.head)
        return NULL;
    next = list_first(&CONTAINER_OF(next, struct level, link)->consumers);
    return CONTAINER_OF(next, struct consumer, link);
}

void consumer_get_view(const struct consumer *c, struct consumer_view *out)
{
    *out = (struct consumer_view){
        .queue = c->queue,
        .counts = c->counts,
        .is_no_ack = c->is_no_ack,
        .is_exclusive = c->is_exclusive,
        .is_active = consumer_is_active(c),
        .is_waiting = !c->is_runnable,
        .priority = c->level->priority,
        .prefetch = c->prefetch,
        .unacked = c->held_count,
        .timeout_ms = c->timeout_ms,
    };
    if (c->ops->describe != NULL)
        c->ops->describe(c->owner, &out->person);
}

bool queue_has_exclusive_consumer(const struct queue *q)
{
    return q->single != NULL && q->single->is_exclusive;
}
