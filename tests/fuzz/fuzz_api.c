/* Fuzz target: whole requests into the management interface of a broker in the simulated world.
 *
 *     | seed u8 | act u8, what it needs | act u8, ... |
 *
 * A request has a route of the table with words for its arguments, a query, and a body of fields
 * whose values need not fit; or it is any bytes. Nothing may stop the broker, no answer may say
 * that something unforeseen went wrong (500), and an honest request is answered at the end. */
#include <ctype.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "base/units.h"
#include "http/api/api.h"
#include "http/api/routes.h"
#include "io/sim/sim_net.h"
#include "tests/fuzz/words.h"
#include "tests/lib/test.h"
#include "tests/sim/world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    ACTS_MAX = 60,
    FIELDS_MAX = 8,
    TEXT_LIMIT = 1 << 16,
    ANSWER_LIMIT = 16 << 20,
    API_PORT = 15672,
    ACT_REQUEST = 0, /* and all that are not below */
    ACT_RAW = 5,
    ACT_WAIT,
    ACT_LEAVE,
    ACT_COUNT,
    BODY_NONE = 0,
    BODY_RAW = 1,
    BODY_LIST = 2,
    ANYTHING = 0xff,
};

static const char *const methods[] = {"GET",     "PUT",  "POST",  "DELETE", "PUT",
                                      "OPTIONS", "HEAD", "PATCH", "get"};

static const char *const queries[] = {
    "",
    "?page=1&page_size=1",
    "?page=2&page_size=500&pagination=true",
    "?name=q&use_regex=true",
    "?columns=name,vhost",
    "?sort=name&sort_reverse=true",
    "?lengths_age=60&lengths_incr=5&msg_rates_age=3600&msg_rates_incr=60",
    "?disable_stats=true&enable_queue_totals=true",
    "?if-unused=true&if-empty=true",
    "?vhost=%2F&group=g",
    "?detailed=true",
    "?page=0",
    "?page=9999999999999999999",
    "?name=(a%2B)%2B%24&use_regex=true&page=1",
    "?from=first&count=5&destination=q",
    "?offset=first",
};

static const char *const fields[] = {
    "name",
    "vhost",
    "durable",
    "auto_delete",
    "arguments",
    "type",
    "internal",
    "routing_key",
    "properties",
    "payload",
    "payload_encoding",
    "count",
    "ackmode",
    "encoding",
    "truncate",
    "requeue",
    "configure",
    "write",
    "read",
    "exchange",
    "tags",
    "password",
    "password_hash",
    "pattern",
    "definition",
    "priority",
    "apply-to",
    "value",
    "component",
    "users",
    "vhosts",
    "permissions",
    "queues",
    "exchanges",
    "bindings",
    "policies",
    "parameters",
    "source",
    "destination",
    "destination_type",
    "description",
    "tracing",
    "default_queue_type",
    "limits",
    "offset",
    "timestamp",
    "from",
    "to",
    "protected_from_deletion",
    "node",
    "user",
    "queue",
    "group",
    "stream",
    "metadata",
    "hashing_algorithm",
    "shift",
    "partition",
    "dry_run",
    "global_parameters",
    "topic_permissions",
    "filter",
};

static const char *const values[] = {
    "true",
    "false",
    "null",
    "0",
    "1",
    "-1",
    "1e400",
    "9223372036854775808",
    "\"q\"",
    "\"x\"",
    "\"/\"",
    "\"guest\"",
    "\"^q\"",
    "\".*\"",
    "\"queues\"",
    "\"all\"",
    "\"string\"",
    "\"base64\"",
    "\"auto\"",
    "\"ack_requeue_false\"",
    "\"ack_requeue_true\"",
    "\"reject_requeue_false\"",
    "\"topic\"",
    "\"direct\"",
    "\"stream\"",
    "\"quorum\"",
    "\"administrator\"",
    "\"management,monitoring\"",
    "\"first\"",
    "\"next\"",
    "\"2026-01-01T00:00:00Z\"",
    "\"\\u0000\"",
    "{}",
    "[]",
    "[1,\"a\",{\"b\":null}]",
    "{\"max-length\":5}",
    "{\"x-queue-type\":\"stream\"}",
    "{\"x-queue-type\":\"quorum\",\"x-max-length\":2}",
    "{\"x-log\":true}",
    "{\"delivery_mode\":2,\"headers\":{\"a\":1}}",
    "{\"expiration\":\"-1\",\"priority\":300}",
    "[{\"name\":\"q\",\"vhost\":\"/\",\"durable\":true,\"auto_delete\":false,\"arguments\":{}}]",
    "[[\"max-connections\",1]]",
    "\"max-queues\"",
};

struct visitor {
    struct world world;
    struct api_options options;
    struct api *api;
    bool is_stopped;
    struct reader script;
    struct socket *socket;
    struct buf request;
    struct buf answer;
    bool has_ended;
    size_t route_count;
};

/* ---- the socket ---- */

static void on_socket(void *owner, struct socket *socket, unsigned events)
{
    uint8_t area[16384];
    struct visitor *v = owner;
    int rv = 0;

    (void)events;
    while (rv == 0) {
        size_t done = 0;

        rv = socket_read(socket, area, sizeof(area), &done);
        buf_bytes(&v->answer, bytes_of(area, done));
    }
    v->has_ended = rv != ERR_AGAIN;
    if (v->has_ended)
        socket_watch(socket, 0);
}

static void leave(struct visitor *v)
{
    static const char bad[] = "HTTP/1.1 500";
    struct bytes a = buf_view(&v->answer);

    if (v->socket != NULL)
        socket_close(v->socket);
    v->socket = NULL;
    ASSERT(a.size < 9 || memcmp(a.data, "HTTP/1.1 ", 9) == 0);
    ASSERT(a.size == 0 || memmem(a.data, a.size, bad, sizeof(bad) - 1) == NULL);
    buf_clear(&v->answer);
}

static void come(struct visitor *v)
{
    if (v->socket != NULL && !v->has_ended)
        return;
    leave(v);
    int rv = socket_connect(v->world.client_io, sim_node_host(v->world.server), API_PORT,
                            &v->socket, NULL);
    ASSERT(rv == 0);
    v->has_ended = false;
    socket_set_owner(v->socket, on_socket, v);
    socket_watch(v->socket, SOCKET_READ);
    world_run_ms(&v->world, 1);
}

static void send_all(struct visitor *v, struct bytes b)
{
    for (unsigned tries = 0; b.size > 0 && tries < 100 && !v->has_ended; tries++) {
        const struct iovec part = {.iov_base = (void *)(uintptr_t)b.data, .iov_len = b.size};
        size_t done = 0;

        if (socket_write(v->socket, &part, 1, &done) == 0)
            b = bytes_of(b.data + done, b.size - done);
        else
            world_run_ms(&v->world, 1);
    }
}

/* ---- a request ---- */

static void add_encoded(struct buf *out, struct bytes word)
{
    for (size_t i = 0; i < word.size; i++)
        buf_text(out, isalnum(word.data[i]) != 0 ? "%c" : "%%%02X", word.data[i]);
}

static void add_path(struct visitor *v)
{
    const struct route *r = &routes[reader_u8(&v->script) % v->route_count];

    buf_text(&v->request, "/api/");
    for (const char *at = r->path; *at != '\0'; at++) {
        if (*at == '@')
            add_encoded(&v->request,
                        reader_u8(&v->script) % 8 == 7 ? words_name(&v->script) : bytes_text("/"));
        else if (*at == '*')
            add_encoded(&v->request, words_name(&v->script));
        else
            buf_u8(&v->request, (uint8_t)*at);
    }
    uint8_t query = reader_u8(&v->script);
    if (query == ANYTHING)
        buf_bytes(&v->request, words_raw(&v->script));
    else
        buf_text(&v->request, "%s", queries[query % ARRAY_SIZE(queries)]);
}

static void add_fields(struct visitor *v, unsigned count, struct buf *out)
{
    for (unsigned i = 0; i < count; i++) {
        uint8_t field = reader_u8(&v->script);
        uint8_t value = reader_u8(&v->script);

        buf_text(out, "%s\"%s\":", i == 0 ? "" : ",", fields[field % ARRAY_SIZE(fields)]);
        if (value == ANYTHING)
            buf_bytes(out, words_raw(&v->script));
        else
            buf_text(out, "%s", values[value % ARRAY_SIZE(values)]);
    }
}

static void add_body(struct visitor *v, struct buf *out)
{
    uint8_t kind = reader_u8(&v->script);

    if (kind == BODY_NONE)
        return;
    if (kind == BODY_RAW) {
        buf_bytes(out, words_raw(&v->script));
        return;
    }
    buf_text(out, kind == BODY_LIST ? "[{" : "{");
    add_fields(v, kind % FIELDS_MAX, out);
    buf_text(out, kind == BODY_LIST ? "}]" : "}");
}

static void act_request(struct visitor *v)
{
    struct buf body;
    uint8_t method = reader_u8(&v->script);

    buf_clear(&v->request);
    buf_init(&body, TEXT_LIMIT);
    buf_text(&v->request, "%s ", methods[method % ARRAY_SIZE(methods)]);
    add_path(v);
    add_body(v, &body);
    buf_text(&v->request, " HTTP/1.1\r\nhost: a\r\n");
    if (method < 0xf0)
        buf_text(&v->request, "authorization: Basic Z3Vlc3Q6Z3Vlc3Q=\r\n");
    if ((method & 0x80) != 0)
        buf_text(&v->request, "transfer-encoding: chunked\r\n\r\n%zx\r\n%.*s\r\n0\r\n\r\n",
                 body.size, (int)body.size, body.size == 0 ? "" : (char *)body.data);
    else
        buf_text(&v->request, "content-length: %zu\r\n\r\n%.*s", body.size, (int)body.size,
                 body.size == 0 ? "" : (char *)body.data);
    send_all(v, buf_view(&v->request));
    world_run_ms(&v->world, 2);
    buf_release(&body);
}

static void act(struct visitor *v)
{
    switch (reader_u8(&v->script) % ACT_COUNT) {
    case ACT_RAW:
        send_all(v, words_raw(&v->script));
        break;
    case ACT_WAIT:
        world_run_ms(&v->world, UINT64_C(1) << reader_u8(&v->script) % 14);
        break;
    case ACT_LEAVE:
        leave(v);
        break;
    default:
        act_request(v);
        break;
    }
    come(v);
}

/* ---- beginning and end ---- */

static void open_all(struct visitor *v, uint8_t seed)
{
    const struct sim_options sim = {.seed = seed};
    const struct sim_way way = {.piece_max = (seed & 1) != 0 ? 20 : 0};
    struct err_note note = {{0}};

    diag_set_level(DIAG_OFF);
    world_init_with(&v->world, &sim, NULL);
    sim_net_set_ways(v->world.sim, &way);
    v->world.broker_options.disk_min_bytes = 0;
    v->world.log_options.segment_bytes = 256 * KIB;
    v->world.log_options.block_bytes = 16 * KIB;
    world_open(&v->world);
    setting_defaults(api_settings, &v->options);
    const struct api_open open = {.io = v->world.io,
                                  .broker = v->world.broker,
                                  .options = &v->options,
                                  .node = "rabbit@test",
                                  .cluster_name = "test",
                                  .limits = &v->world.broker_options,
                                  .doors = amqp_doors(v->world.door)};
    v->api = api_new(&open);
    int rv = api_listen(v->api, &note);
    ASSERT(rv == 0);
    buf_init(&v->request, TEXT_LIMIT);
    buf_init(&v->answer, ANSWER_LIMIT);
    while (routes[v->route_count].path != NULL)
        v->route_count++;
}

static void ask_honestly(struct visitor *v)
{
    static const char question[] = "GET /api/auth HTTP/1.1\r\nhost: a\r\n\r\n";

    leave(v);
    come(v);
    send_all(v, bytes_text(question));
    world_run_ms(&v->world, 20);
    ASSERT(v->answer.size > 12 && memcmp(v->answer.data, "HTTP/1.1 200", 12) == 0);
    leave(v);
}

static void on_stopped(void *owner)
{
    ((struct visitor *)owner)->is_stopped = true;
}

static bool is_stopped(void *owner)
{
    return ((struct visitor *)owner)->is_stopped;
}

static void close_all(struct visitor *v)
{
    api_stop(v->api, on_stopped, v);
    bool has_stopped = sim_run_until(v->world.sim, is_stopped, v, WORLD_PATIENCE_NS);
    ASSERT(has_stopped);
    api_free(v->api);
    broker_check(v->world.broker);
    world_crash(&v->world, SIM_DEATH_PROCESS, NULL);
    world_open(&v->world);
    broker_check(v->world.broker);
    world_release(&v->world);
    setting_release(api_settings, &v->options);
    buf_release(&v->request);
    buf_release(&v->answer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct visitor v;

    memset(&v, 0, sizeof(v));
    v.script = reader_of(bytes_of(data, size));
    open_all(&v, reader_u8(&v.script));
    come(&v);
    for (unsigned i = 0; i < ACTS_MAX && v.script.left > 0; i++)
        act(&v);
    ask_honestly(&v);
    close_all(&v);
    return 0;
}
