/* Tests of queue/dedup. */
#include "queue/dedup.h"

#include <string.h>

#include "base/mem.h"
#include "store/ledger.h"
#include "tests/lib/leaks.h"
#include "tests/lib/test.h"

static struct dedup_key key(unsigned number)
{
    struct dedup_key k = {.size = 5, .bytes = "k"};

    memcpy(k.bytes + 1, &number, sizeof(number));
    return k;
}

static void add(struct dedup *d, unsigned number, uint64_t seq, int64_t until_ms)
{
    struct dedup_key k = key(number);

    dedup_add(d, &k, seq, until_ms);
    dedup_check(d);
}

static bool has(const struct dedup *d, unsigned number, int64_t now_ms)
{
    struct dedup_key k = key(number);

    return dedup_has(d, &k, now_ms);
}

static void test_a_queue_knows_what_is_in_it(void **state)
{
    struct dedup *d = dedup_new(1, 0, UINT64_MAX);
    struct dedup_key none = {.size = 0};

    (void)state;
    assert_false(dedup_has(d, &none, 0));
    dedup_add(d, &none, 1, 0);
    assert_false(dedup_has(d, &none, 0));
    add(d, 7, 2, 0);
    add(d, 8, 3, 0);
    assert_true(has(d, 7, INT64_MAX) && has(d, 8, INT64_MAX));
    dedup_settle(d, 1);
    dedup_settle(d, 2);
    dedup_check(d);
    assert_false(has(d, 7, 0));
    assert_true(has(d, 8, 0));
    add(d, 7, 4, 0);
    assert_true(has(d, 7, 0));
    dedup_free(d);
}

static void test_a_cache_forgets_what_is_too_old_or_too_much(void **state)
{
    struct dedup *d = dedup_new(1, 3, 1000);

    (void)state;
    add(d, 1, 1, 100);
    assert_true(has(d, 1, 99));
    assert_false(has(d, 1, 100));
    add(d, 1, 2, 200); /* again, after its time */
    add(d, 2, 3, 1000);
    add(d, 3, 4, 1000);
    assert_true(has(d, 1, 0));
    add(d, 4, 5, 1000);
    assert_false(has(d, 1, 0));
    assert_true(has(d, 2, 0) && has(d, 3, 0) && has(d, 4, 0));
    dedup_settle(d, 3); /* settles mean nothing to it */
    assert_true(has(d, 2, 0));
    dedup_free(d);
}

static void test_what_is_live_is_saved(void **state)
{
    struct dedup *d = dedup_new(1, 0, UINT64_MAX);
    struct dedup *e = dedup_new(2, 0, UINT64_MAX);
    struct ledger l;
    struct buf out;

    (void)state;
    buf_init(&out, 1 << 20);
    ledger_init(&l);
    for (unsigned i = 0; i < 100; i++) {
        uint64_t seq = ledger_add(&l, &(struct ledger_entry){.place = 1});

        add(d, i, seq, 0);
        if (i % 3 == 0) {
            assert_true(ledger_settle(&l, seq));
        }
    }
    dedup_save(d, &out);
    for (size_t size = 0; size < out.size; size++) {
        struct reader r = reader_of(bytes_of(out.data, size));
        struct dedup *broken = dedup_new(3, 0, UINT64_MAX);

        dedup_restore(broken, &l, &r);
        assert_true(r.is_failed);
        dedup_check(broken);
        dedup_free(broken);
    }
    struct reader r = reader_of(buf_view(&out));
    dedup_restore(e, &l, &r);
    assert_true(reader_is_done(&r));
    dedup_check(e);
    dedup_sweep(d, &l);
    dedup_check(d);
    for (unsigned i = 0; i < 100; i++) {
        assert_int_equal(has(e, i, 0), i % 3 != 0);
        assert_int_equal(has(d, i, 0), i % 3 != 0);
    }
    dedup_free(d);
    dedup_free(e);
    ledger_release(&l);
    buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_a_queue_knows_what_is_in_it),
        LEAK_CHECKED(test_a_cache_forgets_what_is_too_old_or_too_much),
        LEAK_CHECKED(test_what_is_live_is_saved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
