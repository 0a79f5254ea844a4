/* Ranges of settled seqs, and the bytes of their records. */
#include "queue/settles.h"

#include <string.h>

#include "base/rand.h"
#include "base/spans.h"
#include "store/varint.h"
#include "tests/lib/leaks.h"
#include "tests/lib/seed.h"

enum { BUF_MAX = 1 << 20, QUEUES = 4, SEQS = 200 };

static void test_neighbours_one_after_the_other_are_one_range(void **state)
{
    struct settles s;

    (void)state;
    settles_init(&s);
    for (uint64_t seq = 5; seq < 500; seq++)
        settles_add(&s, 7, seq, seq + 1);
    assert_int_equal(s.count, 1);
    assert_int_equal(s.ranges[0].from, 5);
    assert_int_equal(s.ranges[0].to, 500);
    settles_forget(&s, 1);
    assert_int_equal(s.count, 0);
    settles_release(&s);
}

/* What comes out of records of at most `size_max` bytes is what went in. */
static void round_trip(struct rand *rand, size_t size_max)
{
    struct spans in[QUEUES], out[QUEUES];
    struct settles s;
    struct buf buf;

    settles_init(&s);
    buf_init(&buf, BUF_MAX);
    for (unsigned q = 0; q < QUEUES; q++) {
        spans_init(&in[q]);
        spans_init(&out[q]);
    }
    for (unsigned i = 0; i < SEQS; i++) {
        uint64_t q = rand_below(rand, QUEUES);
        uint64_t from = rand_below(rand, 1 + (UINT64_C(1) << rand_below(rand, 40)));
        uint64_t length = 1 + rand_below(rand, 20);

        settles_add(&s, q * 1000 + 1, from, from + length);
        spans_add_range(&in[q], from, from + length);
    }
    settles_sort(&s);
    while (s.count > 0) {
        struct settle_range r;

        buf_clear(&buf);
        size_t count = settles_encode(&s, size_max, &buf);
        assert_true(count > 0 && buf.size <= size_max);
        struct settle_walk w = settle_walk(buf_view(&buf));
        while (settle_next(&w, &r))
            spans_add_range(&out[(r.queue - 1) / 1000], r.from, r.to);
        assert_false(w.is_bad);
        settles_forget(&s, count);
    }
    for (unsigned q = 0; q < QUEUES; q++) {
        struct span a, b;

        for (uint64_t at = 0; spans_next(&in[q], at, &a); at = a.to) {
            assert_true(spans_next(&out[q], at, &b));
            assert_int_equal(a.from, b.from);
            assert_int_equal(a.to, b.to);
        }
        assert_int_equal(spans_count(&in[q]), spans_count(&out[q]));
        spans_release(&in[q]);
        spans_release(&out[q]);
    }
    settles_release(&s);
    buf_release(&buf);
}

static void test_records_bring_back_what_was_settled(void **state)
{
    struct rand rand;

    (void)state;
    rand_init(&rand, test_seed());
    for (unsigned i = 0; i < 200; i++)
        round_trip(&rand, 40 + rand_below(&rand, 3000));
}

/* Any bytes end the walk, and each range it gives is one. */
static void test_any_bytes_end_the_walk(void **state)
{
    struct rand rand;
    uint8_t bytes[64];

    (void)state;
    rand_init(&rand, test_seed());
    for (unsigned i = 0; i < 20000; i++) {
        size_t size = rand_below(&rand, sizeof(bytes));
        struct settle_range r;

        rand_fill(&rand, bytes, size);
        struct settle_walk w = settle_walk(bytes_of(bytes, size));
        for (unsigned steps = 0; settle_next(&w, &r); steps++) {
            assert_true(steps < sizeof(bytes));
            assert_true(r.from < r.to);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_neighbours_one_after_the_other_are_one_range),
        LEAK_CHECKED(test_records_bring_back_what_was_settled),
        LEAK_CHECKED(test_any_bytes_end_the_walk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
