/* Tests of amqp/wire/content. */
#include "amqp/wire/content.h"

#include "base/mem.h"
#include "base/rand.h"
#include "msg/msg.h"
#include "tests/lib/hex.h"
#include "tests/lib/leaks.h"
#include "tests/lib/seed.h"
#include "tests/lib/test.h"

static enum wire_result decode(const char *text, struct content *out)
{
    struct bytes payload = hex_new(text);
    enum wire_result result = content_decode(payload, out);

    hex_free(payload);
    return result;
}

static void test_a_content_header_is_read(void **state)
{
    struct bytes payload = hex_new("003c 0000 0000000000000400 9000 03 'a/b' 02");
    struct content c;
    struct bytes text;

    (void)state;
    assert_int_equal(content_decode(payload, &c), WIRE_OK);
    assert_int_equal(c.class_id, 60);
    assert_int_equal(c.weight, 0);
    assert_int_equal(c.body_size, 1024);
    assert_true(props_find_text(&c.props, PROP_CONTENT_TYPE, &text));
    assert_true(bytes_equal(text, bytes_text("a/b")));
    assert_true(props_has(&c.props, PROP_DELIVERY_MODE));
    hex_expect(c.props.bytes, "9000 03 'a/b' 02"); /* as it came */
    hex_free(payload);
}

static void test_a_content_header_cut_anywhere_is_refused(void **state)
{
    struct bytes whole = hex_new("003c 0000 0000000000000400 9000 03 'a/b' 02");

    (void)state;
    for (size_t size = 0; size < whole.size; size++) {
        struct bytes cut = hex_copy(bytes_of(whole.data, size));
        struct content c;
        assert_int_equal(content_decode(cut, &c),
                         size < CONTENT_HEAD_SIZE ? WIRE_CONTENT_SHORT : WIRE_CONTENT_PROPS);
        hex_free(cut);
    }
    hex_free(whole);
}

static void test_what_is_wrong_with_a_content_header_is_told_apart(void **state)
{
    struct content c;

    (void)state;
    assert_int_equal(decode("003c 0001 0000000000000400 0000", &c), WIRE_CONTENT_WEIGHT);
    assert_int_equal(c.weight, 1);
    assert_int_equal(decode("0032 0000 0000000000000400 0000", &c), WIRE_CONTENT_CLASS);
    assert_int_equal(c.class_id, 50);
    assert_int_equal(decode("0032 0001 ffffffffffffffff 0000", &c), WIRE_CONTENT_WEIGHT);
    assert_int_equal(decode("0032 0000 ffffffffffffffff 0000", &c), WIRE_CONTENT_CLASS);
    assert_int_equal(decode("003c 0000 0000000000000400 0000 00", &c), WIRE_CONTENT_PROPS);
    assert_int_equal(decode("003c 0000 0000000000000400 0001 8000", &c), WIRE_CONTENT_PROPS);
    assert_int_equal(decode("003c 0000 0000000000000400 2000 00000002 01'a'", &c),
                     WIRE_CONTENT_PROPS);
}

static void test_bodies_have_a_limit_of_512_mib(void **state)
{
    struct content c;

    (void)state;
    assert_int_equal(decode("003c 0000 0000000000000000 0000", &c), WIRE_OK);
    assert_int_equal(c.body_size, 0);
    assert_int_equal(decode("003c 0000 000000001fffffff 0000", &c), WIRE_OK);
    assert_int_equal(decode("003c 0000 0000000020000000 0000", &c), WIRE_OK);
    assert_int_equal(c.body_size, MESSAGE_BODY_MAX);
    assert_int_equal(decode("003c 0000 0000000020000001 0000", &c), WIRE_CONTENT_SIZE);
    assert_int_equal(c.body_size, MESSAGE_BODY_MAX + 1); /* for the reply's text */
    assert_int_equal(decode("003c 0000 8000000000000000 0000", &c), WIRE_CONTENT_SIZE);
    assert_int_equal(decode("003c 0000 ffffffffffffffff 0000", &c), WIRE_CONTENT_SIZE);
}

static void test_a_header_frame_is_written_as_the_specification_says(void **state)
{
    struct bytes props = hex_new("9000 03 'a/b' 02");
    static const char frame[] = "02 0007 00000013 003c 0000 0000000000000400 9000 03 'a/b' 02 ce";
    size_t size = content_frame_size(props.size);

    (void)state;
    for (size_t room = 0; room <= size; room++) {
        uint8_t area[64];
        struct writer w = writer_of(area, room);
        content_write(&w, 7, 1024, props);
        assert_int_equal(w.is_failed, room < size);
        hex_expect(writer_view(&w), room < size ? "" : frame);
    }
    hex_free(props);
}

static void test_a_header_leaves_as_it_came(void **state)
{
    static const char *const rows[] = {
        "0000",
        "2000 00000000",
        "0001 0000",
        "2100 00000009 01'a' 41 00000002 74 07 05 '60000'",
        "fffc 00 00 00000000 01 00 00 00 00 00 ffffffffffffffff 00 00 00 00",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct bytes props = hex_new(rows[i]);
        uint8_t area[128];
        struct writer w = writer_of(area, sizeof(area));
        struct content c;
        struct frame f;
        content_write(&w, 1, 5, props);
        assert_int_equal(frame_decode(writer_view(&w), 4096, &f), WIRE_OK);
        assert_int_equal(content_decode(f.payload, &c), WIRE_OK);
        hex_expect(c.props.bytes, rows[i]);
        hex_free(props);
    }
}

static void test_bodies_are_cut_to_the_size_of_a_frame(void **state)
{
    static const struct {
        size_t body;
        size_t frames;
        size_t last;
    } rows[] = {{0, 0, 0}, {1, 1, 1}, {7, 1, 7}, {8, 1, 8}, {9, 2, 1}, {16, 2, 8}, {100, 13, 4}};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        uint8_t body[100];
        struct body_cut cut = body_cut(bytes_of(body, rows[i].body), FRAME_EMPTY_SIZE + 8);
        struct bytes part = bytes_of(NULL, 0);
        size_t count = 0;
        size_t size = 0;
        while (body_next(&cut, &part)) {
            assert_ptr_equal(part.data, body + size);
            size += part.size;
            count++;
        }
        assert_int_equal(count, rows[i].frames);
        assert_int_equal(part.size, rows[i].last);
        assert_int_equal(size, rows[i].body);
        assert_int_equal(body_frames_size(rows[i].body, FRAME_EMPTY_SIZE + 8), size + 8 * count);
    }
}

static void test_body_frames_are_written_as_the_specification_says(void **state)
{
    static const char frames[] =
        "03 0102 00000004 'abcd' ce 03 0102 00000004 'efgh' ce 03 0102 00000001 'i' ce";
    size_t size = body_frames_size(9, FRAME_EMPTY_SIZE + 4);

    (void)state;
    for (size_t room = 0; room <= size; room++) {
        uint8_t area[64];
        struct writer w = writer_of(area, room);
        body_write(&w, 0x0102, bytes_text("abcdefghi"), FRAME_EMPTY_SIZE + 4);
        assert_int_equal(w.is_failed, room < size);
        hex_expect(writer_view(&w), room < size ? "" : frames);
    }
}

static void test_an_empty_body_has_no_frame(void **state)
{
    struct writer w = writer_of(NULL, 0);

    (void)state;
    body_write(&w, 1, bytes_of(NULL, 0), 4096);
    assert_false(w.is_failed);
    assert_int_equal(w.size, 0);
    assert_int_equal(body_frames_size(0, 4096), 0);
}

static void test_random_bodies_come_back_whole(void **state)
{
    enum { BODY_MAX = 5000 };
    struct rand r;
    uint8_t body[BODY_MAX];
    uint8_t back[BODY_MAX];

    (void)state;
    rand_init(&r, test_seed());
    rand_fill(&r, body, sizeof(body));
    for (int round = 0; round < 200; round++) {
        size_t body_size = rand_below(&r, BODY_MAX + 1);
        uint32_t frame_max = FRAME_EMPTY_SIZE + 1 + (uint32_t)rand_below(&r, 600);
        size_t size = body_frames_size(body_size, frame_max);
        uint8_t *area = mem_alloc(size);
        struct writer w = writer_of(area, size);
        size_t got = 0;
        body_write(&w, 3, bytes_of(body, body_size), frame_max);
        assert_int_equal(w.size, size);
        for (size_t at = 0; at < size;) {
            struct frame f;
            assert_int_equal(frame_decode(bytes_of(area + at, size - at), frame_max, &f), WIRE_OK);
            assert_int_equal(f.type, FRAME_BODY);
            assert_true(f.size <= frame_max); /* without the tolerance */
            memcpy(back + got, f.payload.data, f.payload.size);
            got += f.payload.size;
            at += f.size;
        }
        assert_int_equal(got, body_size);
        assert_memory_equal(back, body, body_size);
        mem_free(area);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_a_content_header_is_read),
        LEAK_CHECKED(test_a_content_header_cut_anywhere_is_refused),
        LEAK_CHECKED(test_what_is_wrong_with_a_content_header_is_told_apart),
        LEAK_CHECKED(test_bodies_have_a_limit_of_512_mib),
        LEAK_CHECKED(test_a_header_frame_is_written_as_the_specification_says),
        LEAK_CHECKED(test_a_header_leaves_as_it_came),
        LEAK_CHECKED(test_bodies_are_cut_to_the_size_of_a_frame),
        LEAK_CHECKED(test_body_frames_are_written_as_the_specification_says),
        LEAK_CHECKED(test_an_empty_body_has_no_frame),
        LEAK_CHECKED(test_random_bodies_come_back_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
