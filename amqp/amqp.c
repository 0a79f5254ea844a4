/* The door: listeners, all sessions, stopping. */
#include "amqp/amqp.h"

#include <stdarg.h>
#include <stdio.h>

#include "amqp/connection.h"
#include "amqp/door.h"
#include "amqp/input.h"
#include "base/mem.h"
#include "msg/props.h"

enum {
    PROPS_MAX = 2 << 20, /* no frame is larger */
};

/* The next turn: who has had a share in the last one goes on. */
static void on_rest(struct io_timer *t)
{
    struct amqp *a = CONTAINER_OF(t, struct amqp, rest_timer);
    struct list_link *link;

    while ((link = list_take(&a->resting)) != NULL)
        connection_resume(CONTAINER_OF(link, struct connection, rest.link), STALL_REST);
}

struct amqp *amqp_new(struct io *io, struct broker *b, const struct amqp_options *options)
{
    struct amqp *a = MEM_NEW(struct amqp);

    a->io = io;
    a->voices.room = "connection";
    a->channel_voices.room = "channel";
    a->broker = b;
    a->options = options;
    a->seed = io_random(io);
    a->scratch = mem_alloc(INPUT_SCRATCH_SIZE);
    buf_init(&a->props, PROPS_MAX);
    buf_init(&a->headers, PROPS_MAX);
    buf_init(&a->fields, PROPS_MAX);
    list_init(&a->sessions);
    list_init(&a->resting);
    map_init(&a->by_id);
    io_timer_init(&a->rest_timer, on_rest);
    return a;
}

static void on_accept(void *owner, struct socket *s)
{
    struct amqp *a = owner;

    if (a->is_stopping) {
        socket_close(s);
        return;
    }
    connection_open(a, s);
}

int amqp_listen(struct amqp *a, const struct gate_options *o, struct err_note *note)
{
    struct gate *gate;
    int rv = gate_open(a->io, o, (struct gate_door){on_accept, a}, &gate, note);

    if (rv != 0)
        return rv;
    struct door_gate *g = MEM_NEW(struct door_gate);
    g->gate = gate;
    g->is_secure = o->tls != NULL;
    (void)snprintf(g->host, sizeof(g->host), "%s", o->host);
    g->next = a->gates;
    a->gates = g;
    a->port = gate_port(gate);
    return 0;
}

uint16_t amqp_port(const struct amqp *a)
{
    return a->port;
}

void amqp_close_gates(struct amqp *a)
{
    while (a->gates != NULL) {
        struct door_gate *g = a->gates;

        a->gates = g->next;
        gate_close(g->gate);
        mem_free(g);
    }
}

static void tell_stopped(struct io_task *t)
{
    struct amqp *a = CONTAINER_OF(t, struct amqp, stop_task);

    a->stopped(a->stopped_owner);
}

void amqp_stop(struct amqp *a, void (*stopped)(void *owner), void *owner)
{
    ASSERT(!a->is_stopping);
    a->is_stopping = true;
    a->stopped = stopped;
    a->stopped_owner = owner;
    io_task_init(&a->stop_task, tell_stopped);
    amqp_close_gates(a);
    LIST_FOREACH (link, &a->sessions)
        connection_stop(CONTAINER_OF(link, struct connection, session.link));
    if (a->session_count == 0)
        io_later(a->io, &a->stop_task);
}

void amqp_free(struct amqp *a)
{
    ASSERT(a->session_count == 0 && list_empty(&a->sessions));
    amqp_close_gates(a);
    io_timer_stop(a->io, &a->rest_timer);
    if (a->is_stopping)
        io_task_cancel(&a->stop_task);
    output_spares_release(&a->spares);
    buf_release(&a->props);
    buf_release(&a->headers);
    buf_release(&a->fields);
    look_release(a);
    map_release(&a->by_id);
    mem_free(a->scratch);
    mem_free(a);
}

void door_forget(struct amqp *a)
{
    ASSERT(a->session_count > 0);
    a->session_count--;
    a->stats.closed++;
    if (a->is_stopping && a->session_count == 0)
        io_later(a->io, &a->stop_task);
}

void amqp_get_stats(const struct amqp *a, struct amqp_stats *out)
{
    *out = a->stats;
    out->connections = a->session_count;
}

void amqp_check(const struct amqp *a)
{
    uint64_t count = 0;

    LIST_FOREACH (link, &a->sessions) {
        connection_check(CONTAINER_OF(link, struct connection, session.link));
        count++;
    }
    ASSERT(count == a->session_count);
}

static void PRINTF_LIKE(4, 0) say(struct voices *v, const struct session *s, enum diag_level level,
                                  const char *format, va_list args)
{
    const struct voices_line line = {
        .now_ns = io_now_ns(s->door->io), .level = level, .peer = s->peer.text};

    voices_vsay(v, &line, format, args);
}

void door_say(const struct session *s, enum diag_level level, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    say(&s->door->voices, s, level, format, args);
    va_end(args);
}

void door_say_of_channel(const struct session *s, enum diag_level level, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    say(&s->door->channel_voices, s, level, format, args);
    va_end(args);
}
