/* Requests: reading them, and what becomes of a connection. Answers are in answer.c. */
#include "http/session.h"

#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "http/server_parts.h"

#define MS_NS UINT64_C(1000000)

enum {
    READ_SIZE = 16 << 10,
    IN_MAX = HTTP_HEAD_MAX + READ_SIZE,
    PACE_BYTES = 64 << 10, /* a body must bring so much in each request_timeout_ms */
    LINGER_MS = 2000,
    LINGER_READS_MAX = 64,
};

/* ---- what is watched, until when ---- */

void http_session_rewatch(struct http_session *s)
{
    unsigned events = 0;

    if (s->socket == NULL)
        return;
    if (s->state == HTTP_SESSION_HEAD || s->state == HTTP_SESSION_BODY ||
        s->state == HTTP_SESSION_LINGERING)
        events |= SOCKET_READ;
    if (s->sent < s->out.size)
        events |= SOCKET_WRITE;
    if (events == s->watched)
        return;
    s->watched = events;
    socket_watch(s->socket, events);
}

static void set_deadline(struct http_session *s, uint64_t ms)
{
    io_timer_start(s->server->io, &s->deadline, ms * MS_NS);
}

/* ---- the request's end ---- */

static void count_body(struct http_session *s, size_t before)
{
    s->server->stats.body_bytes += s->body.capacity;
    s->server->stats.body_bytes -= before;
}

static void drop_body(struct http_session *s)
{
    size_t before = s->body.capacity;

    buf_release(&s->body);
    count_body(s, before);
}

/* The service lets go of the call if it holds it. */
static void end_call(struct http_session *s)
{
    struct http_call *c = &s->call;
    bool is_held = c->is_begun && (!c->is_answered || c->more != NULL);

    c->more = NULL;
    c->is_answered = true;
    if (is_held)
        s->server->service.dropped(s->server->service.owner, c);
    drop_body(s);
    buf_release(&c->fields);
    mem_free(c->request);
    mem_free(c->head);
    memset(c, 0, sizeof(*c));
}

static void free_session(struct http_session *s)
{
    struct http_server *server = s->server;

    ASSERT(s->socket == NULL);
    io_timer_stop(server->io, &s->deadline);
    io_timer_stop(server->io, &s->turn);
    io_task_cancel(&s->work);
    buf_release(&s->in);
    buf_release(&s->out);
    list_remove(&s->link);
    mem_free(s);
    http_server_forget(server);
}

void http_session_close(struct http_session *s)
{
    if (s->state == HTTP_SESSION_CLOSED)
        return;
    s->state = HTTP_SESSION_CLOSED;
    socket_close(s->socket);
    s->socket = NULL;
    end_call(s);
    io_timer_stop(s->server->io, &s->deadline);
    io_timer_stop(s->server->io, &s->turn);
    io_later(s->server->io, &s->work); /* frees it */
}

void http_session_stop(struct http_session *s)
{
    s->is_last = true;
    if (s->state == HTTP_SESSION_HEAD || s->state == HTTP_SESSION_LINGERING)
        http_session_close(s);
}

/* ---- refusing ---- */

void http_session_refuse(struct http_session *s, int status, const char *reason)
{
    static const struct {
        int status;
        const char *error;
    } errors[] = {{400, "bad_request"},     {408, "request_timeout"}, {413, "payload_too_large"},
                  {414, "uri_too_long"},    {417, "bad_request"},     {431, "headers_too_large"},
                  {501, "not_implemented"}, {503, "unavailable"},     {505, "bad_request"},
                  {404, "Object Not Found"}};
    const char *error = "bad_request";
    char *text = NULL;

    for (size_t i = 0; i < ARRAY_SIZE(errors); i++)
        if (errors[i].status == status)
            error = errors[i].error;
    s->server->stats.refused++;
    diag(DIAG_DEBUG, s->server->options.name, "a request is refused status=%d reason='%s'", status,
         reason);
    s->is_last = true;
    if (s->call.is_begun) {
        s->call.is_begun = false;
        s->server->service.dropped(s->server->service.owner, &s->call);
    }
    text = mem_format("{\"error\":\"%s\",\"reason\":\"%s\"}", error, reason);
    http_answer(&s->call, status, "application/json", bytes_text(text));
    mem_free(text);
}

static void refuse_head(struct http_session *s, int status)
{
    const char *reason = "the request is not valid HTTP/1.1";

    if (status == 404)
        reason = "Not Found";
    else if (status == 414)
        reason = "the URL is too long";
    else if (status == 431)
        reason = "the header fields are too many or too long";
    else if (status == 417)
        reason = "only 100-continue can be expected";
    else if (status == 501)
        reason = "the transfer coding is not known";
    else if (status == 505)
        reason = "only HTTP/1.0 and 1.1 are spoken here";
    http_session_refuse(s, status, reason);
}

/* ---- the body ---- */

static void serve(struct http_session *s)
{
    struct http_call *c = &s->call;

    io_timer_stop(s->server->io, &s->deadline);
    s->state = HTTP_SESSION_BUSY;
    c->request->body = buf_view(&s->body);
    http_session_rewatch(s);
    s->server->service.serve(s->server->service.owner, c);
}

/* Keeps a piece of the body. False: it was refused. */
static bool add_body(struct http_session *s, struct bytes piece)
{
    size_t before = s->body.capacity;
    uint64_t limit = s->server->options.bodies_max_bytes;

    if (piece.size > s->body_max - s->body.size) {
        http_session_refuse(s, 413, "the body is too large");
        return false;
    }
    if (piece.size > limit || s->server->stats.body_bytes > limit - piece.size) {
        http_session_refuse(s, 503, "too many large bodies at a time");
        return false;
    }
    buf_bytes(&s->body, piece);
    count_body(s, before);
    if (buf_error(&s->body) != 0) {
        http_session_refuse(s, 503, "there is no memory for the body");
        return false;
    }
    if (s->body.size - s->paced >= PACE_BYTES) {
        s->paced = s->body.size;
        set_deadline(s, s->server->options.request_timeout_ms);
    }
    return true;
}

/* Takes body bytes off the front; returns how many. The state changes when it is whole or wrong. */
static size_t take_body(struct http_session *s, struct bytes in)
{
    size_t at = 0;

    if (!s->call.request->head.is_chunked) {
        at = in.size < s->body_left ? in.size : (size_t)s->body_left;
        s->body_left -= at;
        if (add_body(s, bytes_of(in.data, at)) && s->body_left == 0)
            serve(s);
        return at;
    }
    while (at < in.size && !http_chunks_are_done(&s->chunks)) {
        struct bytes data;
        size_t taken = 0;

        if (http_chunks_take(&s->chunks, bytes_of(in.data + at, in.size - at), &taken, &data) !=
            0) {
            http_session_refuse(s, 400, "the chunks of the body are not valid");
            return in.size;
        }
        at += taken;
        if (!add_body(s, data))
            return in.size;
    }
    if (http_chunks_are_done(&s->chunks))
        serve(s);
    return at;
}

/* ---- the head ---- */

/* Forgets the first bytes of what came. */
static void take_in(struct http_session *s, size_t size)
{
    ASSERT(size <= s->in.size);
    if (size < s->in.size)
        memmove(s->in.data, s->in.data + size, s->in.size - size);
    s->in.size -= size;
    if (s->in.size == 0) {
        buf_release(&s->in);
        buf_init(&s->in, IN_MAX);
    }
}

static void fill_peer(struct http_session *s)
{
    struct http_request *r = s->call.request;

    socket_peer(s->socket, &r->peer);
    r->is_loopback = strncmp(r->peer.text, "127.", 4) == 0 ||
                     strncmp(r->peer.text, "[::1]", 5) == 0 ||
                     strncmp(r->peer.text, "[::ffff:127.", 12) == 0;
    r->is_secure = s->is_secure;
}

/* Reads the head that lies in front of what came. Returns 0 or a status. */
static int read_request(struct http_session *s, size_t size)
{
    struct http_call *c = &s->call;
    int status;

    c->head = mem_alloc(size);
    memcpy(c->head, s->in.data, size);
    take_in(s, size);
    c->request = mem_alloc(sizeof(*c->request));
    c->request->body = bytes_of(NULL, 0);
    fill_peer(s);
    status = http_head_read(bytes_of(c->head, size), &c->request->head);
    if (status == 0 && !(c->request->head.method == HTTP_OPTIONS &&
                         bytes_equal(c->request->head.target, bytes_text("*"))))
        status = http_target_read(c->request->head.target, &c->request->target);
    else if (status == 0)
        status = 400;
    return status;
}

/* The service says whether it wants the body. */
static void begin(struct http_session *s)
{
    struct http_server *server = s->server;
    struct http_call *c = &s->call;
    const struct http_head *h = &c->request->head;

    s->is_last = s->is_last || !h->is_keep_alive;
    c->is_begun = true;
    server->stats.requests++;
    s->state = HTTP_SESSION_BODY; /* of which nothing was read yet */
    s->body_left = h->content_length;
    s->body_max = server->service.begin(server->service.owner, c);
    if (c->is_answered || s->state == HTTP_SESSION_CLOSED)
        return;
    if (h->content_length > s->body_max) {
        http_session_refuse(s, 413, "the body is too large");
        return;
    }
    s->paced = 0;
    buf_init(&s->body, (size_t)s->body_max);
    http_chunks_init(&s->chunks);
    if (!h->is_chunked && h->content_length == 0) {
        serve(s);
        return;
    }
    set_deadline(s, server->options.request_timeout_ms);
    if (h->wants_continue && s->in.size == 0) {
        buf_text(&s->out, "HTTP/1.1 100 Continue\r\n\r\n");
        http_session_send(s);
    }
}

static void take_head(struct http_session *s)
{
    size_t size = 0;
    int status = 0;
    int rv = http_head_scan(&s->scan, buf_view(&s->in), &size, &status);

    if (rv == ERR_AGAIN)
        return;
    memset(&s->scan, 0, sizeof(s->scan));
    buf_init(&s->call.fields, HTTP_HEAD_MAX);
    if (rv != 0) {
        refuse_head(s, status);
        return;
    }
    status = read_request(s, size);
    if (status != 0)
        refuse_head(s, status);
    else
        begin(s);
}

/* ---- turns ---- */

/* Takes what came as far as the state allows. */
static void advance(struct http_session *s)
{
    if (s->state == HTTP_SESSION_HEAD && s->in.size > 0)
        take_head(s);
    if (s->state == HTTP_SESSION_BODY && s->in.size > 0)
        take_in(s, take_body(s, buf_view(&s->in)));
    http_session_rewatch(s);
}

/* Reads heads, and of a chunked body what may go beyond it. */
static int read_in(struct http_session *s)
{
    uint8_t area[READ_SIZE];
    size_t room = IN_MAX - s->in.size;
    bool is_first = s->in.size == 0 && s->state == HTTP_SESSION_HEAD;
    size_t done = 0;
    int rv = socket_read(s->socket, area, room < sizeof(area) ? room : sizeof(area), &done);

    if (rv != 0)
        return rv;
    s->server->stats.received_bytes += done;
    if (is_first)
        set_deadline(s, s->server->options.request_timeout_ms);
    buf_bytes(&s->in, bytes_of(area, done));
    return buf_error(&s->in);
}

/* Reads a body with a length, and not a byte more. */
static int read_body(struct http_session *s)
{
    uint8_t area[READ_SIZE];
    size_t room = s->body_left < sizeof(area) ? (size_t)s->body_left : sizeof(area);
    size_t done = 0;
    int rv = socket_read(s->socket, area, room, &done);

    if (rv != 0)
        return rv;
    s->server->stats.received_bytes += done;
    (void)take_body(s, bytes_of(area, done));
    return 0;
}

static void linger(struct http_session *s)
{
    uint8_t area[READ_SIZE];
    size_t done = 0;

    for (int i = 0; i < LINGER_READS_MAX; i++) {
        int rv = socket_read(s->socket, area, sizeof(area), &done);

        if (rv == ERR_AGAIN)
            return;
        if (rv != 0) {
            http_session_close(s);
            return;
        }
        s->server->stats.received_bytes += done;
    }
}

static void on_readable(struct http_session *s)
{
    bool has_length = s->state == HTTP_SESSION_BODY && !s->call.request->head.is_chunked;
    int rv = has_length && s->in.size == 0 ? read_body(s) : read_in(s);

    if (rv == ERR_AGAIN)
        return;
    if (rv != 0) {
        http_session_close(s);
        return;
    }
    advance(s);
}

static void on_event(void *owner, struct socket *socket, unsigned events)
{
    struct http_session *s = owner;

    (void)socket;
    if ((events & SOCKET_WRITE) != 0 && s->sent < s->out.size)
        http_session_send(s);
    if ((events & SOCKET_READ) == 0 || (s->watched & SOCKET_READ) == 0 || s->socket == NULL)
        return;
    if (s->state == HTTP_SESSION_LINGERING)
        linger(s);
    else
        on_readable(s);
}

static void on_deadline(struct io_timer *t)
{
    struct http_session *s = CONTAINER_OF(t, struct http_session, deadline);
    bool is_request =
        s->state == HTTP_SESSION_BODY || (s->state == HTTP_SESSION_HEAD && s->in.size > 0);

    if (!is_request) {
        http_session_close(s);
        return;
    }
    if (s->state == HTTP_SESSION_HEAD)
        buf_init(&s->call.fields, HTTP_HEAD_MAX);
    http_session_refuse(s, 408, "the request took too long to come");
}

/* ---- after the answer ---- */

void http_session_on_answered(struct http_session *s)
{
    ASSERT(s->state == HTTP_SESSION_SENDING);
    end_call(s);
    buf_release(&s->out);
    buf_init(&s->out, HTTP_PART_MAX);
    s->sent = 0;
    if (s->is_last) {
        s->state = HTTP_SESSION_LINGERING;
        set_deadline(s, LINGER_MS);
        linger(s);
        if (!s->is_unread)
            http_session_close(s);
    } else {
        s->state = HTTP_SESSION_HEAD;
        set_deadline(s, s->in.size > 0 ? s->server->options.request_timeout_ms
                                       : s->server->options.idle_timeout_ms);
        if (s->in.size > 0)
            io_timer_start(s->server->io, &s->turn, 0);
    }
    http_session_rewatch(s);
}

static void on_turn(struct io_timer *t)
{
    struct http_session *s = CONTAINER_OF(t, struct http_session, turn);

    if (s->state == HTTP_SESSION_SENDING)
        http_session_send(s);
    else
        advance(s);
}

static void on_work(struct io_task *t)
{
    struct http_session *s = CONTAINER_OF(t, struct http_session, work);

    if (s->state == HTTP_SESSION_CLOSED)
        free_session(s);
    else
        http_session_send(s);
}

/* ---- open, look ---- */

void http_session_open(struct http_server *server, struct socket *socket, bool is_secure)
{
    struct http_session *s = MEM_NEW(struct http_session);

    s->server = server;
    s->socket = socket;
    s->is_secure = is_secure;
    s->state = HTTP_SESSION_HEAD;
    buf_init(&s->in, IN_MAX);
    buf_init(&s->out, HTTP_PART_MAX);
    io_timer_init(&s->deadline, on_deadline);
    io_timer_init(&s->turn, on_turn);
    io_task_init(&s->work, on_work);
    list_push(&server->sessions, &s->link);
    socket_set_owner(socket, on_event, s);
    set_deadline(s, server->options.idle_timeout_ms);
    http_session_rewatch(s);
}

void http_session_check(const struct http_session *s)
{
    bool has_call = s->call.request != NULL;

    ASSERT((s->state == HTTP_SESSION_CLOSED) == (s->socket == NULL));
    ASSERT(s->sent <= s->out.size);
    ASSERT(s->in.size <= IN_MAX);
    ASSERT(s->body.size <= s->body.capacity);
    if (s->state == HTTP_SESSION_BUSY)
        ASSERT(has_call && s->call.is_begun && !s->call.is_answered); /* S1 */
    if (s->state == HTTP_SESSION_LINGERING || s->state == HTTP_SESSION_CLOSED)
        ASSERT(!has_call);
}
