/* Where messages lie: putting, finding and counting them; see store.h. Large bodies are in
 * store_upload.c, reading from the disk in store_reader.c, restarts in store_replay.c. */
#include "store/store.h"

#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/zoo.h"
#include "cluster/partition.h"
#include "msg/slip.h"
#include "store/publish_record.h"
#include "store/records.h"
#include "store/slab_move.h"
#include "store/store_state.h"

/* ---- Pressure ---- */

bool store_is_full(const struct store *s)
{
    uint64_t most = s->options.transient_bytes_max;

    return s->slabs.bytes > most + most / 4 + 2ULL * SLAB_BYTES;
}

bool store_is_pressed(const struct store *s)
{
    uint64_t most = s->options.transient_bytes_max;

    return s->slabs.bytes > most + (spill_is_full(&s->spill) ? 0 : most / 8);
}

static void tell_pressure(struct io_task *t)
{
    struct store *s = CONTAINER_OF(t, struct store, pressure_task);
    bool is_pressed = store_is_pressed(s);

    if (is_pressed == s->is_pressed)
        return;
    s->is_pressed = is_pressed;
    if (s->on_pressure != NULL)
        s->on_pressure(s->on_pressure_owner, is_pressed);
}

static void on_slabs_changed(void *owner)
{
    struct store *s = owner;

    spill_look(&s->spill);
    if (store_is_pressed(s) != s->is_pressed)
        io_later(s->io, &s->pressure_task);
}

static void on_slab_ending(void *owner, struct slab *b)
{
    struct store *s = owner;

    spill_forget(&s->spill, b);
}

void store_set_pressure(struct store *s, void (*fn)(void *owner, bool is_pressed), void *owner)
{
    s->on_pressure = fn;
    s->on_pressure_owner = owner;
}

/* ---- Life ---- */

struct store *store_new(struct io *io, const char *dir, const struct store_options *options)
{
    struct store *s = MEM_NEW(struct store);

    s->io = io;
    s->options = *options;
    slabs_init(&s->slabs, &(struct slabs_calls){s, on_slabs_changed, on_slab_ending});
    holds_init(&s->holds);
    map_init(&s->moved);
    spill_init(&s->spill, io, &s->slabs, &s->holds, dir);
    s->spill.memory_max = options->transient_bytes_max;
    s->spill.disk_max = options->spill_bytes_max;
    io_task_init(&s->pressure_task, tell_pressure);
    return s;
}

void store_free(struct store *s)
{
    ASSERT(s->readers == 0);
    io_task_cancel(&s->pressure_task);
    spill_release(&s->spill);
    holds_release(&s->holds);
    map_release(&s->moved);
    slabs_release(&s->slabs);
    mem_free(s);
}

/* ---- References ---- */

/* The record is needed no longer. `queue` (0: none) may have it in its own lane under `seq`: it has
 * when the seq lies within the lane, for what had a hold, and so may lie elsewhere, comes without a
 * queue; and before its lane began it had smaller seqs, in the shared one (store_keep()). */
static void release_record(struct store *s, uint64_t place, uint64_t queue, uint64_t seq)
{
    uint64_t first, end;

    if (s->partition == NULL)
        return; /* the log is not open yet; classify() will know */
    if (place_is_sorted(s, place) && queue != 0 && log_lane(s->log, queue, &first, &end) &&
        seq >= first && seq < end)
        log_release(s->log, queue, seq);
    else if (place != STORE_IN_LANE)
        log_release(s->log, LOG_SHARED, place);
}

void store_parts_ref(struct parts *p)
{
    p->refs++;
}

void store_parts_give(struct store *s, uint64_t first)
{
    struct parts *p = parts_find(&s->holds, first);

    ASSERT(p != NULL);
    store_parts_unref(s, p);
}

bool store_parts_are_in_log(const struct store *s, uint64_t place)
{
    const struct hold *hold = store_hold_of(s, place);

    return hold != NULL && hold->parts != NULL && !hold->parts->is_transient;
}

void store_parts_unref(struct store *s, struct parts *p)
{
    ASSERT(p->refs > 0);
    if (--p->refs > 0)
        return;
    for (size_t i = 0; i < p->count; i++) {
        if (p->is_transient)
            store_unref(s, p->places[i]);
        else
            release_record(s, p->places[i], 0, 0);
    }
    parts_free(&s->holds, p);
}

/* One reference less of a place with a hold. Returns whether others are left. */
static bool hold_unref(struct store *s, uint64_t place, struct hold *hold, bool is_target)
{
    struct parts *parts = hold->parts;

    ASSERT(hold->refs > 0 && (!is_target || hold->targets > 0));
    hold->refs--;
    hold->targets -= is_target ? 1 : 0;
    if (hold->refs > 0)
        return true;
    hold_remove(&s->holds, place);
    if (parts != NULL)
        store_parts_unref(s, parts);
    return false;
}

/* One reference less of an item in memory. Returns whether it is gone. */
static bool unref_item(struct store *s, struct slab *b, uint64_t place)
{
    struct slab_item *item = b->is_frozen ? NULL : slab_item_at(b, place);
    struct hold *hold;

    if (LIKELY(item != NULL && item->refs != SLAB_HELD)) {
        ASSERT(item->refs > 0);
        if (--item->refs > 0)
            return false;
        slab_item_end(b);
        return true;
    }
    hold = hold_find(&s->holds, place);
    if (hold != NULL && hold_unref(s, place, hold, false))
        return false;
    if (item != NULL)
        item->refs = 0;
    slab_item_end(b);
    return true;
}

static void unref_slab(struct store *s, uint64_t place)
{
    struct slab *b = slab_of(&s->slabs, place);
    uint64_t last;

    if (LIKELY(b->state != SLAB_MOVED)) {
        (void)unref_item(s, b, place);
        return;
    }
    last = slab_resolve(&s->slabs, place);
    if (unref_item(s, slab_of(&s->slabs, last), last))
        slab_forget_moves(&s->slabs, place, last);
}

static void unref_record(struct store *s, uint64_t place, const struct store_target *target)
{
    struct hold *hold = hold_find(&s->holds, place);

    if (hold == NULL)
        release_record(s, place, target != NULL ? target->queue : 0,
                       target != NULL ? target->seq : 0);
    else if (!hold_unref(s, place, hold, target != NULL))
        release_record(s, place, 0, 0);
}

void store_unref(struct store *s, uint64_t place)
{
    if (LIKELY(place_is_transient(place)))
        unref_slab(s, place);
    else
        unref_record(s, place, NULL);
}

void store_settle(struct store *s, uint64_t place, uint64_t queue, uint64_t seq)
{
    if (place_is_transient(place))
        unref_slab(s, place);
    else
        unref_record(s, place, &(struct store_target){queue, seq});
}

/* The hold of a place in memory that has one reference until now. */
static struct hold *hold_of(struct store *s, uint64_t place)
{
    struct hold *hold = hold_find(&s->holds, place);

    if (hold != NULL)
        return hold;
    hold = hold_new(&s->holds);
    ASSERT(hold != NULL);
    hold->refs = 1;
    hold_add(&s->holds, place, hold);
    return hold;
}

void store_ref(struct store *s, uint64_t place)
{
    uint64_t last = slab_resolve(&s->slabs, place);
    const struct slab *b = slab_of(&s->slabs, last);
    struct slab_item *item = b->is_frozen ? NULL : slab_item_at(b, last);

    if (item != NULL && item->refs != SLAB_HELD)
        item->refs++;
    else
        hold_of(s, last)->refs++;
}

struct store_pin store_pin_ref(struct store_pin pin)
{
    if (pin.slab != NULL)
        slab_pin(pin.slab);
    if (pin.block != NULL)
        log_pin_again(pin.block);
    return pin;
}

void store_pin_release(struct store_pin pin)
{
    if (pin.slab != NULL)
        slab_unpin(pin.slab);
    if (pin.block != NULL)
        log_unpin(pin.block);
}

struct hold *store_hold_of(const struct store *s, uint64_t place)
{
    return hold_find(&s->holds, place_is_transient(place) ? slab_resolve(&s->slabs, place) : place);
}

/* ---- Put ---- */

/* The parts that the body of the message is to lie in, referenced; NULL: in none. */
static int parts_for(struct store *s, const struct store_put *put, struct parts **out)
{
    const struct hold *hold;
    struct parts *parts = NULL;

    if (put->upload != NULL)
        parts = store_upload_get(put->upload);
    if (parts == NULL && put->shares_parts != 0) {
        hold = store_hold_of(s, put->shares_parts);
        ASSERT(hold != NULL && hold->parts != NULL);
        parts = hold->parts;
    }
    if (parts == NULL && put->shares_first != 0) {
        parts = parts_find(&s->holds, put->shares_first);
        ASSERT(parts != NULL);
    }
    if (parts != NULL) {
        ASSERT(!parts->is_transient || !put->is_persistent);
        store_parts_ref(parts);
        *out = parts;
        return 0;
    }
    if (put->message->body_size <= STORE_PART_BYTES)
        return 0;
    return store_upload_body(s, put->message,
                             put->is_persistent || message_is_persistent(put->message), out);
}

static struct publish_record record_of(const struct store_put *put, const struct parts *parts)
{
    return (struct publish_record){
        .message = put->message,
        .targets = put->targets,
        .target_count = put->target_count,
        .parts = parts != NULL ? parts->places : NULL,
        .part_count = parts != NULL ? parts->count : 0,
        .body_size = parts != NULL ? parts->body_size : put->message->body_size,
        .is_moved = put->is_moved,
    };
}

int store_put_record(struct store *s, const struct store_put *put, const struct parts *parts,
                     uint64_t *place)
{
    struct publish_record record = record_of(put, parts);
    struct log_entry e = {
        .kind = RECORD_PUBLISH, .is_for_lane = put->stream_count > 0, .key = put->key};
    size_t targets_size;
    uint8_t *body;
    int rv;

    ASSERT(put->target_count > 0 && put->target_count <= put->references + put->stream_count);
    e.body_size = publish_record_size(&record, &targets_size);
    rv = partition_append(s->partition, &e, place, &body);
    if (rv == 0)
        publish_record_write(&record, targets_size, body);
    if (rv == 0 && ZOO(BODY_ALTERED) && e.body_size > 4000)
        body[e.body_size - 1] ^= 1;
    return rv;
}

static uint8_t *append_bytes(uint8_t *at, struct bytes b)
{
    if (b.size > 0)
        memcpy(at, b.data, b.size);
    return at + b.size;
}

static int put_slab(struct store *s, const struct store_put *put, const struct parts *parts,
                    uint64_t *place)
{
    const struct message *m = put->message;
    uint64_t body = parts != NULL ? 0 : m->body_size;
    size_t content = sizeof(struct slab_message) - sizeof(struct slab_item) + m->exchange.size +
                     m->routing_key.size + m->props.bytes.size + m->slip.size + body;
    struct slab_message *item;
    uint8_t *at;

    item = (struct slab_message *)(void *)slab_take(
        &s->slabs, slab_item_size(content), parts != NULL ? SLAB_HELD : put->references, place);
    if (UNLIKELY(item == NULL))
        return ERR_FULL;
    item->time_ms = io_wall_ms(s->io);
    item->body_size = (uint32_t)(parts != NULL ? parts->body_size : body);
    item->props_size = (uint32_t)m->props.bytes.size;
    item->parts = parts != NULL ? (uint32_t)parts->count : 0;
    item->exchange_size = (uint8_t)m->exchange.size;
    item->key_size = (uint8_t)m->routing_key.size;
    item->slip_size = (uint16_t)m->slip.size;
    at = append_bytes((uint8_t *)(item + 1), m->exchange);
    at = append_bytes(at, m->routing_key);
    at = append_bytes(at, m->props.bytes);
    at = append_bytes(at, m->slip);
    if (parts == NULL)
        body_copy(m->body, m->body_count, at);
    return 0;
}

/* Each stream keeps the parts. */
static void keep_for_streams(const struct store_put *put, struct parts *parts)
{
    if (put->stream_count == 0)
        return;
    *put->part_first = parts != NULL ? parts->places[0] : STORE_NO_PARTS;
    if (parts != NULL)
        parts->refs += (uint32_t)put->stream_count;
}

/* A message that only streams get. Takes the reference to the parts. */
static int put_for_streams(struct store *s, const struct store_put *put, struct parts *parts,
                           uint64_t *place)
{
    int rv = store_put_record(s, put, parts, place);

    if (rv == 0)
        keep_for_streams(put, parts);
    if (parts != NULL)
        store_parts_unref(s, parts);
    return rv;
}

/* A message that needs a hold. Takes the reference to the parts. */
static int put_held(struct store *s, const struct store_put *put, struct parts *parts,
                    uint64_t *place)
{
    struct hold *hold = hold_new(&s->holds);
    int rv = ERR_FULL;

    if (hold != NULL)
        rv = put->is_persistent ? store_put_record(s, put, parts, place)
                                : put_slab(s, put, parts, place);
    if (rv != 0) {
        if (hold != NULL)
            hold_drop(&s->holds, hold);
        if (parts != NULL)
            store_parts_unref(s, parts);
        return rv;
    }
    hold->refs = put->references;
    hold->targets = (uint32_t)(put->target_count - put->stream_count);
    hold->parts = parts;
    hold_add(&s->holds, *place, hold);
    keep_for_streams(put, parts);
    return 0;
}

int store_put(struct store *s, const struct store_put *put, uint64_t *place)
{
    const struct message *m = put->message;
    struct parts *parts = NULL;
    int rv;

    ASSERT(put->references + put->stream_count > 0 && put->references != SLAB_HELD);
    ASSERT(put->stream_count <= put->target_count &&
           (put->stream_count == 0 || put->is_persistent));
    ASSERT(m->exchange.size <= UINT8_MAX && m->routing_key.size <= UINT8_MAX);
    ASSERT(m->slip.size <= SLIP_MAX);
    if (!put->is_persistent && UNLIKELY(store_is_full(s)))
        return ERR_FULL; /* asked before the parts are there: a whole message may be too much */
    if (UNLIKELY(m->body_size > STORE_PART_BYTES || put->upload != NULL || put->shares_parts != 0 ||
                 put->shares_first != 0)) {
        rv = parts_for(s, put, &parts);
        if (rv != 0)
            return rv;
    }
    if (parts == NULL && !put->is_persistent)
        return put_slab(s, put, NULL, place);
    if (put->references == 0)
        return put_for_streams(s, put, parts, place);
    if (parts == NULL && put->references == 1 && put->stream_count == 0)
        return store_put_record(s, put, NULL, place);
    return put_held(s, put, parts, place);
}

size_t store_put_size(const struct store_put *put)
{
    const struct parts *parts = NULL;
    struct publish_record record;
    size_t targets_size;

    if (put->upload != NULL)
        parts = store_upload_get(put->upload);
    record = record_of(put, parts);
    if (parts == NULL && record.body_size > STORE_PART_BYTES)
        record.body_size = STORE_PART_BYTES;
    return log_record_size(put->key.size, publish_record_size(&record, &targets_size));
}

/* ---- Peek ---- */

int store_peek_slab(struct store *s, uint64_t place, struct stored *out, struct store_pin *pin)
{
    struct slab *b = slab_of(&s->slabs, place);
    uint64_t last = place;
    const struct slab_message *m;
    const uint8_t *at;

    if (UNLIKELY(b->data == NULL)) {
        last = slab_resolve(&s->slabs, place);
        b = slab_of(&s->slabs, last);
        if (b->data == NULL)
            return b->is_lost ? ERR_CORRUPT : ERR_AGAIN;
    }
    m = (const struct slab_message *)(const void *)slab_item_at(b, last);
    at = (const uint8_t *)(m + 1);
    out->exchange = bytes_of(at, m->exchange_size);
    at += m->exchange_size;
    out->routing_key = bytes_of(at, m->key_size);
    at += m->key_size;
    out->props = bytes_of(at, m->props_size);
    at += m->props_size;
    out->slip = bytes_of(at, m->slip_size);
    at += m->slip_size;
    out->body = bytes_of(at, m->parts == 0 ? m->body_size : 0);
    out->body_size = m->body_size;
    out->parts = m->parts;
    out->time_ms = m->time_ms;
    out->place = place;
    slab_pin(b);
    *pin = (struct store_pin){.slab = b};
    return 0;
}

static int peek_record(struct store *s, uint64_t place, struct stored *out, struct store_pin *pin)
{
    struct record r;
    struct block *block;
    int rv = log_peek(s->log, place, &r, &block);

    if (rv == ERR_NOT_FOUND)
        return place_is_sorted(s, place) ? ERR_AGAIN : ERR_FAILED;
    if (rv != 0)
        return rv;
    rv = publish_record_view(&r, out);
    if (rv != 0) {
        log_unpin(block);
        return rv;
    }
    *pin = (struct store_pin){.block = block};
    return 0;
}

int store_peek(struct store *s, uint64_t place, struct stored *out, struct store_pin *pin)
{
    if (place_is_transient(place))
        return store_peek_slab(s, place, out, pin);
    return peek_record(s, place, out, pin);
}

/* ---- Look ---- */

void store_get_stats(const struct store *s, struct store_stats *out)
{
    *out = (struct store_stats){
        .transient_messages = s->slabs.items,
        .transient_bytes = s->slabs.bytes,
        .spilled_bytes = spill_bytes(&s->spill),
        .shared_messages = map_count(&s->holds.by_place),
    };
}

void store_check(const struct store *s)
{
    slabs_check(&s->slabs);
    holds_check(&s->holds);
    spill_check(&s->spill);
}
