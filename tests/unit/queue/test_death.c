/* The papers of dead messages, entry by entry. */
#include "queue/death.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "msg/slip.h"
#include "msg/table_writer.h"
#include "tests/lib/leaks.h"
#include "tests/lib/table_text.h"

static struct buf area, props_area, slip_area;
static struct death_papers papers;

static int setup(void **state)
{
    (void)leaks_setup(state);
    buf_init(&area, 1 << 20);
    buf_init(&props_area, 1 << 20);
    buf_init(&slip_area, SLIP_MAX);
    death_papers_init(&papers);
    return 0;
}

static int teardown(void **state)
{
    buf_release(&area);
    buf_release(&props_area);
    buf_release(&slip_area);
    death_papers_release(&papers);
    return leaks_teardown(state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* A message with these headers and expiration (NULL: none). */
static struct message message_of(const char *headers, const char *expiration)
{
    struct message m = {.exchange = bytes_text("orders"), .routing_key = bytes_text("eu")};
    struct props_edit e;

    props_edit_init(&e, NULL);
    props_set_octet(&e, PROP_DELIVERY_MODE, 2);
    props_set_text(&e, PROP_MESSAGE_ID, bytes_text("id-1"));
    if (headers != NULL)
        props_set_headers(&e, table_text(&area, headers));
    if (expiration != NULL)
        props_set_text(&e, PROP_EXPIRATION, bytes_text(expiration));
    buf_clear(&props_area);
    props_encode(&e, &props_area);
    int rv = props_decode(buf_view(&props_area), &m.props);
    assert_int_equal(rv, 0);
    return m;
}

static void die(const struct message *m, const char *queue, enum death reason, bool is_rerouted)
{
    const struct death_paper d = {
        .reason = reason,
        .queue = bytes_text(queue),
        .time_ms = INT64_C(1700000000123),
        .is_rerouted = is_rerouted,
    };
    int rv = death_write(&papers, m, &d);
    assert_int_equal(rv, 0);
}

/* The message that the papers make, in memory that the next one does not use. */
static struct message dead_message(const char *exchange, const char *key)
{
    struct message m = {.exchange = bytes_text(exchange), .routing_key = bytes_text(key)};

    buf_clear(&props_area);
    buf_bytes(&props_area, buf_view(&papers.props));
    buf_clear(&slip_area);
    buf_bytes(&slip_area, buf_view(&papers.slip));
    m.slip = buf_view(&slip_area);
    int rv = props_decode(buf_view(&props_area), &m.props);
    assert_int_equal(rv, 0);
    return m;
}

static void show_field(const struct field *f, struct buf *out);

static void show_table(struct table t, struct buf *out)
{
    struct table_walk w = table_walk(t);
    struct table_entry e;

    while (table_next(&w, &e)) {
        buf_text(out, " %.*s=", (int)e.name.size, (const char *)e.name.data);
        show_field(&e.value, out);
    }
}

/* The tag of the type, and the value. */
static void show_field(const struct field *f, struct buf *out)
{
    struct bytes text;
    struct table table;
    struct array array;
    int64_t number;
    uint64_t time_s;

    if (field_as_text(f, &text)) {
        buf_text(out, "S:%.*s", (int)text.size, (const char *)text.data);
    } else if (field_as_integer(f, &number)) {
        buf_text(out, "%c:%" PRId64, f->type, number);
    } else if (field_as_time(f, &time_s)) {
        buf_text(out, "T:%" PRIu64, time_s);
    } else if (field_as_table(f, &table)) {
        buf_text(out, "{");
        show_table(table, out);
        buf_text(out, " }");
    } else if (field_as_array(f, &array)) {
        struct array_walk w = array_walk(array);
        struct field item;

        buf_text(out, "[");
        while (array_next(&w, &item)) {
            buf_text(out, " ");
            show_field(&item, out);
        }
        buf_text(out, " ]");
    } else {
        buf_text(out, "?");
    }
}

static void expect_headers(const char *expected)
{
    struct table headers = {{NULL, 0}};
    struct buf out;

    buf_init(&out, 1 << 16);
    assert_true(props_find_headers(&papers.decoded, &headers));
    show_table(headers, &out);
    buf_u8(&out, 0);
    assert_string_equal((const char *)out.data, expected);
    buf_release(&out);
}

static void test_the_first_death_has_every_field_in_its_order(void **state)
{
    struct message m = message_of("a=1", NULL);

    (void)state;
    die(&m, "q", DEATH_REJECTED, false);
    expect_headers(" a=l:1 x-death=[ { count=l:1 reason=S:rejected queue=S:q time=T:1700000000"
                   " exchange=S:orders routing-keys=[ S:eu ] } ]"
                   " x-first-death-reason=S:rejected x-first-death-queue=S:q"
                   " x-first-death-exchange=S:orders x-last-death-reason=S:rejected"
                   " x-last-death-queue=S:q x-last-death-exchange=S:orders");
}

static void test_other_properties_stay_and_the_expiration_goes_into_the_papers(void **state)
{
    struct message m = message_of(NULL, "500");
    struct bytes text = {NULL, 0};
    uint8_t mode = 0;

    (void)state;
    die(&m, "q", DEATH_EXPIRED, false);
    assert_false(props_has(&papers.decoded, PROP_EXPIRATION));
    assert_true(props_find_text(&papers.decoded, PROP_MESSAGE_ID, &text));
    assert_true(bytes_equal(text, bytes_text("id-1")));
    assert_true(props_find_octet(&papers.decoded, PROP_DELIVERY_MODE, &mode));
    assert_int_equal(mode, 2);
    expect_headers(" x-death=[ { original-expiration=S:500 count=l:1 reason=S:expired queue=S:q"
                   " time=T:1700000000 exchange=S:orders routing-keys=[ S:eu ] } ]"
                   " x-first-death-reason=S:expired x-first-death-queue=S:q"
                   " x-first-death-exchange=S:orders x-last-death-reason=S:expired"
                   " x-last-death-queue=S:q x-last-death-exchange=S:orders");
}

static void test_deaths_of_one_queue_and_reason_are_one_entry_in_front(void **state)
{
    struct message m = message_of(NULL, "500");

    (void)state;
    die(&m, "q", DEATH_EXPIRED, false);
    m = dead_message("dlx", "k");
    die(&m, "r", DEATH_MAXLEN, false);
    m = dead_message("other", "k2");
    die(&m, "q", DEATH_EXPIRED, false);
    expect_headers(" x-death=[ { original-expiration=S:500 count=l:2 reason=S:expired queue=S:q"
                   " time=T:1700000000 exchange=S:orders routing-keys=[ S:eu ] }"
                   " { count=l:1 reason=S:maxlen queue=S:r time=T:1700000000 exchange=S:dlx"
                   " routing-keys=[ S:k ] } ]"
                   " x-first-death-reason=S:expired x-first-death-queue=S:q"
                   " x-first-death-exchange=S:orders x-last-death-reason=S:expired"
                   " x-last-death-queue=S:q x-last-death-exchange=S:other");
}

static void test_another_reason_is_another_entry(void **state)
{
    struct message m = message_of(NULL, NULL);

    (void)state;
    die(&m, "q", DEATH_EXPIRED, false);
    m = dead_message("dlx", "k");
    die(&m, "q", DEATH_DELIVERY_LIMIT, false);
    expect_headers(" x-death=[ { count=l:1 reason=S:delivery_limit queue=S:q time=T:1700000000"
                   " exchange=S:dlx routing-keys=[ S:k ] }"
                   " { count=l:1 reason=S:expired queue=S:q time=T:1700000000 exchange=S:orders"
                   " routing-keys=[ S:eu ] } ]"
                   " x-first-death-reason=S:expired x-first-death-queue=S:q"
                   " x-first-death-exchange=S:orders x-last-death-reason=S:delivery_limit"
                   " x-last-death-queue=S:q x-last-death-exchange=S:dlx");
}

static void test_cc_is_written_down_and_leaves_with_a_key_of_the_queue(void **state)
{
    struct message m = message_of("CC=[a,b] z=1", NULL);
    struct table headers;
    struct field f;

    (void)state;
    die(&m, "q", DEATH_REJECTED, false);
    assert_true(props_find_headers(&papers.decoded, &headers));
    assert_true(table_find(headers, bytes_text("CC"), &f));
    die(&m, "q", DEATH_REJECTED, true);
    expect_headers(" z=l:1 x-death=[ { count=l:1 reason=S:rejected queue=S:q time=T:1700000000"
                   " exchange=S:orders routing-keys=[ S:eu S:a S:b ] } ]"
                   " x-first-death-reason=S:rejected x-first-death-queue=S:q"
                   " x-first-death-exchange=S:orders x-last-death-reason=S:rejected"
                   " x-last-death-queue=S:q x-last-death-exchange=S:orders");
}

static void test_headers_of_other_types_under_these_names_do_no_harm(void **state)
{
    const char *strange[] = {"x-death=5", "x-death=[1,2,abc]", "CC=5 x-death=text", "CC=[1,2]"};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(strange); i++) {
        struct message m = message_of(strange[i], NULL);

        die(&m, "q", DEATH_REJECTED, false);
        assert_false(death_is_cycle(&papers, bytes_text("r")));
    }
}

static void test_a_cycle_is_a_queue_met_before_without_a_rejection_since(void **state)
{
    struct message m = message_of(NULL, NULL);

    (void)state;
    die(&m, "a", DEATH_EXPIRED, false);
    assert_true(death_is_cycle(&papers, bytes_text("a")));
    assert_false(death_is_cycle(&papers, bytes_text("b")));
    m = dead_message("x", "k");
    die(&m, "b", DEATH_REJECTED, false);
    assert_false(death_is_cycle(&papers, bytes_text("a")));
    assert_false(death_is_cycle(&papers, bytes_text("b")));
    m = dead_message("x", "k");
    die(&m, "c", DEATH_MAXLEN, false);
    assert_true(death_is_cycle(&papers, bytes_text("c")));
    assert_false(death_is_cycle(&papers, bytes_text("a")));
}

/* As a client publishes it again: with all headers, and nothing else. */
static struct message published_again(void)
{
    struct message m = dead_message("", "q");

    m.slip = bytes_of(NULL, 0);
    return m;
}

static void test_counts_go_on_when_a_client_publishes_a_dead_message_again(void **state)
{
    struct message m = message_of(NULL, NULL);

    (void)state;
    die(&m, "q", DEATH_REJECTED, false);
    m = published_again();
    die(&m, "q", DEATH_REJECTED, false);
    expect_headers(" x-death=[ { count=l:2 reason=S:rejected queue=S:q time=T:1700000000"
                   " exchange=S:orders routing-keys=[ S:eu ] } ]"
                   " x-first-death-reason=S:rejected x-first-death-queue=S:q"
                   " x-first-death-exchange=S:orders x-last-death-reason=S:rejected"
                   " x-last-death-queue=S:q x-last-death-exchange=S:");
}

static void test_what_a_client_sends_as_deaths_makes_no_cycle(void **state)
{
    struct message m = message_of(NULL, NULL);

    (void)state;
    die(&m, "a", DEATH_EXPIRED, false);
    m = dead_message("x", "k");
    die(&m, "b", DEATH_EXPIRED, false);
    assert_true(death_is_cycle(&papers, bytes_text("a")));
    m = published_again();
    die(&m, "c", DEATH_EXPIRED, false);
    assert_false(death_is_cycle(&papers, bytes_text("a")));
    assert_false(death_is_cycle(&papers, bytes_text("b")));
    assert_true(death_is_cycle(&papers, bytes_text("c")));
    m = dead_message("x", "k");
    die(&m, "a", DEATH_EXPIRED, false); /* a second time in all, and the first in this life */
    assert_true(death_is_cycle(&papers, bytes_text("a")));
    assert_true(death_is_cycle(&papers, bytes_text("c")));
    assert_false(death_is_cycle(&papers, bytes_text("b")));
}

/* As old brokers wrote them: no counts, the same entry again for each death. */
struct old_death {
    const char *queue;
    const char *reason;
};

static struct message message_with_deaths(const struct old_death *deaths, size_t count)
{
    struct message m = {.exchange = bytes_text("orders"), .routing_key = bytes_text("eu")};
    struct table_writer w;
    struct table headers;
    struct props_edit e;

    buf_clear(&area);
    table_writer_init(&w, &area);
    table_writer_begin_array(&w, "x-death");
    for (size_t i = 0; i < count; i++) {
        table_writer_begin_table(&w, NULL);
        table_writer_text(&w, "queue", bytes_text(deaths[i].queue));
        table_writer_text(&w, "reason", bytes_text(deaths[i].reason));
        table_writer_end(&w);
    }
    table_writer_end(&w);
    int rv = table_writer_finish(&w, &headers);
    assert_int_equal(rv, 0);
    props_edit_init(&e, NULL);
    props_set_headers(&e, headers);
    buf_clear(&props_area);
    props_encode(&e, &props_area);
    rv = props_decode(buf_view(&props_area), &m.props);
    assert_int_equal(rv, 0);
    return m;
}

static void test_entries_without_a_count_are_put_together_and_counted(void **state)
{
    static const struct old_death old[] = {{"a", "expired"}, {"b", "expired"},  {"a", "expired"},
                                           {"a", "maxlen"},  {"q", "rejected"}, {"q", "rejected"}};
    struct message m = message_with_deaths(old, ARRAY_SIZE(old));

    (void)state;
    die(&m, "q", DEATH_REJECTED, false);
    expect_headers(" x-death=[ { count=l:3 queue=S:q reason=S:rejected }"
                   " { count=l:2 queue=S:a reason=S:expired }"
                   " { count=l:1 queue=S:b reason=S:expired }"
                   " { count=l:1 queue=S:a reason=S:maxlen } ]"
                   " x-first-death-reason=S:rejected x-first-death-queue=S:q"
                   " x-first-death-exchange=S:orders x-last-death-reason=S:rejected"
                   " x-last-death-queue=S:q x-last-death-exchange=S:orders");
}

static void test_of_very_many_entries_none_are_put_together(void **state)
{
    static struct old_death old[301];
    struct table headers;
    struct array deaths = {{NULL, 0}};
    struct field f;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(old); i++)
        old[i] = (struct old_death){"a", "expired"};
    struct message m = message_with_deaths(old, ARRAY_SIZE(old));
    die(&m, "q", DEATH_REJECTED, false);
    assert_true(props_find_headers(&papers.decoded, &headers));
    assert_true(table_find(headers, bytes_text("x-death"), &f) && field_as_array(&f, &deaths));
    assert_int_equal(array_count(deaths), 302);
}

static void test_hidden_keys_stay_unless_the_queue_has_a_key_of_its_own(void **state)
{
    struct message m = message_of(NULL, NULL);
    struct slip slip;
    struct bytes key;

    (void)state;
    slip_begin(&(struct slip){.has_origin = true}, &slip_area);
    slip_write_key(bytes_text("secret"), &slip_area);
    m.slip = buf_view(&slip_area);
    die(&m, "q", DEATH_REJECTED, false);
    slip = slip_read(buf_view(&papers.slip));
    assert_false(slip.has_origin);
    assert_int_equal(slip.deaths, 1);
    assert_true(slip_next_key(&slip.keys, &key));
    assert_true(bytes_equal(key, bytes_text("secret")));
    die(&m, "q", DEATH_REJECTED, true);
    slip = slip_read(buf_view(&papers.slip));
    assert_int_equal(slip.deaths, 1);
    assert_false(slip_next_key(&slip.keys, &key));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_the_first_death_has_every_field_in_its_order),
        TEST(test_other_properties_stay_and_the_expiration_goes_into_the_papers),
        TEST(test_deaths_of_one_queue_and_reason_are_one_entry_in_front),
        TEST(test_another_reason_is_another_entry),
        TEST(test_cc_is_written_down_and_leaves_with_a_key_of_the_queue),
        TEST(test_headers_of_other_types_under_these_names_do_no_harm),
        TEST(test_a_cycle_is_a_queue_met_before_without_a_rejection_since),
        TEST(test_counts_go_on_when_a_client_publishes_a_dead_message_again),
        TEST(test_what_a_client_sends_as_deaths_makes_no_cycle),
        TEST(test_entries_without_a_count_are_put_together_and_counted),
        TEST(test_of_very_many_entries_none_are_put_together),
        TEST(test_hidden_keys_stay_unless_the_queue_has_a_key_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
