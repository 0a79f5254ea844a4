/* Tests of the management interface: lists and pages, bad bodies, messages, what is safe. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
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

/* ---- lists ---- */

enum { MANY = 3000 };

static void make_many_queues(struct asker *a)
{
    struct buf body;

    buf_init(&body, 1 << 20);
    buf_text(&body, "{\"queues\":[");
    for (int i = 0; i < MANY; i++)
        buf_text(&body,
                 "%s{\"name\":\"many-%04d\",\"durable\":true,\"auto_delete\":false,"
                 "\"arguments\":{\"x-max-length\":%d}}",
                 i == 0 ? "" : ",", (i * 7) % MANY, i);
    buf_text(&body, "]}");
    buf_u8(&body, '\0');
    expect(a, "POST /definitions/%2F", (const char *)body.data, 204, NULL);
    buf_release(&body);
}

static void test_a_long_list_comes_in_parts_and_whole(void **state)
{
    struct asker *a = *state;

    make_many_queues(a);
    expect(a, "GET /queues/%2F", NULL, 200, "many-0007");
    assert_non_null(strstr(a->text, "transfer-encoding: chunked"));
    assert_int_equal(count(a->body, "\"name\":\"many-"), MANY);
    assert_true(a->body[0] == '[' && a->body[strlen(a->body) - 1] == ']');
    expect(a, "GET /bindings/%2F", NULL, 200, NULL);
    assert_int_equal(count(a->body, "\"routing_key\":\"many-"), MANY);
    expect(a, "HEAD /queues", NULL, 200, NULL);
}

static void test_a_list_is_sorted_filtered_and_cut_into_pages(void **state)
{
    struct asker *a = *state;

    expect(
        a, "GET /queues?sort=name&columns=name&page=2&page_size=3", NULL, 200,
        "\"items\":[{\"name\":\"many-0003\"},{\"name\":\"many-0004\"},{\"name\":\"many-0005\"}]}");
    assert_non_null(strstr(a->body, "{\"filtered_count\":3000,\"item_count\":3,\"page\":2,"
                                    "\"page_count\":1000,\"page_size\":3,\"total_count\":3000,"));
    expect(a, "GET /queues?sort=name&sort_reverse=true&columns=name&page=1&page_size=1", NULL, 200,
           "[{\"name\":\"many-2999\"}]");
    expect(a, "GET /queues?sort=arguments.x-max-length&columns=name&page=1000&page_size=3", NULL,
           200, "\"many-2993\"}]"); /* 2999 * 7 modulo 3000 */
    expect(a, "GET /queues?page=1&name=MANY-000&columns=name", NULL, 200, "\"filtered_count\":10,");
    expect(a, "GET /queues?page=1&name=%5Emany-.*9%24&use_regex=true&pagination=false&page_size=5",
           NULL, 200, "\"filtered_count\":300,\"item_count\":5,");
    expect(a, "GET /queues?page=1&name=none", NULL, 200,
           "{\"filtered_count\":0,\"item_count\":0,\"page\":1,\"page_count\":0,\"page_size\":100,"
           "\"total_count\":3000,\"items\":[]}");
    expect(a, "GET /queues?sort=nothing&columns=name", NULL, 200, "many-2999");
}

/* RabbitMQ has no pages of these, and so has nobody here. */
static void test_what_has_no_pages_is_told_as_it_comes(void **state)
{
    static const char *const lists[] = {
        "bindings",
        "bindings/%2F",
        "permissions",
        "topic-permissions",
        "exchanges/%2F/amq.topic/bindings/source",
        "users/guest/permissions",
        "users/guest/topic-permissions",
        "vhosts/%2F/permissions",
        "vhosts/%2F/topic-permissions",
    };
    struct asker *a = (struct asker *)*state;
    char *plain = NULL;

    for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
        char *line = mem_format("GET /%s", lists[i]);
        char *paged = mem_format("GET /%s?page=1&page_size=1&sort=vhost&name=x", lists[i]);

        expect(a, line, NULL, 200, "[");
        plain = mem_text(a->body);
        expect(a, paged, NULL, 200, plain);
        mem_free(plain);
        mem_free(line);
        mem_free(paged);
    }
}

static void test_bad_pages_are_refused(void **state)
{
    static const char *const bad[] = {
        "GET /queues?page=0",
        "GET /queues?page=-1",
        "GET /queues?page=x",
        "GET /queues?page=1&page_size=0",
        "GET /queues?page=1001&page_size=3",
        "GET /queues?page=1&page_size=501",
        "GET /queues?page=9223372036854775808",
        "GET /queues?page=1&page_size=9223372036854775808",
        "GET /queues?page=1&name=(&use_regex=true",
        "GET /queues?page=1&name=((a%7B100%7D)%7B100%7D)%7B100%7D&use_regex=true",
        "GET /queues/%ZZ",
        "GET /queues/%00",
    };

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        expect(*state, bad[i], NULL, 400, "\"error\":");
}

/* ---- bad bodies ---- */

static void test_bad_json_is_refused(void **state)
{
    static const char *const bad[] = {
        "{",
        "[]",
        "5",
        "\"x\"",
        "{\"a\":1,\"a\":2}",
        "{\"a\":1e999}",
        "{\"a\":01}",
        "{\"a\":123456789012345678901234567890}",
        "{\"a\":\"\xff\"}",
        "{\"a\":\"\\u0000\"}",
        "{\"a\":\"\\ud800\"}",
        "{\"durable\":5}",
        "{\"durable\":\"maybe\"}",
        "{\"arguments\":5}",
        "{\"arguments\":[1]}",
        "{}x",
        "{\"a\":nul}",
    };
    struct asker *a = *state;
    char *deep = mem_zero(1, 40001);

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        expect(a, "PUT /queues/%2F/bad", bad[i], 400, "\"error\":\"bad_request\"");
    memset(deep, '[', 40000);
    expect(a, "PUT /queues/%2F/bad", deep, 400, "deeper");
    mem_free(deep);
    expect(a, "GET /queues/%2F/bad", NULL, 404, NULL);
}

static void test_bodies_have_their_limits(void **state)
{
    struct asker *a = *state;
    char *large = mem_zero(1, (70 << 10) + 1);

    memset(large, ' ', 70 << 10);
    expect(a, "PUT /queues/%2F/large", large, 413, "too large");
    expect(a, "POST /definitions", large, 400, "not_json"); /* spaces alone are none */
    memcpy(large, "{}", 2);
    expect(a, "POST /definitions", large, 204, NULL); /* read by a worker */
    mem_free(large);
}

static void test_names_are_escaped(void **state)
{
    struct asker *a = *state;

    expect(a, "PUT /queues/%2F/%3Cscript%3E%22%09%5C..%2F", "{\"durable\":true}", 201, NULL);
    expect(a, "GET /queues/%2F/%3Cscript%3E%22%09%5C..%2F", NULL, 200, "\"name\":\"<script>\\\"");
    expect(a, "DELETE /queues/%2F/%3Cscript%3E%22%09%5C..%2F", NULL, 204, NULL);
}

/* ---- messages ---- */

static void test_a_message_goes_in_and_out(void **state)
{
    struct asker *a = *state;

    expect(a, "PUT /queues/%2F/m", "{\"durable\":true}", 201, NULL);
    expect(a, "POST /exchanges/%2F/amq.default/publish",
           "{\"properties\":{\"delivery_mode\":2,\"headers\":{\"n\":1,\"l\":[true,null]},"
           "\"timestamp\":7,\"priority\":3,\"type\":\"t\"},\"routing_key\":\"m\","
           "\"payload\":\"h\\u00e9\",\"payload_encoding\":\"string\"}",
           200, "{\"routed\":true}");
    expect(a, "POST /exchanges/%2F/amq.default/publish",
           "{\"properties\":{},\"routing_key\":\"m\",\"payload\":\"/w==\","
           "\"payload_encoding\":\"base64\"}",
           200, "{\"routed\":true}");
    expect(a, "POST /exchanges/%2F/amq.topic/publish",
           "{\"properties\":{},\"routing_key\":\"m\",\"payload\":\"\","
           "\"payload_encoding\":\"string\"}",
           200, "{\"routed\":false}");
    expect(a, "POST /queues/%2F/m/get",
           "{\"count\":5,\"ackmode\":\"ack_requeue_true\",\"encoding\":\"auto\"}", 200,
           "\"payload\":\"h\xc3\xa9\",\"payload_encoding\":\"string\"}");
    assert_non_null(strstr(a->body, "\"headers\":{\"n\":1,\"l\":[true,null]}"));
    assert_non_null(strstr(a->body, "\"payload\":\"/w==\",\"payload_encoding\":\"base64\"}"));
    expect(a, "GET /queues/%2F/m?columns=messages_ready", NULL, 200, "{\"messages_ready\":2}");
    expect(a, "POST /queues/%2F/m/get",
           "{\"count\":\"1\",\"ackmode\":\"ack_requeue_false\",\"encoding\":\"base64\","
           "\"truncate\":1}",
           200, "\"payload_bytes\":3,\"redelivered\":true,");
    assert_non_null(strstr(a->body, "\"payload\":\"aA==\""));
    expect(a, "DELETE /queues/%2F/m/contents", NULL, 204, NULL);
    expect(a, "POST /queues/%2F/m/get",
           "{\"count\":1,\"ackmode\":\"reject_requeue_true\",\"encoding\":\"auto\"}", 200, "[]");
    expect(a, "POST /queues/%2F/m/get",
           "{\"count\":0,\"ackmode\":\"ack_requeue_true\","
           "\"encoding\":\"auto\"}",
           400, "count");
    expect(a, "POST /queues/%2F/m/get", "{\"count\":1,\"ackmode\":\"x\",\"encoding\":\"auto\"}",
           400, "unknown ackmode");
}

static void test_what_cannot_be_published_is_refused(void **state)
{
    static const char *const bad[] = {
        "{\"routing_key\":\"m\",\"payload\":\"x\",\"payload_encoding\":\"string\"}",
        "{\"properties\":{},\"payload\":\"x\",\"payload_encoding\":\"string\"}",
        "{\"properties\":{},\"routing_key\":\"m\",\"payload_encoding\":\"string\"}",
        "{\"properties\":{},\"routing_key\":\"m\",\"payload\":\"x\",\"payload_encoding\":\"y\"}",
        "{\"properties\":{},\"routing_key\":\"m\",\"payload\":\"x\",\"payload_encoding\":"
        "\"base64\"}",
        "{\"properties\":{\"priority\":256},\"routing_key\":\"m\",\"payload\":\"\","
        "\"payload_encoding\":\"string\"}",
        "{\"properties\":{\"headers\":5},\"routing_key\":\"m\",\"payload\":\"\","
        "\"payload_encoding\":\"string\"}",
        "{\"properties\":{\"expiration\":\"abc\"},\"routing_key\":\"m\",\"payload\":\"\","
        "\"payload_encoding\":\"string\"}",
    };
    struct asker *a = *state;

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        expect(a, "POST /exchanges/%2F/amq.default/publish", bad[i], 400, "bad_request");
    expect(a, "POST /exchanges/%2F/nope/publish",
           "{\"properties\":{},\"routing_key\":\"m\",\"payload\":\"\","
           "\"payload_encoding\":\"string\"}",
           400, "404 NOT_FOUND - no exchange 'nope' in vhost '/'");
}

static void test_a_large_message_comes_back_part_by_part(void **state)
{
    struct asker *a = *state;
    size_t size = 3 << 20;
    char *body = mem_zero(1, size + 1000);
    int head = snprintf(body, 1000,
                        "{\"properties\":{\"delivery_mode\":2},\"routing_key\":\"m\","
                        "\"payload_encoding\":\"string\",\"payload\":\"");

    memset(body + head, 'z', size);
    memcpy(body + head + size, "\"}", 3);
    expect(a, "POST /exchanges/%2F/amq.default/publish", body, 200, "{\"routed\":true}");
    expect(a, "POST /queues/%2F/m/get",
           "{\"count\":1,\"ackmode\":\"ack_requeue_true\",\"encoding\":\"auto\",\"truncate\":10}",
           200, "\"payload\":\"zzzzzzzzzz\",");
    expect(a, "POST /queues/%2F/m/get",
           "{\"count\":1,\"ackmode\":\"ack_requeue_false\",\"encoding\":\"auto\"}", 200,
           "\"payload_bytes\":3145728,");
    assert_true(strlen(a->body) > size);
    mem_free(body);
}

/* ---- clients ---- */

static void test_a_client_is_seen_and_ended_with_a_reason(void **state)
{
    struct asker *a = *state;
    struct client *c = client_open(&a->world, 2);
    char line[200];

    client_declare(c, "seen");
    client_consume(c, "seen", "tag", false);
    expect(a, "GET /connections", NULL, 200, "\"state\":\"running\"");
    assert_non_null(strstr(a->body, "\"channels\":2,"));
    const char *name = strstr(a->body, "\"name\":\"");
    assert_non_null(name);
    const char *local = strstr(name, " -> ");
    assert_non_null(local);
    (void)snprintf(line, sizeof(line), "DELETE /connections/%.*s%%20-%%3E%%20%.*s",
                   (int)strcspn(name + 8, " "), name + 8, (int)strcspn(local + 4, "\""), local + 4);
    assert_non_null(strstr(local, ":5672\","));
    assert_non_null(strstr(a->body, "\"port\":5672,"));
    assert_non_null(strstr(a->body, "\"ssl\":false,\"ssl_protocol\":null,"));
    expect(a, "GET /channels?columns=number,consumer_count&sort=number", NULL, 200,
           "[{\"consumer_count\":1,\"number\":1},{\"consumer_count\":0,\"number\":2}]");
    expect(a, "GET /consumers/%2F", NULL, 200, "\"consumer_tag\":\"tag\"");
    asker_user(a, "watcher", "monitoring", NULL);
    assert_int_equal(ask_with(a, "watcher", line, "", NULL), 401);
    assert_int_equal(ask_with(a, "guest", line, "x-reason: enough now\r\n", NULL), 204);
    client_expect_connection_close(c, 320, "CONNECTION_FORCED - enough now");
    client_free(c);
    asker_run_ms(a, 100);
    expect(a, "GET /connections", NULL, 200, "[]");
}

/* "GET /channels/NAME" of the only channel there is, and `rest`. */
static const char *channel_path(struct asker *a, const char *rest)
{
    static char line[400];
    size_t size = (size_t)snprintf(line, sizeof(line), "GET /channels/");

    expect(a, "GET /channels?columns=name", NULL, 200, "[{\"name\":\"");
    for (const char *at = a->body + strlen("[{\"name\":\""); *at != '"'; at++) {
        bool is_plain = *at != ' ' && *at != '>';

        size += (size_t)snprintf(line + size, sizeof(line) - size, is_plain ? "%c" : "%%%02X", *at);
    }
    (void)snprintf(line + size, sizeof(line) - size, "%s", rest);
    return line;
}

/* What a channel tells beyond the list: its consumers, and what went where. */
static void expect_channel(struct asker *a)
{
    expect(a, channel_path(a, "?columns=publishes"), NULL, 200,
           "{\"publishes\":["
           "{\"stats\":{\"publish\":2,\"publish_details\":{\"rate\":0.0}},"
           "\"exchange\":{\"name\":\"\",\"vhost\":\"/\"}},"
           "{\"stats\":{\"publish\":3,\"publish_details\":{\"rate\":0.0}},"
           "\"exchange\":{\"name\":\"amq.direct\",\"vhost\":\"/\"}}]}");
    expect(a, channel_path(a, "?columns=deliveries"), NULL, 200,
           "{\"deliveries\":[{\"stats\":{\"ack\":2,\"ack_details\":{\"rate\":0.0},\"deliver\":4,");
    assert_non_null(strstr(a->body, "\"consumer_tag\":\"reader\","
                                    "\"queue\":{\"name\":\"right\",\"vhost\":\"/\"}}]}"));
    expect(a, channel_path(a, ""), NULL, 200,
           "\"consumer_details\":[{\"arguments\":{},\"ack_required\":true,\"active\":true,"
           "\"activity_status\":\"up\",\"channel_details\":{\"connection_name\":");
    assert_non_null(strstr(a->body, "\"messages_uncommitted\":0,"));
    expect(a, "GET /consumers?columns=channel_details.peer_port", NULL, 200,
           "[{\"channel_details\":{\"peer_port\":");
    assert_null(strstr(a->body, "\"peer_port\":0}"));
}

/* From a channel to an exchange, from there to two queues, from there to a consumer. */
static void test_messages_are_counted_on_their_way(void **state)
{
    struct asker *a = (struct asker *)*state;
    struct client *c = client_open(&a->world, 1);

    client_declare(c, "left");
    client_declare(c, "right");
    expect(a, "POST /bindings/%2F/e/amq.direct/q/left", "{\"routing_key\":\"k\"}", 201, NULL);
    expect(a, "POST /bindings/%2F/e/amq.direct/q/right", "{\"routing_key\":\"k\"}", 201, NULL);
    client_consume(c, "right", "reader", false);
    for (uint64_t i = 1; i <= 3; i++) {
        client_publish(c, "amq.direct", "k", "m");
        client_expect_delivery(c, i, "m");
    }
    client_publish(c, "", "left", "m");
    client_publish(c, "", "right", "m");
    client_expect_delivery(c, 4, "m");
    client_ack(c, 2, true);
    asker_run_ms(a, 100);
    expect(a, "GET /exchanges/%2F/amq.direct", NULL, 200,
           "\"incoming\":[{\"stats\":{\"publish\":3,\"publish_details\":{\"rate\":0.0}},\"channel_"
           "details\":{\"connection_name\":");
    assert_int_equal(
        count(
            a->body,
            "{\"stats\":{\"publish\":3,\"publish_details\":{\"rate\":0.0}},\"queue\":{\"name\":\""),
        2);
    expect(a, "GET /exchanges/%2F/amq.default?columns=incoming.stats", NULL, 200,
           "{\"incoming\":[{\"stats\":{\"publish\":2,\"publish_details\":{\"rate\":0.0}}}]}");
    expect(a, "GET /queues/%2F/left?columns=incoming,deliveries", NULL, 200,
           "{\"deliveries\":[],\"incoming\":["
           "{\"stats\":{\"publish\":1,\"publish_details\":{\"rate\":0.0}},\"exchange\":{\"name\":"
           "\"\",\"vhost\":\"/\"}},"
           "{\"stats\":{\"publish\":3,\"publish_details\":{\"rate\":0.0}},\"exchange\":{\"name\":"
           "\"amq.direct\",\"vhost\":\"/\"}}]}");
    expect(a, "GET /queues/%2F/right?columns=deliveries.stats,deliveries.consumer_tag", NULL, 200,
           "{\"deliveries\":[{\"stats\":{\"ack\":2,\"ack_details\":{\"rate\":0.0},\"deliver\":4,");
    expect_channel(a);
    for (uint64_t i = 5; i < 15; i++) { /* which is seen by who asks again */
        client_publish(c, "amq.direct", "k", "m");
        client_expect_delivery(c, i, "m");
    }
    client_ack(c, 12, true);
    asker_run_ms(a, 5000);
    expect(a, "GET /exchanges/%2F/amq.direct?columns=incoming.stats", NULL, 200,
           "{\"incoming\":[{\"stats\":{\"publish\":13,\"publish_details\":{\"rate\":1.");
    expect(a, "GET /queues/%2F/right?columns=deliveries.stats.ack,deliveries.stats.ack_details",
           NULL, 200, "{\"deliveries\":[{\"stats\":{\"ack\":12,\"ack_details\":{\"rate\":1.");
    expect(a, "GET /queues/%2F/left?columns=incoming", NULL, 200,
           "\"publish\":13,\"publish_details\":{\"rate\":1.");
    client_free(c);
}

/* A virtual host counts what happens in it, and goes on doing so when queues go. */
static void test_a_virtual_host_counts(void **state)
{
    static const char message[] = "{\"properties\":{},\"routing_key\":\"here\",\"payload\":\"x\","
                                  "\"payload_encoding\":\"string\"}";
    struct asker *a = (struct asker *)*state;

    expect(a, "PUT /vhosts/counts", NULL, 201, NULL);
    expect(a, "POST /exchanges/counts/amq.default/publish", message, 200, "false");
    expect(a, "PUT /queues/counts/here", "{\"durable\":true}", 201, NULL);
    expect(a, "PUT /queues/counts/there", "{\"durable\":true}", 201, NULL);
    asker_run_ms(a, 5500);
    for (int i = 0; i < 5; i++)
        expect(a, "POST /exchanges/counts/amq.default/publish", message, 200, "true");
    expect(a, "POST /queues/counts/here/get",
           "{\"count\":1,\"ackmode\":\"ack_requeue_false\",\"encoding\":\"auto\"}", 200, NULL);
    for (int i = 0; i < 12; i++) {
        asker_run_ms(a, 500);
        expect(a, "GET /vhosts/counts?columns=messages,messages_details", NULL, 200,
               "{\"messages\":4,\"messages_details\":{\"rate\":");
        if (strstr(a->body, "\"rate\":0.0") == NULL)
            break;
    }
    assert_null(strstr(a->body, "\"rate\":0.0"));
    expect(a, "DELETE /queues/counts/here", NULL, 204, NULL);
    expect(a, "GET /vhosts/counts?columns=messages,message_stats.publish,message_stats.ack", NULL,
           200, "{\"messages\":0,\"message_stats\":{\"ack\":1,\"publish\":6}}");
    expect(a, "GET /vhosts/counts?columns=message_stats.get,message_stats.drop_unroutable", NULL,
           200, "\"drop_unroutable\":1,");
    expect(a, "DELETE /vhosts/counts", NULL, 204, NULL);
}

static void test_a_replay_is_seen_and_ended(void **state)
{
    static const char message[] = "{\"properties\":{},\"routing_key\":\"k\",\"payload\":\"x\","
                                  "\"payload_encoding\":\"string\"}";
    struct asker *a = (struct asker *)*state;
    char line[64];

    expect(a, "GET /replays", NULL, 200, "[]");
    expect(a, "PUT /exchanges/%2F/orders",
           "{\"type\":\"topic\",\"durable\":true,\"arguments\":{\"x-log\":true}}", 201, NULL);
    for (unsigned i = 0; i < 3; i++)
        expect(a, "POST /exchanges/%2F/orders/publish", message, 200, "{\"routed\":false}");
    expect(a, "PUT /queues/%2F/small",
           "{\"durable\":true,\"arguments\":{\"x-max-length\":1,\"x-overflow\":"
           "\"reject-publish\"}}",
           201, NULL);
    expect(a, "POST /bindings/%2F/e/orders/q/small",
           "{\"routing_key\":\"#\",\"arguments\":{\"x-replay-from\":\"first\"}}", 201, NULL);
    asker_run_ms(a, 200);
    expect(a, "GET /replays/%2F", NULL, 200,
           "\"exchange\":\"orders\",\"queue\":\"small\",\"routing_key\":\"#\",\"one_off\":false");
    assert_non_null(strstr(a->body, "\"copied\":1,\"left\":2}"));
    const char *id = strstr(a->body, "\"id\":");

    assert_non_null(id);
    snprintf(line, sizeof(line), "DELETE /replays/%%2F/%.*s", (int)strspn(id + 5, "0123456789"),
             id + 5);
    expect(a, "DELETE /replays/%2F/0", NULL, 404, NULL);
    expect(a, "DELETE /replays/%2F/x", NULL, 404, NULL);
    expect(a, line, NULL, 204, NULL);
    asker_run_ms(a, 50);
    expect(a, "GET /replays", NULL, 200, "[]");
}

static void test_rates_come_from_two_looks(void **state)
{
    struct asker *a = *state;

    asker_run_ms(a, 5500); /* the first look */
    for (int i = 0; i < 20; i++)
        expect(a, "POST /exchanges/%2F/amq.default/publish",
               "{\"properties\":{},\"routing_key\":\"seen\",\"payload\":\"\","
               "\"payload_encoding\":\"string\"}",
               200, "true");
    /* A look comes within an interval, and shows them all until the next. */
    for (int i = 0; i < 12; i++) {
        asker_run_ms(a, 500);
        expect(a, "GET /queues/%2F/seen?columns=messages,messages_details.rate", NULL, 200,
               "\"messages\":20,");
        if (strstr(a->body, "\"rate\":0.0") == NULL)
            break;
    }
    assert_null(strstr(a->body, "\"rate\":0.0"));
    expect(a, "GET /overview?columns=message_stats.publish_details", NULL, 200,
           "{\"message_stats\":{\"publish_details\":{\"rate\":");
    assert_null(strstr(a->body, "\"rate\":0.0"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_long_list_comes_in_parts_and_whole),
        cmocka_unit_test(test_a_list_is_sorted_filtered_and_cut_into_pages),
        cmocka_unit_test(test_what_has_no_pages_is_told_as_it_comes),
        cmocka_unit_test(test_bad_pages_are_refused),
        cmocka_unit_test(test_bad_json_is_refused),
        cmocka_unit_test(test_bodies_have_their_limits),
        cmocka_unit_test(test_names_are_escaped),
        cmocka_unit_test(test_a_message_goes_in_and_out),
        cmocka_unit_test(test_what_cannot_be_published_is_refused),
        cmocka_unit_test(test_a_large_message_comes_back_part_by_part),
        cmocka_unit_test(test_a_client_is_seen_and_ended_with_a_reason),
        cmocka_unit_test(test_messages_are_counted_on_their_way),
        cmocka_unit_test(test_a_virtual_host_counts),
        cmocka_unit_test(test_a_replay_is_seen_and_ended),
        cmocka_unit_test(test_rates_come_from_two_looks),
    };
    return cmocka_run_group_tests(tests, asker_set_up, asker_tear_down);
}
