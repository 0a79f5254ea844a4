/* A client's life: logging in, working, leaving; and the ways in which it ends. */
#include <string.h>

#include "amqp/wire/frame.h"
#include "amqp/wire/greeting.h"
#include "tests/lib/leaks.h"
#include "tests/lib/test.h"
#include "tests/sim/client.h"

static void test_a_client_declares_publishes_and_consumes(void **state)
{
    struct client *c;
    struct world w;

    (void)state;
    world_init(&w);
    world_open(&w);
    c = client_open(&w, 1);
    client_declare(c, "q");
    client_confirm(c);
    client_publish(c, "", "q", "one");
    client_publish(c, "", "q", "two");
    client_expect_confirmed(c, 2);
    client_consume(c, "q", "tag", false);
    client_expect_delivery(c, 1, "one");
    client_expect_delivery(c, 2, "two");
    client_ack(c, 2, true);
    assert_int_equal(client_get(c, "q", NULL), 0);
    amqp_check(w.door);
    client_free(c);
    world_release(&w);
}

static void test_the_server_says_who_it_is(void **state)
{
    struct client *c;
    struct world w;
    struct field f;

    (void)state;
    world_init(&w);
    world_open(&w);
    c = client_new(&w);
    client_send(c, greeting_answer());
    const struct method *m = client_expect(c, 0, METHOD_CONNECTION_START);
    struct table properties = m->connection_start.server_properties;
    assert_true(table_find(properties, bytes_text("product"), &f));
    assert_true(bytes_equal(f.bytes, bytes_text("Millrace")));
    assert_true(table_find(properties, bytes_text("version"), &f));
    assert_true(table_find(properties, bytes_text("cluster_name"), &f));
    assert_true(table_find(properties, bytes_text("capabilities"), &f));
    assert_true(field_as_table(&f, &properties));
    assert_int_equal(table_count(properties), 10);
    assert_true(bytes_equal(m->connection_start.mechanisms, bytes_text("PLAIN AMQPLAIN")));
    client_free(c);
    world_release(&w);
}

static void test_who_says_nothing_is_cut_off_in_time(void **state)
{
    struct client *c;
    struct world w;

    (void)state;
    world_init(&w);
    world_open(&w);
    c = client_new(&w);
    client_expect_nothing(c, 9900);
    assert_false(c->is_closed);
    world_run_ms(&w, 200);
    assert_true(c->is_closed);
    client_free(c);
    world_release(&w);
}

static void test_another_protocol_is_told_ours(void **state)
{
    struct client *c;
    struct world w;

    (void)state;
    world_init(&w);
    world_open(&w);
    c = client_new(&w);
    client_send(c, bytes_text("GET / HTTP/1.1\r\n\r\n"));
    world_run_ms(&w, 100);
    assert_true(c->is_closed);
    assert_true(bytes_equal(buf_view(&c->in), greeting_answer()));
    client_free(c);
    world_release(&w);
}

static void test_heartbeats_are_sent_and_missed(void **state)
{
    struct client *c;
    struct world w;

    (void)state;
    world_init(&w);
    world_open(&w);
    c = client_new(&w);
    c->heartbeat_s = 10;
    client_enter(c, 1);
    size_t before = c->in.size;
    world_run_ms(&w, 19000);
    assert_int_equal(c->in.size - before, 2 * FRAME_EMPTY_SIZE); /* at 10 and 15 seconds */
    assert_false(c->is_closed);
    world_run_ms(&w, 6000); /* it is looked at every half */
    assert_true(c->is_closed);
    client_free(c);
    world_release(&w);
}

static void test_a_client_that_lives_is_kept(void **state)
{
    static const uint8_t heartbeat[] = {8, 0, 0, 0, 0, 0, 0, 0xce};
    struct client *c;
    struct world w;

    (void)state;
    world_init(&w);
    world_open(&w);
    c = client_new(&w);
    c->heartbeat_s = 1;
    client_enter(c, 1);
    for (unsigned i = 0; i < 20; i++) {
        client_send(c, bytes_of(heartbeat, sizeof(heartbeat)));
        client_expect_nothing(c, 1500);
    }
    assert_false(c->is_closed);
    client_free(c);
    world_release(&w);
}

static void test_close_is_answered_and_then_closed(void **state)
{
    struct method m = {.id = METHOD_CONNECTION_CLOSE};
    struct client *c;
    struct world w;

    (void)state;
    world_init(&w);
    world_open(&w);
    c = client_open(&w, 3);
    memset(&m.connection_close, 0, sizeof(m.connection_close));
    m.connection_close.reply_code = 200;
    client_method(c, 0, &m);
    client_expect(c, 0, METHOD_CONNECTION_CLOSE_OK);
    client_expect_end(c);
    client_free(c);
    world_release(&w);
}

static void test_a_stopping_broker_says_so(void **state)
{
    struct client *c;
    struct world w;

    (void)state;
    world_init(&w);
    world_open(&w);
    c = client_open(&w, 1);
    client_declare(c, "q");
    client_consume(c, "q", "", false);
    world_close(&w); /* the client never answers */
    client_expect(c, 0, METHOD_CONNECTION_CLOSE);
    assert_int_equal(c->method.connection_close.reply_code, 320);
    client_expect_end(c);
    client_free(c);
    world_release(&w);
}

static void test_a_channel_error_leaves_the_connection_alone(void **state)
{
    struct method m = {.id = METHOD_QUEUE_DECLARE};
    struct client *c;
    struct world w;

    (void)state;
    world_init(&w);
    world_open(&w);
    c = client_open(&w, 2);
    memset(&m.queue_declare, 0, sizeof(m.queue_declare));
    m.queue_declare.queue = bytes_text("nowhere");
    m.queue_declare.passive = true;
    client_method(c, 2, &m);
    client_method(c, 2, &m); /* pipelined: ignored */
    client_expect_channel_close(c, 2, 404, "NOT_FOUND - no queue 'nowhere' in vhost '/'");
    client_declare(c, "q");
    m.id = METHOD_CHANNEL_OPEN;
    memset(&m.channel_open, 0, sizeof(m.channel_open));
    client_method(c, 2, &m);
    client_expect(c, 2, METHOD_CHANNEL_OPEN_OK);
    client_free(c);
    world_release(&w);
}

/* What was published before the mistake is confirmed before the mistake is told. */
static void test_confirms_come_before_the_error(void **state)
{
    struct client *c;
    struct world w;

    (void)state;
    world_init(&w);
    world_open(&w);
    c = client_open(&w, 1);
    client_declare(c, "q");
    client_confirm(c);
    client_publish(c, "", "q", "good");
    client_publish(c, "nowhere", "q", "bad");
    client_publish(c, "", "q", "ignored");
    client_expect_confirmed(c, 1);
    client_expect_channel_close(c, 1, 404, "NOT_FOUND - no exchange 'nowhere' in vhost '/'");
    client_free(c);
    world_release(&w);
}

static void test_noise_after_an_error_is_not_listened_to(void **state)
{
    uint8_t noise[1000];
    struct client *c;
    struct world w;

    (void)state;
    memset(noise, 0xff, sizeof(noise));
    world_init(&w);
    world_open(&w);
    c = client_open(&w, 1);
    client_send(c, bytes_of(noise, sizeof(noise)));
    client_send(c, bytes_of(noise, sizeof(noise)));
    client_expect_connection_close(c, 501,
                                   "FRAME_ERROR - type 255, first 16 octets = <<255,255,255,255,"
                                   "255,255,255,255,255,255,255,255,255,255,255,255>>: "
                                   "{frame_too_large,4294967295,131064}");
    client_free(c);
    world_release(&w);
}

static void test_who_does_not_answer_a_close_is_cut_off(void **state)
{
    struct method m = {.id = METHOD_CHANNEL_OPEN};
    struct client *c;
    struct world w;

    (void)state;
    world_init(&w);
    world_open(&w);
    c = client_open(&w, 1);
    memset(&m.channel_open, 0, sizeof(m.channel_open));
    client_method(c, 1, &m);
    client_expect(c, 0, METHOD_CONNECTION_CLOSE);
    assert_int_equal(c->method.connection_close.reply_code, 504);
    for (unsigned i = 0; i < 29; i++) {
        client_method(c, 1, &m);
        world_run_ms(&w, 1000);
    }
    assert_false(c->is_closed);
    world_run_ms(&w, 1500);
    assert_true(c->is_closed);
    client_free(c);
    world_release(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_a_client_declares_publishes_and_consumes),
        LEAK_CHECKED(test_the_server_says_who_it_is),
        LEAK_CHECKED(test_who_says_nothing_is_cut_off_in_time),
        LEAK_CHECKED(test_another_protocol_is_told_ours),
        LEAK_CHECKED(test_heartbeats_are_sent_and_missed),
        LEAK_CHECKED(test_a_client_that_lives_is_kept),
        LEAK_CHECKED(test_close_is_answered_and_then_closed),
        LEAK_CHECKED(test_a_stopping_broker_says_so),
        LEAK_CHECKED(test_a_channel_error_leaves_the_connection_alone),
        LEAK_CHECKED(test_confirms_come_before_the_error),
        LEAK_CHECKED(test_noise_after_an_error_is_not_listened_to),
        LEAK_CHECKED(test_who_does_not_answer_a_close_is_cut_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
