/* Tests of samples of the past in the management interface: how many, of what, how far back. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "tests/lib/test.h"
#include "tests/sim/asker.h"
#include "tests/sim/client.h"

enum { MS_STEP = 5000 };

static void publish(struct asker *a, const char *key, int count)
{
    char *body = mem_format("{\"properties\":{},\"routing_key\":\"%s\",\"payload\":\"\","
                            "\"payload_encoding\":\"string\"}",
                            key);

    for (int i = 0; i < count; i++)
        expect(a, "POST /exchanges/%2F/amq.default/publish", body, 200, "true");
    mem_free(body);
}

/* The details at a path with dots in what a page tells, a new reference; NULL: none. */
static json_t *details_at(struct asker *a, const char *page, const char *path)
{
    char *line = mem_format("GET %s", page);
    json_error_t error;
    json_t *whole = NULL;
    json_t *at = NULL;

    expect(a, line, NULL, 200, NULL);
    whole = json_loads(a->body, 0, &error);
    assert_non_null(whole);
    at = json_is_array(whole) ? json_array_get(whole, 0) : whole;
    while (at != NULL && *path != '\0') {
        char name[64];
        size_t size = strcspn(path, ".");

        (void)snprintf(name, sizeof(name), "%.*s", (int)size, path);
        at = json_object_get(at, name);
        path += size + (path[size] == '.');
    }
    json_incref(at);
    json_decref(whole);
    mem_free(line);
    return at;
}

static json_int_t sample_of(const json_t *details, size_t i)
{
    const json_t *sample = json_array_get(json_object_get(details, "samples"), i);

    assert_true(json_is_object(sample));
    return json_integer_value(json_object_get(sample, "sample"));
}

static json_int_t time_of(const json_t *details, size_t i)
{
    const json_t *sample = json_array_get(json_object_get(details, "samples"), i);

    return json_integer_value(json_object_get(sample, "timestamp"));
}

static size_t count_of(const json_t *details)
{
    return json_array_size(json_object_get(details, "samples"));
}

/* Three messages, then a minute, then five. */
static int set_up(void **state)
{
    struct asker *a = NULL;

    if (asker_set_up(state) != 0)
        return -1;
    a = *state;
    expect(a, "PUT /queues/%2F/q", "{}", 201, NULL);
    asker_run_ms(a, 2 * MS_STEP);
    publish(a, "q", 3);
    asker_run_ms(a, 60000);
    publish(a, "q", 5);
    asker_run_ms(a, 2 * MS_STEP);
    return 0;
}

static void test_samples_go_back_in_steps(void **state)
{
    json_t *d =
        details_at(*state, "/queues/%2F/q?lengths_age=120&lengths_incr=10", "messages_details");
    double sum = 0;

    assert_int_equal(count_of(d), 13);
    assert_int_equal(sample_of(d, 0), 8);
    assert_int_equal(sample_of(d, 4), 3);
    assert_int_equal(sample_of(d, 12), 0);
    for (size_t i = 0; i < 13; i++) {
        assert_int_equal(time_of(d, i) % 10000, 0);
        assert_true(i == 0 || time_of(d, i) == time_of(d, i - 1) - 10000);
        assert_true(i == 0 || sample_of(d, i) <= sample_of(d, i - 1));
        sum += (double)sample_of(d, i);
    }
    assert_true(json_real_value(json_object_get(d, "avg")) > sum / 13 - 0.01);
    assert_true(json_real_value(json_object_get(d, "avg")) < sum / 13 + 0.01);
    assert_true(json_real_value(json_object_get(d, "avg_rate")) > 8.0 / 120 - 0.001);
    assert_true(json_real_value(json_object_get(d, "avg_rate")) < 8.0 / 120 + 0.001);
    json_decref(d);
}

static void test_each_range_is_of_its_own_figures(void **state)
{
    static const char *const lengths = "lengths_age=60&lengths_incr=30";
    static const char *const messages = "msg_rates_age=60&msg_rates_incr=20";
    static const char *const bytes = "data_rates_age=60&data_rates_incr=15";
    static const char *const node = "node_stats_age=60&node_stats_incr=12";
    static const struct {
        const char *page;
        const char *path;
        size_t count;
    } rows[] = {
        {"/overview", "queue_totals.messages_ready_details", 3},
        {"/overview", "message_stats.publish_details", 4},
        {"/overview", "churn_rates.queue_created_details", 4},
        {"/vhosts/%2F", "messages_details", 3},
        {"/vhosts/%2F", "message_stats.publish_details", 4},
        {"/vhosts", "messages_unacknowledged_details", 3},
        {"/queues/%2F/q", "messages_ready_details", 3},
        {"/queues/%2F/q", "message_stats.publish_details", 4},
        {"/queues", "messages_details", 3},
        {"/queues", "message_stats.deliver_get_details", 4},
        {"/exchanges/%2F/amq.default", "message_stats.publish_in_details", 4},
        {"/nodes", "mem_used_details", 6},
        {"/nodes", "disk_free_details", 6},
        {"/nodes", "sockets_used_details", 6},
        {"/nodes", "fd_used_details", 6},
    };
    struct asker *a = *state;

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char *page = mem_format("%s?%s&%s&%s&%s", rows[i].page, lengths, messages, bytes, node);
        json_t *d = details_at(a, page, rows[i].path);

        if (count_of(d) != rows[i].count)
            fail_msg("%s %s: %zu", rows[i].page, rows[i].path, count_of(d));
        json_decref(d);
        d = details_at(a, rows[i].page, rows[i].path);
        assert_int_equal(json_object_size(d), 1); /* the rate alone */
        json_decref(d);
        mem_free(page);
    }
}

/* A virtual host has what its connections sent and got: they opened a channel at least. */
static void expect_bytes_of_vhost(struct asker *a, const char *name)
{
    char line[80];
    const char *at;

    (void)snprintf(line, sizeof(line), "GET /vhosts/%%2F?columns=%s", name);
    expect(a, line, NULL, 200, NULL);
    at = strchr(a->body, ':');
    assert_true(at != NULL && at[1] >= '1' && at[1] <= '9');
}

static void test_clients_have_a_past(void **state)
{
    struct asker *a = *state;
    const char *span = "data_rates_age=20&data_rates_incr=5&msg_rates_age=20&msg_rates_incr=5";
    struct client *c = client_open(&a->world, 1);
    char line[160];
    json_t *d = NULL;

    asker_run_ms(a, 3 * MS_STEP);
    (void)snprintf(line, sizeof(line), "/connections?%s", span);
    d = details_at(a, line, "recv_oct_details");
    assert_int_equal(count_of(d), 5);
    assert_true(sample_of(d, 0) > 0);
    assert_int_equal(sample_of(d, 4), 0); /* it was not there yet */
    json_decref(d);
    expect_bytes_of_vhost(a, "recv_oct");
    expect_bytes_of_vhost(a, "send_oct");
    (void)snprintf(line, sizeof(line), "/channels?%s", span);
    d = details_at(a, line, "message_stats.publish_details");
    assert_int_equal(count_of(d), 5);
    json_decref(d);
    client_free(c);
}

/* Whether "idle_since" is there, which becomes `since` then. */
static bool is_idle(struct asker *a, const char *line, char since[40])
{
    const char *at = NULL;

    expect(a, line, NULL, 200, NULL);
    at = strstr(a->body, "\"idle_since\":\"");
    if (at != NULL)
        (void)snprintf(since, 40, "%.29s", at + strlen("\"idle_since\":\""));
    return at != NULL;
}

static void test_what_rests_says_since_when(void **state)
{
    static const char *const page = "GET /queues/%2F/rests?columns=idle_since";
    struct asker *a = *state;
    char first[40];
    char again[40];
    char later[40];

    expect(a, "PUT /queues/%2F/rests", "{}", 201, NULL);
    asker_run_ms(a, 3 * MS_STEP);
    assert_true(is_idle(a, page, first));
    assert_int_equal(strlen(first), strlen("2026-11-27T11:42:21.063+00:00"));
    assert_string_equal(first + 23, "+00:00");
    asker_run_ms(a, 4 * MS_STEP);
    assert_true(is_idle(a, page, again));
    assert_string_equal(first, again);
    publish(a, "rests", 1);
    asker_run_ms(a, MS_STEP);
    assert_false(is_idle(a, page, later));
    asker_run_ms(a, 2 * MS_STEP);
    assert_true(is_idle(a, page, later));
    assert_true(strcmp(later, first) > 0);
}

static void test_ranges_that_are_none_are_refused(void **state)
{
    static const struct {
        const char *query;
        int status;
    } cases[] = {
        {"lengths_age=60", 200},
        {"lengths_incr=5", 200},
        {"lengths_age=&lengths_incr=5", 200},
        {"lengths_age=six&lengths_incr=5", 200},
        {"lengths_age=6.5&lengths_incr=5", 200},
        {"lengths_age=500&lengths_incr=1", 200},
        {"lengths_age=5&lengths_incr=60", 200},
        {"msg_rates_age=1001&msg_rates_incr=2", 200},
        {"lengths_age=0&lengths_incr=5", 400},
        {"lengths_age=60&lengths_incr=0", 400},
        {"lengths_age=-60&lengths_incr=-5", 400},
        {"msg_rates_age=501&msg_rates_incr=1", 400},
        {"data_rates_age=9223372036854775807&data_rates_incr=9223372036854775807", 400},
        {"data_rates_age=99999999999999999999&data_rates_incr=99999999999999999999", 400},
        {"node_stats_age=60&node_stats_incr=-1", 400},
    };
    struct asker *a = *state;

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char *line = mem_format("GET /overview?%s", cases[i].query);

        expect(a, line, NULL, cases[i].status,
               cases[i].status == 400 ? "Invalid range parameters: age " : NULL);
        mem_free(line);
    }
}

static void test_a_reset_forgets_and_begins_again(void **state)
{
    static const char *const page = "/queues/%2F/q?lengths_age=60&lengths_incr=5";
    struct asker *a = *state;
    json_t *d = NULL;

    expect(a, "DELETE /reset/nobody", NULL, 404, NULL);
    expect(a, "DELETE /reset", NULL, 204, NULL);
    d = details_at(a, page, "messages_details");
    for (size_t i = 0; i < 13; i++)
        assert_int_equal(sample_of(d, i), 8); /* what was before is not known any more */
    json_decref(d);
    publish(a, "q", 2);
    asker_run_ms(a, 2 * MS_STEP);
    d = details_at(a, page, "messages_details");
    assert_int_equal(sample_of(d, 0), 10);
    assert_int_equal(sample_of(d, 12), 8);
    json_decref(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_samples_go_back_in_steps),
        cmocka_unit_test(test_each_range_is_of_its_own_figures),
        cmocka_unit_test(test_clients_have_a_past),
        cmocka_unit_test(test_what_rests_says_since_when),
        cmocka_unit_test(test_ranges_that_are_none_are_refused),
        cmocka_unit_test(test_a_reset_forgets_and_begins_again),
    };
    return cmocka_run_group_tests(tests, set_up, asker_tear_down);
}
