/* Shares, stability, and what is hashed. */
#include <stdio.h>

#include "tests/lib/board.h"
#include "tests/lib/leaks.h"

enum { KEYS = 20000 };

static struct board b;
static uint64_t before[KEYS];
static uint64_t after[KEYS];

static uint64_t only_queue(const char *exchange, struct bytes key, const struct props *props)
{
    const struct route_view view = {.keys = &key, .key_count = 1, .props = props};
    struct route route;

    route_message(b.table, board_find(&b, exchange), &view, &route);
    assert_int_equal(route.count, 1);
    return route.queues[0];
}

/* Where each of the keys goes. */
static void spread(uint64_t *queues)
{
    char key[32];

    for (unsigned i = 0; i < KEYS; i++) {
        snprintf(key, sizeof(key), "user-%u", i);
        queues[i] = only_queue("c", bytes_text(key), NULL);
    }
}

static void make_queues(unsigned count, const char *weight)
{
    char name[16];

    board_declare(&b, "c", "x-consistent-hash", "");
    for (unsigned i = 1; i <= count; i++) {
        snprintf(name, sizeof(name), "q%u", i);
        board_queue(&b, name);
        board_bind(&b, "c", name, weight, "");
    }
}

static void expect_share(const uint64_t *queues, uint64_t queue, double share)
{
    double count = 0;

    for (unsigned i = 0; i < KEYS; i++)
        count += queues[i] == queue;
    if (count / KEYS < 0.9 * share || count / KEYS > 1.1 * share)
        fail_msg("queue %u has %.4f and not %.4f", (unsigned)queue, count / KEYS, share);
}

static void test_shares_follow_weights(void **state)
{
    (void)state;
    board_init(&b, NULL);
    make_queues(3, "10");
    board_queue(&b, "large");
    board_bind(&b, "c", "large", "70", "");
    spread(before);
    for (uint64_t q = 1; q <= 3; q++)
        expect_share(before, q, 0.1);
    expect_share(before, 4, 0.7);
    board_release(&b);
}

static void test_a_new_destination_only_takes(void **state)
{
    unsigned moved = 0;

    (void)state;
    board_init(&b, NULL);
    make_queues(9, "1");
    spread(before);
    uint64_t added = board_queue(&b, "new");
    board_bind(&b, "c", "new", "1", "");
    spread(after);
    for (unsigned i = 0; i < KEYS; i++) {
        moved += before[i] != after[i];
        assert_true(before[i] == after[i] || after[i] == added);
    }
    assert_true(moved > KEYS / 10 * 9 / 10 && moved < KEYS / 10 * 11 / 10);
    board_release(&b);
}

static void test_what_a_lost_destination_had_is_shared(void **state)
{
    (void)state;
    board_init(&b, NULL);
    make_queues(10, "1");
    spread(before);
    board_remove_queue(&b, "q4");
    spread(after);
    for (unsigned i = 0; i < KEYS; i++)
        assert_true(before[i] == after[i] || before[i] == 4);
    for (uint64_t q = 1; q <= 10; q++) {
        if (q != 4)
            expect_share(after, q, 1.0 / 9);
    }
    board_release(&b);
}

static void test_order_of_bindings_and_seed_do_not_matter(void **state)
{
    static const char *const names[] = {"q1", "q2", "q3", "q4", "q5"};

    (void)state;
    board_init(&b, NULL);
    make_queues(5, "3");
    spread(before);
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        assert_int_equal(board_unbind(&b, "c", names[i], "3", ""), 0);
    for (size_t i = ARRAY_SIZE(names); i-- > 0;)
        board_bind(&b, "c", names[i], "3", "");
    spread(after);
    assert_memory_equal(before, after, sizeof(before));
    board_release(&b);
    board_init(&b, NULL);
    rand_next(&b.rand);
    make_queues(5, "3");
    spread(after);
    assert_memory_equal(before, after, sizeof(before));
    /* nor the process: these change only if the hash does, and then keys move */
    assert_int_equal(only_queue("c", bytes_text("alpha"), NULL), 1);
    assert_int_equal(only_queue("c", bytes_text("beta"), NULL), 5);
    assert_int_equal(only_queue("c", bytes_text("delta"), NULL), 3);
    board_release(&b);
}

static void test_weights_are_checked(void **state)
{
    (void)state;
    board_init(&b, NULL);
    board_declare(&b, "c", "x-consistent-hash", "");
    board_queue(&b, "q");
    assert_int_equal(board_try_bind(&b, "c", "q", "many", ""), ERR_INVALID);
    assert_string_equal(b.note.text, "The binding key must be an integer: <<\"many\">>");
    assert_int_equal(board_try_bind(&b, "c", "q", "", ""), ERR_INVALID);
    assert_int_equal(board_try_bind(&b, "c", "q", "0", ""), ERR_INVALID);
    assert_string_equal(b.note.text, "The binding key must be greater than 0");
    assert_int_equal(board_try_bind(&b, "c", "q", "-1", ""), ERR_INVALID);
    assert_string_equal(b.note.text, "The binding key must be greater than 0");
    assert_int_equal(board_try_bind(&b, "c", "q", "10001", ""), ERR_INVALID);
    assert_string_equal(b.note.text, "The binding key must not be greater than 10000");
    assert_int_equal(board_try_bind(&b, "c", "q", "99999999999999999999999", ""), ERR_INVALID);
    board_bind(&b, "c", "q", "10000", "");
    board_bind(&b, "c", "q", "1", "");
    assert_int_equal(only_queue("c", bytes_text("k"), NULL), 1);
    board_release(&b);
}

static void test_arguments_are_checked(void **state)
{
    (void)state;
    board_init(&b, NULL);
    assert_int_equal(
        board_try_declare(&b, "c", "x-consistent-hash", "hash-header=a hash-property=message_id"),
        ERR_INVALID);
    assert_string_equal(b.note.text, "hash-header and hash-property are mutually exclusive");
    assert_int_equal(board_try_declare(&b, "c", "x-consistent-hash", "hash-property=app_id"),
                     ERR_INVALID);
    assert_string_equal(b.note.text, "Unsupported property: app_id");
    assert_int_equal(board_try_declare(&b, "c", "x-consistent-hash", "hash-header=5"), ERR_INVALID);
    board_release(&b);
}

static void test_a_header_is_hashed_and_not_the_key(void **state)
{
    char key[16];
    char headers[32];
    char first[16];
    unsigned changes = 0;

    (void)state;
    board_init(&b, NULL);
    make_queues(0, "");
    board_declare(&b, "h", "x-consistent-hash", "hash-header=user");
    for (unsigned i = 0; i < 8; i++) {
        snprintf(key, sizeof(key), "q%u", i);
        board_queue(&b, key);
        board_bind(&b, "h", key, "1", "");
    }
    for (unsigned i = 0; i < 50; i++) {
        snprintf(headers, sizeof(headers), "user=u%u", i);
        snprintf(first, sizeof(first), "%s", board_route(&b, "h", "k", headers));
        snprintf(key, sizeof(key), "k%u", i);
        assert_string_equal(board_route(&b, "h", key, headers), first);
        changes += strcmp(board_route(&b, "h", "k", "user=u0"), first) != 0;
    }
    assert_true(changes > 25);
    assert_string_not_equal(board_route(&b, "h", "k", ""), ""); /* none is a value, too */
    board_release(&b);
}

static void test_a_property_is_hashed(void **state)
{
    static const enum prop properties[] = {PROP_MESSAGE_ID, PROP_CORRELATION_ID, PROP_TIMESTAMP};
    static const char *const arguments[] = {
        "hash-property=message_id", "hash-property=correlation_id", "hash-property=timestamp"};
    char name[16];

    (void)state;
    for (size_t p = 0; p < ARRAY_SIZE(properties); p++) {
        uint64_t seen = 0;

        board_init(&b, NULL);
        board_declare(&b, "h", "x-consistent-hash", arguments[p]);
        for (unsigned i = 0; i < 8; i++) {
            snprintf(name, sizeof(name), "q%u", i);
            board_queue(&b, name);
            board_bind(&b, "h", name, "1", "");
        }
        for (unsigned i = 0; i < 100; i++) {
            struct props_edit edit;
            struct props props;

            props_edit_init(&edit, NULL);
            snprintf(name, sizeof(name), "m%u", i);
            if (properties[p] == PROP_TIMESTAMP)
                props_set_time(&edit, PROP_TIMESTAMP, i);
            else
                props_set_text(&edit, properties[p], bytes_text(name));
            buf_clear(&b.props);
            props_encode(&edit, &b.props);
            assert_int_equal(props_decode(buf_view(&b.props), &props), 0);
            seen |= UINT64_C(1) << only_queue("h", bytes_text("k"), &props);
        }
        assert_int_equal(seen, 0x1fe); /* each of the eight */
        board_release(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_shares_follow_weights),
        LEAK_CHECKED(test_a_new_destination_only_takes),
        LEAK_CHECKED(test_what_a_lost_destination_had_is_shared),
        LEAK_CHECKED(test_order_of_bindings_and_seed_do_not_matter),
        LEAK_CHECKED(test_weights_are_checked),
        LEAK_CHECKED(test_arguments_are_checked),
        LEAK_CHECKED(test_a_header_is_hashed_and_not_the_key),
        LEAK_CHECKED(test_a_property_is_hashed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
