/* Tests of http/head.h. */
#include "http/head.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "tests/lib/test.h"

/* The status that a request's head is refused with; 0: it is fine. */
static int status_of(const char *text, struct http_head *out)
{
    struct http_scan scan = {0};
    size_t size = 0;
    int status = 0;
    int rv = http_head_scan(&scan, bytes_text(text), &size, &status);

    if (rv == ERR_AGAIN)
        return -1;
    return rv != 0 ? status : http_head_read(bytes_of(text, size), out);
}

static int status(const char *text)
{
    static struct http_head head;

    return status_of(text, &head);
}

static void test_a_head_is_read(void **state)
{
    static struct http_head h;
    struct bytes value = {0};

    (void)state;
    assert_int_equal(status_of("PUT /api/x?y HTTP/1.1\r\nHost: a\r\nContent-Length: 12\r\n"
                               "X-Reason:  two words \t\r\n\r\nbody",
                               &h),
                     0);
    assert_int_equal(h.method, HTTP_PUT);
    assert_true(bytes_equal(h.target, bytes_text("/api/x?y")));
    assert_true(h.has_length && h.content_length == 12 && !h.is_chunked && h.is_keep_alive);
    assert_true(http_head_find(&h, "x-reason", &value));
    assert_true(bytes_equal(value, bytes_text("two words")));
    assert_false(http_head_find(&h, "x-reaso", &value));
}

static void test_versions_and_keeping_alive(void **state)
{
    static struct http_head h;

    (void)state;
    assert_int_equal(status_of("GET / HTTP/1.0\r\n\r\n", &h), 0);
    assert_true(h.is_1_0 && !h.is_keep_alive);
    assert_int_equal(status_of("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", &h), 0);
    assert_true(h.is_keep_alive);
    assert_int_equal(status_of("GET / HTTP/1.1\r\nHost:\r\nConnection: a, Close\r\n\r\n", &h), 0);
    assert_false(h.is_keep_alive);
    assert_int_equal(status("GET / HTTP/1.1\r\n\r\n"), 400); /* no host */
    assert_int_equal(status("GET / HTTP/1.2\r\nHost: a\r\n\r\n"), 505);
    assert_int_equal(status("GET / HTTP/2.0\r\nHost: a\r\n\r\n"), 505);
    assert_int_equal(status("GET / HTTQ/1.1\r\nHost: a\r\n\r\n"), 400);
    assert_int_equal(status("GET /\r\n\r\n"), 400);
    assert_int_equal(status("GET /  HTTP/1.1\r\nHost: a\r\n\r\n"), 400);
}

static void test_what_two_readers_could_read_differently_is_refused(void **state)
{
    static const struct {
        int status;
        const char *fields;
    } cases[] = {
        {400, "Content-Length: 1\r\nContent-Length: 1\r\n"},
        {400, "Content-Length: 1\r\ncontent-length: 2\r\n"},
        {400, "Content-Length: 1, 1\r\n"},
        {400, "Content-Length: +1\r\n"},
        {400, "Content-Length: -1\r\n"},
        {400, "Content-Length: 0x1\r\n"},
        {400, "Content-Length:\r\n"},
        {400, "Content-Length: 18446744073709551616\r\n"},
        {400, "Content-Length: 9223372036854775808\r\n"},
        {400, "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n"},
        {400, "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"},
        {501, "Transfer-Encoding: gzip, chunked\r\n"},
        {501, "Transfer-Encoding: identity\r\n"},
        {501, "Transfer-Encoding: xchunked\r\n"},
        {0, "Transfer-Encoding: Chunked\r\n"},
        {400, "Content-Length : 1\r\n"},
        {400, " Content-Length: 1\r\n"},
        {400, "A: b\r\n Content-Length: 1\r\n"},
        {400, ": nameless\r\n"},
        {400, "no colon\r\n"},
        {400, "A\x01: b\r\n"},
        {400, "A: b\x01\r\n"},
        {400, "A: b\x7f\r\n"},
        {400, "A: b\rc\r\n"},
        {400, "A: b\nB: c\r\n"},
        {400, "Host: b\r\n"}, /* the second */
        {417, "Expect: miracles\r\n"},
        {0, "Expect: 100-Continue\r\n"},
        {0, "A: \xc3\xa9\r\n"},
    };
    char text[512];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        (void)snprintf(text, sizeof(text), "POST / HTTP/1.1\r\nHost: a\r\n%s\r\n", cases[i].fields);
        if (status(text) != cases[i].status)
            fail_msg("%s: %d", cases[i].fields, status(text));
    }
    assert_int_equal(status("GET / HTTP/1.1\nHost: a\n\n"), 400);
    assert_int_equal(status("GET /#a HTTP/1.1\r\nHost: a\r\n\r\n"), 400);
    assert_int_equal(status("GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n"), 400);
    assert_int_equal(status("G(T / HTTP/1.1\r\nHost: a\r\n\r\n"), 400);
    assert_int_equal(status("\x16\x03\x01"), 400); /* TLS */
    assert_int_equal(status("\r\nGET / HTTP/1.1\r\n"), 400);
}

static void test_limits_hold_to_the_byte(void **state)
{
    static char text[HTTP_HEAD_MAX + 100];
    static struct http_head h;
    size_t fill = 0;

    (void)state;
    for (int over = 0; over <= 1; over++) {
        fill = HTTP_TARGET_MAX - 1 + (size_t)over;
        (void)snprintf(text, sizeof(text), "GET /%0*d HTTP/1.1\r\nHost: a\r\n\r\n", (int)fill, 0);
        assert_int_equal(status_of(text, &h), over == 0 ? 0 : 414);
    }
    for (int over = 0; over <= 1; over++) {
        int head = snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: a\r\nA: \r\n\r\n");

        fill = HTTP_HEAD_MAX - (size_t)head + (size_t)over;
        (void)snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: a\r\nA: %0*d\r\n\r\n",
                       (int)fill, 0);
        assert_int_equal(status_of(text, &h), over == 0 ? 0 : 431);
    }
    for (int over = 0; over <= 1; over++) {
        int size = snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: a\r\n");

        for (int i = 1; i < HTTP_FIELDS_MAX + over; i++)
            size += snprintf(text + size, sizeof(text) - (size_t)size, "A: b\r\n");
        (void)snprintf(text + size, sizeof(text) - (size_t)size, "\r\n");
        assert_int_equal(status_of(text, &h), over == 0 ? 0 : 431);
    }
    memset(text, 'a', sizeof(text) - 1);
    assert_int_equal(status(text), 414); /* before its end is seen */
}

static void test_a_head_in_single_bytes_is_found_once(void **state)
{
    static const char text[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\nrest";
    struct http_scan scan = {0};
    size_t size = 0;
    int code = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(text) - 6; i++)
        assert_int_equal(http_head_scan(&scan, bytes_of(text, i), &size, &code), ERR_AGAIN);
    assert_int_equal(http_head_scan(&scan, bytes_of(text, sizeof(text) - 1), &size, &code), 0);
    assert_int_equal(size, sizeof(text) - 1 - 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_head_is_read),
        cmocka_unit_test(test_versions_and_keeping_alive),
        cmocka_unit_test(test_what_two_readers_could_read_differently_is_refused),
        cmocka_unit_test(test_limits_hold_to_the_byte),
        cmocka_unit_test(test_a_head_in_single_bytes_is_found_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
