/* Tests of queue/origins.h. */
#include "queue/origins.h"

#include "msg/slip.h"
#include "tests/lib/leaks.h"
#include "tests/lib/test.h"

static struct buf slip;

static struct bytes slip_of(uint64_t replay, uint16_t part, uint64_t offset)
{
    buf_clear(&slip);
    slip_write(&(struct slip){.has_origin = true,
                              .origin = {.replay = replay, .part = part, .offset = offset}},
               &slip);
    return buf_view(&slip);
}

static void test_the_last_copy_counts(void **state)
{
    struct origins *o = origins_new();
    uint64_t next = 0;

    (void)state;
    buf_init(&slip, SLIP_MAX);
    origins_note(o, bytes_of(NULL, 0));
    origins_note(o, slip_of(7, 0, 0));
    origins_note(o, slip_of(7, 1, 41));
    origins_note(o, slip_of(7, 0, 9));
    assert_true(origins_find(o, 7, 0, &next));
    assert_int_equal(next, 10);
    assert_true(origins_find(o, 7, 1, &next));
    assert_int_equal(next, 42);
    assert_false(origins_find(o, 8, 0, &next));
    origins_drop(o, 7, 0);
    origins_drop(o, 7, 0);
    assert_false(origins_find(o, 7, 0, &next));
    origins_free(o);
    buf_release(&slip);
}

static void test_a_checkpoint_has_them_all(void **state)
{
    struct origins *o = origins_new();
    struct origins *again = NULL;
    struct buf saved;
    struct reader r;
    uint64_t next = 0;

    (void)state;
    buf_init(&slip, SLIP_MAX);
    buf_init(&saved, 1 << 16);
    for (uint16_t part = 0; part < 100; part++)
        origins_note(o, slip_of(3, part, part * UINT64_C(1000)));
    origins_save(o, &saved);
    for (size_t size = 0; size <= saved.size; size++) {
        again = origins_new();
        r = reader_of(bytes_of(saved.data, size));
        origins_restore(again, &r);
        assert_int_equal(r.is_failed, size < saved.size);
        if (size == saved.size) {
            assert_true(origins_find(again, 3, 99, &next));
            assert_int_equal(next, 99001);
        }
        origins_free(again);
    }
    origins_free(o);
    buf_release(&saved);
    buf_release(&slip);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_the_last_copy_counts),
        LEAK_CHECKED(test_a_checkpoint_has_them_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
