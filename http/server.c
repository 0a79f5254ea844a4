/* Listeners, all connections, stopping. */
#include "http/server.h"

#include "base/mem.h"
#include "http/server_parts.h"

#define MS_NS UINT64_C(1000000)

enum { STOP_PATIENCE_MS = 3000 };

struct http_options http_options_default(void)
{
    return (struct http_options){
        .connections_max = 1024,
        .idle_timeout_ms = 60000,
        .request_timeout_ms = 10000,
        .output_timeout_ms = 60000,
        .bodies_max_bytes = 64 << 20,
        .name = "http",
    };
}

static void on_stop_timer(struct io_timer *t)
{
    struct http_server *s = CONTAINER_OF(t, struct http_server, stop_timer);

    LIST_FOREACH_SAFE (link, &s->sessions)
        http_session_close(CONTAINER_OF(link, struct http_session, link));
}

static void tell_stopped(struct io_task *t)
{
    struct http_server *s = CONTAINER_OF(t, struct http_server, stop_task);

    s->stopped(s->stopped_owner);
}

struct http_server *http_server_new(struct io *io, const struct http_options *options,
                                    const struct http_service *service)
{
    struct http_server *s = MEM_NEW(struct http_server);

    ASSERT(service->begin != NULL && service->serve != NULL && service->dropped != NULL);
    s->io = io;
    s->options = *options;
    s->service = *service;
    list_init(&s->sessions);
    io_timer_init(&s->stop_timer, on_stop_timer);
    io_task_init(&s->stop_task, tell_stopped);
    return s;
}

static void pause_listeners(struct http_server *s, bool is_paused)
{
    if (s->is_paused == is_paused)
        return;
    s->is_paused = is_paused;
    for (struct http_listener *l = s->listeners; l != NULL; l = l->next)
        listener_pause(l->listener, is_paused);
}

void http_server_take(struct http_server *s, struct socket *socket, bool is_secure)
{
    if (s->is_stopping) {
        socket_close(socket);
        return;
    }
    s->stats.accepted++;
    s->stats.connections++;
    http_session_open(s, socket, is_secure);
    if (s->stats.connections >= s->options.connections_max)
        pause_listeners(s, true);
}

static void on_accept(void *owner, struct socket *socket)
{
    http_server_take(owner, socket, false);
}

int http_server_listen(struct http_server *s, const char *host, uint16_t port,
                       struct err_note *note)
{
    struct listener *listener;
    int rv = listener_open(s->io, host, port, on_accept, s, &listener, note);

    if (rv != 0)
        return rv;
    struct http_listener *l = MEM_NEW(struct http_listener);
    l->listener = listener;
    l->next = s->listeners;
    s->listeners = l;
    s->port = listener_port(listener);
    listener_pause(listener, s->is_paused);
    return 0;
}

uint16_t http_server_port(const struct http_server *s)
{
    return s->port;
}

static void close_listeners(struct http_server *s)
{
    while (s->listeners != NULL) {
        struct http_listener *l = s->listeners;

        s->listeners = l->next;
        listener_close(l->listener);
        mem_free(l);
    }
}

void http_server_stop(struct http_server *s, void (*stopped)(void *owner), void *owner)
{
    ASSERT(!s->is_stopping);
    s->is_stopping = true;
    s->stopped = stopped;
    s->stopped_owner = owner;
    close_listeners(s);
    LIST_FOREACH_SAFE (link, &s->sessions)
        http_session_stop(CONTAINER_OF(link, struct http_session, link));
    if (s->stats.connections == 0)
        io_later(s->io, &s->stop_task);
    else
        io_timer_start(s->io, &s->stop_timer, STOP_PATIENCE_MS * MS_NS);
}

void http_server_free(struct http_server *s)
{
    if (s == NULL)
        return;
    ASSERT(s->stats.connections == 0 && list_empty(&s->sessions));
    ASSERT(s->stats.body_bytes == 0);
    close_listeners(s);
    io_timer_stop(s->io, &s->stop_timer);
    io_task_cancel(&s->stop_task);
    mem_free(s);
}

void http_server_forget(struct http_server *s)
{
    ASSERT(s->stats.connections > 0);
    s->stats.connections--;
    if (s->is_stopping) {
        if (s->stats.connections == 0)
            io_later(s->io, &s->stop_task);
        return;
    }
    pause_listeners(s, false);
}

void http_server_get_stats(const struct http_server *s, struct http_stats *out)
{
    *out = s->stats;
}

void http_server_check(const struct http_server *s)
{
    uint64_t count = 0;
    uint64_t body_bytes = 0;

    LIST_FOREACH (link, &s->sessions) {
        const struct http_session *session = CONTAINER_OF(link, struct http_session, link);

        http_session_check(session);
        body_bytes += session->body.capacity;
        count++;
    }
    ASSERT(count == s->stats.connections);
    ASSERT(body_bytes == s->stats.body_bytes);
}
