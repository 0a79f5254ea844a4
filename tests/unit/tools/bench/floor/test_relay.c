/* Tests of tools/bench/floor/relay.c: where a message ends, and what a delivery looks like. */
#include "amqp/wire/content.h"
#include "amqp/wire/method.h"
#include "base/mem.h"
#include "tests/lib/test.h"
#include "tools/bench/floor/parts.h"

enum { AREA = 65536, FRAME_MAX = 4096 };

static struct bytes write_message(uint8_t *area, size_t body_size)
{
    static uint8_t body[AREA];
    struct writer w = writer_of(area, AREA);
    struct method m = {
        .id = METHOD_BASIC_PUBLISH,
        .basic_publish = {.exchange = bytes_text("x"), .routing_key = bytes_text("key")},
    };

    for (size_t i = 0; i < body_size; i++)
        body[i] = (uint8_t)i;
    method_write(&w, 1, &m);
    content_write(&w, 1, body_size, props_none().bytes);
    body_write(&w, 1, bytes_of(body, body_size), FRAME_MAX);
    assert_false(w.is_failed);
    return writer_view(&w);
}

static void test_a_message_is_measured_when_it_is_whole(void **state)
{
    static const size_t sizes[] = {0, 1, 100, 4088, 4089, 20000};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        uint8_t *area = mem_alloc(AREA);
        struct bytes message = write_message(area, sizes[i]);

        struct relay_message m;

        for (size_t cut = 0; cut < message.size; cut++)
            assert_int_equal(relay_read(bytes_of(area, cut), &m), 0);
        assert_int_equal(relay_read(message, &m), message.size);
        assert_int_equal(m.frames.size, message.size);
        mem_free(area);
    }
}

static void test_what_makes_no_sense_is_refused(void **state)
{
    uint8_t *area = mem_alloc(AREA);
    struct bytes message = write_message(area, 10);
    size_t header = get_be32(area + 3) + FRAME_EMPTY_SIZE;
    struct relay_message m;

    (void)state;
    put_be64(area + header + FRAME_HEAD_SIZE + 4, 9); /* the body frame has more than that */
    assert_true(relay_read(message, &m) == SIZE_MAX);
    put_be64(area + header + FRAME_HEAD_SIZE + 4, UINT64_MAX);
    assert_true(relay_read(message, &m) == SIZE_MAX);
    mem_free(area);
}

static void expect_delivery(struct bytes out, const struct sink *s)
{
    struct content content;
    struct frame f;
    struct method m;

    assert_int_equal(frame_decode(out, FRAME_MAX, &f), WIRE_OK);
    assert_int_equal(f.channel, s->channel);
    assert_int_equal(method_decode(f.payload, &m), WIRE_OK);
    assert_int_equal(m.id, METHOD_BASIC_DELIVER);
    assert_int_equal(m.basic_deliver.delivery_tag, s->tag);
    assert_true(bytes_equal(m.basic_deliver.consumer_tag, bytes_text("c")));
    assert_true(bytes_equal(m.basic_deliver.exchange, bytes_text("x")));
    assert_true(bytes_equal(m.basic_deliver.routing_key, bytes_text("key")));
    out = bytes_of(out.data + f.size, out.size - f.size);
    assert_int_equal(frame_decode(out, FRAME_MAX, &f), WIRE_OK);
    assert_int_equal(f.channel, s->channel);
    assert_int_equal(content_decode(f.payload, &content), WIRE_OK);
    assert_int_equal(content.body_size, 5000);
    for (out = bytes_of(out.data + f.size, out.size - f.size); out.size > 0;
         out = bytes_of(out.data + f.size, out.size - f.size)) {
        assert_int_equal(frame_decode(out, FRAME_MAX, &f), WIRE_OK);
        assert_int_equal(f.channel, s->channel);
        assert_int_equal(f.type, FRAME_BODY);
    }
}

static void test_a_delivery_has_the_consumers_channel_in_every_frame(void **state)
{
    uint8_t *area = mem_alloc(AREA);
    struct bytes message = write_message(area, 5000);
    struct relay_message m;
    struct peer peer = {0};
    struct sink s = {.peer = &peer, .channel = 9};
    struct writer w = writer_of(s.opening, sizeof(s.opening));

    (void)state;
    buf_init(&peer.out, AREA);
    writer_be32(&w, METHOD_BASIC_DELIVER);
    writer_u8(&w, 1);
    writer_bytes(&w, bytes_text("c"));
    s.opening_size = w.size;
    assert_int_equal(relay_read(message, &m), message.size);
    relay_deliver(&s, &m);
    assert_int_equal(s.tag, 1);
    expect_delivery(buf_view(&peer.out), &s);
    buf_release(&peer.out);
    mem_free(area);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_message_is_measured_when_it_is_whole),
        cmocka_unit_test(test_what_makes_no_sense_is_refused),
        cmocka_unit_test(test_a_delivery_has_the_consumers_channel_in_every_frame),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
