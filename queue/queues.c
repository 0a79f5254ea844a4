/* All queues of a partition, and the pass at the end of a turn: queues that something happened to
 * are visited, then what was settled is written in one record. */
#include <limits.h>
#include <string.h>

#include "base/mem.h"
#include "queue/group_parts.h"
#include "queue/origins.h"
#include "queue/queues_parts.h"
#include "queue/stream.h"
#include "queue/stream_rest.h"
#include "store/records.h"

#define LOOK_NS  UINT64_C(5000000000)
#define CLOCK_NS UINT64_C(1000000000)
#define AGAIN_NS UINT64_C(100000000)
#define KEEP_NS  UINT64_C(5000000000)

enum { INFLIGHTS_MAX = 1 << 26, RECORD_BUFFER_MAX = 8 << 20, DEATHS_MAX = 256, TRIM_STEP = 1024 };

/* ---- the active list ---- */

void queues_need_pass(struct queues *qs)
{
    if (qs->partition != NULL)
        io_later(qs->io, &qs->task);
}

void queue_activate(struct queue *q)
{
    if (!list_linked(&q->active)) {
        list_push(&q->home->active, &q->active);
        queues_need_pass(q->home);
    }
}

/* ---- the pass ---- */

/* The queue's own lane loses what lies below the first live message, file by file. */
static void trim_lane(struct queue *q)
{
    uint64_t low = ledger_low(&q->ledger);

    if (low - q->marks.trimmed < TRIM_STEP && q->ledger.live > 0)
        return;
    if (q->home->partings.count > 0)
        return; /* a group that is not committed yet may not have happened after a crash */
    q->marks.trimmed = low;
    log_trim(partition_log(q->home->partition), q->identity->id, low);
}

/* Arms what the queue waits for, and gives back what an idle queue does not need. */
static void rest(struct queue *q)
{
    bool is_read = !list_empty(&q->gets) || q->consumer_count > 0;

    queue_set_expire_alarm(q);
    if (UNLIKELY(q->is.has_lane))
        trim_lane(q);
    if (q->reading.reader != NULL && (!is_read || queue_ready_count(q) == 0))
        queue_close_reader(&q->reading);
    if (q->dead.reading.reader != NULL && list_empty(&q->dead.dying))
        queue_close_reader(&q->dead.reading);
}

static void visit_stream(struct queue *q, unsigned *budget)
{
    unsigned max = *budget < STREAM_MAX ? *budget : STREAM_MAX;
    unsigned done = stream_dispatch(q, max);

    *budget -= done < *budget ? done : *budget;
    if (done >= max)
        queue_activate(q);
}

/* Does what there is to do for a queue. The queue may be gone afterwards. */
static void visit(struct queue *q, unsigned *budget)
{
    if (UNLIKELY(q->stream != NULL)) {
        visit_stream(q, budget);
        return;
    }
    struct queues *qs = q->home;
    unsigned max = *budget < BURST_MAX ? *budget : BURST_MAX;
    unsigned released = holdback_release(q, max);
    unsigned done = queue_dispatch(q, max);
    bool has_more = done == max || released == max;

    if (!has_more) { /* else more may be delivered before it is too old or too many */
        has_more = queue_expire(q);
        has_more = queue_shorten(q) || has_more;
    }
    if (!has_more && !list_empty(&q->gets)) { /* they find what is there when all that is done */
        done += queue_serve_gets(q, max - done);
        has_more = done == max;
    }
    unsigned buried = queue_bury_dead(q, DEATHS_MAX);
    has_more = has_more || buried == DEATHS_MAX;
    done += buried;
    *budget -= done < *budget ? done : *budget;
    if (has_more)
        queue_activate(q);
    rest(q);
    if (q->is.is_unused) {
        q->is.is_unused = false;
        if (q->consumer_count == 0 && qs->calls.on_unused != NULL)
            qs->calls.on_unused(qs->calls.owner, q); /* it may be gone now */
    }
}

static void tell_pressure(struct queues *qs)
{
    bool is_pressed = qs->partition != NULL &&
                      (partition_is_pressed(qs->partition) || store_is_pressed(qs->store));

    if (is_pressed == qs->is_pressed)
        return;
    qs->is_pressed = is_pressed;
    if (qs->calls.on_pressure != NULL)
        qs->calls.on_pressure(qs->calls.owner, is_pressed);
}

/* The wall clock may jump at any time, and passes see it; without them somebody looks, as long as
 * there is anything that goes by a clock. */
static void watch_clock(struct queues *qs)
{
    if (qs->partition != NULL && !alarm_waits(&qs->steady.look))
        alarm_set_after(&qs->alarms, &qs->steady.look, CLOCK_NS);
}

static void clock_is_due(struct alarm *a)
{
    struct queues *qs = CONTAINER_OF(a, struct queues, steady.look);

    (void)queues_write_clock(qs);
    if (alarms_wait(&qs->alarms) || sequels_count(&qs->memory.sequels) > 0)
        watch_clock(qs);
}

/* What this turn has left. A turn may have many passes: whoever is served may ask for more at once,
 * and he whose bytes have left, too. As many may go as have come into queues since the turn before,
 * or those would grow whose consumers are fast enough. */
static unsigned budget_of(struct queues *qs)
{
    struct queues_turn *t = &qs->turn;
    uint64_t now_ns = io_now_ns(qs->io);

    if (now_ns != t->began_ns) {
        uint64_t published =
            qs->tallies[QUEUE_CLASSIC].published + qs->tallies[QUEUE_QUORUM].published;
        uint64_t more = published - t->published;

        t->left = more < PASS_MAX ? PASS_MAX : more;
        t->published = published;
        t->began_ns = now_ns;
    }
    return t->left < UINT_MAX ? (unsigned)t->left : UINT_MAX;
}

static void run_pass(struct queues *qs)
{
    unsigned budget = budget_of(qs);
    struct list_link *link;

    while (budget > 0 && (link = list_take(&qs->active)) != NULL)
        visit(CONTAINER_OF(link, struct queue, active), &budget);
    qs->turn.left = budget;
    bool has_graves = queues_dig(qs, GRAVE_STEPS);
    int rv = queues_write_settles(qs);
    qs->steady.is_seen = false;
    tell_pressure(qs);
    watch_clock(qs);
    /* What is left is for the next turn, so that sockets are served between; what the log refused
     * is tried again when its pressure is over. A pressure that is over before the log has told of
     * it ends without a word, so it is looked at. */
    if (!list_empty(&qs->active) || has_graves) {
        io_task_cancel(&qs->task); /* the visits asked for another pass, which would do nothing */
        io_timer_start(qs->io, &qs->turn.next, 0);
    } else if ((rv == ERR_FULL || qs->is_pressed) && !io_timer_is_running(&qs->turn.next))
        io_timer_start(qs->io, &qs->turn.next, AGAIN_NS);
}

static void pass(struct io_task *t)
{
    run_pass(CONTAINER_OF(t, struct queues, task));
}

static void next_turn(struct io_timer *t)
{
    struct queues *qs = CONTAINER_OF(t, struct queues, turn.next);

    qs->turn.began_ns = 0;
    queues_need_pass(qs);
}

/* ---- readers ---- */

void queues_watch_readers(struct queues *qs)
{
    if (!alarm_waits(&qs->reading.look))
        alarm_set_after(&qs->alarms, &qs->reading.look, LOOK_NS);
}

/* Closes what was not used since the last look: a consumer may stand still for ever, and a reader
 * holds files and memory. */
static void look_is_due(struct alarm *a)
{
    struct queues *qs = CONTAINER_OF(a, struct queues, reading.look);

    LIST_FOREACH_SAFE (link, &qs->reading.open) {
        struct queue_reading *r = CONTAINER_OF(link, struct queue_reading, link);

        if (!r->was_used && !r->is_waiting)
            queue_close_reader(r);
        r->was_used = false;
    }
    if (!list_empty(&qs->reading.open))
        queues_watch_readers(qs);
}

void queues_keep_streams(struct queues *qs)
{
    if (qs->partition != NULL && qs->streams.count > 0 && !alarm_waits(&qs->streams.keeping))
        alarm_set_after(&qs->alarms, &qs->streams.keeping, KEEP_NS);
}

static void keeping_is_due(struct alarm *a)
{
    struct queues *qs = CONTAINER_OF(a, struct queues, streams.keeping);

    streams_look(qs);
    queues_keep_streams(qs);
}

static void claims_are_due(struct alarm *a)
{
    claims_hurry(CONTAINER_OF(a, struct queues, streams.claims.write));
}

/* ---- what the partition says ---- */

static void committed(struct partition_watcher *w, uint64_t position)
{
    struct queues *qs = CONTAINER_OF(w, struct queues, watcher);

    queues_partings_committed(qs, position);
    queues_remote_committed(qs, position);
    streams_committed(qs);
    groups_committed(qs);
    groups_look_at_waits(qs);
}

static void failed(struct partition_watcher *w, int err)
{
    struct queues *qs = CONTAINER_OF(w, struct queues, watcher);

    (void)err;
    groups_end_waits(qs);
    for (size_t i = 0; i < qs->count; i++) {
        queue_end_consumers(qs->all[i], CANCEL_QUEUE_FAILED);
        if (qs->all[i]->stream != NULL)
            queue_answer_gets(qs->all[i]); /* what they wait for is never committed */
    }
}

static void pressure(struct partition_watcher *w, bool is_pressed)
{
    struct queues *qs = CONTAINER_OF(w, struct queues, watcher);

    (void)is_pressed;
    for (size_t i = 0; i < qs->count && qs->blocked_count > 0; i++)
        queue_unblock(qs->all[i]);
    queues_need_pass(qs);
}

static void store_pressure(void *owner, bool is_pressed)
{
    (void)is_pressed;
    pressure(&((struct queues *)owner)->watcher, is_pressed);
}

/* ---- the queues by id ---- */

/* The index of the first queue whose id is not below. */
static size_t seek(const struct queues *qs, uint64_t id)
{
    size_t low = 0, high = qs->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (qs->all[middle]->identity->id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct queue *queues_find(const struct queues *qs, uint64_t id)
{
    size_t i = seek(qs, id);

    return i < qs->count && qs->all[i]->identity->id == id ? qs->all[i] : NULL;
}

void queues_insert(struct queues *qs, struct queue *q)
{
    size_t i = seek(qs, q->identity->id);

    ASSERT(i == qs->count || qs->all[i]->identity->id != q->identity->id);
    if (qs->count == qs->capacity) {
        qs->capacity = qs->capacity > 0 ? qs->capacity * 2 : 16;
        qs->all = (struct queue **)mem_grow(qs->all, qs->capacity, sizeof(struct queue *));
    }
    memmove(&qs->all[i + 1], &qs->all[i], (qs->count - i) * sizeof(struct queue *));
    qs->all[i] = q;
    qs->count++;
}

void queues_remove(struct queues *qs, struct queue *q)
{
    size_t i = seek(qs, q->identity->id);

    ASSERT(i < qs->count && qs->all[i] == q);
    qs->count--;
    memmove(&qs->all[i], &qs->all[i + 1], (qs->count - i) * sizeof(struct queue *));
}

struct queue *queues_next(struct queues *qs, struct queue *q)
{
    size_t i = q == NULL ? 0 : seek(qs, q->identity->id) + 1;

    return i < qs->count ? qs->all[i] : NULL;
}

void queues_scratch_targets(struct queues *qs, size_t count)
{
    if (count <= qs->scratch.capacity)
        return;
    qs->scratch.capacity = count + count / 2;
    qs->scratch.targets = (struct store_target *)mem_grow(qs->scratch.targets, qs->scratch.capacity,
                                                          sizeof(struct store_target));
    qs->scratch.queues =
        (struct queue **)mem_grow(qs->scratch.queues, qs->scratch.capacity, sizeof(struct queue *));
}

/* ---- graves ---- */

void queues_bury(struct queues *qs, struct grave *g)
{
    if (g->ledger.live == 0) {
        ledger_release(&g->ledger);
        mem_free(g);
        return;
    }
    list_push(&qs->graves, &g->link);
    queues_need_pass(qs);
}

/* Lets go of up to `steps` messages of one grave. Returns how many steps are left. */
static size_t dig(struct queues *qs, struct grave *g, size_t steps)
{
    struct ledger_entry e;
    uint64_t seq;

    for (; steps > 0 && ledger_next_live(&g->ledger, g->at, &seq, &e); steps--) {
        bool was_live = ledger_settle(&g->ledger, seq);

        ASSERT(was_live);
        g->at = seq + 1;
        if (g->is_durable)
            store_settle(qs->store, e.place, g->queue, seq);
        else
            store_unref(qs->store, e.place);
    }
    return steps;
}

bool queues_dig(struct queues *qs, size_t steps)
{
    struct list_link *link;

    while (steps > 0 && (link = list_first(&qs->graves)) != NULL) {
        struct grave *g = CONTAINER_OF(link, struct grave, link);

        steps = dig(qs, g, steps);
        if (g->ledger.live > 0)
            continue;
        list_remove(&g->link);
        ledger_release(&g->ledger);
        mem_free(g);
    }
    return !list_empty(&qs->graves);
}

/* ---- open, close ---- */

struct queues *queues_new(struct io *io, const char *scratch_dir,
                          const struct queues_options *options, const struct queues_calls *calls)
{
    struct queues *qs = MEM_NEW(struct queues);

    qs->io = io;
    qs->options = options;
    qs->calls = *calls;
    qs->store = store_new(io, scratch_dir, &options->store);
    store_set_pressure(qs->store, store_pressure, qs);
    qs->watcher.committed = committed;
    qs->watcher.failed = failed;
    qs->watcher.pressure = pressure;
    list_init(&qs->active);
    list_init(&qs->graves);
    list_init(&qs->reading.open);
    list_init(&qs->reading.browses);
    list_init(&qs->streams.fresh);
    alarm_init(&qs->steady.look, clock_is_due);
    alarm_init(&qs->reading.look, look_is_due);
    alarm_init(&qs->streams.keeping, keeping_is_due);
    stream_rest_init(qs);
    list_init(&qs->streams.claims.moved);
    list_init(&qs->streams.claims.resets);
    list_init(&qs->streams.claims.waits);
    alarm_init(&qs->streams.claims.write, claims_are_due);
    list_init(&qs->detached);
    sequels_init(&qs->memory.sequels, io_random(io));
    list_init(&qs->remote.awaiting);
    list_init(&qs->remote.outgoing);
    io_task_init(&qs->task, pass);
    io_timer_init(&qs->turn.next, next_turn);
    alarms_init(&qs->alarms, io);
    pool_init(&qs->inflights, sizeof(struct inflight), INFLIGHTS_MAX);
    settles_init(&qs->settles);
    qs->memory.origins = origins_new();
    map_init(&qs->partings.messages);
    buf_init(&qs->scratch.record, RECORD_BUFFER_MAX);
    death_papers_init(&qs->scratch.papers);
    return qs;
}

/* From here on deliveries may happen that no record tells of; so that a crash is not taken for the
 * clean stop before it, there is a record behind that. */
static void write_start(struct queues *qs)
{
    struct log_entry entry = {
        .kind = RECORD_SETTLE, .may_use_reserve = true, .is_transitory = true};
    uint64_t position;
    uint8_t *body;

    (void)!partition_append(qs->partition, &entry, &position, &body);
}

void queues_start(struct queues *qs, struct partition *p)
{
    ASSERT(qs->partition == NULL);
    steady_start(&qs->steady, qs->io);
    qs->partition = p;
    store_replayed(qs->store, p);
    partition_watch(p, &qs->watcher);
    if (qs->survivors.is_clean)
        write_start(qs);
    for (size_t i = 0; i < qs->count; i++) {
        uint64_t first, end;

        qs->all[i]->is.has_lane =
            log_lane(partition_log(p), qs->all[i]->identity->id, &first, &end);
        if (qs->all[i]->stream != NULL)
            stream_start(qs->all[i]);
        queue_activate(qs->all[i]);
        queue_use(qs->all[i]);
        if (queue_is_cache(qs->all[i]))
            (void)queue_purge(qs->all[i]); /* a crash came between the message and its settle */
    }
    queues_keep_streams(qs);
    queues_need_pass(qs);
}

/* Without the world when nothing is planned: it may have ended. */
static void stop_turning(struct queues *qs)
{
    io_task_cancel(&qs->task);
    if (io_timer_is_running(&qs->turn.next))
        io_timer_stop(qs->io, &qs->turn.next);
}

void queues_stop(struct queues *qs)
{
    for (size_t i = 0; i < qs->count; i++) {
        ASSERT(qs->all[i]->consumer_count == 0);
        queue_end_deliveries(qs->all[i]);
        groups_stop(qs->all[i]);
    }
    groups_end_waits(qs);
    queues_forget_waits(qs);
    claims_hurry(qs);
    (void)queues_write_settles(qs);
    stop_turning(qs);
    alarms_release(&qs->alarms);
    partition_unwatch(&qs->watcher);
    qs->partition = NULL;
}

bool queues_find_origin(const struct queues *qs, uint64_t replay, uint16_t part, uint64_t *next)
{
    return origins_find(qs->memory.origins, replay, part, next);
}

void queues_drop_origins(struct queues *qs, uint64_t replay, size_t parts)
{
    for (size_t i = 0; i < parts; i++)
        origins_drop(qs->memory.origins, replay, (uint16_t)i);
}

void queues_free(struct queues *qs)
{
    struct list_link *link;

    partition_unwatch(&qs->watcher);
    stop_turning(qs);
    queues_forget_waits(qs);
    while (qs->count > 0)
        queue_free(qs->all[qs->count - 1]);
    while ((link = list_take(&qs->detached)) != NULL)
        inflight_free(inflight_at(link));
    while ((link = list_take(&qs->graves)) != NULL) {
        struct grave *g = CONTAINER_OF(link, struct grave, link);

        ledger_release(&g->ledger);
        mem_free(g);
    }
    alarms_release(&qs->alarms);
    pool_release(&qs->inflights);
    settles_release(&qs->settles);
    sequels_release(&qs->memory.sequels);
    origins_free(qs->memory.origins);
    map_release(&qs->partings.messages);
    mem_free(qs->partings.items);
    mem_free(qs->returns.items);
    buf_release(&qs->scratch.record);
    death_papers_release(&qs->scratch.papers);
    mem_free(qs->scratch.targets);
    mem_free(qs->scratch.queues);
    mem_free(qs->scratch.dead_targets);
    mem_free(qs->all);
    store_free(qs->store);
    mem_free(qs);
}

struct partition *queues_partition(struct queues *qs)
{
    return qs->partition;
}

struct store *queues_store(struct queues *qs)
{
    return qs->store;
}

const struct queues_tally *queues_get_tally(const struct queues *qs, enum queue_type type)
{
    return &qs->tallies[type];
}

void queues_tally_add(struct queues_tally *sum, const struct queues_tally *t)
{
    sum->published += t->published;
    sum->delivered += t->delivered;
    sum->delivered_no_ack += t->delivered_no_ack;
    sum->got += t->got;
    sum->got_no_ack += t->got_no_ack;
    sum->got_nothing += t->got_nothing;
    sum->redelivered += t->redelivered;
    sum->acked += t->acked;
    for (size_t d = 0; d < DEATHS; d++)
        sum->dead[d] += t->dead[d];
}

bool queues_have_streams(const struct queues *qs)
{
    return qs->streams.count > 0;
}

bool queues_are_pressed(const struct queues *qs)
{
    return qs->is_pressed;
}
