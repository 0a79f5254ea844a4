/* A queue's ledger: an open tail behind a row of packed blocks; see ledger.h. */
#include "store/ledger.h"

#include <string.h>

#include "base/mem.h"
#include "store/ledger_block.h"
#include "store/store.h"
#include "store/varint.h"

enum {
    TAIL_MIN = 8,    /* entries of a first tail */
    TAIL_GROWTH = 8, /* a larger one has so many times that */
    TAIL_KEPT = 64,  /* an empty tail of more gives its memory back */
    DEAD_SLOTS_MIN = 16,
};

/* Keeps what is done once in a while out of functions that run for each message. */
#define SELDOM __attribute__((noinline, cold))

struct ledger_tail {
    uint64_t first; /* seq of entry 0 */
    uint32_t count;
    uint32_t capacity;
    uint32_t live;
    uint64_t bits[LEDGER_WORDS]; /* 1: live */
    struct ledger_entry entries[];
};

void ledger_init(struct ledger *l)
{
    *l = (struct ledger){.next = 1, .low = 1};
}

void ledger_release(struct ledger *l)
{
    for (size_t i = l->slot_first; i < l->slot_end; i++)
        ledger_block_free(l->slots[i].block);
    mem_free(l->slots);
    mem_free(l->tail);
    ledger_init(l);
}

/* ---- The row of packed blocks ---- */

static uint64_t slot_end_seq(const struct ledger_slot *s)
{
    return s->block != NULL ? s->block->first + s->block->count : s->first;
}

/* The slot whose block may have `seq`: the last one that begins at or below it; slot_end when there
 * is none. */
static size_t slot_below(struct ledger *l, uint64_t seq)
{
    size_t low = l->slot_first, high = l->slot_end, last = l->slot_last;

    if (low == high || seq < l->slots[low].first)
        return high;
    if (last >= low && last < high && l->slots[last].first <= seq) {
        if (last + 1 == high || seq < l->slots[last + 1].first)
            return last;
        low = last + 1; /* most often it is the next one */
        if (low + 1 == high || seq < l->slots[low + 1].first)
            return l->slot_last = low;
    }
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;

        if (l->slots[middle].first <= seq)
            low = middle;
        else
            high = middle;
    }
    return l->slot_last = low;
}

/* As block_with(), when it is not the block that was looked into last. */
static SELDOM struct ledger_block *find_block(struct ledger *l, uint64_t seq)
{
    size_t i = slot_below(l, seq);

    if (i == l->slot_end || seq >= slot_end_seq(&l->slots[i]))
        return NULL;
    l->last = l->slots[i].block;
    return l->last;
}

/* The packed block that has an entry for `seq`, live or not; NULL: none. */
static inline struct ledger_block *block_with(struct ledger *l, uint64_t seq)
{
    struct ledger_block *b = l->last;

    if (LIKELY(b != NULL && seq - b->first < b->count))
        return b;
    return find_block(l, seq);
}

/* Moves the slots that are in use together at the front. */
static void close_ranks(struct ledger *l)
{
    size_t to = 0;

    for (size_t i = l->slot_first; i < l->slot_end; i++) {
        if (l->slots[i].block != NULL)
            l->slots[to++] = l->slots[i];
    }
    l->slot_first = 0;
    l->slot_end = to;
    l->slot_last = 0;
    l->last = NULL;
    l->dead_slots = 0;
}

static void push_block(struct ledger *l, struct ledger_block *b)
{
    if (l->slot_end == l->slot_capacity) {
        size_t used = l->slot_end - l->slot_first - l->dead_slots;

        if (l->slot_capacity == 0 || used > l->slot_capacity / 2) {
            size_t capacity = l->slot_capacity > 0 ? l->slot_capacity * 2 : 4;

            l->slots = mem_grow(l->slots, capacity, sizeof(*l->slots));
            l->memory += (capacity - l->slot_capacity) * sizeof(*l->slots);
            l->slot_capacity = capacity;
        } else {
            close_ranks(l);
        }
    }
    l->slots[l->slot_end++] = (struct ledger_slot){.first = b->first, .block = b};
    l->memory += b->memory;
}

/* Nothing in the block of slot `i` is live any more. */
static SELDOM void drop_block(struct ledger *l, size_t i)
{
    l->memory -= l->slots[i].block->memory;
    ledger_block_free(l->slots[i].block);
    l->slots[i].block = NULL;
    l->last = NULL;
    l->dead_slots++;
    while (l->slot_first < l->slot_end && l->slots[l->slot_first].block == NULL) {
        l->slot_first++;
        l->dead_slots--;
    }
    if (l->slot_first == l->slot_end) {
        l->memory -= l->slot_capacity * sizeof(*l->slots);
        mem_free(l->slots);
        l->slots = NULL;
        l->slot_first = l->slot_end = l->slot_capacity = l->slot_last = 0;
    } else if (l->dead_slots > DEAD_SLOTS_MIN &&
               l->dead_slots > (l->slot_end - l->slot_first) / 2) {
        close_ranks(l);
    }
}

/* ---- The tail ---- */

static size_t tail_memory(uint32_t capacity)
{
    return sizeof(struct ledger_tail) + capacity * sizeof(struct ledger_entry);
}

static void tail_resize(struct ledger *l, uint32_t capacity)
{
    struct ledger_tail *t = l->tail;

    l->memory += tail_memory(capacity) - (t != NULL ? tail_memory(t->capacity) : 0);
    l->tail = mem_grow(t, 1, tail_memory(capacity));
    if (t == NULL)
        memset(l->tail, 0, sizeof(*l->tail));
    l->tail->capacity = capacity;
}

static void tail_free(struct ledger *l)
{
    l->memory -= tail_memory(l->tail->capacity);
    mem_free(l->tail);
    l->tail = NULL;
}

/* Nothing in the tail is live any more: it begins again. */
static SELDOM void tail_restart(struct ledger *l)
{
    ASSERT(l->tail->live == 0);
    if (l->tail->capacity > TAIL_KEPT) {
        tail_free(l);
        return;
    }
    l->tail->first = l->next;
    l->tail->count = 0;
}

/* Forgets dead entries at the front when they are half of all. Returns whether there is room. */
static bool tail_shift(struct ledger_tail *t)
{
    uint32_t dead = ledger_bit_next(t->bits, 0, t->count);

    if (dead < t->count / 2)
        return false;
    if (t->capacity > 64) {
        dead -= dead % 64;
        memmove(t->bits, t->bits + dead / 64, sizeof(t->bits) - dead / 64 * sizeof(t->bits[0]));
        memset(t->bits + LEDGER_WORDS - dead / 64, 0, dead / 64 * sizeof(t->bits[0]));
    } else {
        t->bits[0] >>= dead;
    }
    t->count -= dead;
    t->first += dead;
    memmove(t->entries, t->entries + dead, t->count * sizeof(t->entries[0]));
    return dead > 0;
}

/* The live entries of the tail become a packed block. */
static void tail_pack(struct ledger *l)
{
    struct ledger_tail *t = l->tail;
    struct ledger_rows rows = {
        .first = t->first, .count = t->count, .entries = t->entries, .bits = t->bits};

    if (t->live > 0)
        push_block(l, ledger_block_new(&rows));
    memset(t->bits, 0, sizeof(t->bits));
    t->first += t->count;
    t->count = 0;
    t->live = 0;
}

static SELDOM void make_room(struct ledger *l)
{
    struct ledger_tail *t = l->tail;

    if (t == NULL) {
        tail_resize(l, TAIL_MIN);
        l->tail->first = l->next;
    } else if (!tail_shift(t)) {
        if (t->capacity < LEDGER_BLOCK_MAX)
            tail_resize(l, t->capacity * TAIL_GROWTH);
        else
            tail_pack(l);
    }
}

/* ---- Adding ---- */

uint64_t ledger_add(struct ledger *l, const struct ledger_entry *e)
{
    struct ledger_tail *t = l->tail;
    uint32_t i;

    if (UNLIKELY(t == NULL || t->count == t->capacity)) {
        make_room(l);
        return ledger_add(l, e);
    }
    i = t->count++;
    t->entries[i] = *e;
    t->bits[i / 64] |= UINT64_C(1) << (i % 64);
    t->live++;
    l->live++;
    l->live_bytes += e->size;
    return l->next++;
}

/* As many as the tail has room for. Returns how many. */
static size_t fill_tail(struct ledger *l, const struct ledger_entry *entries, size_t count)
{
    struct ledger_tail *t = l->tail;
    uint32_t room = t->capacity - t->count;
    uint32_t n = count < room ? (uint32_t)count : room;

    memcpy(t->entries + t->count, entries, n * sizeof(*entries));
    ledger_bits_set(t->bits, t->count, n);
    t->count += n;
    t->live += n;
    l->live += n;
    l->next += n;
    for (uint32_t i = 0; i < n; i++)
        l->live_bytes += entries[i].size;
    return n;
}

void ledger_add_row(struct ledger *l, const struct ledger_entry *entries, size_t count)
{
    while (count > 0) {
        if (l->tail == NULL || l->tail->count == l->tail->capacity)
            make_room(l);
        size_t n = fill_tail(l, entries, count);
        entries += n;
        count -= n;
    }
}

void ledger_skip_to(struct ledger *l, uint64_t seq)
{
    struct ledger_tail *t = l->tail;

    if (seq <= l->next)
        return;
    if (t != NULL && t->count > 0) {
        uint64_t count = seq - t->first;

        while (count >= l->tail->capacity && count < LEDGER_BLOCK_MAX)
            tail_resize(l, l->tail->capacity * TAIL_GROWTH);
        t = l->tail;
        if (count < t->capacity) {
            for (uint32_t i = t->count; i < count; i++)
                t->entries[i] = t->entries[t->count - 1]; /* settled: their bits are 0 */
            t->count = (uint32_t)count;
        } else {
            tail_pack(l);
            t->first = seq;
        }
    } else if (t != NULL) {
        t->first = seq;
    }
    l->next = seq;
}

void ledger_add_at(struct ledger *l, uint64_t seq, const struct ledger_entry *e)
{
    ASSERT(seq >= l->next);
    ledger_skip_to(l, seq);
    (void)ledger_add(l, e);
}

/* ---- Finding ---- */

/* The place of `seq` in the tail, live or not; false: it has none. */
static inline bool tail_has(const struct ledger *l, uint64_t seq, uint32_t *i)
{
    const struct ledger_tail *t = l->tail;

    if (t == NULL || seq - t->first >= t->count)
        return false;
    *i = (uint32_t)(seq - t->first);
    return true;
}

bool ledger_find(struct ledger *l, uint64_t seq, struct ledger_entry *out)
{
    struct ledger_block *b;
    uint32_t i;

    if (tail_has(l, seq, &i)) {
        if (!ledger_bit(l->tail->bits, i))
            return false;
        *out = l->tail->entries[i];
        return true;
    }
    b = block_with(l, seq);
    if (b == NULL || !ledger_bit(b->bits, (uint32_t)(seq - b->first)))
        return false;
    ledger_block_get(b, (uint32_t)(seq - b->first), out);
    return true;
}

bool ledger_is_live(struct ledger *l, uint64_t seq)
{
    struct ledger_block *b;
    uint32_t i;

    if (tail_has(l, seq, &i))
        return ledger_bit(l->tail->bits, i);
    b = block_with(l, seq);
    return b != NULL && ledger_bit(b->bits, (uint32_t)(seq - b->first));
}

/* The first live seq at or above `from` of a packed block. */
static inline bool next_in_block(const struct ledger_block *b, uint64_t from, uint64_t *seq,
                                 struct ledger_entry *out)
{
    uint32_t at = from > b->first ? (uint32_t)(from - b->first) : 0;

    at = ledger_bit_next(b->bits, at, b->count);
    if (at == b->count)
        return false;
    *seq = b->first + at;
    ledger_block_get(b, at, out);
    return true;
}

/* As ledger_next_live(), among the packed blocks. */
static SELDOM bool next_packed(struct ledger *l, uint64_t from, uint64_t *seq,
                               struct ledger_entry *out)
{
    size_t i = slot_below(l, from);

    if (i == l->slot_end)
        i = l->slot_first;
    for (; i < l->slot_end; i++) {
        struct ledger_block *b = l->slots[i].block;

        if (b == NULL || b->first + b->count <= from || !next_in_block(b, from, seq, out))
            continue;
        l->slot_last = i;
        l->last = b;
        return true;
    }
    return false;
}

static inline bool next_in_tail(const struct ledger_tail *t, uint64_t from, uint64_t *seq,
                                struct ledger_entry *out)
{
    uint64_t at = from > t->first ? from - t->first : 0;
    uint32_t i;

    if (at >= t->count)
        return false;
    i = ledger_bit_next(t->bits, (uint32_t)at, t->count);
    if (i == t->count)
        return false;
    *seq = t->first + i;
    *out = t->entries[i];
    return true;
}

/* As ledger_next_live(), from the low mark on, which rises. */
static SELDOM bool next_lowest(struct ledger *l, uint64_t *seq, struct ledger_entry *out)
{
    bool is_there = (l->slot_first < l->slot_end && next_packed(l, l->low, seq, out)) ||
                    (l->tail != NULL && next_in_tail(l->tail, l->low, seq, out));

    if (is_there)
        l->low = *seq;
    return is_there;
}

bool ledger_next_live(struct ledger *l, uint64_t from, uint64_t *seq, struct ledger_entry *out)
{
    const struct ledger_block *b = l->last;

    if (UNLIKELY(from <= l->low))
        return next_lowest(l, seq, out);
    if (l->slot_first < l->slot_end && (l->tail == NULL || from < l->tail->first)) {
        if (LIKELY(b != NULL && from - b->first < b->count) && next_in_block(b, from, seq, out))
            return true;
        if (next_packed(l, from, seq, out))
            return true;
    }
    return l->tail != NULL && next_in_tail(l->tail, from, seq, out);
}

size_t ledger_next_row(struct ledger *l, uint64_t from, uint64_t *seq, struct ledger_entry *out,
                       size_t max)
{
    const struct ledger_block *b;
    uint32_t first, end, n;

    ASSERT(max > 0);
    if (!ledger_next_live(l, from, seq, out))
        return 0;
    if (tail_has(l, *seq, &first)) {
        end = ledger_bit_end(l->tail->bits, first, l->tail->count);
        n = end - first < max ? end - first : (uint32_t)max;
        memcpy(out, l->tail->entries + first, n * sizeof(*out));
        return n;
    }
    b = block_with(l, *seq);
    ASSERT(b != NULL);
    first = (uint32_t)(*seq - b->first);
    end = ledger_bit_end(b->bits, first, b->count);
    n = end - first < max ? end - first : (uint32_t)max;
    ledger_block_get_row(b, first, n, out);
    return n;
}

uint64_t ledger_low(struct ledger *l)
{
    struct ledger_entry e;
    uint64_t seq;

    return ledger_next_live(l, 0, &seq, &e) ? seq : l->next;
}

/* ---- Settling ---- */

static bool settle_packed(struct ledger *l, uint64_t seq)
{
    struct ledger_block *b = block_with(l, seq);
    uint32_t i;

    if (b == NULL)
        return false;
    i = (uint32_t)(seq - b->first);
    if (!ledger_bit(b->bits, i))
        return false;
    b->bits[i / 64] &= ~(UINT64_C(1) << (i % 64));
    l->live--;
    l->live_bytes -= ledger_block_size(b, i);
    if (--b->live == 0)
        drop_block(l, slot_below(l, seq));
    return true;
}

bool ledger_settle(struct ledger *l, uint64_t seq)
{
    struct ledger_tail *t = l->tail;
    uint32_t i;

    if (!tail_has(l, seq, &i))
        return settle_packed(l, seq);
    if (!ledger_bit(t->bits, i))
        return false;
    t->bits[i / 64] &= ~(UINT64_C(1) << (i % 64));
    l->live--;
    l->live_bytes -= t->entries[i].size;
    if (--t->live == 0)
        tail_restart(l);
    return true;
}

static void settle_packed_row(struct ledger *l, uint64_t seq, uint32_t count)
{
    struct ledger_block *b = block_with(l, seq);

    ASSERT(b != NULL);
    uint32_t first = (uint32_t)(seq - b->first);
    ASSERT(ledger_bit_end(b->bits, first, b->count) - first >= count);
    for (uint32_t i = 0; i < count; i++)
        l->live_bytes -= ledger_block_size(b, first + i);
    ledger_bits_clear(b->bits, first, count);
    l->live -= count;
    b->live -= count;
    if (b->live == 0)
        drop_block(l, slot_below(l, seq));
}

void ledger_settle_row(struct ledger *l, uint64_t seq, size_t count)
{
    struct ledger_tail *t = l->tail;
    uint32_t first;

    ASSERT(count > 0 && count <= LEDGER_BLOCK_MAX);
    if (!tail_has(l, seq, &first)) {
        settle_packed_row(l, seq, (uint32_t)count);
        return;
    }
    ASSERT(ledger_bit_end(t->bits, first, t->count) - first >= count);
    for (size_t i = 0; i < count; i++)
        l->live_bytes -= t->entries[first + i].size;
    ledger_bits_clear(t->bits, first, (uint32_t)count);
    l->live -= count;
    t->live -= (uint32_t)count;
    if (t->live == 0)
        tail_restart(l);
}

void ledger_settle_below(struct ledger *l, uint64_t seq, ledger_visit_fn *fn, void *owner)
{
    struct ledger_entry e;
    uint64_t at;

    while (ledger_next_live(l, 0, &at, &e) && at < seq) {
        if (fn != NULL)
            fn(owner, at, &e);
        (void)ledger_settle(l, at);
    }
}

/* ---- Checkpoints ---- */

enum { SAVED_END = 0, SAVED_BLOCK = 1 };

/* Writes the entries that are in the log, as one block. */
static void save_rows(const struct ledger_rows *rows, struct buf *out)
{
    struct ledger_entry kept[LEDGER_BLOCK_MAX];
    uint64_t bits[LEDGER_WORDS] = {0};
    struct ledger_rows saved = {rows->first, rows->count, kept, bits};
    struct ledger_block *b;
    uint32_t last = UINT32_MAX;

    for (uint32_t i = 0; i < rows->count; i++) {
        if (!ledger_bit(rows->bits, i) || (rows->entries[i].place & STORE_TRANSIENT) != 0)
            continue;
        for (uint32_t k = last == UINT32_MAX ? 0 : last + 1; k <= i; k++)
            kept[k] = rows->entries[i]; /* those between take part, but are not live */
        bits[i / 64] |= UINT64_C(1) << (i % 64);
        last = i;
    }
    if (last == UINT32_MAX)
        return;
    saved.count = last + 1;
    b = ledger_block_new(&saved);
    buf_u8(out, SAVED_BLOCK);
    ledger_block_encode(b, out);
    ledger_block_free(b);
}

static void save_block(struct ledger_block *b, struct buf *out)
{
    struct ledger_entry entries[LEDGER_BLOCK_MAX];
    struct ledger_rows rows = {b->first, b->count, entries, b->bits};
    bool has_transient = false;

    for (uint32_t i = 0; i < b->count && b->has_transient; i++) {
        ledger_block_get(b, i, &entries[i]);
        has_transient = has_transient || (entries[i].place & STORE_TRANSIENT) != 0;
    }
    b->has_transient = has_transient; /* for the next time */
    if (has_transient) {
        save_rows(&rows, out);
    } else {
        buf_u8(out, SAVED_BLOCK);
        ledger_block_encode(b, out);
    }
}

void ledger_save(struct ledger *l, struct buf *out)
{
    const struct ledger_tail *t = l->tail;

    buf_varint(out, l->next);
    for (size_t i = l->slot_first; i < l->slot_end; i++) {
        if (l->slots[i].block != NULL)
            save_block(l->slots[i].block, out);
    }
    if (t != NULL)
        save_rows(&(struct ledger_rows){t->first, t->count, t->entries, t->bits}, out);
    buf_u8(out, SAVED_END);
}

/* Takes a block that was saved; it must lie behind all others and below `next`. */
static bool restore_block(struct ledger *l, uint64_t next, struct reader *r)
{
    struct ledger_block *b = ledger_block_decode(r);

    if (b == NULL)
        return false;
    if (b->first < l->next || b->first + b->count > next) {
        ledger_block_free(b);
        return false;
    }
    for (uint32_t i = ledger_bit_next(b->bits, 0, b->count); i < b->count;
         i = ledger_bit_next(b->bits, i + 1, b->count)) {
        l->live_bytes += ledger_block_size(b, i);
    }
    l->live += b->live;
    l->next = b->first + b->count;
    push_block(l, b);
    return true;
}

void ledger_restore(struct ledger *l, struct reader *r)
{
    uint64_t next = reader_varint(r);
    bool is_good = next > 0;
    uint8_t what = SAVED_BLOCK;

    ASSERT(l->next == 1 && l->live == 0 && l->tail == NULL);
    while (is_good && (what = reader_u8(r)) == SAVED_BLOCK)
        is_good = restore_block(l, next, r);
    if (!is_good || what != SAVED_END || r->is_failed) {
        ledger_release(l);
        r->is_failed = true;
        r->left = 0;
        return;
    }
    l->next = next;
}

/* ---- Looking ---- */

size_t ledger_memory(const struct ledger *l)
{
    return l->memory;
}

/* Counts what the packed blocks have; returns the seq behind them. */
static uint64_t check_blocks(const struct ledger *l, uint64_t *live, uint64_t *live_bytes)
{
    struct ledger_entry e;
    uint64_t end = 0;
    size_t dead = 0;

    for (size_t i = l->slot_first; i < l->slot_end; i++) {
        const struct ledger_block *b = l->slots[i].block;

        ASSERT(l->slots[i].first >= end);
        dead += b == NULL ? 1 : 0;
        if (b == NULL)
            continue;
        ledger_block_check(b);
        ASSERT(b->first == l->slots[i].first);
        end = b->first + b->count; /* D3 */
        for (uint32_t k = ledger_bit_next(b->bits, 0, b->count); k < b->count;
             k = ledger_bit_next(b->bits, k + 1, b->count)) {
            ledger_block_get(b, k, &e);
            ASSERT(b->first + k >= l->low); /* D1 */
            *live += 1;
            *live_bytes += e.size;
        }
    }
    ASSERT(dead == l->dead_slots);
    return end;
}

void ledger_check(struct ledger *l)
{
    const struct ledger_tail *t = l->tail;
    uint64_t live = 0, live_bytes = 0, end = check_blocks(l, &live, &live_bytes);
    uint32_t tail_live = 0;

    ASSERT(l->low <= l->next && end <= l->next);
    if (t != NULL) {
        ASSERT(t->first >= end && t->first + t->count == l->next); /* D3 */
        ASSERT(t->count <= t->capacity && (t->live > 0 || t->count == 0));
        for (uint32_t i = 0; i < LEDGER_BLOCK_MAX; i++) {
            if (!ledger_bit(t->bits, i))
                continue;
            ASSERT(i < t->count && t->first + i >= l->low); /* D1 */
            tail_live++;
            live_bytes += t->entries[i].size;
        }
        ASSERT(tail_live == t->live);
    }
    ASSERT(live + tail_live == l->live && live_bytes == l->live_bytes); /* D2 */
}
