/* Tests of base/spans. */
#include "base/spans.h"

#include <string.h>

#include "base/mem.h"
#include "base/rand.h"
#include "tests/lib/death.h"
#include "tests/lib/leaks.h"
#include "tests/lib/seed.h"

/* Asserts that the set is exactly these spans. */
static void assert_spans(const struct spans *s, size_t count, const struct span *expected)
{
    struct span span = {0};
    size_t met = 0;

    spans_check(s);
    for (uint64_t at = 0; spans_next(s, at, &span); at = span.to) {
        assert_true(met < count);
        assert_int_equal(span.from, expected[met].from);
        assert_int_equal(span.to, expected[met].to);
        met++;
    }
    assert_int_equal(met, count);
    assert_int_equal(spans_span_count(s), count);
}

static void test_an_empty_set_holds_nothing(void **state)
{
    struct span span = {7, 8};
    struct spans s;

    (void)state;
    spans_init(&s);
    assert_false(spans_contains(&s, 0));
    assert_int_equal(spans_missing_from(&s, 5), 5);
    assert_false(spans_next(&s, 0, &span));
    assert_int_equal(span.from, 7); /* untouched */
    assert_int_equal(spans_remove_range(&s, 0, UINT64_MAX), 0);
    assert_int_equal(spans_count(&s), 0);
    spans_check(&s);
    spans_release(&s);
}

static void test_neighbours_become_one_span(void **state)
{
    struct spans s;

    (void)state;
    spans_init(&s);
    assert_true(spans_add(&s, 5));
    assert_true(spans_add(&s, 7));
    assert_spans(&s, 2, (struct span[]){{5, 6}, {7, 8}});
    assert_true(spans_add(&s, 6));
    assert_false(spans_add(&s, 6));
    assert_spans(&s, 1, (struct span[]){{5, 8}});
    assert_true(spans_add(&s, 4));
    assert_true(spans_add(&s, 8));
    assert_spans(&s, 1, (struct span[]){{4, 9}});
    assert_int_equal(spans_count(&s), 5);
    spans_release(&s);
}

static void test_a_range_swallows_what_it_meets(void **state)
{
    struct spans s;

    (void)state;
    spans_init(&s);
    for (uint64_t n = 10; n < 60; n += 10)
        assert_int_equal(spans_add_range(&s, n, n + 3), 3);
    assert_int_equal(spans_add_range(&s, 22, 41), 19 - 1 - 3 - 1);
    assert_spans(&s, 3, (struct span[]){{10, 13}, {20, 43}, {50, 53}});
    assert_int_equal(spans_add_range(&s, 25, 30), 0);
    assert_int_equal(spans_add_range(&s, 0, 100), 100 - 3 - 23 - 3);
    assert_spans(&s, 1, (struct span[]){{0, 100}});
    spans_release(&s);
}

static void test_removing_cuts_and_splits(void **state)
{
    struct spans s;

    (void)state;
    spans_init(&s);
    spans_add_range(&s, 10, 20);
    assert_int_equal(spans_remove_range(&s, 13, 15), 2);
    assert_spans(&s, 2, (struct span[]){{10, 13}, {15, 20}});
    assert_int_equal(spans_remove_range(&s, 12, 16), 2);
    assert_spans(&s, 2, (struct span[]){{10, 12}, {16, 20}});
    assert_int_equal(spans_remove_range(&s, 0, 11), 1);
    assert_int_equal(spans_remove_range(&s, 19, 100), 1);
    assert_spans(&s, 2, (struct span[]){{11, 12}, {16, 19}});
    assert_int_equal(spans_remove_range(&s, 12, 16), 0);
    assert_int_equal(spans_remove_range(&s, 11, 19), 4);
    assert_spans(&s, 0, &(struct span){0});
    spans_release(&s);
}

static void test_the_low_mark_is_the_first_missing_number(void **state)
{
    struct spans s;

    (void)state;
    spans_init(&s);
    spans_add_range(&s, 100, 105);
    spans_add_range(&s, 106, 108);
    assert_int_equal(spans_missing_from(&s, 100), 105);
    assert_int_equal(spans_missing_from(&s, 103), 105);
    assert_int_equal(spans_missing_from(&s, 99), 99);
    assert_int_equal(spans_missing_from(&s, 105), 105);
    assert_int_equal(spans_missing_from(&s, 106), 108);
    spans_add(&s, 105);
    assert_int_equal(spans_missing_from(&s, 100), 108);
    spans_release(&s);
}

static void test_the_ends_of_the_number_line(void **state)
{
    struct spans s;

    (void)state;
    spans_init(&s);
    assert_true(spans_add(&s, 0));
    assert_true(spans_add(&s, UINT64_MAX - 1));
    assert_spans(&s, 2, (struct span[]){{0, 1}, {UINT64_MAX - 1, UINT64_MAX}});
    assert_false(spans_contains(&s, UINT64_MAX));
    assert_int_equal(spans_missing_from(&s, UINT64_MAX - 1), UINT64_MAX);
    assert_int_equal(spans_add_range(&s, 0, UINT64_MAX), UINT64_MAX - 2);
    assert_spans(&s, 1, (struct span[]){{0, UINT64_MAX}});
    assert_int_equal(spans_count(&s), UINT64_MAX);
    assert_int_equal(spans_remove_range(&s, 1, UINT64_MAX - 1), UINT64_MAX - 2);
    assert_int_equal(spans_count(&s), 2);
    spans_release(&s);
}

static void test_a_small_set_takes_little_memory_and_a_filled_one_gives_it_back(void **state)
{
    enum { MANY = 100000 };
    uint64_t before = mem_used_bytes();
    struct spans s;

    (void)state;
    spans_init(&s);
    assert_int_equal(mem_used_bytes(), before);
    spans_add(&s, 1);
    spans_add(&s, 3);
    assert_true(mem_used_bytes() - before < 200);
    for (uint64_t n = 0; n < MANY; n++)
        spans_add(&s, 2 * n);
    assert_true(mem_used_bytes() - before < MANY * 20); /* leaves left behind are full */
    for (uint64_t n = 0; n < MANY; n += 2)
        spans_add(&s, 2 * n + 1);
    for (uint64_t n = 1; n < MANY; n += 2)
        spans_add(&s, 2 * n + 1);
    assert_int_equal(spans_span_count(&s), 1);
    spans_check(&s);
    assert_true(mem_used_bytes() - before < 500);
    spans_release(&s);
    assert_int_equal(mem_used_bytes(), before);
}

enum { UNIVERSE = 3000 };

struct model {
    bool is_in[UNIVERSE + 1];
};

static uint64_t model_set(struct model *m, uint64_t from, uint64_t to, bool is_in)
{
    uint64_t changed = 0;

    for (uint64_t n = from; n < to; n++) {
        changed += m->is_in[n] != is_in;
        m->is_in[n] = is_in;
    }
    return changed;
}

static void assert_agrees(const struct spans *s, const struct model *m)
{
    uint64_t count = 0;
    size_t spans = 0;
    struct span span = {0};

    for (uint64_t n = 0; n < UNIVERSE; n++) {
        count += m->is_in[n];
        spans += m->is_in[n] && !m->is_in[n + 1];
        assert_int_equal(spans_contains(s, n), m->is_in[n]);
    }
    assert_int_equal(spans_count(s), count);
    assert_int_equal(spans_span_count(s), spans);
    for (uint64_t at = 0; spans_next(s, at, &span); at = span.to) {
        for (uint64_t n = span.from; n < span.to; n++)
            assert_true(m->is_in[n]);
        assert_int_equal(spans_missing_from(s, span.from), span.to);
    }
    spans_check(s);
}

/* Single numbers and ranges, at first mostly added, then mostly removed, and so on: leaves
 * split, join and vanish (a universe of 3000 has up to 1500 spans, six full leaves). */
static void test_random_use_agrees_with_an_array(void **state)
{
    static struct model m;
    struct spans s;
    struct rand r;

    (void)state;
    rand_init(&r, test_seed());
    spans_init(&s);
    for (int round = 0; round < 60000; round++) {
        bool is_long = rand_chance(&r, 1, 200);
        uint64_t from = rand_below(&r, UNIVERSE);
        uint64_t most = is_long ? UNIVERSE - from : 3;
        uint64_t to = from + 1 + rand_below(&r, most < UNIVERSE - from ? most : UNIVERSE - from);
        bool favours_add = round / 4000 % 2 == 0;
        if (rand_chance(&r, favours_add ? 3 : 1, 4))
            assert_int_equal(spans_add_range(&s, from, to), model_set(&m, from, to, true));
        else
            assert_int_equal(spans_remove_range(&s, from, to), model_set(&m, from, to, false));
        if (round % 100 == 0)
            assert_agrees(&s, &m);
    }
    assert_agrees(&s, &m);
    spans_release(&s);
}

/* As acks come: mostly in order, a window out of order, until all are there. */
static void test_acks_out_of_order_end_as_one_span(void **state)
{
    enum { ACKS = 100000, WINDOW = 5000 };
    static uint64_t waiting[WINDOW];
    size_t count = 0;
    uint64_t next = 0;
    struct spans s;
    struct rand r;

    (void)state;
    rand_init(&r, test_seed());
    spans_init(&s);
    while (next < ACKS || count > 0) {
        while (count < WINDOW && next < ACKS)
            waiting[count++] = next++;
        size_t i = rand_below(&r, count);
        assert_true(spans_add(&s, waiting[i]));
        waiting[i] = waiting[--count];
    }
    assert_spans(&s, 1, (struct span[]){{0, ACKS}});
    spans_release(&s);
}

static void add_nothing(void *owner)
{
    spans_add_range(owner, 5, 5);
}

static void add_the_largest(void *owner)
{
    spans_add(owner, UINT64_MAX);
}

static void remove_backwards(void *owner)
{
    spans_remove_range(owner, 6, 5);
}

static void test_misuse_is_a_bug(void **state)
{
    struct spans s;

    (void)state;
    spans_init(&s);
    expect_death(add_nothing, &s, "from < to");
    expect_death(remove_backwards, &s, "from < to");
    expect_death(add_the_largest, &s, "number <");
    spans_release(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_an_empty_set_holds_nothing),
        LEAK_CHECKED(test_neighbours_become_one_span),
        LEAK_CHECKED(test_a_range_swallows_what_it_meets),
        LEAK_CHECKED(test_removing_cuts_and_splits),
        LEAK_CHECKED(test_the_low_mark_is_the_first_missing_number),
        LEAK_CHECKED(test_the_ends_of_the_number_line),
        LEAK_CHECKED(test_a_small_set_takes_little_memory_and_a_filled_one_gives_it_back),
        LEAK_CHECKED(test_random_use_agrees_with_an_array),
        LEAK_CHECKED(test_acks_out_of_order_end_as_one_span),
        LEAK_CHECKED(test_misuse_is_a_bug),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
