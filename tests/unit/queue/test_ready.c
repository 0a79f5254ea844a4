/* Which message is next: random takes and returns against a plain array. */
#include "queue/ready.h"

#include "base/rand.h"
#include "tests/lib/leaks.h"
#include "tests/lib/seed.h"

enum { MESSAGES = 400, STEPS = 4000 };
enum state { ABSENT, WAITS, TAKEN, AWAY, DONE };

struct model {
    enum state states[MESSAGES + 1];
    uint8_t levels[MESSAGES + 1];
    bool seen[MESSAGES + 1];
    uint64_t next;
    bool may_go_ahead;
};

static uint64_t first_of(const struct model *m)
{
    uint64_t best = 0;

    for (uint64_t seq = 1; seq < m->next; seq++) {
        if (m->states[seq] == WAITS && (best == 0 || m->levels[seq] > m->levels[best]))
            best = seq;
    }
    return best;
}

static uint64_t any_of(const struct model *m, struct rand *rand, enum state state)
{
    uint64_t seq = 1 + rand_below(rand, MESSAGES);

    for (unsigned i = 0; i < MESSAGES; i++, seq = seq % MESSAGES + 1) {
        if (seq < m->next && m->states[seq] == state)
            return seq;
    }
    return 0;
}

/* While it is held nothing is next but what goes ahead. */
static void hold(struct ready *r, struct ledger *l, const struct model *m)
{
    struct ledger_entry e;
    uint64_t first = first_of(m);
    uint64_t seq = 0;

    ready_hold(r);
    bool has_one = ready_first(r, l, &seq, &e);
    bool is_ahead = first != 0 && m->levels[first] == READY_AHEAD;

    assert_int_equal(has_one ? seq : 0, is_ahead ? first : 0);
    assert_int_equal(ready_is_held(r), !is_ahead);
    ready_release_hold(r);
}

static void take_first(struct ready *r, struct ledger *l, struct model *m)
{
    struct ledger_entry e;
    uint64_t seq = 0;
    bool has_one = ready_first(r, l, &seq, &e);

    assert_int_equal(has_one ? seq : 0, first_of(m));
    if (!has_one)
        return;
    assert_int_equal(ready_was_seen(r, seq), m->seen[seq]);
    ready_take_first(r, seq, e.priority);
    m->states[seq] = TAKEN;
}

static void step(struct ready *r, struct ledger *l, struct model *m, struct rand *rand)
{
    uint64_t seq;

    switch (rand_below(rand, 7)) {
    case 0:
    case 1:
        if (m->next > MESSAGES)
            return;
        m->levels[m->next] = r->lanes == NULL ? 0 : (uint8_t)rand_below(rand, 4);
        if (m->may_go_ahead && rand_chance(rand, 1, 2))
            m->levels[m->next] = READY_AHEAD;
        seq =
            ledger_add(l, &(struct ledger_entry){.place = m->next, .priority = m->levels[m->next]});
        assert_int_equal(seq, m->next);
        ready_add(r, seq, m->levels[seq]);
        m->states[m->next++] = WAITS;
        break;
    case 2:
        take_first(r, l, m);
        break;
    case 3: /* comes back */
        if ((seq = any_of(m, rand, TAKEN)) == 0)
            return;
        ready_return(r, seq, m->levels[seq]);
        m->states[seq] = WAITS;
        m->seen[seq] = true;
        break;
    case 4: /* settled while it was away */
        if ((seq = any_of(m, rand, TAKEN)) == 0)
            return;
        assert_true(ledger_settle(l, seq));
        m->states[seq] = DONE;
        break;
    case 5: /* dies where it stands */
        if ((seq = any_of(m, rand, WAITS)) == 0)
            return;
        ready_remove(r, seq, m->levels[seq]);
        ready_withdraw(r, seq);
        m->states[seq] = AWAY;
        break;
    default:
        if ((seq = any_of(m, rand, AWAY)) == 0)
            return;
        ready_end_withdrawn(r, seq);
        assert_true(ledger_settle(l, seq));
        m->states[seq] = DONE;
        break;
    }
}

static void run(uint8_t level_max, bool may_go_ahead)
{
    struct model m = {.next = 1, .may_go_ahead = may_go_ahead};
    struct ledger l;
    struct ready r;
    struct rand rand;

    rand_init(&rand, test_seed());
    ledger_init(&l);
    ready_init(&r, level_max);
    for (unsigned i = 0; i < STEPS; i++) {
        step(&r, &l, &m, &rand);
        if (level_max == 0)
            hold(&r, &l, &m);
        for (uint64_t seq = 1; seq < m.next; seq++) {
            bool is_ready = m.states[seq] == WAITS;

            if (m.states[seq] != DONE)
                assert_int_equal(ready_has(&r, seq, m.levels[seq]), is_ready);
        }
    }
    ready_check(&r);
    ready_clear(&r, l.next);
    ready_release(&r);
    ledger_release(&l);
}

static void test_the_lowest_seq_is_next(void **state)
{
    (void)state;
    run(0, false);
}

static void test_the_highest_level_is_next_and_in_it_the_lowest_seq(void **state)
{
    (void)state;
    run(3, false);
}

static void test_what_goes_ahead_comes_before_all_that_is_held(void **state)
{
    (void)state;
    run(0, true);
}

static void test_one_that_is_not_wanted_is_where_it_was(void **state)
{
    struct ledger_entry e = {.place = 1};
    struct ledger l;
    struct ready r;
    uint64_t seq;

    (void)state;
    ledger_init(&l);
    ready_init(&r, 0);
    for (unsigned i = 0; i < 3; i++)
        ready_add(&r, ledger_add(&l, &e), 0);
    assert_true(ready_first(&r, &l, &seq, &e));
    ready_take_first(&r, seq, 0);
    ready_untake(&r, seq, 0, false);
    assert_false(ready_was_seen(&r, 1));
    assert_true(ready_first(&r, &l, &seq, &e));
    assert_int_equal(seq, 1);
    ready_take_first(&r, 1, 0);
    ready_return(&r, 1, 0);
    ready_take_first(&r, 1, 0);
    ready_untake(&r, 1, 0, true);
    assert_true(ready_was_seen(&r, 1));
    assert_true(ready_first(&r, &l, &seq, &e));
    assert_int_equal(seq, 1);
    ready_release(&r);
    ledger_release(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_the_lowest_seq_is_next),
        LEAK_CHECKED(test_the_highest_level_is_next_and_in_it_the_lowest_seq),
        LEAK_CHECKED(test_what_goes_ahead_comes_before_all_that_is_held),
        LEAK_CHECKED(test_one_that_is_not_wanted_is_where_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
