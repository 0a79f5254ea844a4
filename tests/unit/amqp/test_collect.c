/* Tests of amqp/collect.h. */
#include "amqp/collect.h"

#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "tests/lib/fault_heap.h"
#include "tests/lib/leaks.h"
#include "tests/lib/test.h"

static struct collect *begin(uint64_t body_size)
{
    const struct method_basic_publish m = {
        .exchange = bytes_text("x"), .routing_key = bytes_text("key"), .mandatory = true};
    const struct props props = props_none();
    struct collect *k = collect_new(&m);

    collect_header(k, &props, body_size);
    return k;
}

static void test_pieces_make_up_the_body(void **state)
{
    struct collect *k = begin(1000000);
    uint8_t bytes[777];
    uint64_t sent = 0;

    (void)state;
    while (sent < 1000000) {
        size_t size = sizeof(bytes) < 1000000 - sent ? sizeof(bytes) : (size_t)(1000000 - sent);
        for (size_t i = 0; i < size; i++)
            bytes[i] = (uint8_t)((sent + i) * 31);
        assert_int_equal(k->state, COLLECT_BODY);
        assert_int_equal(collect_body(k, bytes_of(bytes, size)), 0);
        sent += size;
    }
    struct message m = collect_message(k);
    message_check(&m);
    sent = 0;
    for (size_t i = 0; i < m.body_count; i++)
        for (size_t j = 0; j < m.body[i].size; j++)
            assert_int_equal(m.body[i].data[j], (uint8_t)(sent++ * 31));
    assert_int_equal(sent, 1000000);
    assert_memory_equal(m.exchange.data, "x", 1);
    assert_memory_equal(m.routing_key.data, "key", 3);
    collect_free(k);
}

static void test_an_empty_body_is_complete_with_its_header(void **state)
{
    struct collect *k = begin(0);

    (void)state;
    assert_int_equal(collect_message(k).body_count, 0);
    collect_free(k);
}

static void test_what_was_handed_on_is_dropped(void **state)
{
    struct collect *k = begin(20000);
    uint8_t bytes[10000];

    (void)state;
    memset(bytes, 'c', sizeof(bytes));
    assert_int_equal(collect_body(k, bytes_of(bytes, 10000)), 0);
    assert_int_equal(collect_held(k), 10000);
    collect_drop(k, 10);
    assert_int_equal(collect_held(k), 9990);
    while (collect_held(k) > 0)
        collect_drop(k, collect_front(k).size);
    assert_int_equal(collect_message(k).body_count, 0);
    assert_int_equal(k->state, COLLECT_BODY);
    assert_int_equal(collect_body(k, bytes_of(bytes, 10000)), 0);
    assert_int_equal(k->state, COLLECT_COMPLETE);
    assert_int_equal(collect_held(k), 10000);
    collect_free(k);
}

static void test_what_is_announced_is_not_allocated(void **state)
{
    uint64_t before = mem_used_bytes();
    struct collect *k = begin(500 << 20);

    (void)state;
    assert_int_equal(collect_body(k, bytes_text("x")), 0);
    assert_true(mem_used_bytes() - before < 8192);
    collect_free(k);
}

static void test_memory_may_be_refused(void **state)
{
    struct collect *k = begin(100000);
    struct fault_heap f;
    int rv = 0;

    (void)state;
    fault_heap_start(&f, 3, false);
    for (unsigned i = 0; i < 1000 && rv == 0; i++)
        rv = collect_body(k, bytes_text("0123456789012345678901234567890123456789"));
    assert_true(fault_heap_stop(&f));
    assert_int_equal(rv, ERR_NO_MEMORY);
    collect_free(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_pieces_make_up_the_body),
        LEAK_CHECKED(test_an_empty_body_is_complete_with_its_header),
        LEAK_CHECKED(test_what_was_handed_on_is_dropped),
        LEAK_CHECKED(test_what_is_announced_is_not_allocated),
        LEAK_CHECKED(test_memory_may_be_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
