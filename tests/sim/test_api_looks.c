/* Tests of the management interface: messages of queues, streams and delayed exchanges. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/parse.h"
#include "tests/lib/test.h"
#include "tests/sim/asker.h"
#include "tests/sim/client.h"

static size_t count(const char *text, const char *part)
{
    size_t found = 0;

    for (const char *at = text; (at = strstr(at, part)) != NULL; at += strlen(part))
        found++;
    return found;
}

static void publish(struct asker *a, const char *key, const char *payload)
{
    char body[256];

    (void)snprintf(body, sizeof(body),
                   "{\"properties\":{\"delivery_mode\":2,\"message_id\":\"id-%s\"},"
                   "\"routing_key\":\"%s\",\"payload\":\"%s\",\"payload_encoding\":\"string\"}",
                   payload, key, payload);
    expect(a, "POST /exchanges/%2F/amq.default/publish", body, 200, "true");
}

/* The number at that place. */
static long number_at(const char *at)
{
    uint64_t number = 0;

    assert_int_equal(parse_u64(bytes_of(at, strspn(at, "0123456789")), 0, INT32_MAX, &number), 0);
    return (long)number;
}

/* What "next" says, or -1. */
static long next_of(const struct asker *a)
{
    const char *at = strstr(a->body, "\"next\":");

    assert_non_null(at);
    return strncmp(at + 7, "null", 4) == 0 ? -1 : number_at(at + 7);
}

/* ---- queues ---- */

static void test_messages_are_looked_at_without_effect(void **state)
{
    struct asker *a = (struct asker *)*state;
    struct client *c = client_open(&a->world, 1);
    char line[100];

    expect(a, "PUT /queues/%2F/seen", "{\"durable\":true}", 201, NULL);
    expect(a, "GET /queues/%2F/seen/messages", NULL, 200, "{\"items\":[],\"next\":null}");
    for (int i = 0; i < 5; i++)
        publish(a, "seen", (const char *[]){"m0", "m1", "m2", "m3", "m4"}[i]);
    (void)client_get(c, "seen", "m0");
    for (int again = 0; again < 2; again++) {
        expect(a, "GET /queues/%2F/seen/messages?page_size=2", NULL, 200,
               "\"state\":\"unacked\",\"redelivered\":true,");
        assert_non_null(strstr(a->body, "\"payload\":\"m0\""));
        assert_non_null(strstr(a->body, "\"state\":\"ready\",\"redelivered\":false,"));
        assert_non_null(strstr(a->body, "\"payload\":\"m1\",\"payload_encoding\":\"string\"}]"));
        assert_non_null(
            strstr(a->body, "\"properties\":{\"delivery_mode\":2,\"message_id\":\"id-m1\"}"));
    }
    (void)snprintf(line, sizeof(line), "GET /queues/%%2F/seen/messages?from=%ld", next_of(a));
    expect(a, line, NULL, 200, "\"payload\":\"m2\"");
    assert_int_equal(count(a->body, "\"position\":"), 3);
    assert_int_equal(next_of(a), -1);
    expect(
        a,
        "GET /queues/%2F/seen?columns=messages,messages_unacknowledged,message_stats.deliver_get",
        NULL, 200, "\"messages\":5,");
    assert_non_null(strstr(a->body, "\"deliver_get\":1}"));
    /* The client hears of no redelivery. */
    (void)client_get(c, "seen", "m1");
    client_free(c);
}

static void test_what_is_asked_for_wrongly_is_refused(void **state)
{
    struct asker *a = (struct asker *)*state;

    expect(a, "GET /queues/%2F/nothing/messages", NULL, 404, NULL);
    expect(a, "GET /queues/%2F/seen/messages?from=x", NULL, 400,
           "'from' must be a number from 0 to 9223372036854775807, not 'x'");
    expect(a, "GET /queues/%2F/seen/messages?page_size=501", NULL, 400, "'page_size'");
    expect(a, "GET /queues/%2F/seen/messages?encoding=hex", NULL, 400, "auto or base64, not 'hex'");
    expect(a, "GET /queues/%2F/seen/messages?page_size=0", NULL, 200, "{\"items\":[],\"next\":0}");
    expect(a, "GET /queues/%2F/seen/messages?from=9223372036854775807", NULL, 200,
           "{\"items\":[],\"next\":null}");
}

static void test_bodies_are_cut_and_come_in_parts(void **state)
{
    enum { SIZE = 3000000 };
    struct asker *a = (struct asker *)*state;
    char *body = mem_alloc(SIZE + 200);
    size_t at = 0;

    expect(a, "PUT /queues/%2F/large", "{\"durable\":true}", 201, NULL);
    at = (size_t)snprintf(body, 200,
                          "{\"properties\":{\"delivery_mode\":2},\"routing_key\":\"large\","
                          "\"payload_encoding\":\"string\",\"payload\":\"");
    memset(body + at, 'x', SIZE);
    memcpy(body + at + SIZE, "\"}", 3);
    expect(a, "POST /exchanges/%2F/amq.default/publish", body, 200, "true");
    publish(a, "large", "behind");
    expect(a, "GET /queues/%2F/large/messages?truncate=3", NULL, 200, "\"payload_bytes\":3000000,");
    assert_non_null(strstr(a->body, "\"payload\":\"xxx\",\"payload_encoding\":\"string\""));
    assert_non_null(strstr(a->body, "\"payload\":\"beh\""));
    expect(a, "GET /queues/%2F/large/messages?truncate=4000000&encoding=auto", NULL, 200, "behind");
    assert_true(strlen(a->body) > SIZE);
    expect(a, "GET /queues/%2F/large/messages?encoding=base64&from=1&truncate=2", NULL, 200,
           "\"payload_encoding\":\"base64\"");
    mem_free(body);
}

/* ---- streams ---- */

static void test_a_stream_is_looked_at_by_offset(void **state)
{
    struct asker *a = (struct asker *)*state;

    expect(a, "PUT /queues/%2F/flow",
           "{\"durable\":true,\"arguments\":{\"x-queue-type\":\"stream\"}}", 201, NULL);
    for (int i = 0; i < 4; i++)
        publish(a, "flow", (const char *[]){"s0", "s1", "s2", "s3"}[i]);
    expect(a, "GET /queues/%2F/flow/messages?from=1&page_size=2", NULL, 200, "\"position\":1,");
    assert_non_null(strstr(a->body, "\"payload\":\"s1\""));
    assert_null(strstr(a->body, "\"payload\":\"s0\""));
    assert_int_equal(next_of(a), 3);
    expect(a, "GET /queues/%2F/flow/messages?from=3", NULL, 200, "\"payload\":\"s3\"");
    assert_int_equal(next_of(a), -1);
    expect(a, "PUT /queues/%2F/wide",
           "{\"durable\":true,\"arguments\":{\"x-queue-type\":\"stream\",\"x-partitions\":2}}", 201,
           NULL);
    expect(a, "GET /queues/%2F/wide/messages", NULL, 400, "look at one of them, 'wide-0'");
    expect(a, "GET /queues/%2F/wide-0/messages", NULL, 200, "{\"items\":[],\"next\":null}");
}

/* ---- logs ---- */

static void test_the_logs_are_looked_at(void **state)
{
    struct asker *a = (struct asker *)*state;

    expect(a, "GET /log", NULL, 200, "[{\"partition\":0,\"state\":\"running\",\"queues\":");
    assert_non_null(strstr(a->body, "\"sorter\":{\"is_running\":false,\"debt_bytes\":"));
    expect(a, "GET /log/partitions/0?columns=partition", NULL, 200, "{\"partition\":0}");
    expect(a, "GET /log/partitions/1", NULL, 404, NULL);
    expect(a, "GET /log/partitions/x", NULL, 404, NULL);
    expect(a, "GET /log/streams?columns=name,first_offset,next_offset,messages", NULL, 200,
           "{\"name\":\"flow\",\"first_offset\":0,\"next_offset\":4,\"messages\":4}");
    assert_int_equal(count(a->body, "\"name\":"), 3); /* of \"wide\" its partitions */
    expect(a, "GET /log/streams/%2F?sort=name&columns=name", NULL, 200,
           "[{\"name\":\"flow\"},{\"name\":\"wide-0\"},{\"name\":\"wide-1\"}]");
}

/* ---- delayed exchanges ---- */

static void delay(struct asker *a, const char *id, int ms)
{
    char body[256];

    (void)snprintf(
        body, sizeof(body),
        "{\"properties\":{\"delivery_mode\":2,\"message_id\":\"%s\",\"headers\":{\"x-delay\":"
        "%d}},\"routing_key\":\"k\",\"payload\":\"x\",\"payload_encoding\":\"string\"}",
        id, ms);
    expect(a, "POST /exchanges/%2F/late/publish", body, 200, NULL);
}

static void test_what_waits_is_told_and_taken_out(void **state)
{
    struct asker *a = (struct asker *)*state;
    char line[100];

    expect(a, "PUT /exchanges/%2F/late",
           "{\"type\":\"x-delayed-message\",\"durable\":true,\"arguments\":"
           "{\"x-delayed-type\":\"fanout\"}}",
           201, NULL);
    expect(a, "GET /delayed/%2F/late", NULL, 200, "{\"items\":[],\"page\":1,");
    delay(a, "third", 3000000);
    delay(a, "first", 1000000);
    delay(a, "second", 2000000);
    delay(a, "second", 4000000);
    expect(a, "GET /exchanges/%2F/late?columns=messages_delayed", NULL, 200,
           "{\"messages_delayed\":4}");
    expect(a, "GET /delayed/%2F/late?page_size=2", NULL, 200,
           "\"page\":1,\"page_size\":2,\"page_count\":2,\"total_count\":4,\"has_more\":true}");
    assert_true(strstr(a->body, "\"first\"") < strstr(a->body, "\"second\""));
    assert_null(strstr(a->body, "\"third\""));
    expect(a, "GET /delayed/%2F/late?page_size=2&page=2", NULL, 200, "\"third\"");
    assert_non_null(strstr(a->body, "\"has_more\":false"));
    expect(a, "DELETE /delayed/%2F/late/second", NULL, 200, "{\"cancelled\":2}");
    expect(a, "DELETE /delayed/%2F/late/second", NULL, 404, NULL);
    expect(a, "GET /delayed/%2F/late", NULL, 200, "\"total_count\":2,");
    (void)snprintf(line, sizeof(line), "DELETE /delayed/%%2F/late/number/%ld",
                   number_at(strstr(a->body, "\"number\":") + 9));
    expect(a, line, NULL, 200, "{\"cancelled\":1}");
    expect(a, line, NULL, 404, NULL);
    expect(a, "GET /delayed/%2F/late", NULL, 200, "\"total_count\":1,");
    assert_non_null(strstr(a->body, "\"third\""));
}

static void test_only_what_holds_back_is_asked(void **state)
{
    struct asker *a = (struct asker *)*state;

    expect(a, "GET /delayed/%2F/amq.direct", NULL, 400, "it is no delayed exchange");
    expect(a, "GET /delayed/%2F/nothing", NULL, 404, NULL);
    expect(a, "DELETE /delayed/%2F/nothing/id", NULL, 404, NULL);
    expect(a, "DELETE /delayed/%2F/late/number/x", NULL, 404, NULL);
    expect(a, "GET /delayed/%2F/late?page=0", NULL, 400, "'page' must be a number from 1");
    expect(a, "GET /delayed/%2F/late?page=9999999", NULL, 400, "are told in pages");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages_are_looked_at_without_effect),
        cmocka_unit_test(test_what_is_asked_for_wrongly_is_refused),
        cmocka_unit_test(test_bodies_are_cut_and_come_in_parts),
        cmocka_unit_test(test_a_stream_is_looked_at_by_offset),
        cmocka_unit_test(test_the_logs_are_looked_at),
        cmocka_unit_test(test_what_waits_is_told_and_taken_out),
        cmocka_unit_test(test_only_what_holds_back_is_asked),
    };
    return cmocka_run_group_tests(tests, asker_set_up, asker_tear_down);
}
