/* Streams: what is in them, and who is told of what comes; see stream.h. */
#include "queue/stream.h"

#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/zoo.h"
#include "msg/props.h"
#include "queue/group_parts.h"
#include "queue/queues_parts.h"

/* Part of what is on disk: a key stays in its partition for ever. */
#define PARTITION_SEED UINT64_C(0)

enum { BULKIES_FIRST = 8 };

void stream_init(struct queue *q)
{
    struct stream *s = MEM_NEW(struct stream);

    s->queue = q;
    s->lows.low = 1;
    s->lows.sure = 1;
    list_init(&s->bookmarks);
    list_init(&s->runnable);
    list_init(&s->tail);
    list_init(&s->claims);
    list_init(&s->groups);
    stream_times_init(&s->times);
    q->stream = s;
    q->home->streams.count++;
}

void stream_release(struct queue *q)
{
    struct stream *s = q->stream;

    groups_release(q);
    claims_release(q);
    ASSERT(list_empty(&s->bookmarks));
    if (list_linked(&s->fresh))
        list_remove(&s->fresh);
    stream_times_release(&s->times);
    mem_free(s->bulkies.items);
    mem_free(s->partitions);
    mem_free(s);
    q->stream = NULL;
    q->home->streams.count--;
}

/* ---- what is there ---- */

static bool find_lane(const struct queue *q, uint64_t *first, uint64_t *end)
{
    return q->home->partition != NULL &&
           log_lane(partition_log(q->home->partition), q->identity->id, first, end);
}

uint64_t stream_first(const struct queue *q)
{
    uint64_t first, end;

    if (!find_lane(q, &first, &end))
        first = ledger_low((struct ledger *)&q->ledger); /* it only remembers what it finds */
    return first > q->stream->lows.low ? first : q->stream->lows.low;
}

uint64_t stream_count(const struct queue *q)
{
    const struct stream *s = q->stream;
    uint64_t count = 0;

    for (uint32_t i = 0; i < s->partition_count; i++)
        count += stream_count(s->partitions[i]);
    return q->args.partitions > 0 ? count : q->ledger.next - stream_first(q);
}

uint64_t stream_bytes(const struct queue *q)
{
    const struct stream *s = q->stream;
    uint64_t bytes = q->ledger.live_bytes;

    for (uint32_t i = 0; i < s->partition_count; i++)
        bytes += stream_bytes(s->partitions[i]);
    if (q->home->partition != NULL)
        bytes += log_lane_bytes(partition_log(q->home->partition), q->identity->id);
    return bytes;
}

/* ---- large bodies ---- */

static void add_bulky(struct stream_bulkies *b, uint64_t seq, uint64_t part_first)
{
    if (b->first + b->count == b->capacity && b->first > 0) {
        memmove(b->items, b->items + b->first, b->count * sizeof(*b->items));
        b->first = 0;
    }
    if (b->first + b->count == b->capacity) {
        b->capacity = b->capacity > 0 ? b->capacity * 2 : BULKIES_FIRST;
        b->items =
            (struct stream_bulky *)mem_grow(b->items, b->capacity, sizeof(struct stream_bulky));
    }
    b->items[b->first + b->count++] = (struct stream_bulky){seq, part_first};
}

void stream_keep_parts(struct queue *q, uint64_t seq, uint64_t part_first)
{
    if (UNLIKELY(part_first != STORE_NO_PARTS))
        add_bulky(&q->stream->bulkies, seq, part_first);
}

static void give_parts_below(struct queue *q, uint64_t seq)
{
    struct stream_bulkies *b = &q->stream->bulkies;

    for (; b->count > 0 && b->items[b->first].seq < seq; b->first++, b->count--)
        store_parts_give(q->home->store, b->items[b->first].part_first);
    if (b->count == 0)
        b->first = 0;
}

/* ---- what comes ---- */

/* Those that do not wait for a commit. */
static void wake_inside(struct stream *s)
{
    LIST_FOREACH_SAFE (link, &s->tail) {
        struct bookmark *p = CONTAINER_OF(link, struct bookmark, run);

        if (p->consumer != NULL && p->consumer->is_inside)
            bookmark_wake(p);
    }
}

void stream_arrived(struct queue *q, uint64_t seq, uint64_t part_first)
{
    struct stream *s = q->stream;

    stream_keep_parts(q, seq, part_first);
    stream_times_add(&s->times, seq, io_wall_ms(q->home->io));
    if (UNLIKELY(s->inside_count > 0))
        wake_inside(s);
    if (!list_empty(&s->tail) && !list_linked(&s->fresh))
        list_push(&q->home->streams.fresh, &s->fresh);
}

void streams_committed(struct queues *qs)
{
    struct list_link *link;

    while ((link = list_take(&qs->streams.fresh)) != NULL) {
        struct stream *s = CONTAINER_OF(link, struct stream, fresh);
        struct list_link *run;

        while ((run = list_first(&s->tail)) != NULL)
            bookmark_wake(CONTAINER_OF(run, struct bookmark, run));
    }
}

/* ---- what goes ---- */

static void end_entries_below(struct queue *q, uint64_t seq)
{
    ledger_settle_below(&q->ledger, seq, NULL, NULL);
    stream_times_trim(&q->stream->times, seq);
}

void stream_forget_sorted(struct queue *q)
{
    uint64_t seq = ledger_low(&q->ledger), below = seq, left;
    struct ledger_entry e;

    if (q->home->partition == NULL)
        return; /* it closes: what is known too much does no harm */
    left = log_left(partition_log(q->home->partition));
    while (ledger_next_live(&q->ledger, seq, &seq, &e) && e.place < left)
        below = ++seq;
    if (below > ledger_low(&q->ledger))
        end_entries_below(q, below);
}

uint64_t stream_sure(const struct queue *q)
{
    struct stream_lows *l = &q->stream->lows;
    uint64_t covered;
    uint32_t count = 0;

    if (q->home->partition == NULL || l->saved_count == 0)
        return l->sure; /* it closes, or nothing is new */
    covered = log_checkpointed(partition_log(q->home->partition));
    while (count < l->saved_count && l->saved[count].position <= covered)
        l->sure = l->saved[count++].low;
    l->saved_count -= count;
    memmove(l->saved, l->saved + count, l->saved_count * sizeof(l->saved[0]));
    return l->sure;
}

void stream_note_saved(struct queue *q, uint64_t position)
{
    struct stream_lows *l = &q->stream->lows;

    if (l->low == l->sure && l->saved_count == 0)
        return;
    if (l->saved_count == STREAM_SAVED) /* a later one will do */
        memmove(l->saved, l->saved + 1, --l->saved_count * sizeof(l->saved[0]));
    l->saved[l->saved_count++] = (struct stream_saved){position, l->low};
}

/* The lowest seq of which the log may have something. */
static uint64_t lowest_kept(const struct queue *q)
{
    uint64_t first = stream_first(q), sure = stream_sure(q);

    return first < sure ? first : sure;
}

void stream_drop_below(struct queue *q, uint64_t seq)
{
    ASSERT(seq <= q->ledger.next);
    if (seq > q->stream->lows.low)
        q->stream->lows.low = seq;
    end_entries_below(q, q->stream->lows.low);
    give_parts_below(q, lowest_kept(q));
}

void stream_end(struct queue *q)
{
    q->stream->lows.sure = q->ledger.next;
    q->stream->lows.saved_count = 0;
    stream_drop_below(q, q->ledger.next);
}

void stream_start(struct queue *q)
{
    uint64_t first, end;

    if (find_lane(q, &first, &end))
        ledger_skip_to(&q->ledger, end);
    stream_forget_sorted(q);
    stream_drop_below(q, q->stream->lows.low);
    claims_start(q);
    stream_apply_args(q);
}

void stream_apply_args(struct queue *q)
{
    if (q->home->partition != NULL && q->args.partitions == 0)
        log_limit_files(partition_log(q->home->partition), q->identity->id, q->args.segment_bytes);
}

/* ---- keys and partitions ---- */

struct bytes stream_key(const struct message *m)
{
    struct bytes key = m->routing_key;
    struct table headers;
    struct field f;

    if (props_find_headers(&m->props, &headers) &&
        table_find(headers, bytes_text("x-partition-key"), &f) && !ZOO(KEY_IGNORED))
        (void)!field_as_text(&f, &key);
    return key;
}

void queue_add_partition(struct queue *front, struct queue *partition)
{
    struct stream *s = front->stream;

    ASSERT(s->partition_count < front->args.partitions && partition->args.partitions == 0);
    if (s->partitions == NULL)
        s->partitions = MEM_NEW_ARRAY(struct queue *, front->args.partitions);
    s->partitions[s->partition_count++] = partition;
}

struct queue *queue_partition_for(struct queue *q, const struct message *m)
{
    if (LIKELY(q->args.partitions == 0))
        return q;
    return q->stream
        ->partitions[hash64(stream_key(m), PARTITION_SEED) % q->stream->partition_count];
}

/* ---- look ---- */

bool queue_is_stream(const struct queue *q)
{
    return q->stream != NULL;
}

uint64_t queue_first_offset(const struct queue *q)
{
    return stream_first(q) - 1;
}

uint64_t queue_next_offset(const struct queue *q)
{
    return q->ledger.next - 1;
}

void queue_get_place(const struct queue *q, struct stream_place *out)
{
    const struct log *l = partition_log(q->home->partition);
    uint64_t first = 0;
    uint64_t end = 0;

    *out = (struct stream_place){.count = stream_count(q), .bytes = stream_bytes(q)};
    if (!log_lane(l, q->identity->id, &first, &end))
        return;
    out->sorted_first = first > 0 ? first - 1 : 0;
    out->sorted_end = end > 0 ? end - 1 : 0;
    out->sorted_bytes = log_lane_bytes(l, q->identity->id);
}

size_t queue_stream_count(const struct queue *q)
{
    return q->args.partitions > 0 ? q->stream->partition_count : 1;
}

struct queue *queue_stream_at(const struct queue *q, size_t i)
{
    ASSERT(i < queue_stream_count(q));
    return q->args.partitions > 0 ? q->stream->partitions[i] : (struct queue *)(uintptr_t)q;
}

void stream_check(struct queue *q)
{
    struct stream *s = q->stream;
    struct ledger_entry e;
    uint64_t seq = 0, place = 0;

    ASSERT(s->queue == q && s->lows.low <= q->ledger.next);
    while (ledger_next_live(&q->ledger, seq, &seq, &e)) {
        ASSERT(e.place > place || place == 0); /* S2 */
        ASSERT(seq >= s->lows.low);
        place = e.place;
        seq++;
    }
    LIST_FOREACH (link, &s->bookmarks) {
        struct bookmark *p = CONTAINER_OF(link, struct bookmark, of_stream);

        ASSERT(p->queue == q && (p->consumer == NULL) == (p->get != NULL));
        ASSERT(p->consumer == NULL || p->consumer->stream != NULL);
        ASSERT(list_linked(&p->run) == (p->state == BOOKMARK_RUNNABLE ||
                                        p->state == BOOKMARK_TAIL || p->state == BOOKMARK_STARVED ||
                                        p->state == BOOKMARK_RESTING)); /* S3 */
    }
    LIST_FOREACH (link, &s->groups)
        group_check(CONTAINER_OF(link, struct group, of_queue));
    ledger_check(&q->ledger);
}
