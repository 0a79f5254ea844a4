/* Sets of seqs, a cursor, and lanes for priorities. */
#include "queue/ready.h"

#include "base/check.h"
#include "base/mem.h"
#include "base/zoo.h"

enum { WORD_BITS = 64, WORDS = READY_LEVELS_MAX / WORD_BITS };

struct ready_lanes {
    uint8_t level_max;
    uint64_t used[WORDS]; /* bit i: lane i is not empty */
    struct spans lanes[];
};

static void mark_used(struct ready_lanes *l, uint8_t level)
{
    l->used[level / WORD_BITS] |= UINT64_C(1) << (level % WORD_BITS);
}

/* The highest level that is not empty, or -1. */
static int highest(const struct ready_lanes *l)
{
    for (int word = WORDS - 1; word >= 0; word--) {
        if (l->used[word] != 0)
            return word * WORD_BITS + (WORD_BITS - 1 - __builtin_clzll(l->used[word]));
    }
    return -1;
}

static struct spans *lane_of(struct ready *r, uint8_t level)
{
    ASSERT(level <= r->lanes->level_max);
    return &r->lanes->lanes[level];
}

void ready_init(struct ready *r, uint8_t level_max)
{
    *r = (struct ready){.cursor = 1};
    spans_init(&r->returned);
    spans_init(&r->seen);
    spans_init(&r->withdrawn);
    if (level_max == 0)
        return;
    r->lanes = (struct ready_lanes *)mem_zero(1, sizeof(struct ready_lanes) +
                                                     (level_max + 1U) * sizeof(struct spans));
    r->lanes->level_max = level_max;
    for (unsigned i = 0; i <= level_max; i++)
        spans_init(&r->lanes->lanes[i]);
}

static void release_lanes(struct ready *r)
{
    for (unsigned i = 0; r->lanes != NULL && i <= r->lanes->level_max; i++)
        spans_release(&r->lanes->lanes[i]);
}

void ready_release(struct ready *r)
{
    spans_release(&r->returned);
    spans_release(&r->seen);
    spans_release(&r->withdrawn);
    release_lanes(r);
    if (r->ahead != NULL)
        spans_release(&r->ahead->seqs);
    mem_free(r->ahead);
    mem_free(r->lanes);
}

static struct ready_ahead *ahead_of(struct ready *r)
{
    ASSERT(r->lanes == NULL);
    if (r->ahead == NULL) {
        r->ahead = MEM_NEW(struct ready_ahead);
        spans_init(&r->ahead->seqs);
    }
    return r->ahead;
}

void ready_hold(struct ready *r)
{
    ahead_of(r)->held_by++;
}

void ready_release_hold(struct ready *r)
{
    ASSERT(ready_has_hold(r));
    r->ahead->held_by--;
}

void ready_add(struct ready *r, uint64_t seq, uint8_t level)
{
    if (LIKELY(r->lanes == NULL && level != READY_AHEAD))
        return; /* it lies behind the cursor */
    if (r->lanes == NULL) {
        spans_add(&ahead_of(r)->seqs, seq);
        return;
    }
    spans_add(lane_of(r, level), seq);
    mark_used(r->lanes, level);
}

static bool first_of_lanes(struct ready *r, struct ledger *l, uint64_t *seq, struct ledger_entry *e)
{
    int level = highest(r->lanes);
    struct span span;

    if (level < 0)
        return false;
    bool has_one = spans_next(&r->lanes->lanes[level], 0, &span);
    ASSERT(has_one);
    bool is_live = ledger_find(l, span.from, e);
    ASSERT(is_live);
    *seq = span.from;
    return true;
}

static bool first_of_set(const struct spans *s, struct ledger *l, uint64_t *seq,
                         struct ledger_entry *e)
{
    struct span span;

    if (!spans_next(s, 0, &span))
        return false;
    bool is_live = ledger_find(l, span.from, e);
    ASSERT(is_live);
    *seq = span.from;
    return true;
}

bool ready_first(struct ready *r, struct ledger *l, uint64_t *seq, struct ledger_entry *e)
{
    if (UNLIKELY(r->lanes != NULL))
        return first_of_lanes(r, l, seq, e);
    if (UNLIKELY(r->ahead != NULL)) {
        if (first_of_set(&r->ahead->seqs, l, seq, e))
            return true;
        if (r->ahead->held_by > 0)
            return false;
    }
    if (ZOO(REQUEUE_TO_TAIL) && ledger_next_live(l, r->cursor, seq, e) &&
        !ready_is_withdrawn(r, *seq))
        return true;
    if (UNLIKELY(r->returned.span_count > 0))
        return first_of_set(&r->returned, l, seq, e);
    for (;;) {
        if (!ledger_next_live(l, r->cursor, seq, e))
            return false;
        if (LIKELY(!ready_is_withdrawn(r, *seq) && e->priority != READY_AHEAD))
            return true;
        r->cursor = *seq + 1;
    }
}

bool ready_has(const struct ready *r, uint64_t seq, uint8_t level)
{
    if (r->lanes != NULL)
        return spans_contains(&r->lanes->lanes[level], seq);
    if (UNLIKELY(level == READY_AHEAD))
        return spans_contains(&r->ahead->seqs, seq);
    if (seq < r->cursor)
        return spans_contains(&r->returned, seq);
    return !ready_is_withdrawn(r, seq);
}

bool ready_was_seen(const struct ready *r, uint64_t seq)
{
    if (seq < r->seen_below)
        return true;
    if (r->lanes == NULL && seq < r->cursor &&
        (LIKELY(r->ahead == NULL) || !spans_contains(&r->ahead->seqs, seq)))
        return true; /* it is among the returned */
    return r->seen.span_count > 0 && spans_contains(&r->seen, seq);
}

void ready_take_first(struct ready *r, uint64_t seq, uint8_t level)
{
    if (UNLIKELY(r->lanes != NULL || level == READY_AHEAD || seq < r->cursor))
        ready_remove(r, seq, level);
    else
        r->cursor = seq + 1;
}

static void forget(struct spans *s, uint64_t seq)
{
    if (spans_span_count(s) > 0)
        spans_remove_range(s, seq, seq + 1);
}

void ready_remove(struct ready *r, uint64_t seq, uint8_t level)
{
    if (r->lanes != NULL) {
        struct spans *lane = lane_of(r, level);
        uint64_t removed = spans_remove_range(lane, seq, seq + 1);

        ASSERT(removed == 1);
        if (spans_span_count(lane) == 0)
            r->lanes->used[level / WORD_BITS] &= ~(UINT64_C(1) << (level % WORD_BITS));
        forget(&r->seen, seq);
    } else if (level == READY_AHEAD) {
        uint64_t removed = spans_remove_range(&r->ahead->seqs, seq, seq + 1);

        ASSERT(removed == 1);
        forget(&r->seen, seq);
    } else if (seq < r->cursor) {
        uint64_t removed = spans_remove_range(&r->returned, seq, seq + 1);

        ASSERT(removed == 1);
    }
}

void ready_return(struct ready *r, uint64_t seq, uint8_t level)
{
    if (r->lanes != NULL) {
        spans_add(lane_of(r, level), seq);
        mark_used(r->lanes, level);
        spans_add(&r->seen, seq);
    } else if (level == READY_AHEAD) {
        spans_add(&r->ahead->seqs, seq);
        spans_add(&r->seen, seq);
    } else {
        ASSERT(seq < r->cursor);
        spans_add(&r->returned, seq);
    }
}

void ready_untake(struct ready *r, uint64_t seq, uint8_t level, bool was_seen)
{
    if (r->lanes != NULL) {
        spans_add(lane_of(r, level), seq);
        mark_used(r->lanes, level);
        if (was_seen)
            spans_add(&r->seen, seq);
    } else if (level == READY_AHEAD) {
        spans_add(&r->ahead->seqs, seq);
        if (was_seen)
            spans_add(&r->seen, seq);
    } else if (r->cursor == seq + 1 && !was_seen) {
        r->cursor = seq;
    } else {
        spans_add(&r->returned, seq);
    }
}

void ready_withdraw(struct ready *r, uint64_t seq)
{
    bool is_new = spans_add(&r->withdrawn, seq);
    ASSERT(is_new);
}

void ready_end_withdrawn(struct ready *r, uint64_t seq)
{
    uint64_t removed = spans_remove_range(&r->withdrawn, seq, seq + 1);
    ASSERT(removed == 1);
}

bool ready_is_withdrawn(const struct ready *r, uint64_t seq)
{
    return UNLIKELY(r->withdrawn.span_count > 0) && spans_contains(&r->withdrawn, seq);
}

static void empty(struct spans *s)
{
    spans_release(s);
    spans_init(s);
}

void ready_clear(struct ready *r, uint64_t next)
{
    empty(&r->returned);
    empty(&r->seen);
    if (r->ahead != NULL)
        empty(&r->ahead->seqs);
    if (r->lanes != NULL) {
        for (unsigned i = 0; i <= r->lanes->level_max; i++)
            empty(&r->lanes->lanes[i]);
        for (unsigned i = 0; i < WORDS; i++)
            r->lanes->used[i] = 0;
    }
    r->cursor = next;
}

void ready_check(const struct ready *r)
{
    struct span span;

    spans_check(&r->returned);
    spans_check(&r->seen);
    spans_check(&r->withdrawn);
    ASSERT(r->lanes == NULL || r->ahead == NULL);
    if (r->ahead != NULL)
        spans_check(&r->ahead->seqs);
    for (uint64_t at = 0; spans_next(&r->returned, at, &span); at = span.to)
        ASSERT(span.to <= r->cursor);
    for (unsigned i = 0; r->lanes != NULL && i <= r->lanes->level_max; i++) {
        bool is_used = (r->lanes->used[i / WORD_BITS] >> (i % WORD_BITS) & 1) != 0;

        spans_check(&r->lanes->lanes[i]);
        ASSERT(is_used == (spans_span_count(&r->lanes->lanes[i]) > 0));
    }
}
