/* Tests of tools/bench/amqp/desk_form.h: only a delivery that is right in every byte is read. */
#include "tools/bench/amqp/desk_form.h"

#include "tests/lib/test.h"

enum { CHANNEL = 3, BODY_SIZE = 20, AREA = 512 };

static const uint8_t body[BODY_SIZE] = "twenty bytes of body";

static struct method deliver_of(uint64_t tag, bool is_redelivered)
{
    return (struct method){
        .id = METHOD_BASIC_DELIVER,
        .basic_deliver = {.consumer_tag = bytes_text("c"),
                          .delivery_tag = tag,
                          .redelivered = is_redelivered,
                          .exchange = bytes_text("x"),
                          .routing_key = bytes_text("a.key")},
    };
}

static size_t write_delivery(uint8_t *area, const struct method *m)
{
    struct writer w = writer_of(area, AREA);

    method_write(&w, CHANNEL, m);
    content_write(&w, CHANNEL, BODY_SIZE, props_none().bytes);
    body_write(&w, CHANNEL, bytes_of(body, BODY_SIZE), 4096);
    assert_false(w.is_failed);
    return w.size;
}

static struct desk_form form(void)
{
    struct method m = deliver_of(1, false);
    struct content content = {.body_size = BODY_SIZE, .props = props_none()};
    struct desk_form f = {0};

    desk_form_open(&f, &m);
    assert_false(f.is_known);
    desk_form_close(&f, CHANNEL, &content);
    assert_true(f.is_known);
    return f;
}

static void test_the_next_delivery_is_read(void **state)
{
    struct desk_form f = form();
    struct method m = deliver_of(2, false);
    struct desk_seen seen;
    uint8_t area[AREA];
    size_t size = write_delivery(area, &m);

    (void)state;
    assert_true(desk_form_read(&f, bytes_of(area, size), 2, BODY_SIZE, &seen));
    assert_int_equal(seen.size, size);
    assert_true(bytes_equal(seen.key, bytes_text("a.key")));
    assert_true(bytes_equal(seen.body, bytes_of(body, BODY_SIZE)));
}

static void test_one_that_is_not_whole_is_not_read(void **state)
{
    struct desk_form f = form();
    struct method m = deliver_of(2, false);
    struct desk_seen seen;
    uint8_t area[AREA];
    size_t size = write_delivery(area, &m);

    (void)state;
    for (size_t cut = FRAME_HEAD_SIZE; cut < size; cut++)
        assert_false(desk_form_read(&f, bytes_of(area, cut), 2, BODY_SIZE, &seen));
}

static void test_another_tag_or_a_redelivery_is_not_read(void **state)
{
    struct desk_form f = form();
    struct method again = deliver_of(2, true);
    struct desk_seen seen;
    uint8_t area[AREA];
    size_t size = write_delivery(area, &again);

    (void)state;
    assert_false(desk_form_read(&f, bytes_of(area, size), 2, BODY_SIZE, &seen));
    assert_false(desk_form_read(&f, bytes_of(area, size), 3, BODY_SIZE, &seen));
}

/* But for the key and the body, which others check, and the exchange, every bit counts. */
static void test_no_other_bit_may_differ(void **state)
{
    struct desk_form f = form();
    struct method m = deliver_of(2, false);
    uint8_t area[AREA];
    size_t size = write_delivery(area, &m), passed = 0;
    size_t names = 1 + 5; /* "x" and "a.key" */

    (void)state;
    for (size_t bit = 0; bit < size * 8; bit++) {
        struct desk_seen seen;

        area[bit / 8] ^= (uint8_t)(1 << bit % 8);
        /* The channel in the first frame's head chose the form. */
        if (bit / 8 != 1 && bit / 8 != 2 &&
            desk_form_read(&f, bytes_of(area, size), 2, BODY_SIZE, &seen))
            passed++;
        area[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    assert_int_equal(passed, (names + BODY_SIZE) * 8);
}

static void test_properties_that_are_too_long_are_never_known(void **state)
{
    uint8_t props[DESK_FORM_SIZE] = {0};
    struct method m = deliver_of(1, false);
    struct content content = {.body_size = BODY_SIZE,
                              .props = {.bytes = {.data = props, .size = sizeof(props)}}};
    struct desk_form f = {0};

    (void)state;
    desk_form_open(&f, &m);
    desk_form_close(&f, CHANNEL, &content);
    assert_false(f.is_known);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_next_delivery_is_read),
        cmocka_unit_test(test_one_that_is_not_whole_is_not_read),
        cmocka_unit_test(test_another_tag_or_a_redelivery_is_not_read),
        cmocka_unit_test(test_no_other_bit_may_differ),
        cmocka_unit_test(test_properties_that_are_too_long_are_never_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
