/* Writes messages to clients. */
#include "amqp/deliver.h"

#include <string.h>

#include "amqp/channel.h"
#include "amqp/door.h"
#include "amqp/subscriber.h"
#include "amqp/wire/content.h"
#include "amqp/wire/frame.h"
#include "base/err.h"
#include "base/mem.h"
#include "msg/msg.h"
#include "msg/props.h"
#include "msg/table_writer.h"

enum {
    COPIED_MAX = 4 * 1024, /* larger bodies are sent from where they lie */
    DELIVER_FIXED_SIZE = 8 + 1 + 1 + 1 + FRAME_END_SIZE,
};

/* A body in parts, on its way. Frames go on over the ends of parts, because there are clients that
 * count on all but the last being full; what does not fill one yet waits in `tail`. */
struct large_body {
    struct list_link link; /* of connection.bodies */
    struct channel *channel;
    struct store_body *parts;
    uint64_t left; /* not in a frame yet, the tail counted */
    struct buf tail;
};

static struct output *output_of(const struct channel *ch)
{
    return &ch->connection->session.output;
}

/* ---- properties with counts ---- */

static bool make_counts(struct amqp *a, const struct delivery *d, struct table *out)
{
    struct table_writer w;

    buf_clear(&a->fields);
    table_writer_init(&w, &a->fields);
    if (d->has_offset)
        table_writer_long(&w, "x-stream-offset", (int64_t)d->offset);
    if (d->has_count && d->acquired_count > 0)
        table_writer_long(&w, "x-acquired-count", d->acquired_count);
    if (d->has_count && d->delivery_count > 0)
        table_writer_long(&w, "x-delivery-count", d->delivery_count);
    return table_writer_finish(&w, out) == 0;
}

static bool has_any(struct table headers, struct table counts)
{
    struct table_walk w = table_walk(counts);
    struct table_entry e;
    struct field found;
    bool has = false;

    while (headers.bytes.size > 0 && !has && table_next(&w, &e))
        has = table_find(headers, e.name, &found);
    return has;
}

/* The properties with x-acquired-count and x-delivery-count, or x-stream-offset, among the headers;
 * borrowed until the next call. What cannot be changed stays as it is. */
static struct bytes with_counts(struct amqp *a, const struct delivery *d, struct bytes props)
{
    struct table headers = {.bytes = bytes_of(NULL, 0)};
    struct props_edit edit;
    struct table counts;
    struct props p;

    if (props_decode(props, &p) != 0 || !make_counts(a, d, &counts))
        return props;
    props_find_headers(&p, &headers);
    buf_clear(&a->props);
    if (LIKELY(!has_any(headers, counts))) {
        props_encode_more(&p, counts, &a->props);
        return buf_error(&a->props) != 0 ? props : buf_view(&a->props);
    }
    buf_clear(&a->headers);
    table_rewrite(headers, counts, NULL, 0, &a->headers);
    props_edit_init(&edit, &p);
    props_set_headers(&edit, (struct table){buf_view(&a->headers)});
    props_encode(&edit, &a->props);
    if (buf_error(&a->headers) != 0 || buf_error(&a->props) != 0)
        return props;
    return buf_view(&a->props);
}

static struct bytes props_of(const struct channel *ch, const struct delivery *d,
                             const struct stored *m)
{
    if (LIKELY(!d->has_offset && (!d->has_count || d->acquired_count == 0)))
        return m->props;
    return with_counts(ch->connection->session.door, d, m->props);
}

/* ---- content ---- */

static void write_header(struct channel *ch, uint64_t body_size, struct bytes props)
{
    struct output *o = output_of(ch);
    size_t size = content_frame_size(props.size);
    uint8_t *at;

    if (size <= OUTPUT_BLOCK_SIZE) {
        struct writer w = writer_of(output_extend(o, size), size);
        content_write(&w, ch->id, body_size, props);
        ASSERT(!w.is_failed);
        return;
    }
    at = output_extend(o, FRAME_HEAD_SIZE + CONTENT_HEAD_SIZE);
    at = frame_put_head(at, FRAME_HEADER, ch->id, CONTENT_HEAD_SIZE + props.size);
    put_be16(at, CONTENT_CLASS);
    put_be16(at + 2, 0);
    put_be64(at + 4, body_size);
    output_copy(o, props);
    *output_extend(o, FRAME_END_SIZE) = FRAME_END;
}

/* Without a pin, or when they are few, they are copied. */
static void write_bytes(struct output *o, struct bytes bytes, struct store_pin pin)
{
    bool is_pinned = pin.block != NULL || pin.slab != NULL;

    if (bytes.size == 0)
        return;
    if (is_pinned && bytes.size > COPIED_MAX)
        output_pinned(o, bytes, store_pin_ref(pin));
    else
        output_copy(o, bytes);
}

static void write_frame_head(struct channel *ch, size_t size)
{
    frame_put_head(output_extend(output_of(ch), FRAME_HEAD_SIZE), FRAME_BODY, ch->id, size);
}

static void write_frame_end(struct channel *ch)
{
    *output_extend(output_of(ch), FRAME_END_SIZE) = FRAME_END;
}

/* A whole body in frames. */
static void write_body(struct channel *ch, struct bytes body, struct store_pin pin)
{
    struct body_cut cut = body_cut(body, ch->connection->frame_max);
    struct bytes part;

    while (body_next(&cut, &part)) {
        write_frame_head(ch, part.size);
        write_bytes(output_of(ch), part, pin);
        write_frame_end(ch);
    }
}

/* ---- large bodies ---- */

static void end_body(struct large_body *b)
{
    struct channel *ch = b->channel;

    list_remove(&b->link);
    store_body_close(b->parts);
    buf_release(&b->tail);
    ch->body = NULL;
    mem_free(b);
}

void body_stop(struct channel *ch)
{
    if (ch->body != NULL)
        end_body(ch->body);
}

/* What waited behind the body goes out; the channel is as before. */
static void finish_body(struct large_body *b)
{
    struct channel *ch = b->channel;

    end_body(b);
    output_copy(output_of(ch), buf_view(&ch->held));
    buf_release(&ch->held);
    buf_init(&ch->held, CHANNEL_HELD_MAX);
    session_flush(&ch->connection->session);
    ch->connection->has_room = true;
    connection_resume(ch->connection, STALL_BODY);
    if (ch->state == CHANNEL_FAILING)
        channel_end_later(ch);
}

/* The client got the front of a message whose rest is lost. */
static void fail_body(struct large_body *b)
{
    struct channel *ch = b->channel;
    struct reply r;

    end_body(b);
    reply_format(&r, REPLY_INTERNAL_ERROR, "the rest of a message cannot be read");
    mem_free(ch->end);
    ch->end = NULL;
    ch->state = CHANNEL_OPEN;
    channel_fail_later(ch, 0, &r);
}

/* Writes the frames that are full with this piece, or the last; the rest becomes the tail. */
static void write_piece(struct large_body *b, struct bytes piece, struct store_pin pin)
{
    struct channel *ch = b->channel;
    size_t part_max = ch->connection->frame_max - FRAME_EMPTY_SIZE;

    while (piece.size > 0) {
        size_t size = b->left < part_max ? (size_t)b->left : part_max;
        size_t missing = size - b->tail.size;

        if (piece.size < missing) {
            buf_bytes(&b->tail, piece);
            return;
        }
        write_frame_head(ch, size);
        output_copy(output_of(ch), buf_view(&b->tail));
        write_bytes(output_of(ch), bytes_of(piece.data, missing), pin);
        write_frame_end(ch);
        buf_clear(&b->tail);
        b->left -= size;
        piece = bytes_of(piece.data + missing, piece.size - missing);
    }
}

static void continue_body(struct large_body *b)
{
    struct channel *ch = b->channel;

    while (b->left > 0 && !connection_is_full(ch->connection)) {
        struct store_pin pin;
        struct bytes piece;
        int rv = store_body_next(b->parts, &piece, &pin);

        if (rv == ERR_AGAIN)
            return;
        if (rv != 0 || piece.size == 0 || piece.size > b->left - b->tail.size) {
            fail_body(b);
            return;
        }
        write_piece(b, piece, pin);
        store_pin_release(pin);
        session_flush(&ch->connection->session);
    }
    if (b->left == 0)
        finish_body(b);
}

/* It goes on in connection_work(), not inside a call from the store or a queue. */
static void continue_later(struct large_body *b)
{
    session_work(&b->channel->connection->session);
}

static void on_part_ready(void *owner)
{
    continue_later(owner);
}

static void start_body(struct channel *ch, const struct delivery *d, const struct stored *m)
{
    struct large_body *b = MEM_NEW(struct large_body);

    ASSERT(ch->body == NULL && d->queue != NULL);
    b->channel = ch;
    b->left = m->body_size;
    buf_init(&b->tail, ch->connection->frame_max);
    b->parts = store_body_open(queues_store(queue_home(d->queue)), m, on_part_ready, b);
    ch->body = b;
    list_push(&ch->connection->bodies, &b->link);
    continue_later(b);
}

void bodies_continue(struct connection *c)
{
    LIST_FOREACH_SAFE (link, &c->bodies)
        continue_body(CONTAINER_OF(link, struct large_body, link));
}

/* ---- deliver ---- */

static uint8_t *put_name(uint8_t *at, struct bytes name)
{
    *at++ = (uint8_t)name.size;
    if (name.size > 0)
        memcpy(at, name.data, name.size);
    return at + name.size;
}

/* The method frame of basic.deliver, `size` bytes. */
static uint8_t *put_deliver(uint8_t *at, size_t size, const struct subscriber *s, uint64_t tag,
                            const struct stored *m)
{
    uint8_t *start = at;

    memcpy(at, s->head, s->head_size);
    put_be32(at + FRAME_HEAD_SIZE - sizeof(uint32_t), (uint32_t)(size - FRAME_EMPTY_SIZE));
    at += s->head_size;
    put_be64(at, tag);
    at += sizeof(tag) + 1; /* the flag is the caller's */
    at = put_name(at, m->exchange);
    at = put_name(at, m->routing_key);
    *at++ = FRAME_END;
    ASSERT(at == start + size);
    return at;
}

size_t deliver_method_size(const struct subscriber *s, const struct stored *m)
{
    return s->head_size + DELIVER_FIXED_SIZE + m->exchange.size + m->routing_key.size;
}

void deliver_put_method(uint8_t *at, const struct subscriber *s, uint64_t tag,
                        const struct stored *m)
{
    (void)put_deliver(at, deliver_method_size(s, m), s, tag, m);
    at[s->head_size + sizeof(tag)] = false;
}

static void put_flag(uint8_t *frame, const struct subscriber *s, const struct delivery *d)
{
    frame[s->head_size + sizeof(uint64_t)] = d->is_redelivered;
}

void deliver_stored(struct subscriber *s, uint64_t tag, const struct delivery *d,
                    const struct stored *m, struct store_pin pin)
{
    struct channel *ch = s->channel;
    struct bytes props = props_of(ch, d, m);
    size_t method_size = deliver_method_size(s, m);
    size_t size = method_size + content_frame_size(props.size);

    session_flush(&ch->connection->session);
    if (LIKELY(m->parts == 0 && m->body.size <= COPIED_MAX && size <= OUTPUT_BLOCK_SIZE / 2)) {
        size += body_frames_size(m->body.size, ch->connection->frame_max);
        uint8_t *at = output_extend(output_of(ch), size);
        put_deliver(at, method_size, s, tag, m);
        put_flag(at, s, d);
        struct writer w = writer_of(at + method_size, size - method_size);
        content_write(&w, ch->id, m->body.size, props);
        body_write(&w, ch->id, m->body, ch->connection->frame_max);
        ASSERT(!w.is_failed && w.size == w.capacity);
        return;
    }
    uint8_t *at = output_extend(output_of(ch), method_size);
    put_deliver(at, method_size, s, tag, m);
    put_flag(at, s, d);
    write_header(ch, m->body_size, props);
    if (m->parts > 0)
        start_body(ch, d, m);
    else
        write_body(ch, m->body, pin);
}

void deliver_got(struct channel *ch, const struct method *head, const struct delivery *d,
                 const struct stored *m, struct store_pin pin)
{
    ASSERT(ch->body == NULL);
    connection_write(ch->connection, ch->id, head);
    write_header(ch, m->body_size, props_of(ch, d, m));
    if (m->parts > 0)
        start_body(ch, d, m);
    else
        write_body(ch, m->body, pin);
}

/* ---- copies ---- */

/* All pieces of a body in full frames. */
static void write_pieces(struct channel *ch, const struct message *m)
{
    size_t part_max = ch->connection->frame_max - FRAME_EMPTY_SIZE;
    uint64_t left = m->body_size;
    size_t open = 0; /* missing in the frame that was begun */

    for (size_t i = 0; i < m->body_count; i++) {
        struct bytes piece = m->body[i];
        while (piece.size > 0) {
            if (open == 0) {
                open = left < part_max ? (size_t)left : part_max;
                left -= open;
                write_frame_head(ch, open);
            }
            size_t size = piece.size < open ? piece.size : open;
            output_copy(output_of(ch), bytes_of(piece.data, size));
            piece = bytes_of(piece.data + size, piece.size - size);
            open -= size;
            if (open == 0)
                write_frame_end(ch);
        }
    }
}

/* Into what waits behind a large body; there it may lie in memory once more. */
static void hold_copy(struct channel *ch, const struct method *head, const struct message *m)
{
    size_t header_size = content_frame_size(m->props.bytes.size);
    size_t size = header_size + body_frames_size((size_t)m->body_size, ch->connection->frame_max);
    struct buf body;
    uint8_t *at;

    method_write_buf(&ch->held, ch->id, head);
    at = buf_extend(&ch->held, size);
    if (at == NULL)
        return;
    buf_init(&body, CHANNEL_HELD_MAX);
    for (size_t i = 0; i < m->body_count; i++)
        buf_bytes(&body, m->body[i]);
    struct writer w = writer_of(at, size);
    content_write(&w, ch->id, m->body_size, m->props.bytes);
    body_write(&w, ch->id, buf_view(&body), ch->connection->frame_max);
    buf_release(&body);
}

void deliver_copy(struct channel *ch, const struct method *head, const struct message *m)
{
    if (ch->body != NULL) {
        hold_copy(ch, head, m);
        channel_check_held(ch);
        return;
    }
    connection_write(ch->connection, ch->id, head);
    write_header(ch, m->body_size, m->props.bytes);
    write_pieces(ch, m);
}
