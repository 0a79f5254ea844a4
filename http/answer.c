/* Answers: their heads, their parts, and how they go out. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "http/server_parts.h"
#include "http/session.h"

#define MS_NS UINT64_C(1000000)

enum { FIELD_MAX = 8192, CHUNK_LINE_SIZE = 10 };

static struct http_session *session_of(struct http_call *c)
{
    return CONTAINER_OF(c, struct http_session, call);
}

const struct http_request *http_call_request(const struct http_call *c)
{
    ASSERT(c->request != NULL);
    return c->request;
}

struct io *http_call_io(struct http_call *c)
{
    return session_of(c)->server->io;
}

void http_call_set_data(struct http_call *c, void *data)
{
    c->data = data;
}

void *http_call_data(const struct http_call *c)
{
    return c->data;
}

/* ---- the head ---- */

void http_answer_field(struct http_call *c, const char *name, const char *format, ...)
{
    char value[FIELD_MAX];
    va_list args;
    size_t size = 0;

    va_start(args, format);
    if (vsnprintf(value, sizeof(value), format, args) < 0)
        value[0] = '\0';
    va_end(args);
    while ((unsigned char)value[size] >= ' ' && value[size] != 0x7f)
        size++;
    buf_text(&c->fields, "%s: %.*s\r\n", name, (int)size, value);
}

static void add_date(struct http_session *s)
{
    time_t second = (time_t)(io_wall_ms(s->server->io) / 1000);
    char text[40];
    struct tm utc;

    if (gmtime_r(&second, &utc) != NULL &&
        strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &utc) != 0)
        buf_text(&s->out, "date: %s\r\n", text);
}

static bool is_1_0(const struct http_session *s)
{
    return s->call.request != NULL && s->call.request->head.is_1_0;
}

static bool is_to_head(const struct http_session *s)
{
    return s->call.request != NULL && s->call.request->head.method == HTTP_HEAD;
}

/* The first line and the fields that all answers have. */
static void add_head(struct http_session *s, int status, const char *type)
{
    const struct http_call *c = &s->call;

    buf_text(&s->out, "HTTP/1.1 %d %s\r\n", status, http_status_text(status));
    buf_text(&s->out, "server: %s\r\n", s->server->options.name);
    add_date(s);
    if (type != NULL)
        buf_text(&s->out, "content-type: %s\r\n", type);
    if (s->is_last)
        buf_text(&s->out, "connection: close\r\n");
    else if (is_1_0(s))
        buf_text(&s->out, "connection: keep-alive\r\n");
    buf_bytes(&s->out, buf_view(&c->fields));
}

/* What both kinds of answers begin with. */
static struct http_session *start_answer(struct http_call *c)
{
    struct http_session *s = session_of(c);

    ASSERT(!c->is_answered && s->state != HTTP_SESSION_CLOSED); /* S1 */
    /* What nobody reads would be taken for the next request. */
    s->is_unread = s->state == HTTP_SESSION_HEAD ||
                   (s->state == HTTP_SESSION_BODY &&
                    (c->request->head.is_chunked || c->request->head.content_length > 0));
    s->is_last = s->is_last || s->is_unread;
    c->is_answered = true;
    s->state = HTTP_SESSION_SENDING;
    io_timer_stop(s->server->io, &s->deadline);
    io_later(s->server->io, &s->work);
    return s;
}

void http_answer(struct http_call *c, int status, const char *type, struct bytes body)
{
    struct http_session *s = start_answer(c);

    add_head(s, status, type);
    if (status != 204)
        buf_text(&s->out, "content-length: %zu\r\n", body.size);
    buf_text(&s->out, "\r\n");
    if (!is_to_head(s))
        buf_bytes(&s->out, body);
    http_session_rewatch(s);
}

void http_answer_parts(struct http_call *c, int status, const char *type, http_more_fn *more,
                       void *owner)
{
    struct http_session *s = start_answer(c);

    c->is_parts = true;
    c->more = more;
    c->more_owner = owner;
    s->is_last = s->is_last || is_1_0(s);
    add_head(s, status, type);
    if (!is_1_0(s))
        buf_text(&s->out, "transfer-encoding: chunked\r\n");
    buf_text(&s->out, "\r\n");
    http_session_rewatch(s);
}

/* ---- parts ---- */

static enum http_more ask_more(struct http_session *s, bool is_chunked)
{
    struct http_call *c = &s->call;
    size_t start = s->out.size;
    enum http_more more;
    char line[CHUNK_LINE_SIZE + 1];

    if (is_chunked)
        buf_text(&s->out, "00000000\r\n");
    size_t head = s->out.size;
    more = c->more(c->more_owner, c, &s->out);
    if (buf_error(&s->out) != 0)
        return HTTP_MORE_ABORT;
    if (is_chunked && s->out.size == head) {
        s->out.size = start;
    } else if (is_chunked) {
        ASSERT(s->out.size <= HTTP_PART_MAX);
        (void)snprintf(line, sizeof(line), "%08" PRIx32 "\r\n", (uint32_t)(s->out.size - head));
        memcpy(s->out.data + start, line, CHUNK_LINE_SIZE);
        buf_text(&s->out, "\r\n");
    }
    if (more == HTTP_MORE_LAST && is_chunked)
        buf_text(&s->out, "0\r\n\r\n");
    return more;
}

/* Asks for the next part. False: the session is closed. */
static bool add_part(struct http_session *s)
{
    enum http_more more = ask_more(s, !is_1_0(s));

    if (more == HTTP_MORE_LAST || more == HTTP_MORE_ABORT)
        s->call.more = NULL;
    if (more == HTTP_MORE_ABORT || buf_error(&s->out) != 0) {
        http_session_close(s);
        return false;
    }
    return true;
}

/* ---- sending ---- */

/* Writes what is in the buffer, as far as it goes. False: the session is closed. */
static bool write_out(struct http_session *s)
{
    while (s->sent < s->out.size) {
        const struct iovec part = {.iov_base = s->out.data + s->sent,
                                   .iov_len = s->out.size - s->sent};
        size_t done = 0;
        int rv = socket_write(s->socket, &part, 1, &done);

        if (rv == ERR_AGAIN)
            break;
        if (rv != 0) {
            http_session_close(s);
            return false;
        }
        s->sent += done;
        s->server->stats.sent_bytes += done;
        io_timer_stop(s->server->io, &s->deadline);
    }
    if (s->sent < s->out.size && !io_timer_is_running(&s->deadline))
        io_timer_start(s->server->io, &s->deadline, s->server->options.output_timeout_ms * MS_NS);
    if (s->sent == s->out.size) {
        buf_clear(&s->out);
        s->sent = 0;
    }
    http_session_rewatch(s);
    return true;
}

void http_session_send(struct http_session *s)
{
    if (s->state == HTTP_SESSION_BODY) { /* it was told to go on */
        const struct iovec part = {.iov_base = s->out.data, .iov_len = s->out.size};
        size_t done = 0;

        if (socket_write(s->socket, &part, 1, &done) != 0 || done != s->out.size)
            http_session_close(s);
        buf_clear(&s->out);
        return;
    }
    if (s->state != HTTP_SESSION_SENDING || !write_out(s))
        return;
    if (s->out.size > 0 && s->sent < s->out.size)
        return;
    if (s->call.more == NULL) {
        http_session_on_answered(s);
        return;
    }
    if (s->call.is_begun && is_to_head(s)) {
        http_session_on_answered(s);
        return;
    }
    if (add_part(s))
        io_timer_start(s->server->io, &s->turn, 0);
}
