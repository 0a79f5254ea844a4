/* Publishes that look the same are found where they lie, and nothing else is. */
#include "amqp/train.h"

#include <string.h>

#include "amqp/wire/content.h"
#include "amqp/wire/frame.h"
#include "amqp/wire/method.h"
#include "tests/lib/test.h"

enum { AREA_SIZE = 64 * 1024, BODIES_MAX = 8 };

static uint8_t area[AREA_SIZE];
static struct writer out;
static struct train_form form;

/* One publish behind those that are there. */
static void put(const char *key, size_t size)
{
    static uint8_t body[2 * TRAIN_BODY_MAX];
    struct method m = {.id = METHOD_BASIC_PUBLISH};

    memset(&m.basic_publish, 0, sizeof(m.basic_publish));
    memset(body, (int)size, size);
    m.basic_publish.routing_key = bytes_text(key);
    method_write(&out, 7, &m);
    content_write(&out, 7, size, bytes_of("\x10\x00\x01", 3));
    body_write(&out, 7, bytes_of(body, size), 131072);
    assert_false(out.is_failed);
}

/* One to compare with. */
static int setup(void **state)
{
    struct frame method, header;

    (void)state;
    out = writer_of(area, sizeof(area));
    put("key", 5);
    assert_int_equal(frame_decode(writer_view(&out), 131072, &method), WIRE_OK);
    assert_int_equal(
        frame_decode(bytes_of(area + method.size, out.size - method.size), 131072, &header),
        WIRE_OK);
    form = train_form_of(bytes_of(area, method.size + header.size), method.size);
    out = writer_of(area + out.size, sizeof(area) - out.size);
    return 0;
}

static size_t gather(struct bytes bodies[BODIES_MAX])
{
    return train_gather(&form, bytes_of(out.data, out.size), bodies, BODIES_MAX);
}

static void test_bodies_of_any_size_are_found(void **state)
{
    static const size_t sizes[] = {5, 0, 1, TRAIN_BODY_MAX, 0, 300};
    struct bytes bodies[BODIES_MAX];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
        put("key", sizes[i]);
    assert_int_equal(gather(bodies), ARRAY_SIZE(sizes));
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        assert_int_equal(bodies[i].size, sizes[i]);
        for (size_t k = 0; k < sizes[i]; k++)
            assert_int_equal(bodies[i].data[k], (uint8_t)sizes[i]);
    }
    assert_ptr_equal(train_body_end(bodies[5]), out.data + out.size);
}

static void test_no_more_are_taken_than_wanted(void **state)
{
    struct bytes bodies[BODIES_MAX];

    (void)state;
    for (size_t i = 0; i < BODIES_MAX + 3; i++)
        put("key", i % 3);
    assert_int_equal(gather(bodies), BODIES_MAX);
    assert_int_equal(train_gather(&form, bytes_of(out.data, out.size), bodies, 2), 2);
}

static void test_another_key_ends_it(void **state)
{
    struct bytes bodies[BODIES_MAX];

    (void)state;
    put("key", 5);
    put("kez", 5);
    put("key", 5);
    assert_int_equal(gather(bodies), 1);
}

static void test_a_large_body_ends_it(void **state)
{
    struct bytes bodies[BODIES_MAX];

    (void)state;
    put("key", 5);
    put("key", TRAIN_BODY_MAX + 1);
    assert_int_equal(gather(bodies), 1);
}

/* Whatever is missing or wrong is left for those who look closer. */
static void test_a_part_of_a_message_is_not_taken(void **state)
{
    struct bytes bodies[BODIES_MAX];

    (void)state;
    put("key", 5);
    size_t one = out.size;
    put("key", 5);
    for (size_t size = one; size < 2 * one; size++)
        assert_int_equal(train_gather(&form, bytes_of(out.data, size), bodies, BODIES_MAX), 1);
    for (size_t size = 0; size < one; size++)
        assert_int_equal(train_gather(&form, bytes_of(out.data, size), bodies, BODIES_MAX), 0);
}

static void test_any_other_byte_outside_the_body_ends_it(void **state)
{
    struct bytes bodies[BODIES_MAX];

    (void)state;
    put("key", 5);
    size_t body_at = out.size - 5 - FRAME_END_SIZE;
    for (size_t i = 0; i < out.size; i++) {
        bool is_in_body = i >= body_at && i < out.size - FRAME_END_SIZE;

        out.data[i] ^= 0x81;
        assert_int_equal(gather(bodies), is_in_body ? 1 : 0);
        out.data[i] ^= 0x81;
    }
    assert_int_equal(gather(bodies), 1);
}

/* A body that comes in two frames is for those who look closer, too. */
static void test_a_cut_body_ends_it(void **state)
{
    struct bytes bodies[BODIES_MAX];
    struct method m = {.id = METHOD_BASIC_PUBLISH};

    (void)state;
    memset(&m.basic_publish, 0, sizeof(m.basic_publish));
    m.basic_publish.routing_key = bytes_text("key");
    method_write(&out, 7, &m);
    content_write(&out, 7, 8, bytes_of("\x10\x00\x01", 3));
    body_write(&out, 7, bytes_text("eightlet"), 12);
    assert_false(out.is_failed);
    assert_int_equal(gather(bodies), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_bodies_of_any_size_are_found, setup),
        cmocka_unit_test_setup(test_no_more_are_taken_than_wanted, setup),
        cmocka_unit_test_setup(test_another_key_ends_it, setup),
        cmocka_unit_test_setup(test_a_large_body_ends_it, setup),
        cmocka_unit_test_setup(test_a_part_of_a_message_is_not_taken, setup),
        cmocka_unit_test_setup(test_any_other_byte_outside_the_body_ends_it, setup),
        cmocka_unit_test_setup(test_a_cut_body_ends_it, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
