/* Tests of msg/slip.h. */
#include "msg/slip.h"

#include "tests/lib/leaks.h"
#include "tests/lib/test.h"

static struct buf out;

static int setup(void **state)
{
    (void)leaks_setup(state);
    buf_init(&out, SLIP_MAX);
    return 0;
}

static int teardown(void **state)
{
    buf_release(&out);
    return leaks_teardown(state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static void test_an_empty_slip_has_no_bytes(void **state)
{
    struct slip none = slip_read(bytes_of(NULL, 0));
    struct bytes key;

    (void)state;
    assert_int_equal(none.deaths, 0);
    assert_false(slip_next_key(&none.keys, &key));
    slip_write(&none, &out);
    assert_int_equal(out.size, 0);
}

static void test_what_was_written_is_read(void **state)
{
    struct slip s;
    struct bytes key;

    (void)state;
    slip_begin(&(struct slip){.deaths = 3}, &out);
    slip_write_key(bytes_text("one"), &out);
    slip_write_key(bytes_text(""), &out);
    slip_write_key(bytes_text("two"), &out);
    s = slip_read(buf_view(&out));
    assert_int_equal(s.deaths, 3);
    assert_true(slip_next_key(&s.keys, &key));
    assert_true(bytes_equal(key, bytes_text("one")));
    assert_true(slip_next_key(&s.keys, &key));
    assert_int_equal(key.size, 0);
    assert_true(slip_next_key(&s.keys, &key));
    assert_true(bytes_equal(key, bytes_text("two")));
    assert_false(slip_next_key(&s.keys, &key));
}

static void test_keys_stay_when_the_deaths_change(void **state)
{
    struct slip s;
    struct bytes key;
    struct buf again;

    (void)state;
    slip_begin(&(struct slip){.deaths = 0}, &out);
    slip_write_key(bytes_text("k"), &out);
    s = slip_read(buf_view(&out));
    s.deaths = 1;
    s.has_origin = true;
    s.origin = (struct slip_origin){UINT64_MAX, 7, 1234567, .goes_ahead = true};
    buf_init(&again, SLIP_MAX);
    slip_write(&s, &again);
    s = slip_read(buf_view(&again));
    assert_int_equal(s.deaths, 1);
    assert_true(s.has_origin);
    assert_true(s.origin.replay == UINT64_MAX && s.origin.part == 7);
    assert_int_equal(s.origin.offset, 1234567);
    assert_true(s.origin.goes_ahead);
    assert_true(slip_next_key(&s.keys, &key));
    assert_true(bytes_equal(key, bytes_text("k")));
    buf_release(&again);
}

static void test_a_cut_key_is_none(void **state)
{
    struct slip s;
    struct bytes key;

    (void)state;
    slip_begin(&(struct slip){.has_origin = true}, &out);
    slip_write_key(bytes_text("long"), &out);
    for (size_t size = 1; size < out.size; size++) {
        s = slip_read(bytes_of(out.data, size));
        assert_false(slip_next_key(&s.keys, &key));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_an_empty_slip_has_no_bytes),
        TEST(test_what_was_written_is_read),
        TEST(test_keys_stay_when_the_deaths_change),
        TEST(test_a_cut_key_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
