/* Messages through the door: in any pieces, of any size, to slow clients, back again. */
#include <stdio.h>
#include <string.h>

#include "amqp/wire/frame.h"
#include "base/mem.h"
#include "base/units.h"
#include "io/sim/sim_net.h"
#include "tests/lib/leaks.h"
#include "tests/lib/seed.h"
#include "tests/lib/test.h"
#include "tests/sim/client.h"

static uint8_t *make_body(size_t size)
{
    uint8_t *body = mem_alloc(size);

    for (size_t i = 0; i < size; i++)
        body[i] = (uint8_t)(i * 13 + (i >> 9));
    return body;
}

static void send_publish(struct client *c, uint16_t channel, const char *key, struct bytes body)
{
    struct method m = {.id = METHOD_BASIC_PUBLISH};

    memset(&m.basic_publish, 0, sizeof(m.basic_publish));
    m.basic_publish.routing_key = bytes_text(key);
    client_method(c, channel, &m);
    client_content(c, channel, body);
}

static void expect_body(struct client *c, struct bytes body)
{
    client_take_body(c, 1);
    assert_int_equal(c->body.size, body.size);
    if (body.size > 0)
        assert_memory_equal(c->body.data, body.data, body.size);
}

/* There and back, with the frames of the smallest size and of the largest. */
static void pass(struct world *w, uint32_t frame_max, size_t size)
{
    struct client *c = client_new(w);
    uint8_t *body = make_body(size + 1);

    c->frame_max = frame_max;
    client_enter(c, 1);
    client_declare(c, "q");
    client_confirm(c);
    send_publish(c, 1, "q", bytes_of(body, size));
    client_expect_confirmed(c, 1);
    client_consume(c, "q", "t", true);
    client_expect(c, 1, METHOD_BASIC_DELIVER);
    expect_body(c, bytes_of(body, size));
    amqp_check(w->door);
    client_free(c);
    mem_free(body);
}

static void test_bodies_of_all_sizes_come_as_they_went(void **state)
{
    static const size_t sizes[] = {0,    1,     4087,  4088,   4089,    4096,   4097,
                                   8176, 65535, 65536, 131064, 1 << 20, 3000001};
    struct world w;

    (void)state;
    world_init(&w);
    world_open(&w);
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        pass(&w, 4096, sizes[i]);
        pass(&w, 131072, sizes[i]);
    }
    world_release(&w);
}

/* The network cuts everything into small pieces. */
static void test_pieces_of_the_stream_mean_nothing(void **state)
{
    const struct sim_way way = {.piece_max = 3, .short_one_in = 4};
    struct world w;

    (void)state;
    world_init(&w);
    sim_net_set_ways(w.sim, &way);
    world_open(&w);
    pass(&w, 4096, 5);
    pass(&w, 4096, 20000);
    world_release(&w);
}

/* Two channels speak at once; each one's message is its own. */
static void test_content_of_channels_may_be_mixed(void **state)
{
    struct method m = {.id = METHOD_BASIC_PUBLISH};
    uint8_t frames[256];
    struct client *c;
    struct world w;

    (void)state;
    world_init(&w);
    world_open(&w);
    c = client_open(&w, 2);
    client_declare(c, "q");
    memset(&m.basic_publish, 0, sizeof(m.basic_publish));
    m.basic_publish.routing_key = bytes_text("q");
    client_method(c, 1, &m);
    client_method(c, 2, &m);
    struct writer out = writer_of(frames, sizeof(frames));
    content_write(&out, 1, 6, bytes_of("\0\0", 2));
    content_write(&out, 2, 3, bytes_of("\0\0", 2));
    body_write(&out, 1, bytes_text("one"), 4096);
    body_write(&out, 2, bytes_text("two"), 4096);
    body_write(&out, 1, bytes_text("ONE"), 4096);
    client_send(c, writer_view(&out));
    client_consume(c, "q", "t", true);
    client_expect_delivery(c, 1, "two");
    client_expect_delivery(c, 2, "oneONE");
    client_free(c);
    world_release(&w);
}

/* A consumer that does not read gets no more than a little; then it gets all, in order. */
static void test_a_slow_reader_holds_up_only_itself(void **state)
{
    enum { COUNT = 3000 };
    uint8_t *body = make_body(1000);
    struct client *slow;
    struct client *fast;
    struct world w;

    (void)state;
    world_init(&w);
    w.amqp_options.output_max_bytes = 64 * KIB;
    world_open(&w);
    slow = client_open(&w, 1);
    fast = client_open(&w, 1);
    client_declare(slow, "q");
    client_consume(slow, "q", "t", true);
    client_read(slow, false);
    client_confirm(fast);
    for (unsigned i = 0; i < COUNT; i++)
        send_publish(fast, 1, "q", bytes_of(body, 1000));
    client_expect_confirmed(fast, COUNT);
    amqp_check(w.door);
    for (uint64_t tag = 1; tag <= COUNT; tag++) {
        client_expect(slow, 1, METHOD_BASIC_DELIVER);
        assert_int_equal(slow->method.basic_deliver.delivery_tag, tag);
        client_take_body(slow, 1);
    }
    client_free(slow);
    client_free(fast);
    mem_free(body);
    world_release(&w);
}

static void test_who_never_reads_is_cut_off(void **state)
{
    uint8_t *body = make_body(1000);
    struct client *slow;
    struct client *fast;
    struct world w;

    (void)state;
    world_init(&w);
    w.amqp_options.output_timeout_ms = 5000;
    world_open(&w);
    slow = client_open(&w, 1);
    fast = client_open(&w, 1);
    client_declare(slow, "q");
    client_consume(slow, "q", "t", false);
    client_read(slow, false);
    client_confirm(fast);
    for (unsigned i = 0; i < 1000; i++)
        send_publish(fast, 1, "q", bytes_of(body, 1000));
    client_expect_confirmed(fast, 1000);
    world_run_ms(&w, 6000);
    client_consume(fast, "q", "t", true);
    client_expect(fast, 1, METHOD_BASIC_DELIVER);
    assert_true(fast->method.basic_deliver.redelivered);
    client_free(slow);
    client_free(fast);
    mem_free(body);
    world_release(&w);
}

/* What else a channel says waits until a large message is whole; another channel does not wait. */
static void test_other_channels_speak_between_the_frames_of_a_large_message(void **state)
{
    enum { SIZE = 8 << 20 };
    struct method m = {.id = METHOD_BASIC_QOS};
    uint8_t *body = make_body(SIZE);
    struct client *c;
    struct world w;

    (void)state;
    world_init(&w);
    world_open(&w);
    c = client_open(&w, 2);
    client_declare(c, "q");
    client_confirm(c);
    send_publish(c, 1, "q", bytes_of(body, SIZE));
    client_expect_confirmed(c, 1);
    client_consume(c, "q", "t", true);
    client_expect(c, 1, METHOD_BASIC_DELIVER);
    client_next(c);
    assert_int_equal(c->frame.type, FRAME_HEADER);
    client_read(c, false);
    memset(&m.basic_qos, 0, sizeof(m.basic_qos));
    client_method(c, 1, &m);
    client_method(c, 2, &m);
    size_t got = 0;
    bool has_heard_2 = false;
    while (got < SIZE) {
        client_next(c);
        if (c->frame.channel == 2) {
            assert_int_equal(c->method.id, METHOD_BASIC_QOS_OK);
            has_heard_2 = true;
            continue;
        }
        assert_int_equal(c->frame.type, FRAME_BODY);
        assert_memory_equal(c->frame.payload.data, body + got, c->frame.payload.size);
        got += c->frame.payload.size;
    }
    assert_true(has_heard_2);
    client_expect(c, 1, METHOD_BASIC_QOS_OK);
    client_free(c);
    mem_free(body);
    world_release(&w);
}

/* channel.close while a large message is on its way is answered behind it. */
static void test_a_channel_may_be_closed_inside_a_large_message(void **state)
{
    enum { SIZE = 4 << 20 };
    struct method m = {.id = METHOD_CHANNEL_CLOSE};
    uint8_t *body = make_body(SIZE);
    struct client *c;
    struct world w;

    (void)state;
    world_init(&w);
    world_open(&w);
    c = client_open(&w, 1);
    client_declare(c, "q");
    client_confirm(c);
    send_publish(c, 1, "q", bytes_of(body, SIZE));
    client_expect_confirmed(c, 1);
    client_consume(c, "q", "t", false);
    memset(&m.channel_close, 0, sizeof(m.channel_close));
    client_expect(c, 1, METHOD_BASIC_DELIVER);
    client_method(c, 1, &m);
    expect_body(c, bytes_of(body, SIZE));
    client_expect(c, 1, METHOD_CHANNEL_CLOSE_OK);
    client_free(c);
    mem_free(body);
    world_release(&w);
}

/* Deliveries and basic.get on one channel, all large: one whole message after the other. */
static void test_large_messages_do_not_mix_on_a_channel(void **state)
{
    enum { SIZE = 3 << 20, COUNT = 8 };
    struct method m = {.id = METHOD_BASIC_GET};
    uint8_t *body = make_body(SIZE);
    struct client *c;
    struct world w;

    (void)state;
    world_init(&w);
    world_open(&w);
    c = client_open(&w, 1);
    client_declare(c, "a");
    client_declare(c, "b");
    client_confirm(c);
    for (unsigned i = 0; i < COUNT; i++)
        send_publish(c, 1, i % 2 == 0 ? "a" : "b", bytes_of(body, SIZE));
    client_expect_confirmed(c, COUNT);
    memset(&m.basic_get, 0, sizeof(m.basic_get));
    m.basic_get.queue = bytes_text("b");
    m.basic_get.no_ack = true;
    client_consume(c, "a", "t", true);
    for (unsigned i = 0; i < COUNT / 2; i++)
        client_method(c, 1, &m);
    for (unsigned i = 0; i < COUNT; i++) {
        client_next(c);
        assert_int_equal(c->frame.type, FRAME_METHOD);
        assert_true(c->method.id == METHOD_BASIC_GET_OK || c->method.id == METHOD_BASIC_DELIVER);
        expect_body(c, bytes_of(body, SIZE));
    }
    client_expect_nothing(c, 100);
    client_free(c);
    mem_free(body);
    world_release(&w);
}

static void test_a_message_larger_than_allowed_is_refused_by_its_header(void **state)
{
    uint8_t *body = make_body(300000);
    struct client *c;
    struct world w;

    (void)state;
    world_init(&w);
    w.broker_options.message_max_bytes = 200000;
    world_open(&w);
    c = client_open(&w, 2);
    send_publish(c, 1, "q", bytes_of(body, 300000));
    client_expect_channel_close(c, 1, 406,
                                "PRECONDITION_FAILED - message size 300000 is larger than "
                                "configured max size 200000");
    amqp_check(w.door);
    client_free(c);
    mem_free(body);
    world_release(&w);
}

static void test_a_mandatory_message_comes_back_before_its_confirm(void **state)
{
    struct method m = {.id = METHOD_BASIC_PUBLISH};
    struct client *c;
    struct world w;

    (void)state;
    world_init(&w);
    world_open(&w);
    c = client_open(&w, 1);
    client_confirm(c);
    memset(&m.basic_publish, 0, sizeof(m.basic_publish));
    m.basic_publish.routing_key = bytes_text("nowhere");
    m.basic_publish.mandatory = true;
    client_method(c, 1, &m);
    client_content(c, 1, bytes_text("back"));
    client_expect(c, 1, METHOD_BASIC_RETURN);
    assert_int_equal(c->method.basic_return.reply_code, 312);
    assert_true(bytes_equal(c->method.basic_return.reply_text, bytes_text("NO_ROUTE")));
    client_expect_body(c, 1, "back");
    client_expect_confirmed(c, 1);
    client_free(c);
    world_release(&w);
}

/* A consumer of amq.rabbitmq.reply-to, and somebody who answers. */
static void test_an_answer_comes_straight_back(void **state)
{
    static const char reply_to[] = "amq.rabbitmq.reply-to";
    struct method m = {.id = METHOD_BASIC_PUBLISH};
    struct client *asks;
    struct client *answers;
    uint8_t props[64];
    uint8_t frames[256];
    struct bytes address;
    struct world w;

    (void)state;
    world_init(&w);
    world_open(&w);
    asks = client_open(&w, 1);
    answers = client_open(&w, 1);
    client_declare(answers, "rpc");
    client_consume(answers, "rpc", "t", true);
    client_consume(asks, reply_to, "r", true);
    memset(&m.basic_publish, 0, sizeof(m.basic_publish));
    m.basic_publish.routing_key = bytes_text("rpc");
    client_method(asks, 1, &m);
    struct writer p = writer_of(props, sizeof(props));
    writer_be16(&p, prop_flag(PROP_REPLY_TO));
    writer_u8(&p, sizeof(reply_to) - 1);
    writer_bytes(&p, bytes_text(reply_to));
    struct writer out = writer_of(frames, sizeof(frames));
    content_write(&out, 1, 1, writer_view(&p));
    body_write(&out, 1, bytes_text("?"), 4096);
    client_send(asks, writer_view(&out));
    client_expect_delivery(answers, 1, "?");
    assert_true(props_find_text(&answers->content.props, PROP_REPLY_TO, &address));
    assert_true(address.size > sizeof(reply_to));
    m.basic_publish.routing_key = address;
    client_method(answers, 1, &m);
    client_content(answers, 1, bytes_text("!"));
    client_expect_delivery(asks, 1, "!");
    client_free(asks);
    client_free(answers);
    world_release(&w);
}

static void bind_to_fanout(struct client *c, const char *queue)
{
    struct method m = {.id = METHOD_QUEUE_BIND};

    client_declare(c, queue);
    memset(&m.queue_bind, 0, sizeof(m.queue_bind));
    m.queue_bind.queue = bytes_text(queue);
    m.queue_bind.exchange = bytes_text("amq.fanout");
    client_method(c, 1, &m);
    client_expect(c, 1, METHOD_QUEUE_BIND_OK);
}

static uint32_t count_ready(struct client *c, const char *queue)
{
    struct method m = {.id = METHOD_QUEUE_DECLARE};

    memset(&m.queue_declare, 0, sizeof(m.queue_declare));
    m.queue_declare.queue = bytes_text(queue);
    m.queue_declare.passive = true;
    client_method(c, 1, &m);
    return client_expect(c, 1, METHOD_QUEUE_DECLARE_OK)->queue_declare_ok.message_count;
}

static void write_empty_publish(struct buf *out, const char *exchange, const char *key)
{
    struct method m = {.id = METHOD_BASIC_PUBLISH};
    uint8_t head[64];
    struct writer to = writer_of(head, sizeof(head));

    memset(&m.basic_publish, 0, sizeof(m.basic_publish));
    m.basic_publish.exchange = bytes_text(exchange);
    m.basic_publish.routing_key = bytes_text(key);
    method_write_buf(out, 1, &m);
    content_write(&to, 1, 0, props_none().bytes);
    buf_bytes(out, bytes_of(head, to.size));
}

/* A consumer that has room is served before basic.get, also when both are of one channel. */
static void test_a_get_takes_nothing_from_a_consumer_of_its_channel(void **state)
{
    struct method get = {.id = METHOD_BASIC_GET};
    struct buf both;
    struct client *c;
    struct world w;

    (void)state;
    world_init(&w);
    world_open(&w);
    c = client_open(&w, 1);
    client_declare(c, "q");
    client_consume(c, "q", "t", true);
    buf_init(&both, MIB); /* sent at once, so that one turn sees both */
    write_empty_publish(&both, "", "q");
    memset(&get.basic_get, 0, sizeof(get.basic_get));
    get.basic_get.queue = bytes_text("q");
    method_write_buf(&both, 1, &get);
    client_send(c, buf_view(&both));
    client_expect_delivery(c, 1, "");
    client_expect(c, 1, METHOD_BASIC_GET_EMPTY);
    buf_release(&both);
    client_free(c);
    world_release(&w);
}

/* Many messages to many queues are more than one turn's work: others are heard in between. */
/* Also when another one would have his turn. */
static void test_a_consumer_gets_what_came_before_he_is_cancelled(void **state)
{
    struct method cancel = {.id = METHOD_BASIC_CANCEL};
    struct client *first, *second;
    struct buf all;
    struct world w;

    (void)state;
    world_init(&w);
    world_open(&w);
    first = client_open(&w, 1);
    second = client_open(&w, 1);
    client_declare(first, "q");
    client_consume(first, "q", "t", true);
    client_consume(second, "q", "t", true);
    buf_init(&all, MIB); /* sent at once, so that one turn sees all of it */
    write_empty_publish(&all, "", "q");
    write_empty_publish(&all, "", "q");
    memset(&cancel.basic_cancel, 0, sizeof(cancel.basic_cancel));
    cancel.basic_cancel.consumer_tag = bytes_text("t");
    method_write_buf(&all, 1, &cancel);
    write_empty_publish(&all, "", "q");
    client_send(first, buf_view(&all));
    client_expect_delivery(first, 1, "");
    client_expect(first, 1, METHOD_BASIC_CANCEL_OK);
    client_expect_delivery(second, 1, "");
    client_expect_delivery(second, 2, "");
    buf_release(&all);
    client_free(first);
    client_free(second);
    world_release(&w);
}

static void test_a_wide_fan_out_leaves_others_their_turn(void **state)
{
    enum { QUEUES = 300, MESSAGES = 300 };
    struct buf burst;
    struct client *wide, *other;
    struct world w;
    uint32_t ready = 0;
    char name[16];

    (void)state;
    world_init(&w);
    world_open(&w);
    wide = client_open(&w, 1);
    other = client_open(&w, 1);
    for (int i = 0; i < QUEUES; i++) {
        snprintf(name, sizeof(name), "q%d", i);
        bind_to_fanout(wide, name);
    }
    buf_init(&burst, MIB);
    for (int i = 0; i < MESSAGES; i++)
        write_empty_publish(&burst, "amq.fanout", "");
    client_send(wide, buf_view(&burst));
    while (ready == 0)
        ready = count_ready(other, "q0");
    assert_true(ready < MESSAGES);
    while (ready < MESSAGES)
        ready = count_ready(other, "q0");
    buf_release(&burst);
    client_free(wide);
    client_free(other);
    world_release(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_bodies_of_all_sizes_come_as_they_went),
        LEAK_CHECKED(test_pieces_of_the_stream_mean_nothing),
        LEAK_CHECKED(test_content_of_channels_may_be_mixed),
        LEAK_CHECKED(test_a_get_takes_nothing_from_a_consumer_of_its_channel),
        LEAK_CHECKED(test_a_consumer_gets_what_came_before_he_is_cancelled),
        LEAK_CHECKED(test_a_wide_fan_out_leaves_others_their_turn),
        LEAK_CHECKED(test_a_slow_reader_holds_up_only_itself),
        LEAK_CHECKED(test_who_never_reads_is_cut_off),
        LEAK_CHECKED(test_other_channels_speak_between_the_frames_of_a_large_message),
        LEAK_CHECKED(test_a_channel_may_be_closed_inside_a_large_message),
        LEAK_CHECKED(test_large_messages_do_not_mix_on_a_channel),
        LEAK_CHECKED(test_a_message_larger_than_allowed_is_refused_by_its_header),
        LEAK_CHECKED(test_a_mandatory_message_comes_back_before_its_confirm),
        LEAK_CHECKED(test_an_answer_comes_straight_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
