/* The rules of the sorter's runs: classify, count, copy, map keys, compact; see sorter.h. */
#include "log/sort_rules.h"

#include <string.h>

#include "base/mem.h"
#include "base/zoo.h"

/* ---- Outputs ---- */

/* What a file of the lane may take; UINT64_MAX: there is no limit. */
uint64_t rules_file_max(const struct sorter *s, uint64_t destination)
{
    const void *limit = map_count(&s->limits) > 0 ? map_find(&s->limits, destination) : NULL;

    return limit == NULL ? UINT64_MAX : (uint64_t)(uintptr_t)limit;
}

/* Whether a record more makes the file larger than it may be. What is gathered may be compressed
 * yet, so this is on the safe side. */
static bool is_full(const struct sorter *s, const struct sort_out *o, size_t size)
{
    uint64_t index = (o->segment->index->count + o->raw_count + 2) * sizeof(uint64_t[3]);
    uint64_t bytes = (o->at > 0 ? o->at : SEGMENT_HEADER_SIZE) + o->buffered_bytes +
                     (o->raw_count + 1) * (BATCH_HEADER_SIZE + BATCH_ALIGN) + index + size;

    return o->segment->records > 0 && bytes > rules_file_max(s, o->destination);
}

/* The first output behind those for the destination; the last of these is being filled. */
static size_t place_behind(const struct sorter *s, uint64_t destination)
{
    size_t low = 0, high = s->outs.count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (s->outs.items[middle]->destination <= destination)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The output for a destination, made when it is the first record for it, or when the one before is
 * full. */
static struct sort_out *out_for(struct sorter *s, uint64_t destination, size_t size)
{
    size_t at = place_behind(s, destination);

    if (at > 0 && s->outs.items[at - 1]->destination == destination &&
        !is_full(s, s->outs.items[at - 1], size))
        return s->outs.items[at - 1];
    if (s->outs.count == s->outs.capacity) {
        s->outs.capacity = s->outs.capacity > 0 ? s->outs.capacity * 2 : 8;
        s->outs.items = mem_grow(s->outs.items, s->outs.capacity, sizeof(struct sort_out *));
    }
    memmove(&s->outs.items[at + 1], &s->outs.items[at],
            (s->outs.count - at) * sizeof(*s->outs.items));
    s->outs.items[at] = sort_out_new(s->site, destination, s->cold->next_id++);
    if (s->input_count >
        1) /* what a run of one needs, which frees what it takes, is not for others */
        s->outs.items[at]->leave_bytes = spares_leave_bytes(s->site);
    s->outs.count++;
    return s->outs.items[at];
}

/* Copies a record to a destination. */
static void copy(struct sorter *s, uint64_t destination, const struct record *r)
{
    struct sort_out *o = out_for(s, destination, record_size(true, r->key.size, r->body.size));
    uint64_t before = o->buffered_bytes;
    int rv = sort_out_add(s->site, o, r);

    s->outs.buffered_bytes += o->buffered_bytes - before;
    if (rv != 0 && s->classify_err == 0)
        s->classify_err = rv;
}

void log_keep(struct log_sorting *c)
{
    struct sorter *s = c->sorter;
    const struct segment *g = s->inputs[s->input];

    if (s->run == RUN_SURVEY)
        s->survey_live++;
    else
        copy(s, s->run == RUN_SORT ? LOG_SHARED : g->destination, c->record);
}

void log_move(struct log_sorting *c, uint64_t destination, uint64_t number)
{
    struct record r = *c->record;

    ASSERT(destination != LOG_SHARED);
    r.number = number;
    if (c->sorter->run == RUN_SURVEY)
        c->sorter->survey_live++;
    else
        copy(c->sorter, destination, &r);
}

/* ---- Records ---- */

static bool is_tombstone(const struct sorter *s, const struct record *r)
{
    const struct log_owner *o = s->owner;

    return o->is_tombstone != NULL ? o->is_tombstone(o->owner, r) : r->body.size == 0;
}

/* True when a newer record with the key exists, or it is a tombstone whose time is over. */
static bool is_superseded(const struct sorter *s, const struct record *r)
{
    uint64_t newest = 0;

    if (r->key.size == 0 || !keymap_get(&s->compaction.keys, r->key, &newest) || newest < r->number)
        return false;
    if (newest > r->number || ZOO(LATEST_DROPPED))
        return true;
    return is_tombstone(s, r) && s->compaction.began_ms > r->time_ms &&
           (uint64_t)(s->compaction.began_ms - r->time_ms) > s->compaction.now.tombstone_age_ms;
}

static void apply_one(struct sorter *s, const struct segment *g, const struct record *r)
{
    struct log_sorting sorting = {.sorter = s, .record = r};

    switch (s->run) {
    case RUN_SORT:
    case RUN_REWRITE:
    case RUN_SURVEY:
        s->owner->classify(s->owner->owner, g->destination, r, &sorting);
        break;
    case RUN_MERGE:
        copy(s, g->destination, r);
        break;
    case RUN_MAP:
        if (r->number < s->compaction.to && r->key.size > 0 &&
            !keymap_put(&s->compaction.keys, r->key, r->number))
            s->compaction.to = r->number; /* the map is full: what comes later stays as it is */
        break;
    case RUN_COMPACT:
        if (!is_superseded(s, r))
            copy(s, g->destination, r);
        break;
    case RUN_NONE:
        ASSERT(false);
        break;
    }
}

void rules_apply(struct sorter *s, const struct segment *g, const struct block *b)
{
    struct record r;

    for (uint32_t i = block_seek(b, s->read.number); i < b->count && s->classify_err == 0; i++) {
        block_record(b, i, &r);
        apply_one(s, g, &r);
    }
}

/* ---- Compaction ---- */

void sorter_compact(struct sorter *s, uint64_t destination, uint64_t tombstone_age_ms)
{
    if (s->compaction.waiting_count == s->compaction.waiting_capacity) {
        s->compaction.waiting_capacity =
            s->compaction.waiting_capacity > 0 ? s->compaction.waiting_capacity * 2 : 4;
        s->compaction.waiting = mem_grow(s->compaction.waiting, s->compaction.waiting_capacity,
                                         sizeof(*s->compaction.waiting));
    }
    for (size_t i = 0; i < s->compaction.waiting_count; i++) {
        if (s->compaction.waiting[i].destination == destination)
            return;
    }
    s->compaction.waiting[s->compaction.waiting_count++] =
        (struct sorter_request){destination, tombstone_age_ms};
}

/* Takes the next lane that was asked for. */
static void begin_compaction(struct sorter *s)
{
    struct sorter_request c = s->compaction.waiting[0];
    const struct cold_lane *lane = cold_find(s->cold, c.destination);

    s->compaction.waiting_count--;
    memmove(&s->compaction.waiting[0], &s->compaction.waiting[1],
            s->compaction.waiting_count * sizeof(c));
    if (lane == NULL)
        return;
    s->compaction.is_on = true;
    s->compaction.now = c;
    s->compaction.from = lane->segments[0]->first;
    s->compaction.to = lane->segments[lane->count - 1]->end;
    s->compaction.next = s->compaction.from;
    s->compaction.is_mapped = false;
    s->compaction.began_ms = io_wall_ms(s->site->io);
    keymap_init(&s->compaction.keys, s->site->options.sorter_buffer_bytes * 4);
}

static void end_compaction(struct sorter *s)
{
    keymap_release(&s->compaction.keys);
    s->compaction.is_on = false;
}

/* Takes segments of the lane from compact_next on as inputs, about one file's worth. */
static bool take_lane_inputs(struct sorter *s)
{
    const struct cold_lane *lane = cold_find(s->cold, s->compaction.now.destination);
    uint64_t bytes = 0;

    for (size_t i = 0; lane != NULL && i < lane->count; i++) {
        struct segment *g = lane->segments[i];

        if (g->end <= s->compaction.next)
            continue;
        if (g->first >= s->compaction.to || s->input_count == SORTER_INPUTS_MAX)
            break;
        if (s->input_count > 0 && bytes + g->bytes > s->site->options.cold_segment_bytes)
            break;
        g->pins++;
        s->inputs[s->input_count++] = g;
        bytes += g->bytes;
    }
    return s->input_count > 0;
}

bool rules_choose_compaction(struct sorter *s)
{
    while (s->compaction.is_on || s->compaction.waiting_count > 0) {
        if (!s->compaction.is_on) {
            begin_compaction(s);
            continue;
        }
        if (take_lane_inputs(s)) {
            s->run = s->compaction.is_mapped ? RUN_COMPACT : RUN_MAP;
            return true;
        }
        if (s->compaction.is_mapped) {
            end_compaction(s);
        } else {
            s->compaction.is_mapped = true;
            s->compaction.next = s->compaction.from;
        }
    }
    return false;
}

bool rules_finish(struct sorter *s)
{
    struct segment *last = s->inputs[s->input_count - 1];

    switch (s->run) {
    case RUN_SURVEY:
        last->live = s->survey_live > s->released ? s->survey_live - s->released : 0;
        last->is_counted = true;
        return true;
    case RUN_MAP:
        s->compaction.next = last->end;
        return true;
    case RUN_COMPACT:
        s->compaction.next = last->end;
        return false;
    default:
        return false;
    }
}

void rules_abort(struct sorter *s)
{
    if (s->run != RUN_MAP && s->run != RUN_COMPACT)
        return;
    end_compaction(s);
    sorter_compact(s, s->compaction.now.destination, s->compaction.now.tombstone_age_ms);
}
