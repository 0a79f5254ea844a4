/* A broker behind its management interface in a simulated world. */
#include "tests/sim/asker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/diag.h"
#include "base/mem.h"
#include "io/net.h"
#include "tests/lib/test.h"

#define MS_NS UINT64_C(1000000)

static const uint64_t minute_ns = 60000 * MS_NS;

enum { ASKER_PORT = 15672 };

void asker_init(struct asker *a)
{
    memset(a, 0, sizeof(*a));
    diag_set_level(DIAG_ERROR);
    world_init(&a->world);
    setting_defaults(api_settings, &a->options);
    a->world.broker_options.disk_low_bytes = 0;
    a->text = mem_alloc(ASKER_TEXT_SIZE);
}

void asker_open(struct asker *a)
{
    struct err_note note = {{0}};

    world_open(&a->world);
    const struct api_open open = {
        .io = a->world.io,
        .broker = a->world.broker,
        .options = &a->options,
        .node = "rabbit@test",
        .limits = &a->world.broker_options,
        .cluster_name = "test",
        .doors = amqp_doors(a->world.door),
    };
    a->api = api_new(&open);
    if (api_listen(a->api, &note) != 0)
        fail_msg("%s", note.text);
    assert_int_equal(api_port(a->api), ASKER_PORT);
    asker_run_ms(a, 50);
}

int asker_set_up(void **state)
{
    struct asker *a = MEM_NEW(struct asker);

    asker_init(a);
    asker_open(a);
    *state = a;
    return 0;
}

static void on_stopped(void *owner)
{
    ((struct asker *)owner)->is_stopped = true;
}

static bool is_stopped(void *owner)
{
    return ((struct asker *)owner)->is_stopped;
}

int asker_tear_down(void **state)
{
    struct asker *a = *state;

    api_stop(a->api, on_stopped, a);
    assert_true(sim_run_until(a->world.sim, is_stopped, a, minute_ns));
    api_free(a->api);
    world_release(&a->world);
    setting_release(api_settings, &a->options);
    mem_free(a->text);
    mem_free(a);
    diag_set_level(DIAG_INFO);
    return 0;
}

void asker_run_ms(struct asker *a, uint64_t ms)
{
    sim_run_for(a->world.sim, ms * MS_NS);
}

/* ---- asking ---- */

static void on_socket(void *owner, struct socket *socket, unsigned events)
{
    struct asker *a = owner;
    int rv = 0;

    (void)events;
    while (rv == 0) {
        size_t done = 0;

        assert_true(a->size < ASKER_TEXT_SIZE - 1);
        rv = socket_read(socket, a->text + a->size, ASKER_TEXT_SIZE - 1 - a->size, &done);
        a->size += done;
        a->text[a->size] = '\0';
    }
    a->has_ended = rv != ERR_AGAIN;
    if (a->has_ended)
        socket_watch(socket, 0);
}

static bool has_ended(void *owner)
{
    return ((struct asker *)owner)->has_ended;
}

/* Puts the chunks of a body together, in place. */
static void join_chunks(char *body)
{
    char *from = body;
    char *to = body;

    for (;;) {
        size_t size = 0;

        for (; *from != '\r'; from++)
            size = size * 16 + (size_t)(*from <= '9' ? *from - '0' : *from - 'a' + 10);
        from += 2;
        memmove(to, from, size);
        to += size;
        if (size == 0)
            break;
        from += size + 2;
    }
    *to = '\0';
}

static void take_answer(struct asker *a)
{
    a->body = strstr(a->text, "\r\n\r\n");
    assert_non_null(a->body);
    *a->body = '\0';
    a->body += 4;
    assert_true(strncmp(a->text, "HTTP/1.1 ", 9) == 0);
    a->status = (a->text[9] - '0') * 100 + (a->text[10] - '0') * 10 + a->text[11] - '0';
    if (strstr(a->text, "transfer-encoding: chunked") != NULL && a->body[0] != '\0')
        join_chunks(a->body);
}

static void send_all(struct asker *a, struct socket *s, struct bytes b)
{
    for (unsigned tries = 0; b.size > 0 && tries < 100000 && !a->has_ended; tries++) {
        const struct iovec part = {.iov_base = (void *)(uintptr_t)b.data, .iov_len = b.size};
        size_t done = 0;

        if (socket_write(s, &part, 1, &done) == 0)
            b = bytes_of(b.data + done, b.size - done);
        else
            asker_run_ms(a, 1);
    }
}

int ask_with(struct asker *a, const char *user, const char *line, const char *fields,
             const char *body)
{
    struct socket *s = NULL;
    struct buf out;
    struct buf login;

    buf_init(&out, ASKER_TEXT_SIZE);
    buf_init(&login, 1024);
    buf_text(&out, "%.*s /api%s HTTP/1.1\r\nhost: a\r\nconnection: close\r\n%s",
             (int)strcspn(line, " "), line, line + strcspn(line, " ") + 1, fields);
    if (user != NULL) {
        char both[200];

        (void)snprintf(both, sizeof(both), "%s:%s", user, user);
        base64_encode(bytes_text(both), &login);
        buf_text(&out, "authorization: Basic %.*s\r\n", (int)login.size, (char *)login.data);
    }
    if (body != NULL)
        buf_text(&out, "content-length: %zu\r\n", strlen(body));
    buf_text(&out, "\r\n");
    if (body != NULL)
        buf_bytes(&out, bytes_text(body));
    a->size = 0;
    a->text[0] = '\0';
    a->has_ended = false;
    assert_int_equal(
        socket_connect(a->world.client_io, sim_node_host(a->world.server), ASKER_PORT, &s, NULL),
        0);
    socket_set_owner(s, on_socket, a);
    socket_watch(s, SOCKET_READ);
    asker_run_ms(a, 1);
    send_all(a, s, buf_view(&out));
    assert_true(sim_run_until(a->world.sim, has_ended, a, minute_ns));
    socket_close(s);
    buf_release(&out);
    buf_release(&login);
    take_answer(a);
    return a->status;
}

int ask(struct asker *a, const char *user, const char *method, const char *path, const char *body)
{
    char *line = mem_format("%s %s", method, path);
    int status = ask_with(a, user, line, "", body);

    mem_free(line);
    return status;
}

void expect(struct asker *a, const char *line, const char *body, int status, const char *text)
{
    if (ask_with(a, "guest", line, "", body) != status)
        fail_msg("%s: %d %s", line, a->status, a->body);
    if (text != NULL && strstr(a->body, text) == NULL)
        fail_msg("%s: no %s in %s", line, text, a->body);
}

void asker_user(struct asker *a, const char *name, const char *tags, const char *vhost)
{
    char *line = mem_format("PUT /users/%s", name);
    char *body = mem_format("{\"password\":\"%s\",\"tags\":\"%s\"}", name, tags);

    expect(a, line, body, 201, NULL);
    mem_free(line);
    mem_free(body);
    if (vhost == NULL)
        return;
    line = mem_format("PUT /permissions/%s/%s", vhost, name);
    expect(a, line, "{\"configure\":\".*\",\"write\":\".*\",\"read\":\".*\"}", 201, NULL);
    mem_free(line);
}
