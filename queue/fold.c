/* The fold of the queues: their state out of a checkpoint and the records behind it, and what of
 * the log they still need.
 *
 * Part of a checkpoint:
 *
 *     version u8 | count | ( id | kind u8 | size u32 | ledger | counts | seen | keys | ids )* |
 *     count | store | steady | sequels | graves | origins | claims
 *
 *     kind:    0 a queue, 1 a stream, which has low, marks and bulkies (stream_fold.c) instead of
 *              counts and seen; in version 1 there is none, and no stream
 *     counts:  how many | ( seq, less the one before | failures | acquired )*
 *     keys:    of a queue that takes no duplicates, and of a cache: queue/dedup.c
 *     ids:     of a queue of what is delayed: queue/message_ids.c; not there in older ones
 *     seen:    0, or 1 | how many | ( from, less the end before | length )*
 *     steady:  as a CLOCK record; not there in older ones, like all behind it
 *     sequels: queue/sequels.c
 *     graves:  how many | ( id | size u32 | ledger )*, of queues that were deleted or purged: what
 *              was not let go of yet
 *     claims:  how far groups are: queue/claim.h
 *
 * Numbers without a size are varints. `seen` is what was delivered before and is ready again; it is
 * there after a clean stop only, for after a crash every message counts as delivered before. */
#include <stdlib.h>

#include "base/mem.h"
#include "base/zoo.h"
#include "queue/claim.h"
#include "queue/origins.h"
#include "queue/queues_parts.h"
#include "queue/stream.h"
#include "store/records.h"
#include "store/varint.h"

enum { STATE_VERSION = 2, STATE_WITHOUT_STREAMS = 1, FOLD_ID = 2 };

enum { KIND_QUEUE = 0, KIND_STREAM = 1 };

/* ---- save ---- */

static void save_spans(const struct spans *s, struct buf *out)
{
    struct span span;
    uint64_t end = 0;

    buf_varint(out, spans_span_count(s));
    for (uint64_t at = 0; spans_next(s, at, &span); at = span.to) {
        buf_varint(out, span.from - end);
        buf_varint(out, span.to - span.from);
        end = span.to;
    }
}

/* After a clean stop: what was delivered before, of all that is ready. */
static void save_seen(struct queue *q, bool is_last, struct buf *out)
{
    struct ledger_entry e;
    struct spans seen;
    uint64_t seq = 0;

    buf_u8(out, is_last);
    if (!is_last)
        return;
    spans_init(&seen);
    while (ledger_next_live(&q->ledger, seq, &seq, &e)) {
        if (ready_has(&q->ready, seq, e.priority) && ready_was_seen(&q->ready, seq))
            spans_add(&seen, seq);
        else if (q->ready.lanes == NULL && seq >= q->ready.cursor && seq >= q->ready.seen_below &&
                 spans_span_count(&q->ready.seen) == 0)
            break; /* from here on nothing was delivered */
        seq++;
    }
    save_spans(&seen, out);
    spans_release(&seen);
}

static void save_counts(const struct queue *q, struct buf *out)
{
    uint64_t last = 0;

    buf_varint(out, map_count(&q->counts));
    MAP_FOREACH (w, &q->counts) {
        struct counts c = queue_find_counts(q, w.key);

        buf_varint(out, w.key - last); /* wraps, and back again */
        buf_varint(out, c.failures);
        buf_varint(out, c.acquired);
        last = w.key;
    }
}

static void save_queue(struct queue *q, bool is_last, struct buf *out)
{
    buf_varint(out, q->identity->id);
    buf_u8(out, q->stream != NULL ? KIND_STREAM : KIND_QUEUE);

    size_t at = out->size;
    buf_le32(out, 0);
    ledger_save(&q->ledger, out);
    if (q->stream != NULL) {
        stream_save(q, out);
    } else {
        save_counts(q, out);
        save_seen(q, is_last, out);
    }
    if (q->dedup != NULL)
        dedup_save(q->dedup, out);
    if (q->delayed != NULL)
        message_ids_save(&q->delayed->ids, out);
    if (buf_error(out) == 0)
        put_le32(out->data + at, (uint32_t)(out->size - at - sizeof(uint32_t)));
}

/* The store still counts what lies in graves. */
static void save_graves(struct queues *qs, struct buf *out)
{
    uint64_t count = 0;

    LIST_FOREACH (link, &qs->graves)
        count += CONTAINER_OF(link, struct grave, link)->is_durable;
    buf_varint(out, count);
    LIST_FOREACH (link, &qs->graves) {
        struct grave *g = CONTAINER_OF(link, struct grave, link);
        size_t at;

        if (!g->is_durable)
            continue;
        buf_varint(out, g->queue);
        at = out->size;
        buf_le32(out, 0);
        ledger_save(&g->ledger, out);
        if (buf_error(out) == 0)
            put_le32(out->data + at, (uint32_t)(out->size - at - sizeof(uint32_t)));
    }
}

static void save(void *owner, bool is_last, struct buf *out)
{
    struct queues *qs = (struct queues *)owner;
    uint64_t count = 0;

    for (size_t i = 0; i < qs->count; i++) {
        count += qs->all[i]->is.is_durable;
        if (qs->all[i]->stream != NULL)
            stream_forget_sorted(qs->all[i]);
    }
    buf_u8(out, STATE_VERSION);
    buf_varint(out, count);
    for (size_t i = 0; i < qs->count; i++) {
        if (qs->all[i]->is.is_durable)
            save_queue(qs->all[i], is_last, out);
    }
    store_save(qs->store, out);
    steady_save(&qs->steady, qs->io, out);
    sequels_save(&qs->memory.sequels, out);
    save_graves(qs, out);
    origins_save(qs->memory.origins, out);
    claims_save(qs, out);
}

/* ---- restore ---- */

static void restore_counts(struct queue *q, struct reader *r)
{
    uint64_t seq = 0;

    for (uint64_t left = reader_varint(r); left > 0 && !r->is_failed; left--) {
        struct counts c;

        seq += reader_varint(r);
        c.failures = (uint32_t)reader_varint(r);
        c.acquired = (uint32_t)reader_varint(r);
        if (!r->is_failed)
            queue_set_counts(q, seq, c);
    }
}

static void restore_seen(struct queue *q, struct reader *r)
{
    uint64_t end = 0;

    q->is.has_seen = reader_u8(r) != 0;
    if (!q->is.has_seen)
        return;
    for (uint64_t left = reader_varint(r); left > 0 && !r->is_failed; left--) {
        uint64_t from = end + reader_varint(r);
        uint64_t length = reader_varint(r);

        if (from < end || length == 0 || length > UINT64_MAX - 1 - from) {
            r->is_failed = true;
            return;
        }
        if (!r->is_failed)
            spans_add_range(&q->ready.seen, from, from + length);
        end = from + length;
    }
}

/* A queue that is gone since, or what a purged one held: it is let go of. A stream held nothing but
 * the parts of large bodies, which nobody has taken over now. */
static void restore_gone(struct queues *qs, uint64_t id, struct reader *r)
{
    struct grave *g = MEM_NEW(struct grave);

    g->queue = id;
    g->is_durable = true;
    ledger_init(&g->ledger);
    ledger_restore(&g->ledger, r);
    queues_bury(qs, g);
}

/* What is said of one queue. False: it is not what was written. */
static bool restore_part(struct queues *qs, uint64_t id, uint8_t kind, struct reader *r)
{
    struct queue *q = queues_find(qs, id);

    if (kind > KIND_STREAM || (q != NULL && (q->stream != NULL) != (kind == KIND_STREAM)))
        return false;
    if (q == NULL && kind == KIND_STREAM)
        return true;
    if (q == NULL) {
        restore_gone(qs, id, r);
        return true;
    }
    ledger_restore(&q->ledger, r);
    if (kind == KIND_STREAM) {
        stream_restore(q, r);
    } else {
        restore_counts(q, r);
        restore_seen(q, r);
    }
    if (q->dedup != NULL)
        dedup_restore(q->dedup, &q->ledger, r);
    if (q->delayed != NULL)
        message_ids_restore(&q->delayed->ids, &q->ledger, r);
    return reader_is_done(r);
}

static void restore_graves(struct queues *qs, struct reader *r)
{
    for (uint64_t left = reader_varint(r); left > 0 && !r->is_failed; left--) {
        uint64_t id = reader_varint(r);
        struct reader part = reader_sub(r, reader_le32(r));

        restore_gone(qs, id, &part);
        if (!reader_is_done(&part))
            r->is_failed = true;
    }
}

static int restore(void *owner, struct bytes state, struct err_note *note)
{
    struct queues *qs = (struct queues *)owner;
    struct reader r = reader_of(state);
    uint8_t version = reader_u8(&r);

    if (version == 0 || version > STATE_VERSION)
        return err_note(note, ERR_VERSION, "the checkpoint of the queues has version %u, not %u",
                        version, (unsigned)STATE_VERSION);
    for (uint64_t left = reader_varint(&r); left > 0 && !r.is_failed; left--) {
        uint64_t id = reader_varint(&r);
        uint8_t kind = version == STATE_WITHOUT_STREAMS ? KIND_QUEUE : reader_u8(&r);
        struct reader part = reader_sub(&r, reader_le32(&r));

        if (!restore_part(qs, id, kind, &part))
            r.is_failed = true;
    }
    if (!r.is_failed)
        store_restore(qs->store, &r);
    if (!r.is_failed && r.left > 0)
        steady_restore(&qs->steady, &r);
    if (!r.is_failed && r.left > 0)
        sequels_restore(&qs->memory.sequels, &r);
    if (!r.is_failed && r.left > 0)
        restore_graves(qs, &r);
    if (!r.is_failed && r.left > 0)
        origins_restore(qs->memory.origins, &r);
    if (!r.is_failed && r.left > 0)
        claims_restore(qs, &r);
    if (r.is_failed)
        return err_note(note, ERR_CORRUPT, "the checkpoint of the queues is not what was written");
    return 0;
}

/* ---- replay ---- */

/* What a queue remembers of the message of a record. */
static struct ledger_entry entry_of(struct queue *q, const struct store_record *r,
                                    const struct props *props)
{
    return (struct ledger_entry){
        .place = r->stored.place,
        .size = (uint32_t)r->stored.body_size,
        .priority = queue_level(q, props, r->stored.slip),
        .expires_ms = queue_date(q, r->stored.time_ms, queue_expiration(props), props),
    };
}

static int decode(const struct record *record, struct store_record *r, struct props *props)
{
    if (store_record_decode(record, r) != 0 || props_decode(r->stored.props, props) != 0)
        return ERR_CORRUPT;
    return 0;
}

/* What the publisher said about how often the message is published. */
static struct once once_of(const struct store_record *r, const struct props *props)
{
    struct once once = {.seq = 0};
    struct table headers;

    if (!r->stored.is_moved && props_find_headers(props, &headers))
        (void)once_read(headers, &once);
    return once;
}

static void replay_key(struct queue *q, uint64_t seq, const struct store_record *r,
                       const struct props *props)
{
    struct queue_arrived then = {props, steady_seen(&q->home->steady, r->stored.time_ms)};
    struct dedup_key key;

    dedup_key_of(props, &key);
    queue_add_key(q, seq, &key, &then);
}

static void replay_once(struct queue *q, const struct once *once, int64_t time_ms)
{
    int64_t then_ms;

    if (LIKELY(once->publisher.data == NULL) || ZOO(NUMBERS_FORGOTTEN))
        return;
    then_ms = steady_seen(&q->home->steady, time_ms);
    sequels_add(&q->home->memory.sequels, q->identity->id, once, then_ms);
    queues_trim_sequels(q->home, then_ms);
}

/* Adds the message to those of its queues that still exist. */
static int replay_publish(struct queues *qs, const struct record *record)
{
    struct store_target t = {0, 0};
    struct store_record r;
    struct props props;
    uint32_t references = 0;
    struct once once;
    int rv = decode(record, &r, &props);

    if (rv != 0)
        return rv;
    once = once_of(&r, &props);
    origins_note(qs->memory.origins, r.stored.slip);
    while (store_target_next(&r.targets, &t)) {
        struct queue *q = queues_find(qs, t.queue);

        if (q == NULL || t.seq < q->ledger.next)
            continue;
        replay_once(q, &once, r.stored.time_ms);
        if (q->stream != NULL) {
            stream_replay(q, t.seq, &r);
            continue;
        }
        struct ledger_entry e = entry_of(q, &r, &props);
        ledger_add_at(&q->ledger, t.seq, &e);
        if (UNLIKELY(q->dedup != NULL))
            replay_key(q, t.seq, &r, &props);
        if (UNLIKELY(q->delayed != NULL))
            delayed_know(q, t.seq, &props);
        references++;
    }
    if (references > 0)
        store_replay_message(qs->store, &r, references);
    return 0;
}

static int replay_settle(struct queues *qs, const struct record *record)
{
    struct settle_walk w = settle_walk(record->body);
    struct settle_range range;
    struct ledger_entry e;

    while (settle_next(&w, &range)) {
        struct queue *q = queues_find(qs, range.queue);
        uint64_t seq = range.from;

        while (q != NULL && ledger_next_live(&q->ledger, seq, &seq, &e) && seq < range.to) {
            bool was_live = ledger_settle(&q->ledger, seq);

            ASSERT(was_live);
            map_remove(&q->counts, seq);
            if (UNLIKELY(q->dedup != NULL))
                dedup_settle(q->dedup, seq);
            store_settle(qs->store, e.place, q->identity->id, seq);
            seq++;
        }
    }
    return w.is_bad ? ERR_CORRUPT : 0;
}

static int replay_return(struct queues *qs, const struct record *record)
{
    struct reader r = reader_of(record->body);

    while (r.left > 0) {
        struct queue *q = queues_find(qs, reader_varint(&r));
        uint64_t seq = reader_varint(&r);
        struct counts c;

        c.failures = (uint32_t)reader_varint(&r);
        c.acquired = (uint32_t)reader_varint(&r);
        if (!r.is_failed && q != NULL && ledger_is_live(&q->ledger, seq))
            queue_set_counts(q, seq, c);
    }
    return r.is_failed ? ERR_CORRUPT : 0;
}

static void add_survivor(struct queues *qs, const struct survivor *s)
{
    struct queues_survivors *all = &qs->survivors;

    if (all->count == all->capacity) {
        all->capacity = all->capacity > 0 ? all->capacity * 2 : 64;
        all->items = (struct survivor *)mem_grow(all->items, all->capacity, sizeof(*all->items));
    }
    all->items[all->count++] = *s;
}

/* Every checkpoint was lost: what the sorter kept is what was alive then, or later. It comes lane
 * by lane, so it is gathered first: a ledger takes rising seqs. */
static int survivor(void *owner, uint64_t destination, const struct record *record)
{
    struct queues *qs = (struct queues *)owner;
    struct store_target t = {0, 0};
    struct store_record r;
    struct props props;
    uint32_t references = 0;
    struct once once;
    int rv = record->kind == RECORD_PUBLISH ? decode(record, &r, &props) : 0;

    if (record->kind == RECORD_GROUP)
        return claims_survivor(qs, record);
    if (rv != 0 || record->kind != RECORD_PUBLISH)
        return rv;
    once = once_of(&r, &props);
    while (store_target_next(&r.targets, &t)) {
        struct queue *q = queues_find(qs, t.queue);
        struct survivor s = {.queue = q, .seq = t.seq};

        if (q == NULL || (destination != LOG_SHARED && destination != t.queue))
            continue;
        if (q->stream != NULL) { /* what lies in the shared lane too is there for queues */
            if (destination == t.queue)
                stream_survivor(q, t.seq, &r);
            continue;
        }
        s.entry = entry_of(q, &r, &props);
        if (destination != LOG_SHARED)
            s.entry.place = STORE_IN_LANE;
        replay_once(q, &once, r.stored.time_ms);
        if (UNLIKELY(q->dedup != NULL))
            replay_key(q, t.seq, &r, &props);
        if (UNLIKELY(q->delayed != NULL))
            delayed_know(q, t.seq, &props);
        add_survivor(qs, &s);
        references++;
    }
    if (references > 0 && destination == LOG_SHARED)
        store_survivor(qs->store, &r, references);
    return 0;
}

static int compare_survivors(const void *a, const void *b)
{
    const struct survivor *x = (const struct survivor *)a;
    const struct survivor *y = (const struct survivor *)b;

    if (x->queue != y->queue)
        return x->queue->identity->id < y->queue->identity->id ? -1 : 1;
    return x->seq < y->seq ? -1 : x->seq > y->seq;
}

/* Nothing more comes from the lanes: what was gathered goes into the ledgers. */
static void settle_survivors(struct queues *qs)
{
    struct queues_survivors *all = &qs->survivors;

    if (all->count > 1)
        qsort(all->items, all->count, sizeof(*all->items), compare_survivors);
    for (size_t i = 0; i < all->count; i++) {
        struct survivor *s = &all->items[i];

        if (s->seq >= s->queue->ledger.next)
            ledger_add_at(&s->queue->ledger, s->seq, &s->entry);
    }
    mem_free(all->items);
    *all = (struct queues_survivors){0};
}

/* What was replayed since the clock jumped, and before that was seen, showed a wrong time. */
static int replay_clock(struct queues *qs, const struct record *record)
{
    struct reader r = reader_of(record->body);

    steady_restore(&qs->steady, &r);
    return r.is_failed ? ERR_CORRUPT : 0;
}

static int replay(void *owner, const struct record *r)
{
    struct queues *qs = (struct queues *)owner;
    int rv = 0;

    if (UNLIKELY(qs->survivors.count > 0))
        settle_survivors(qs);
    switch (r->kind) {
    case RECORD_PUBLISH:
        rv = replay_publish(qs, r);
        break;
    case RECORD_SETTLE:
        rv = replay_settle(qs, r);
        break;
    case RECORD_RETURN:
        rv = replay_return(qs, r);
        break;
    case RECORD_GROUP:
        rv = claims_replay(qs, r);
        break;
    case RECORD_CLOCK:
        rv = replay_clock(qs, r);
        break;
    default:
        break; /* a PART is known by its PUBLISH; others are of a later version */
    }
    return rv;
}

/* ---- opened ---- */

/* Fills what is derived from the ledger. */
static void index_queue(struct queue *q)
{
    struct ledger_entry e;
    uint64_t seq = ledger_low(&q->ledger);

    q->ready.cursor = seq;
    if (!q->is.has_seen)
        q->ready.seen_below = q->ledger.next;
    while (ledger_next_live(&q->ledger, seq, &seq, &e)) {
        ready_add(&q->ready, seq, e.priority);
        if (e.expires_ms != 0)
            queue_index_date(q, seq, &e);
        seq++;
    }
}

static int opened(void *owner, bool is_clean, struct err_note *note)
{
    struct queues *qs = (struct queues *)owner;

    (void)note;
    settle_survivors(qs);
    qs->survivors.is_clean = is_clean;
    for (size_t i = 0; i < qs->count; i++) {
        struct queue *q = qs->all[i];

        q->is.has_seen = q->is.has_seen && is_clean;
        if (q->dedup != NULL)
            dedup_sweep(q->dedup, &q->ledger);
        if (q->stream == NULL)
            index_queue(q);
    }
    return 0;
}

/* ---- what is still needed ---- */

/* Whether the queue needs the message: it is alive, or was settled together with a publish that is
 * not yet committed. */
static bool needs(const struct queues *qs, const struct store_target *t, struct queue **out)
{
    struct queue *q = queues_find(qs, t->queue);

    *out = q;
    return q != NULL && q->stream == NULL &&
           (ledger_is_live(&q->ledger, t->seq) || queues_is_parting(qs, t));
}

/* A record of the hot log goes into the lanes of its streams, whatever becomes of it elsewhere. */
static void classify_for_streams(struct queues *qs, const struct store_record *record,
                                 struct log_sorting *s)
{
    struct reader targets = record->targets;
    struct store_target t = {0, 0};

    while (store_target_next(&targets, &t)) {
        struct queue *q = queues_find(qs, t.queue);

        if (q != NULL && q->stream != NULL)
            stream_classify(q, t.seq, s);
    }
}

/* A record of the hot log or of the shared lane that no count keeps: the ledgers know. */
static void classify_shared(struct queues *qs, const struct record *r,
                            const struct store_record *record, struct log_sorting *s)
{
    struct reader targets = record->targets;
    struct store_target t = {0, 0};
    struct queue *q;

    while (store_target_next(&targets, &t)) {
        if (!needs(qs, &t, &q))
            continue;
        if (record->target_count > 1) {
            log_keep(s);
            return;
        }
        bool is_deep = q->ledger.live_bytes >= qs->options->lane_min_bytes;
        q->is.has_lane = q->is.has_lane || is_deep;
        store_keep(qs->store, r, s, &t, is_deep);
        return;
    }
}

static void classify(void *owner, uint64_t lane, const struct record *r, struct log_sorting *s)
{
    struct queues *qs = (struct queues *)owner;
    struct store_target own = {lane, r->number};
    struct store_record record;
    struct queue *q;

    if (lane != LOG_SHARED) {
        q = queues_find(qs, lane);
        if (q != NULL && q->stream != NULL ? r->number >= stream_sure(q) : needs(qs, &own, &q))
            log_keep(s);
        return;
    }
    if (r->kind == RECORD_GROUP)
        claims_classify(qs, r, s);
    if (r->kind != RECORD_PUBLISH && r->kind != RECORD_PART)
        return; /* SETTLE and RETURN are in the checkpoint */
    bool is_good = r->kind == RECORD_PUBLISH && store_record_decode(r, &record) == 0;
    if (is_good && qs->streams.count > 0 && store_is_hot(qs->store, r->number))
        classify_for_streams(qs, &record, s);
    if (store_is_needed(qs->store, r))
        log_keep(s);
    else if (is_good)
        classify_shared(qs, r, &record, s);
}

static void sorted(void *owner, uint64_t position)
{
    struct queues *qs = (struct queues *)owner;

    (void)position;
    store_sorted(qs->store);
}

/* An empty message of a key says that there is nothing under it. The newest of a stream stays:
 * without any checkpoint it alone tells which offset comes next. */
static bool is_tombstone(void *owner, const struct record *r)
{
    struct queues *qs = (struct queues *)owner;
    struct store_target t = {0, 0};
    struct store_record record;

    if (r->kind != RECORD_PUBLISH || store_record_decode(r, &record) != 0 ||
        record.stored.body_size > 0)
        return false;
    while (store_target_next(&record.targets, &t)) {
        struct queue *q = queues_find(qs, t.queue);

        if (q != NULL && q->stream != NULL && t.seq + 1 == q->ledger.next)
            return false;
    }
    return true;
}

void queues_fold(struct queues *qs, struct fold *out)
{
    *out = (struct fold){
        .owner = qs,
        .id = FOLD_ID,
        .kind_first = RECORD_QUEUE_FIRST,
        .kind_last = RECORD_QUEUE_LAST,
        .restore = restore,
        .survivor = survivor,
        .replay = replay,
        .opened = opened,
        .save = save,
        .classify = classify,
        .sorted = sorted,
        .is_tombstone = is_tombstone,
    };
}
