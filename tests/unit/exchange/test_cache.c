/* What is remembered, and that no publisher can make it grow. */
#include "exchange/cache.h"

#include <stdio.h>

#include "base/mem.h"
#include "tests/lib/board.h"
#include "tests/lib/fault_heap.h"
#include "tests/lib/leaks.h"

static struct board b;

static void route_key(const char *exchange, struct bytes key, struct route *route)
{
    const struct route_view view = {.keys = &key, .key_count = 1};

    route_message(b.table, board_find(&b, exchange), &view, route);
}

static void test_the_second_message_with_a_key_is_a_hit(void **state)
{
    struct route route;

    (void)state;
    board_init(&b, NULL);
    board_queue(&b, "q");
    board_bind(&b, "amq.topic", "q", "a.#", "");
    for (unsigned i = 0; i < 5; i++) {
        route_key("amq.topic", bytes_text("a.b"), &route);
        assert_non_null(route.set);
    }
    assert_int_equal(route_stats(b.table).misses, 1);
    assert_int_equal(route_stats(b.table).hits, 4);
    route_key("amq.topic", bytes_text("x"), &route); /* nowhere is a place, too */
    route_key("amq.topic", bytes_text("x"), &route);
    assert_int_equal(route.count, 0);
    assert_int_equal(route_stats(b.table).hits, 5);
    board_release(&b);
}

static void test_a_fanout_remembers_one_set_for_all_keys(void **state)
{
    struct route route;

    (void)state;
    board_init(&b, NULL);
    board_queue(&b, "q");
    board_declare(&b, "y", "fanout", "");
    board_bind(&b, "amq.fanout", "@y", "", "");
    board_bind(&b, "y", "q", "", "");
    for (unsigned i = 0; i < 100; i++)
        route_key("amq.fanout", bytes_of(&i, sizeof(i)), &route);
    assert_int_equal(route_stats(b.table).hits, 99);
    assert_int_equal(route_stats(b.table).entries, 0);
    assert_int_equal(route.count, 1);
    board_release(&b);
}

static void test_what_depends_on_the_message_is_not_remembered(void **state)
{
    struct route route;

    (void)state;
    board_init(&b, NULL);
    board_queue(&b, "q");
    board_declare(&b, "x", "fanout", "");
    board_bind(&b, "x", "@amq.headers", "", "");
    board_bind(&b, "amq.headers", "q", "", "a=1");
    route_key("x", bytes_text("k"), &route);
    assert_int_equal(route.count, 0);
    board_expect(&b, "x", "k", "a=1", "q");
    assert_int_equal(route_stats(b.table).hits + route_stats(b.table).misses, 0);
    board_release(&b);
}

static void test_adversarial_keys_do_not_make_it_grow(void **state)
{
    enum { KEYS = 50000 };
    struct exchange_options o = exchange_options_default();
    struct route route;
    char key[32];
    uint64_t used = 0;

    (void)state;
    o.cache_entries_max = 300;
    board_init(&b, &o);
    board_queue(&b, "q");
    board_bind(&b, "amq.topic", "q", "a.#", "");
    for (unsigned i = 0; i < KEYS; i++) {
        snprintf(key, sizeof(key), "a.%u", i);
        route_key("amq.topic", bytes_text(key), &route);
        assert_int_equal(route.count, 1);
        if (i == KEYS / 2)
            used = mem_used_bytes();
    }
    assert_int_equal(route_stats(b.table).entries, 256);
    assert_int_equal(mem_used_bytes(), used);
    assert_int_equal(route_stats(b.table).sets, 1);
    exchange_table_check(b.table);
    board_release(&b);
}

static void test_bytes_of_sets_are_bounded(void **state)
{
    enum { QUEUES = 64 };
    struct exchange_options o = exchange_options_default();
    struct route route;
    char text[32];

    (void)state;
    o.cache_max_bytes = 4096;
    board_init(&b, &o);
    for (unsigned i = 0; i < QUEUES; i++) {
        snprintf(text, sizeof(text), "q%u", i);
        board_queue(&b, text);
        for (unsigned j = i; j < QUEUES; j++) {
            char key[32];
            snprintf(key, sizeof(key), "%u", j);
            board_bind(&b, "amq.direct", text, key, "");
        }
    }
    for (unsigned i = 0; i < 3 * QUEUES; i++) {
        snprintf(text, sizeof(text), "%u", i % QUEUES);
        route_key("amq.direct", bytes_text(text), &route);
        assert_int_equal(route.count, i % QUEUES + 1);
        assert_true(route_stats(b.table).cached_bytes <= 4096);
        exchange_table_check(b.table);
    }
    assert_true(route_stats(b.table).cached_bytes > 2048);
    board_release(&b);
}

static void test_long_keys_are_routed_without_being_remembered(void **state)
{
    struct route route;
    char key[CACHE_KEY_MAX + 2];

    (void)state;
    board_init(&b, NULL);
    board_queue(&b, "q");
    memset(key, 'k', sizeof(key));
    for (size_t size = CACHE_KEY_MAX; size <= CACHE_KEY_MAX + 1; size++) {
        char text[CACHE_KEY_MAX + 2];
        snprintf(text, sizeof(text), "%.*s", (int)size, key);
        board_bind(&b, "amq.direct", "q", text, "");
        route_key("amq.direct", bytes_of(key, size), &route);
        uint64_t hits = route_stats(b.table).hits;
        route_key("amq.direct", bytes_of(key, size), &route);
        assert_int_equal(route.count, 1);
        assert_int_equal(route_stats(b.table).hits - hits, size <= CACHE_KEY_MAX);
    }
    board_release(&b);
}

static void test_it_does_without_when_memory_is_refused(void **state)
{
    struct fault_heap heap;
    struct route route;

    (void)state;
    board_init(&b, NULL);
    board_queue(&b, "q");
    board_bind(&b, "amq.direct", "q", "k", "");
    fault_heap_start(&heap, 1, true);
    route_key("amq.direct", bytes_text("k"), &route);
    assert_int_equal(route.count, 1);
    assert_null(route.set);
    assert_true(fault_heap_stop(&heap));
    route_key("amq.direct", bytes_text("k"), &route);
    assert_non_null(route.set);
    board_release(&b);
}

static void test_an_unrelated_change_forgets_nothing(void **state)
{
    struct route route;

    (void)state;
    board_init(&b, NULL);
    board_queue(&b, "q");
    board_bind(&b, "amq.topic", "q", "a.#", "");
    route_key("amq.topic", bytes_text("a.b"), &route);
    board_declare(&b, "x", "topic", "");
    board_bind(&b, "x", "q", "a.#", "");
    board_bind(&b, "amq.direct", "q", "k", "");
    board_queue(&b, "r");
    board_remove_queue(&b, "r");
    route_key("amq.topic", bytes_text("a.b"), &route);
    assert_int_equal(route_stats(b.table).hits, 1);
    board_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_the_second_message_with_a_key_is_a_hit),
        LEAK_CHECKED(test_a_fanout_remembers_one_set_for_all_keys),
        LEAK_CHECKED(test_what_depends_on_the_message_is_not_remembered),
        LEAK_CHECKED(test_adversarial_keys_do_not_make_it_grow),
        LEAK_CHECKED(test_bytes_of_sets_are_bounded),
        LEAK_CHECKED(test_long_keys_are_routed_without_being_remembered),
        LEAK_CHECKED(test_it_does_without_when_memory_is_refused),
        LEAK_CHECKED(test_an_unrelated_change_forgets_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
