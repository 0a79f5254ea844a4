/* Sorted arrays of small items, and a tail that is not. */
#include "queue/message_ids.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/hash.h"
#include "base/mem.h"
#include "store/ledger.h"

enum {
    TAIL_MIN = 16,
    SLACK = MESSAGE_IDS_RUN_MAX, /* items of messages that are gone, beside as many as live */
    FOUND_MIN = 4,
    ITEM_BYTES = 8, /* in a checkpoint */
};

#define SEQ_STEP (UINT64_C(1) << 32) /* seqs so far apart have one low half */

void message_ids_init(struct message_ids *m, uint64_t seed)
{
    *m = (struct message_ids){.seed = seed};
}

static void drop_all(struct message_ids *m)
{
    for (size_t i = 0; i < m->run_count; i++)
        mem_free(m->runs[i].items);
    mem_free(m->runs);
    mem_free(m->tail.items);
}

void message_ids_release(struct message_ids *m)
{
    drop_all(m);
    message_ids_init(m, 0);
}

void message_ids_clear(struct message_ids *m)
{
    uint64_t seed = m->seed;

    drop_all(m);
    message_ids_init(m, seed);
}

static int compare_items(const void *a, const void *b)
{
    const struct message_ids_item *x = (const struct message_ids_item *)a;
    const struct message_ids_item *y = (const struct message_ids_item *)b;

    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    return x->seq < y->seq ? -1 : x->seq > y->seq;
}

static void add_run(struct message_ids *m, struct message_ids_run run)
{
    if (m->run_count == m->run_capacity) {
        m->run_capacity = m->run_capacity > 0 ? 2 * m->run_capacity : TAIL_MIN;
        m->runs = (struct message_ids_run *)mem_grow(m->runs, m->run_capacity, sizeof(*m->runs));
    }
    m->runs[m->run_count++] = run;
}

/* The tail is full: it becomes a run. */
static void seal(struct message_ids *m)
{
    qsort(m->tail.items, m->tail.count, sizeof(*m->tail.items), compare_items);
    add_run(m, m->tail);
    m->tail = (struct message_ids_run){0};
    m->tail_capacity = 0;
}

static void add_item(struct message_ids *m, struct message_ids_item item)
{
    struct message_ids_run *t = &m->tail;

    if (t->count == m->tail_capacity) {
        m->tail_capacity = m->tail_capacity > 0 ? 2 * m->tail_capacity : TAIL_MIN;
        t->items =
            (struct message_ids_item *)mem_grow(t->items, m->tail_capacity, sizeof(*t->items));
    }
    t->items[t->count++] = item;
    m->count++;
    if (t->count == MESSAGE_IDS_RUN_MAX)
        seal(m);
}

static uint32_t hash_of(const struct message_ids *m, struct bytes id)
{
    return (uint32_t)hash64(id, m->seed);
}

void message_ids_add(struct message_ids *m, struct bytes id, uint64_t seq)
{
    add_item(m, (struct message_ids_item){hash_of(m, id), (uint32_t)seq});
}

/* ---- what is gone ---- */

/* The first seq at or above `from` that has that low half. */
static uint64_t seq_from(uint64_t from, uint32_t low_half)
{
    uint64_t seq = (from & ~(SEQ_STEP - 1)) | low_half;

    return seq < from ? seq + SEQ_STEP : seq;
}

static bool is_alive(struct ledger *l, const struct message_ids_item *item)
{
    for (uint64_t seq = seq_from(l->low, item->seq); seq < l->next; seq += SEQ_STEP)
        if (ledger_is_live(l, seq))
            return true;
    return false;
}

/* Of two small runs one is made. */
static void merge(struct message_ids *m, size_t to, size_t from)
{
    struct message_ids_run *a = &m->runs[to];
    struct message_ids_run *b = &m->runs[from];
    size_t count = a->count + b->count;

    a->items = (struct message_ids_item *)mem_grow(a->items, count, sizeof(*a->items));
    memcpy(a->items + a->count, b->items, b->count * sizeof(*b->items));
    a->count = count;
    qsort(a->items, count, sizeof(*a->items), compare_items);
    mem_free(b->items);
    *b = m->runs[--m->run_count];
}

static bool is_small(const struct message_ids_run *run)
{
    return run->count <= MESSAGE_IDS_RUN_MAX / 2;
}

static void sift_run(struct message_ids *m, size_t at, struct ledger *l)
{
    struct message_ids_run *run = &m->runs[at];
    size_t kept = 0;

    for (size_t i = 0; i < run->count; i++)
        if (is_alive(l, &run->items[i]))
            run->items[kept++] = run->items[i];
    m->count -= run->count - kept;
    if (kept == 0) {
        mem_free(run->items);
        *run = m->runs[--m->run_count];
        return;
    }
    if (kept < run->count)
        run->items = (struct message_ids_item *)mem_grow(run->items, kept, sizeof(*run->items));
    run->count = kept;
    for (size_t i = 0; is_small(run) && i < m->run_count; i++) {
        if (i != at && is_small(&m->runs[i])) {
            merge(m, i < at ? i : at, i < at ? at : i);
            return;
        }
    }
}

void message_ids_sift(struct message_ids *m, struct ledger *l)
{
    if (m->count == 0)
        return;
    if (l->live == 0) {
        message_ids_clear(m);
        return;
    }
    if (m->count <= 2 * l->live + SLACK || m->run_count == 0)
        return;
    if (m->turn >= m->run_count)
        m->turn = 0;
    sift_run(m, m->turn++, l);
}

/* ---- find ---- */

bool message_ids_is_whole(const struct message_ids *m, struct ledger *l)
{
    return l->live == 0 || ledger_low(l) >= m->whole_from;
}

static void add_found(struct message_ids_found *f, uint64_t seq)
{
    bool is_full = f->count == 0 || (f->count >= FOUND_MIN && (f->count & (f->count - 1)) == 0);

    if (is_full)
        f->seqs = (uint64_t *)mem_grow(f->seqs, f->count == 0 ? FOUND_MIN : 2 * f->count,
                                       sizeof(*f->seqs));
    f->seqs[f->count++] = seq;
}

/* Items of a hash whose seqs are in [low, high), all of which have one high half. */
struct message_ids_span {
    uint32_t hash;
    uint64_t low;
    uint64_t high;
};

static uint64_t seq_in(const struct message_ids_span *s, const struct message_ids_item *item)
{
    return (s->low & ~(SEQ_STEP - 1)) | item->seq;
}

static bool is_in(const struct message_ids_span *s, const struct message_ids_item *item)
{
    return item->hash == s->hash && seq_in(s, item) >= s->low && seq_in(s, item) < s->high;
}

/* Where the first item of the span is, or would be. */
static size_t first_of(const struct message_ids_run *run, const struct message_ids_span *s,
                       size_t *looks)
{
    const struct message_ids_item wanted = {s->hash, (uint32_t)s->low};
    size_t from = 0;
    size_t to = run->count;

    while (from < to) {
        size_t middle = from + (to - from) / 2;

        ++*looks;
        if (compare_items(&run->items[middle], &wanted) < 0)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

/* Takes those of the span that are alive. False: there are more than `max` items. */
static bool take_span(const struct message_ids *m, struct ledger *l,
                      const struct message_ids_span *s, size_t max, struct message_ids_found *f)
{
    size_t items = 0;

    for (size_t i = 0; i <= m->run_count; i++) {
        bool is_tail = i == m->run_count;
        const struct message_ids_run *run = is_tail ? &m->tail : &m->runs[i];
        size_t at = is_tail ? 0 : first_of(run, s, &f->looks);

        for (; at < run->count && (is_tail || is_in(s, &run->items[at])); at++) {
            f->looks++;
            if (!is_in(s, &run->items[at]))
                continue;
            if (items++ == max)
                return false;
            if (ledger_is_live(l, seq_in(s, &run->items[at])))
                add_found(f, seq_in(s, &run->items[at]));
        }
    }
    return true;
}

/* The lowest seq of the span that an item may be of; it has some. */
static uint64_t lowest_of(const struct message_ids *m, const struct message_ids_span *s,
                          size_t *looks)
{
    uint64_t lowest = s->high;

    for (size_t i = 0; i < m->run_count; i++) {
        size_t at = first_of(&m->runs[i], s, looks);

        if (at < m->runs[i].count && is_in(s, &m->runs[i].items[at]) &&
            seq_in(s, &m->runs[i].items[at]) < lowest)
            lowest = seq_in(s, &m->runs[i].items[at]);
    }
    for (size_t i = 0; i < m->tail.count; i++)
        if (is_in(s, &m->tail.items[i]) && seq_in(s, &m->tail.items[i]) < lowest)
            lowest = seq_in(s, &m->tail.items[i]);
    *looks += m->tail.count;
    return lowest;
}

static int compare_seqs(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

/* In rising order, each once: of one that is gone and of one that lives there may be like items. */
static void sort_found(struct message_ids_found *f)
{
    size_t kept = 0;

    if (f->count > 1)
        qsort(f->seqs, f->count, sizeof(*f->seqs), compare_seqs);
    for (size_t i = 0; i < f->count; i++)
        if (i == 0 || f->seqs[i] != f->seqs[i - 1])
            f->seqs[kept++] = f->seqs[i];
    f->count = kept;
}

struct message_ids_search message_ids_search(const struct message_ids *m, const struct ledger *l,
                                             struct bytes id)
{
    return (struct message_ids_search){.hash = hash_of(m, id), .next = l->low, .end = l->next};
}

struct message_ids_found message_ids_find(const struct message_ids *m, struct ledger *l,
                                          struct message_ids_search *s)
{
    struct message_ids_found found = {.seqs = NULL};
    struct message_ids_span span = {.hash = s->hash, .low = s->next > l->low ? s->next : l->low};

    if (span.low >= s->end) {
        s->next = s->end;
        return found;
    }
    span.high = (span.low | (SEQ_STEP - 1)) + 1;
    if (span.high > s->end)
        span.high = s->end;
    if (!take_span(m, l, &span, MESSAGE_IDS_FOUND_MAX, &found)) {
        found.count = 0;
        span.low = lowest_of(m, &span, &found.looks);
        if (span.high - span.low > MESSAGE_IDS_FOUND_MAX)
            span.high = span.low + MESSAGE_IDS_FOUND_MAX;
        (void)take_span(m, l, &span, SIZE_MAX, &found);
    }
    sort_found(&found);
    s->next = span.high;
    return found;
}

size_t message_ids_memory(const struct message_ids *m)
{
    return m->run_capacity * sizeof(*m->runs) +
           (m->count - m->tail.count + m->tail_capacity) * sizeof(struct message_ids_item);
}

/* ---- checkpoints ---- */

static void save_items(const struct message_ids_run *run, struct buf *out)
{
    for (size_t i = 0; i < run->count; i++) {
        buf_le32(out, run->items[i].hash);
        buf_le32(out, run->items[i].seq);
    }
}

void message_ids_save(const struct message_ids *m, struct buf *out)
{
    buf_le64(out, m->seed);
    buf_le64(out, m->whole_from);
    buf_le64(out, m->count);
    for (size_t i = 0; i < m->run_count; i++)
        save_items(&m->runs[i], out);
    save_items(&m->tail, out);
}

void message_ids_restore(struct message_ids *m, const struct ledger *l, struct reader *r)
{
    ASSERT(m->count == 0);
    if (r->left == 0) {
        m->whole_from = l->next;
        return;
    }
    m->seed = reader_le64(r);
    m->whole_from = reader_le64(r);
    uint64_t count = reader_le64(r);
    if (r->is_failed || count > r->left / ITEM_BYTES) {
        r->is_failed = true;
        return;
    }
    for (; count > 0; count--) {
        uint32_t hash = reader_le32(r);

        add_item(m, (struct message_ids_item){hash, reader_le32(r)});
    }
}

void message_ids_check(const struct message_ids *m)
{
    size_t count = m->tail.count;

    ASSERT(m->tail.count <= m->tail_capacity && m->tail.count < MESSAGE_IDS_RUN_MAX);
    for (size_t i = 0; i < m->run_count; i++) {
        const struct message_ids_run *run = &m->runs[i];

        ASSERT(run->count > 0 && run->count <= MESSAGE_IDS_RUN_MAX);
        for (size_t j = 1; j < run->count; j++)
            ASSERT(compare_items(&run->items[j - 1], &run->items[j]) <= 0);
        count += run->count;
    }
    ASSERT(count == m->count);
}
