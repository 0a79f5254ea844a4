/* What a store knows across restarts, and where the sorter is to put what; see store.h. */
#include "base/err.h"
#include "cluster/partition.h"
#include "store/publish_record.h"
#include "store/records.h"
#include "store/store_state.h"
#include "store/varint.h"

/* Parts at these positions, referenced; those there are, or new ones. NULL when the positions are
 * none. */
static struct parts *find_parts(struct store *s, struct reader *r, uint64_t count,
                                uint64_t body_size)
{
    uint64_t at = reader_varint(r);
    struct parts *parts = parts_find(&s->holds, at);
    bool is_new = parts == NULL;

    if (r->is_failed || count == 0 || place_is_transient(at) || (!is_new && parts->count != count))
        return NULL;
    if (is_new)
        parts = parts_new(false);
    else
        store_parts_ref(parts);
    for (uint64_t i = 0; i < count && !r->is_failed; i++) {
        if (is_new)
            parts_add(&s->holds, parts, at, 0);
        if (i + 1 == count)
            break;
        uint64_t difference = reader_varint(r);
        if (difference == 0 || difference > STORE_TRANSIENT - 1 - at)
            r->is_failed = true;
        at += difference;
    }
    if (r->is_failed) {
        store_parts_unref(s, parts);
        return NULL;
    }
    parts->body_size = body_size;
    return parts;
}

uint64_t store_replay_parts(struct store *s, const struct store_record *r)
{
    struct reader positions = r->parts;
    struct parts *parts = NULL;

    if (r->stored.parts > 0)
        parts = find_parts(s, &positions, r->stored.parts, r->stored.body_size);
    return parts != NULL ? parts->places[0] : STORE_NO_PARTS;
}

static void add_hold(struct store *s, const struct store_record *r, uint32_t references)
{
    struct reader positions = r->parts;
    struct hold *hold = hold_new(&s->holds);

    ASSERT(s->partition == NULL && references > 0);
    ASSERT(hold != NULL);
    hold->refs = references;
    hold->targets = references;
    if (r->stored.parts > 0)
        hold->parts = find_parts(s, &positions, r->stored.parts, r->stored.body_size);
    hold_add(&s->holds, r->stored.place, hold);
}

void store_replay_message(struct store *s, const struct store_record *r, uint32_t references)
{
    /* One of several targets may have gone to the shared lane before; see release_record(). */
    if (references > 1 || r->target_count > 1 || r->stored.parts > 0)
        add_hold(s, r, references);
}

void store_survivor(struct store *s, const struct store_record *r, uint32_t references)
{
    add_hold(s, r, references);
}

void store_replayed(struct store *s, struct partition *p)
{
    ASSERT(s->partition == NULL);
    s->partition = p;
    s->log = partition_log(p);
}

bool store_is_needed(struct store *s, const struct record *r)
{
    struct bytes bytes;
    uint64_t first;

    if (r->kind == RECORD_PUBLISH)
        return hold_find(&s->holds, r->number) != NULL;
    return part_record_view(r, &first, &bytes) == 0 && parts_find(&s->holds, first) != NULL;
}

bool store_is_hot(const struct store *s, uint64_t position)
{
    return position >= log_first(s->log);
}

static bool is_laned(const struct store *s, uint64_t queue)
{
    uint64_t first, end;

    return map_find(&s->moved, queue) != NULL || log_lane(s->log, queue, &first, &end);
}

void store_keep(struct store *s, const struct record *r, struct log_sorting *sorting,
                const struct store_target *alone, bool is_deep)
{
    /* What lies in the shared lane already stays: numbers in the own lane are higher by now. */
    if (r->number < log_first(s->log) || !(is_deep || is_laned(s, alone->queue))) {
        log_keep(sorting);
        return;
    }
    (void)map_put(&s->moved, alone->queue, s);
    log_move(sorting, alone->queue, alone->seq);
}

void store_sorted(struct store *s)
{
    map_release(&s->moved); /* the lanes are there now */
    map_init(&s->moved);
}

/* ---- Checkpoints ---- */

enum { SAVED_END = 0, SAVED_HOLD = 1 };

/* One of one reference too: the hold says that the record is not in an own lane. */
static bool is_saved(uint64_t place, const struct hold *hold)
{
    return !place_is_transient(place) && hold->targets > 0;
}

static void save_parts(const struct parts *parts, struct buf *out)
{
    uint64_t before = 0;

    buf_varint(out, parts != NULL ? parts->count : 0);
    if (parts == NULL)
        return;
    buf_varint(out, parts->body_size);
    for (size_t i = 0; i < parts->count; i++) {
        buf_varint(out, parts->places[i] - before);
        before = parts->places[i];
    }
}

void store_save_parts(struct store *s, uint64_t first, struct buf *out)
{
    save_parts(parts_find(&s->holds, first), out);
}

uint64_t store_restore_parts(struct store *s, struct reader *r)
{
    uint64_t count = reader_varint(r), body_size = reader_varint(r);
    struct parts *parts = NULL;

    if (!r->is_failed && count <= r->left)
        parts = find_parts(s, r, count, body_size);
    if (parts == NULL)
        r->is_failed = true;
    return parts != NULL ? parts->places[0] : STORE_NO_PARTS;
}

void store_save(struct store *s, struct buf *out)
{
    MAP_FOREACH (w, &s->holds.by_place) {
        const struct hold *hold = w.value;

        if (!is_saved(w.key, hold))
            continue;
        buf_u8(out, SAVED_HOLD);
        buf_varint(out, w.key);
        buf_varint(out, hold->targets);
        save_parts(hold->parts, out);
    }
    buf_u8(out, SAVED_END);
}

static bool restore_hold(struct store *s, struct reader *r)
{
    uint64_t place = reader_varint(r), targets = reader_varint(r), count = reader_varint(r);
    struct parts *parts = NULL;
    struct hold *hold;

    if (r->is_failed || place_is_transient(place) || targets == 0 || targets >= SLAB_HELD ||
        hold_find(&s->holds, place) != NULL || count > r->left)
        return false;
    if (count > 0) {
        uint64_t body_size = reader_varint(r);

        parts = find_parts(s, r, count, body_size);
        if (parts == NULL)
            return false;
    }
    hold = hold_new(&s->holds);
    ASSERT(hold != NULL);
    *hold = (struct hold){(uint32_t)targets, (uint32_t)targets, parts};
    hold_add(&s->holds, place, hold);
    return true;
}

void store_restore(struct store *s, struct reader *r)
{
    uint8_t what;
    bool is_good = true;

    ASSERT(s->partition == NULL && map_count(&s->holds.by_place) == 0);
    while (is_good && (what = reader_u8(r)) != SAVED_END)
        is_good = what == SAVED_HOLD && restore_hold(s, r);
    if (is_good && !r->is_failed)
        return;
    holds_release(&s->holds);
    holds_init(&s->holds);
    r->is_failed = true;
    r->left = 0;
}
