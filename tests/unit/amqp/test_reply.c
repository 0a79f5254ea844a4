/* Tests of amqp/reply.h. */
#include "amqp/reply.h"

#include <string.h>

#include "amqp/wire/content.h"
#include "base/utf8.h"
#include "broker/refusal.h"
#include "tests/lib/test.h"

static void test_codes_end_a_channel_or_the_connection(void **state)
{
    static const int soft[] = {311, 312, 313, 403, 404, 405, 406};
    static const int hard[] = {320, 402, 501, 502, 503, 504, 505, 506, 530, 540, 541, 999};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(soft); i++)
        assert_false(reply_is_hard((enum reply_code)soft[i]));
    for (size_t i = 0; i < ARRAY_SIZE(hard); i++)
        assert_true(reply_is_hard((enum reply_code)hard[i]));
}

static void test_a_text_begins_with_the_name_of_its_code(void **state)
{
    struct refusal refusal = {.code = REFUSE_NOT_FOUND, .text = "no queue 'q' in vhost '/'"};
    struct reply r;

    (void)state;
    reply_of_refusal(&r, &refusal);
    assert_int_equal(r.code, 404);
    assert_string_equal(r.text, "NOT_FOUND - no queue 'q' in vhost '/'");
}

static void test_a_long_text_is_cut_at_a_character(void **state)
{
    struct refusal refusal = {.code = REFUSE_PRECONDITION};
    struct reply r;

    (void)state;
    for (size_t i = 0; i < 300; i++) /* an e with an accent, two bytes */
        memcpy(refusal.text + 1 + 2 * i, "\xc3\xa9", 2);
    for (size_t shift = 0; shift < 2; shift++) {
        memset(refusal.text, 'x', 1);
        struct refusal moved = refusal;
        if (shift == 1)
            memmove(moved.text, refusal.text + 1, 700);
        reply_of_refusal(&r, &moved);
        assert_true(strlen(r.text) <= REPLY_TEXT_MAX && strlen(r.text) >= REPLY_TEXT_MAX - 1);
        assert_true(utf8_valid(bytes_text(r.text)));
    }
}

static void test_what_is_wrong_with_a_frame_is_said_as_rabbitmq_says_it(void **state)
{
    static const uint8_t payload[] = {0, 20, 0, 20, 1, 0xcd};
    struct frame f = {.type = 1, .channel = 1, .size = 13, .payload = bytes_of(payload, 5)};
    struct reply r;

    (void)state;
    reply_of_frame(&r, WIRE_FRAME_END, &f, 4096);
    assert_string_equal(
        r.text,
        "FRAME_ERROR - type 1, all octets = <<0,20,0,20,1>>: {invalid_frame_end_marker,205}");
    f = (struct frame){.type = 3, .size = 5000 + 8};
    reply_of_frame(&r, WIRE_FRAME_TOO_LARGE, &f, 4096);
    assert_string_equal(
        r.text, "FRAME_ERROR - type 3, first 16 octets = <<>>: {frame_too_large,5000,4088}");
    f = (struct frame){.type = 9, .size = 8};
    reply_of_frame(&r, WIRE_FRAME_TYPE, &f, 4096);
    assert_string_equal(r.text, "FRAME_ERROR - type 9, all octets = <<>>: unknown_frame");
}

/* The codes in the table of results are those that clients see. */
static void test_every_fault_has_its_code(void **state)
{
    static const uint8_t end[] = {0};
    const struct content content = {.class_id = 50, .weight = 1, .body_size = UINT64_MAX};
    const struct frame f = {.type = 3, .size = 8, .payload = bytes_of(end, 0)};
    struct reply r;

    (void)state;
#define X(constant, wanted, text)                                                                  \
    if (constant >= WIRE_CONTENT_SHORT)                                                            \
        reply_of_content(&r, constant, &content);                                                  \
    else if (constant >= WIRE_METHOD_SHORT)                                                        \
        reply_of_method(&r, constant);                                                             \
    else                                                                                           \
        reply_of_frame(&r, constant, &f, 4096);                                                    \
    if ((wanted) != 0 && constant != WIRE_CONTENT_SHORT)                                           \
        assert_int_equal(r.code, wanted);
    WIRE_RESULT_LIST(X)
#undef X
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_codes_end_a_channel_or_the_connection),
        cmocka_unit_test(test_a_text_begins_with_the_name_of_its_code),
        cmocka_unit_test(test_a_long_text_is_cut_at_a_character),
        cmocka_unit_test(test_what_is_wrong_with_a_frame_is_said_as_rabbitmq_says_it),
        cmocka_unit_test(test_every_fault_has_its_code),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
