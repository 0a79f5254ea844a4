/* Appending: records into batches, batches into blocks, blocks into segments; see hot.h.
 * Writing and syncing is in commit.c. */
#include "log/hot.h"

#include <string.h>

#include "base/crc32c.h"
#include "base/mem.h"
#include "base/zoo.h"
#include "log/commit.h"

enum {
    SUM_STEP = 1024,  /* records are summed once they are so many bytes, still near */
    AHEAD_MAX = 2048, /* of a next record is fetched ahead; of more the processor itself does it */
    CACHE_LINE = 64,
};

void hot_init(struct hot *h, const struct site *s, struct cache *c, struct spares *spares)
{
    memset(h, 0, sizeof(*h));
    h->site = s;
    h->cache = c;
    h->spares = spares;
    h->tail.batch_at = HOT_NO_BATCH;
    commit_init(h);
    commit_tune(h, 0);
}

void hot_release(struct hot *h)
{
    ASSERT(!h->is_flying);
    commit_release(h);
    if (h->tail.block != NULL)
        block_unref(h->tail.block);
    h->tail.block = NULL;
    for (size_t i = 0; i < h->segment_count; i++) {
        cache_drop_segment(h->cache, h->segments[i]);
        segment_free(h->segments[i]);
    }
    mem_free(h->segments);
    h->segment_count = 0;
    h->segments = NULL;
}

void hot_check(const struct hot *h)
{
    ASSERT(h->durable <= h->sync.written && h->sync.written <= h->next);           /* H1 */
    ASSERT(h->segment_count > 0 && !h->segments[h->segment_count - 1]->is_sealed); /* H4 */
    ASSERT(h->tail.batch_at == HOT_NO_BATCH || h->tail.block != NULL);
    ASSERT(h->tail.block == NULL || h->tail.block->size <= h->tail.limit);
    ASSERT(h->tail.block == NULL || h->tail.sealed_to <= h->tail.block->size);
}

void hot_add_segment(struct hot *h, struct segment *g)
{
    ASSERT(h->segment_count == 0 || h->segments[h->segment_count - 1]->end == g->first);
    if (h->segment_count == h->segment_capacity) {
        h->segment_capacity = h->segment_capacity > 0 ? h->segment_capacity * 2 : 16;
        h->segments = mem_grow(h->segments, h->segment_capacity, sizeof(struct segment *));
    }
    h->segments[h->segment_count++] = g;
}

struct segment *hot_take_first(struct hot *h)
{
    struct segment *g = h->segments[0];

    ASSERT(h->segment_count > 1 && g->is_sealed);
    h->segment_count--;
    memmove(&h->segments[0], &h->segments[1], h->segment_count * sizeof(h->segments[0]));
    return g;
}

uint64_t hot_first(const struct hot *h)
{
    return h->segments[0]->first;
}

uint64_t hot_told(const struct hot *h)
{
    return h->failed == 0 && h->site->options.sync_interval_ms > 0 ? h->sync.written : h->durable;
}

uint64_t hot_end(const struct hot *h)
{
    return h->failed != 0 ? h->durable : h->next;
}

struct segment *hot_find(const struct hot *h, uint64_t position)
{
    size_t low = 0, high = h->segment_count;

    ASSERT(position >= hot_first(h) && position < h->next);
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (h->segments[middle]->first <= position)
            low = middle;
        else
            high = middle;
    }
    return h->segments[low];
}

static struct segment *active(const struct hot *h)
{
    return h->segments[h->segment_count - 1];
}

/* Bytes at the end of a segment that are kept for its index. */
static uint64_t footer_room(const struct hot *h)
{
    const struct log_options *o = &h->site->options;

    return batch_padded(64 + 24 * (o->segment_bytes / (o->block_bytes / 8) + 2));
}

/* What a segment can hold in batches. */
static uint64_t segment_room(const struct hot *h)
{
    return h->site->options.segment_bytes - SEGMENT_HEADER_SIZE - footer_room(h);
}

/* Bytes left for batches in the active segment, whose file may be of a former size. */
static uint64_t active_left(const struct hot *h)
{
    uint64_t taken = h->tail.at + footer_room(h);
    uint64_t size = active(h)->file_bytes;

    return size > taken ? size - taken : 0;
}

size_t hot_body_max(const struct hot *h, size_t key_size)
{
    uint64_t room = segment_room(h) - BATCH_HEADER_SIZE;
    uint64_t most = room < RECORD_SIZE_MAX ? room : RECORD_SIZE_MAX;

    return (size_t)(most - RECORD_HEADER_SIZE - key_size);
}

bool hot_is_pressed(const struct hot *h)
{
    const struct log_options *o = &h->site->options;
    uint64_t used = h->tail.block != NULL ? h->tail.block->at + h->tail.block->size : h->tail.at;

    if (h->pending_bytes > o->pending_bytes_max / 2 || h->spares->count == 0)
        return true;
    if (h->wants.commit || (h->wants.spare && !spares_can_take(h->spares, false)))
        return true;
    return h->spares->is_short && used > o->segment_bytes / 2;
}

/* Goes on with the sum of the open batch, when there is enough to do. Of a batch that is small as a
 * whole nothing is summed: it is faster to do it at once when it is sealed. */
static void sum_records(struct hot *h, size_t least)
{
    struct block *b = h->tail.block;
    size_t size;

    if (h->tail.batch_at == HOT_NO_BATCH)
        return;
    size = b->size - h->tail.summed_to;
    if (size < least)
        return;
    h->tail.sum = crc32c_extend(h->tail.sum, b->data + h->tail.summed_to, size);
    h->tail.summed_to = b->size;
}

static void seal_bytes(struct hot *h, struct batch_head *head)
{
    uint8_t *at = h->tail.block->data + h->tail.batch_at;

    if (h->tail.summed_to == h->tail.batch_at + BATCH_HEADER_SIZE) {
        batch_seal(at, head);
        return;
    }
    sum_records(h, 0);
    batch_seal_summed(at, head, h->tail.sum);
}

/* The wall clock, but never back. */
static int64_t stamp(struct hot *h)
{
    int64_t now = io_wall_ms(h->site->io);

    h->time_ms = now > h->time_ms ? now : h->time_ms;
    return h->time_ms;
}

/* Closes the open batch: header, CRC, padding, and its entry in the index. */
static void seal_batch(struct hot *h)
{
    struct block *b = h->tail.block;
    struct block_batch *batch;
    size_t length, padded;

    h->group_bytes = 0;
    if (h->tail.batch_at == HOT_NO_BATCH)
        return;
    batch = &b->batches[b->batch_count - 1];
    length = b->size - h->tail.batch_at;
    padded = (size_t)batch_padded(length);
    if (!ZOO(BATCH_TIME_EARLY))
        batch->head.time_ms = stamp(h); /* nothing in it is younger */
    batch->head.length = (uint32_t)length;
    batch->head.raw_size = (uint32_t)(length - BATCH_HEADER_SIZE);
    batch->head.count = b->count - batch->record;
    batch->head.chain = h->chain;
    batch->head.durable = h->durable;
    seal_bytes(h, &batch->head);

    memset(b->data + b->size, 0, padded - length);
    b->size = h->tail.batch_at + padded;
    h->pending_bytes += padded - length;
    h->chain = batch->head.crc;
    index_add(b->segment->index, batch->head.base, b->at + h->tail.batch_at, batch->head.time_ms);
    h->tail.batch_at = HOT_NO_BATCH;
}

void commit_collect(struct hot *h)
{
    struct block *b = h->tail.block;

    if (b == NULL)
        return;
    seal_batch(h);
    if (b->size == h->tail.sealed_to)
        return;
    block_ref(b);
    commit_push(h, (struct hot_write){
                       .segment = b->segment,
                       .block = b,
                       .bytes = b->data + h->tail.sealed_to,
                       .size = b->size - h->tail.sealed_to,
                       .at = b->at + h->tail.sealed_to,
                       .spare = h->tail.spare,
                       .end = h->next,
                       .chain = h->chain,
                   });
    h->tail.spare = 0;
    h->tail.sealed_to = b->size;
}

/* The open block takes nothing more. */
static void finish_block(struct hot *h)
{
    if (h->tail.block == NULL)
        return;
    commit_collect(h);
    h->tail.at = h->tail.block->at + h->tail.block->size;
    block_unref(h->tail.block);
    h->tail.block = NULL;
}

/* Ends the active segment and begins the next one on a spare file. */
static int roll(struct hot *h, bool may_use_reserve)
{
    struct segment *old = active(h), *g;
    struct index_span span;
    uint64_t spare = 0;
    size_t size = 0;
    uint8_t *footer;

    ASSERT(old->index->count > 0);
    h->wants.spare = !spares_take(h->spares, may_use_reserve, &spare);
    if (h->wants.spare)
        return ERR_FULL;
    old->end = h->next;
    old->is_sealed = true;
    span = segment_span(old);
    span.at = h->tail.at;
    footer = index_encode(old->index, h->site, &span, &size);
    commit_push(h, (struct hot_write){
                       .segment = old,
                       .bytes = footer,
                       .size = size,
                       .at = h->tail.at,
                       .end = h->next,
                   });
    g = segment_new(SEGMENT_HOT, h->next, h->next);
    g->index = index_new(h->site->options.block_bytes / 8);
    g->chain_before = h->chain;
    g->bytes_before = h->tail.at;
    g->is_counted = true;
    g->file_bytes = h->site->options.segment_bytes;
    hot_add_segment(h, g);
    h->tail.spare = spare;
    h->tail.at = SEGMENT_HEADER_SIZE;
    return 0;
}

/* Gets an open block in which a batch with `bytes` of records fits. The present one is finished. */
static int next_block(struct hot *h, size_t bytes, bool may_use_reserve)
{
    const struct log_options *o = &h->site->options;
    uint64_t need = batch_padded(BATCH_HEADER_SIZE + bytes);
    uint64_t left;
    size_t capacity;
    struct block *b;
    int rv;

    finish_block(h);
    left = active_left(h);
    if (left < need || left < o->block_bytes / 8) {
        rv = roll(h, may_use_reserve);
        if (rv != 0)
            return rv;
        left = active_left(h);
    }
    capacity = need > o->block_bytes ? (size_t)need : (size_t)o->block_bytes;
    b = cache_new_block(h->cache, active(h), capacity);
    if (b == NULL)
        return ERR_FULL;
    b->at = h->tail.at;
    b->first = h->next;
    b->end = h->next;
    cache_add(h->cache, b);
    h->tail.block = b;
    h->tail.limit = left < capacity ? (size_t)(left / BATCH_ALIGN * BATCH_ALIGN) : capacity;
    h->tail.sealed_to = 0;
    return 0;
}

/* Whether bytes may be taken at all; urgent appends get twice the room that others have. What is
 * refused will be taken later: one record always fits when nothing else waits. */
static int admit(struct hot *h, size_t bytes, bool may_use_reserve)
{
    uint64_t most = h->site->options.pending_bytes_max * (may_use_reserve ? 2 : 1);

    if (UNLIKELY(h->failed != 0))
        return ERR_FAILED;
    if (bytes > segment_room(h) - BATCH_HEADER_SIZE || bytes > BATCH_SIZE_MAX - BATCH_ALIGN)
        return ERR_RANGE;
    if (bytes <= h->group_bytes)
        return 0;
    if (h->pending_bytes > 0 && h->pending_bytes + bytes > most) {
        h->wants.commit = true;
        return ERR_FULL;
    }
    return h->spares->count == 0 && !may_use_reserve ? ERR_FULL : 0;
}

/* Starts a batch at the end of the open block. */
static void begin_batch(struct hot *h)
{
    struct block *b = h->tail.block;
    struct block_batch *batch = block_add_batch(b);

    ASSERT(b->size % BATCH_ALIGN == 0);
    h->tail.batch_at = b->size;
    batch->head.base = h->next;
    batch->head.epoch = h->epoch;
    batch->head.time_ms = stamp(h);
    batch->head.mark = site_mark(h->site);
    b->size += BATCH_HEADER_SIZE;
    h->tail.summed_to = b->size;
    h->tail.sum = 0;
    h->pending_bytes += BATCH_HEADER_SIZE;
}

/* True when the open batch, or a new one in the open block, can take `bytes`. */
static bool has_room(const struct hot *h, size_t bytes)
{
    size_t head = h->tail.batch_at == HOT_NO_BATCH ? BATCH_HEADER_SIZE : 0;

    return h->tail.block != NULL && h->tail.block->size + head + bytes <= h->tail.limit;
}

/* Gets ready to take `bytes` in one batch. */
static int make_room(struct hot *h, size_t bytes, bool may_use_reserve)
{
    int rv = has_room(h, bytes) ? 0 : next_block(h, bytes, may_use_reserve);

    if (rv == 0 && h->tail.batch_at == HOT_NO_BATCH)
        begin_batch(h);
    return rv;
}

/* Much is there already: the disk begins while this turn goes on appending. Less is better written
 * all together at the end of the turn, for the sake of fewer syncs. */
static void commit_early(struct hot *h)
{
    if (!h->is_flying && h->group_bytes == 0 && h->pending_bytes >= h->tail.early_bytes &&
        !commit_gathers(h))
        hot_commit(h);
}

/* The next record will likely be as large as this one: its place, which nobody has touched for
 * long, comes nearer while the owner writes this one's body. */
static void expect_next(const struct block *b, size_t size)
{
    size_t end = b->size + (size < AHEAD_MAX ? size : AHEAD_MAX);

    for (size_t at = b->size; at < end && at < b->capacity; at += CACHE_LINE)
        __builtin_prefetch(b->data + at, 1);
}

int hot_append(struct hot *h, const struct log_entry *e, uint64_t *position, uint8_t **body)
{
    size_t size = record_size(false, e->key.size, e->body_size);
    struct record r = {.kind = e->kind, .key = e->key, .body = {NULL, e->body_size}};
    struct segment *g;
    struct block *b;
    int rv = admit(h, size, e->may_use_reserve);

    if (rv == 0 && (size > RECORD_SIZE_MAX || e->key.size > RECORD_KEY_MAX))
        rv = ERR_RANGE;
    if (rv == 0) {
        sum_records(h, SUM_STEP);
        commit_early(h);
        rv = make_room(h, size, e->may_use_reserve);
    }
    if (UNLIKELY(rv != 0))
        return rv;

    b = h->tail.block;
    g = b->segment;
    block_add_record(b, (uint32_t)b->size);
    *body = record_write(b->data + b->size, false, &r);
    *position = h->next++;
    b->size += size;
    b->end = h->next;
    g->end = h->next;
    g->records++;
    g->live += e->is_transitory ? 0 : 1;
    g->live += e->is_for_lane ? 1 : 0; /* nobody releases this one */
    h->pending_bytes += size;
    h->group_bytes -= size < h->group_bytes ? size : h->group_bytes;
    expect_next(b, size);
    io_later(h->site->io, &h->task);
    return 0;
}

void hot_end_turn(struct hot *h)
{
    if (h->failed != 0)
        return;
    if (h->is_flying)
        commit_line_up(h);
    else if (!commit_waits(h))
        hot_commit(h);
}

int hot_begin_group(struct hot *h, size_t bytes, bool may_use_reserve)
{
    int rv;

    h->group_bytes = 0;
    rv = admit(h, bytes, may_use_reserve);
    if (rv == 0 && !has_room(h, bytes))
        rv = next_block(h, bytes, may_use_reserve);
    if (rv == 0)
        h->group_bytes = bytes;
    return rv;
}
