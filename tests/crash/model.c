/* What was appended, promised and allowed; see model.h. */
#include "tests/crash/model.h"

#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"

void model_init(struct model *m)
{
    memset(m, 0, sizeof(*m));
    fold_init(&m->fold);
}

void model_release(struct model *m)
{
    for (size_t i = 0; i < m->count; i++)
        mem_free(m->records[i].bytes);
    mem_free(m->records);
    mem_free(m->checkpoints);
    for (int i = 0; i < PLACE_COUNT; i++) {
        for (int k = 0; k < GENERATIONS_MAX; k++)
            mem_free(m->lanes[i][k].positions);
    }
    fold_release(&m->fold);
    model_init(m);
}

void model_branch(struct model *m, const struct model *base, uint64_t count)
{
    ASSERT(count <= model_next(base));
    model_init(m);
    m->base = base;
    m->base_count = count;
    m->durable = count;
    m->told = count;
    m->is_compacted = base->is_compacted;
    memcpy(m->floors, base->floors, sizeof(m->floors));
    model_fold(base, count, &m->fold);
    for (int i = 0; i < PLACE_COUNT; i++) {
        const struct fold_place *p = &m->fold.places[i];

        ASSERT(p->generation < GENERATIONS_MAX);
        for (uint64_t k = 0; k < p->generation; k++)
            m->lanes[i][k].start = UINT64_MAX;
        m->lanes[i][p->generation].start = p->next;
    }
}

uint64_t model_next(const struct model *m)
{
    return m->base_count + m->count;
}

static const struct model_record *find(const struct model *m, uint64_t position)
{
    ASSERT(position < model_next(m));
    while (position < m->base_count)
        m = m->base;
    return &m->records[position - m->base_count];
}

static void note_number(struct model *m, enum place place, uint64_t position)
{
    const struct fold_place *p = &m->fold.places[place];
    struct model_lane *lane;

    ASSERT(p->generation < GENERATIONS_MAX);
    lane = &m->lanes[place][p->generation];
    ASSERT(p->next == lane->start + lane->count);
    if (lane->count == lane->capacity) {
        lane->capacity = lane->capacity > 0 ? lane->capacity * 2 : 32;
        lane->positions = mem_grow(lane->positions, lane->capacity, sizeof(uint64_t));
    }
    lane->positions[lane->count++] = position;
}

void model_append(struct model *m, uint8_t kind, struct bytes key, struct bytes body)
{
    struct model_record *r;
    struct record seen;

    if (m->count == m->capacity) {
        m->capacity = m->capacity > 0 ? m->capacity * 2 : 64;
        m->records = mem_grow(m->records, m->capacity, sizeof(*m->records));
    }
    r = &m->records[m->count++];
    *r = (struct model_record){
        .kind = kind,
        .key_size = (uint32_t)key.size,
        .body_size = (uint32_t)body.size,
        .group_end = model_next(m),
        .bytes = mem_alloc(key.size + body.size + 1),
    };
    if (key.size > 0)
        memcpy(r->bytes, key.data, key.size);
    if (body.size > 0)
        memcpy(r->bytes + key.size, body.data, body.size);
    for (int i = PLACE_STREAM; (kind & KIND_PUBLISH) != 0 && i < PLACE_COUNT; i++) {
        if ((kind & 1u << i) != 0)
            note_number(m, (enum place)i, model_next(m) - 1);
    }
    seen = model_record(m, model_next(m) - 1);
    fold_apply(&m->fold, &seen, NULL, NULL);
}

void model_group(struct model *m, uint64_t first)
{
    ASSERT(first >= m->base_count && first <= model_next(m));
    for (uint64_t p = first; p < model_next(m); p++)
        m->records[p - m->base_count].group_end = model_next(m);
}

struct record model_record(const struct model *m, uint64_t position)
{
    const struct model_record *r = find(m, position);

    return (struct record){
        .number = position,
        .kind = r->kind,
        .key = bytes_of(r->bytes, r->key_size),
        .body = bytes_of(r->bytes + r->key_size, r->body_size),
    };
}

uint64_t model_group_end(const struct model *m, uint64_t position)
{
    return find(m, position)->group_end;
}

bool model_is_record(const struct model *m, uint64_t position, const struct record *r)
{
    struct record known;

    if (position >= model_next(m))
        return false;
    known = model_record(m, position);
    return known.kind == r->kind && bytes_equal(known.key, r->key) &&
           bytes_equal(known.body, r->body);
}

bool model_lane_position(const struct model *m, uint64_t lane, uint64_t number, uint64_t *position)
{
    enum place place = lane_place(lane);
    uint64_t generation = lane / 16;
    uint64_t limit = UINT64_MAX;

    if (place >= PLACE_COUNT || generation >= GENERATIONS_MAX)
        return false;
    if (place == PLACE_SHARED) {
        *position = number;
        return number < model_next(m) &&
               (model_record(m, number).kind & (KIND_PUBLISH | 1u << PLACE_SHARED)) ==
                   (KIND_PUBLISH | 1u << PLACE_SHARED);
    }
    while (m->base != NULL && number < m->lanes[place][generation].start) {
        limit = m->base_count < limit ? m->base_count : limit;
        m = m->base;
    }
    number -= m->lanes[place][generation].start;
    if (number >= m->lanes[place][generation].count)
        return false;
    *position = m->lanes[place][generation].positions[number];
    return *position < limit;
}

void model_fold(const struct model *m, uint64_t count, struct fold *f)
{
    if (count == model_next(m)) {
        fold_copy(f, &m->fold);
        return;
    }
    f->next = 0;
    f->count = 0;
    memset(f->places, 0, sizeof(f->places));
    for (uint64_t p = 0; p < count; p++) {
        struct record r = model_record(m, p);
        fold_apply(f, &r, NULL, NULL);
    }
}

void model_checkpoint(struct model *m, uint64_t position, uint64_t digest)
{
    if (m->checkpoint_count == m->checkpoint_capacity) {
        m->checkpoint_capacity = m->checkpoint_capacity > 0 ? m->checkpoint_capacity * 2 : 16;
        m->checkpoints = mem_grow(m->checkpoints, m->checkpoint_capacity, sizeof(*m->checkpoints));
    }
    m->checkpoints[m->checkpoint_count++] = (struct model_checkpoint){position, digest};
}

bool model_has_checkpoint(const struct model *m, uint64_t position, uint64_t digest)
{
    for (; m != NULL; m = m->base) {
        for (size_t i = 0; i < m->checkpoint_count; i++) {
            if (m->checkpoints[i].position == position && m->checkpoints[i].digest == digest)
                return true;
        }
    }
    return false;
}

void model_retain(struct model *m, uint64_t lane, uint64_t floor)
{
    uint64_t *f = &m->floors[lane_place(lane)][lane / 16];

    ASSERT(lane / 16 < GENERATIONS_MAX);
    if (floor > *f)
        *f = floor;
}

/* True when a newer record of the place with the key of `e` is in its lane too, or `e` is a
 * tombstone. */
static bool is_superseded(const struct model *m, const struct fold_entry *e, uint64_t cold_end)
{
    struct record r = model_record(m, e->position);
    uint64_t lane = lane_of(PLACE_COMPACTED, m->fold.places[PLACE_COMPACTED].generation);
    uint64_t newer = 0;

    if (r.key.size == 0)
        return false;
    if (r.body.size == 0)
        return true;
    for (uint64_t n = e->numbers[PLACE_COMPACTED] + 1; model_lane_position(m, lane, n, &newer);
         n++) {
        struct record later = model_record(m, newer);

        if (newer >= cold_end)
            return false;
        if (bytes_equal(later.key, r.key))
            return true;
    }
    return false;
}

bool model_may_miss(const struct model *m, const struct fold_entry *e, enum place place,
                    uint64_t cold_end)
{
    if (e->numbers[place] < m->floors[place][m->fold.places[place].generation])
        return true;
    return place == PLACE_COMPACTED && m->is_compacted && is_superseded(m, e, cold_end);
}
