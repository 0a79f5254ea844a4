/* Retention: what of a stream is too old or too much goes.
 *
 *     lane      whole files, the oldest first (log_retain()); the newest one stays
 *     hot log   message by message: only the index forgets them, the file goes with its neighbours
 *
 * This happens now and then for every stream, on an idle broker too. Readers lose nothing that they
 * stand on: the log keeps what is pinned; they go on at the first message that is there. */
#include "base/zoo.h"
#include "queue/queues_parts.h"
#include "queue/stream.h"

#define MS_PER_S 1000
#define NS_PER_S UINT64_C(1000000000)

enum { COMPACT_MIN_S = 10, COMPACT_MAX_S = 3600 };

/* How old a message may become; QUEUE_NO_LIMIT: as old as it likes. */
static uint64_t age_max_ms(const struct queue *q)
{
    uint64_t usual_ms = q->home->options->stream_age_max_ms;

    if (q->args.max_age_s != QUEUE_NO_AGE)
        return (uint64_t)q->args.max_age_s * MS_PER_S;
    return usual_ms > 0 ? usual_ms : QUEUE_NO_LIMIT;
}

/* QUEUE_NO_LIMIT: there is none. */
static uint64_t bytes_max(const struct queue *q)
{
    uint64_t usual = q->home->options->stream_bytes_max;

    if (q->args.max_length_bytes != QUEUE_NO_LIMIT)
        return q->args.max_length_bytes;
    return usual > 0 ? usual : QUEUE_NO_LIMIT;
}

/* The seq below which all of the hot log's messages are too old. */
static uint64_t find_old(const struct queue *q)
{
    uint64_t age_ms = age_max_ms(q);

    if (age_ms == QUEUE_NO_LIMIT)
        return 0;
    return stream_times_before(&q->stream->times, io_wall_ms(q->home->io) - (int64_t)age_ms,
                               q->ledger.next);
}

/* The seq below which the hot log alone has more than is to be kept. */
static uint64_t find_surplus(struct queue *q)
{
    uint64_t bytes = q->ledger.live_bytes, most = bytes_max(q), seq = 0;
    struct ledger_entry e;

    if (most == QUEUE_NO_LIMIT)
        return 0;
    if (ZOO(RETENTION_EARLY))
        most /= 4;
    while (bytes > most && ledger_next_live(&q->ledger, seq, &seq, &e) &&
           seq + 1 < q->ledger.next) {
        bytes -= e.size;
        seq++;
    }
    return seq;
}

/* What is not committed yet stays: somebody waits for its confirm. */
static uint64_t not_beyond_committed(struct queue *q, uint64_t seq)
{
    uint64_t committed = partition_committed(q->home->partition);
    struct ledger_entry e;

    while (seq > q->stream->lows.low && ledger_find(&q->ledger, seq - 1, &e) &&
           e.place >= committed)
        seq--;
    return seq;
}

static void retain_lane(const struct queue *q)
{
    uint64_t hot = q->ledger.live_bytes, most = bytes_max(q), age_ms = age_max_ms(q);
    struct log_retention r = {0};

    if (age_ms != QUEUE_NO_LIMIT)
        r.max_age_ms = age_ms > 0 ? age_ms : 1;
    if (most != QUEUE_NO_LIMIT)
        r.max_bytes = most > hot ? most - hot : 1;
    if (r.max_age_ms > 0 || r.max_bytes > 0)
        log_retain(partition_log(q->home->partition), q->identity->id, &r);
}

/* As long as tombstones are kept, within reason. */
static uint64_t compact_pause_ns(const struct queue *q)
{
    uint64_t pause_s = q->args.tombstone_age_s;

    if (pause_s > COMPACT_MAX_S)
        pause_s = COMPACT_MAX_S;
    return (pause_s > COMPACT_MIN_S ? pause_s : COMPACT_MIN_S) * NS_PER_S;
}

/* Compacts the lane when half of it has come since the last time, and now and then for what is
 * only a little, or for tombstones whose time is over. */
static void compact(struct queue *q)
{
    struct stream *s = q->stream;
    struct log *log = partition_log(q->home->partition);
    uint64_t first, end, now_ns = io_now_ns(q->home->io);

    if (!q->args.is_compact || !log_lane(log, q->identity->id, &first, &end))
        return;
    bool is_dirty = (end - s->compacted_to) * 2 >= end - first && end > s->compacted_to;
    if (!is_dirty && now_ns < s->compact_ns)
        return;
    s->compacted_to = end;
    s->compact_ns = now_ns + compact_pause_ns(q);
    log_compact(log, q->identity->id, (uint64_t)q->args.tombstone_age_s * MS_PER_S);
    log_sort(log);
}

static void look(struct queue *q)
{
    uint64_t old = find_old(q), surplus = find_surplus(q);

    stream_forget_sorted(q);
    retain_lane(q);
    if (surplus > old)
        old = surplus;
    stream_drop_below(q, not_beyond_committed(q, old));
    compact(q);
}

void streams_look(struct queues *qs)
{
    if (qs->streams.count == 0 || qs->partition == NULL)
        return;
    for (size_t i = 0; i < qs->count; i++)
        if (qs->all[i]->stream != NULL && qs->all[i]->args.partitions == 0)
            look(qs->all[i]);
}
