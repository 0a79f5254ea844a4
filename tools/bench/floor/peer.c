/* A connection of the floor: reads, answers every request, writes once a turn. */
#include <string.h>

#include "amqp/wire/frame.h"
#include "amqp/wire/greeting.h"
#include "amqp/wire/method.h"
#include "base/err.h"
#include "base/mem.h"
#include "io/net.h"
#include "msg/table_writer.h"
#include "tools/bench/floor/parts.h"

enum { PROPERTIES_MAX = 512 };

/* ---- writing ---- */

static void watch(struct peer *p)
{
    bool is_held = p->floor->is_held && p->is_publisher;

    socket_watch(p->socket, (is_held ? 0u : SOCKET_READ) | (p->is_full ? SOCKET_WRITE : 0u));
}

/* Moves what is left to the front when that is cheap. */
static void compact(struct peer *p)
{
    size_t left = p->out.size - p->out_done;

    if (p->out_done < left || p->out_done == 0)
        return;
    memmove(p->out.data, p->out.data + p->out_done, left);
    p->out.size = left;
    p->out_done = 0;
}

/* Publishers are read again when every consumer has caught up and the batch has room. */
static void release_publishers(struct floor *f)
{
    struct list_link *link;

    if (!f->is_held || !keep_has_room(&f->keep, FLOOR_MESSAGE_MAX))
        return;
    for (link = f->sinks.head.next; link != &f->sinks.head; link = link->next) {
        struct sink *s = CONTAINER_OF(link, struct sink, link);

        if (s->peer->out.size - s->peer->out_done > FLOOR_OUT_LIMIT / 2)
            return;
    }
    f->is_held = false;
    for (link = f->peers.head.next; link != &f->peers.head; link = link->next) {
        struct peer *p = CONTAINER_OF(link, struct peer, link);

        watch(p);
        if (p->is_publisher && p->rest.size > 0)
            io_later(f->io, &p->again);
    }
}

static void replay_more(struct peer *p)
{
    struct list_link *link;

    for (link = p->floor->sinks.head.next; link != &p->floor->sinks.head; link = link->next) {
        struct sink *s = CONTAINER_OF(link, struct sink, link);

        if (s->peer == p && s->is_stream)
            relay_replay(s);
    }
}

static void write_out(struct peer *p)
{
    struct iovec part = {.iov_base = p->out.data + p->out_done,
                         .iov_len = p->out.size - p->out_done};
    size_t done = 0;
    int rv = part.iov_len == 0 ? 0 : socket_write(p->socket, &part, 1, &done);

    if (rv != 0 && rv != ERR_AGAIN)
        return; /* the next read will tell */
    p->out_done += done;
    p->is_full = p->out_done < p->out.size;
    compact(p);
    watch(p);
    replay_more(p);
    release_publishers(p->floor);
}

static void on_flush(struct io_task *t)
{
    struct peer *p = CONTAINER_OF(t, struct peer, flush);

    if (!p->is_full)
        write_out(p);
}

void peer_write_later(struct peer *p)
{
    io_later(p->floor->io, &p->flush);
}

/* ---- requests ---- */

static void send_method(struct peer *p, uint16_t channel, const struct method *m)
{
    method_write_buf(&p->out, channel, m);
    peer_write_later(p);
}

static void send_start(struct peer *p)
{
    struct method m = {
        .id = METHOD_CONNECTION_START,
        .connection_start = {.version_major = 0,
                             .version_minor = 9,
                             .mechanisms = bytes_text("PLAIN"),
                             .locales = bytes_text("en_US")},
    };
    struct table_writer w;
    struct buf area;
    int rv;

    buf_init(&area, PROPERTIES_MAX);
    table_writer_init(&w, &area);
    table_writer_text(&w, "product", bytes_text("the floor of millrace-bench"));
    rv = table_writer_finish(&w, &m.connection_start.server_properties);
    ASSERT(rv == 0);
    send_method(p, 0, &m);
    buf_release(&area);
}

static void send_tune(struct peer *p)
{
    struct method m = {
        .id = METHOD_CONNECTION_TUNE,
        .connection_tune = {.channel_max = FLOOR_CHANNEL_MAX, .frame_max = FLOOR_FRAME_MAX},
    };

    send_method(p, 0, &m);
}

static bool has_entry(struct table t, const char *name)
{
    struct field value;

    return table_find(t, bytes_text(name), &value);
}

/* queue.declare: what is durable is kept before it is answered. */
static void take_declare(struct peer *p, uint16_t channel, const struct method *m)
{
    struct floor *f = p->floor;
    struct method reply = {.id = METHOD_QUEUE_DECLARE_OK};
    bool is_stream = has_entry(m->queue_declare.arguments, "x-queue-type");

    if (!m->queue_declare.passive)
        f->published = 0;
    if (!m->queue_declare.passive && is_stream)
        keep_restart(&f->keep);
    reply.queue_declare_ok.queue = m->queue_declare.queue;
    reply.queue_declare_ok.message_count = (uint32_t)f->published;
    if (m->queue_declare.passive || is_stream || !m->queue_declare.durable ||
        f->keep.file == NULL || !keep_has_room(&f->keep, m->queue_declare.queue.size)) {
        send_method(p, channel, &reply);
        return;
    }
    keep_add(&f->keep, m->queue_declare.queue);
    method_write_buf(&p->held, channel, &reply);
}

/* basic.consume: from now on every message goes there too. */
static void take_consume(struct peer *p, uint16_t channel, const struct method *m)
{
    struct sink *s = MEM_NEW(struct sink);
    struct writer w = writer_of(s->opening, sizeof(s->opening));
    struct method reply = {.id = METHOD_BASIC_CONSUME_OK};

    writer_be32(&w, METHOD_BASIC_DELIVER);
    writer_u8(&w, (uint8_t)m->basic_consume.consumer_tag.size);
    writer_bytes(&w, m->basic_consume.consumer_tag);
    ASSERT(!w.is_failed);
    s->peer = p;
    s->channel = channel;
    s->opening_size = w.size;
    s->is_stream = has_entry(m->basic_consume.arguments, "x-stream-offset");
    s->replay.keep = &p->floor->keep;
    list_push(&p->floor->sinks, &s->link);
    reply.basic_consume_ok.consumer_tag = m->basic_consume.consumer_tag;
    send_method(p, channel, &reply);
    if (s->is_stream)
        relay_replay(s);
}

static void take_method(struct peer *p, uint16_t channel, const struct method *m)
{
    const struct method_kind *kind = method_kind_find(m->id);
    struct method reply = {.id = kind == NULL ? METHOD_NONE : kind->reply};

    if (m->id == METHOD_CONNECTION_START_OK)
        send_tune(p);
    if (m->id == METHOD_CONFIRM_SELECT)
        p->has_confirms = true;
    if (m->id == METHOD_QUEUE_DECLARE)
        take_declare(p, channel, m);
    else if (m->id == METHOD_BASIC_CONSUME)
        take_consume(p, channel, m);
    else if (m->id == METHOD_CONNECTION_CLOSE)
        send_method(p, 0, &(struct method){.id = METHOD_CONNECTION_CLOSE_OK});
    else if (reply.id != METHOD_NONE)
        send_method(p, channel, &reply);
}

/* ---- reading ---- */

/* Takes one frame, or one publish with all its frames: how many bytes; 0 for more to come. */
static size_t take_one(struct peer *p, struct bytes window)
{
    struct frame f;
    struct method m;

    if (!p->is_greeted && window.size >= GREETING_SIZE) {
        p->is_greeted = true;
        send_start(p);
        return GREETING_SIZE;
    }
    if (!p->is_greeted || window.size < FRAME_HEAD_SIZE + 4)
        return 0;
    if (window.data[0] == FRAME_METHOD &&
        get_be32(window.data + FRAME_HEAD_SIZE) == METHOD_BASIC_PUBLISH)
        return relay_take(p, window);
    switch (frame_decode(window, FLOOR_FRAME_MAX, &f)) {
    case WIRE_OK:
        break;
    case WIRE_MORE:
        return 0;
    default:
        return SIZE_MAX;
    }
    if (f.type == FRAME_METHOD && get_be32(f.payload.data) == METHOD_BASIC_ACK)
        return f.size;
    if (f.type == FRAME_METHOD && method_decode(f.payload, &m) == WIRE_OK)
        take_method(p, f.channel, &m);
    return f.size;
}

/* All whole frames of the window; false when they make no sense. */
static bool take_all(struct peer *p, struct bytes window)
{
    size_t done = 0, size = 0;

    while (done < window.size) {
        size = take_one(p, bytes_of(window.data + done, window.size - done));
        if (size == 0 || size == SIZE_MAX)
            break;
        done += size;
    }
    buf_clear(&p->rest);
    buf_bytes(&p->rest, bytes_of(window.data + done, window.size - done));
    return size != SIZE_MAX && buf_error(&p->rest) == 0 && buf_error(&p->out) == 0;
}

/* Takes what is in the inbox. */
static void take_inbox(struct peer *p, size_t size)
{
    struct floor *f = p->floor;

    if (!take_all(p, bytes_of(f->inbox, size))) {
        peer_free(p);
        return;
    }
    if (f->keep.file == NULL)
        relay_confirm(f);
    else
        keep_commit(&f->keep);
}

static void on_readable(struct peer *p)
{
    struct floor *f = p->floor;
    size_t kept = p->rest.size, done = 0;
    int rv;

    if (kept > 0)
        memcpy(f->inbox, p->rest.data, kept);
    rv = socket_read(p->socket, f->inbox + kept, FLOOR_READ_SIZE, &done);
    if (rv == 0)
        take_inbox(p, kept + done);
    else if (rv != ERR_AGAIN)
        peer_free(p);
}

/* Messages that had no room in the batch lie there whole. */
static void on_again(struct io_task *t)
{
    struct peer *p = CONTAINER_OF(t, struct peer, again);
    size_t kept = p->rest.size;

    memcpy(p->floor->inbox, p->rest.data, kept);
    take_inbox(p, kept);
}

static void on_event(void *owner, struct socket *s, unsigned events)
{
    struct peer *p = owner;

    ASSERT(p->socket == s);
    if ((events & SOCKET_READ) != 0) {
        on_readable(p);
        return;
    }
    p->is_full = false;
    write_out(p);
}

/* ---- begin and end ---- */

void peer_new(void *owner, struct socket *s)
{
    struct floor *f = owner;
    struct peer *p = MEM_NEW(struct peer);

    p->floor = f;
    p->socket = s;
    buf_init(&p->rest, FLOOR_MESSAGE_MAX);
    buf_init(&p->held, FLOOR_OUT_MAX);
    buf_init(&p->committed, FLOOR_OUT_MAX);
    buf_init(&p->out, FLOOR_OUT_MAX);
    io_task_init(&p->flush, on_flush);
    io_task_init(&p->again, on_again);
    list_push(&f->peers, &p->link);
    socket_set_owner(s, on_event, p);
    watch(p);
}

static void free_sinks(struct peer *p)
{
    struct list_link *link = p->floor->sinks.head.next;

    while (link != &p->floor->sinks.head) {
        struct sink *s = CONTAINER_OF(link, struct sink, link);

        link = link->next;
        if (s->peer != p)
            continue;
        list_remove(&s->link);
        if (s->replay.is_running) {
            s->replay.is_orphan = true; /* freed when it ends */
            continue;
        }
        mem_free(s->replay.chunk);
        mem_free(s);
    }
}

void peer_free(struct peer *p)
{
    struct floor *f = p->floor;

    free_sinks(p);
    io_task_cancel(&p->flush);
    io_task_cancel(&p->again);
    list_remove(&p->link);
    socket_close(p->socket);
    buf_release(&p->rest);
    buf_release(&p->held);
    buf_release(&p->committed);
    buf_release(&p->out);
    mem_free(p);
    release_publishers(f);
}
