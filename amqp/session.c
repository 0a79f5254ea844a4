/* Reading, writing and ending of a session. */
#include "amqp/session.h"

#include "amqp/connection.h"
#include "amqp/door.h"
#include "base/err.h"

enum {
    WRITE_PARTS_MAX = 256,
    WRITE_TURN_MAX = 1 << 20, /* bytes written in one turn */
    LAST_READS_MAX = 64,      /* before the socket is closed */
};

#define MS_NS UINT64_C(1000000)

static struct connection *connection_of(struct session *s)
{
    return CONTAINER_OF(s, struct connection, session);
}

void session_rewatch(struct session *s)
{
    unsigned events = s->is_full ? SOCKET_WRITE : 0;

    if (session_is_closed(s))
        return;
    if (!s->is_finishing && connection_reads(connection_of(s)))
        events |= SOCKET_READ;
    if (events == s->watched)
        return;
    if ((events & ~s->watched & SOCKET_READ) != 0)
        s->read_ns = io_now_ns(s->door->io); /* silence begins now */
    s->watched = events;
    socket_watch(s->socket, events);
}

/* ---- the end ---- */

void session_close(struct session *s)
{
    if (session_is_closed(s))
        return;
    socket_close(s->socket);
    s->socket = NULL;
    s->is_full = false;
    io_timer_stop(s->door->io, &s->output_timer);
    connection_on_close(connection_of(s));
    io_later(s->door->io, &s->work_task);
}

/* Takes what the client still sent, so that closing does not make the system throw away what was
 * written to him. */
static void close_gently(struct session *s)
{
    size_t done;

    for (int i = 0; i < LAST_READS_MAX; i++)
        if (socket_read(s->socket, s->door->scratch, INPUT_SCRATCH_SIZE, &done) != 0)
            break;
    session_close(s);
}

void session_finish(struct session *s)
{
    s->is_finishing = true;
    session_rewatch(s);
    session_flush(s);
}

/* ---- out ---- */

static void start_output_timer(struct session *s)
{
    io_timer_start(s->door->io, &s->output_timer, s->door->options->output_timeout_ms * MS_NS);
}

static void on_output_timer(struct io_timer *t)
{
    struct session *s = CONTAINER_OF(t, struct session, output_timer);

    door_say(s, DIAG_WARNING, "a client that reads nothing is cut off peer=%s", look_who(s));
    session_close(s);
}

static void on_full(struct session *s)
{
    if (!s->is_full)
        start_output_timer(s);
    s->is_full = true;
    session_rewatch(s);
}

static void on_room(struct session *s)
{
    io_timer_stop(s->door->io, &s->output_timer);
    s->is_full = false;
    session_rewatch(s);
}

/* What went over the socket counts for the door, the connection and its virtual host. */
static void count_bytes(struct session *s, size_t received, size_t sent)
{
    struct visit *visit = connection_of(s)->visit;

    s->door->stats.received_bytes += received;
    s->door->stats.sent_bytes += sent;
    s->look.received_bytes += received;
    s->look.sent_bytes += sent;
    if (visit != NULL)
        visit_count_bytes(visit, received, sent);
}

/* Writes until nothing is left, the socket is full, or it was enough for this turn. */
static void write_out(struct session *s)
{
    struct iovec parts[WRITE_PARTS_MAX];
    size_t left = WRITE_TURN_MAX;
    bool is_full = false;
    bool has_moved = false;

    while (s->output.count > 0 && left > 0 && !is_full) {
        int count = output_gather(&s->output, parts, WRITE_PARTS_MAX, left);
        size_t size = 0;
        size_t done = 0;
        int rv = socket_write(s->socket, parts, count, &done);

        if (rv != 0 && rv != ERR_AGAIN) {
            session_close(s);
            return;
        }
        for (int i = 0; i < count; i++)
            size += parts[i].iov_len;
        has_moved = has_moved || done > 0;
        is_full = done < size;
        left = done < left ? left - done : 0;
        output_sent(&s->output, done);
        s->look.sent_count++;
        count_bytes(s, 0, done);
    }
    if (has_moved) {
        s->wrote_ns = io_now_ns(s->door->io);
        if (s->is_full)
            start_output_timer(s);
    }
    if (s->output.count > 0)
        on_full(s);
    else if (s->is_full)
        on_room(s);
    connection_on_sent(connection_of(s));
}

static void flush(struct session *s)
{
    if (session_is_closed(s))
        return;
    if (s->output.count > 0)
        write_out(s);
    if (!session_is_closed(s) && s->is_finishing && s->output.count == 0)
        close_gently(s);
}

/* The first time in a turn it goes to the end of the row of tasks, behind those of the queues, so
 * that what they deliver goes out in the same write. */
static void on_flush_task(struct io_task *t)
{
    struct session *s = CONTAINER_OF(t, struct session, flush_task);

    if (!s->is_flush_due) {
        s->is_flush_due = true;
        io_later(s->door->io, &s->flush_task);
        return;
    }
    s->is_flush_due = false;
    if (!s->is_full)
        flush(s);
}

void session_flush(struct session *s)
{
    if (!session_is_closed(s) && !s->is_full)
        io_later(s->door->io, &s->flush_task);
}

/* ---- in ---- */

static void take(struct session *s, struct bytes window)
{
    size_t taken = connection_take(connection_of(s), window);

    if (session_is_closed(s))
        taken = window.size;
    input_keep(&s->input, window, taken);
    session_rewatch(s);
}

static void read_some(struct session *s)
{
    struct input_window w = input_window(&s->input, s->door->scratch);
    size_t done = 0;
    int rv = socket_read(s->socket, w.data + w.size, w.room, &done);

    if (rv == ERR_AGAIN)
        return;
    if (rv != 0) {
        session_close(s);
        return;
    }
    s->look.received_count++;
    count_bytes(s, done, 0);
    s->read_ns = io_now_ns(s->door->io);
    take(s, bytes_of(w.data, w.size + done));
}

static void on_work_task(struct io_task *t)
{
    struct session *s = CONTAINER_OF(t, struct session, work_task);
    struct connection *c = connection_of(s);

    if (session_is_closed(s)) {
        connection_free(c);
        return;
    }
    connection_work(c);
    if (session_is_closed(s))
        return; /* it is due again, to be freed */
    struct bytes left = input_left(&s->input);
    if (left.size > 0 && connection_reads(c) && !s->is_finishing)
        take(s, left);
    session_rewatch(s);
}

void session_work(struct session *s)
{
    io_later(s->door->io, &s->work_task);
}

static void on_event(void *owner, struct socket *socket, unsigned events)
{
    struct session *s = owner;

    (void)socket;
    if ((events & SOCKET_WRITE) != 0 && s->is_full)
        flush(s);
    if ((events & SOCKET_READ) != 0 && !session_is_closed(s) && (s->watched & SOCKET_READ) != 0)
        read_some(s);
}

/* ---- the beginning ---- */

void session_init(struct session *s, struct amqp *door, struct socket *socket)
{
    s->door = door;
    s->socket = socket;
    s->read_ns = s->wrote_ns = io_now_ns(door->io);
    output_init(&s->output, &door->spares);
    io_task_init(&s->flush_task, on_flush_task);
    io_task_init(&s->work_task, on_work_task);
    io_timer_init(&s->output_timer, on_output_timer);
    socket_peer(socket, &s->peer);
    socket_set_owner(socket, on_event, s);
}
