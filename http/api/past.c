/* Rings of looks in one piece of memory: the struct, then the looks of the first ring, of the
 * second, and so on; a look is its time and its values. */
#include "http/api/past.h"

#include <string.h>

#include "base/check.h"
#include "base/mem.h"

enum { RINGS = 4, SHORT_RINGS = 2 };

/* RabbitMQ's retention; one look more, for the step that has begun. */
static const struct {
    int64_t step_ms;
    size_t looks;
} kinds[RINGS] = {{5000, 122}, {60000, 62}, {600000, 50}, {1800000, 49}};

struct ring {
    size_t first; /* place of its first look among all */
    size_t next;  /* place in the ring where the next look goes */
    size_t count;
};

struct past {
    struct list_link link;
    struct past **slot;
    size_t bytes;
    size_t look_size; /* in words */
    size_t rings_count;
    bool is_new;
    struct ring rings[RINGS];
    uint64_t words[];
};

/* ---- pools ---- */

void pasts_init(struct pasts *p, uint64_t bytes_max)
{
    list_init(&p->all);
    p->bytes = 0;
    p->bytes_max = bytes_max;
}

static struct past *first_of(struct pasts *p)
{
    return CONTAINER_OF(p->all.head.next, struct past, link);
}

void pasts_clear(struct pasts *p)
{
    while (!list_empty(&p->all))
        past_close(p, first_of(p)->slot);
    ASSERT(p->bytes == 0);
}

void pasts_check(const struct pasts *p)
{
    uint64_t bytes = 0;

    LIST_FOREACH (link, &p->all) {
        const struct past *past = CONTAINER_OF(link, struct past, link);

        ASSERT(*past->slot == past); /* P2 */
        bytes += past->bytes;
    }
    ASSERT(bytes == p->bytes && bytes <= p->bytes_max); /* P1 */
}

/* ---- open, close ---- */

static size_t rings_of(const struct past_spec *spec)
{
    return spec->is_long ? RINGS : SHORT_RINGS;
}

static size_t size_of(const struct past_spec *spec)
{
    size_t looks = 0;

    for (size_t i = 0; i < rings_of(spec); i++)
        looks += kinds[i].looks;
    return sizeof(struct past) + looks * (1 + spec->values) * sizeof(uint64_t);
}

void past_open(struct pasts *p, struct past **slot, const struct past_spec *spec)
{
    size_t size = size_of(spec);
    size_t looks = 0;
    struct past *past = NULL;

    ASSERT(*slot == NULL);
    if (p->bytes + size > p->bytes_max)
        return;
    past = mem_zero(1, size);
    past->slot = slot;
    past->bytes = size;
    past->look_size = 1 + spec->values;
    past->rings_count = rings_of(spec);
    past->is_new = spec->is_new;
    for (size_t i = 0; i < past->rings_count; i++) {
        past->rings[i].first = looks;
        looks += kinds[i].looks;
    }
    list_push_front(&p->all, &past->link);
    p->bytes += size;
    *slot = past;
}

void past_ask(struct pasts *p, struct past **slot, const struct past_spec *spec)
{
    size_t size = size_of(spec);

    if (*slot == NULL && size <= p->bytes_max) {
        while (p->bytes + size > p->bytes_max)
            past_close(p, first_of(p)->slot);
        past_open(p, slot, spec);
    }
    if (*slot == NULL)
        return;
    list_remove(&(*slot)->link);
    list_push(&p->all, &(*slot)->link);
}

void past_close(struct pasts *p, struct past **slot)
{
    struct past *past = *slot;

    if (past == NULL)
        return;
    ASSERT(p->bytes >= past->bytes);
    list_remove(&past->link);
    p->bytes -= past->bytes;
    *slot = NULL;
    mem_free(past);
}

/* ---- looks ---- */

/* The look so many before the last one of a ring. */
static uint64_t *look_back(const struct past *past, size_t ring, size_t back)
{
    const struct ring *r = &past->rings[ring];
    size_t looks = kinds[ring].looks;

    ASSERT(back < r->count);
    size_t place = (r->next + looks - 1 - back) % looks;
    return (uint64_t *)past->words + (r->first + place) * past->look_size;
}

static int64_t time_back(const struct past *past, size_t ring, size_t back)
{
    return (int64_t)look_back(past, ring, back)[0];
}

static void put_into(struct past *past, size_t ring, int64_t time_ms, const uint64_t *values)
{
    struct ring *r = &past->rings[ring];
    int64_t step = kinds[ring].step_ms;
    bool is_next = r->count == 0 || time_ms / step > time_back(past, ring, 0) / step;
    uint64_t *look = NULL;

    if (is_next) {
        r->next = (r->next + 1) % kinds[ring].looks;
        r->count += r->count < kinds[ring].looks;
    }
    look = look_back(past, ring, 0);
    look[0] = (uint64_t)time_ms;
    memcpy(look + 1, values, (past->look_size - 1) * sizeof(*values));
}

void past_put(struct past *past, int64_t time_ms, const uint64_t *values)
{
    if (past->rings[0].count > 0 && time_ms < time_back(past, 0, 0)) {
        for (size_t i = 0; i < past->rings_count; i++)
            past->rings[i].count = 0;
        past->is_new = false;
    }
    for (size_t i = 0; i < past->rings_count; i++)
        put_into(past, i, time_ms, values);
}

/* Whether nothing before its first look is forgotten, or that look is early enough. */
static bool reaches(const struct past *past, size_t ring, int64_t time_ms)
{
    size_t count = past->rings[ring].count;

    return count < kinds[ring].looks || time_back(past, ring, count - 1) <= time_ms;
}

uint64_t past_value(const struct past *past, int64_t time_ms, size_t place)
{
    size_t ring = 0;
    size_t low = 0;
    size_t high = 0;

    ASSERT(place + 1 < past->look_size);
    while (ring + 1 < past->rings_count && !reaches(past, ring, time_ms))
        ring++;
    high = past->rings[ring].count;
    if (high == 0)
        return 0;
    /* The first look, counted backwards, that is not later. */
    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (time_back(past, ring, middle) <= time_ms)
            high = middle;
        else
            low = middle + 1;
    }
    if (low < past->rings[ring].count)
        return look_back(past, ring, low)[1 + place];
    if (past->is_new && past->rings[ring].count < kinds[ring].looks)
        return 0;
    return look_back(past, ring, past->rings[ring].count - 1)[1 + place];
}
