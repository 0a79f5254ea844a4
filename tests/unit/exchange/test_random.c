/* Exchanges that choose one binding: by chance, by chance nearby, by modulus. */
#include <stdio.h>

#include "tests/lib/board.h"
#include "tests/lib/leaks.h"

enum { ROUTES = 8000 };

static struct board b;

/* How often each queue was chosen in many routings; all must have exactly one or none. */
static void count_routes(const char *exchange, unsigned *counts, size_t size)
{
    memset(counts, 0, size * sizeof(*counts));
    for (unsigned i = 0; i < ROUTES; i++) {
        struct bytes key = bytes_of(&i, sizeof(i));
        const struct route_view view = {.keys = &key, .key_count = 1};
        struct route route;

        route_message(b.table, board_find(&b, exchange), &view, &route);
        assert_true(route.count <= 1);
        counts[route.count == 0 ? 0 : route.queues[0]]++;
    }
}

static void expect_about(unsigned count, unsigned expected)
{
    assert_true(count > expected / 10 * 8 && count < expected / 10 * 12);
}

static void make(const char *type)
{
    char name[16];

    board_declare(&b, "x", type, "");
    for (unsigned i = 1; i <= 4; i++) {
        snprintf(name, sizeof(name), "q%u", i);
        board_queue(&b, name);
        board_bind(&b, "x", name, "ignored", "");
    }
}

static void test_random_chooses_all_alike(void **state)
{
    unsigned counts[8];

    (void)state;
    board_init(&b, NULL);
    make("x-random");
    count_routes("x", counts, 8);
    assert_int_equal(counts[0], 0);
    for (unsigned i = 1; i <= 4; i++)
        expect_about(counts[i], ROUTES / 4);
    board_release(&b);
}

static void test_local_random_chooses_among_those_here(void **state)
{
    unsigned counts[8];

    (void)state;
    board_init(&b, NULL);
    make("x-local-random");
    exchange_set_local(b.table, 1, false);
    exchange_set_local(b.table, 3, false);
    count_routes("x", counts, 8);
    expect_about(counts[2], ROUTES / 2);
    expect_about(counts[4], ROUTES / 2);
    exchange_set_local(b.table, 2, false);
    exchange_set_local(b.table, 4, false);
    exchange_set_local(b.table, 77, false);
    count_routes("x", counts, 8);
    assert_int_equal(counts[0], ROUTES); /* none is here: dropped */
    board_release(&b);
}

static void test_modulus_is_stable_and_duplicates_give_weight(void **state)
{
    unsigned counts[8];
    unsigned again[8];

    (void)state;
    board_init(&b, NULL);
    make("x-modulus-hash");
    board_bind(&b, "x", "q2", "once more", "");
    count_routes("x", counts, 8);
    assert_int_equal(counts[0], 0);
    expect_about(counts[1], ROUTES / 5);
    expect_about(counts[2], ROUTES / 5 * 2);
    expect_about(counts[3], ROUTES / 5);
    /* the order of bindings means nothing: names do */
    assert_int_equal(board_unbind(&b, "x", "q1", "ignored", ""), 0);
    board_bind(&b, "x", "q1", "other", "");
    count_routes("x", again, 8);
    assert_memory_equal(counts, again, sizeof(counts));
    board_release(&b);
}

static void test_without_bindings_there_is_no_choice(void **state)
{
    (void)state;
    board_init(&b, NULL);
    board_declare(&b, "r", "x-random", "");
    board_declare(&b, "l", "x-local-random", "");
    board_declare(&b, "m", "x-modulus-hash", "");
    board_declare(&b, "c", "x-consistent-hash", "");
    board_expect(&b, "r", "k", "", "");
    board_expect(&b, "l", "k", "", "");
    board_expect(&b, "m", "k", "", "");
    board_expect(&b, "c", "k", "", "");
    board_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_random_chooses_all_alike),
        LEAK_CHECKED(test_local_random_chooses_among_those_here),
        LEAK_CHECKED(test_modulus_is_stable_and_duplicates_give_weight),
        LEAK_CHECKED(test_without_bindings_there_is_no_choice),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
