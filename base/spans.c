/* A tree of two levels: an array of leaves, each a sorted array of spans.
 *
 * A place names a span by leaf and index. Where no span is, it is the end: {leaf_count, 0}.
 * Whatever puts in or takes out a span makes all places invalid. */
#include "base/spans.h"

#include <string.h>

#include "base/mem.h"

enum {
    LEAF_SPANS_MIN = 4, /* most sets are one or two spans all their life */
    LEAF_SPANS_MAX = 256,
};

struct spans_leaf {
    size_t count;
    size_t capacity;
    struct span spans[];
};

struct place {
    size_t leaf;
    size_t index;
};

static bool is_end(const struct spans *s, struct place p)
{
    return p.leaf == s->leaf_count;
}

static struct span *span_at(const struct spans *s, struct place p)
{
    ASSERT(p.leaf < s->leaf_count && p.index < s->leaves[p.leaf]->count);
    return &s->leaves[p.leaf]->spans[p.index];
}

static struct place next_place(const struct spans *s, struct place p)
{
    ASSERT(!is_end(s, p));
    if (p.index + 1 < s->leaves[p.leaf]->count)
        return (struct place){p.leaf, p.index + 1};
    return (struct place){p.leaf + 1, 0};
}

static const struct span *last_of(const struct spans_leaf *leaf)
{
    ASSERT(leaf->count > 0); /* N2 */
    return &leaf->spans[leaf->count - 1];
}

/* The index of the first leaf whose last span ends above `number`. */
static size_t seek_leaf(const struct spans *s, uint64_t number)
{
    size_t low = 0;
    size_t high = s->leaf_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (last_of(s->leaves[middle])->to > number)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* The place of the first span that ends above `number`. */
static struct place seek(const struct spans *s, uint64_t number)
{
    struct place p = {.leaf = seek_leaf(s, number)};

    if (is_end(s, p))
        return p;

    const struct spans_leaf *leaf = s->leaves[p.leaf];
    size_t high = leaf->count - 1; /* the last one does */

    while (p.index < high) {
        size_t middle = p.index + (high - p.index) / 2;
        if (leaf->spans[middle].to > number)
            high = middle;
        else
            p.index = middle + 1;
    }
    return p;
}

/* The place of the first span that ends at `number` or above: it overlaps or touches what begins
 * there. */
static struct place seek_touching(const struct spans *s, uint64_t number)
{
    struct place start = {0};

    return number == 0 ? start : seek(s, number - 1);
}

/* Leaves */

static struct spans_leaf *resized(struct spans_leaf *leaf, size_t capacity)
{
    struct spans_leaf *moved = mem_grow(leaf, 1, sizeof(*leaf) + capacity * sizeof(struct span));

    if (leaf == NULL)
        moved->count = 0;
    ASSERT(moved->count <= capacity);
    moved->capacity = capacity;
    return moved;
}

static void insert_leaf(struct spans *s, size_t at, struct spans_leaf *leaf)
{
    if (s->leaf_count == s->leaf_capacity) {
        ASSERT(s->leaf_capacity <= UINT32_MAX / 2);
        s->leaf_capacity = s->leaf_capacity == 0 ? 1 : 2 * s->leaf_capacity;
        s->leaves = mem_grow(s->leaves, s->leaf_capacity, sizeof(struct spans_leaf *));
    }
    ASSERT(at <= s->leaf_count);
    memmove(&s->leaves[at + 1], &s->leaves[at], (s->leaf_count - at) * sizeof(struct spans_leaf *));
    s->leaves[at] = leaf;
    s->leaf_count++;
}

static void drop_leaf(struct spans *s, size_t at)
{
    ASSERT(at < s->leaf_count);
    mem_free(s->leaves[at]);
    s->leaf_count--;
    memmove(&s->leaves[at], &s->leaves[at + 1], (s->leaf_count - at) * sizeof(struct spans_leaf *));
}

/* Moves the upper half of a full leaf to a new one behind it. */
static void split_leaf(struct spans *s, size_t at)
{
    struct spans_leaf *low = s->leaves[at];
    struct spans_leaf *high = resized(NULL, LEAF_SPANS_MAX);

    ASSERT(low->count == LEAF_SPANS_MAX);
    low->count = LEAF_SPANS_MAX / 2;
    high->count = LEAF_SPANS_MAX - low->count;
    memcpy(high->spans, &low->spans[low->count], high->count * sizeof(struct span));
    insert_leaf(s, at + 1, high);
}

/* Joins the leaf with the one behind it when both are so small that the result is half
 * empty still. */
static void join_leaf(struct spans *s, size_t at)
{
    if (at + 1 >= s->leaf_count)
        return;

    struct spans_leaf *low = s->leaves[at];
    struct spans_leaf *high = s->leaves[at + 1];
    size_t count = low->count + high->count;

    ASSERT(low->capacity == LEAF_SPANS_MAX); /* N3 */
    if (count > LEAF_SPANS_MAX / 2)
        return;
    memcpy(&low->spans[low->count], high->spans, high->count * sizeof(struct span));
    low->count = count;
    drop_leaf(s, at + 1);
}

/* Gives memory back when most of it is unused. Half of it stays, so that the next few spans
 * need none. */
static void shrink(struct spans *s)
{
    if (s->leaf_count < s->leaf_capacity / 4) {
        s->leaf_capacity /= 2;
        s->leaves = mem_grow(s->leaves, s->leaf_capacity, sizeof(struct spans_leaf *));
    }
    if (s->leaf_count != 1)
        return;

    struct spans_leaf *only = s->leaves[0];

    if (only->capacity > LEAF_SPANS_MIN && only->count <= only->capacity / 4)
        s->leaves[0] = resized(only, only->capacity / 2);
}

/* The place in a leaf that has room where a span meant for `p` can go. */
static struct place place_with_room(struct spans *s, struct place p)
{
    if (is_end(s, p) && s->leaf_count > 0)
        p = (struct place){s->leaf_count - 1, s->leaves[s->leaf_count - 1]->count};
    if (is_end(s, p)) {
        insert_leaf(s, p.leaf, resized(NULL, LEAF_SPANS_MIN));
        return p;
    }

    struct spans_leaf *leaf = s->leaves[p.leaf];

    if (leaf->count < leaf->capacity)
        return p;
    if (leaf->capacity < LEAF_SPANS_MAX) {
        s->leaves[p.leaf] = resized(leaf, 2 * leaf->capacity);
        return p;
    }
    if (p.leaf == s->leaf_count - 1 && p.index == leaf->count) {
        /* Numbers often come in order: leave full leaves behind, not halves. */
        insert_leaf(s, p.leaf + 1, resized(NULL, LEAF_SPANS_MIN));
        return (struct place){p.leaf + 1, 0};
    }
    split_leaf(s, p.leaf);
    size_t half = s->leaves[p.leaf]->count;
    return p.index <= half ? p : (struct place){p.leaf + 1, p.index - half};
}

static void insert_span(struct spans *s, struct place p, struct span span)
{
    ASSERT(span.from < span.to); /* N1 */
    p = place_with_room(s, p);

    struct spans_leaf *leaf = s->leaves[p.leaf];

    memmove(&leaf->spans[p.index + 1], &leaf->spans[p.index],
            (leaf->count - p.index) * sizeof(struct span));
    leaf->spans[p.index] = span;
    leaf->count++;
    s->span_count++;
}

/* Takes out `count` spans from `p` on, which may lie in several leaves. */
static void erase_spans(struct spans *s, struct place p, size_t count)
{
    size_t first_leaf = p.leaf;

    if (count == 0)
        return;
    s->span_count -= count;
    while (count > 0) {
        struct spans_leaf *leaf = s->leaves[p.leaf];
        size_t part = leaf->count - p.index < count ? leaf->count - p.index : count;
        leaf->count -= part;
        memmove(&leaf->spans[p.index], &leaf->spans[p.index + part],
                (leaf->count - p.index) * sizeof(struct span));
        count -= part;
        if (leaf->count == 0)
            drop_leaf(s, p.leaf); /* N2 */
        else
            p.leaf++;
        p.index = 0;
    }
    join_leaf(s, first_leaf);
    if (first_leaf > 0)
        join_leaf(s, first_leaf - 1);
    shrink(s);
}

/* The set */

void spans_init(struct spans *s)
{
    *s = (struct spans){0};
}

void spans_release(struct spans *s)
{
    for (size_t i = 0; i < s->leaf_count; i++)
        mem_free(s->leaves[i]);
    mem_free(s->leaves);
    spans_init(s);
}

uint64_t spans_add_range(struct spans *s, uint64_t from, uint64_t to)
{
    struct place first = seek_touching(s, from);
    struct span merged = {from, to};
    uint64_t covered = 0;
    size_t met = 0;

    ASSERT(from < to);
    for (struct place p = first; !is_end(s, p); p = next_place(s, p)) {
        const struct span *old = span_at(s, p);
        if (old->from > to)
            break;
        covered += old->to - old->from;
        merged.from = old->from < merged.from ? old->from : merged.from;
        merged.to = old->to > merged.to ? old->to : merged.to;
        met++;
    }
    if (met == 0) {
        insert_span(s, first, merged);
    } else {
        *span_at(s, first) = merged;
        erase_spans(s, next_place(s, first), met - 1);
    }

    uint64_t added = merged.to - merged.from - covered;
    s->number_count += added;
    return added;
}

bool spans_add(struct spans *s, uint64_t number)
{
    ASSERT(number < UINT64_MAX);
    return spans_add_range(s, number, number + 1) == 1;
}

/* Takes [from, to) out of a span that begins before it. Returns how many numbers that were. */
static uint64_t cut_tail(struct spans *s, struct place p, uint64_t from, uint64_t to)
{
    struct span *span = span_at(s, p);
    struct span rest = {to, span->to};

    ASSERT(span->from < from && from < span->to);
    span->to = from;
    if (rest.to <= to)
        return rest.to - from;
    insert_span(s, next_place(s, p), rest);
    return to - from;
}

uint64_t spans_remove_range(struct spans *s, uint64_t from, uint64_t to)
{
    struct place p = seek(s, from);
    uint64_t removed = 0;
    size_t whole = 0;

    ASSERT(from < to);
    if (!is_end(s, p) && span_at(s, p)->from < from) {
        removed += cut_tail(s, p, from, to);
        p = seek(s, from);
    }

    struct place first_whole = p;

    for (; !is_end(s, p) && span_at(s, p)->to <= to; p = next_place(s, p)) {
        removed += span_at(s, p)->to - span_at(s, p)->from;
        whole++;
    }
    if (!is_end(s, p) && span_at(s, p)->from < to) {
        removed += to - span_at(s, p)->from;
        span_at(s, p)->from = to;
    }
    erase_spans(s, first_whole, whole);
    s->number_count -= removed;
    return removed;
}

bool spans_contains(const struct spans *s, uint64_t number)
{
    struct place p = seek(s, number);

    return !is_end(s, p) && span_at(s, p)->from <= number;
}

uint64_t spans_missing_from(const struct spans *s, uint64_t from)
{
    struct place p = seek(s, from);

    return is_end(s, p) || span_at(s, p)->from > from ? from : span_at(s, p)->to;
}

bool spans_next(const struct spans *s, uint64_t at, struct span *out)
{
    struct place p = seek(s, at);

    if (is_end(s, p))
        return false;
    *out = *span_at(s, p);
    return true;
}

uint64_t spans_count(const struct spans *s)
{
    return s->number_count;
}

size_t spans_span_count(const struct spans *s)
{
    return s->span_count;
}

void spans_check(const struct spans *s)
{
    const struct span *before = NULL;
    size_t spans = 0;
    uint64_t numbers = 0;

    for (size_t i = 0; i < s->leaf_count; i++) {
        ASSERT(s->leaves[i]->count > 0); /* N2 */
        ASSERT(s->leaves[i]->count <= s->leaves[i]->capacity);
        ASSERT(i + 1 == s->leaf_count || s->leaves[i]->capacity == LEAF_SPANS_MAX); /* N3 */
    }
    for (struct place p = {0}; !is_end(s, p); p = next_place(s, p)) {
        const struct span *span = span_at(s, p);
        ASSERT(span->from < span->to);                     /* N1 */
        ASSERT(before == NULL || before->to < span->from); /* N1 */
        before = span;
        spans++;
        numbers += span->to - span->from;
    }
    ASSERT(spans == s->span_count && numbers == s->number_count); /* N4 */
}
