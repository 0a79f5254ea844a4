/* Streams in the fold of the queues: what a checkpoint says of them, and what the sorter is told.
 *
 *     of a stream, behind the ledger:   low | marks in time | bulkies
 *
 *     marks:    stream_times_save()
 *     bulkies:  how many | ( seq, less the one before | parts, see store_save_parts() )*
 *
 * Numbers are varints. */
#include "log/log.h"
#include "queue/queues_parts.h"
#include "queue/stream.h"
#include "store/varint.h"

void stream_save(struct queue *q, struct buf *out)
{
    const struct stream *s = q->stream;
    uint64_t seq = 0;

    if (q->home->partition != NULL)
        stream_note_saved(q, log_next(partition_log(q->home->partition)));
    buf_varint(out, s->lows.low);
    stream_times_save(&s->times, out);
    buf_varint(out, s->bulkies.count);
    for (size_t i = 0; i < s->bulkies.count; i++) {
        const struct stream_bulky *b = &s->bulkies.items[s->bulkies.first + i];

        buf_varint(out, b->seq - seq);
        store_save_parts(q->home->store, b->part_first, out);
        seq = b->seq;
    }
}

void stream_restore(struct queue *q, struct reader *r)
{
    uint64_t low = reader_varint(r), seq = 0;

    if (low == 0 || low > q->ledger.next)
        r->is_failed = true;
    else
        q->stream->lows.low = q->stream->lows.sure = low;
    stream_times_restore(&q->stream->times, r);
    for (uint64_t left = reader_varint(r); left > 0 && !r->is_failed; left--) {
        seq += reader_varint(r);
        uint64_t part_first = store_restore_parts(q->home->store, r);

        stream_keep_parts(q, seq, part_first);
    }
}

void stream_replay(struct queue *q, uint64_t seq, const struct store_record *r)
{
    const struct ledger_entry e = {.place = r->stored.place, .size = (uint32_t)r->stored.body_size};

    ledger_add_at(&q->ledger, seq, &e);
    stream_times_add(&q->stream->times, seq, r->stored.time_ms);
    stream_keep_parts(q, seq, store_replay_parts(q->home->store, r));
}

void stream_survivor(struct queue *q, uint64_t seq, const struct store_record *r)
{
    if (seq < q->ledger.next)
        return; /* a lane has rising numbers, so this is not its record */
    ledger_skip_to(&q->ledger, seq + 1);
    stream_keep_parts(q, seq, store_replay_parts(q->home->store, r));
}

/* Neither the ledger nor anything else is asked: what is not below `sure` is moved, so that a run
 * of the sorter says the same before a crash and after it. */
void stream_classify(struct queue *q, uint64_t seq, struct log_sorting *s)
{
    if (seq >= stream_sure(q))
        log_move(s, q->identity->id, seq);
}
