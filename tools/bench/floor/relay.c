/* From a publish to the deliveries: finds the ends of frames and copies. */
#include "amqp/wire/content.h"
#include "amqp/wire/method.h"
#include "base/mem.h"
#include "io/net.h"
#include "tools/bench/floor/parts.h"

enum {
    TAG_SIZE = 8,
    PUBLISH_NAMES_AT = 6, /* behind ids and ticket: exchange and key, then a byte of flags */
    PUBLISH_LEAST = PUBLISH_NAMES_AT + 3,
    BODY_SIZE_AT = FRAME_HEAD_SIZE + 4,
};

/* The whole size of the frame at `at` in the window; 0 when its end is not there. */
static size_t frame_size_at(struct bytes window, size_t at)
{
    size_t size;

    if (window.size - at < FRAME_HEAD_SIZE)
        return 0;
    size = (size_t)get_be32(window.data + at + 3) + FRAME_EMPTY_SIZE;
    return size > window.size - at ? 0 : size;
}

size_t relay_read(struct bytes window, struct relay_message *out)
{
    size_t at = frame_size_at(window, 0), header = at > 0 ? frame_size_at(window, at) : 0;
    uint64_t body_left;

    if (header < content_frame_size(2))
        return 0;
    if (at < FRAME_EMPTY_SIZE + PUBLISH_LEAST)
        return SIZE_MAX;
    body_left = get_be64(window.data + at + BODY_SIZE_AT);
    if (body_left > FLOOR_MESSAGE_MAX / 2)
        return SIZE_MAX;
    out->publish = at;
    at += header;
    while (body_left > 0) {
        size_t size = frame_size_at(window, at);

        if (size == 0)
            return 0;
        if (size - FRAME_EMPTY_SIZE > body_left || size == FRAME_EMPTY_SIZE)
            return SIZE_MAX;
        body_left -= size - FRAME_EMPTY_SIZE;
        at += size;
    }
    out->frames = bytes_of(window.data, at);
    return at;
}

/* Writes the channel into each frame. */
static void set_channel(uint8_t *at, const uint8_t *end, uint16_t channel)
{
    while (at < end) {
        put_be16(at + 1, channel);
        at += get_be32(at + 3) + FRAME_EMPTY_SIZE;
    }
}

void relay_deliver(struct sink *s, const struct relay_message *m)
{
    const uint8_t *frames = m->frames.data;
    const uint8_t *names = frames + FRAME_HEAD_SIZE + PUBLISH_NAMES_AT;
    size_t names_size = m->publish - FRAME_EMPTY_SIZE - PUBLISH_NAMES_AT - 1;
    size_t head = s->opening_size + TAG_SIZE + 1 + names_size;
    size_t content = m->frames.size - m->publish;
    uint8_t *at = buf_extend(&s->peer->out, FRAME_EMPTY_SIZE + head + content);

    if (at == NULL)
        return; /* peer_write_later() sees that it failed */
    at = frame_put_head(at, FRAME_METHOD, s->channel, head);
    memcpy(at, s->opening, s->opening_size);
    at += s->opening_size;
    put_be64(at, ++s->tag);
    at[TAG_SIZE] = 0; /* not redelivered */
    at += TAG_SIZE + 1;
    memcpy(at, names, names_size);
    at[names_size] = FRAME_END;
    at += names_size + 1;
    memcpy(at, frames + m->publish, content);
    if (get_be16(frames + 1) != s->channel)
        set_channel(at, at + content, s->channel);
}

/* A consumer that is far behind holds the publishers until it has caught up. */
static void hold(struct floor *f)
{
    struct list_link *link;

    f->is_held = true;
    for (link = f->peers.head.next; link != &f->peers.head; link = link->next) {
        struct peer *p = CONTAINER_OF(link, struct peer, link);

        if (p->is_publisher)
            socket_watch(p->socket, p->is_full ? SOCKET_WRITE : 0);
    }
}

static void deliver_to_all(struct floor *f, const struct relay_message *message)
{
    struct list_link *link;

    for (link = f->sinks.head.next; link != &f->sinks.head; link = link->next) {
        struct sink *s = CONTAINER_OF(link, struct sink, link);

        if (s->is_stream)
            continue;
        relay_deliver(s, message);
        peer_write_later(s->peer);
        if (s->peer->out.size - s->peer->out_done > FLOOR_OUT_LIMIT && !f->is_held)
            hold(f);
    }
}

size_t relay_take(struct peer *p, struct bytes window)
{
    struct floor *f = p->floor;
    struct relay_message message;
    size_t size = relay_read(window, &message);

    if (size == 0 || size == SIZE_MAX)
        return size;
    if (p->has_confirms && !keep_has_room(&f->keep, size)) {
        hold(f);
        return 0;
    }
    p->is_publisher = true;
    f->published++;
    if (p->has_confirms) {
        p->published++;
        keep_add(&f->keep, message.frames);
    }
    deliver_to_all(f, &message);
    return size;
}

void relay_begin(struct floor *f)
{
    struct list_link *link;

    for (link = f->peers.head.next; link != &f->peers.head; link = link->next) {
        struct peer *p = CONTAINER_OF(link, struct peer, link);

        p->kept = p->published;
        buf_bytes(&p->committed, buf_view(&p->held));
        buf_clear(&p->held);
    }
}

static void confirm(struct peer *p, uint64_t safe)
{
    struct method m = {
        .id = METHOD_BASIC_ACK,
        .basic_ack = {.delivery_tag = safe, .multiple = safe - p->confirmed > 1},
    };

    if (safe > p->confirmed)
        method_write_buf(&p->out, 1, &m);
    p->confirmed = safe;
    buf_bytes(&p->out, buf_view(&p->committed));
    buf_clear(&p->committed);
    if (p->out.size > 0)
        peer_write_later(p);
}

void relay_confirm(struct floor *f)
{
    struct list_link *link;

    for (link = f->peers.head.next; link != &f->peers.head; link = link->next) {
        struct peer *p = CONTAINER_OF(link, struct peer, link);

        confirm(p, f->keep.file == NULL ? p->published : p->kept);
    }
}

/* ---- streams ---- */

static void on_chunk(struct replay *r)
{
    struct sink *s = CONTAINER_OF(r, struct sink, replay);
    struct relay_message message;
    size_t done = 0, size;

    if (r->is_orphan) {
        mem_free(r->chunk);
        mem_free(s);
        return;
    }
    if (r->result != 0)
        return; /* nothing more comes, and the client says so */
    while ((size = relay_read(bytes_of(r->chunk + done, r->size - done), &message)) > 0 &&
           size != SIZE_MAX) {
        relay_deliver(s, &message);
        done += size;
    }
    r->at += done;
    peer_write_later(s->peer);
    relay_replay(s);
}

void relay_replay(struct sink *s)
{
    s->replay.on_chunk = on_chunk;
    if (s->peer->out.size - s->peer->out_done < FLOOR_OUT_LIMIT)
        (void)replay_next(&s->replay);
}
