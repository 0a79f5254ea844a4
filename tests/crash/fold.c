/* Folding records into what is still needed; see fold.h. */
#include "tests/crash/fold.h"

#include <string.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/mem.h"

enum { HEAD_SIZE = 8 + PLACE_COUNT * 24 + 8, ENTRY_SIZE = 17 + 4 * PLACE_COUNT };

void fold_init(struct fold *f)
{
    memset(f, 0, sizeof(*f));
}

void fold_release(struct fold *f)
{
    mem_free(f->entries);
    fold_init(f);
}

static void reserve(struct fold *f, size_t count)
{
    if (count <= f->capacity)
        return;
    f->capacity = f->capacity > 0 ? f->capacity : 64;
    while (f->capacity < count)
        f->capacity *= 2;
    f->entries = mem_grow(f->entries, f->capacity, sizeof(*f->entries));
}

void fold_copy(struct fold *to, const struct fold *from)
{
    struct fold_entry *entries = to->entries;
    size_t capacity = to->capacity;

    *to = *from;
    to->entries = entries;
    to->capacity = capacity;
    reserve(to, from->count);
    if (from->count > 0)
        memcpy(to->entries, from->entries, from->count * sizeof(*from->entries));
}

static uint64_t record_hash(const struct record *r)
{
    return hash64(r->body, hash64(r->key, r->kind));
}

/* The place of the first entry at or above a position. */
static size_t entry_place(const struct fold *f, uint64_t position)
{
    size_t low = 0, high = f->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (f->entries[middle].position < position)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct fold_entry *fold_find(const struct fold *f, uint64_t position)
{
    size_t i = entry_place(f, position);

    return i < f->count && f->entries[i].position == position ? &f->entries[i] : NULL;
}

const struct fold_entry *fold_find_number(const struct fold *f, enum place place, uint64_t number)
{
    for (size_t i = 0; i < f->count; i++) {
        const struct fold_entry *e = &f->entries[i];
        if ((e->places & 1u << place) != 0 && e->numbers[place] == number)
            return e;
    }
    return NULL;
}

static void take_place(struct fold_entry *e, enum place place, fold_unneeded_fn *fn, void *owner)
{
    uint8_t bit = (uint8_t)(1u << place);

    if ((e->places & bit) == 0)
        return;
    e->places = (uint8_t)(e->places & ~bit);
    if (fn != NULL)
        fn(owner, e, place);
}

/* Forgets entries that nobody needs. */
static void sweep(struct fold *f)
{
    size_t kept = 0;

    for (size_t i = 0; i < f->count; i++) {
        if (f->entries[i].places == 0)
            continue;
        if (kept != i)
            f->entries[kept] = f->entries[i];
        kept++;
    }
    f->count = kept;
}

static void apply_publish(struct fold *f, const struct record *r)
{
    struct fold_entry *e;
    uint8_t places = r->kind & (uint8_t)~KIND_PUBLISH;

    if (places == 0)
        return;
    reserve(f, f->count + 1);
    e = &f->entries[f->count++];
    memset(e, 0, sizeof(*e));
    e->position = r->number;
    e->places = places;
    e->hash = record_hash(r);
    for (int i = 0; i < PLACE_COUNT; i++) {
        if ((places & 1u << i) != 0)
            e->numbers[i] = i == PLACE_SHARED ? r->number : f->places[i].next++;
    }
}

static void apply_settle(struct fold *f, const struct record *r, fold_unneeded_fn *fn, void *owner)
{
    for (size_t at = 0; at + 8 <= r->body.size; at += 8) {
        uint64_t position = get_le64(r->body.data + at);
        size_t i = entry_place(f, position);

        if (i == f->count || f->entries[i].position != position)
            continue;
        take_place(&f->entries[i], PLACE_SHARED, fn, owner);
        take_place(&f->entries[i], PLACE_DEEP, fn, owner);
    }
    sweep(f);
}

static void apply_trim(struct fold *f, enum place place, uint64_t number, fold_unneeded_fn *fn,
                       void *owner)
{
    if (number > f->places[place].first)
        f->places[place].first = number;
    for (size_t i = 0; i < f->count; i++) {
        if (f->entries[i].numbers[place] < f->places[place].first)
            take_place(&f->entries[i], place, fn, owner);
    }
    sweep(f);
}

bool fold_lane_of(const struct fold *f, const struct record *r, uint64_t *lane)
{
    if (r->kind != KIND_TRIM && r->kind != KIND_DROP)
        return false;
    *lane = get_le64(r->body.data);
    return *lane == lane_of(lane_place(*lane), f->places[lane_place(*lane)].generation);
}

void fold_apply(struct fold *f, const struct record *r, fold_unneeded_fn *fn, void *owner)
{
    uint64_t lane = 0;
    struct fold_place *p;

    ASSERT(r->number == f->next);
    if ((r->kind & KIND_PUBLISH) != 0)
        apply_publish(f, r);
    else if (r->kind == KIND_SETTLE)
        apply_settle(f, r, fn, owner);
    if (fold_lane_of(f, r, &lane) && r->kind == KIND_TRIM) {
        apply_trim(f, lane_place(lane), get_le64(r->body.data + 8), fn, owner);
    } else if (fold_lane_of(f, r, &lane)) {
        p = &f->places[lane_place(lane)];
        apply_trim(f, lane_place(lane), UINT64_MAX, fn, owner);
        *p = (struct fold_place){.generation = p->generation + 1};
    }
    f->next++;
}

static void entry_encode(const struct fold_entry *e, struct writer *w)
{
    writer_le64(w, e->position);
    writer_le64(w, e->hash);
    writer_u8(w, e->places);
    for (int i = 0; i < PLACE_COUNT; i++)
        writer_le32(w, (uint32_t)e->numbers[i]);
}

uint8_t *fold_encode(const struct fold *f, size_t *size)
{
    uint8_t *bytes = mem_alloc(HEAD_SIZE + f->count * ENTRY_SIZE);
    struct writer w = writer_of(bytes, HEAD_SIZE + f->count * ENTRY_SIZE);

    writer_le64(&w, f->next);
    for (int i = 0; i < PLACE_COUNT; i++) {
        writer_le64(&w, f->places[i].generation);
        writer_le64(&w, f->places[i].next);
        writer_le64(&w, f->places[i].first);
    }
    writer_le64(&w, f->count);
    for (size_t i = 0; i < f->count; i++)
        entry_encode(&f->entries[i], &w);
    ASSERT(!w.is_failed && w.size == w.capacity);
    *size = w.size;
    return bytes;
}

bool fold_decode(struct fold *f, struct bytes state)
{
    struct reader r = reader_of(state);
    uint64_t count;

    f->next = reader_le64(&r);
    for (int i = 0; i < PLACE_COUNT; i++) {
        f->places[i].generation = reader_le64(&r);
        f->places[i].next = reader_le64(&r);
        f->places[i].first = reader_le64(&r);
    }
    count = reader_le64(&r);
    f->count = 0;
    if (r.is_failed || count != r.left / ENTRY_SIZE || r.left % ENTRY_SIZE != 0)
        return false;
    reserve(f, count);
    for (; f->count < count; f->count++) {
        struct fold_entry *e = &f->entries[f->count];

        e->position = reader_le64(&r);
        e->hash = reader_le64(&r);
        e->places = reader_u8(&r);
        for (int i = 0; i < PLACE_COUNT; i++)
            e->numbers[i] = reader_le32(&r);
    }
    return reader_is_done(&r);
}

uint64_t fold_digest(const struct fold *f)
{
    size_t size = 0;
    uint8_t *bytes = fold_encode(f, &size);
    uint64_t digest = hash64(bytes_of(bytes, size), 1);

    mem_free(bytes);
    return digest;
}
