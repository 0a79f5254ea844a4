/* The time index against a plain array of dates. */
#include "queue/expiry.h"

#include "base/rand.h"
#include "tests/lib/leaks.h"
#include "tests/lib/seed.h"

enum { MESSAGES = 500, STEPS = 6000 };

struct model {
    int64_t dates[MESSAGES + 1]; /* 0: none, or gone */
    bool is_live[MESSAGES + 1];
    uint64_t next;
};

static void add(struct expiry *x, struct ledger *l, struct model *m, int64_t date_ms)
{
    uint64_t seq = ledger_add(l, &(struct ledger_entry){.place = 1, .expires_ms = date_ms});

    m->dates[seq] = date_ms;
    m->is_live[seq] = true;
    m->next = seq + 1;
    if (date_ms != 0)
        expiry_add(x, l, seq, date_ms);
}

/* All that is due comes out, each once, the earliest first, and nothing else. */
static void take_due(struct expiry *x, struct ledger *l, struct model *m, int64_t now_ms)
{
    unsigned steps = 1 << 20;
    int64_t last_ms = 0;
    uint64_t seq;

    while (expiry_take(x, l, now_ms, &steps, &seq)) {
        assert_true(m->is_live[seq] && m->dates[seq] != 0 && m->dates[seq] <= now_ms);
        assert_true(m->dates[seq] >= last_ms);
        last_ms = m->dates[seq];
        assert_true(ledger_settle(l, seq));
        m->is_live[seq] = false;
    }
    for (seq = 1; seq < m->next; seq++)
        assert_false(m->is_live[seq] && m->dates[seq] != 0 && m->dates[seq] <= now_ms);
}

struct shown {
    bool is_shown[MESSAGES + 1];
};

static void show(void *owner, const struct expiry_item *item)
{
    ((struct shown *)owner)->is_shown[item->seq] = true;
}

/* What comes next is shown: every live one that is before one that is not. */
static void check_visit(const struct expiry *x, struct ledger *l, const struct model *m, size_t max)
{
    struct shown shown = {{false}};
    struct expiry_visit v = {.max = max, .steps = 1 << 20, .show = show, .owner = &shown};
    int64_t first_ms = EXPIRY_NEVER;
    size_t before = 0;

    assert_true(expiry_visit_next(x, l, &v));
    for (uint64_t seq = 1; seq < m->next; seq++) {
        bool is_meant = m->is_live[seq] && m->dates[seq] != 0 && !shown.is_shown[seq];

        if (is_meant && m->dates[seq] < first_ms)
            first_ms = m->dates[seq];
    }
    for (uint64_t seq = 1; seq < m->next; seq++)
        before += shown.is_shown[seq] && m->is_live[seq] && m->dates[seq] <= first_ms;
    assert_true(first_ms == EXPIRY_NEVER || before >= max);
}

/* The next date is never after that of a live message. */
static void check_next(const struct expiry *x, const struct model *m)
{
    for (uint64_t seq = 1; seq < m->next; seq++) {
        if (m->is_live[seq] && m->dates[seq] != 0)
            assert_true(expiry_next(x) <= m->dates[seq]);
    }
}

static void run(struct rand *rand, bool is_rising)
{
    struct model m = {.next = 1};
    struct expiry x;
    struct ledger l;
    int64_t now_ms = 1000;

    expiry_init(&x);
    ledger_init(&l);
    for (unsigned i = 0; i < STEPS && m.next <= MESSAGES; i++) {
        uint64_t pick = rand_below(rand, 10);

        if (pick < 5) {
            bool has_date = rand_chance(rand, 3, 4);
            int64_t ttl_ms = is_rising ? 100 : 1 + (int64_t)rand_below(rand, 300);

            add(&x, &l, &m, has_date ? now_ms + ttl_ms : 0);
        } else if (pick < 8) { /* somebody settles one */
            uint64_t seq = 1 + rand_below(rand, MESSAGES);

            if (seq < m.next && m.is_live[seq]) {
                assert_true(ledger_settle(&l, seq));
                m.is_live[seq] = false;
            }
        } else {
            now_ms += (int64_t)rand_below(rand, 40);
            take_due(&x, &l, &m, now_ms);
        }
        check_next(&x, &m);
        if (i % 8 == 0)
            check_visit(&x, &l, &m, 1 + rand_below(rand, 40));
        expiry_check(&x);
        if (is_rising)
            assert_int_equal(x.count, 0); /* the ledger is the index */
    }
    take_due(&x, &l, &m, INT64_MAX - 1);
    expiry_release(&x);
    ledger_release(&l);
}

static void test_all_that_is_due_comes_out_once(void **state)
{
    struct rand rand;

    (void)state;
    rand_init(&rand, test_seed());
    for (unsigned i = 0; i < 20; i++)
        run(&rand, false);
}

static void test_one_time_to_live_for_all_needs_no_memory(void **state)
{
    struct rand rand;

    (void)state;
    rand_init(&rand, test_seed());
    for (unsigned i = 0; i < 20; i++)
        run(&rand, true);
}

static void test_what_is_settled_early_does_not_pile_up(void **state)
{
    struct ledger l;
    struct expiry x;

    (void)state;
    expiry_init(&x);
    ledger_init(&l);
    expiry_add(&x, &l, ledger_add(&l, &(struct ledger_entry){.place = 1, .expires_ms = 1 << 30}),
               1 << 30);
    for (unsigned i = 0; i < 100000; i++) {
        uint64_t seq = ledger_add(&l, &(struct ledger_entry){.place = 1, .expires_ms = 5000});

        expiry_add(&x, &l, seq, 5000);
        assert_true(ledger_settle(&l, seq));
    }
    assert_true(x.capacity <= 128);
    expiry_release(&x);
    ledger_release(&l);
}

static void test_steps_are_limited(void **state)
{
    unsigned steps = 100;
    struct ledger l;
    struct expiry x;
    uint64_t seq;

    (void)state;
    expiry_init(&x);
    ledger_init(&l);
    expiry_add(&x, &l, ledger_add(&l, &(struct ledger_entry){.place = 1, .expires_ms = 10}), 10);
    for (unsigned i = 0; i < 1000; i++)
        (void)ledger_add(&l, &(struct ledger_entry){.place = 1});
    assert_true(expiry_take(&x, &l, 20, &steps, &seq));
    assert_int_equal(seq, 1);
    assert_false(expiry_take(&x, &l, 20, &steps, &seq));
    assert_int_equal(steps, 0);
    assert_true(expiry_next(&x) <= 20); /* it goes on later */
    steps = 10000;
    assert_false(expiry_take(&x, &l, 20, &steps, &seq));
    assert_true(steps > 0);
    assert_true(expiry_next(&x) == EXPIRY_NEVER);
    expiry_release(&x);
    ledger_release(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_all_that_is_due_comes_out_once),
        LEAK_CHECKED(test_one_time_to_live_for_all_needs_no_memory),
        LEAK_CHECKED(test_what_is_settled_early_does_not_pile_up),
        LEAK_CHECKED(test_steps_are_limited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
