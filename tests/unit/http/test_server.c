/* Tests of http/server.h, in a simulated world. */
#include "http/server.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "tests/lib/test.h"
#include "tests/unit/http/http_stage.h"

#define HOST "Host: a\r\n"

static int set_up(void **state)
{
    struct http_stage *st = MEM_NEW(struct http_stage);

    http_stage_init(st);
    *state = st;
    return 0;
}

static int tear_down(void **state)
{
    struct http_stage *st = *state;

    http_stage_release(st);
    mem_free(st);
    return 0;
}

static bool has(const struct http_client *c, const char *text)
{
    return strstr(c->text, text) != NULL;
}

static void test_requests_follow_one_another_on_a_connection(void **state)
{
    struct http_stage *st = *state;
    struct http_client c;

    http_stage_open(st);
    http_client_open(st, &c);
    http_client_send(&c, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhello");
    assert_true(has(&c, "HTTP/1.1 200 OK\r\n"));
    assert_true(has(&c, "content-length: 5\r\n\r\nhello"));
    assert_true(has(&c, "date: Thu, 01 Jan 2026 00:00:0"));
    http_client_forget(&c);
    http_client_send(&c, "POST /echo HTTP/1.1\r\n" HOST
                         "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
    assert_true(has(&c, "\r\n\r\nabcde"));
    http_client_forget(&c);
    http_client_send(&c, "DELETE /nothing HTTP/1.1\r\n" HOST "\r\n");
    assert_true(has(&c, "HTTP/1.1 204 No Content\r\n"));
    assert_false(has(&c, "content-length"));
    assert_false(c.is_closed);
    http_client_close(&c);
    assert_int_equal(st->served, 3);
    assert_int_equal(st->dropped, 0);
}

static void test_what_is_sent_ahead_is_served_in_order(void **state)
{
    struct http_stage *st = *state;
    struct http_client c;

    http_stage_open(st);
    http_client_open(st, &c);
    http_client_send(&c, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\none"
                         "POST /echo HTTP/1.1\r\n" HOST
                         "Transfer-Encoding: chunked\r\n\r\n3\r\ntwo\r\n0\r\n\r\n"
                         "POST /echo HTTP/1.1\r\n" HOST "Connection: close\r\n"
                         "Content-Length: 5\r\n\r\nthree");
    http_stage_run_ms(st, 10);
    char *one = strstr(c.text, "\r\n\r\none");
    char *two = strstr(c.text, "\r\n\r\ntwo");
    char *three = strstr(c.text, "\r\n\r\nthree");
    assert_true(one != NULL && two > one && three > two);
    assert_true(has(&c, "connection: close\r\n"));
    assert_true(c.is_closed);
    http_client_close(&c);
}

static void test_a_request_in_single_bytes_is_served(void **state)
{
    static const char text[] = "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\nhi";
    struct http_stage *st = *state;
    struct http_client c;

    http_stage_open(st);
    http_client_open(st, &c);
    for (size_t i = 0; i < sizeof(text) - 1; i++)
        http_client_send_bytes(&c, bytes_of(text + i, 1));
    assert_true(has(&c, "\r\n\r\nhi"));
    http_client_close(&c);
}

static void test_bad_requests_get_their_status(void **state)
{
    static const struct {
        int status;
        const char *text;
    } cases[] = {
        {200, "GET /echo HTTP/1.1\r\n" HOST "\r\n"},
        {200, "GET /echo HTTP/1.0\r\n\r\n"},
        {400, "GET /echo HTTP/1.1\r\n\r\n"},
        {400, "nonsense\r\n\r\n"},
        {400, "GET /%ZZ HTTP/1.1\r\n" HOST "\r\n"},
        {400, "OPTIONS * HTTP/1.1\r\n" HOST "\r\n"},
        {400, "\x16\x03\x01\x02"},
        {400,
         "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"},
        {400, "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\nxyz\r\n"},
        {401, "GET /deny HTTP/1.1\r\n" HOST "\r\n"},
        {413, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 100001\r\n\r\n"},
        {413, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 9223372036854775807\r\n\r\n"},
        {417, "POST /echo HTTP/1.1\r\n" HOST "Expect: x\r\n\r\n"},
        {501, "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip\r\n\r\n"},
        {505, "GET /echo HTTP/3.1\r\n" HOST "\r\n"},
    };
    struct http_stage *st = *state;

    http_stage_open(st);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        int status = http_stage_status(st, cases[i].text);

        if (status != cases[i].status)
            fail_msg("%s: %d", cases[i].text, status);
    }
}

static void test_a_body_over_the_limit_is_refused_where_it_is(void **state)
{
    struct http_stage *st = *state;
    struct http_client c;
    struct http_stats stats;
    char *body = mem_zero(1, STAGE_BODY_MAX + 100);

    http_stage_open(st);
    http_client_open(st, &c);
    (void)snprintf(body, STAGE_BODY_MAX,
                   "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n%x\r\n",
                   STAGE_BODY_MAX + 1);
    http_client_send(&c, body);
    memset(body, 'a', STAGE_BODY_MAX + 100);
    http_client_send_bytes(&c, bytes_of(body, STAGE_BODY_MAX));
    assert_int_equal(c.size, 0);
    http_client_send_bytes(&c, bytes_of(body, 1));
    assert_true(has(&c, "HTTP/1.1 413 "));
    assert_true(has(&c, "{\"error\":\"payload_too_large\""));
    http_stage_run_ms(st, 3000);
    assert_true(c.is_closed);
    http_server_get_stats(st->server, &stats);
    assert_int_equal(stats.body_bytes, 0);
    assert_int_equal(st->served, 0);
    assert_int_equal(st->dropped, 1);
    http_client_close(&c);
    mem_free(body);
}

static void test_bodies_together_have_a_limit(void **state)
{
    struct http_stage *st = *state;
    struct http_client a;
    struct http_client b;

    st->options.bodies_max_bytes = 40000;
    http_stage_open(st);
    http_client_open(st, &a);
    http_client_open(st, &b);
    char *text = mem_zero(1, 30001);
    memset(text, 'x', 30000);
    http_client_send(&a, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 40000\r\n\r\n");
    http_client_send(&a, text);
    http_client_send(&b, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 40000\r\n\r\n");
    http_client_send(&b, text);
    assert_true(has(&b, "HTTP/1.1 503 "));
    http_client_send_bytes(&a, bytes_of(text, 10000));
    http_stage_run_ms(st, 10);
    http_client_close(&a);
    http_client_close(&b);
    mem_free(text);
}

static void test_an_early_answer_leaves_the_body_unread(void **state)
{
    struct http_stage *st = *state;
    struct http_client c;

    http_stage_open(st);
    http_client_open(st, &c);
    http_client_send(&c, "PUT /deny HTTP/1.1\r\n" HOST "Content-Length: 50000\r\n\r\nGET /echo");
    assert_true(has(&c, "HTTP/1.1 401 Unauthorized\r\n"));
    assert_true(has(&c, "www-authenticate: Basic realm=\"test\"\r\n"));
    assert_true(has(&c, "connection: close\r\n"));
    http_client_send(&c, " HTTP/1.1\r\nHost: a\r\n\r\n");
    http_stage_run_ms(st, 3000);
    assert_true(c.is_closed);
    assert_int_equal(st->begun, 1);
    http_client_close(&c);
}

static void test_slow_senders_get_408(void **state)
{
    struct http_stage *st = *state;
    struct http_client head;
    struct http_client body;
    struct http_client idle;

    st->options.request_timeout_ms = 5000;
    st->options.idle_timeout_ms = 8000;
    http_stage_open(st);
    http_client_open(st, &head);
    http_client_open(st, &body);
    http_client_open(st, &idle);
    http_client_send(&head, "GET /echo HT");
    http_client_send(&body, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 100\r\n\r\n");
    for (int i = 0; i < 6; i++) {
        http_client_send(&head, "x");
        http_client_send(&body, "x");
        http_stage_run_ms(st, 900);
    }
    assert_true(has(&head, "HTTP/1.1 408 Request Timeout\r\n"));
    assert_true(has(&body, "HTTP/1.1 408 Request Timeout\r\n"));
    assert_false(idle.is_closed);
    http_stage_run_ms(st, 4000);
    assert_true(idle.is_closed && idle.size == 0);
    assert_true(head.is_closed && body.is_closed);
    http_client_close(&head);
    http_client_close(&body);
    http_client_close(&idle);
}

static void test_a_long_body_in_steady_pieces_is_no_slow_one(void **state)
{
    struct http_stage *st = *state;
    struct http_client c;
    char *text = mem_zero(1, 20001);

    memset(text, 'x', 20000);
    st->options.request_timeout_ms = 5000;
    http_stage_open(st);
    http_client_open(st, &c);
    http_client_send(&c, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 100000\r\n\r\n");
    for (int i = 0; i < 5; i++) {
        http_client_send(&c, text);
        http_stage_run_ms(st, 1200);
    }
    assert_true(has(&c, "HTTP/1.1 200 OK\r\n"));
    http_client_close(&c);
    mem_free(text);
}

static void test_a_client_is_told_to_go_on(void **state)
{
    struct http_stage *st = *state;
    struct http_client c;

    http_stage_open(st);
    http_client_open(st, &c);
    http_client_send(&c, "PUT /echo HTTP/1.1\r\n" HOST
                         "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    assert_string_equal(c.text, "HTTP/1.1 100 Continue\r\n\r\n");
    http_client_send(&c, "ok");
    assert_true(has(&c, "\r\n\r\nok"));
    http_client_close(&c);
}

static void test_an_answer_comes_in_parts(void **state)
{
    struct http_stage *st = *state;
    struct http_client c;

    http_stage_open(st);
    http_client_open(st, &c);
    http_client_send(&c, "GET /parts HTTP/1.1\r\n" HOST "\r\n");
    http_stage_run_ms(st, 100);
    assert_true(has(&c, "transfer-encoding: chunked\r\n"));
    assert_true(c.size > 3 * HTTP_PART_SIZE);
    assert_string_equal(c.text + c.size - 7, "\r\n0\r\n\r\n");
    assert_int_equal(st->dropped, 0);
    http_client_forget(&c);
    http_client_send(&c, "GET /echo HTTP/1.1\r\n" HOST "\r\n"); /* it goes on */
    assert_true(has(&c, "HTTP/1.1 200 OK\r\n"));
    http_client_close(&c);

    http_client_open(st, &c);
    http_client_send(&c, "GET /parts HTTP/1.0\r\n\r\n");
    http_stage_run_ms(st, 100);
    assert_false(has(&c, "chunked"));
    assert_true(c.is_closed);
    assert_string_equal(c.text + c.size - strlen(PART_TEXT), PART_TEXT);
    http_client_close(&c);
}

static void test_a_head_request_gets_no_body(void **state)
{
    struct http_stage *st = *state;
    struct http_client c;

    http_stage_open(st);
    http_client_open(st, &c);
    http_client_send(&c, "HEAD /parts HTTP/1.1\r\n" HOST "\r\n");
    assert_true(has(&c, "HTTP/1.1 200 OK\r\n"));
    assert_string_equal(c.text + c.size - 4, "\r\n\r\n");
    assert_int_equal(st->dropped, 1); /* its parts */
    http_client_forget(&c);
    http_client_send(&c, "HEAD /nothing HTTP/1.1\r\n" HOST "\r\n");
    assert_string_equal(c.text + c.size - 4, "\r\n\r\n");
    http_client_close(&c);
}

static void test_an_answer_that_cannot_end_well_cuts_the_connection(void **state)
{
    struct http_stage *st = *state;
    struct http_client c;

    http_stage_open(st);
    http_client_open(st, &c);
    http_client_send(&c, "GET /abort HTTP/1.1\r\n" HOST "\r\n");
    http_stage_run_ms(st, 100);
    assert_true(c.is_closed);
    assert_false(has(&c, "0\r\n\r\n"));
    http_client_close(&c);
}

static void test_a_client_that_does_not_read_is_cut_off(void **state)
{
    struct http_stage *st = *state;
    struct http_client c;
    struct http_stats stats;

    st->options.output_timeout_ms = 5000;
    http_stage_open(st);
    http_client_open(st, &c);
    socket_watch(c.socket, 0);
    http_client_send(&c, "GET /parts HTTP/1.1\r\n" HOST "\r\n");
    http_stage_run_ms(st, 4000);
    http_server_get_stats(st->server, &stats);
    assert_int_equal(stats.connections, 1);
    http_stage_run_ms(st, 2000);
    http_server_get_stats(st->server, &stats);
    assert_int_equal(stats.connections, 0);
    assert_int_equal(st->dropped, 1);
    http_client_close(&c);
}

static void test_an_answer_may_come_later(void **state)
{
    struct http_stage *st = *state;
    struct http_client c;

    http_stage_open(st);
    http_client_open(st, &c);
    http_client_send(&c, "GET /later HTTP/1.1\r\n" HOST "\r\n");
    http_stage_run_ms(st, 200000);
    assert_int_equal(c.size, 0);
    assert_non_null(st->later);
    http_answer(st->later, 200, "text/plain", bytes_text("at last"));
    http_stage_run_ms(st, 10);
    assert_true(has(&c, "\r\n\r\nat last"));
    http_client_close(&c);
}

static void test_stopping_waits_for_an_answer_but_not_long(void **state)
{
    struct http_stage *st = *state;
    struct http_client c;

    http_stage_open(st);
    http_client_open(st, &c);
    http_client_send(&c, "GET /later HTTP/1.1\r\n" HOST "\r\n");
    assert_non_null(st->later);
    http_stage_stop(st);
    http_stage_run_ms(st, 1);
    assert_true(c.is_closed);
    assert_int_equal(st->dropped, 1);
    http_client_close(&c);
}

static void test_connections_have_a_limit(void **state)
{
    struct http_stage *st = *state;
    struct http_client c[3];

    st->options.connections_max = 2;
    http_stage_open(st);
    for (int i = 0; i < 3; i++) {
        http_client_open(st, &c[i]);
        http_client_send(&c[i], "GET /echo HTTP/1.1\r\n" HOST "\r\n");
    }
    assert_int_equal(c[2].size, 0);
    http_client_close(&c[0]);
    http_stage_run_ms(st, 10);
    assert_true(has(&c[2], "HTTP/1.1 200 OK\r\n"));
    http_client_close(&c[1]);
    http_client_close(&c[2]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_requests_follow_one_another_on_a_connection, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_sent_ahead_is_served_in_order, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_request_in_single_bytes_is_served, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_bad_requests_get_their_status, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_body_over_the_limit_is_refused_where_it_is, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_bodies_together_have_a_limit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_an_early_answer_leaves_the_body_unread, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_slow_senders_get_408, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_long_body_in_steady_pieces_is_no_slow_one, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_client_is_told_to_go_on, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_an_answer_comes_in_parts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_head_request_gets_no_body, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_an_answer_that_cannot_end_well_cuts_the_connection,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_client_that_does_not_read_is_cut_off, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_an_answer_may_come_later, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_stopping_waits_for_an_answer_but_not_long, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_connections_have_a_limit, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
