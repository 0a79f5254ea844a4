/* A cursor over the ledger, and a binary heap in an array for the dates that do not rise. */
#include "queue/expiry.h"

#include "base/check.h"
#include "base/mem.h"

enum { HEAP_MIN = 64 };

void expiry_init(struct expiry *x)
{
    *x = (struct expiry){.cursor_ms = EXPIRY_NEVER, .level = EXPIRY_ANY};
}

void expiry_release(struct expiry *x)
{
    mem_free(x->heap);
    expiry_init(x);
}

static bool is_before(const struct expiry_item *a, const struct expiry_item *b)
{
    return a->date_ms < b->date_ms || (a->date_ms == b->date_ms && a->seq < b->seq);
}

static void sift_down(struct expiry *x, size_t at)
{
    struct expiry_item item = x->heap[at];

    for (;;) {
        size_t child = 2 * at + 1;

        if (child + 1 < x->count && is_before(&x->heap[child + 1], &x->heap[child]))
            child++;
        if (child >= x->count || !is_before(&x->heap[child], &item))
            break;
        x->heap[at] = x->heap[child];
        at = child;
    }
    x->heap[at] = item;
}

static void sift_up(struct expiry *x, size_t at)
{
    struct expiry_item item = x->heap[at];

    for (; at > 0 && is_before(&item, &x->heap[(at - 1) / 2]); at = (at - 1) / 2)
        x->heap[at] = x->heap[(at - 1) / 2];
    x->heap[at] = item;
}

/* Drops what is settled from the heap. */
static void sift(struct expiry *x, struct ledger *l)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < x->count; i++) {
        if (ledger_is_live(l, x->heap[i].seq))
            x->heap[kept++] = x->heap[i];
    }
    x->count = kept;
    for (size_t i = kept / 2; i-- > 0;)
        sift_down(x, i);
}

static void push(struct expiry *x, struct ledger *l, struct expiry_item item)
{
    if (x->count >= HEAP_MIN && x->count == x->capacity && x->count / 2 > l->live)
        sift(x, l);
    if (x->count == x->capacity) {
        ASSERT(x->capacity <= UINT32_MAX / 2);
        x->capacity = x->capacity > 0 ? x->capacity * 2 : HEAP_MIN;
        x->heap = (struct expiry_item *)mem_grow(x->heap, x->capacity, sizeof(*x->heap));
    }
    x->heap[x->count] = item;
    sift_up(x, x->count++);
}

static void pop(struct expiry *x)
{
    ASSERT(x->count > 0);
    x->heap[0] = x->heap[--x->count];
    if (x->count > 0)
        sift_down(x, 0);
}

void expiry_add(struct expiry *x, struct ledger *l, uint64_t seq, int64_t date_ms)
{
    ASSERT(date_ms > 0);
    if (date_ms < x->latest_ms) {
        push(x, l, (struct expiry_item){date_ms, seq});
        return;
    }
    x->latest_ms = date_ms;
    if (x->cursor_ms == EXPIRY_NEVER) {
        x->cursor = seq;
        x->cursor_ms = date_ms;
    }
}

void expiry_return(struct expiry *x, struct ledger *l, uint64_t seq, int64_t date_ms)
{
    if (seq < x->cursor || x->cursor_ms == EXPIRY_NEVER)
        push(x, l, (struct expiry_item){date_ms, seq});
}

int64_t expiry_next(const struct expiry *x)
{
    int64_t heap_ms = x->count > 0 ? x->heap[0].date_ms : EXPIRY_NEVER;

    return heap_ms < x->cursor_ms ? heap_ms : x->cursor_ms;
}

/* Whether the index is about that message. */
static bool is_ours(const struct expiry *x, const struct ledger_entry *e)
{
    return e->expires_ms != 0 && (x->level == EXPIRY_ANY || e->priority == x->level);
}

/* Walks the cursor to the next live message with a date; cursor_ms is that date then. False: it has
 * not come, or the steps are used up. */
static bool is_due_at_cursor(struct expiry *x, struct ledger *l, int64_t now_ms, unsigned *steps)
{
    struct ledger_entry e;
    uint64_t seq;

    while (x->cursor_ms <= now_ms && *steps > 0) {
        --*steps;
        if (!ledger_next_live(l, x->cursor, &seq, &e)) {
            x->cursor_ms = EXPIRY_NEVER;
            x->latest_ms = 0;
            return false;
        }
        x->cursor = seq;
        if (is_ours(x, &e)) {
            x->cursor_ms = e.expires_ms;
            return e.expires_ms <= now_ms;
        }
        x->cursor++; /* cursor_ms is still a date before that of the next */
    }
    return false;
}

/* Takes the first of the heap if that is still alive. */
static bool take_from_heap(struct expiry *x, struct ledger *l, int64_t now_ms, uint64_t *seq)
{
    struct ledger_entry e;
    uint64_t first = x->heap[0].seq;

    pop(x);
    if (!ledger_find(l, first, &e) || e.expires_ms > now_ms || e.expires_ms == 0)
        return false;
    *seq = first;
    return true;
}

bool expiry_take(struct expiry *x, struct ledger *l, int64_t now_ms, unsigned *steps, uint64_t *seq)
{
    while (*steps > 0) {
        bool is_due = is_due_at_cursor(x, l, now_ms, steps);
        struct expiry_item at = {x->cursor_ms, x->cursor};

        if (!is_due && x->cursor_ms <= now_ms)
            return false; /* no steps are left to know who is the first */
        if (x->count > 0 && x->heap[0].date_ms <= now_ms && (!is_due || is_before(x->heap, &at))) {
            if (*steps > 0)
                --*steps;
            if (take_from_heap(x, l, now_ms, seq))
                return true;
        } else if (is_due) {
            *seq = x->cursor++;
            return true;
        } else {
            return false;
        }
    }
    return false;
}

void expiry_again(struct expiry *x, struct ledger *l, uint64_t seq, int64_t when_ms)
{
    push(x, l, (struct expiry_item){when_ms, seq});
}

/* ---- what comes next ---- */

/* Places of the heap of which everything above was shown. It is a heap itself. */
struct frontier {
    const struct expiry *x;
    uint32_t *at;
    size_t count;
    size_t capacity;
};

static bool is_sooner(const struct frontier *f, size_t a, size_t b)
{
    return is_before(&f->x->heap[f->at[a]], &f->x->heap[f->at[b]]);
}

static void swap_places(struct frontier *f, size_t a, size_t b)
{
    uint32_t kept = f->at[a];

    f->at[a] = f->at[b];
    f->at[b] = kept;
}

static void frontier_add(struct frontier *f, size_t place)
{
    size_t at = f->count++;

    if (place >= f->x->count) {
        f->count--;
        return;
    }
    if (at == f->capacity) {
        f->capacity = f->capacity > 0 ? 2 * f->capacity : HEAP_MIN;
        f->at = (uint32_t *)mem_grow(f->at, f->capacity, sizeof(*f->at));
    }
    f->at[at] = (uint32_t)place;
    for (; at > 0 && is_sooner(f, at, (at - 1) / 2); at = (at - 1) / 2)
        swap_places(f, at, (at - 1) / 2);
}

/* Takes the soonest, and puts in what is below it. */
static uint32_t frontier_take(struct frontier *f)
{
    uint32_t place = f->at[0];
    size_t at = 0;

    f->at[0] = f->at[--f->count];
    for (;;) {
        size_t child = 2 * at + 1;

        if (child + 1 < f->count && is_sooner(f, child + 1, child))
            child++;
        if (child >= f->count || !is_sooner(f, child, at))
            break;
        swap_places(f, at, child);
        at = child;
    }
    frontier_add(f, 2 * (size_t)place + 1);
    frontier_add(f, 2 * (size_t)place + 2);
    return place;
}

/* Shows what comes next in the heap. Returns the date behind which nothing of it is wanted. */
static int64_t visit_heap(const struct expiry *x, struct ledger *l, struct expiry_visit *v)
{
    struct frontier f = {.x = x};
    int64_t last_ms = EXPIRY_NEVER;
    size_t shown = 0;

    frontier_add(&f, 0);
    for (; f.count > 0 && shown < v->max && v->steps > 0; v->steps--) {
        const struct expiry_item *item = &x->heap[frontier_take(&f)];

        if (!ledger_is_live(l, item->seq))
            continue;
        v->show(v->owner, item);
        last_ms = item->date_ms;
        shown++;
    }
    mem_free(f.at);
    return shown == v->max ? last_ms : EXPIRY_NEVER;
}

/* The same from the cursor on. What is in the heap lies between, with dates below the newest of
 * those that rise, so few are passed over before the walk is behind `last_ms`. */
static void visit_rising(const struct expiry *x, struct ledger *l, struct expiry_visit *v,
                         int64_t last_ms)
{
    struct ledger_entry e;
    uint64_t seq = x->cursor;
    int64_t newest_ms = x->cursor_ms;
    size_t shown = 0;

    while (newest_ms <= last_ms && newest_ms != EXPIRY_NEVER && shown < v->max && v->steps > 0 &&
           ledger_next_live(l, seq, &seq, &e)) {
        v->steps--;
        if (is_ours(x, &e) && e.expires_ms >= newest_ms) {
            newest_ms = e.expires_ms;
            v->show(v->owner, &(struct expiry_item){e.expires_ms, seq});
            shown++;
        }
        seq++;
    }
}

bool expiry_visit_next(const struct expiry *x, struct ledger *l, struct expiry_visit *v)
{
    visit_rising(x, l, v, visit_heap(x, l, v));
    return v->steps > 0;
}

void expiry_clear(struct expiry *x)
{
    x->cursor_ms = EXPIRY_NEVER;
    x->latest_ms = 0;
    x->count = 0;
}

void expiry_check(const struct expiry *x)
{
    ASSERT(x->count <= x->capacity);
    for (size_t i = 1; i < x->count; i++)
        ASSERT(!is_before(&x->heap[i], &x->heap[(i - 1) / 2]));
}
