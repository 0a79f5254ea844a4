/* Declaring, deleting, binding, and what goes with what. */
#include "exchange/exchange.h"

#include <stdio.h>

#include "tests/lib/board.h"
#include "tests/lib/leaks.h"

static struct board b;

static void test_a_new_table_has_the_predeclared_exchanges(void **state)
{
    static const struct {
        const char *name;
        const char *type;
        bool is_internal;
    } expected[] = {
        {"", "direct", false},
        {"amq.direct", "direct", false},
        {"amq.fanout", "fanout", false},
        {"amq.topic", "topic", false},
        {"amq.headers", "headers", false},
        {"amq.match", "headers", false},
        {"amq.rabbitmq.trace", "topic", true},
    };
    struct exchange *x = NULL;

    (void)state;
    board_init(&b, NULL);
    for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
        x = exchange_next(b.table, x);
        assert_non_null(x);
        struct exchange_spec spec = exchange_spec(x);
        assert_true(bytes_equal(spec.name, bytes_text(expected[i].name)));
        assert_true(bytes_equal(spec.type, bytes_text(expected[i].type)));
        assert_true(spec.is_durable && !spec.is_auto_delete);
        assert_int_equal(spec.is_internal, expected[i].is_internal);
    }
    assert_null(exchange_next(b.table, x));
    assert_int_equal(exchange_count(b.table), ARRAY_SIZE(expected));
    assert_true(exchange_is_default(board_find(&b, "")));
    board_release(&b);
}

static void test_an_unknown_type_is_refused_in_rabbitmqs_words(void **state)
{
    (void)state;
    board_init(&b, NULL);
    assert_int_equal(board_try_declare(&b, "x", "foo", ""), ERR_INVALID);
    assert_string_equal(b.note.text, "unknown exchange type 'foo'");
    assert_null(board_find(&b, "x"));
    assert_true(exchange_type_is_known(bytes_text("x-random")));
    assert_false(exchange_type_is_known(bytes_text("x-rando")));
    board_release(&b);
}

static int redeclare(const struct exchange_spec *spec)
{
    struct exchange *x = NULL;

    return exchange_declare(b.table, spec, &x, &b.difference, &b.note);
}

static void expect_difference(const struct exchange_spec *spec, const char *argument,
                              const char *received, const char *current)
{
    assert_int_equal(redeclare(spec), ERR_EXISTS);
    assert_string_equal(b.difference.argument, argument);
    assert_true(bytes_equal(b.difference.received, bytes_text(received)));
    assert_true(bytes_equal(b.difference.current, bytes_text(current)));
}

static void test_a_redeclaration_says_what_differs(void **state)
{
    (void)state;
    board_init(&b, NULL);
    board_declare(&b, "x", "direct", "alternate-exchange=ae other=1");

    struct exchange_spec same = exchange_spec(board_find(&b, "x"));
    struct exchange_spec spec = same;

    assert_int_equal(redeclare(&same), 0);
    spec.type = bytes_text("fanout");
    expect_difference(&spec, "type", "fanout", "direct");
    spec = same;
    spec.is_durable = false;
    expect_difference(&spec, "durable", "false", "true");
    spec = same;
    spec.is_auto_delete = true;
    expect_difference(&spec, "auto_delete", "true", "false");
    spec = same;
    spec.is_internal = true;
    expect_difference(&spec, "internal", "true", "false");
    spec = same;
    spec.arguments = board_table(&b, "alternate-exchange=other");
    expect_difference(&spec, "alternate-exchange", "other", "ae");
    spec.arguments = board_table(&b, "");
    expect_difference(&spec, "alternate-exchange", "", "ae");
    assert_null(b.difference.received.data);
    spec.arguments = board_table(&b, "alternate-exchange=ae other=2");
    assert_int_equal(redeclare(&spec), 0); /* only that argument is compared */
    board_release(&b);
}

static void test_an_alternate_exchange_of_another_type_is_refused(void **state)
{
    (void)state;
    board_init(&b, NULL);
    assert_int_equal(board_try_declare(&b, "x", "direct", "alternate-exchange=i:5"), ERR_INVALID);
    assert_string_equal(b.note.text, "invalid type 'signedint' for arg 'alternate-exchange'");
    board_release(&b);
}

static void test_a_binding_is_identified_by_both_ends_key_and_arguments(void **state)
{
    (void)state;
    board_init(&b, NULL);
    board_declare(&b, "x", "direct", "");
    board_declare(&b, "y", "direct", "");
    board_queue(&b, "q");
    board_queue(&b, "r");
    board_bind(&b, "x", "q", "k", "");
    board_bind(&b, "x", "q", "l", "");
    board_bind(&b, "x", "r", "k", "");
    board_bind(&b, "y", "q", "k", "");
    board_bind(&b, "x", "q", "k", "a=1 b=2");
    board_bind(&b, "x", "@y", "k", "");
    assert_int_equal(binding_count(b.table), 6);
    assert_int_equal(board_try_bind(&b, "x", "q", "k", ""), ERR_EXISTS);
    assert_int_equal(board_try_bind(&b, "x", "q", "k", "b=2 a=1"), ERR_EXISTS);
    assert_int_equal(board_try_bind(&b, "x", "q", "k", "b=2 a=i:1"), ERR_EXISTS);
    assert_int_equal(board_try_bind(&b, "x", "q", "k", "a=7 b=2 a=1"), ERR_EXISTS);
    assert_int_equal(binding_count(b.table), 6);
    assert_int_equal(board_unbind(&b, "x", "q", "k", "a=1"), ERR_NOT_FOUND);
    assert_int_equal(board_unbind(&b, "x", "q", "k", "b=2 a=1"), 0);
    assert_int_equal(board_unbind(&b, "x", "q", "k", "b=2 a=1"), ERR_NOT_FOUND);
    board_expect(&b, "x", "k", "", "q r");
    board_release(&b);
}

static void test_the_default_exchange_cannot_be_bound(void **state)
{
    (void)state;
    board_init(&b, NULL);
    board_queue(&b, "q");
    assert_int_equal(board_try_bind(&b, "", "q", "k", ""), ERR_DENIED);
    assert_int_equal(board_try_bind(&b, "amq.direct", "@", "k", ""), ERR_DENIED);
    assert_int_equal(board_unbind(&b, "", "q", "k", ""), ERR_DENIED);
    board_release(&b);
}

static void test_a_queue_that_is_not_there_cannot_be_bound(void **state)
{
    struct binding_spec spec = {.destination = {.queue = 99}};
    bool is_new = false;

    (void)state;
    board_init(&b, NULL);
    spec.source = board_find(&b, "amq.fanout");
    assert_int_equal(exchange_bind(b.table, &spec, &is_new, NULL), ERR_NOT_FOUND);
    assert_null(binding_next_to(b.table, spec.destination, NULL));
    assert_null(binding_newest_to(b.table, spec.destination));
    exchange_remove_queue(b.table, 99);
    board_queue(&b, "q");
    assert_int_equal(exchange_add_queue(b.table, 7, bytes_text("q"), true), ERR_EXISTS);
    assert_int_equal(exchange_add_queue(b.table, 1, bytes_text("r"), true), ERR_EXISTS);
    board_release(&b);
}

static void test_bindings_are_listed_from_and_to(void **state)
{
    (void)state;
    board_init(&b, NULL);
    board_declare(&b, "x", "topic", "");
    board_declare(&b, "y", "fanout", "");
    board_queue(&b, "q");
    board_bind(&b, "x", "q", "a.*", "z=1 b=2");
    board_bind(&b, "x", "@y", "#", "");
    board_bind(&b, "y", "q", "", "");

    const struct binding *first = binding_next_from(board_find(&b, "x"), NULL);
    const struct binding *second = binding_next_from(board_find(&b, "x"), first);
    struct binding_spec spec = binding_spec(first);

    assert_true(bytes_equal(spec.key, bytes_text("a.*")));
    assert_true(table_equal(spec.arguments, board_table(&b, "b=2 z=1")));
    assert_true(bytes_equal(binding_destination_name(first), bytes_text("q")));
    assert_ptr_equal(binding_spec(second).destination.exchange, board_find(&b, "y"));
    assert_null(binding_next_from(board_find(&b, "x"), second));

    struct binding_end q = {.queue = board_queue_id(&b, "q")};
    struct binding_end y = {.exchange = board_find(&b, "y")};

    assert_ptr_equal(binding_next_to(b.table, q, NULL), first);
    assert_ptr_equal(binding_newest_to(b.table, q), binding_next_to(b.table, q, first));
    assert_ptr_equal(binding_spec(binding_next_to(b.table, q, first)).source, board_find(&b, "y"));
    assert_ptr_equal(binding_next_to(b.table, y, NULL), second);
    board_release(&b);
}

static void test_if_unused_keeps_an_exchange_that_is_a_source(void **state)
{
    (void)state;
    board_init(&b, NULL);
    struct exchange *x = board_declare(&b, "x", "fanout", "");
    board_declare(&b, "y", "fanout", "");
    board_queue(&b, "q");
    board_bind(&b, "x", "q", "", "");
    board_bind(&b, "y", "@x", "", "");
    assert_true(exchange_is_used(x));
    assert_int_equal(exchange_delete(b.table, x, true), ERR_BUSY);
    assert_int_equal(board_unbind(&b, "x", "q", "", ""), 0);
    assert_int_equal(exchange_delete(b.table, x, true), 0); /* to be a destination is no use */
    assert_int_equal(binding_count(b.table), 0);
    assert_int_equal(b.told.unbound, 2);
    assert_int_equal(b.told.deleted, 1);
    board_release(&b);
}

static void test_auto_delete_goes_with_the_last_binding_from_it(void **state)
{
    (void)state;
    board_init(&b, NULL);
    board_declare_auto(&b, "x", "fanout");
    board_queue(&b, "q");
    board_queue(&b, "r");
    board_bind(&b, "amq.fanout", "@x", "", "");
    assert_int_equal(board_unbind(&b, "amq.fanout", "@x", "", ""), 0);
    assert_non_null(board_find(&b, "x")); /* bindings to it do not count */
    board_bind(&b, "x", "q", "", "");
    board_bind(&b, "x", "r", "", "");
    assert_int_equal(board_unbind(&b, "x", "q", "", ""), 0);
    assert_non_null(board_find(&b, "x"));
    board_remove_queue(&b, "r");
    assert_null(board_find(&b, "x"));
    assert_string_equal(b.told.last_deleted, "x");
    board_release(&b);
}

static void test_auto_delete_runs_through_a_chain(void **state)
{
    enum { LENGTH = 1000 };
    char from[16];
    char to[16];

    (void)state;
    board_init(&b, NULL);
    board_declare_auto(&b, "0", "fanout");
    board_queue(&b, "q");
    board_bind(&b, "0", "q", "", "");
    for (unsigned i = 1; i < LENGTH; i++) {
        snprintf(from, sizeof(from), "%u", i);
        snprintf(to, sizeof(to), "@%u", i - 1);
        board_declare_auto(&b, from, "fanout");
        board_bind(&b, from, to, "", "");
    }
    board_expect(&b, "999", "", "", "q");
    board_remove_queue(&b, "q");
    assert_int_equal(b.told.deleted, LENGTH);
    assert_int_equal(binding_count(b.table), 0);
    board_release(&b);
}

static void test_limits_hold_exactly(void **state)
{
    struct exchange_options o = exchange_options_default();

    (void)state;
    o.exchanges_max = 9;
    o.bindings_max = 3;
    o.destination_bindings_max = 2;
    o.arguments_max_bytes = 64;
    board_init(&b, &o);
    board_declare(&b, "x", "direct", "");
    board_declare(&b, "y", "direct", "");
    assert_int_equal(board_try_declare(&b, "z", "direct", ""), ERR_FULL);
    assert_string_equal(b.note.text, "exchange limit of 9 is reached");
    assert_int_equal(board_try_declare(&b, "x", "direct", ""), 0);
    board_queue(&b, "q");
    board_queue(&b, "r");
    board_bind(&b, "x", "q", "1", "");
    board_bind(&b, "x", "q", "2", "");
    assert_int_equal(board_try_bind(&b, "x", "q", "3", ""), ERR_FULL);
    assert_int_equal(board_try_bind(&b, "x", "q", "2", ""), ERR_EXISTS);
    board_bind(&b, "x", "r", "1", "");
    assert_int_equal(board_try_bind(&b, "x", "r", "2", ""), ERR_FULL);
    assert_int_equal(board_unbind(&b, "x", "q", "1", ""), 0);
    /* name, tag and size of the text take 7 bytes */
    board_bind(&b, "x", "r", "2", "a=123456789012345678901234567890123456789012345678901234x67");
    assert_int_equal(board_unbind(&b, "x", "r", "1", ""), 0);
    assert_int_equal(board_try_bind(&b, "x", "r", "3",
                                    "a=123456789012345678901234567890123456789012345678901234x678"),
                     ERR_FULL);
    assert_string_equal(b.note.text, "arguments take more than 64 bytes");
    board_release(&b);
}

static void test_an_exchange_may_be_bound_to_itself(void **state)
{
    (void)state;
    board_init(&b, NULL);
    board_declare(&b, "x", "fanout", "");
    board_queue(&b, "q");
    board_bind(&b, "x", "@x", "", "");
    board_bind(&b, "x", "q", "", "");
    board_expect(&b, "x", "", "", "q");
    assert_int_equal(exchange_delete(b.table, board_find(&b, "x"), false), 0);
    assert_int_equal(binding_count(b.table), 0);
    board_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_a_new_table_has_the_predeclared_exchanges),
        LEAK_CHECKED(test_an_unknown_type_is_refused_in_rabbitmqs_words),
        LEAK_CHECKED(test_a_redeclaration_says_what_differs),
        LEAK_CHECKED(test_an_alternate_exchange_of_another_type_is_refused),
        LEAK_CHECKED(test_a_binding_is_identified_by_both_ends_key_and_arguments),
        LEAK_CHECKED(test_the_default_exchange_cannot_be_bound),
        LEAK_CHECKED(test_a_queue_that_is_not_there_cannot_be_bound),
        LEAK_CHECKED(test_bindings_are_listed_from_and_to),
        LEAK_CHECKED(test_if_unused_keeps_an_exchange_that_is_a_source),
        LEAK_CHECKED(test_auto_delete_goes_with_the_last_binding_from_it),
        LEAK_CHECKED(test_auto_delete_runs_through_a_chain),
        LEAK_CHECKED(test_limits_hold_exactly),
        LEAK_CHECKED(test_an_exchange_may_be_bound_to_itself),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
