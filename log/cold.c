/* Lanes of cold segments; see cold.h. */
#include "log/cold.h"

#include <string.h>

#include "base/mem.h"

void cold_init(struct cold *c)
{
    memset(c, 0, sizeof(*c));
    c->next_id = 1;
}

static void lane_free(struct cold_lane *lane)
{
    mem_free(lane->segments);
    mem_free(lane);
}

void cold_release(struct cold *c)
{
    for (size_t i = 0; i < c->count; i++) {
        for (size_t k = 0; k < c->lanes[i]->count; k++)
            segment_free(c->lanes[i]->segments[k]);
        lane_free(c->lanes[i]);
    }
    mem_free(c->lanes);
    memset(c, 0, sizeof(*c));
}

/* Place of the first lane whose destination is >= `destination`. */
static size_t lane_place(const struct cold *c, uint64_t destination)
{
    size_t low = 0, high = c->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (c->lanes[middle]->destination < destination)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct cold_lane *cold_find(const struct cold *c, uint64_t destination)
{
    size_t i = lane_place(c, destination);

    return i < c->count && c->lanes[i]->destination == destination ? c->lanes[i] : NULL;
}

static struct cold_lane *lane_make(struct cold *c, uint64_t destination)
{
    size_t i = lane_place(c, destination);

    if (i < c->count && c->lanes[i]->destination == destination)
        return c->lanes[i];
    if (c->count == c->capacity) {
        c->capacity = c->capacity > 0 ? c->capacity * 2 : 16;
        c->lanes = mem_grow(c->lanes, c->capacity, sizeof(struct cold_lane *));
    }
    memmove(&c->lanes[i + 1], &c->lanes[i], (c->count - i) * sizeof(*c->lanes));
    c->lanes[i] = MEM_NEW(struct cold_lane);
    c->lanes[i]->destination = destination;
    c->count++;
    return c->lanes[i];
}

/* Place of the first segment of the lane that ends above `number`. */
static size_t segment_place(const struct cold_lane *lane, uint64_t number)
{
    size_t low = 0, high = lane->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (lane->segments[middle]->end <= number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct segment *cold_segment(const struct cold_lane *lane, uint64_t number)
{
    size_t i = segment_place(lane, number);

    return i < lane->count ? lane->segments[i] : NULL;
}

struct segment *cold_segment_by_time(const struct cold_lane *lane, int64_t time_ms)
{
    size_t low = 0, high = lane->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (lane->segments[middle]->last_time_ms < time_ms)
            low = middle + 1;
        else
            high = middle;
    }
    return low < lane->count ? lane->segments[low] : NULL;
}

int cold_add(struct cold *c, struct segment *g)
{
    struct cold_lane *lane = lane_make(c, g->destination);
    size_t i = segment_place(lane, g->first);

    ASSERT(g->kind == SEGMENT_COLD && g->is_sealed && g->first < g->end);
    if (i < lane->count && lane->segments[i]->first < g->end)
        return ERR_EXISTS;
    if (lane->count == lane->capacity) {
        lane->capacity = lane->capacity > 0 ? lane->capacity * 2 : 4;
        lane->segments = mem_grow(lane->segments, lane->capacity, sizeof(struct segment *));
    }
    memmove(&lane->segments[i + 1], &lane->segments[i],
            (lane->count - i) * sizeof(*lane->segments));
    lane->segments[i] = g;
    lane->count++;
    lane->bytes += g->file_bytes;
    c->segment_count++;
    c->bytes += g->file_bytes;
    return 0;
}

void cold_remove(struct cold *c, struct segment *g)
{
    struct cold_lane *lane = cold_find(c, g->destination);
    size_t i = segment_place(lane, g->first);

    ASSERT(i < lane->count && lane->segments[i] == g);
    lane->count--;
    memmove(&lane->segments[i], &lane->segments[i + 1],
            (lane->count - i) * sizeof(*lane->segments));
    lane->bytes -= g->file_bytes;
    c->segment_count--;
    c->bytes -= g->file_bytes;
    if (lane->count > 0)
        return;
    i = lane_place(c, lane->destination);
    lane_free(lane);
    c->count--;
    memmove(&c->lanes[i], &c->lanes[i + 1], (c->count - i) * sizeof(*c->lanes));
}
