/* Reading messages wherever they lie; see store.h. A message in the log is looked for where it most
 * likely is:
 *
 *     in memory --no--> position still in the hot log? --yes--> hot log
 *                          | no
 *                          '--> seq within the queue's own lane? --> own lane --not there--> shared
 *
 * The sorter may move it between two looks, so what is not found is looked for once more from the
 * start before it counts as lost. */
#include "base/err.h"
#include "base/mem.h"
#include "cluster/partition.h"
#include "store/lane_reader.h"
#include "store/publish_record.h"
#include "store/slab_move.h"
#include "store/store_state.h"

enum { LOOKS_MAX = 2 };

struct store_reader {
    struct store *store;
    uint64_t queue;
    struct lane_reader hot;
    struct lane_reader shared;
    struct lane_reader own;
    struct slab_waiter waiter;
};

struct store_reader *store_reader_open(struct store *s, uint64_t queue, store_ready_fn *ready,
                                       void *owner)
{
    struct store_reader *r = MEM_NEW(struct store_reader);

    ASSERT(queue != LOG_SHARED);
    r->store = s;
    r->queue = queue;
    r->waiter.ready = ready;
    r->waiter.owner = owner;
    lane_reader_init(&r->hot, s->log, CURSOR_HOT, 0);
    lane_reader_init(&r->shared, s->log, CURSOR_COLD, LOG_SHARED);
    lane_reader_init(&r->own, s->log, CURSOR_COLD, queue);
    lane_reader_set_ready(&r->hot, ready, owner);
    lane_reader_set_ready(&r->shared, ready, owner);
    lane_reader_set_ready(&r->own, ready, owner);
    s->readers++;
    return r;
}

void store_reader_close(struct store_reader *r)
{
    if (r == NULL)
        return;
    lane_reader_release(&r->hot);
    lane_reader_release(&r->shared);
    lane_reader_release(&r->own);
    spill_cancel(&r->waiter);
    r->store->readers--;
    mem_free(r);
}

/* Whether a record of the queue's own lane is the message that was asked for. */
static bool is_for(const struct record *record, uint64_t queue, uint64_t seq)
{
    struct store_target target = {0};
    struct store_record r;

    if (store_record_decode(record, &r) != 0)
        return false;
    while (store_target_next(&r.targets, &target)) {
        if (target.queue == queue)
            return target.seq == seq;
    }
    return false;
}

static bool has_in_own(const struct store_reader *r, uint64_t seq)
{
    uint64_t first, end;

    return log_lane(r->store->log, r->queue, &first, &end) && seq >= first && seq < end;
}

/* Looks for the record once. */
static int look(struct store_reader *r, uint64_t seq, uint64_t place, struct record *out,
                struct block **pin)
{
    int rv = ERR_NOT_FOUND;

    if (!place_is_sorted(r->store, place))
        return lane_read(&r->hot, place, out, pin);
    if (has_in_own(r, seq)) {
        rv = lane_read(&r->own, seq, out, pin);
        if (rv == 0 && !is_for(out, r->queue, seq)) {
            log_unpin(*pin);
            rv = ERR_NOT_FOUND;
        }
    }
    return rv == ERR_NOT_FOUND && place != STORE_IN_LANE ? lane_read(&r->shared, place, out, pin)
                                                         : rv;
}

static int read_record(struct store_reader *r, uint64_t seq, uint64_t place, struct stored *out,
                       struct store_pin *pin)
{
    struct block *block = NULL;
    struct record record;
    int rv = ERR_NOT_FOUND;

    for (int i = 0; i < LOOKS_MAX && rv == ERR_NOT_FOUND; i++)
        rv = look(r, seq, place, &record, &block);
    if (rv == ERR_NOT_FOUND)
        return partition_failed(r->store->partition) != 0 ? ERR_FAILED : ERR_TRIMMED;
    if (rv != 0)
        return rv;
    rv = publish_record_view(&record, out);
    if (rv != 0) {
        log_unpin(block);
        return rv;
    }
    out->place = place;
    *pin = (struct store_pin){.block = block};
    return 0;
}

int store_read_lane(struct store_reader *r, uint64_t seq, uint64_t *found, struct stored *out,
                    struct store_pin *pin)
{
    struct block *block = NULL;
    struct record record;
    int rv = lane_read_from(&r->own, seq, &record, &block);

    if (rv != 0)
        return rv;
    *found = record.number;
    rv = publish_record_view(&record, out);
    if (rv != 0) {
        log_unpin(block);
        return rv;
    }
    out->place = STORE_IN_LANE;
    *pin = (struct store_pin){.block = block};
    return 0;
}

int store_find_time(struct store_reader *r, int64_t time_ms, uint64_t *seq)
{
    return lane_find_time(&r->own, time_ms, seq);
}

int store_read(struct store_reader *r, uint64_t seq, uint64_t place, struct stored *out,
               struct store_pin *pin)
{
    int rv;

    spill_cancel(&r->waiter);
    if (!place_is_transient(place) && lane_is_near(&r->hot, place))
        return read_record(r, seq, place, out, pin);
    rv = store_peek(r->store, place, out, pin);
    if (rv == 0 && pin->slab != NULL)
        ((struct slab *)pin->slab)->kept_until_ns = 0;
    if (rv != ERR_AGAIN)
        return rv;
    if (!place_is_transient(place))
        return read_record(r, seq, place, out, pin);
    place = slab_resolve(&r->store->slabs, place);
    spill_want(&r->store->spill, slab_of(&r->store->slabs, place), &r->waiter);
    return ERR_AGAIN;
}
