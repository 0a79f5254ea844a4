/* Writes the records of what was settled and what came back.
 *
 *     SETTLE   see settles.c
 *     RETURN   ( queue | seq | failures | acquired )*     absolute counts, all varints */
#include "store/records.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "queue/claim.h"
#include "queue/queues_parts.h"
#include "store/varint.h"

/* Bytes of one record; what is more goes into another. */
enum { BODY_MAX = 64 << 10 };

static int append(struct queues *qs, enum queue_record kind, struct bytes body)
{
    struct log_entry entry = {
        .kind = (uint8_t)kind,
        .may_use_reserve = true,
        .is_transitory = true,
        .body_size = body.size,
    };
    uint64_t position;
    uint8_t *at;
    int rv = partition_append(qs->partition, &entry, &position, &at);

    if (rv == 0)
        memcpy(at, body.data, body.size);
    return rv;
}

static int write_settles(struct queues *qs)
{
    int rv = 0;

    settles_sort(&qs->settles);
    while (qs->settles.count > 0 && rv == 0) {
        buf_clear(&qs->scratch.record);
        size_t count = settles_encode(&qs->settles, BODY_MAX, &qs->scratch.record);

        rv = append(qs, RECORD_SETTLE, buf_view(&qs->scratch.record));
        if (rv == 0 || rv == ERR_FAILED)
            settles_forget(&qs->settles, count);
    }
    return rv;
}

void queues_add_return(struct queues *qs, uint64_t queue, uint64_t seq, struct counts counts)
{
    struct queues_returns *r = &qs->returns;

    if (r->count == r->capacity) {
        r->capacity = r->capacity > 0 ? r->capacity * 2 : 64;
        r->items = (struct pending_return *)mem_grow(r->items, r->capacity, sizeof(*r->items));
    }
    r->items[r->count++] = (struct pending_return){queue, seq, counts};
    queues_need_pass(qs);
}

static int write_returns(struct queues *qs)
{
    struct queues_returns *r = &qs->returns;
    size_t done = 0;
    int rv = 0;

    while (done < r->count && (rv == 0 || rv == ERR_FAILED)) {
        size_t i = done;

        buf_clear(&qs->scratch.record);
        for (; i < r->count && qs->scratch.record.size < BODY_MAX; i++) {
            buf_varint(&qs->scratch.record, r->items[i].queue);
            buf_varint(&qs->scratch.record, r->items[i].seq);
            buf_varint(&qs->scratch.record, r->items[i].counts.failures);
            buf_varint(&qs->scratch.record, r->items[i].counts.acquired);
        }
        rv = append(qs, RECORD_RETURN, buf_view(&qs->scratch.record));
        if (rv == 0 || rv == ERR_FAILED)
            done = i;
    }
    memmove(r->items, r->items + done, (r->count - done) * sizeof(*r->items));
    r->count -= done;
    return rv;
}

/* The log's clock has jumped, or the wall clock has gone back and that stands still. */
int queues_write_clock(struct queues *qs)
{
    int rv;

    if (qs->partition == NULL)
        return 0;
    if (LIKELY(!steady_has_moved(&qs->steady, qs->io, log_time_ms(partition_log(qs->partition)))))
        return 0;
    buf_clear(&qs->scratch.record);
    steady_save(&qs->steady, qs->io, &qs->scratch.record);
    rv = append(qs, RECORD_CLOCK, buf_view(&qs->scratch.record));
    if (rv == 0)
        steady_told(&qs->steady, qs->io);
    return rv;
}

int queues_write_settles(struct queues *qs)
{
    int rv = queues_write_clock(qs);

    if (qs->returns.count > 0 && rv != ERR_FULL)
        rv = write_returns(qs);
    if (qs->settles.count > 0 && rv != ERR_FULL)
        rv = write_settles(qs);
    return rv != ERR_FULL ? claims_write(qs) : rv;
}
