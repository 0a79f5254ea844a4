/* Tests of store/ledger: every operation against a plain array, and its bytes from anywhere. */
#include "store/ledger.h"

#include <string.h>

#include "base/mem.h"
#include "base/rand.h"
#include "store/ledger_block.h"
#include "store/store.h"
#include "tests/lib/leaks.h"
#include "tests/lib/seed.h"

enum { ROW_MAX = 200 };

/* ---- A model: all that was ever added ---- */

struct model {
    struct ledger_entry *entries; /* by seq */
    bool *live;
    uint64_t next;
    size_t capacity;
};

static void model_init(struct model *m)
{
    *m = (struct model){.next = 1};
}

static void model_release(struct model *m)
{
    mem_free(m->entries);
    mem_free(m->live);
}

static void model_grow(struct model *m, uint64_t seq)
{
    size_t capacity = m->capacity > 0 ? m->capacity : 64;

    while (capacity <= seq)
        capacity *= 2;
    if (capacity == m->capacity)
        return;
    m->entries = mem_grow(m->entries, capacity, sizeof(*m->entries));
    m->live = mem_grow(m->live, capacity, sizeof(bool));
    memset(m->live + m->capacity, 0, capacity - m->capacity);
    m->capacity = capacity;
}

static void model_add(struct model *m, uint64_t seq, const struct ledger_entry *e)
{
    model_grow(m, seq);
    assert_true(seq >= m->next);
    m->entries[seq] = *e;
    m->live[seq] = true;
    m->next = seq + 1;
}

static uint64_t model_next_live(const struct model *m, uint64_t from)
{
    while (from < m->next && (from >= m->capacity || !m->live[from]))
        from++;
    return from;
}

static void expect_entry(const struct ledger_entry *a, const struct ledger_entry *b)
{
    assert_int_equal(a->place, b->place);
    assert_int_equal(a->size, b->size);
    assert_int_equal(a->priority, b->priority);
    assert_int_equal(a->expires_ms, b->expires_ms);
}

/* All of the ledger is what the model says. */
static void expect_same(struct ledger *l, const struct model *m)
{
    uint64_t seq = 0, live = 0, bytes = 0;
    struct ledger_entry e;

    ledger_check(l);
    assert_int_equal(l->next, m->next);
    for (uint64_t at = 0; ledger_next_live(l, at, &seq, &e); at = seq + 1) {
        assert_int_equal(seq, model_next_live(m, at));
        expect_entry(&e, &m->entries[seq]);
        live++;
        bytes += e.size;
    }
    assert_int_equal(model_next_live(m, seq + 1), m->next);
    assert_int_equal(l->live, live);
    assert_int_equal(l->live_bytes, bytes);
    assert_int_equal(ledger_low(l), model_next_live(m, 1));
}

/* ---- Chance ---- */

/* What kinds of entries come, and in what order they go. */
struct habit {
    bool has_sizes;
    bool has_priorities;
    bool has_expiries;
    bool has_transient;
    bool has_rows;  /* they come and go in rows, too */
    uint32_t depth; /* entries it aims for */
    uint32_t disorder;
};

static struct ledger_entry random_entry(struct rand *r, const struct habit *h, uint64_t n)
{
    struct ledger_entry e = {.place = n * (1 + rand_below(r, 3)) + 1000, .size = 16};

    if (h->has_sizes)
        e.size = (uint32_t)rand_below(r, rand_chance(r, 1, 50) ? UINT32_MAX : 2000);
    if (h->has_priorities)
        e.priority = (uint8_t)rand_below(r, 256);
    if (h->has_expiries && rand_chance(r, 2, 3))
        e.expires_ms = (int64_t)(1767225600000 + rand_below(r, 100000));
    if (h->has_transient && rand_chance(r, 1, 2))
        e.place = STORE_TRANSIENT | rand_below(r, 1 << 30);
    return e;
}

static void add_one(struct ledger *l, struct model *m, struct rand *r, const struct habit *h)
{
    struct ledger_entry e = random_entry(r, h, m->next);

    if (rand_chance(r, 1, 100)) {
        uint64_t seq = m->next + rand_below(r, rand_chance(r, 1, 10) ? 2000 : 10);

        ledger_add_at(l, seq, &e);
        model_add(m, seq, &e);
    } else {
        assert_int_equal(ledger_add(l, &e), m->next);
        model_add(m, m->next, &e);
    }
}

static void settle_one(struct ledger *l, struct model *m, struct rand *r, const struct habit *h)
{
    uint64_t low = model_next_live(m, 1), seq = low;
    struct ledger_entry e;

    if (rand_chance(r, h->disorder, 100))
        seq = low + rand_below(r, m->next - low + 5);
    assert_int_equal(ledger_is_live(l, seq), seq < m->next && m->live[seq]);
    if (ledger_find(l, seq, &e))
        expect_entry(&e, &m->entries[seq]);
    assert_int_equal(ledger_settle(l, seq), seq < m->next && m->live[seq]);
    if (seq < m->next)
        m->live[seq] = false;
}

/* Some at once. */
static void add_row(struct ledger *l, struct model *m, struct rand *r, const struct habit *h)
{
    struct ledger_entry row[ROW_MAX];
    size_t count = rand_below(r, ROW_MAX + 1);

    for (size_t i = 0; i < count; i++) {
        row[i] = random_entry(r, h, m->next);
        model_add(m, m->next, &row[i]);
    }
    ledger_add_row(l, row, count);
}

/* The front of a row from anywhere goes. */
static void settle_row(struct ledger *l, struct model *m, struct rand *r, const struct habit *h)
{
    struct ledger_entry row[ROW_MAX];
    uint64_t low = model_next_live(m, 1), from = low, seq = 0;
    size_t max = 1 + rand_below(r, ROW_MAX);
    size_t count;

    if (rand_chance(r, h->disorder, 100))
        from = low + rand_below(r, m->next - low + 5);
    count = ledger_next_row(l, from, &seq, row, max);
    assert_int_equal(count > 0, model_next_live(m, from) < m->next);
    assert_true(count <= max);
    if (count == 0)
        return;
    assert_int_equal(seq, model_next_live(m, from));
    for (size_t i = 0; i < count; i++) {
        assert_true(m->live[seq + i]);
        expect_entry(&row[i], &m->entries[seq + i]);
    }
    count = 1 + rand_below(r, count);
    ledger_settle_row(l, seq, count);
    for (size_t i = 0; i < count; i++)
        m->live[seq + i] = false;
}

struct visits {
    const struct model *m;
    uint64_t last;
};

static void on_visit(void *owner, uint64_t seq, const struct ledger_entry *e)
{
    struct visits *v = owner;

    assert_true(seq > v->last && v->m->live[seq]);
    expect_entry(e, &v->m->entries[seq]);
    v->last = seq;
}

static void settle_below(struct ledger *l, struct model *m, uint64_t seq)
{
    struct visits v = {.m = m};

    ledger_settle_below(l, seq, on_visit, &v);
    for (uint64_t i = 1; i < seq && i < m->next; i++)
        m->live[i] = false;
}

/* Saves and restores: what was in memory is gone. */
static void restart(struct ledger *l, struct model *m)
{
    struct ledger other;
    struct reader r;
    struct buf b;

    buf_init(&b, 1 << 26);
    ledger_save(l, &b);
    assert_int_equal(buf_error(&b), 0);
    r = reader_of(buf_view(&b));
    ledger_init(&other);
    ledger_restore(&other, &r);
    assert_true(reader_is_done(&r));
    ledger_release(l);
    *l = other;
    for (uint64_t i = 1; i < m->next; i++)
        m->live[i] = m->live[i] && (m->entries[i].place & STORE_TRANSIENT) == 0;
    buf_release(&b);
}

static void run(const struct habit *h, uint64_t seed, int steps)
{
    struct ledger l;
    struct model m;
    struct rand r;

    rand_init(&r, seed);
    ledger_init(&l);
    model_init(&m);
    model_grow(&m, 1);
    for (int i = 0; i < steps; i++) {
        bool is_row = h->has_rows && rand_chance(&r, 1, 10);

        if (rand_below(&r, 2ULL * h->depth + 1) > l.live)
            (is_row ? add_row : add_one)(&l, &m, &r, h);
        else
            (is_row ? settle_row : settle_one)(&l, &m, &r, h);
        if (rand_chance(&r, 1, 2000))
            settle_below(&l, &m, ledger_low(&l) + rand_below(&r, 700));
        if (rand_chance(&r, 1, 3000))
            restart(&l, &m);
        if (rand_chance(&r, 1, 2000))
            expect_same(&l, &m);
    }
    expect_same(&l, &m);
    settle_below(&l, &m, l.next);
    expect_same(&l, &m);
    assert_true(ledger_memory(&l) < 4096);
    ledger_release(&l);
    model_release(&m);
}

static void test_it_is_what_a_plain_array_is(void **state)
{
    static const struct habit habits[] = {
        {.depth = 3, .disorder = 10},
        {.depth = 40, .disorder = 50, .has_sizes = true},
        {.depth = 300, .disorder = 90, .has_transient = true},
        {.depth = 3000, .disorder = 0},
        {.depth = 3000, .disorder = 0, .has_rows = true},
        {.depth = 40, .disorder = 20, .has_rows = true},
        {.depth = 5000, .disorder = 70, .has_rows = true, .has_sizes = true},
        {.depth = 2000, .disorder = 30, .has_rows = true, .has_expiries = true},
        {.depth = 3000, .disorder = 100, .has_expiries = true, .has_priorities = true},
        {.depth = 5000,
         .disorder = 60,
         .has_sizes = true,
         .has_transient = true,
         .has_expiries = true,
         .has_priorities = true},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(habits); i++)
        run(&habits[i], test_seed() + i, 12000);
}

/* ---- By hand ---- */

static void test_an_empty_ledger_has_no_memory(void **state)
{
    struct ledger_entry e = {.place = 1};
    struct ledger l;
    uint64_t seq;

    (void)state;
    ledger_init(&l);
    assert_int_equal(ledger_memory(&l), 0);
    assert_int_equal(ledger_low(&l), 1);
    assert_false(ledger_next_live(&l, 0, &seq, &e));
    assert_false(ledger_settle(&l, 0));
    assert_false(ledger_settle(&l, 1));
    assert_false(ledger_is_live(&l, UINT64_MAX));
    assert_int_equal(ledger_add(&l, &e), 1);
    assert_true(ledger_memory(&l) <= 512);
    assert_false(ledger_settle(&l, 2));
    assert_true(ledger_settle(&l, 1));
    assert_false(ledger_settle(&l, 1));
    ledger_release(&l);
}

static void test_plain_messages_take_few_bytes_each(void **state)
{
    enum { COUNT = 1000000 };
    struct ledger l;

    (void)state;
    ledger_init(&l);
    for (uint64_t i = 0; i < COUNT; i++) {
        struct ledger_entry e = {.place = 5000 + i + i / 100, .size = 1024};
        (void)ledger_add(&l, &e);
    }
    assert_true(ledger_memory(&l) < COUNT * 3);
    ledger_release(&l);
    ledger_init(&l);
    for (uint64_t i = 0; i < COUNT; i++) { /* others' messages between, and sizes that differ */
        struct ledger_entry e = {.place = i * 200 + i % 7, .size = (uint32_t)(i * 7919 % 100000)};
        (void)ledger_add(&l, &e);
    }
    assert_true(ledger_memory(&l) < COUNT * 8);
    ledger_check(&l);
    ledger_release(&l);
}

static void test_one_that_stays_pins_only_its_own_block(void **state)
{
    struct ledger_entry e = {.place = 77, .size = 5}, found;
    struct ledger l;

    (void)state;
    ledger_init(&l);
    (void)ledger_add(&l, &e);
    for (uint64_t i = 2; i < 1000000; i++) {
        (void)ledger_add(&l, &e);
        assert_true(ledger_settle(&l, i));
    }
    assert_true(ledger_memory(&l) < 4096);
    assert_int_equal(ledger_low(&l), 1);
    assert_true(ledger_find(&l, 1, &found));
    assert_int_equal(found.place, 77);
    ledger_check(&l);
    ledger_release(&l);
}

static void test_seqs_may_be_skipped(void **state)
{
    struct ledger_entry e = {.place = 9};
    struct ledger l;
    uint64_t seq;

    (void)state;
    ledger_init(&l);
    ledger_skip_to(&l, 1000);
    ledger_skip_to(&l, 10);
    assert_int_equal(ledger_add(&l, &e), 1000);
    ledger_add_at(&l, 1003, &e);
    ledger_add_at(&l, 5000, &e);
    ledger_skip_to(&l, UINT64_C(1) << 40);
    assert_int_equal(ledger_add(&l, &e), UINT64_C(1) << 40);
    assert_true(ledger_next_live(&l, 1001, &seq, &e));
    assert_int_equal(seq, 1003);
    assert_true(ledger_next_live(&l, 1004, &seq, &e));
    assert_int_equal(seq, 5000);
    assert_true(ledger_next_live(&l, 5001, &seq, &e));
    assert_int_equal(seq, UINT64_C(1) << 40);
    ledger_check(&l);
    ledger_release(&l);
}

/* ---- Bytes ---- */

static bool can_restore(struct bytes b)
{
    struct reader r = reader_of(b);
    struct ledger l;
    bool is_good;

    ledger_init(&l);
    ledger_restore(&l, &r);
    is_good = !r.is_failed;
    ledger_check(&l);
    if (!is_good)
        assert_int_equal(l.next, 1);
    ledger_release(&l);
    return is_good;
}

static void test_damaged_bytes_do_no_harm(void **state)
{
    struct rand r;
    struct ledger l;
    struct buf b;

    (void)state;
    rand_init(&r, test_seed());
    ledger_init(&l);
    buf_init(&b, 1 << 20);
    for (uint64_t i = 0; i < 1500; i++) {
        struct ledger_entry e = random_entry(&r, &(struct habit){.has_sizes = true}, i);
        (void)ledger_add(&l, &e);
    }
    ledger_save(&l, &b);
    assert_true(can_restore(buf_view(&b)));
    for (size_t cut = 0; cut < b.size; cut++)
        assert_false(can_restore(bytes_of(b.data, cut)));
    for (int i = 0; i < 3000; i++) {
        size_t at = rand_below(&r, b.size);
        uint8_t was = b.data[at];

        b.data[at] ^= (uint8_t)(1U << rand_below(&r, 8));
        (void)can_restore(buf_view(&b));
        b.data[at] = was;
    }
    buf_release(&b);
    ledger_release(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_it_is_what_a_plain_array_is),
        LEAK_CHECKED(test_an_empty_ledger_has_no_memory),
        LEAK_CHECKED(test_plain_messages_take_few_bytes_each),
        LEAK_CHECKED(test_one_that_stays_pins_only_its_own_block),
        LEAK_CHECKED(test_seqs_may_be_skipped),
        LEAK_CHECKED(test_damaged_bytes_do_no_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
