/* What the owner may do with lanes: release, trim, retain, drop. */
#include "base/mem.h"
#include "log/log_parts.h"

/* Takes a cold segment out of its lane for good. */
static void retire(struct log *l, struct segment *g)
{
    cold_remove(&l->cold, g);
    keeper_retire(&l->keeper, g);
}

/* Retires the segments of a lane that end at or below `number`. */
static void trim(struct log *l, uint64_t destination, uint64_t number)
{
    struct cold_lane *lane;

    while ((lane = cold_find(&l->cold, destination)) != NULL) {
        struct segment *g = lane->segments[0];

        if (g->end > number)
            return;
        retire(l, g);
    }
}

void log_trim(struct log *l, uint64_t destination, uint64_t number)
{
    if (sorter_is_busy(&l->sorter)) {
        if (l->late_trim_count == l->late_trim_capacity) {
            l->late_trim_capacity = l->late_trim_capacity > 0 ? l->late_trim_capacity * 2 : 8;
            l->late_trims = mem_grow(l->late_trims, l->late_trim_capacity, sizeof(*l->late_trims));
        }
        l->late_trims[l->late_trim_count++] = (struct log_late_trim){destination, number};
    }
    trim(l, destination, number);
}

void log_apply_late_trims(struct log *l)
{
    for (size_t i = 0; i < l->late_trim_count; i++)
        trim(l, l->late_trims[i].destination, l->late_trims[i].number);
    l->late_trim_count = 0;
}

void log_limit_files(struct log *l, uint64_t destination, uint64_t max_bytes)
{
    ASSERT(destination != LOG_SHARED);
    sorter_limit_files(&l->sorter, destination, max_bytes);
}

void log_drop(struct log *l, uint64_t destination)
{
    ASSERT(destination != LOG_SHARED);
    sorter_limit_files(&l->sorter, destination, 0);
    log_trim(l, destination, UINT64_MAX);
}

/* True when the lane's oldest file is beyond what may be kept. The headers of the files do not
 * count: a lane of small ones would keep a fraction of what it may. */
static bool is_beyond(const struct cold_lane *lane, const struct log_retention *r, int64_t now_ms)
{
    const struct segment *g = lane->segments[0];
    uint64_t others = lane->bytes - g->file_bytes - (lane->count - 1) * SEGMENT_HEADER_SIZE;

    if (r->max_bytes > 0 && others >= r->max_bytes)
        return true;
    return r->max_age_ms > 0 && now_ms > g->last_time_ms &&
           (uint64_t)(now_ms - g->last_time_ms) > r->max_age_ms;
}

void log_retain(struct log *l, uint64_t destination, const struct log_retention *r)
{
    int64_t now_ms = io_wall_ms(l->site.io);
    struct cold_lane *lane = cold_find(&l->cold, destination);

    while (lane != NULL && lane->count > 1 && is_beyond(lane, r, now_ms))
        retire(l, lane->segments[0]);
}

/* The segment that a number of a lane lives in, or NULL when it is gone. */
static struct segment *segment_of(struct log *l, uint64_t lane, uint64_t number)
{
    struct cold_lane *cold;
    struct segment *g;

    if (lane == LOG_SHARED && number >= hot_first(&l->hot))
        return number < l->hot.next ? hot_find(&l->hot, number) : NULL;
    cold = cold_find(&l->cold, lane);
    g = cold != NULL ? cold_segment(cold, number) : NULL;
    return g != NULL && g->first <= number ? g : NULL;
}

void log_release(struct log *l, uint64_t lane, uint64_t number)
{
    struct segment *g = segment_of(l, lane, number);

    if (g == NULL)
        return;
    sorter_on_release(&l->sorter, g, number);
    if (g->live == 0)
        return;
    g->live--;
    if (!g->is_counted || !g->is_sealed || l->closing.is_on)
        return;
    if (g->live == 0 && g->kind == SEGMENT_COLD)
        retire(l, g);
    else if (g->live == 0 || (g->kind == SEGMENT_COLD && g->live == g->records / 2))
        sorter_kick(&l->sorter);
}

bool log_lane(const struct log *l, uint64_t destination, uint64_t *first, uint64_t *end)
{
    const struct cold_lane *lane = cold_find(&l->cold, destination);

    if (lane == NULL)
        return false;
    *first = lane->segments[0]->first;
    *end = lane->segments[lane->count - 1]->end;
    return true;
}

uint64_t log_lane_bytes(const struct log *l, uint64_t destination)
{
    const struct cold_lane *lane = cold_find(&l->cold, destination);

    return lane == NULL ? 0 : lane->bytes;
}
