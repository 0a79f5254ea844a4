/* A server and its clients in a simulated world. */
#include "tests/unit/http/http_stage.h"

#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "tests/lib/test.h"

static const uint64_t minute_ns = 60000 * STAGE_MS;

/* ---- the service ---- */

static struct bytes path_of(const struct http_call *c)
{
    const struct http_target *t = &http_call_request(c)->target;

    return t->segment_count == 0 ? bytes_of(NULL, 0) : t->segments[0];
}

static bool is_path(const struct http_call *c, const char *name)
{
    return bytes_equal(path_of(c), bytes_text(name));
}

static uint64_t on_begin(void *owner, struct http_call *c)
{
    struct http_stage *st = owner;

    st->begun++;
    if (is_path(c, "deny")) {
        http_answer_field(c, "www-authenticate", "Basic realm=\"test\"");
        http_answer(c, 401, "text/plain", bytes_text("no\n"));
    }
    return STAGE_BODY_MAX;
}

static enum http_more on_more(void *owner, struct http_call *c, struct buf *out)
{
    struct http_stage *st = owner;

    if (is_path(c, "abort"))
        return st->parts_left-- == 0 ? HTTP_MORE_ABORT : HTTP_MORE_LATER;
    if (st->parts_left % 3 == 2)
        st->parts_left--;
    else if (st->parts_left > 0)
        for (st->parts_left--; out->size < HTTP_PART_SIZE;)
            buf_text(out, "%s", PART_TEXT);
    return st->parts_left == 0 ? HTTP_MORE_LAST : HTTP_MORE_PART;
}

static void on_serve(void *owner, struct http_call *c)
{
    struct http_stage *st = owner;

    st->served++;
    if (is_path(c, "later")) {
        st->later = c;
    } else if (is_path(c, "nothing")) {
        http_answer(c, 204, NULL, bytes_of(NULL, 0));
    } else if (is_path(c, "parts") || is_path(c, "abort")) {
        st->parts_left = 10;
        http_answer_parts(c, 200, "text/plain", on_more, st);
    } else {
        http_answer(c, 200, "text/plain", http_call_request(c)->body);
    }
}

static void on_dropped(void *owner, struct http_call *c)
{
    struct http_stage *st = owner;

    st->dropped++;
    if (st->later == c)
        st->later = NULL;
}

/* ---- the stage ---- */

void http_stage_init(struct http_stage *st)
{
    memset(st, 0, sizeof(*st));
    diag_set_level(DIAG_ERROR);
    st->sim = sim_new(NULL);
    st->node = sim_node_new(st->sim, "a", NULL);
    st->far = sim_node_new(st->sim, "b", NULL);
    st->io = sim_io_new(st->node);
    st->client_io = sim_io_new(st->far);
    st->options = http_options_default();
}

void http_stage_open(struct http_stage *st)
{
    const struct http_service service = {
        .owner = st, .begin = on_begin, .serve = on_serve, .dropped = on_dropped};

    st->server = http_server_new(st->io, &st->options, &service);
    assert_int_equal(http_server_listen(st->server, "", STAGE_PORT, NULL), 0);
    assert_int_equal(http_server_port(st->server), STAGE_PORT);
}

static void on_stopped(void *owner)
{
    ((struct http_stage *)owner)->is_stopped = true;
}

static bool is_stopped(void *owner)
{
    return ((struct http_stage *)owner)->is_stopped;
}

void http_stage_stop(struct http_stage *st)
{
    http_server_stop(st->server, on_stopped, st);
    assert_true(sim_run_until(st->sim, is_stopped, st, minute_ns));
}

void http_stage_release(struct http_stage *st)
{
    if (!st->is_stopped)
        http_stage_stop(st);
    http_server_free(st->server);
    assert_true(sim_run_idle(st->sim, 10 * minute_ns));
    sim_io_free(st->io);
    sim_io_free(st->client_io);
    sim_free(st->sim);
    diag_set_level(DIAG_INFO);
}

void http_stage_run_ms(struct http_stage *st, uint64_t ms)
{
    sim_run_for(st->sim, ms * STAGE_MS);
    http_server_check(st->server);
}

/* ---- clients ---- */

static void on_socket(void *owner, struct socket *socket, unsigned events)
{
    struct http_client *c = owner;
    int rv = 0;

    (void)events;
    while (rv == 0) {
        size_t done = 0;

        assert_true(c->size < STAGE_TEXT_SIZE - 1);
        rv = socket_read(socket, c->text + c->size, STAGE_TEXT_SIZE - 1 - c->size, &done);
        c->size += done;
        c->text[c->size] = '\0';
    }
    c->is_closed = rv != ERR_AGAIN;
    if (c->is_closed)
        socket_watch(socket, 0);
}

void http_client_open(struct http_stage *st, struct http_client *c)
{
    memset(c, 0, sizeof(*c));
    c->stage = st;
    c->text = mem_alloc(STAGE_TEXT_SIZE);
    c->text[0] = '\0';
    assert_int_equal(
        socket_connect(st->client_io, sim_node_host(st->node), STAGE_PORT, &c->socket, NULL), 0);
    socket_set_owner(c->socket, on_socket, c);
    socket_watch(c->socket, SOCKET_READ);
    http_stage_run_ms(st, 1);
}

void http_client_close(struct http_client *c)
{
    socket_close(c->socket);
    mem_free(c->text);
    http_stage_run_ms(c->stage, 1);
}

void http_client_send_bytes(struct http_client *c, struct bytes b)
{
    unsigned tries = 0;

    while (b.size > 0) {
        const struct iovec part = {.iov_base = (void *)(uintptr_t)b.data, .iov_len = b.size};
        size_t done = 0;
        int rv = socket_write(c->socket, &part, 1, &done);

        if (rv != 0 && (rv != ERR_AGAIN || ++tries > 1000))
            break;
        b = bytes_of(b.data + done, b.size - done);
        http_stage_run_ms(c->stage, 1);
    }
    http_stage_run_ms(c->stage, 2);
}

void http_client_send(struct http_client *c, const char *text)
{
    http_client_send_bytes(c, bytes_text(text));
}

void http_client_forget(struct http_client *c)
{
    c->size = 0;
    c->text[0] = '\0';
}

int http_stage_status(struct http_stage *st, const char *request)
{
    struct http_client c;
    int status = 0;

    http_client_open(st, &c);
    http_client_send(&c, request);
    if (strncmp(c.text, "HTTP/1.1 ", 9) == 0)
        for (const char *at = c.text + 9; *at >= '0' && *at <= '9'; at++)
            status = status * 10 + *at - '0';
    http_client_close(&c);
    return status;
}
