/* Tests of http/accept.h. */
#include "http/accept.h"

#include <stdio.h>

#include "tests/lib/test.h"

/* What the fields say of application/json. */
static enum http_accept accept_of(const char *fields)
{
    static struct http_head head;
    char text[512];

    (void)snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n", fields);
    assert_int_equal(http_head_read(bytes_text(text), &head), 0);
    return http_accept(&head, "application/json");
}

static enum http_accept accept_value(const char *value)
{
    char text[256];

    (void)snprintf(text, sizeof(text), "Accept: %s\r\n", value);
    return accept_of(text);
}

static void test_what_is_not_asked_for_is_accepted(void **state)
{
    (void)state;
    assert_int_equal(accept_of(""), HTTP_ACCEPTED);
    assert_int_equal(accept_value(""), HTTP_ACCEPTED);
    assert_int_equal(accept_value(" , ,"), HTTP_ACCEPTED);
}

static void test_ranges_admit_a_type(void **state)
{
    static const struct {
        enum http_accept expected;
        const char *value;
    } cases[] = {
        {HTTP_ACCEPTED, "application/json"},
        {HTTP_ACCEPTED, "APPLICATION/Json"},
        {HTTP_ACCEPTED, "*/*"},
        {HTTP_ACCEPTED, "application/*"},
        {HTTP_ACCEPTED, "text/html,application/json"},
        {HTTP_ACCEPTED, "text/html ; q=1 ,, application/json\t;q=0.001"},
        {HTTP_ACCEPTED, "text/html;level=1, */*;q=0.01"},
        {HTTP_ACCEPTED, "application/json;q=0"}, /* as RabbitMQ's server has it */
        {HTTP_ACCEPTED, "application/json;charset=utf-8"},
        {HTTP_ACCEPTED, "application/json; v=\"a,\\\"b\";q=1.000;ext;e=1"},
        {HTTP_UNACCEPTED, "text/html"},
        {HTTP_UNACCEPTED, "text/*"},
        {HTTP_UNACCEPTED, "text/json, application/xml"},
        {HTTP_UNACCEPTED, "application/jsonp"},
        {HTTP_UNACCEPTED, "application/jso"},
        {HTTP_UNACCEPTED, "*/json"},
        {HTTP_UNACCEPTED, "applicatio*/json"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        if (accept_value(cases[i].value) != cases[i].expected)
            fail_msg("'%s'", cases[i].value);
}

static void test_what_is_no_list_of_types_is_garbled(void **state)
{
    static const char *const values[] = {
        "json",
        "*",
        "/json",
        "application/",
        "application/json garbage",
        "application/json;",
        "application/json;v",
        "application/json;v=",
        "application/json;=1",
        "application/json;v=\"",
        "application/json;v=\"a\\",
        "application/json;q",
        "application/json;q=",
        "application/json;q=2",
        "application/json;q=1.001",
        "application/json;q=0.1234",
        "application/json;q=.5",
        "application/json;q=0,5",
        "application/json;q=0x1",
        "application/json, (text)",
        "*/*;q=0.5, \"",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(values); i++)
        if (accept_value(values[i]) != HTTP_GARBLED)
            fail_msg("'%s'", values[i]);
}

static void test_several_fields_are_one_list(void **state)
{
    (void)state;
    assert_int_equal(accept_of("Accept: text/html\r\nX: y\r\naccept: */*\r\n"), HTTP_ACCEPTED);
    assert_int_equal(accept_of("Accept: text/html\r\nACCEPT: a/b\r\n"), HTTP_UNACCEPTED);
    assert_int_equal(accept_of("Accept: application/json\r\nAccept: json\r\n"), HTTP_GARBLED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_not_asked_for_is_accepted),
        cmocka_unit_test(test_ranges_admit_a_type),
        cmocka_unit_test(test_what_is_no_list_of_types_is_garbled),
        cmocka_unit_test(test_several_fields_are_one_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
