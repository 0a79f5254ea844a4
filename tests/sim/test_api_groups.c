/* Tests of the management interface: groups of consumers are seen, reset and forgotten. */
#include <string.h>

#include "msg/table_writer.h"
#include "tests/lib/table_text.h"
#include "tests/lib/test.h"
#include "tests/sim/asker.h"
#include "tests/sim/client.h"

static void publish(struct asker *a, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        expect(a, "POST /exchanges/%2F/amq.default/publish",
               "{\"properties\":{\"headers\":{\"x-partition-key\":\"k\"}},\"routing_key\":\"s\","
               "\"payload\":\"x\",\"payload_encoding\":\"string\"}",
               200, "{\"routed\":true}");
}

/* A member of group g, who takes so many at a time. */
static struct client *join(struct asker *a, uint16_t prefetch)
{
    struct client *c = client_open(&a->world, 1);
    struct method qos = {.id = METHOD_BASIC_QOS};
    struct method consume = {.id = METHOD_BASIC_CONSUME};
    struct buf area;

    buf_init(&area, 4096);
    qos.basic_qos.prefetch_count = prefetch;
    client_method(c, 1, &qos);
    client_expect(c, 1, METHOD_BASIC_QOS_OK);
    memset(&consume.basic_consume, 0, sizeof(consume.basic_consume));
    consume.basic_consume.queue = bytes_text("s");
    consume.basic_consume.consumer_tag = bytes_text("first");
    consume.basic_consume.arguments = table_text(&area, "x-group=g x-group-start=first");
    client_method(c, 1, &consume);
    client_expect(c, 1, METHOD_BASIC_CONSUME_OK);
    buf_release(&area);
    return c;
}

static void test_a_group_is_seen(void **state)
{
    struct asker *a = *state;

    expect(a, "GET /groups", NULL, 200, "[]");
    expect(a, "PUT /queues/%2F/s",
           "{\"durable\":true,\"arguments\":{\"x-queue-type\":\"stream\",\"x-partitions\":2}}", 201,
           NULL);
    expect(a, "PUT /queues/%2F/plain", "{\"durable\":true}", 201, NULL);
    expect(a, "GET /groups/%2F/s", NULL, 200, "[]");
    expect(a, "GET /groups/%2F/s/g", NULL, 404, NULL);
    expect(a, "GET /groups/%2F/plain/g", NULL, 404, NULL);
    expect(a, "GET /groups/%2F/none/g", NULL, 404, NULL);
    publish(a, 5);
    struct client *c = join(a, 3);
    for (uint64_t tag = 1; tag <= 3; tag++)
        client_expect_delivery(c, tag, "x");
    client_ack(c, 1, false);
    client_expect_delivery(c, 4, "x");
    expect(a, "GET /groups", NULL, 200,
           "[{\"name\":\"g\",\"vhost\":\"/\",\"stream\":\"s\",\"members\":1,\"partitions\":2,"
           "\"lag\":4,\"unacked\":3}]");
    expect(a, "GET /groups/%2F/s", NULL, 200, "\"name\":\"g\"");
    expect(a, "GET /groups/%2F/s-0", NULL, 200, "[]");
    expect(a, "GET /groups/%2F/s/g", NULL, 200,
           "\"offset\":1,\"end\":5,\"lag\":4,\"unacked\":3,\"moving\":false,"
           "\"owner\":{\"consumer_tag\":\"first\",\"channel_details\":{");
    assert_non_null(strstr(a->body, "\"offset\":0,\"end\":0,\"lag\":0,\"unacked\":0,"));
    assert_non_null(strstr(a->body, "\"member_details\":[{\"arguments\":{\"x-group\":\"g\","));
    expect(a, "GET /groups/%2F/s/g?columns=name,lag", NULL, 200, "{\"name\":\"g\",\"lag\":4}");
    expect(a, "POST /groups/%2F/s/g/reset", "{\"to\":\"earliest\"}", 400,
           "group 'g' of stream 's' in vhost '/' has members; stop them first");
    expect(a, "POST /groups/%2F/s/g/reset", "{\"to\":\"earliest\",\"force\":7}", 400, NULL);
    expect(a, "POST /groups/%2F/s/g/reset", "{\"to\":\"offset\",\"value\":1,\"force\":true}", 200,
           "\"from\":1,\"to\":1}");
    expect(a, "DELETE /groups/%2F/s/g", NULL, 400, "has members");
    client_free(c);
    asker_run_ms(a, 50);
    expect(a, "GET /groups/%2F/s/g?columns=members,lag,unacked", NULL, 200,
           "{\"members\":0,\"lag\":4,\"unacked\":0}");
}

static void test_a_group_is_reset(void **state)
{
    struct asker *a = *state;

    expect(a, "POST /groups/%2F/s/g/reset", "{\"to\":\"latest\",\"dry_run\":true}", 200,
           "{\"dry_run\":true,\"partitions\":[{\"stream\":\"s-0\",\"from\":");
    assert_non_null(strstr(a->body, "\"from\":1,\"to\":5}"));
    expect(a, "POST /groups/%2F/s/g/reset", "{\"to\":\"offset\",\"value\":3}", 200,
           "\"from\":1,\"to\":3}");
    expect(a, "POST /groups/%2F/s/g/reset", "{\"to\":\"shift\",\"value\":-2}", 200,
           "\"from\":3,\"to\":1}");
    expect(a, "POST /groups/%2F/s/g/reset", "{\"to\":\"shift\",\"value\":9223372036854775807}", 200,
           "\"from\":1,\"to\":5}");
    expect(a, "POST /groups/%2F/s/g/reset", "{\"to\":\"time\",\"value\":0}", 200,
           "\"from\":5,\"to\":0}");
    expect(a, "POST /groups/%2F/s/g/reset", "{\"to\":\"time\",\"value\":9223372036854775807}", 200,
           "\"from\":0,\"to\":5}");
    expect(a, "POST /groups/%2F/s/g/reset", "{\"to\":\"earliest\"}", 200, "\"from\":5,\"to\":0}");
    expect(a, "GET /groups/%2F/s/g?columns=lag", NULL, 200, "{\"lag\":5}");
}

static void test_bad_resets_are_refused(void **state)
{
    static const char *const bad[] = {
        "{}",
        "{\"to\":5}",
        "{\"to\":\"noon\"}",
        "{\"to\":\"offset\"}",
        "{\"to\":\"offset\",\"value\":\"x\"}",
        "{\"to\":\"offset\",\"value\":-1}",
        "{\"to\":\"time\",\"value\":-1}",
        "{\"to\":\"earliest\",\"dry_run\":\"perhaps\"}",
    };
    struct asker *a = *state;

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        expect(a, "POST /groups/%2F/s/g/reset", bad[i], 400, NULL);
    expect(a, "POST /groups/%2F/s/none/reset", "{\"to\":\"earliest\"}", 404, NULL);
    expect(a, "GET /groups/%2F/s/g?columns=lag", NULL, 200, "{\"lag\":5}");
}

/* Who may not read the stream may look at its groups, and not change them. */
static void test_who_may_change_a_group(void **state)
{
    struct asker *a = *state;

    asker_user(a, "ann", "management", NULL);
    expect(a, "PUT /permissions/%2F/ann",
           "{\"configure\":\".*\",\"write\":\".*\",\"read\":\"^other$\"}", 201, NULL);
    assert_int_equal(ask(a, "ann", "GET", "/groups/%2F/s/g", NULL), 200);
    assert_int_not_equal(ask(a, "ann", "POST", "/groups/%2F/s/g/reset", "{\"to\":\"latest\"}"),
                         200);
    assert_int_not_equal(ask(a, "ann", "DELETE", "/groups/%2F/s/g", NULL), 204);
    expect(a, "GET /groups/%2F/s/g?columns=lag", NULL, 200, "{\"lag\":5}");
}

static void test_a_group_is_forgotten(void **state)
{
    struct asker *a = *state;

    expect(a, "DELETE /groups/%2F/s/g", NULL, 204, NULL);
    expect(a, "DELETE /groups/%2F/s/g", NULL, 404, NULL);
    expect(a, "GET /groups", NULL, 200, "[]");
    expect(a, "DELETE /queues/%2F/s", NULL, 204, NULL);
    expect(a, "GET /groups/%2F/s", NULL, 200, "[]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_group_is_seen),
        cmocka_unit_test(test_a_group_is_reset),
        cmocka_unit_test(test_bad_resets_are_refused),
        cmocka_unit_test(test_who_may_change_a_group),
        cmocka_unit_test(test_a_group_is_forgotten),
    };

    return cmocka_run_group_tests(tests, asker_set_up, asker_tear_down);
}
