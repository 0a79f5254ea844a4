/* Reading a large body part by part; see store.h. */
#include "base/err.h"
#include "base/mem.h"
#include "store/lane_reader.h"
#include "store/publish_record.h"
#include "store/slab_move.h"
#include "store/store_state.h"

struct store_body {
    struct store *store;
    struct parts *parts; /* referenced */
    size_t next;
    struct lane_reader hot;
    struct lane_reader shared;
    struct slab_waiter waiter;
};

struct store_body *store_body_open(struct store *s, const struct stored *m, store_ready_fn *ready,
                                   void *owner)
{
    const struct hold *hold = store_hold_of(s, m->place); /* NULL: a stream has kept the parts */
    struct store_body *b = MEM_NEW(struct store_body);

    b->store = s;
    b->parts = hold != NULL ? hold->parts : parts_find(&s->holds, m->part_first);
    ASSERT(m->parts > 0 && b->parts != NULL);
    store_parts_ref(b->parts);
    lane_reader_init(&b->hot, s->log, CURSOR_HOT, 0);
    lane_reader_init(&b->shared, s->log, CURSOR_COLD, LOG_SHARED);
    lane_reader_set_ready(&b->hot, ready, owner);
    lane_reader_set_ready(&b->shared, ready, owner);
    b->waiter.ready = ready;
    b->waiter.owner = owner;
    s->readers++;
    return b;
}

void store_body_close(struct store_body *b)
{
    if (b == NULL)
        return;
    lane_reader_release(&b->hot);
    lane_reader_release(&b->shared);
    spill_cancel(&b->waiter);
    store_parts_unref(b->store, b->parts);
    b->store->readers--;
    mem_free(b);
}

static int find_in_log(struct store_body *b, uint64_t place, struct record *out,
                       struct block **block)
{
    int rv = ERR_AGAIN;

    if (!lane_is_near(&b->hot, place))
        rv = log_peek(b->store->log, place, out, block);
    if (rv == ERR_AGAIN)
        rv = lane_read(&b->hot, place, out, block);
    if (rv == ERR_NOT_FOUND && place < log_first(b->store->log))
        rv = lane_read(&b->shared, place, out, block);
    return rv == ERR_NOT_FOUND ? ERR_CORRUPT : rv;
}

static int next_of_log(struct store_body *b, uint64_t place, struct bytes *piece,
                       struct store_pin *pin)
{
    struct block *block;
    struct record r;
    uint64_t first;
    int rv = find_in_log(b, place, &r, &block);

    if (rv != 0)
        return rv;
    rv = part_record_view(&r, &first, piece);
    if (rv == 0 && first != b->parts->places[0])
        rv = ERR_CORRUPT;
    if (rv != 0) {
        log_unpin(block);
        return rv;
    }
    *pin = (struct store_pin){.block = block};
    return 0;
}

static int next_of_slab(struct store_body *b, uint64_t place, struct bytes *piece,
                        struct store_pin *pin)
{
    uint64_t last = slab_resolve(&b->store->slabs, place);
    struct slab *slab = slab_of(&b->store->slabs, last);
    const struct slab_item *item;

    spill_cancel(&b->waiter);
    if (slab->data == NULL && slab->is_lost)
        return ERR_CORRUPT;
    if (slab->data == NULL) {
        spill_want(&b->store->spill, slab, &b->waiter);
        return ERR_AGAIN;
    }
    slab->kept_until_ns = 0;
    item = slab_item_at(slab, last);
    *piece = bytes_of((const uint8_t *)(item + 1) + sizeof(uint64_t), get_le64(item + 1));
    slab_pin(slab);
    *pin = (struct store_pin){.slab = slab};
    return 0;
}

int store_body_next(struct store_body *b, struct bytes *piece, struct store_pin *pin)
{
    uint64_t place;
    int rv;

    if (b->next == b->parts->count)
        return ERR_NOT_FOUND;
    place = b->parts->places[b->next];
    rv = b->parts->is_transient ? next_of_slab(b, place, piece, pin)
                                : next_of_log(b, place, piece, pin);
    if (rv == 0)
        b->next++;
    return rv;
}
