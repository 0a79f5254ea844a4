/* Tests of amqp/output.h: what goes in comes out, in order, in any pieces. */
#include "amqp/output.h"

#include <string.h>

#include "base/mem.h"
#include "base/rand.h"
#include "tests/lib/leaks.h"
#include "tests/lib/seed.h"
#include "tests/lib/test.h"

enum { LARGE = 100000, PARTS = 64 };

struct bench {
    struct output_spares spares;
    struct output o;
    uint32_t in;  /* numbers of the bytes that went in */
    uint32_t out; /* and came out */
    uint8_t large[LARGE];
};

static void fill(uint8_t *at, size_t size, uint32_t *next)
{
    for (size_t i = 0; i < size; i++)
        at[i] = (uint8_t)((*next)++ * 7);
}

static struct bench *bench_new(void)
{
    struct bench *b = mem_zero(1, sizeof(*b));

    output_init(&b->o, &b->spares);
    return b;
}

static void bench_free(struct bench *b)
{
    output_release(&b->o);
    output_spares_release(&b->spares);
    mem_free(b);
}

static void look_at(struct bench *b, struct bytes bytes)
{
    for (size_t i = 0; i < bytes.size; i++)
        if (bytes.data[i] != (uint8_t)(b->out++ * 7))
            fail_msg("byte %u is wrong", b->out - 1);
}

/* Takes `size` bytes out, as a socket would, and looks at them. */
static void drain(struct bench *b, size_t size)
{
    struct iovec parts[PARTS];

    while (size > 0 && b->o.bytes > 0) {
        int count = output_gather(&b->o, parts, PARTS, size);
        size_t done = 0;
        for (int i = 0; i < count && done < size; i++) {
            size_t part = parts[i].iov_len < size - done ? parts[i].iov_len : size - done;
            look_at(b, bytes_of(parts[i].iov_base, part));
            done += part;
        }
        output_sent(&b->o, done);
        output_check(&b->o);
        size -= done;
    }
}

static void add_by_chance(struct bench *b, struct rand *rand)
{
    const struct store_pin none = {NULL, NULL};
    size_t size = 1 + rand_below(rand, rand_chance(rand, 1, 8) ? OUTPUT_BLOCK_SIZE : 200);

    switch (rand_below(rand, 6)) {
    case 0:
        size = 1 + rand_below(rand, LARGE / 4);
        fill(b->large, size, &b->in);
        output_copy(&b->o, bytes_of(b->large, size));
        break;
    case 1: {
        uint8_t *memory = mem_alloc(size);
        fill(memory, size, &b->in);
        output_owned(&b->o, memory, size);
        break;
    }
    case 2:
        fill(b->large, size, &b->in);
        output_pinned(&b->o, bytes_of(b->large, size), none);
        drain(b, SIZE_MAX); /* the bytes stay only so long */
        break;
    default:
        fill(output_extend(&b->o, size), size, &b->in);
    }
}

static void test_what_goes_in_comes_out(void **state)
{
    struct bench *b = bench_new();
    struct rand rand;

    (void)state;
    rand_init(&rand, test_seed());
    for (unsigned i = 0; i < 5000; i++) {
        add_by_chance(b, &rand);
        output_check(&b->o);
        if (rand_chance(&rand, 1, 3))
            drain(b, rand_below(&rand, 50000));
    }
    drain(b, SIZE_MAX);
    assert_int_equal(b->in, b->out);
    assert_int_equal(b->o.bytes, 0);
    bench_free(b);
}

static void test_small_things_share_a_piece(void **state)
{
    struct bench *b = bench_new();

    (void)state;
    for (unsigned i = 0; i < 100; i++)
        fill(output_extend(&b->o, 20), 20, &b->in);
    assert_int_equal(b->o.count, 1);
    assert_int_equal(b->o.bytes, 2000);
    bench_free(b);
}

static void test_an_idle_one_holds_no_block(void **state)
{
    struct bench *b = bench_new();

    (void)state;
    fill(output_extend(&b->o, 20), 20, &b->in);
    assert_int_equal(b->spares.count, 0);
    drain(b, SIZE_MAX);
    assert_null(b->o.block);
    assert_int_equal(b->spares.count, 1);
    fill(output_extend(&b->o, 20), 20, &b->in);
    assert_int_equal(b->spares.count, 0);
    bench_free(b);
}

static void test_what_was_not_sent_is_given_back(void **state)
{
    struct bench *b = bench_new();

    (void)state;
    memset(output_extend(&b->o, 100), 0, 100);
    output_owned(&b->o, mem_alloc(10), 10);
    memset(output_extend(&b->o, OUTPUT_BLOCK_SIZE), 0, OUTPUT_BLOCK_SIZE);
    bench_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_what_goes_in_comes_out),
        LEAK_CHECKED(test_small_things_share_a_piece),
        LEAK_CHECKED(test_an_idle_one_holds_no_block),
        LEAK_CHECKED(test_what_was_not_sent_is_given_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
