/* Tests of queue/sequels. */
#include "queue/sequels.h"

#include <stdio.h>

#include "tests/lib/leaks.h"
#include "tests/lib/test.h"

static struct once once_of(const char *publisher, uint64_t seq)
{
    return (struct once){.publisher = bytes_text(publisher), .seq = seq};
}

static void add(struct sequels *s, uint64_t queue, const char *publisher, uint64_t seq, int64_t ms)
{
    struct once once = once_of(publisher, seq);

    sequels_add(s, queue, &once, ms);
    sequels_check(s);
}

static bool have(struct sequels *s, uint64_t queue, const char *publisher, uint64_t seq)
{
    struct once once = once_of(publisher, seq);

    return sequels_have(s, queue, &once);
}

static void test_the_highest_number_counts(void **state)
{
    struct sequels s;

    (void)state;
    sequels_init(&s, 1);
    assert_false(have(&s, 1, "p", 0));
    add(&s, 1, "p", 0, 10);
    assert_true(have(&s, 1, "p", 0));
    add(&s, 1, "p", 7, 11);
    add(&s, 1, "p", 5, 12);
    assert_true(have(&s, 1, "p", 6) && have(&s, 1, "p", 7));
    assert_false(have(&s, 1, "p", 8));
    assert_false(have(&s, 2, "p", 1));
    assert_false(have(&s, 1, "P", 1));
    sequels_release(&s);
}

static void test_the_ones_used_longest_ago_go(void **state)
{
    const struct sequels_limits limits = {.count_max = 3, .age_max_ms = 1000};
    struct sequels s;

    (void)state;
    sequels_init(&s, 1);
    add(&s, 1, "a", 1, 10);
    add(&s, 1, "b", 1, 20);
    add(&s, 1, "c", 1, 30);
    add(&s, 1, "a", 2, 40);
    add(&s, 1, "d", 1, 50);
    sequels_trim(&s, &limits, 50);
    sequels_check(&s);
    assert_false(have(&s, 1, "b", 1));
    assert_true(have(&s, 1, "a", 2) && have(&s, 1, "c", 1) && have(&s, 1, "d", 1));
    sequels_trim(&s, &limits, 1035);
    assert_false(have(&s, 1, "c", 1));
    assert_true(have(&s, 1, "a", 2));
    sequels_trim(&s, &(struct sequels_limits){.count_max = 0, .age_max_ms = 1000}, 1035);
    assert_false(have(&s, 1, "a", 2));
    sequels_release(&s);
}

static void test_they_are_saved_in_their_order(void **state)
{
    const struct sequels_limits limits = {.count_max = 50, .age_max_ms = 1000};
    struct sequels s, t;
    struct buf out;
    char name[16];

    (void)state;
    buf_init(&out, 1 << 20);
    sequels_init(&s, 1);
    sequels_init(&t, 2);
    for (uint64_t i = 0; i < 100; i++) {
        snprintf(name, sizeof(name), "p%u", (unsigned)i);
        add(&s, i % 7 << 40, name, i << 32, (int64_t)i);
    }
    sequels_save(&s, &out);
    struct reader r = reader_of(buf_view(&out));
    sequels_restore(&t, &r);
    assert_true(reader_is_done(&r));
    sequels_trim(&t, &limits, 100);
    sequels_check(&t);
    for (uint64_t i = 0; i < 100; i++) {
        snprintf(name, sizeof(name), "p%u", (unsigned)i);
        assert_int_equal(have(&t, i % 7 << 40, name, i << 32), i >= 50);
        assert_false(have(&t, i % 7 << 40, name, (i << 32) + 1));
    }
    sequels_release(&s);
    sequels_release(&t);
    buf_release(&out);
}

static void test_bytes_that_were_not_written_so_fail(void **state)
{
    struct sequels s;
    struct buf out;

    (void)state;
    buf_init(&out, 1 << 20);
    sequels_init(&s, 1);
    add(&s, 1, "abc", 1, 10);
    add(&s, 300, "d", 1000, 10);
    sequels_save(&s, &out);
    for (size_t size = 0; size < out.size; size++) {
        struct reader r = reader_of(bytes_of(out.data, size));
        struct sequels t;

        sequels_init(&t, 2);
        sequels_restore(&t, &r);
        assert_true(r.is_failed);
        sequels_check(&t);
        sequels_release(&t);
    }
    struct reader r = reader_of(bytes_of("\1\1\0\0", 4)); /* a publisher without a name */
    struct sequels t;

    sequels_init(&t, 2);
    sequels_restore(&t, &r);
    assert_true(r.is_failed);
    sequels_release(&t);
    sequels_release(&s);
    buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_the_highest_number_counts),
        LEAK_CHECKED(test_the_ones_used_longest_ago_go),
        LEAK_CHECKED(test_they_are_saved_in_their_order),
        LEAK_CHECKED(test_bytes_that_were_not_written_so_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
