/* Every path and method of the management interface, and who may: the table below against users
 * with each tag. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "http/api/routes.h"
#include "tests/lib/test.h"
#include "tests/sim/asker.h"

/* `who` has a letter for each who may:
 *   o  management, outside of the virtual host     i  management, inside
 *   p  policymaker, inside                         m  monitoring, outside      a  administrator
 * All others get 401, and so does everybody without such a tag, or without a login. */
struct row {
    const char *method;
    const char *path; /* as in routes.c */
    const char *who;
};

#define ALL "oipma"
#define IN  "ipa"
#define SEE "ipma"

static const struct row rows[] = {
    {"GET", "overview", ALL},
    {"GET", "whoami", ALL},
    {"GET", "version", ALL},
    {"GET", "extensions", ALL},
    {"GET", "health/checks/alarms", ALL},
    {"GET", "health/checks/local-alarms", ALL},
    {"GET", "health/checks/certificate-expiration/*/*", ALL},
    {"GET", "health/checks/port-listener/*", ALL},
    {"GET", "health/checks/protocol-listener/*", ALL},
    {"GET", "health/checks/virtual-hosts", ALL},
    {"GET", "health/checks/node-is-quorum-critical", ALL},
    {"GET", "health/checks/node-is-mirror-sync-critical", ALL},
    {"GET", "health/checks/reached-target-cluster-size", ALL},
    {"GET", "health/checks/is-in-service", ALL},
    {"GET", "health/checks/ready-to-serve-clients", ALL},
    {"GET", "health/checks/below-node-connection-limit", ALL},
    {"GET", "health/checks/metadata-store/initialized", ALL},
    {"GET", "health/checks/metadata-store/initialized/with-data", ALL},
    {"GET", "health/checks/quorum-queues-without-elected-leaders/all-vhosts", ALL},
    {"GET", "health/checks/quorum-queues-without-elected-leaders/vhost/@", SEE},
    {"GET", "healthchecks/node", ALL},
    {"GET", "healthchecks/node/*", ALL},
    {"GET", "aliveness-test/@", IN},

    {"GET", "groups", ALL},
    {"GET", "groups/@", IN},
    {"GET", "groups/@/*", IN},
    {"GET", "groups/@/*/*", IN},
    {"DELETE", "groups/@/*/*", IN},
    {"POST", "groups/@/*/*/reset", IN},
    {"GET", "replays", ALL},
    {"GET", "replays/@", IN},
    {"DELETE", "replays/@/*", "pa"},
    {"POST", "login", ""}, /* there are no access tokens */
    {"GET", "config/effective", "a"},
    {"PUT", "config/effective/*", "a"},
    {"GET", "shovels", "ma"},
    {"GET", "shovels/@", "ma"},
    {"GET", "shovels/vhost/@/*", "ma"},
    {"DELETE", "shovels/vhost/@/*", "pa"},
    {"DELETE", "shovels/vhost/@/*/restart", "pa"},
    {"GET", "federation-links", "ma"},
    {"GET", "federation-links/@", "ma"},
    {"GET", "federation-links/state/down", "ma"},
    {"GET", "federation-links/@/state/down", "ma"},
    {"GET", "traces", "a"},
    {"GET", "traces/@", "a"},
    {"GET", "traces/@/*", "a"},
    {"DELETE", "traces/@/*", "a"},
    {"GET", "trace-files", "a"},
    {"GET", "trace-files/*", "a"},
    {"DELETE", "trace-files/*", "a"},
    {"GET", "stream/connections", ALL},
    {"GET", "stream/connections/@", IN},
    {"GET", "stream/connections/@/*", IN},
    {"DELETE", "stream/connections/@/*", IN},
    {"GET", "stream/consumers", ALL},
    {"GET", "stream/consumers/@", IN},
    {"GET", "stream/publishers", ALL},
    {"GET", "stream/publishers/@", IN},
    {"GET", "stream/publishers/@/*", IN},
    {"GET", "stream/@/*/tracking", IN},
    {"GET", "queues/quorum/@/*/status", IN},
    {"POST", "queues/quorum/@/*/replicas/add", "a"},
    {"DELETE", "queues/quorum/@/*/replicas/delete", "a"},
    {"POST", "queues/quorum/replicas/on/*/grow", "a"},
    {"DELETE", "queues/quorum/replicas/on/*/shrink", "a"},

    {"GET", "log", "ma"},
    {"GET", "log/streams", "ma"},
    {"GET", "log/streams/@", "ma"},
    {"GET", "log/partitions/*", "ma"},
    {"GET", "delayed/@/*", IN},
    {"DELETE", "delayed/@/*/*", IN},
    {"DELETE", "delayed/@/*/number/*", IN},
    {"GET", "queues/@/*/messages", IN},

    {"GET", "nodes", "ma"},
    {"GET", "nodes/*", "ma"},
    {"GET", "nodes/*/memory", "ma"},
    {"GET", "nodes/*/memory/relative", "ma"},
    {"GET", "auth/attempts/*", "ma"},
    {"GET", "auth/attempts/*/source", "ma"},
    {"GET", "auth/hash_password/*", "a"},
    {"GET", "cluster-name", ALL},
    {"PUT", "cluster-name", "a"},
    {"GET", "feature-flags", "a"},
    {"PUT", "feature-flags/*/enable", "a"},
    {"GET", "deprecated-features", "a"},
    {"GET", "deprecated-features/used", "a"},
    {"POST", "rebalance/queues", "a"},
    {"DELETE", "reset", "a"},
    {"DELETE", "reset/*", "a"},

    {"GET", "definitions", "a"},
    {"PUT", "definitions", "a"},
    {"POST", "definitions", "a"},
    {"GET", "definitions/@", "a"},
    {"PUT", "definitions/@", "a"},
    {"POST", "definitions/@", "a"},
    {"GET", "global-parameters", "pa"},
    {"GET", "global-parameters/*", "pa"},
    {"PUT", "global-parameters/*", "pa"},
    {"DELETE", "global-parameters/*", "pa"},
    {"GET", "parameters", "pa"},
    {"GET", "parameters/*", "pa"},
    {"GET", "parameters/*/@", "pa"},
    {"GET", "parameters/*/@/*", "pa"},
    {"PUT", "parameters/*/@/*", "pa"},
    {"DELETE", "parameters/*/@/*", "pa"},

    {"GET", "vhosts", ALL},
    {"GET", "vhosts/@", "a"},
    {"PUT", "vhosts/@", "a"},
    {"GET", "vhosts/@/permissions", "a"},
    {"GET", "vhosts/@/topic-permissions", "a"},
    {"GET", "vhosts/@/connections", IN},
    {"GET", "vhosts/@/channels", IN},
    {"POST", "vhosts/@/start/*", "a"},
    {"POST", "vhosts/@/deletion/protection", "a"},
    {"DELETE", "vhosts/@/deletion/protection", "a"},
    {"GET", "users", "a"},
    {"POST", "users/bulk-delete", "a"},
    {"GET", "users/without-permissions", "a"},
    {"GET", "users/*", "a"},
    {"PUT", "users/*", "a"},
    {"DELETE", "users/*", "a"},
    {"GET", "users/*/permissions", "a"},
    {"GET", "users/*/topic-permissions", "a"},
    {"GET", "permissions", "a"},
    {"GET", "permissions/@/*", "a"},
    {"PUT", "permissions/@/*", "a"},
    {"DELETE", "permissions/@/*", "a"},
    {"GET", "topic-permissions", "a"},
    {"GET", "topic-permissions/@/*", "a"},
    {"PUT", "topic-permissions/@/*", "a"},
    {"DELETE", "topic-permissions/@/*", "a"},
    {"DELETE", "topic-permissions/@/*/*", "a"},
    {"GET", "vhost-limits", ALL},
    {"GET", "vhost-limits/@", SEE},
    {"PUT", "vhost-limits/@/*", "a"},
    {"DELETE", "vhost-limits/@/*", "a"},
    {"GET", "user-limits", "a"},
    {"GET", "user-limits/*", "a"},
    {"PUT", "user-limits/*/*", "a"},
    {"DELETE", "user-limits/*/*", "a"},

    {"GET", "policies", ALL},
    {"GET", "policies/@", IN},
    {"GET", "policies/@/*", "pa"},
    {"PUT", "policies/@/*", "pa"},
    {"DELETE", "policies/@/*", "pa"},
    {"GET", "operator-policies", ALL},
    {"GET", "operator-policies/@", IN},
    {"GET", "operator-policies/@/*", "a"},
    {"PUT", "operator-policies/@/*", "a"},
    {"DELETE", "operator-policies/@/*", "a"},

    {"GET", "connections", ALL},
    {"GET", "connections/*", ALL},
    {"DELETE", "connections/*", ALL}, /* of somebody else: 401, in test_api_clients */
    {"GET", "connections/*/channels", ALL},
    {"GET", "connections/*/sessions", ALL},
    {"GET", "connections/username/*", ALL},
    {"DELETE", "connections/username/*", "a"},
    {"GET", "channels", ALL},
    {"GET", "channels/*", ALL},
    {"GET", "consumers", ALL},
    {"GET", "consumers/@", IN},

    {"GET", "exchanges", ALL},
    {"GET", "exchanges/@", IN},
    {"GET", "exchanges/@/*", IN},
    {"PUT", "exchanges/@/*", IN},
    {"DELETE", "exchanges/@/*", IN},
    {"POST", "exchanges/@/*/publish", IN},
    {"GET", "exchanges/@/*/bindings/source", IN},
    {"GET", "exchanges/@/*/bindings/destination", IN},
    {"GET", "queues", ALL},
    {"GET", "queues/detailed", ALL},
    {"GET", "queues/@", IN},
    {"GET", "queues/@/*", IN},
    {"PUT", "queues/@/*", IN},
    {"GET", "queues/@/*/bindings", IN},
    {"DELETE", "queues/@/*/contents", IN},
    {"POST", "queues/@/*/get", IN},
    {"POST", "queues/@/*/actions", "a"},
    {"DELETE", "queues/@/*", IN},
    {"GET", "bindings", ALL},
    {"GET", "bindings/@", IN},
    {"GET", "bindings/@/e/*/q/*", IN},
    {"POST", "bindings/@/e/*/q/*", IN},
    {"GET", "bindings/@/e/*/e/*", IN},
    {"POST", "bindings/@/e/*/e/*", IN},
    {"GET", "bindings/@/e/*/q/*/*", IN},
    {"DELETE", "bindings/@/e/*/q/*/*", IN},
    {"GET", "bindings/@/e/*/e/*/*", IN},
    {"DELETE", "bindings/@/e/*/e/*/*", IN},
    {"DELETE", "vhosts/@", "a"}, /* nothing can follow it */
};

static const struct {
    const char *name;
    const char *tags;
    const char *vhost;
    char letter;
} users[] = {
    {"nobody", NULL, NULL, '\0'},          {"untagged", "none", "v", '\0'},
    {"outside", "management", NULL, 'o'},  {"inside", "management", "v", 'i'},
    {"policies", "policymaker", "v", 'p'}, {"monitor", "monitoring", NULL, 'm'},
    {"guest", "administrator", "v", 'a'},
};

static int set_up(void **state)
{
    struct asker *a = NULL;

    if (asker_set_up(state) != 0)
        return -1;
    a = *state;
    expect(a, "PUT /vhosts/v", "{}", 201, NULL);
    for (size_t i = 1; i + 1 < ARRAY_SIZE(users); i++)
        asker_user(a, users[i].name, users[i].tags, users[i].vhost);
    /* Who makes a virtual host has all permissions in it. */
    expect(a, "PUT /permissions/v/guest", "{\"configure\":\".*\",\"write\":\".*\",\"read\":\".*\"}",
           204, NULL);
    return 0;
}

/* "queues/v/thing" of "queues/@/" and so on. */
static char *path_of(const char *pattern)
{
    char *path = mem_format("/%s", pattern);

    for (char *at = path; *at != '\0'; at++) {
        if (*at == '@')
            *at = 'v';
        else if (*at == '*')
            *at = '1';
    }
    return path;
}

static void check_row(struct asker *a, const struct row *r, size_t user)
{
    bool may = users[user].letter != '\0' && strchr(r->who, users[user].letter) != NULL;
    char *path = path_of(r->path);
    const char *name = users[user].tags == NULL ? NULL : users[user].name;
    const char *body = strcmp(r->method, "GET") == 0 ? NULL : "{}";
    int status = ask(a, name, r->method, path, body);

    /* 503: a listener that is not there. */
    if (may ? status == 401 || (status >= 500 && status != 503) : status != 401)
        fail_msg("%s %s by %s: %d %s", r->method, path, users[user].name, status, a->body);
    mem_free(path);
}

static void test_every_path_lets_in_whom_it_should(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        /* What nobody may leaves no trace, so those who may come last. */
        for (size_t user = 0; user < ARRAY_SIZE(users); user++)
            check_row(*state, &rows[i], user);
    }
}

/* Where no answer tells anything: who goes there may take what he likes. */
static bool tells_nothing(const struct row *r)
{
    static const char *const paths[] = {
        "reset",
        "reset/*",
        "feature-flags/*/enable",
        "vhosts/@/start/*",
        "user-limits/*/*",
        "vhost-limits/@/*",
        "queues/@/*/contents",
        "queues/@/*/actions",
        "rebalance/queues",
    };

    for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
        if (strcmp(r->path, paths[i]) == 0)
            return true;
    return false;
}

static void check_accept(struct asker *a, const struct row *r, const char *accept, int expected)
{
    char *path = path_of(r->path);
    char *line = mem_format("%s %s", r->method, path);
    const char *body = strcmp(r->method, "GET") == 0 ? NULL : "{}";
    bool is_open = strcmp(r->path, "login") == 0;
    int status = ask_with(a, "guest", line, accept, body);

    if (!is_open && status != expected)
        fail_msg("%s with %s: %d, not %d", line, accept, status, expected);
    if (status == 406)
        assert_string_equal(a->body, "");
    mem_free(line);
    mem_free(path);
}

static void test_every_path_tells_json_or_refuses(void **state)
{
    struct asker *a = *state;

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        if (tells_nothing(&rows[i]))
            continue;
        check_accept(a, &rows[i], "Accept: text/html, application/xml\r\n", 406);
        check_accept(a, &rows[i], "Accept: json\r\n", 400);
    }
}

static void test_who_may_not_is_not_told_what_there_is(void **state)
{
    struct asker *a = *state;

    assert_int_equal(ask_with(a, NULL, "GET /whoami", "Accept: text/html\r\n", NULL), 401);
    assert_int_equal(ask_with(a, "inside", "GET /users", "Accept: text/html\r\n", NULL), 401);
    assert_int_equal(ask_with(a, "guest", "OPTIONS /users", "Accept: text/html\r\n", NULL), 200);
    assert_int_equal(ask_with(a, "guest", "POST /users", "Accept: text/html\r\n", "{}"), 405);
    assert_int_equal(ask_with(a, "guest", "GET /none", "Accept: text/html\r\n", NULL), 404);
}

static void test_ranges_that_admit_json_are_answered(void **state)
{
    static const char *const ranges[] = {"application/json", "application/*", "*/*",
                                         "text/html, */*;q=0.1", ""};
    struct asker *a = *state;

    for (size_t i = 0; i < ARRAY_SIZE(ranges); i++) {
        char *field = mem_format("Accept: %s\r\n", ranges[i]);

        assert_int_equal(ask_with(a, "guest", "GET /whoami", field, NULL), 200);
        assert_non_null(strstr(a->body, "guest"));
        mem_free(field);
    }
    assert_int_equal(ask_with(a, "guest", "DELETE /reset", "Accept: text/html\r\n", NULL), 204);
}

static bool has_row(const char *method, const char *path)
{
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        if (strcmp(rows[i].path, path) == 0 && strcmp(rows[i].method, method) == 0)
            return true;
    return false;
}

static void test_every_route_has_its_row(void **state)
{
    static const enum http_method methods[] = {HTTP_GET, HTTP_PUT, HTTP_POST, HTTP_DELETE};

    (void)state;
    for (const struct route *r = routes; r->path != NULL; r++) {
        for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
            if (strcmp(r->path, "auth") == 0 || route_function(r, methods[i]) == NULL)
                continue;
            if (!has_row(http_method_name(methods[i]), r->path))
                fail_msg("%s %s is not in the table of this test", http_method_name(methods[i]),
                         r->path);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_route_has_its_row),
        cmocka_unit_test(test_who_may_not_is_not_told_what_there_is),
        cmocka_unit_test(test_ranges_that_admit_json_are_answered),
        cmocka_unit_test(test_every_path_lets_in_whom_it_should),
        cmocka_unit_test(test_every_path_tells_json_or_refuses),
    };
    return cmocka_run_group_tests(tests, set_up, asker_tear_down);
}
