/* Tests of /api/overview and its kin, and of logging in. */
#include <stdio.h>
#include <string.h>

#include "tests/lib/test.h"
#include "tests/sim/asker.h"

static void test_who_asks_is_told_who_he_is(void **state)
{
    struct asker *a = *state;

    expect(a, "GET /whoami", NULL, 200, "{\"name\":\"guest\",\"tags\":[\"administrator\"]");
    assert_non_null(strstr(a->text, "content-type: application/json"));
    assert_non_null(strstr(a->text, "x-content-type-options: nosniff"));
    assert_null(strstr(a->text, "access-control"));
}

static void test_a_login_that_fails_is_401_however_it_is_wrong(void **state)
{
    static const char *const fields[] = {
        "",
        "authorization: Basic\r\n",
        "authorization: Basic !!!\r\n",
        "authorization: Basic Z3Vlc3Q=\r\n",     /* no colon */
        "authorization: Basic Z3Vlc3Q6eA==\r\n", /* guest:x */
        "authorization: Basic Og==\r\n",         /* : */
        "authorization: Bearer Z3Vlc3Q6Z3Vlc3Q=\r\n",
        "authorization: \r\n",
        "authorization: Basic bm9ib2R5Om5vYm9keQ==\r\n", /* nobody:nobody */
    };
    struct asker *a = *state;
    char large[4000];

    for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
        assert_int_equal(ask_with(a, NULL, "GET /whoami", fields[i], NULL), 401);
        assert_non_null(strstr(a->text, "www-authenticate: Basic realm="));
        assert_string_equal(a->body, "{\"error\":\"not_authorized\",\"reason\":\"Login failed\"}");
    }
    (void)snprintf(large, sizeof(large), "authorization: Basic %03000d\r\n", 0);
    assert_int_equal(ask_with(a, NULL, "GET /whoami", large, NULL), 401);
    assert_int_equal(
        ask_with(a, NULL, "GET /whoami", "authorization: bASIC Z3Vlc3Q6Z3Vlc3Q=\r\n", NULL), 200);
}

static void test_what_is_no_route_is_404_and_what_it_cannot_405(void **state)
{
    struct asker *a = *state;

    expect(a, "GET /nope", NULL, 404, "{\"error\":\"Object Not Found\",\"reason\":\"Not Found\"}");
    expect(a, "GET ", NULL, 404, NULL);
    expect(a, "GET /overview/more", NULL, 404, NULL);
    expect(a, "DELETE /overview", NULL, 405, NULL);
    assert_non_null(strstr(a->text, "allow: HEAD, GET, OPTIONS"));
    expect(a, "OPTIONS /overview", NULL, 200, NULL);
    expect(a, "HEAD /overview", NULL, 200, NULL);
    assert_string_equal(a->body, "");
}

static void test_the_overview_says_what_there_is(void **state)
{
    struct asker *a = *state;

    expect(a, "GET /overview", NULL, 200, "\"product_name\":\"Millrace\"");
    assert_non_null(strstr(a->body, "\"rabbitmq_version\":\"" BROKER_RABBITMQ_VERSION "\""));
    assert_non_null(strstr(a->body, "\"exchanges\":7"));
    assert_non_null(strstr(a->body, "\"listeners\":["));
    assert_non_null(strstr(a->body, "\"node\":\"rabbit@test\""));
}

static void test_what_is_not_here_is_empty(void **state)
{
    static const char *const lists[] = {"shovels",
                                        "shovels/%2F",
                                        "federation-links",
                                        "federation-links/%2F/state/down",
                                        "traces",
                                        "traces/%2F",
                                        "trace-files",
                                        "stream/connections",
                                        "stream/consumers/%2F",
                                        "stream/publishers/%2F/q"};
    struct asker *a = *state;
    char line[100];

    for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
        (void)snprintf(line, sizeof(line), "GET /%s", lists[i]);
        expect(a, line, NULL, 200, "[]");
        assert_string_equal(a->body, "[]");
    }
    expect(a, "GET /shovels/vhost/%2F/s", NULL, 404, NULL);
    expect(a, "DELETE /shovels/vhost/%2F/s/restart", NULL, 404, NULL);
    expect(a, "POST /login", "access_token=x", 401, "there are no access tokens here");
    expect(a, "GET /config/effective", NULL, 200, "{}");
}

static void test_a_quorum_queue_has_one_replica(void **state)
{
    struct asker *a = *state;

    expect(a, "PUT /queues/%2F/many",
           "{\"durable\":true,\"arguments\":{\"x-queue-type\":\"quorum\"}}", 201, NULL);
    expect(a, "PUT /queues/%2F/flow",
           "{\"durable\":true,\"arguments\":{\"x-queue-type\":\"stream\"}}", 201, NULL);
    expect(a, "GET /queues/quorum/%2F/many/status", NULL, 200,
           "[{\"Node Name\":\"rabbit@test\",\"Raft State\":\"leader\",");
    expect(a, "GET /queues/quorum/%2F/flow/status", NULL, 400, "'flow' in vhost '/' is no quorum");
    expect(a, "GET /queues/quorum/%2F/none/status", NULL, 404, NULL);
    expect(a, "POST /queues/quorum/%2F/many/replicas/add", "{\"node\":\"rabbit@test\"}", 202, NULL);
    expect(a, "POST /queues/quorum/%2F/many/replicas/add", "{\"node\":\"other\"}", 400,
           "node 'other' is not one of the cluster");
    expect(a, "DELETE /queues/quorum/%2F/many/replicas/delete", "{\"node\":\"rabbit@test\"}", 400,
           "the only replica of queue 'many'");
    expect(a, "POST /queues/quorum/replicas/on/rabbit@test/grow", "{}", 204, NULL);
    expect(a, "DELETE /queues/quorum/replicas/on/rabbit@test/shrink", NULL, 400, "only replica");
    expect(a, "GET /stream/%2F/flow/tracking", NULL, 200, "{\"offsets\":{},\"writers\":{}}");
    expect(a, "GET /stream/%2F/many/tracking", NULL, 400, "is no stream");
}

static void test_queues_are_told_briefly(void **state)
{
    struct asker *a = *state;

    expect(a, "GET /queues/%2F/many?columns=leader,members,online", NULL, 200,
           "{\"leader\":\"rabbit@test\",\"members\":[\"rabbit@test\"],"
           "\"online\":[\"rabbit@test\"]}");
    expect(a, "POST /queues/%2F/many/get",
           "{\"count\":1,\"ackmode\":\"ack_requeue_true\",\"encoding\":\"auto\"}", 200, "[]");
    expect(a, "GET /queues/%2F/many?columns=message_stats.get_empty", NULL, 200,
           "{\"message_stats\":{\"get_empty\":1}}");
    expect(a, "GET /queues/%2F?disable_stats=true", NULL, 200, "\"type\":\"quorum\"");
    assert_non_null(strstr(a->body, "\"policy\":null"));
    assert_null(strstr(a->body, "messages"));
    expect(a, "GET /queues/%2F?disable_stats=true&enable_queue_totals=true", NULL, 200,
           "\"messages_ready\":0,");
    assert_null(strstr(a->body, "consumers"));
}

/* RabbitMQ's own client reads objects, and only names of protocols that it knows. */
static void test_what_clients_are_strict_about(void **state)
{
    struct asker *a = *state;

    expect(a, "GET /overview?columns=cluster_tags,node_tags", NULL, 200,
           "{\"cluster_tags\":{},\"node_tags\":{}}");
    assert_int_equal(ask_with(a, "nobody", "GET /whoami", "", NULL), 401);
    expect(a, "GET /auth/attempts/rabbit@test", NULL, 200,
           "[{\"protocol\":\"http\",\"auth_attempts\":");
    const char *failed = strstr(a->body, "_failed\":");
    assert_true(failed != NULL && failed[strlen("_failed\":")] != '0');
    assert_non_null(strstr(a->body, "{\"protocol\":\"amqp091\",\"auth_attempts\":0,"
                                    "\"auth_attempts_failed\":0,\"auth_attempts_succeeded\":0}]"));
}

static void test_memory_is_told_by_its_use(void **state)
{
    struct asker *a = *state;

    asker_run_ms(a, 5500);
    expect(a, "GET /nodes/rabbit@test/memory?columns=memory.queue_procs,memory.total.allocated",
           NULL, 200, "{\"memory\":{\"queue_procs\":");
    expect(a, "GET /nodes/rabbit@test/memory?columns=memory.mnesia,memory.connection_channels",
           NULL, 200, "{\"memory\":{\"connection_channels\":0,\"mnesia\":0}}");
    expect(a, "GET /nodes/rabbit@test/memory/relative?columns=memory.total", NULL, 200,
           "{\"memory\":{\"total\":100}}");
    expect(a, "GET /nodes/other/memory/relative", NULL, 404, NULL);
}

static void test_health_checks_answer(void **state)
{
    struct asker *a = *state;

    expect(a, "GET /health/checks/alarms", NULL, 200, "{\"status\":\"ok\"}");
    expect(a, "GET /health/checks/local-alarms", NULL, 200, "{\"status\":\"ok\"}");
    expect(a, "GET /health/checks/virtual-hosts", NULL, 200, "{\"status\":\"ok\"}");
    expect(a, "GET /health/checks/node-is-quorum-critical", NULL, 200, "single node cluster");
    expect(a, "GET /health/checks/port-listener/1", NULL, 503,
           "{\"status\":\"failed\",\"reason\":\"No active "
           "listener\",\"missing\":1,\"ports\":[5672,15672]}");
    expect(a, "GET /health/checks/port-listener/x", NULL, 400, "bad_request");
    expect(a, "GET /health/checks/protocol-listener/amqps", NULL, 503, "\"missing\":\"amqps\"");
    expect(a, "GET /health/checks/certificate-expiration/1/weeks", NULL, 200, "ok");
    expect(a, "GET /health/checks/certificate-expiration/1/fortnights", NULL, 400, "Time unit");
    expect(a, "GET /health/checks/certificate-expiration/-1/days", NULL, 400, "Invalid");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_asks_is_told_who_he_is),
        cmocka_unit_test(test_a_login_that_fails_is_401_however_it_is_wrong),
        cmocka_unit_test(test_what_is_no_route_is_404_and_what_it_cannot_405),
        cmocka_unit_test(test_the_overview_says_what_there_is),
        cmocka_unit_test(test_what_is_not_here_is_empty),
        cmocka_unit_test(test_a_quorum_queue_has_one_replica),
        cmocka_unit_test(test_queues_are_told_briefly),
        cmocka_unit_test(test_what_clients_are_strict_about),
        cmocka_unit_test(test_memory_is_told_by_its_use),
        cmocka_unit_test(test_health_checks_answer),
    };
    return cmocka_run_group_tests(tests, asker_set_up, asker_tear_down);
}
