/* Tests of amqp/input.h: whatever the pieces, what is taken is what came. */
#include "amqp/input.h"

#include "base/rand.h"
#include "tests/lib/leaks.h"
#include "tests/lib/seed.h"
#include "tests/lib/test.h"

static uint8_t scratch[INPUT_SCRATCH_SIZE];

/* Puts so many bytes, numbered from *next on, into the window. Returns the whole. */
static struct bytes read_bytes(struct input *in, size_t size, uint32_t *next)
{
    struct input_window w = input_window(in, scratch);

    if (size > w.room)
        size = w.room;
    assert_true(size > 0);
    for (size_t i = 0; i < size; i++)
        w.data[w.size + i] = (uint8_t)(*next)++;
    return bytes_of(w.data, w.size + size);
}

static void expect_bytes(struct bytes b, uint32_t from)
{
    for (size_t i = 0; i < b.size; i++)
        if (b.data[i] != (uint8_t)(from + i))
            fail_msg("byte %zu is wrong", i);
}

static void test_nothing_left_over_takes_no_memory(void **state)
{
    struct input in = {0};
    uint32_t next = 0;

    (void)state;
    struct bytes window = read_bytes(&in, 100, &next);
    input_keep(&in, window, 100);
    assert_null(in.data);
    assert_int_equal(input_left(&in).size, 0);
    input_release(&in);
}

static void test_a_frame_that_comes_by_the_byte_is_not_copied_each_time(void **state)
{
    struct input in = {0};
    uint32_t next = 0;
    const uint8_t *data = NULL;
    unsigned moves = 0;

    (void)state;
    for (size_t i = 0; i < 100000; i++) {
        struct bytes window = read_bytes(&in, 1, &next);
        input_keep(&in, window, 0);
        moves += window.size > INPUT_SMALL_SIZE && in.data != data;
        data = in.data;
    }
    expect_bytes(input_left(&in), 0);
    assert_true(moves < 20);
    assert_true(in.capacity <= 2 * 131072);
    input_release(&in);
}

static void test_any_cut_gives_what_came(void **state)
{
    struct input in = {0};
    struct rand rand;
    uint32_t next = 0;
    uint32_t taken = 0;

    (void)state;
    rand_init(&rand, test_seed());
    for (unsigned i = 0; i < 2000; i++) {
        size_t size = 1 + rand_below(&rand, rand_chance(&rand, 1, 4) ? 100000 : 100);
        struct bytes window = read_bytes(&in, size, &next);
        assert_int_equal((uint8_t)(taken + window.size), (uint8_t)next);
        expect_bytes(window, taken);
        size_t part = rand_chance(&rand, 1, 3) ? window.size : rand_below(&rand, window.size + 1);
        input_keep(&in, window, part);
        taken += (uint32_t)part;
        if (rand_chance(&rand, 1, 2)) {
            struct bytes left = input_left(&in);
            expect_bytes(left, taken);
            part = rand_below(&rand, left.size + 1);
            input_keep(&in, left, part);
            taken += (uint32_t)part;
        }
    }
    input_release(&in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_nothing_left_over_takes_no_memory),
        LEAK_CHECKED(test_a_frame_that_comes_by_the_byte_is_not_copied_each_time),
        LEAK_CHECKED(test_any_cut_gives_what_came),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
