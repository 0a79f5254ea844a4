/* Tests of broker/confirms: what may be told when, against a plain model. */
#include "broker/confirms.h"

#include <string.h>

#include "base/rand.h"
#include "broker/home.h"
#include "tests/lib/leaks.h"
#include "tests/lib/seed.h"

enum { HOMES = 3, SEQS = 400 };

/* What is known of each publish, by the book. */
struct model {
    struct home homes[HOMES];
    uint64_t next[HOMES];                /* position */
    uint64_t positions[SEQS + 1][HOMES]; /* 0: not there */
    bool is_rejected[SEQS + 1];
    bool is_told[SEQS + 1];
    uint64_t last;
};

static bool is_safe(const struct model *m, uint64_t seq)
{
    for (int h = 0; h < HOMES; h++)
        if (m->positions[seq][h] != 0 && m->homes[h].committed <= m->positions[seq][h])
            return false;
    return true;
}

static void publish(struct model *m, struct confirms *c, struct rand *r, uint64_t turn)
{
    uint64_t seq = ++m->last;

    for (int h = 0; h < HOMES; h++) {
        if (!rand_chance(r, 1, 2))
            continue;
        m->positions[seq][h] = ++m->next[h];
        confirms_wait(c, &m->homes[h], m->positions[seq][h], turn);
    }
    c->last++;
    assert_int_equal(c->last, seq);
    if (rand_chance(r, 1, 8)) {
        m->is_rejected[seq] = true;
        confirms_reject(c);
    }
}

static void tell(struct model *m, struct confirms *c)
{
    uint64_t seq = 0;
    uint64_t before = c->confirmed;

    while (confirms_next_rejected(c, &seq)) {
        assert_true(m->is_rejected[seq] && !m->is_told[seq]);
        m->is_told[seq] = true;
    }
    if (!confirms_step(c, &seq))
        return;
    assert_true(seq > before && seq <= m->last);
    assert_false(m->is_rejected[seq]);
    for (uint64_t i = before + 1; i <= seq; i++) {
        assert_true(m->is_rejected[i] || is_safe(m, i));
        m->is_told[i] = true;
    }
}

static void commit(struct model *m, struct rand *r)
{
    int h = (int)rand_below(r, HOMES);
    uint64_t left = m->next[h] + 1 - m->homes[h].committed;

    m->homes[h].committed += rand_below(r, left + 1);
}

static void check_open(const struct model *m, const struct confirms *c)
{
    uint64_t open = 0;

    for (uint64_t i = 1; i <= m->last; i++)
        open += !m->is_told[i] && !m->is_rejected[i] && i > c->confirmed;
    assert_int_equal(confirms_open(c), open);
}

static void test_nothing_is_told_that_is_not_safe_and_all_in_the_end(void **state)
{
    struct rand r;

    (void)state;
    rand_init(&r, test_seed());
    for (int round = 0; round < 200; round++) {
        static struct model m;
        struct confirms c;

        memset(&m, 0, sizeof(m));
        confirms_init(&c);
        for (uint64_t turn = 1; m.last < SEQS; turn++) {
            for (uint64_t i = rand_below(&r, 5); i > 0 && m.last < SEQS; i--)
                publish(&m, &c, &r, turn);
            commit(&m, &r);
            tell(&m, &c);
            check_open(&m, &c);
            assert_true(c.wait_count <= HOMES * turn);
        }
        for (int h = 0; h < HOMES; h++)
            m.homes[h].committed = m.next[h] + 1;
        tell(&m, &c);
        for (uint64_t i = 1; i <= m.last; i++)
            assert_true(m.is_told[i]);
        assert_int_equal(confirms_open(&c), 0);
        confirms_release(&c);
    }
}

static void test_a_turn_takes_one_wait_for_each_home(void **state)
{
    struct home homes[2] = {{.committed = 0}, {.committed = 0}};
    struct confirms c;
    uint64_t seq = 0;

    (void)state;
    confirms_init(&c);
    for (uint64_t i = 1; i <= 1000; i++) {
        confirms_wait(&c, &homes[i % 2], i, 1);
        c.last++;
    }
    assert_int_equal(c.wait_count, 2);
    homes[1].committed = 1000;
    assert_false(confirms_step(&c, &seq) && seq > 1);
    homes[0].committed = 1001;
    assert_true(confirms_step(&c, &seq));
    assert_int_equal(seq, 1000);
    confirms_release(&c);
}

static void test_a_failure_rejects_what_was_not_told_and_nothing_twice(void **state)
{
    struct home home = {.committed = 0};
    struct confirms c;
    struct confirms_lost lost;
    uint64_t seq = 0;
    uint64_t told[8];
    size_t count = 0;

    (void)state;
    confirms_init(&c);
    for (uint64_t i = 1; i <= 5; i++) {
        confirms_wait(&c, &home, i, i);
        c.last++;
        if (i == 3)
            confirms_reject(&c);
    }
    home.committed = 2;
    assert_true(confirms_next_rejected(&c, &seq));
    assert_int_equal(seq, 3);
    assert_true(confirms_step(&c, &seq));
    assert_int_equal(seq, 1);
    confirms_reject(&c); /* the fifth, not told yet */
    home.is_failed = true;
    assert_false(confirms_step(&c, &seq));
    assert_true(c.has_failed);
    confirms_fail(&c, &lost);
    while (confirms_lost_next(&lost, &seq))
        told[count++] = seq;
    confirms_lost_release(&lost);
    assert_int_equal(count, 3);
    assert_int_equal(told[0], 2);
    assert_int_equal(told[1], 4);
    assert_int_equal(told[2], 5);
    assert_int_equal(confirms_open(&c), 0);
    assert_false(confirms_step(&c, &seq));
    confirms_release(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_nothing_is_told_that_is_not_safe_and_all_in_the_end),
        LEAK_CHECKED(test_a_turn_takes_one_wait_for_each_home),
        LEAK_CHECKED(test_a_failure_rejects_what_was_not_told_and_nothing_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
