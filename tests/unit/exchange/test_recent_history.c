/* What an exchange with a history keeps, and for how long. */
#include "tests/lib/board.h"
#include "tests/lib/leaks.h"

static struct board b;

/* Publishes as the broker would. Returns how many exchanges wanted to keep it. */
static size_t publish(const char *exchange, uint64_t message, const struct props *props)
{
    struct bytes key = bytes_text("k");
    const struct route_view view = {.keys = &key, .key_count = 1, .props = props};
    struct route route;

    route_message(b.table, board_find(&b, exchange), &view, &route);
    for (size_t i = 0; i < route.keeper_count; i++)
        exchange_keep(b.table, route.keepers[i], message);
    return route.keeper_count;
}

static void expect_kept(const char *exchange, uint64_t first, size_t count)
{
    uint64_t message = 0;

    for (size_t i = 0; i < count; i++) {
        assert_true(exchange_kept(board_find(&b, exchange), i, &message));
        assert_int_equal(message, first + i);
    }
    assert_false(exchange_kept(board_find(&b, exchange), count, &message));
}

static void test_the_last_twenty_are_kept(void **state)
{
    (void)state;
    board_init(&b, NULL);
    board_declare(&b, "h", "x-recent-history", "");
    board_queue(&b, "q");
    board_bind(&b, "h", "q", "", "");
    expect_kept("h", 0, 0);
    for (uint64_t i = 1; i <= 50; i++)
        assert_int_equal(publish("h", i, NULL), 1);
    expect_kept("h", 31, 20);
    assert_int_equal(b.told.let_go, 30);
    assert_int_equal(b.told.last_let_go, 30);
    board_expect(&b, "h", "any", "", "q");
    board_release(&b);
    assert_int_equal(b.told.let_go, 50);
}

static void test_the_length_is_an_argument(void **state)
{
    (void)state;
    board_init(&b, NULL);
    board_declare(&b, "h", "x-recent-history", "x-recent-history-length=2");
    for (uint64_t i = 1; i <= 5; i++)
        assert_int_equal(publish("h", i, NULL), 1);
    expect_kept("h", 4, 2);
    assert_int_equal(exchange_delete(b.table, board_find(&b, "h"), false), 0);
    assert_int_equal(b.told.let_go, 5);
    assert_int_equal(board_try_declare(&b, "g", "x-recent-history", "x-recent-history-length=0"),
                     ERR_INVALID);
    assert_string_equal(b.note.text,
                        "Invalid argument, 'x-recent-history-length' must be a positive integer");
    assert_int_equal(board_try_declare(&b, "g", "x-recent-history", "x-recent-history-length=-3"),
                     ERR_INVALID);
    assert_int_equal(board_try_declare(&b, "g", "x-recent-history", "x-recent-history-length=x"),
                     ERR_INVALID);
    assert_int_equal(
        board_try_declare(&b, "g", "x-recent-history", "x-recent-history-length=10000"), 0);
    assert_int_equal(
        board_try_declare(&b, "f", "x-recent-history", "x-recent-history-length=10001"),
        ERR_INVALID);
    board_release(&b);
}

static void test_a_publisher_may_ask_not_to_be_kept(void **state)
{
    struct props_edit edit;
    struct props props;
    struct buf bytes;

    (void)state;
    board_init(&b, NULL);
    board_declare(&b, "h", "x-recent-history", "");
    props_edit_init(&edit, NULL);
    props_set_headers(&edit, board_table(&b, "x-recent-history-no-store=true"));
    buf_init(&bytes, 1024);
    props_encode(&edit, &bytes);
    assert_int_equal(props_decode(buf_view(&bytes), &props), 0);
    assert_int_equal(publish("h", 1, &props), 0);
    props = props_none();
    assert_int_equal(publish("h", 2, &props), 1);
    expect_kept("h", 2, 1);
    buf_release(&bytes);
    board_release(&b);
}

static void test_a_history_behind_another_exchange_keeps_each_message(void **state)
{
    (void)state;
    board_init(&b, NULL);
    board_declare(&b, "h", "x-recent-history", "");
    board_declare(&b, "x", "fanout", "");
    board_bind(&b, "x", "@h", "", "");
    for (uint64_t i = 1; i <= 3; i++)
        assert_int_equal(publish("x", i, NULL), 1); /* not remembered away */
    expect_kept("h", 1, 3);
    board_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_the_last_twenty_are_kept),
        LEAK_CHECKED(test_the_length_is_an_argument),
        LEAK_CHECKED(test_a_publisher_may_ask_not_to_be_kept),
        LEAK_CHECKED(test_a_history_behind_another_exchange_keeps_each_message),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
