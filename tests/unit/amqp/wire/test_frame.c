/* Tests of amqp/wire/frame. */
#include "amqp/wire/frame.h"

#include "base/rand.h"
#include "tests/lib/hex.h"
#include "tests/lib/leaks.h"
#include "tests/lib/seed.h"
#include "tests/lib/test.h"

enum { FRAME_MAX = 4096 };

static enum wire_result decode(const char *text, struct frame *out)
{
    struct bytes window = hex_new(text);
    enum wire_result result = frame_decode(window, FRAME_MAX, out);

    if (out->payload.size > 0)
        assert_ptr_equal(out->payload.data, window.data + FRAME_HEAD_SIZE);
    hex_free(window);
    return result;
}

static void test_frames_of_all_types_are_read(void **state)
{
    struct frame f;

    (void)state;
    assert_int_equal(decode("01 0102 00000004 'abcd' ce", &f), WIRE_OK);
    assert_int_equal(f.type, FRAME_METHOD);
    assert_int_equal(f.channel, 0x0102);
    assert_int_equal(f.size, 12);
    assert_int_equal(f.payload.size, 4);
    assert_int_equal(decode("01 0000 00000000 ce", &f), WIRE_OK); /* too short for a method, but */
    assert_int_equal(decode("02 0001 00000001 00 ce", &f), WIRE_OK);
    assert_int_equal(f.type, FRAME_HEADER);
    assert_int_equal(decode("03 ffff 00000002 cece ce", &f), WIRE_OK);
    assert_int_equal(f.type, FRAME_BODY);
    assert_int_equal(f.channel, 65535);
    assert_int_equal(decode("03 0001 00000000 ce", &f), WIRE_OK); /* an empty part of a body */
    assert_int_equal(decode("08 0000 00000000 ce", &f), WIRE_OK);
    assert_int_equal(f.type, FRAME_HEARTBEAT);
    assert_int_equal(f.size, FRAME_EMPTY_SIZE);
}

static void test_what_follows_a_frame_is_not_looked_at(void **state)
{
    struct frame f;

    (void)state;
    assert_int_equal(decode("08 0000 00000000 ce ff ffff", &f), WIRE_OK);
    assert_int_equal(f.size, 8);
    assert_int_equal(f.payload.size, 0);
}

static void test_a_frame_in_pieces_says_how_much_it_needs(void **state)
{
    struct bytes whole = hex_new("03 0001 0000000a '0123456789' ce");
    struct frame f;

    (void)state;
    for (size_t size = 0; size <= whole.size; size++) {
        struct bytes window = hex_copy(bytes_of(whole.data, size));
        enum wire_result result = frame_decode(window, FRAME_MAX, &f);
        assert_int_equal(result, size < whole.size ? WIRE_MORE : WIRE_OK);
        assert_int_equal(f.size, size < FRAME_HEAD_SIZE ? FRAME_HEAD_SIZE : whole.size);
        assert_true(f.payload.size <= size);
        hex_free(window);
    }
    hex_free(whole);
}

static void test_types_that_are_none_are_refused_from_the_head(void **state)
{
    (void)state;
    for (unsigned type = 0; type <= UINT8_MAX; type++) {
        uint8_t head[FRAME_HEAD_SIZE] = {(uint8_t)type, 0, type == FRAME_HEARTBEAT ? 0 : 1};
        struct frame f;
        bool is_type = type == 1 || type == 2 || type == 3 || type == 8;
        assert_int_equal(frame_decode(bytes_of(head, sizeof(head)), FRAME_MAX, &f),
                         is_type ? WIRE_MORE : WIRE_FRAME_TYPE);
        assert_int_equal(f.type, type);
    }
}

static void test_sizes_are_limited_with_the_tolerance_of_rabbitmq(void **state)
{
    static const struct {
        uint32_t frame_max;
        uint32_t payload;
        enum wire_result result;
    } rows[] = {
        {4096, 4088, WIRE_MORE},
        {4096, 4095, WIRE_MORE},
        {4096, 4096, WIRE_MORE}, /* frame_max - 8 + 8 */
        {4096, 4097, WIRE_FRAME_TOO_LARGE},
        {131072, 131072, WIRE_MORE},
        {131072, 131073, WIRE_FRAME_TOO_LARGE},
        {8192, 8193, WIRE_FRAME_TOO_LARGE},
        {1048576, 1048577, WIRE_FRAME_TOO_LARGE},
        {131072, 0x7fffffff, WIRE_FRAME_TOO_LARGE},
        {131072, 0x80000000, WIRE_FRAME_TOO_LARGE},
        {131072, 0xffffffff, WIRE_FRAME_TOO_LARGE},
        {UINT32_MAX, UINT32_MAX, WIRE_MORE},
        {8, 8, WIRE_MORE},
        {8, 9, WIRE_FRAME_TOO_LARGE},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        uint8_t head[FRAME_HEAD_SIZE] = {FRAME_METHOD};
        struct frame f;
        put_be32(head + 3, rows[i].payload);
        struct bytes window = hex_copy(bytes_of(head, sizeof(head)));
        assert_int_equal(frame_decode(window, rows[i].frame_max, &f), rows[i].result);
        assert_int_equal(f.size, (size_t)rows[i].payload + 8); /* for the reply's text */
        hex_free(window);
    }
}

static void test_the_end_octet_is_required(void **state)
{
    struct frame f;

    (void)state;
    for (unsigned end = 0; end <= UINT8_MAX; end++) {
        uint8_t bytes[] = {FRAME_METHOD, 0, 1, 0, 0, 0, 1, 'x', (uint8_t)end};
        assert_int_equal(frame_decode(bytes_of(bytes, sizeof(bytes)), FRAME_MAX, &f),
                         end == 0xce ? WIRE_OK : WIRE_FRAME_END);
        assert_int_equal(f.size, 9);
        assert_int_equal(f.payload.size, 1);
    }
}

static void test_heartbeats_are_empty_and_on_channel_0(void **state)
{
    struct frame f;

    (void)state;
    assert_int_equal(decode("08 0000 00000001 00 ce", &f), WIRE_HEARTBEAT_PAYLOAD);
    assert_int_equal(decode("08 0000 00000001", &f), WIRE_HEARTBEAT_PAYLOAD);
    assert_int_equal(decode("08 0005 00000001", &f), WIRE_HEARTBEAT_PAYLOAD);
    assert_int_equal(decode("08 0005 00000000 ce", &f), WIRE_HEARTBEAT_CHANNEL);
    assert_int_equal(f.channel, 5);
    assert_int_equal(decode("08 0100 00000000", &f), WIRE_HEARTBEAT_CHANNEL);
    assert_int_equal(decode("08 0000 00000000 cf", &f), WIRE_FRAME_END);
}

static void test_content_is_not_on_channel_0(void **state)
{
    struct frame f;

    (void)state;
    assert_int_equal(decode("02 0000 00000001 00 ce", &f), WIRE_CONTENT_CHANNEL);
    assert_int_equal(decode("03 0000 00000001 00 ce", &f), WIRE_CONTENT_CHANNEL);
    assert_int_equal(decode("03 0000 00000001", &f), WIRE_CONTENT_CHANNEL);
}

static void test_a_fault_shows_what_of_the_payload_is_there(void **state)
{
    struct frame f;

    (void)state;
    assert_int_equal(decode("09 0001 00000005 'abc'", &f), WIRE_FRAME_TYPE);
    assert_int_equal(f.payload.size, 3);
    assert_int_equal(decode("01 0001 00002000 'abc'", &f), WIRE_FRAME_TOO_LARGE);
    assert_int_equal(f.payload.size, 3);
    assert_int_equal(f.channel, 1);
}

static void test_a_stream_of_frames_is_the_same_however_it_is_cut(void **state)
{
    struct rand r;
    uint8_t stream[4096];
    struct writer w = writer_of(stream, sizeof(stream));
    size_t count = 0;

    (void)state;
    rand_init(&r, test_seed());
    while (w.size < 3000) {
        size_t size = rand_below(&r, 40);
        uint8_t *at = writer_skip(&w, size + FRAME_EMPTY_SIZE);
        at = frame_put_head(at, FRAME_BODY, (uint16_t)(1 + count), size);
        rand_fill(&r, at, size);
        at[size] = FRAME_END;
        count++;
    }
    size_t seen = 0;
    size_t from = 0; /* what was read */
    size_t to = 0;   /* what has come */
    while (seen < count) {
        struct frame f;
        struct bytes window = hex_copy(bytes_of(stream + from, to - from));
        enum wire_result result = frame_decode(window, FRAME_MAX, &f);
        assert_true(result == WIRE_OK || result == WIRE_MORE);
        if (result == WIRE_OK) {
            assert_int_equal(f.channel, 1 + seen);
            from += f.size;
            seen++;
        } else {
            assert_true(f.size > to - from); /* never asks again for nothing */
            to += 1 + rand_below(&r, 20);
            to = to < w.size ? to : w.size;
        }
        hex_free(window);
    }
    assert_int_equal(from, w.size);
}

static void test_a_heartbeat_is_written_whole_or_not_at_all(void **state)
{
    uint8_t area[FRAME_EMPTY_SIZE + 1] = {0};

    (void)state;
    for (size_t room = 0; room <= sizeof(area); room++) {
        struct writer w = writer_of(area, room);
        frame_write_heartbeat(&w);
        assert_int_equal(w.is_failed, room < FRAME_EMPTY_SIZE);
        assert_int_equal(w.size, room < FRAME_EMPTY_SIZE ? 0 : FRAME_EMPTY_SIZE);
    }
    hex_expect(bytes_of(area, sizeof(area)), "08 0000 00000000 ce 00");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_frames_of_all_types_are_read),
        LEAK_CHECKED(test_what_follows_a_frame_is_not_looked_at),
        LEAK_CHECKED(test_a_frame_in_pieces_says_how_much_it_needs),
        LEAK_CHECKED(test_types_that_are_none_are_refused_from_the_head),
        LEAK_CHECKED(test_sizes_are_limited_with_the_tolerance_of_rabbitmq),
        LEAK_CHECKED(test_the_end_octet_is_required),
        LEAK_CHECKED(test_heartbeats_are_empty_and_on_channel_0),
        LEAK_CHECKED(test_content_is_not_on_channel_0),
        LEAK_CHECKED(test_a_fault_shows_what_of_the_payload_is_there),
        LEAK_CHECKED(test_a_stream_of_frames_is_the_same_however_it_is_cut),
        LEAK_CHECKED(test_a_heartbeat_is_written_whole_or_not_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
